"""The record of a training set, made by hand: manifest, prepared.json and a few tiles."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from apronwatch.engines.export import parity_tiles
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.preparing.manifest import parquet

SIDE_PX = 96


def row(
    split: str, dataset: str, place: str, *, gsd_m: float | None = 0.5, tile: str = "", **labels: int
) -> dict[str, Any]:
    """A tile of the manifest."""
    return {
        "tile": tile or f"{dataset}-{place}-{split}-{gsd_m}",
        "split": split,
        "dataset": dataset,
        "licence": "as it may be",
        "source_image": place,
        "source_sha256": "0" * 64,
        "tile_sha256": "0" * 64,
        "place": place,
        "native_gsd_m": gsd_m,
        "gsd_m": gsd_m,
        "time": None,
        "x0": 0,
        "y0": 0,
        "scale_x": 1.0,
        "scale_y": 1.0,
        **{f"objects_{name}": labels.get(name, 0) for name in CLASSES},
        "ignored": 0,
        "unknown_classes": [],
    }


def write_prepared(root: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """A finished folder with a picture for each row."""
    root.mkdir(parents=True)
    (root / "manifest.parquet").write_bytes(parquet(rows))
    pictures = parity_tiles(SIDE_PX)
    for k, each in enumerate(rows):
        folder = root / "images" / each["split"]
        folder.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(folder / f"{each['tile']}.png"), np.rot90(pictures[k % 4], k // 4))
    splits = sorted({each["split"] for each in rows})
    document = {
        "format": 1,
        "image_format": "png",
        "options": {
            "gsds_m": [0.5],
            "tile_px": SIDE_PX,
            "overlap_px": None,
            "seed": 3,
            "splits": None,
            "rest": "share",
            "image_format": "png",
            "backgrounds": 1.0,
            "max_upscale": 2.0,
            "min_px": 6.0,
            "join_leaks": False,
        },
        "versions": {"apronwatch": "0", "numpy": "2"},
        "splits": {
            split: {
                "tiles": sum(r["split"] == split for r in rows),
                "places": len({r["place"] for r in rows if r["split"] == split}),
                "labels": {c: sum(r[f"objects_{c}"] for r in rows if r["split"] == split) for c in CLASSES},
            }
            for split in splits
        },
        "tally": {
            name: {"aircraft": {"written": 7, "kept": 7}} for name in sorted({r["dataset"] for r in rows})
        },
        "notes": ["One image was too coarse."],
    }
    (root / "prepared.json").write_text(json.dumps(document))
    return root
