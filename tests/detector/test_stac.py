"""STAC items as scenes: which image, when, and whose."""

import json
from pathlib import Path
from typing import Any

import pytest

from apronwatch.errors import BandsUnclear, ContradictingTimes, NoTime, SceneUnreadable
from apronwatch.manifest import expand
from apronwatch.scene import Scene
from tests.rasters import make_raster
from tests.web import serve


def item(*, item_id: str = "one", assets: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    visual = {"href": "./a.tif", "type": "image/tiff; application=geotiff", "roles": ["visual"]}
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": item_id,
        "geometry": None,
        "properties": {"datetime": "2024-12-10T08:15:30Z"} | properties,
        "links": [],
        "assets": {"visual": visual} if assets is None else assets,
    }


def write(path: Path, document: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def image(href: str = "./a.tif", *roles: str, **more: Any) -> dict[str, Any]:
    return {"href": href, "type": "image/tiff", "roles": list(roles), **more}


def test_an_item_says_where_when_and_whose(tmp_path: Path) -> None:
    make_raster(tmp_path / "a.tif")
    providers = [{"name": "Maxar"}, {"name": "Someone"}]
    path = write(
        tmp_path / "item.json",
        item(gsd=0.5, platform="worldview-3", catalog_id="10400100AA", providers=providers),
    )
    with Scene.open(path) as scene:
        info = scene.info
    assert info.path == str(path)
    assert info.time is not None
    assert (info.time.isoformat(), info.time_source) == ("2024-12-10T08:15:30+00:00", "stac")
    assert (info.sensor, info.acquisition, info.attribution) == (
        "worldview-3",
        "10400100AA",
        "Maxar, Someone",
    )
    with Scene.open(tmp_path / "a.tif", undated=True) as scene:
        assert scene.info.identity == info.identity


def test_the_measured_gsd_stands_and_a_far_hint_is_told(tmp_path: Path) -> None:
    make_raster(tmp_path / "a.tif")
    with Scene.open(write(tmp_path / "item.json", item(gsd=0.3))) as scene:
        assert scene.gsd_m == pytest.approx(0.5, rel=2e-3)
        assert scene.warnings == ()
    with Scene.open(write(tmp_path / "item.json", item(gsd=10))) as scene:
        assert scene.gsd_m == pytest.approx(0.5, rel=2e-3)
        assert "10 m" in " ".join(scene.warnings)


@pytest.mark.parametrize(
    "assets",
    [
        {"thumbnail": image("t.png", "thumbnail"), "visual": image(), "data": image("b.tif", "data")},
        {
            "ms": image("b.tif", "data"),
            "rgb": image("a.tif", "visual"),
            "overview": image("o.tif", "overview"),
        },
        {"image": image("a.tif", "data"), "rendered": image("r.png", "overview"), "other": image("c.tif")},
        {
            "B04": image("b.tif", "data"),
            "any": image(
                "a.tif",
                "data",
                **{"eo:bands": [{"common_name": "red"}, {"common_name": "green"}, {"common_name": "blue"}]},
            ),
        },
        {"meta": {"href": "a.xml", "type": "application/xml"}, "scene": {"href": "a.tif"}},
    ],
)
def test_the_image_to_look_at_is_picked(tmp_path: Path, assets: dict[str, Any]) -> None:
    make_raster(tmp_path / "a.tif")
    with Scene.open(write(tmp_path / "item.json", item(assets=assets))) as scene:
        assert Path(scene.uri).name == "a.tif"


@pytest.mark.parametrize(
    ("assets", "said"),
    [
        ({}, "no image among its assets"),
        ({"thumbnail": image("t.png", "thumbnail")}, "thumbnail"),
        ({"B03": image("b3.tif", "data"), "B04": image("b4.tif", "data")}, "B03, B04"),
    ],
)
def test_items_without_one_fit_image(tmp_path: Path, assets: dict[str, Any], said: str) -> None:
    with pytest.raises(SceneUnreadable, match=said):
        Scene.open(write(tmp_path / "item.json", item(assets=assets)))


def test_the_item_names_the_bands(tmp_path: Path) -> None:
    make_raster(tmp_path / "a.tif", bands=6, dtype="uint16")
    names = [{"common_name": name} for name in ("coastal", "blue", "green", "red", "nir08", "rededge")]
    path = write(tmp_path / "item.json", item(assets={"data": image("a.tif", "data", **{"eo:bands": names})}))
    with Scene.open(path) as scene:
        assert scene.bands == (4, 3, 2)
    with pytest.raises(BandsUnclear):
        Scene.open(write(tmp_path / "item.json", item(assets={"data": image("a.tif", "data")})))


@pytest.mark.parametrize(
    ("span", "dated"),
    [
        (("2024-12-10T08:15:00Z", "2024-12-10T08:16:00Z"), True),
        (("2024-01-01T00:00:00Z", "2024-12-31T00:00:00Z"), False),
    ],
)
def test_an_interval_is_a_time_only_if_it_is_short(
    tmp_path: Path, span: tuple[str, str], dated: bool
) -> None:
    make_raster(tmp_path / "a.tif")
    document = item(datetime=None, start_datetime=span[0], end_datetime=span[1])
    path = write(tmp_path / "item.json", document)
    if dated:
        with Scene.open(path) as scene:
            assert scene.info.time_source == "stac"
    else:
        with pytest.raises(NoTime):
            Scene.open(path)


def test_item_and_file_name_that_disagree(tmp_path: Path) -> None:
    make_raster(tmp_path / "a_20241214.tif")
    path = write(tmp_path / "item.json", item(assets={"visual": image("a_20241214.tif")}))
    with pytest.raises(ContradictingTimes, match=r"STAC item \(2024-12-10T08:15:30Z\).*20241214"):
        Scene.open(path)


def test_an_item_over_the_web_and_its_image_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "items" / "one.json", item())
    make_raster(tmp_path / "items" / "a.tif")
    with serve(tmp_path) as web:
        for name in ("one.json", "one.json?token=abc"):
            with Scene.open(f"{web.url}/items/{name}") as scene:
                assert scene.info.time_source == "stac"
                assert scene.info.path == f"{web.url}/items/one.json"


@pytest.mark.parametrize("kind", ["FeatureCollection", "Collection", "Catalog"])
def test_a_collection_is_not_one_scene(tmp_path: Path, kind: str) -> None:
    with pytest.raises(SceneUnreadable, match="not one item"):
        Scene.open(write(tmp_path / "c.json", {"type": kind}))


@pytest.mark.parametrize("text", ["{", '{"type": "Feature"}', '{"a": 1}'])
def test_json_that_is_no_item(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(SceneUnreadable, match=r"x\.json"):
        Scene.open(path)


def without_href(document: dict[str, Any]) -> None:
    del document["assets"]["visual"]["href"]


BROKEN = {
    "gsd": lambda d: d["properties"].update(gsd="half a metre"),
    "assets, visual": lambda d: d["assets"].update(visual="a.tif"),
    "an href": without_href,
    "properties": lambda d: d.update(properties=None),
    "providers": lambda d: d["properties"].update(providers=["Maxar"]),
    "eo:bands": lambda d: d["assets"]["visual"].update({"eo:bands": ["red", "green", "blue"]}),
    "roles": lambda d: d["assets"]["visual"].update(roles="visual"),
    "platform": lambda d: d["properties"].update(platform=3),
}


@pytest.mark.parametrize("said", BROKEN)
def test_an_item_of_the_wrong_shape_is_refused_in_one_line(tmp_path: Path, said: str) -> None:
    make_raster(tmp_path / "a.tif")
    document = item()
    BROKEN[said](document)
    with pytest.raises(SceneUnreadable, match=said) as caught:
        Scene.open(write(tmp_path / "item.json", document))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("features", [["junk"], [None, 3], "none", {"a": 1}])
def test_junk_in_a_collection_is_refused(tmp_path: Path, features: Any) -> None:
    path = write(tmp_path / "c.json", {"type": "FeatureCollection", "features": features})
    with pytest.raises(SceneUnreadable, match="features"):
        expand(path)


def catalog(*links: tuple[str, str]) -> dict[str, Any]:
    return {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": "c",
        "description": "c",
        "links": [{"rel": rel, "href": href} for rel, href in links],
    }


def test_a_catalogue_with_a_missing_item_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "catalog.json", catalog(("item", "./gone.json")))
    with pytest.raises(SceneUnreadable, match=r"gone\.json"):
        expand(path)


def test_a_catalogue_that_contains_itself_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "b.json", catalog(("child", "./a.json")))
    for name, links in (("a.json", [("child", "./b.json")]), ("own.json", [("child", "./own.json")])):
        with pytest.raises(SceneUnreadable, match="links to itself"):
            expand(write(tmp_path / name, catalog(*links)))


def test_a_site_file_is_no_image(tmp_path: Path) -> None:
    zone = {"type": "Feature", "properties": {"site": "base", "zone": "a", "kind": "apron"}, "geometry": None}
    path = write(tmp_path / "sites.geojson", {"type": "FeatureCollection", "features": [zone, zone]})
    for given in (expand, Scene.open):
        with pytest.raises(SceneUnreadable, match="--sites"):
            given(path)
