"""What is no working object: decoys painted flat on the ground, and wrecks."""

from dataclasses import replace

import numpy as np

from apronwatch_datasets.synthetic.solids import Paint, Part, Solid, box, moved

_CHARRED = (0.045, 0.042, 0.040)


def decoy(solid: Solid) -> Solid:
    """The silhouette of a solid as paint on the ground: no height, no shadow, no gloss, few colours."""
    parts = tuple(
        Part(
            part.outline, 0.0, 0.0, Paint(tuple(0.85 * c for c in part.paint.albedo), gloss=0.0), casts=False
        )
        for part in solid.parts
    )
    return replace(solid, parts=parts, fins=())


def wreck(solid: Solid, seed: int) -> Solid:
    """A burnt and broken solid: parts gone, lying beside it, or sunk; its box encloses what is left."""
    rng = np.random.default_rng([seed, 23])
    lost = set(rng.permutation(len(solid.parts))[: len(solid.parts) // 4].tolist())
    parts = []
    for number, part in enumerate(solid.parts):
        large = np.ptp(part.outline, axis=0).max() > 0.6 * solid.length_m
        if number in lost and not large:
            continue
        by = np.zeros(2) if large else rng.normal(0.0, 0.035 * solid.length_m, 2)
        parts.append(moved(_sunk(part, rng.uniform(0.35, 0.8), rng), by))
    pieces = [
        Part(
            box(*rng.normal(0.0, 0.2, 2) * [solid.length_m, solid.width_m], *rng.uniform(0.3, 1.4, 2)),
            0.0,
            rng.uniform(0.1, 0.7),
            Paint(tuple(np.array(_CHARRED) * rng.uniform(0.7, 6.0)), gloss=0.0),
        )
        for _ in range(14)
    ]
    return _boxed(solid, (*parts, *pieces))


def _sunk(part: Part, share: float, rng: np.random.Generator) -> Part:
    """A part nearer to the ground, its paint burnt off in spots."""
    burnt = tuple(0.35 * c for c in part.paint.albedo)
    paint = Paint(burnt, (tuple(0.6 * c for c in part.paint.albedo), _CHARRED), spot_m=rng.uniform(1.5, 3.5))
    height = part.top_m - part.base_m
    top = max(0.15, share * part.top_m)
    return replace(part, base_m=max(0.0, top - height), top_m=top, paint=paint)


def _boxed(solid: Solid, parts: tuple[Part, ...]) -> Solid:
    points = np.vstack([part.outline for part in parts])
    low, high = points.min(axis=0), points.max(axis=0)
    length, width = high - low
    centred = tuple(moved(part, -(low + high) / 2) for part in parts)
    return replace(solid, length_m=float(length), width_m=float(width), parts=centred, fins=())
