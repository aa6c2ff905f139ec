"""Whether an exported file gives on real tiles what the weights it was made from give."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apronwatch.engines.decoding import decode
from apronwatch.engines.export import MATTERS_FROM_SCORE
from apronwatch.engines.onnx import OnnxEngine
from apronwatch.engines.specs import ModelSpec
from apronwatch.engines.torch import TorchEngine
from apronwatch.errors import ModelInvalid, TilesInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.pictures import read_picture
from apronwatch_datasets.preparing import Prepared
from apronwatch_training.sources import is_tile_drawn

TILES = 16
BATCH = 4


@dataclass(frozen=True)
class Parity:
    """How far two engines lie apart on the same tiles.

    Attributes:
        tiles: how many.
        score_difference: greatest difference of a score, over all anchors.
        box_difference_px: greatest difference of x, y, w or h where a score reaches 0.05.
        counted: class -> boxes at or above its threshold after suppression, of the first and of the second.
        tiles_apart: tiles on which they count differently.
    """

    tiles: int
    score_difference: float
    box_difference_px: float
    counted: dict[str, tuple[int, int]]
    tiles_apart: int

    @property
    def said(self) -> str:
        """In one sentence, for the registry."""
        boxes = sum(first for first, _ in self.counted.values())
        return (
            f"on {self.tiles} tiles of its data ({boxes} counted boxes) scores differ by {self.score_difference:.1g}, "
            f"boxes by {self.box_difference_px:.1g} px at most; counts differ on {self.tiles_apart} of the tiles"
        )


def busiest_tiles(prepared: Prepared, number: int = TILES) -> NDArray[np.uint8]:
    """Tiles (N, H, W, 3) with the most labels: of validation places if there are any, real ones before drawn ones.

    Raises:
        TilesInvalid: the set has no tile with an object.
    """
    rows = [row for row in prepared.rows() if _labels(row)]
    if not rows:
        raise TilesInvalid(
            f"{prepared.root}: no tile shows an object; give the tiles that the weights learned from"
        )
    rows.sort(key=lambda r: (r["split"] != "val", is_tile_drawn(r), -_labels(r), r["tile"]))
    paths = [prepared.folder.tile(row["split"], row["tile"])[0] for row in rows[:number]]
    tiles = np.stack([read_picture(path).rgb for path in paths])
    height, width = (side // 32 * 32 for side in tiles.shape[1:3])  # what the network can take
    return np.ascontiguousarray(tiles[:, :height, :width])


def compare(
    one: TorchEngine | OnnxEngine, other: TorchEngine | OnnxEngine, tiles: NDArray[np.uint8]
) -> Parity:
    """Raw outputs and counted boxes of two engines on tiles (N, H, W, 3).

    Raises:
        ModelInvalid: one of them gives something that is no number, or there is no box to compare.
        ValueError: there are no tiles.
    """
    if not len(tiles):
        raise ValueError("no tiles: expected some to compare on")
    score = box = 0.0
    boxes = 0
    counts: tuple[list[list[int]], list[list[int]]] = ([], [])
    for start in range(0, len(tiles), BATCH):
        batch = tiles[start : start + BATCH]
        first, second = one.raw(batch), other.raw(batch)
        _check_numbers(one, first)
        _check_numbers(other, second)
        apart = np.abs(first - second)
        matters = np.maximum(first[:, 4:-1].max(axis=1), second[:, 4:-1].max(axis=1)) >= MATTERS_FROM_SCORE
        score = max(score, float(apart[:, 4:-1].max()))
        boxes += int(matters.sum())
        box = max(box, float(apart[:, :4].max(axis=1)[matters].max(initial=0.0)))
        for rows, raw in zip(counts, (first, second), strict=True):
            rows += _counted(raw, (batch.shape[1], batch.shape[2]), one.model)
    if not boxes:
        raise ModelInvalid(
            f"{one.model.path.name}: no score reaches {MATTERS_FROM_SCORE} on {len(tiles)} tiles, so no box was "
            "compared; give weights that find something on the tiles that they learned from"
        )
    totals = zip(one.model.classes, *(np.sum(rows, axis=0).tolist() for rows in counts), strict=True)
    apart_on = sum(a != b for a, b in zip(*counts, strict=True))
    return Parity(len(tiles), score, box, {name: (a, b) for name, a, b in totals}, apart_on)


def _check_numbers(engine: TorchEngine | OnnxEngine, raw: NDArray[np.float32]) -> None:
    if not np.isfinite(raw).all():
        raise ModelInvalid(
            f"{engine.model.path.name}: {int((~np.isfinite(raw)).sum())} of its {raw.size} outputs are no numbers; "
            "train the weights again, or leave --half out"
        )


def _counted(raw: NDArray[np.float32], shape: tuple[int, int], model: ModelSpec) -> list[list[int]]:
    """Boxes that count, per tile and class of the model."""
    floor = min(spec.threshold for spec in model.classes.values())
    found = [tile.detections for tile in decode(raw, shape, model, floor)]
    return [
        [
            int((seen.scores[seen.classes == CLASSES.index(name)] >= spec.threshold).sum())
            for name, spec in model.classes.items()
        ]
        for seen in found
    ]


def _labels(row: dict[str, object]) -> int:
    return sum(int(str(row[f"objects_{name}"])) for name in CLASSES)
