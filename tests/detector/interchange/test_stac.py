"""A run as a STAC item, validated with the schemas that pystac carries."""

import dataclasses
import hashlib
import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import pytest
import shapely
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from apronwatch.archive.rows import ArchivedRun
from apronwatch.detections import Detections
from apronwatch.errors import OutputInvalid
from apronwatch.interchange import write
from apronwatch.interchange.stac import FILE_EXTENSION, write_stac_item
from apronwatch.run import Run
from apronwatch.site import Site
from apronwatch.visibility import Visibility

from .samples import MODEL, UTM, scene


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a schema was fetched from the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def _run(crs: str | None = UTM, **facts: Any) -> Run:
    info = scene(crs, **facts)
    found = Detections.empty(crs, 1.0 if crs else 0.5)
    seen = Visibility({"*": 1.0}, {"*": 10.0}, None)
    hidden = np.zeros(0, dtype=np.bool_)
    return Run(info, MODEL, {"gsd_m": 0.5}, found, {"plane": 0.4}, seen, shapely.Polygon(), hidden)


def _item(run: Run, path: Path, **more: Any) -> dict[str, Any]:
    write_stac_item(run, path, **more)
    plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    JsonSchemaSTACValidator().validate_core(plain, pystac.STACObjectType.ITEM, plain["stac_version"])
    return plain


def test_says_where_when_how_fine_and_with_what(tmp_path: Path) -> None:
    run = _run()
    item = _item(run, tmp_path / "item.json")
    assert item["id"] == f"base_20241213-{run.key[:12]}"
    assert item["bbox"] == [36.3, 35.39, 36.32, 35.4]
    assert shapely.geometry.shape(item["geometry"]).exterior.is_ccw  # the scene's own runs clockwise
    assert item["properties"]["datetime"] == "2024-12-13T08:15:30Z"
    assert "start_datetime" not in item["properties"]
    assert item["properties"]["gsd"] == 0.5
    assert item["properties"]["apronwatch:run"] == run.key
    assert item["properties"]["apronwatch:model_sha256"] == MODEL.sha256
    assert item["properties"]["apronwatch:scene_sha256"] == "cd" * 32
    assert item["properties"]["apronwatch:thresholds"] == {"plane": 0.4}
    assert pystac.Item.from_file(tmp_path / "item.json").datetime == run.scene.time


@pytest.mark.parametrize(
    ("fraction", "saturated", "passes", "expected"),
    [
        (1.0, False, ["plane"], (0, False, "complete", ["no_mask"])),
        (0.0, False, ["plane"], (None, False, "unseen", ["unseen", "partial", "seen_less_than_half"])),
        (1.0, False, [], (None, False, "out_of_range", ["out_of_range"])),
        (0.37, False, ["plane"], (0, True, "partial", ["partial", "haze:0.200", "seen_less_than_half"])),
        (0.8, True, ["plane"], (0, True, "saturated", ["saturated", "partial", "no_mask"])),
    ],
)
def test_nothing_found_is_a_number_only_where_something_was_seen_and_looked_for(
    tmp_path: Path, fraction: float, saturated: bool, passes: list[str], expected: tuple[Any, ...]
) -> None:
    haze = {"haze": {"*": 0.2}} if "haze:0.200" in expected[3] else {}
    run = dataclasses.replace(
        _run(),
        parameters={"passes": [{"gsd_m": 1.0, "classes": passes}]},
        visibility=Visibility({"*": fraction}, {"*": 10.0}, None, haze),
        saturated=shapely.box(0, 0, 1, 1) if saturated else shapely.Polygon(),
        masks_hash="clouds" if haze else "",
    )
    said = _item(run, tmp_path / "item.json")["properties"]
    names = ("detections", "at_least", "status", "reasons")
    assert tuple(said[f"apronwatch:{name}"] for name in names) == expected
    assert said["apronwatch:observed_fraction"] == fraction
    assert said["apronwatch:looked_for"] == passes


@pytest.mark.parametrize(
    ("precision", "start", "end"),
    [
        ("day", "2024-12-13T00:00:00Z", "2024-12-13T23:59:59Z"),
        ("hour", "2024-12-13T08:00:00Z", "2024-12-13T08:59:59Z"),
        ("minute", "2024-12-13T08:15:00Z", "2024-12-13T08:15:59Z"),
    ],
)
def test_a_coarse_time_is_a_span(tmp_path: Path, precision: str, start: str, end: str) -> None:
    time = datetime(2024, 12, 13, 8, 15, tzinfo=UTC)
    properties = _item(_run(time=time, time_precision=precision), tmp_path / "item.json")["properties"]
    assert (properties["start_datetime"], properties["end_datetime"]) == (start, end)


def test_an_undated_scene_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputInvalid, match=r"undated.*--time"):
        write_stac_item(_run(time=None, time_precision=None), tmp_path / "item.json")
    assert list(tmp_path.iterdir()) == []


def test_a_picture_has_no_geometry(tmp_path: Path) -> None:
    item = _item(_run(None), tmp_path / "item.json")
    assert item["geometry"] is None
    assert "bbox" not in item


@pytest.mark.parametrize(("west", "east"), [(179.9, 180.1), (-180.1, -179.9)])
def test_a_footprint_that_runs_on_past_180_is_cut(tmp_path: Path, west: float, east: float) -> None:
    footprint = shapely.box(west, 64.0, east, 64.2)
    item = _item(_run(footprint_wkt=footprint.wkt), tmp_path / "item.json")
    assert item["geometry"]["type"] == "MultiPolygon"
    assert item["bbox"] == pytest.approx([179.9, 64.0, -179.9, 64.2])
    assert shapely.geometry.shape(item["geometry"]).area == pytest.approx(footprint.area)


def test_assets_are_relative_and_checked(tmp_path: Path) -> None:
    (tmp_path / "scene.tif").write_bytes(b"pixels")
    run = _run(path=str(tmp_path / "scene.tif"))
    out = tmp_path / "out"
    out.mkdir()
    write(run.detections, out / "boxes.geojson", info=run.scene, model=run.model)
    for name, format in (("dota.txt", "dota"), ("yolo.txt", "yolo-obb")):
        write(run.detections, out / name, info=run.scene, model=run.model, format=format)
    files = [out / "boxes.geojson", out / "dota.txt", out / "yolo.txt"]
    item = _item(run, out / "item.json", detections=files)
    assert set(item["assets"]) == {"source", "boxes.geojson", "dota.txt", "yolo.txt"}
    assert item["assets"]["source"]["href"] == "./../scene.tif"
    assert item["assets"]["source"]["type"] == pystac.MediaType.GEOTIFF
    found = item["assets"]["boxes.geojson"]
    assert found["href"] == "./boxes.geojson"
    content = (out / "boxes.geojson").read_bytes()
    assert found["file:checksum"] == "1220" + hashlib.sha256(content).hexdigest()
    assert found["file:size"] == len(content)
    assert item["stac_extensions"] == [FILE_EXTENSION]
    assert str(tmp_path) not in (out / "item.json").read_text()


def test_a_remote_source_is_linked_without_its_signature(tmp_path: Path) -> None:
    item = _item(_run(path="https://host.org/a.tif?sig=secret"), tmp_path / "item.json")
    assert item["assets"]["source"]["href"] == "https://host.org/a.tif"


def test_a_source_that_was_a_stac_item_is_linked_as_one(tmp_path: Path) -> None:
    item = _item(_run(path="https://host.org/items/a.json"), tmp_path / "item.json")
    assert item["assets"] == {}
    assert [(link["rel"], link["href"]) for link in item["links"]] == [
        ("derived_from", "https://host.org/items/a.json")
    ]


def test_missing_detections_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputInvalid, match=r"gone\.geojson cannot be read"):
        write_stac_item(_run(), tmp_path / "item.json", detections=[tmp_path / "gone.geojson"])
    assert list(tmp_path.iterdir()) == []


def test_a_failed_run_is_not_published_as_nothing_found(tmp_path: Path) -> None:
    run = _run()
    facts = {field.name: getattr(run, field.name) for field in dataclasses.fields(run)}
    archived = ArchivedRun(
        **facts,
        run_id=1,
        stored_key=run.key,
        site=Site.whole_picture("base", run.scene),
        counts=(),
        failure="the engine broke",
        scene_paths=(run.scene.path,),
        calibration_hash="",
        pipeline_version=1,
        software_version="0",
        stored_at=run.scene.time,
        counted_at=run.scene.time,
    )
    with pytest.raises(OutputInvalid, match=r"failed \(the engine broke\)"):
        write_stac_item(archived, tmp_path / "item.json")
    write_stac_item(dataclasses.replace(archived, failure=None), tmp_path / "item.json")
