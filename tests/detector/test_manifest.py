"""Manifests and collections: many scenes at once."""

import json
from pathlib import Path

import pytest

from apronwatch.errors import ManifestInvalid, SceneUnreadable
from apronwatch.manifest import SceneRequest, expand, read_manifest
from tests.detector.test_stac import item, write
from tests.rasters import make_raster
from tests.web import serve


def manifest(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scenes.csv"
    path.write_text(text)
    return path


def test_rows_become_requests_beside_the_manifest(tmp_path: Path) -> None:
    path = manifest(
        tmp_path,
        "\ufeffpath,time,gsd,site,mask,acquisition\n"
        "a.tif,2024-12-10T08:15Z,0.5,khmeimim,clouds/a.geojson,10300100AA\n"
        "\n"
        "https://host/b.tif,undated,,,,\n"
        f"{tmp_path / 'c.jpg'},,0.3,tartus,,\n",
    )
    first, second, third = read_manifest(path)
    assert first == SceneRequest(
        str(tmp_path / "a.tif"),
        time="2024-12-10T08:15Z",
        gsd_m=0.5,
        site="khmeimim",
        mask=str(tmp_path / "clouds" / "a.geojson"),
        acquisition="10300100AA",
        time_source="manifest",
    )
    assert (second.path, second.undated, second.time, second.gsd_m) == (
        "https://host/b.tif",
        True,
        None,
        None,
    )
    assert (third.path, third.site, third.mask, third.undated) == (
        str(tmp_path / "c.jpg"),
        "tartus",
        None,
        False,
    )


def test_columns_come_in_any_order_and_only_path_must(tmp_path: Path) -> None:
    (row,) = read_manifest(manifest(tmp_path, 'gsd, path\n0.5,"with, comma.tif"\n'))
    assert row == SceneRequest(str(tmp_path / "with, comma.tif"), gsd_m=0.5, time_source="manifest")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "columns none"),
        ("path\n", "without a row"),
        ("file,time\na.tif,\n", "columns file, time"),
        ("time\n2024-12-10\n", "expected path"),
        ("path,date\na.tif,2024-12-10\n", "expected path and any of time"),
        ("path,path\na.tif,b.tif\n", "each once"),
        ("path,time\na.tif,soon\n", "line 2.*soon.*ISO 8601.*undated"),
        ("path,gsd\na.tif,half\n", "line 2.*'half'"),
        ("path,gsd\na.tif,-1\n", "line 2.*0.01 to 1000 m"),
        ("path,gsd\na.tif,nan\n", "line 2.*0.01 to 1000 m"),
        ("path,gsd\n,0.5\n", "line 2: no path"),
        ("path,mask,mask_hides\na.tif,m.tif,cloud\n", "line 2: mask_hides 'cloud'; expected whole numbers"),
        ("path,mask,mask_hides\na.tif,,3\n", "line 2: mask_hides names values of a mask and there is none"),
        ("path,item_mask\na.json,yes\n", "line 2: item_mask 'yes'; expected no, "),
        ("path\na.tif\nb,c.tif\n", "line 3: more values than columns"),
        ('path\n"a.tif\n', "no readable CSV"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ManifestInvalid, match=said) as caught:
        read_manifest(manifest(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_manifests_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ManifestInvalid, match="cannot be read"):
        read_manifest(tmp_path / "none.csv")
    (tmp_path / "scenes.csv").write_bytes(b"path\n\xff\xfe\n")
    with pytest.raises(ManifestInvalid, match="UTF-8"):
        read_manifest(tmp_path / "scenes.csv")


def test_a_request_opens_its_scene(tmp_path: Path) -> None:
    make_raster(tmp_path / "a.jpg", crs=None, transform=None)
    text = "path,time,gsd,mask,acquisition\na.jpg,2024-12-10,0.5,m.tif,A1\n"
    (row,) = read_manifest(manifest(tmp_path, text))
    with row.open() as scene:
        assert (scene.gsd_m, scene.mask_path) == (0.5, str(tmp_path / "m.tif"))
        assert (scene.info.acquisition, scene.info.time_source) == ("A1", "manifest")


def test_each_row_says_how_its_mask_is_read(tmp_path: Path) -> None:
    text = 'path,mask,mask_hides,item_mask\na.tif,m.tif,"8,3",\nb.tif,n.tif,,\nc.json,,,no\n'
    first, second, third = read_manifest(manifest(tmp_path, text))
    assert [row.mask_hides for row in (first, second, third)] == [(3, 8), None, None]
    assert [row.no_item_mask for row in (first, second, third)] == [False, False, True]


# Collections


def test_a_raster_is_only_itself(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif")
    assert expand(path) == [SceneRequest(str(path))]
    assert expand("https://host.invalid/a.tif") == [SceneRequest("https://host.invalid/a.tif")]
    assert expand(tmp_path / "missing.tif") == [SceneRequest(str(tmp_path / "missing.tif"))]


def test_an_item_is_only_itself(tmp_path: Path) -> None:
    path = write(tmp_path / "one.json", item())
    assert expand(path) == [SceneRequest(str(path))]


def test_an_item_collection_gives_each_of_its_items(tmp_path: Path) -> None:
    for name in ("a", "b"):
        make_raster(tmp_path / f"{name}.tif")
    features = [item(item_id=name, assets={"visual": {"href": f"./{name}.tif"}}) for name in ("a", "b")]
    path = write(tmp_path / "found.json", {"type": "FeatureCollection", "features": features})
    requests = expand(SceneRequest(str(path), site="khmeimim"))
    assert [one.path for one in requests] == [f"{path}#a", f"{path}#b"]
    assert {one.site for one in requests} == {"khmeimim"}
    for one, name in zip(requests, "ab", strict=True):
        with one.open() as scene:
            assert Path(scene.uri).name == f"{name}.tif"
            assert scene.info.path == one.path
    with pytest.raises(SceneUnreadable, match="no item 'c'"):
        SceneRequest(f"{path}#c").open()


def collection(tmp_path: Path) -> Path:
    """A catalogue of one collection of two items, with relative links."""
    base = {"stac_version": "1.0.0", "description": "of tests"}
    for name in ("a", "b"):
        document = item(item_id=name, assets={"visual": {"href": f"../../{name}.tif"}})
        document["links"] = [{"rel": "self", "href": "https://elsewhere.invalid/x.json"}]
        write(tmp_path / "places" / name / "item.json", document)
        make_raster(tmp_path / f"{name}.tif")
    extent = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}
    links = [{"rel": "item", "href": f"./{name}/item.json"} for name in ("a", "b")]
    places = base | {
        "type": "Collection",
        "id": "places",
        "license": "other",
        "extent": extent,
        "links": links,
    }
    write(tmp_path / "places" / "collection.json", places)
    child = [{"rel": "child", "href": "./places/collection.json"}]
    return write(tmp_path / "catalog.json", base | {"type": "Catalog", "id": "all", "links": child})


@pytest.mark.parametrize("name", ["catalog.json", "places/collection.json"])
def test_a_catalogue_gives_the_items_that_it_links_to(tmp_path: Path, name: str) -> None:
    collection(tmp_path)
    requests = expand(tmp_path / name)
    assert [Path(one.path) for one in requests] == [tmp_path / "places" / n / "item.json" for n in ("a", "b")]
    for one in requests:
        one.open().close()


def test_a_catalogue_over_the_web(tmp_path: Path) -> None:
    collection(tmp_path)
    with serve(tmp_path) as web:
        requests = expand(f"{web.url}/catalog.json")
        assert [one.path for one in requests] == [f"{web.url}/places/{n}/item.json" for n in ("a", "b")]
        requests[0].open().close()


def test_the_pages_of_an_api_are_followed(tmp_path: Path) -> None:
    first = {"type": "FeatureCollection", "features": [item(item_id="a")]}
    first["links"] = [{"rel": "next", "href": "page2.json"}]
    second = {"type": "FeatureCollection", "features": [item(item_id="b")], "links": []}
    second["features"][0]["links"] = [{"rel": "self", "href": "https://host.invalid/b.json"}]
    write(tmp_path / "page1.json", first)
    write(tmp_path / "page2.json", second)
    write(tmp_path / "c.json", {"type": "Collection", "links": [{"rel": "items", "href": "./page1.json"}]})
    with serve(tmp_path) as web:
        paths = [one.path for one in expand(f"{web.url}/c.json")]
    assert paths == [f"{web.url}/page1.json#a", "https://host.invalid/b.json"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"type": "FeatureCollection", "features": []}, "without items"),
        ({"shapes": []}, "expected a STAC item"),
        (
            {"type": "Catalog", "stac_version": "1.0.0", "id": "x", "description": "", "links": []},
            "without items",
        ),
        ({"type": "Catalog"}, "x.json"),
    ],
)
def test_documents_without_scenes_are_refused(tmp_path: Path, document: dict[str, object], said: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document))
    with pytest.raises(SceneUnreadable, match=said):
        expand(path)


def test_a_nul_byte_is_said_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("path,mask\na.tif,\nb.tif,m\0.tif\n")
    with pytest.raises(ManifestInvalid, match="line 3: a NUL byte"):
        read_manifest(path)
    with pytest.raises(ManifestInvalid, match="cannot be read"):
        read_manifest("m\0.csv")
