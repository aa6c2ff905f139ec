"""A tiny folder of training tiles as `apronwatch data prepare` writes them: bars of two colours on noise."""

import json
from pathlib import Path

import cv2
import numpy as np

from apronwatch.taxonomy import CLASSES


def write_tiles(root: Path, *, side_px: int = 96, training: int = 16, validation: int = 2) -> Path:
    """Planes are white, small vehicles red; a third of the labels are upright; ships are unknown."""
    rng = np.random.default_rng(5)
    for split, number in (("train", training), ("val", validation)):
        for kind in ("images", "labels", "regions"):
            (root / kind / split).mkdir(parents=True)
        for k in range(number):
            _write_tile(root, split, f"tile{k}", side_px, rng)
    names = "\n".join(f"  {k}: {name}" for k, name in enumerate(CLASSES))
    described = f"path: .\ntrain: images/train\nval: images/val\nnames:\n{names}\n"
    (root / "data.yaml").write_text(described)
    return root


def _write_tile(root: Path, split: str, name: str, side_px: int, rng: np.random.Generator) -> None:
    picture = rng.integers(80, 110, (side_px, side_px, 3), dtype=np.uint8)
    rows, told = [], []
    for _ in range(3):
        kind = int(rng.choice([0, 2]))
        angle, centre = rng.uniform(0, np.pi), rng.uniform(0.25, 0.75, 2) * side_px
        along = np.array([np.cos(angle), np.sin(angle)]) * rng.uniform(9, 15)
        across = np.array([-along[1], along[0]]) * rng.uniform(0.3, 0.6)
        box = centre + np.array([-along - across, along - across, along + across, across - along])
        colour = (235, 235, 235) if kind == 0 else (30, 30, 200)
        cv2.fillPoly(picture, [np.round(box).astype(np.int32)], colour)
        oriented = bool(rng.random() > 0.33)
        if not oriented:
            (x0, y0), (x1, y1) = box.min(axis=0), box.max(axis=0)
            box = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
        rows.append(f"{kind} " + " ".join(f"{v / side_px:.7f}" for v in box.ravel()))
        told.append({"oriented": oriented, "difficult": False})
    assert cv2.imwrite(str(root / "images" / split / f"{name}.png"), picture)
    (root / "labels" / split / f"{name}.txt").write_text("\n".join(rows) + "\n")
    corner = [[0, 0], [10, 0], [10, 10], [0, 10]]
    sidecar = {
        "unknown_classes": ["ship"],
        "regions": [{"polygon": corner, "classes": list(CLASSES)}],
        "labels": told,
    }
    (root / "regions" / split / f"{name}.json").write_text(json.dumps(sidecar))


def write_config(
    path: Path, tiles: Path, out: Path, *, epochs: int = 2, schedule: str = "", **run: object
) -> Path:
    """A run of seconds; `schedule`: more lines of that table."""
    more = "\n".join(f"{key} = {str(value).lower()}" for key, value in run.items())
    path.write_text(
        f"""
[start]
model = "yolo26n-obb"
[data]
tiles = "{tiles}"
[schedule]
epochs = {epochs}
batch = 8
tile_px = 96
close_mosaic_epochs = 1
{schedule}
[run]
out = "{out}"
{more}
"""
    )
    return path
