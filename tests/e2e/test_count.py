"""`apronwatch count` on drawn scenes of every kind: the numbers, and the document that others script against."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from affine import Affine
from pyproj import Transformer

from apronwatch.archive import Archive
from apronwatch.site import Site, Zone, write_sites
from apronwatch_datasets.synthetic import DrawnScene
from tests.e2e.conftest import Answer, Command
from tests.e2e.drawn import MISSED, SIDE_PX, onto_crs, pixels_of, placed, planes, south_up, turned
from tests.rasters import make_raster
from tests.web import serve

COUNT_KEYS = [
    "site", "zone", "class", "seen", "at_least", "estimate", "low", "high", "observed_fraction", "status", "reasons",
]  # fmt: skip

HALF_PX = SIDE_PX // 2
EDGE_PX = SIDE_PX // 10
"""The two zones are the halves of the picture, but for a margin."""


def seen(answer: Answer, scene: int = 0) -> dict[str, int | None]:
    assert answer.status == 0, answer.err
    return {zone: count["seen"] for zone, count in answer.counts(scene).items()}


def assert_nearly(found: dict[str, int | None], truth: dict[str, int | None]) -> None:
    assert found.keys() == truth.keys()
    for zone, number in truth.items():
        assert found[zone] == pytest.approx(number, abs=MISSED), (zone, found, truth)


def true_counts(scene: DrawnScene) -> dict[str, int | None]:
    return {zone: scene.picture.truth.count("plane", zone) for zone in ("west", "east", "*")}


def test_the_document_is_what_is_promised(apronwatch: Command, apron: DrawnScene) -> None:
    answer = apronwatch("count", apron.files.image, "--sites", apron.sites, "--json")
    document = answer.document
    assert list(document) == ["apronwatch", "scenes"]
    (scene,) = document["scenes"]
    assert list(scene) == ["path", "sha256", "time", "gsd_m", "status", "reasons", "model", "counts"]
    assert scene["path"] == str(apron.files.image)
    assert scene["sha256"] == hashlib.sha256(apron.files.image.read_bytes()).hexdigest()
    assert scene["time"] == "2026-03-03T00:00:00Z"
    assert scene["gsd_m"] == pytest.approx(0.5, rel=0.002)
    assert (scene["status"], scene["reasons"]) == ("complete", [])
    assert list(scene["model"]) == ["name", "sha256"]
    assert all(list(count) == COUNT_KEYS for count in scene["counts"])
    assert [(c["site"], c["zone"]) for c in scene["counts"] if c["class"] == "plane"] == [
        ("synthetic-apron", "west"),
        ("synthetic-apron", "east"),
        ("synthetic-apron", "*"),
    ]


def test_each_zone_holds_what_was_drawn_in_it(apronwatch: Command, apron: DrawnScene) -> None:
    answer = apronwatch("count", apron.files.image, "--sites", apron.sites, "--json")
    found, truth = seen(answer), true_counts(apron)
    assert min(v for v in truth.values() if v is not None) > 2 * MISSED
    assert_nearly(found, truth)
    assert found["*"] == (found["west"] or 0) + (found["east"] or 0)
    for count in answer.counts().values():
        assert (count["status"], count["observed_fraction"]) == ("complete", pytest.approx(1.0, abs=1e-6))
        assert (count["estimate"], count["low"], count["high"]) == (None, None, None)
        assert count["reasons"] == ["no_mask", "uncalibrated"]


def test_a_table_says_the_same(apronwatch: Command, apron: DrawnScene) -> None:
    words = ("count", apron.files.image, "--sites", apron.sites)
    counts = apronwatch(*words, "--json").counts()
    table = apronwatch(*words)
    rows = [line.split() for line in table.out.splitlines() if " plane " in line]
    assert {row[3]: int(row[5]) for row in rows} == {zone: count["seen"] for zone, count in counts.items()}
    assert all(row[:2] == ["2026-03-03", apron.files.image.name] for row in rows)
    assert "synthetic" in table.out
    assert "no number, which is not zero" in table.out


def test_the_whole_picture_is_one_zone(apronwatch: Command, apron: DrawnScene) -> None:
    answer = apronwatch("count", apron.files.image, "--site", "base", "--classes", "plane", "--json")
    counts = answer.document["scenes"][0]["counts"]
    assert [(c["site"], c["zone"], c["class"]) for c in counts] == [
        ("base", "image", "plane"),
        ("base", "*", "plane"),
    ]
    truth = sum(o.class_name == "plane" and o.shown for o in apron.picture.truth.objects)
    assert_nearly(seen(answer), {"image": truth, "*": truth})


def test_a_manifest_says_what_belongs_to_each_scene(
    apronwatch: Command, tmp_path: Path, apron: DrawnScene
) -> None:
    other = planes(tmp_path, seed=4, name="monday")
    make_raster(tmp_path / "east.tif", pixels=_east_half(), **placed(other.files.image))
    manifest = tmp_path / "scenes.csv"
    manifest.write_text(
        "path,time,gsd,site,mask,acquisition\n"
        f"{apron.files.image},,,alpha,,\n"
        "monday.tif,2026-03-09T06:30:00Z,,bravo,east.tif,pass-7\n"
    )
    answer = apronwatch("count", "--manifest", manifest, "--json")
    first, second = answer.document["scenes"]
    assert (first["time"], second["time"]) == ("2026-03-03T00:00:00Z", "2026-03-09T06:30:00Z")
    assert {(c["site"], c["zone"]) for c in first["counts"]} == {("alpha", "image"), ("alpha", "*")}
    assert {(c["site"], c["zone"]) for c in second["counts"]} == {("bravo", "image"), ("bravo", "*")}
    assert answer.counts(0)["*"]["status"] == "complete"
    masked = answer.counts(1)["*"]
    assert (masked["status"], masked["observed_fraction"]) == ("partial", pytest.approx(0.5, abs=0.01))
    assert masked["seen"] == pytest.approx(other.picture.truth.count("plane", "west"), abs=MISSED)
    (row,) = apronwatch("series", "bravo", "--class", "plane", "--zone", "image", "--json").document["rows"]
    with Archive.open(create=False) as archive:
        assert archive.run(row["run"]).scene.acquisition == "pass-7"


def _east_half() -> np.ndarray:
    mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    mask[:, HALF_PX:] = 1
    return mask


def test_a_manifest_names_sites_of_the_site_file(
    apronwatch: Command, refused: Command, tmp_path: Path, apron: DrawnScene
) -> None:
    manifest = tmp_path / "scenes.csv"
    manifest.write_text(f"path,site\n{apron.files.image},synthetic-apron\n")
    answer = apronwatch("count", "--manifest", manifest, "--sites", apron.sites, "--json")
    assert_nearly(seen(answer), true_counts(apron))
    manifest.write_text(f"path,site\n{apron.files.image},nowhere\n")
    assert "nowhere" in refused("count", "--manifest", manifest, "--sites", apron.sites).err


def test_an_empty_site_is_no_name(refused: Command, apron: DrawnScene) -> None:
    """As an unset variable of a shell gives it."""
    assert "--site is empty" in refused("count", apron.files.image, "--site", "").err


def _polygons(path: Path, ring: list[tuple[float, float]], **members: Any) -> Path:
    feature = {
        "type": "Feature",
        "properties": {},
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature], **members}))
    return path


@pytest.fixture(params=["raster", "raster in pixels", "polygons"])
def east_mask(request: pytest.FixtureRequest, tmp_path: Path, apron: DrawnScene) -> Path:
    """What hides the eastern half of the picture, and with it the zone `east`."""
    place = placed(apron.files.image)
    if request.param == "raster":
        return make_raster(tmp_path / "mask.tif", pixels=_east_half(), **place)
    if request.param == "raster in pixels":
        return make_raster(tmp_path / "mask.png", pixels=_east_half() * 255, crs=None, transform=None)
    corners = [
        place["transform"] @ corner
        for corner in ((HALF_PX, -9), (SIDE_PX + 9, -9), (SIDE_PX + 9, SIDE_PX + 9), (HALF_PX, SIDE_PX + 9))
    ]
    to_lonlat = Transformer.from_crs(place["crs"], "EPSG:4326", always_xy=True)
    return _polygons(tmp_path / "mask.geojson", [to_lonlat.transform(*corner) for corner in corners])


def test_what_a_mask_hides_is_unseen(apronwatch: Command, apron: DrawnScene, east_mask: Path) -> None:
    words = ("count", apron.files.image, "--sites", apron.sites, "--json")
    clear = seen(apronwatch(*words))
    answer = apronwatch(*words, "--mask", east_mask)
    counts = answer.counts()
    assert (counts["east"]["seen"], counts["east"]["status"]) == (None, "unseen")
    assert (counts["west"]["seen"], counts["west"]["status"]) == (clear["west"], "complete")
    assert (counts["*"]["seen"], counts["*"]["status"]) == (clear["west"], "partial")
    assert "detections_under_mask_left_out" in counts["*"]["reasons"]
    assert counts["*"]["observed_fraction"] == pytest.approx(0.5, abs=0.01)
    again = apronwatch(*words)
    assert seen(again) == clear


@pytest.mark.parametrize("kind", ["raster", "polygons"])
def test_a_mask_over_a_picture_without_georeference(
    apronwatch: Command, tmp_path: Path, apron: DrawnScene, kind: str
) -> None:
    picture = make_raster(
        tmp_path / "20260303.png", pixels=pixels_of(apron.files.image), crs=None, transform=None
    )
    if kind == "raster":
        mask = make_raster(tmp_path / "mask.png", pixels=_east_half(), crs=None, transform=None)
    else:
        mask = _polygons(
            tmp_path / "mask.geojson",
            [(HALF_PX, 0), (SIDE_PX, 0), (SIDE_PX, SIDE_PX), (HALF_PX, SIDE_PX)],
            crs="pixel",
        )
    sites = tmp_path / "sites.geojson"
    halves = {"left": shapely.box(0, 0, HALF_PX, SIDE_PX), "right": shapely.box(HALF_PX, 0, SIDE_PX, SIDE_PX)}
    zones = tuple(Zone(name, "apron", None, None, shape) for name, shape in halves.items())
    write_sites([Site("base", zones, "pixel")], sites)
    words = ("count", picture, "--gsd", 0.5, "--sites", sites, "--json")
    clear, masked = apronwatch(*words), apronwatch(*words, "--mask", mask).counts()
    truth = true_counts(apron)
    assert_nearly(seen(clear), {"left": truth["west"], "right": truth["east"], "*": truth["*"]})
    assert (masked["right"]["seen"], masked["right"]["status"]) == (None, "unseen")
    assert (masked["left"]["seen"], masked["left"]["status"]) == (seen(clear)["left"], "complete")


@pytest.mark.parametrize("seed", [1, 4])
def test_eleven_bits_in_sixteen_count_like_eight(apronwatch: Command, tmp_path: Path, seed: int) -> None:
    eight = planes(tmp_path / "eight", seed, bits=8)
    eleven = planes(tmp_path / "eleven", seed, bits=11)
    brightest = int(pixels_of(eleven.files.image).max())
    assert 255 < brightest < 2048
    counts = [
        seen(apronwatch("count", one.files.image, "--sites", one.sites, "--json")) for one in (eight, eleven)
    ]
    assert (counts[1]["*"] or 0) > 0
    assert_nearly(counts[1], counts[0])
    assert_nearly(counts[1], true_counts(eleven))


def test_one_band_counts_like_the_grey_picture_that_it_is(apronwatch: Command, tmp_path: Path) -> None:
    """The bundled weights miss more planes without colour; the reading must not add to that."""
    scene = planes(tmp_path, bands=1)
    grey = pixels_of(scene.files.image)
    assert grey.shape[2] == 1
    colour = make_raster(
        tmp_path / "grey_20260303.tif", pixels=np.repeat(grey, 3, axis=2), **placed(scene.files.image)
    )
    one, three = (
        seen(apronwatch("count", image, "--sites", scene.sites, "--json"))
        for image in (scene.files.image, colour)
    )
    assert one == three
    assert (one["*"] or 0) > 0.5 * scene.picture.truth.count("plane")


def test_four_bands_are_read_by_their_colours(apronwatch: Command, tmp_path: Path, apron: DrawnScene) -> None:
    red, green, blue = np.moveaxis(pixels_of(apron.files.image), 2, 0)
    infrared = np.full_like(red, 255)
    scene = make_raster(
        tmp_path / "20260303.tif",
        pixels=np.stack([infrared, blue, green, red], axis=2),
        colorinterp=("undefined", "blue", "green", "red"),
        **placed(apron.files.image),
    )
    words = ("--sites", apron.sites, "--json")
    four, three = apronwatch("count", scene, *words), apronwatch("count", apron.files.image, *words)
    assert seen(four) == seen(three)


@pytest.mark.parametrize("grid", ["EPSG:3857", "EPSG:4326", "EPSG:32638", "south up", "turned by 30 degrees"])
def test_the_same_ground_on_another_grid(
    apronwatch: Command, tmp_path: Path, apron: DrawnScene, grid: str
) -> None:
    out = tmp_path / "20260303.tif"
    if grid == "south up":
        south_up(apron.files.image, out)
    elif grid.startswith("turned"):
        turned(apron.files.image, out, 30.0)
    else:
        onto_crs(apron.files.image, out, grid)
    words = ("--sites", apron.sites, "--json")
    answer = apronwatch("count", out, *words)
    assert_nearly(seen(answer), seen(apronwatch("count", apron.files.image, *words)))
    assert {c["status"] for c in answer.counts().values()} == {"complete"}
    # The pixels of the other grid are not half a metre wide in its own units (Mercator: 0.69 "m" at 43 N).
    assert answer.document["scenes"][0]["gsd_m"] == pytest.approx(0.5, rel=0.15)


@pytest.mark.parametrize("shift", [-60.0, 60.0])
def test_a_scene_across_the_border_of_two_utm_zones(
    apronwatch: Command, tmp_path: Path, apron: DrawnScene, shift: float
) -> None:
    """42° E lies in its western or its eastern half; the zones' common centre decides on the plane."""
    to_lonlat = Transformer.from_crs("EPSG:32637", "EPSG:4326", always_xy=True)
    east, north = to_lonlat.transform(42.0, 43.2, direction="INVERSE")
    grid = Affine(0.5, 0, east - HALF_PX / 2 + shift, 0, -0.5, north + HALF_PX / 2)
    scene = make_raster(
        tmp_path / "20260303.tif", pixels=pixels_of(apron.files.image), crs="EPSG:32637", transform=grid
    )
    centre = to_lonlat.transform(*(grid @ (HALF_PX, HALF_PX)))
    assert (centre[0] > 42.0) == (shift > 0)
    zones = []
    for name, west_px, east_px in (("west", EDGE_PX, HALF_PX), ("east", HALF_PX, SIDE_PX - EDGE_PX)):
        rectangle = shapely.box(west_px, EDGE_PX, east_px, SIDE_PX - EDGE_PX)
        corners = rectangle.exterior.coords
        outline = shapely.Polygon([to_lonlat.transform(*(grid @ corner)) for corner in corners])
        zones.append(Zone(name, "apron", None, None, outline))
    site = Site("border", tuple(zones))
    assert site.utm_crs == ("EPSG:32638" if shift > 0 else "EPSG:32637")
    write_sites([site], tmp_path / "sites.geojson")
    answer = apronwatch("count", scene, "--sites", tmp_path / "sites.geojson", "--json")
    assert_nearly(seen(answer), true_counts(apron))
    assert {c["status"] for c in answer.counts().values()} == {"complete"}


def test_a_scene_by_its_address(apronwatch: Command, apron: DrawnScene) -> None:
    words = ("--sites", apron.sites, "--json")
    local = apronwatch("count", apron.files.image, *words)
    with serve(apron.files.image.parent) as web:
        remote = apronwatch("count", f"{web.url}/{apron.files.image.name}", *words)
        assert web.sent_bytes(apron.files.image.name) > 0
    assert seen(remote) == seen(local)
    assert remote.document["scenes"][0]["time"] == local.document["scenes"][0]["time"]


def item_of(image: str, name: str = "pass", **properties: object) -> dict[str, Any]:
    ring = [[39.0, 43.0], [39.1, 43.0], [39.1, 43.1], [39.0, 43.1], [39.0, 43.0]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [39.0, 43.0, 39.1, 43.1],
        "properties": {"datetime": "2026-03-03T08:15:00Z", **properties},
        "links": [],
        "assets": {"visual": {"href": f"./{image}", "type": "image/tiff", "roles": ["data", "visual"]}},
    }


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (item_of("gone.tif"), "no such file"),
        (item_of("text.tif"), "no readable raster"),
        (item_of("again.tif", platform="\ud800"), "surrogates not allowed"),
        (item_of("again.tif", attribution="\udfff"), "surrogates not allowed"),
        (item_of("again.tif", gsd="half"), "metres above 0"),
        (
            {"type": "FeatureCollection", "features": [item_of("again.tif"), item_of("gone.tif")]},
            "2 items of id",
        ),
    ],
)
def test_a_bad_item_among_good_ones_is_found_before_anything_is_archived(
    refused: Command, tmp_path: Path, apron: DrawnScene, bad: dict[str, Any], said: str
) -> None:
    (tmp_path / "good.tif").write_bytes(apron.files.image.read_bytes())
    (tmp_path / "again.tif").write_bytes(apron.files.image.read_bytes() + b"\0")
    (tmp_path / "text.tif").write_text("no pixels")
    (tmp_path / "good.json").write_text(json.dumps(item_of("good.tif")))
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    words = ("--sites", apron.sites, "--stac", "items")
    assert said in refused("count", tmp_path / "good.json", tmp_path / "bad.json", *words).err


def test_a_scene_by_its_stac_item(apronwatch: Command, tmp_path: Path, apron: DrawnScene) -> None:
    (tmp_path / "item.json").write_text(json.dumps(item_of(apron.files.image.name)))
    (tmp_path / apron.files.image.name).write_bytes(apron.files.image.read_bytes())
    words = ("--sites", apron.sites, "--json")
    local = apronwatch("count", tmp_path / "item.json", *words)
    with serve(tmp_path) as web:
        remote = apronwatch("count", f"{web.url}/item.json", *words)
    for answer in (local, remote):
        assert_nearly(seen(answer), true_counts(apron))
        assert answer.document["scenes"][0]["time"] == "2026-03-03T08:15:00Z"
    assert seen(local) == seen(remote)


def test_that_no_mask_was_laid_is_said(apronwatch: Command, apron: DrawnScene, east_mask: Path) -> None:
    words = ("count", apron.files.image, "--sites", apron.sites)
    assert (
        "No mask lay over any scene with a number: ground under a cloud counts as seen"
        in apronwatch(*words).out
    )
    assert "No mask lay" not in apronwatch(*words, "--mask", east_mask).out


def test_an_all_clear_mask_changes_nothing_but_that_there_was_one(
    apronwatch: Command, tmp_path: Path, apron: DrawnScene
) -> None:
    words = ("count", apron.files.image, "--sites", apron.sites, "--json")
    clear = make_raster(tmp_path / "clear.tif", pixels=0 * _east_half(), **placed(apron.files.image))
    bare, under = apronwatch(*words).counts(), apronwatch(*words, "--mask", clear).counts()
    assert all("no_mask" in count["reasons"] for count in bare.values())
    told = {z: c | {"reasons": [r for r in c["reasons"] if r != "no_mask"]} for z, c in bare.items()}
    assert told == under


def test_of_several_scenes_those_without_a_mask_are_marked(
    apronwatch: Command, tmp_path: Path, apron: DrawnScene, east_mask: Path
) -> None:
    other = tmp_path / "other.tif"
    other.write_bytes(apron.files.image.read_bytes() + b"\0")
    manifest = tmp_path / "scenes.csv"
    manifest.write_text(f"path,time,mask\n{apron.files.image},2026-03-03,{east_mask}\n{other},2026-03-09,\n")
    said = apronwatch("count", "--manifest", manifest, "--sites", apron.sites).out
    assert "No mask lay over 1 of the 2 scenes with a number: " in said
    rows = [line for line in said.splitlines() if line.startswith("2026-03-") and " unseen " not in line]
    assert ["no_mask" in line for line in rows] == ["other.tif" in line for line in rows]
