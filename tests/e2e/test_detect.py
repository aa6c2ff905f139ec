"""`apronwatch detect`: every format, the score, the zones, and pictures in pixels."""

import json
from collections.abc import Callable
from pathlib import Path

import geopandas
import pytest
import shapely
from PIL import Image
from pyproj import Transformer

from apronwatch import detect, find_model, load_engine
from apronwatch.interchange import read
from apronwatch.run import counted
from apronwatch.scene import Scene
from apronwatch_datasets.synthetic import DrawnScene
from tests.e2e.conftest import Command
from tests.e2e.drawn import MISSED, SIDE_PX, pixels_of
from tests.e2e.weights import ONE_CLASS
from tests.rasters import make_raster

PROPERTIES = ["class", "score", "length_m", "width_m", "orientation_deg", "truncated"]

GEOJSON = "boxes.geojson"


@pytest.fixture
def features(apronwatch: Command, folder: Path, apron: DrawnScene) -> Callable[..., list[dict]]:
    """The features that `detect` writes of the apron, with some options."""

    def run(*words: object) -> list[dict]:
        answer = apronwatch("detect", apron.files.image, "--out", GEOJSON, *words)
        assert (answer.status, answer.out) == (0, "")
        found: list[dict] = json.loads((folder / GEOJSON).read_text())["features"]
        assert f"{len(found)} detections in {GEOJSON}" in answer.err
        return found

    return run


def _middles(found: list[dict]) -> list[tuple[float, float]]:
    return [shapely.geometry.shape(f["geometry"]).centroid.coords[0] for f in found]


def test_a_box_lies_on_each_plane(features: Callable[..., list[dict]], apron: DrawnScene) -> None:
    found = features()
    assert all(list(f["properties"]) == PROPERTIES for f in found)
    assert {f["properties"]["class"] for f in found} == {"plane"}
    to_metres = Transformer.from_crs("EPSG:4326", "EPSG:32637", always_xy=True)
    centres = shapely.points([to_metres.transform(*middle) for middle in _middles(found)])
    boxes = [shapely.Polygon(o.box) for o in apron.picture.truth.objects]
    hits = [int(shapely.contains(box, centres).sum()) for box in boxes]
    assert max(hits) == 1
    assert sum(hits) >= len(boxes) - MISSED
    assert len(found) - sum(hits) <= MISSED
    for f in found:
        assert 0 < f["properties"]["width_m"] <= f["properties"]["length_m"] < 100
        assert 0 <= f["properties"]["orientation_deg"] < 180
        assert f["properties"]["truncated"] is False


def test_a_score_leaves_out_what_is_below_it(features: Callable[..., list[dict]]) -> None:
    def scores(*words: object) -> list[float]:
        return sorted(f["properties"]["score"] for f in features(*words))

    usual, everything = scores(), scores("--score", 0.001)
    assert everything[0] < 0.3  # the operating threshold of the bundled weights
    assert usual == [s for s in everything if s >= 0.3]
    middle = usual[len(usual) // 2]
    assert scores("--score", middle - 1e-4) == [s for s in usual if s >= middle]


@pytest.fixture(scope="module")
def number(apron: DrawnScene) -> int:
    """How many boxes the apron shows."""
    with Scene.open(apron.files.image) as scene:
        found = len(counted(detect(scene, load_engine(find_model(ONE_CLASS), "cpu"))))
    assert found > 0
    return found


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("boxes.geojson", None),
        ("boxes.parquet", None),
        ("boxes.gpkg", None),
        ("boxes.json", None),
        ("boxes.json", "geojson"),
        ("boxes.txt", "dota"),
        ("boxes.txt", "yolo-obb"),
    ],
)
def test_every_format_holds_all_boxes(
    apronwatch: Command, folder: Path, apron: DrawnScene, number: int, name: str, format: str | None
) -> None:
    words = [] if format is None else ["--format", format]
    answer = apronwatch("detect", apron.files.image, "--out", name, *words)
    assert answer.status == 0, answer.err
    with Scene.open(apron.files.image) as scene:
        assert len(read(folder / name, info=scene.info, format=format)) == number
    if name.endswith((".parquet", ".gpkg")):
        opener = geopandas.read_parquet if name.endswith(".parquet") else geopandas.read_file
        table = opener(folder / name)
        assert (len(table), table.crs is None) == (number, False)
        assert set(PROPERTIES) <= set(table.columns)


def test_no_box_where_nothing_could_be_seen_is_said(apronwatch: Command, folder: Path) -> None:
    """A file without boxes says nothing of a picture that shows nothing, nor of a class at another GSD."""
    Image.new("RGB", (400, 300), (90, 90, 90)).save(folder / "grey.png")
    answer = apronwatch("detect", "grey.png", "--gsd", 0.55, "--model", "vehicle-26n-obb", "--out", GEOJSON)
    assert answer.status == 0, answer.err
    assert "the picture shows nothing and counts as unseen" in answer.err
    assert "vehicle-26n-obb reports no vehicle_small in pixels of 0.55 m" in answer.err


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("boxes.shp", []),
        ("boxes.txt", []),
        ("boxes.txt", ["--format", "voc"]),
        ("no/such/folder/boxes.geojson", []),
        ("boxes.geojson", ["--score", "1.5"]),
        ("boxes.geojson", ["--site", "nowhere", "--sites", "SITES"]),
    ],
)
def test_a_wrong_call_is_refused(refused: Command, apron: DrawnScene, name: str, words: list[str]) -> None:
    given = [str(apron.sites) if word == "SITES" else word for word in words]
    refused("detect", apron.files.image, "--out", name, *given)


def test_only_what_stands_in_the_zones(
    features: Callable[..., list[dict]], folder: Path, apron: DrawnScene
) -> None:
    everywhere = features()
    document = json.loads(apron.sites.read_text())
    document["features"] = [f for f in document["features"] if f["properties"]["zone"] == "west"]
    (folder / "west.geojson").write_text(json.dumps(document))
    zone = shapely.geometry.shape(document["features"][0]["geometry"])
    there = features("--sites", folder / "west.geojson")

    def in_zone(found: list[dict]) -> list[dict]:
        return [
            f
            for f in found
            if shapely.intersects_xy(zone, *shapely.geometry.shape(f["geometry"]).centroid.coords[0])
        ]

    assert in_zone(there) == there
    assert 0 < len(there) < len(everywhere)
    assert sorted(f["properties"]["score"] for f in there) == sorted(
        f["properties"]["score"] for f in in_zone(everywhere)
    )


def test_a_picture_without_georeference_is_in_pixels(
    apronwatch: Command, folder: Path, tmp_path: Path, apron: DrawnScene
) -> None:
    picture = make_raster(
        tmp_path / "picture.png", pixels=pixels_of(apron.files.image), crs=None, transform=None
    )
    assert apronwatch("detect", picture, "--gsd", 0.5, "--out", GEOJSON).status == 0
    document = json.loads((folder / GEOJSON).read_text())
    assert document["crs"] == "pixel"
    assert all(list(f["properties"]) == PROPERTIES for f in document["features"])
    boxes = [
        shapely.transform(shapely.Polygon(o.box), apron.picture.grid.to_pixels)
        for o in apron.picture.truth.objects
    ]
    centres = shapely.points(_middles(document["features"]))
    hits = [int(shapely.contains(box, centres).sum()) for box in boxes]
    assert sum(hits) >= len(boxes) - MISSED
    assert (shapely.get_y(centres) > 0).all()
    assert (shapely.get_y(centres) < SIDE_PX).all()
    lengths = [f["properties"]["length_m"] for f in document["features"]]
    assert 8 < min(lengths) < max(lengths) < 80


def test_no_time_is_needed(apronwatch: Command, folder: Path, tmp_path: Path, apron: DrawnScene) -> None:
    (tmp_path / "undated.tif").write_bytes(apron.files.image.read_bytes())
    assert apronwatch("detect", tmp_path / "undated.tif", "--out", GEOJSON).status == 0
    assert json.loads((folder / GEOJSON).read_text())["features"]
