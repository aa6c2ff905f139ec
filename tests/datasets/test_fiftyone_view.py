"""With FiftyOne's real database, in a process of its own: it reads its settings once, and mongod ends with it."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from apronwatch.errors import ApronwatchError, CallInvalid, ExtraMissing
from apronwatch.geometry import rotated_boxes
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets import fiftyone_view
from apronwatch_datasets.fiftyone_view import open_in_fiftyone, viewable
from apronwatch_datasets.pictures import read_picture
from apronwatch_datasets.records import UNCLASSED, LabelledImage, Objects
from tests.rasters import make_raster

PLANE = CLASSES.index("plane")
BOXES = rotated_boxes([40, 80, 20], [30, 40, 50], 24, 10, 0.4)
TIME = datetime(2023, 8, 14, 9, 30, tzinfo=UTC)

needs_fiftyone = pytest.mark.skipif(
    importlib.util.find_spec("fiftyone") is None,
    reason="fiftyone is not installed: pip install 'apronwatch[review]'",
)


def made_images(folder: Path) -> list[LabelledImage]:
    """An image that the App shows, and a GeoTIFF of 16 bits that it does not."""
    png, tif = folder / "shown.png", folder / "deep.tif"
    Image.fromarray(np.full((64, 96, 3), 90, dtype=np.uint8)).save(png)
    make_raster(tif, size=(64, 96), dtype="uint16")
    objects = Objects.of(
        BOXES,
        ["plane", "plane", "wagon"],
        [PLANE, PLANE, UNCLASSED],
        oriented=[True, False, True],
        difficult=[False, True, False],
    )
    known = frozenset({"plane"})
    return [
        LabelledImage("shown", png, None, 96, 64, None, None, "north", objects, known, "train"),
        LabelledImage("deep", tif, None, 96, 64, 0.5, TIME, "south", Objects.empty(), known),
    ]


def in_the_database(folder: Path) -> dict[str, object]:
    """What FiftyOne holds after `open_in_fiftyone`, twice, and after a dataset of another's was in the way."""
    images = made_images(folder)
    for _ in range(2):
        dataset = open_in_fiftyone({"made": images}, "look", cache=folder / "cache", launch=False)
    import fiftyone as fo

    fo.Dataset("theirs")
    try:
        open_in_fiftyone({"made": images}, "theirs", cache=folder / "cache", launch=False)
        refused = ""
    except CallInvalid as error:
        refused = str(error)
    shown, deep = dataset.sort_by("image", reverse=True)
    return {
        "datasets": sorted(fo.list_datasets()),
        "refused": refused,
        "persistent": dataset.persistent,
        "classes": dataset.default_classes,
        "tracked": not fo.config.do_not_track,
        "database": fo.config.database_dir,
        "polylines": [p.to_dict() for p in shown.labels.polylines],
        "difficult": dataset.count_label_tags().get("difficult"),
        "sources": dataset.distinct("labels.polylines.source_class"),
        "shown": {
            k: shown[k] for k in ("filepath", "place", "gsd_m", "source", "annotated", "published_split")
        },
        "deep": {k: deep[k] for k in ("filepath", "place", "gsd_m", "source_path")},
        "time": deep.time.isoformat(),
        "empty": len(deep.labels.polylines),
    }


@needs_fiftyone
def test_in_the_real_database(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    settings = {
        "HOME": str(home),
        "FIFTYONE_DATABASE_DIR": str(tmp_path / "database"),
        "FIFTYONE_CONFIG_PATH": str(tmp_path / "config.json"),
        "FIFTYONE_DEFAULT_DATASET_DIR": str(tmp_path / "datasets"),
        "FIFTYONE_DATASET_ZOO_DIR": str(tmp_path / "zoo"),
        "FIFTYONE_MODEL_ZOO_DIR": str(tmp_path / "models"),
        "FIFTYONE_PLUGINS_DIR": str(tmp_path / "plugins"),
    }
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("FIFTYONE_")}
    told = tmp_path / "told.json"
    subprocess.run(
        [sys.executable, "-m", __name__, str(tmp_path), str(told)],
        env=inherited | settings,
        cwd=Path(__file__).parents[2],
        check=True,
        timeout=300,
    )
    held = json.loads(told.read_text())
    assert held["datasets"] == ["look", "theirs"]
    assert "not made by apronwatch" in held["refused"]
    assert held["persistent"]
    assert not held["tracked"]
    assert held["classes"] == [*CLASSES, "ignored"]
    _check_polylines(held["polylines"])
    assert held["difficult"] == 1
    assert held["sources"] == ["plane", "wagon"]
    assert held["shown"] == {
        "filepath": str(tmp_path / "shown.png"),
        "place": "north",
        "gsd_m": None,
        "source": "made",
        "annotated": ["plane"],
        "published_split": "train",
    }
    assert (held["deep"]["place"], held["deep"]["gsd_m"]) == ("south", 0.5)
    assert held["deep"]["source_path"] == str(tmp_path / "deep.tif")
    assert Path(held["deep"]["filepath"]).parent == tmp_path / "cache"
    assert held["time"].startswith("2023-08-14T09:30")
    assert held["empty"] == 0
    assert held["database"] == str(tmp_path / "database")
    assert not (home / ".fiftyone").exists()
    _wait_for_the_end_of_mongod(tmp_path)


def _check_polylines(polylines: list[dict[str, object]]) -> None:
    for polyline, box in zip(polylines, BOXES, strict=True):
        corners = np.array(polyline["points"])[0] * (96, 64)
        np.testing.assert_allclose(corners, box, atol=1e-9)
        assert polyline["closed"]
        assert polyline["filled"]
        assert polyline["length_px"] == pytest.approx(24)
    assert [p["label"] for p in polylines] == ["plane", "plane", "ignored"]
    assert [p["tags"] for p in polylines] == [[], ["difficult"], ["ignore"]]
    assert [p["oriented"] for p in polylines] == [True, False, True]
    assert [p["line"] for p in polylines] == [1, 2, 3]


def _wait_for_the_end_of_mongod(folder: Path) -> None:
    """FiftyOne's own service stops it a little after the process has ended."""
    end = time.monotonic() + 60
    while any(str(folder / "database") in command for command in _commands()):
        assert time.monotonic() < end, "mongod was left running"
        time.sleep(0.2)


def _commands() -> list[str]:
    """Command lines of this machine's processes; empty where there is no /proc."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:  # it ended meanwhile
            continue
    return found


def test_the_app_is_waited_for_and_its_dataset_goes_with_it(tmp_path, monkeypatch):
    """The order of the calls only: the App needs a browser and a person."""
    calls = []

    class Session:
        def wait(self):
            calls.append("wait")

    class Dataset:
        app_config = type("Config", (), {})()
        persistent = True

        def __init__(self, name):
            calls.append(f"make {name}")

        def __getattr__(self, name):
            return lambda *_, **__: calls.append(name)

    class FiftyOne:
        Sample = Polyline = Polylines = ImageMetadata = ColorScheme = staticmethod(lambda **told: told)
        dataset_exists = staticmethod(lambda name: False)

        @staticmethod
        def launch_app(dataset, port):
            calls.append(f"launch {port} kept={dataset.persistent}")
            return Session()

    FiftyOne.Dataset = Dataset
    monkeypatch.setattr(fiftyone_view, "import_fiftyone", lambda: FiftyOne)
    done = []
    images = {"made": made_images(tmp_path)}
    open_in_fiftyone(images, "look", cache=tmp_path / "new", port=7, progress=lambda *n: done.append(n))
    assert calls[0] == "make look"
    assert calls[-2:] == ["launch 7 kept=False", "wait"]
    assert done == [(1, 2), (2, 2)]
    with pytest.raises(CallInvalid, match="no labelled image"):
        open_in_fiftyone({"made": []}, "look", cache=tmp_path)


def test_without_fiftyone_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fiftyone", None)
    monkeypatch.setenv("FIFTYONE_DO_NOT_TRACK", "true")
    monkeypatch.setenv("FIFTYONE_DATABASE_VALIDATION", "false")
    with pytest.raises(ExtraMissing, match=r"pip install 'apronwatch\[review\]'"):
        open_in_fiftyone({}, "look")


def test_what_a_browser_shows_is_not_copied(tmp_path):
    for name, mode in (("colour.png", "RGB"), ("grey.jpg", "L"), ("palette.png", "P")):
        Image.new(mode, (8, 8)).save(tmp_path / name)
        assert viewable(tmp_path / name, tmp_path) == tmp_path / name


def test_what_a_browser_does_not_show_becomes_a_png_of_the_same_pixels(tmp_path):
    make_raster(tmp_path / "scene.tif", dtype="uint16")
    make_raster(tmp_path / "deep.png", dtype="uint16", crs=None, transform=None)
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(tmp_path / "old.bmp")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(np.arange(384, dtype=np.uint16).astype(np.uint8).reshape(8, 16, 3)).save(
        tmp_path / "turned.jpg", exif=turned
    )
    cache = tmp_path / "cache"
    cache.mkdir()
    for name in ("scene.tif", "deep.png", "old.bmp", "turned.jpg"):
        made = viewable(tmp_path / name, cache)
        assert made.parent == cache
        with Image.open(made) as picture:
            np.testing.assert_array_equal(np.asarray(picture), read_picture(tmp_path / name).rgb)


def test_a_picture_is_made_once_and_again_when_the_image_changes(tmp_path):
    image, cache = tmp_path / "scene.tif", tmp_path / "cache"
    cache.mkdir()
    make_raster(image)
    first = viewable(image, cache)
    os.utime(first, (1, 1))
    assert viewable(image, cache) == first
    assert first.stat().st_mtime == 1
    os.utime(image, (5, 5))
    assert viewable(image, cache) != first
    (tmp_path / "broken.tif").write_bytes(b"no image")
    with pytest.raises(ApronwatchError):
        viewable(tmp_path / "broken.tif", cache)


if __name__ == "__main__":
    folder, told = map(Path, sys.argv[1:])
    told.write_text(json.dumps(in_the_database(folder), default=str))
