"""Ultralytics' own dataset class takes the tiles as they are."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from apronwatch_datasets.preparing import pack, prepare, unpack
from tests.datasets.preparing.made import SMALL, dataset
from tests.extras import need

need("ultralytics", "train")

LOADED = """
import json, sys
from ultralytics.cfg import get_cfg
from ultralytics.data.build import build_yolo_dataset
from ultralytics.data.utils import check_det_dataset
data = check_det_dataset(sys.argv[1], autodownload=False)
made = {}
for split in sys.argv[2:]:
    loaded = build_yolo_dataset(get_cfg(overrides={"task": "obb", "imgsz": 128}), data[split], 2, data, mode="val")
    cache = {f["im_file"]: [len(f["cls"]), len(f["segments"]), list(f["shape"])] for f in loaded.labels}
    made[split] = [len(loaded), cache, [list(loaded[k]["img"].shape) for k in range(2)]]
print("LOADED", json.dumps([made, data["names"]]))
"""


def loaded_by_ultralytics(root: Path, *splits: str, cwd: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """What its dataset class finds in each split, and the names of its classes."""
    offline = {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "false", "YOLO_CONFIG_DIR": str(cwd / "config")}
    run = subprocess.run(
        [sys.executable, "-c", LOADED, str(root / "data.yaml"), *splits],
        env={**os.environ, **offline}, cwd=cwd, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "corrupt" not in run.stdout.replace("0 corrupt", "") + run.stderr.replace("0 corrupt", "")
    loaded, names = json.loads(run.stdout.split("LOADED ")[1])
    return loaded, names


def test_every_tile_is_loaded_with_all_its_boxes(tmp_path: Path) -> None:
    made = prepare([dataset(tmp_path / "in")], tmp_path / "out", SMALL)
    # From another folder: the paths in data.yaml count from the file.
    loaded, names = loaded_by_ultralytics(made.root, *made.splits, cwd=tmp_path)
    assert list(names.values()) == ["plane", "helicopter", "vehicle_small", "vehicle_large", "ship"]
    for split, facts in made.splits.items():
        number, cache, shapes = loaded[split]
        assert number == len(cache) == facts["tiles"]
        assert shapes == [[3, 128, 128]] * 2
        for image, (boxes, segments, shape) in cache.items():
            labels = made.root / "labels" / split / f"{Path(image).stem}.txt"
            assert boxes == segments == len(labels.read_text().splitlines())
            assert shape == [128, 128]


def test_a_set_without_some_split_is_loaded(tmp_path: Path) -> None:
    whole = prepare([dataset(tmp_path / "in")], tmp_path / "out", SMALL)
    pack(whole.root, tmp_path / "val.zip", max_mb=10, split="val")
    for split, root in (
        ("train", prepare([dataset(tmp_path / "in", number=2)], tmp_path / "one", SMALL).root),
        ("val", unpack(tmp_path / "val.zip", tmp_path / "val").root),
    ):
        loaded, _ = loaded_by_ultralytics(root, "train", "val", cwd=tmp_path)
        tiles = len(list((root / "images" / split).glob("*.[jp][pn]g")))
        assert tiles > 0
        assert loaded["train"][0] == loaded["val"][0] == tiles
