"""Ultralytics' own dataset class takes the tiles as they are."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from apronwatch_datasets.preparing import prepare
from tests.datasets.preparing.made import SMALL, dataset

pytest.importorskip("ultralytics", reason="ultralytics is not installed: the `train` extra has it")

LOADED = """
import json, sys
from ultralytics.cfg import get_cfg
from ultralytics.data.build import build_yolo_dataset
from ultralytics.data.utils import check_det_dataset
data = check_det_dataset(sys.argv[1], autodownload=False)
made = {}
for split in ("train", "val", "test"):
    loaded = build_yolo_dataset(get_cfg(overrides={"task": "obb", "imgsz": 128}), data[split], 2, data, mode="val")
    cache = {f["im_file"]: [len(f["cls"]), len(f["segments"]), list(f["shape"])] for f in loaded.labels}
    made[split] = [len(loaded), cache, [list(loaded[k]["img"].shape) for k in range(2)]]
print("LOADED", json.dumps([made, data["names"]]))
"""


def test_every_tile_is_loaded_with_all_its_boxes(tmp_path: Path) -> None:
    made = prepare([dataset(tmp_path / "in")], tmp_path / "out", SMALL)
    offline = {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "false", "YOLO_CONFIG_DIR": str(tmp_path / "config")}
    # From another folder: the paths in data.yaml count from the file.
    run = subprocess.run(
        [sys.executable, "-c", LOADED, str(made.root / "data.yaml")],
        env={**os.environ, **offline}, cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "corrupt" not in run.stdout.replace("0 corrupt", "") + run.stderr.replace("0 corrupt", "")
    loaded, names = json.loads(run.stdout.split("LOADED ")[1])
    assert list(names.values()) == ["plane", "helicopter", "vehicle_small", "vehicle_large", "ship"]
    for split, facts in made.splits.items():
        number, cache, shapes = loaded[split]
        assert number == len(cache) == facts["tiles"]
        assert shapes == [[3, 128, 128]] * 2
        for image, (boxes, segments, shape) in cache.items():
            labels = made.root / "labels" / split / f"{Path(image).stem}.txt"
            assert boxes == segments == len(labels.read_text().splitlines())
            assert shape == [128, 128]
