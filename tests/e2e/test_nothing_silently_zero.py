"""Whatever goes wrong, no number is invented: null with a reason, or one clear line and nothing written."""

from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely.affinity
from affine import Affine
from rasterio.rpc import RPC

from apronwatch.engines import registry
from apronwatch.engines.onnx import OnnxEngine
from apronwatch.errors import EngineFailed
from tests.e2e.conftest import Command
from tests.rasters import make_raster

UTM = "EPSG:32637"
PLACE = Affine(1.0, 0.0, 300_000.0, 0.0, -1.0, 3_920_000.0)


def raster(path: Path, **given) -> Path:
    return make_raster(path, **({"size": (500, 500), "crs": UTM, "transform": PLACE} | given))


def _noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(80, 160, (1500, 1500, 3), dtype=np.uint8)


def test_all_nodata_is_unseen(apronwatch: Command, tmp_path: Path) -> None:
    scene = raster(tmp_path / "20241201.tif", pixels=np.zeros((500, 500, 3), np.uint8), nodata=0)
    answer = apronwatch("count", scene, "--site", "base", "--json")
    count = answer.counts()["*"]
    assert (count["seen"], count["status"], count["observed_fraction"]) == (None, "unseen", 0.0)
    assert answer.document["scenes"][0]["status"] == "unseen"


def test_half_nodata_is_partial(apronwatch: Command, tmp_path: Path) -> None:
    pixels = _noise(0)[:500, :500]
    pixels[:, :250] = 0
    scene = raster(tmp_path / "20241201.tif", pixels=pixels, nodata=0)
    count = apronwatch("count", scene, "--site", "base", "--json").counts()["*"]
    assert (count["seen"], count["status"]) == (0, "partial")
    assert count["observed_fraction"] == pytest.approx(0.5, abs=0.005)


def test_a_site_outside_the_scene_is_unseen(apronwatch: Command, tmp_path: Path) -> None:
    scene = raster(tmp_path / "20241201.tif")
    sites = tmp_path / "sites.geojson"
    sites.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"site":"far","zone":"a","kind":"apron"},'
        '"geometry":{"type":"Polygon","coordinates":[[[10,50],[10.01,50],[10.01,50.01],[10,50.01],[10,50]]]}}]}'
    )
    answer = apronwatch("count", scene, "--sites", sites, "--json")
    count = answer.counts()["a"]
    assert (count["seen"], count["status"]) == (None, "unseen")
    assert "outside" in answer.err


def test_a_class_too_small_for_the_picture_is_out_of_range(apronwatch: Command, tmp_path: Path) -> None:
    scene = raster(tmp_path / "20241201.tif", transform=PLACE @ Affine.scale(3.0))
    count = apronwatch("count", scene, "--site", "base", "--json").counts()["*"]
    assert (count["seen"], count["status"]) == (None, "out_of_range")


def test_a_class_that_the_weights_do_not_know(apronwatch: Command, tmp_path: Path) -> None:
    scene = raster(tmp_path / "20241201.tif")
    answer = apronwatch("count", scene, "--site", "base", "--classes", "ship", "--json")
    count = answer.counts(name="ship")["*"]
    assert (count["seen"], count["status"]) == (None, "not_modelled")
    assert answer.counts(name="plane") == {}


def test_an_engine_that_breaks_in_the_middle_fails_its_scene_alone(
    apronwatch: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = [raster(tmp_path / f"2024120{k}.tif", pixels=_noise(k)) for k in (1, 2)]
    working, calls = OnnxEngine.raw, []

    def breaking(self, batch):
        calls.append(len(batch))
        if len(calls) == 2:
            raise EngineFailed("out of memory on tile 5")
        return working(self, batch)

    monkeypatch.setattr(OnnxEngine, "raw", breaking)
    answer = apronwatch("count", *scenes, "--site", "base", "--json")
    assert answer.status == 1
    assert [s["status"] for s in answer.document["scenes"]] == ["failed", "complete"]
    assert answer.counts(0)["*"]["seen"] is None
    assert "out of memory on tile 5" in answer.err
    monkeypatch.setattr(OnnxEngine, "raw", working)
    again = apronwatch("count", *scenes, "--site", "base", "--json")
    assert again.status == 0
    assert again.counts(0)["*"]["status"] == "complete"
    rows = apronwatch("series", "base", "--json", "--class", "plane", "--zone", "*").document["rows"]
    assert [row["status"] for row in rows] == ["complete", "complete"]


def test_more_boxes_than_the_cap_is_said(
    apronwatch: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = registry.find_model
    monkeypatch.setattr(registry, "find_model", lambda *a, **k: replace(find(*a, **k), max_boxes_per_tile=1))
    scene = raster(tmp_path / "20241201.tif", dtype="uint8")
    _show_boxes(monkeypatch, 4)
    count = apronwatch("count", scene, "--site", "base", "--json").counts()["*"]
    assert (count["seen"], count["status"]) == (1, "saturated")


def _show_boxes(monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    """The network's head answers with `n` boxes of 30 px along a row of the tile."""
    working = OnnxEngine.raw

    def answering(self, batch):
        raw = np.zeros_like(working(self, batch))
        raw[:, :4, :n] = np.array([[100.0 + 60 * k, 300.0, 30.0, 20.0] for k in range(n)]).T
        raw[:, 4, :n] = 0.9
        return raw

    monkeypatch.setattr(OnnxEngine, "raw", answering)


@pytest.mark.parametrize("fault", [np.nan, np.inf])
def test_numbers_that_are_none_fail_the_scene(
    apronwatch: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: float
) -> None:
    working = OnnxEngine.raw
    monkeypatch.setattr(OnnxEngine, "raw", lambda self, batch: working(self, batch) * fault)
    scene = raster(tmp_path / "20241201.tif")
    answer = apronwatch("count", scene, "--site", "base", "--json")
    assert (answer.status, answer.counts()["*"]["status"]) == (1, "failed")


def test_a_file_cut_short_is_refused(refused: Command, tmp_path: Path) -> None:
    scene = raster(tmp_path / "20241201.tif")
    scene.write_bytes(scene.read_bytes()[: scene.stat().st_size // 2])
    assert "20241201.tif" in refused("count", scene, "--site", "base").err


@pytest.mark.parametrize("content", [b"", b"no raster at all\n" * 40])
def test_a_file_that_is_no_raster_is_refused(refused: Command, tmp_path: Path, content: bytes) -> None:
    scene = tmp_path / "20241201.tif"
    scene.write_bytes(content)
    refused("count", scene, "--site", "base")


def test_a_file_that_is_not_there_is_refused(refused: Command, tmp_path: Path) -> None:
    refused("count", tmp_path / "20241201.tif", "--site", "base")


def test_a_scene_without_a_time_is_refused_unless_it_is_said(
    refused: Command, apronwatch: Command, tmp_path: Path
) -> None:
    scene = raster(tmp_path / "scene.tif")
    assert "--undated" in refused("count", scene, "--site", "base").err
    answer = apronwatch("count", scene, "--site", "base", "--undated", "--json")
    assert (answer.status, answer.document["scenes"][0]["time"]) == (0, None)
    assert apronwatch("series", "base", "--json").document["rows"] == []


def test_contradicting_dates_are_refused(refused: Command, tmp_path: Path) -> None:
    scene = raster(tmp_path / "20241201.tif")
    (tmp_path / "20241201.IMD").write_text(
        "BEGIN_GROUP = IMAGE_1\n\tfirstLineTime = 2024-12-09T08:30:00.000000Z;\nEND_GROUP = IMAGE_1\nEND;\n"
    )
    said = refused("count", scene, "--site", "base").err
    assert "(20241201)" in said
    assert "2024-12-09" in said


def test_a_picture_without_georeference_needs_its_gsd(
    refused: Command, apronwatch: Command, tmp_path: Path
) -> None:
    scene = raster(tmp_path / "20241201.png", crs=None, transform=None)
    assert "--gsd" in refused("count", scene, "--site", "base").err
    assert apronwatch("count", scene, "--site", "base", "--gsd", 1.0).status == 0


def test_a_scene_with_only_rpcs_is_refused_with_the_way_out(refused: Command, tmp_path: Path) -> None:
    rpcs = RPC(
        height_off=10, height_scale=500, lat_off=35.4, lat_scale=0.1, long_off=35.9, long_scale=0.1, line_off=250,
        line_scale=250, samp_off=250, samp_scale=250, line_num_coeff=[0.0] * 20, line_den_coeff=[1.0] + [0.0] * 19,
        samp_num_coeff=[0.0] * 20, samp_den_coeff=[1.0] + [0.0] * 19,
    )  # fmt: skip
    scene = raster(tmp_path / "20241201.tif", crs=None, transform=None, rpcs=rpcs)
    assert "gdalwarp" in refused("count", scene, "--site", "base").err


def test_unknown_weights_are_refused(refused: Command, tmp_path: Path) -> None:
    scene, weights = raster(tmp_path / "20241201.tif"), tmp_path / "found.pt"
    weights.write_bytes(b"pickle")
    assert "--trust" in refused("count", scene, "--site", "base", "--model", weights).err
    refused("count", scene, "--site", "base", "--model", "no-such-model")


def test_corrupted_weights_are_refused(
    refused: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = registry.bundled_folder()
    folder = tmp_path / "weights"
    folder.mkdir()
    for file in bundled.iterdir():
        data = bytearray(file.read_bytes())
        if file.suffix == ".onnx":
            data[len(data) // 2] ^= 0xFF
        (folder / file.name).write_bytes(data)
    monkeypatch.setattr(registry, "bundled_folder", lambda: folder)
    refused("count", raster(tmp_path / "20241201.tif"), "--site", "base")


@pytest.mark.parametrize(
    "words",
    [
        ["--site", "base", "--time", "yesterday"],
        ["--site", "base", "--classes", "plane,tank"],
        ["--sites", "no-such-file.geojson"],
        ["--site", "base", "--mask", "no-such-mask.tif"],
        ["--site", "base", "--device", "cuda:7"],
        ["--site", "base", "--time", "2024-12-01", "--undated"],
        ["--site", "base", "--archive", "no/such/folder/a.sqlite"],
        ["--nonsense"],
    ],
)
def test_a_wrong_call_is_refused(refused: Command, tmp_path: Path, words: list[str]) -> None:
    refused("count", raster(tmp_path / "20241201.tif"), *words)


def test_a_mask_of_crossing_outlines_is_refused(refused: Command, tmp_path: Path) -> None:
    bow_tie = shapely.Polygon([PLACE @ corner for corner in ((0, 0), (80, 80), (80, 0), (0, 80))])
    mask = tmp_path / "mask.gpkg"
    shapes = [bow_tie, shapely.affinity.translate(bow_tie, 40.0)]
    geopandas.GeoDataFrame(geometry=shapes, crs=UTM).to_file(mask)
    told = refused("count", raster(tmp_path / "20241201.tif"), "--site", "base", "--mask", mask).err
    assert "polygon 1 is not valid" in told


def test_a_call_without_a_scene_is_refused(refused: Command) -> None:
    refused("count")
