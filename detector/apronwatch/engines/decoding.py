"""What the raw one-to-many head says, as boxes: the one decoder of both engines.

The head gives for each anchor its centre, sides, a score per class and an angle: (B, 4 + C + 1, A) with rows
x, y, w, h [px], C scores, angle [rad, from x towards y, to the side w]. The layout is that of Ultralytics 8.4
(`nn/modules/head.py`, OBB).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apronwatch.detections import Detections, Polygons
from apronwatch.engines.specs import ModelSpec
from apronwatch.engines.suppression import suppress
from apronwatch.errors import EngineFailed, ModelInvalid
from apronwatch.taxonomy import class_id

STRIDES_PX = (8, 16, 32)
MAX_CANDIDATES = 30_000
"""Most boxes of one tile that go into suppression; more and the tile is `saturated`."""


@dataclass(frozen=True, eq=False)
class TileDetections:
    """What an engine found in one tile.

    Attributes:
        detections: in pixels of the tile (x right, y down; crs None, unit_m 1: an engine knows no GSD), best
            score first.
        saturated: a cap was reached, so that boxes may have been cut.
    """

    detections: Detections
    saturated: bool


def anchor_count(height_px: int, width_px: int) -> int:
    """Anchors of the raw head for a picture whose sides are multiples of 32: 8,400 at 640 px."""
    return sum((height_px // stride) * (width_px // stride) for stride in STRIDES_PX)


def decode(
    raw: NDArray[np.floating], tile_shape: tuple[int, int], model: ModelSpec, score_floor: float
) -> list[TileDetections]:
    """Boxes per tile, suppressed inside each tile.

    Args:
        raw: (B, 4 + C + 1, A) output of the one-to-many head.
        tile_shape: height and width of the tiles in px.
        model: whose classes, suppression and cap apply.
        score_floor: least score kept.

    Raises:
        ModelInvalid: the output has another shape, or scores that are no probabilities.
        EngineFailed: the output holds NaN or infinity.
    """
    expected = (4 + len(model.outputs) + 1, anchor_count(*tile_shape))
    if raw.ndim != 3 or raw.shape[1:] != expected:
        raise ModelInvalid(
            f"{model.path.name}: gives {raw.shape}, not (batch, {expected[0]}, {expected[1]}), "
            f"the raw one-to-many head for {len(model.outputs)} classes: `apronwatch models export` makes it"
        )
    if not np.isfinite(raw).all():
        bad = int((~np.isfinite(raw)).any(axis=(1, 2)).sum())
        raise EngineFailed(
            f"{model.name}: the model's output holds NaN or infinity in {bad} of {len(raw)} tiles; nothing "
            "can be counted from it: try --device cpu, and check the weights with `apronwatch models verify`"
        )
    return [_decode_tile(tile, model, score_floor) for tile in raw]


def _decode_tile(tile: NDArray[np.floating], model: ModelSpec, score_floor: float) -> TileDetections:
    class_scores = tile[4:-1]
    output = class_scores.argmax(axis=0)
    scores = class_scores.max(axis=0).astype(np.float32)
    if scores.size and (scores.max() > 1.001 or class_scores.min() < -0.001):
        raise ModelInvalid(
            f"{model.path.name}: scores outside 0 to 1: not the decoded head that was expected"
        )
    # An anchor that is most of all a storage tank is none of ours, whatever else it may resemble.
    our_class = np.array([-1 if name is None else class_id(name) for name in model.outputs], dtype=np.int16)
    candidates = np.flatnonzero((scores >= score_floor) & (our_class[output] >= 0))
    candidates = candidates[np.argsort(-scores[candidates], kind="stable")]
    saturated = len(candidates) >= MAX_CANDIDATES
    candidates = candidates[:MAX_CANDIDATES]
    polygons = corners(tile[:4, candidates].T, tile[-1, candidates])
    scores, classes = scores[candidates], our_class[output[candidates]]
    kept = suppress(polygons, scores, classes, model.suppression_iou)
    saturated |= len(kept) >= model.max_boxes_per_tile
    kept = kept[: model.max_boxes_per_tile]
    return TileDetections(Detections(polygons[kept], scores[kept], classes[kept]), bool(saturated))


def corners(boxes: NDArray[np.floating], angles: NDArray[np.floating]) -> Polygons:
    """Corners (N, 4, 2) of boxes (N, 4) x, y, w, h turned by angles (N,) in radians, from x towards y."""
    centres, sides = np.split(boxes.astype(np.float64), 2, axis=1)
    # The regression may give a side of nothing: by its score the object is there, and it needs an area.
    half = np.maximum(sides, 1.0) / 2
    turned = angles.astype(np.float64)
    cos, sin = np.cos(turned), np.sin(turned)
    along = np.stack([cos, sin], axis=1) * half[:, :1]
    across = np.stack([-sin, cos], axis=1) * half[:, 1:]
    return np.stack(
        [
            centres - along - across,
            centres + along - across,
            centres + along + across,
            centres - along + across,
        ],
        axis=1,
    )
