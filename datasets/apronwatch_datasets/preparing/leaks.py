"""Which images show the same ground: by their pixels (copies, flips, crops), and by their georeference."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from apronwatch_datasets.preparing.landmarks import TURNS, Landmarks, turned, turned_points
from apronwatch_datasets.preparing.windows import NATIVE

ALIKE_BITS = 5
"""Hashes of two landmarks that differ in at most so many of 63 bits may be of one."""

ALIKE_LANDMARKS = 4
"""So many landmarks of two images, shifted by the same step, make them show the same pixels."""

FRAME_BITS = 3
"""Whole images whose hashes differ in at most so many bits are the same picture, at whatever size."""

STEP_PX = 16
"""Shifts are compared in steps of this many pixels."""

LEAST_OVERLAP = 1e-3
"""Footprints that share this much of the smaller one show the same ground; less is rounding along an edge."""

_EDGES = (0, 11, 22, 33, 43, 54, 64)
_BANDS = [
    (np.uint64(low), np.uint64((1 << (high - low)) - 1), np.uint64(high - low))
    for low, high in pairwise(_EDGES)
]
"""First bit, mask and width of six bands of a hash."""

_TABLES = tuple(combinations(range(len(_BANDS)), 2))
_AT_ONCE = 1 << 21
"""So many pairs are compared at a time."""

Known = Mapping[str, Landmarks]
"""What an image is known by at each scale (`View.label`)."""

Told = Callable[[int, int], None]
"""Called with (how much is compared, of how much)."""


@dataclass(frozen=True, order=True)
class Leak:
    """Two images that show the same ground.

    Attributes:
        first, second: numbers of the images, first < second.
        how: `frame` (the same whole picture), `landmarks` (pixels in common) or `footprints`.
        found: bits that differ, landmarks in common, or percent of the smaller footprint.
    """

    first: int
    second: int
    how: str
    found: int


def find_leaks(
    images: Sequence[Known],
    footprints: Sequence[str | None],
    places: Sequence[object],
    told: Told | None = None,
) -> list[Leak]:
    """Pairs of images of different places that show the same ground, in order, each once.

    Args:
        images: what they are known by. Landmarks are compared at every scale that two images share; those of an image
            at its own pixels (`NATIVE`), whose scale nobody knows, with all.
        footprints: WKT in longitude and latitude, or None.
        places: images of the same place are not compared.
        told: of the progress.
    """
    groups = np.unique([str(p) for p in places], return_inverse=True)[1].reshape(-1)
    found: dict[tuple[int, int], Leak] = {}
    for leak in (
        *_same_ground(footprints, groups),
        *_same_frames(images, groups),
        *_same_landmarks(images, groups, told),
    ):
        found.setdefault((leak.first, leak.second), leak)
    return [found[pair] for pair in sorted(found)]


def joined(count: int, pairs: Sequence[tuple[int, int]]) -> NDArray[np.intp]:
    """Group number (count,) of each thing: those linked by pairs, directly or by others, share one."""
    first, second = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    links = coo_array((np.ones(len(pairs)), (first, second)), shape=(count, count))
    groups: NDArray[np.intp] = connected_components(links, directed=False)[1].astype(np.intp)
    return groups


def _same_ground(footprints: Sequence[str | None], groups: NDArray[np.intp]) -> Iterator[Leak]:
    known = np.array([n for n, wkt in enumerate(footprints) if wkt is not None], dtype=np.intp)
    shapes = shapely.from_wkt([footprints[n] for n in known.tolist()])
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    apart = (first < second) & (groups[known[first]] != groups[known[second]])
    first, second = first[apart], second[apart]
    smaller = np.minimum(shapely.area(shapes[first]), shapely.area(shapes[second]))
    shares = shapely.area(shapely.intersection(shapes[first], shapes[second])) / smaller
    for a, b, share in zip(known[first].tolist(), known[second].tolist(), shares.tolist(), strict=True):
        if share > LEAST_OVERLAP:
            yield Leak(a, b, "footprints", round(100 * share))


def _same_frames(images: Sequence[Known], groups: NDArray[np.intp]) -> Iterator[Leak]:
    """Pairs of equal whole pictures; one scale of each is enough, a frame is shrunk to the same size from any."""
    frames = [
        next((seen.frame for seen in image.values() if seen.frame is not None), None) for image in images
    ]
    known = np.array([n for n, frame in enumerate(frames) if frame is not None], dtype=np.intp)
    hashes = np.array([frames[n] for n in known.tolist()], dtype=np.uint64)
    for a, b, bits, _ in _alike(hashes, FRAME_BITS):
        for first, second, differ in zip(known[a].tolist(), known[b].tolist(), bits.tolist(), strict=True):
            if groups[first] != groups[second]:
                yield Leak(min(first, second), max(first, second), "frame", differ)


def _same_landmarks(images: Sequence[Known], groups: NDArray[np.intp], told: Told | None) -> Iterator[Leak]:
    """Pairs that have enough landmarks in common at one turn and shift, at one scale."""
    labels = sorted({label for image in images for label in image} - {NATIVE})
    scales = {label: k for k, label in enumerate(labels, 1)} | {NATIVE: 0}
    views = [(n, scales[label], seen) for n, image in enumerate(images) for label, seen in image.items()]
    lengths = [len(seen.hashes) for _, _, seen in views]
    if sum(lengths) == 0:
        return
    view = np.repeat(np.arange(len(views)), lengths)
    of, scale = (np.repeat([facts[k] for facts in views], lengths) for k in (0, 1))
    hashes = np.concatenate([seen.hashes for _, _, seen in views])
    points = [
        np.concatenate([turned_points(seen.points, seen.size, turn) for _, _, seen in views])
        for turn in range(TURNS)
    ]
    votes = [np.zeros((0, 6), dtype=np.intp)]
    for a, b, _, turn in _alike(hashes, ALIKE_BITS, told):
        like = (scale[a] == scale[b]) | (scale[a] == 0) | (scale[b] == 0)
        like &= groups[of[a]] != groups[of[b]]
        a, b = a[like], b[like]
        shift = points[0][b] - points[turn][a]
        # Two grids of steps, half a step apart: no shift lies on the edges of both.
        for grid in (0, 1):
            step = (shift + grid * STEP_PX // 2) // STEP_PX
            key = np.full(len(a), 2 * turn + grid)
            votes.append(np.stack([view[a], view[b], key, step[:, 0], step[:, 1], b], axis=1))
    cast = np.unique(np.concatenate(votes), axis=0)
    same, count = np.unique(cast[:, :5], axis=0, return_counts=True)
    enough = count >= ALIKE_LANDMARKS
    best: dict[tuple[int, int], int] = {}
    image = np.array([n for n, _, _ in views])
    pairs = np.sort(image[same[enough, :2]], axis=1)
    for (one, other), n in zip(pairs.tolist(), count[enough].tolist(), strict=True):
        best[one, other] = max(best.get((one, other), 0), n)
    for (one, other), n in sorted(best.items()):
        yield Leak(one, other, "landmarks", n)


def _alike(
    hashes: NDArray[np.uint64], most_bits: int, told: Told | None = None
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64], int]]:
    """Pairs (a turned, b) of hashes that differ in at most `most_bits`, these, and the turn; each pair once a turn.

    A table holds the hashes by two of six bands, and those are found that agree in both bands of some table: with up
    to 4 differing bits all, with 5 nine in ten (1 - 6! / 6^5).
    """
    queries = turned(hashes)
    for number, (one, two) in enumerate(_TABLES):
        keys = _key(hashes, one, two)
        order = np.argsort(keys, kind="stable")
        begins = np.zeros((1 << int(_BANDS[one][2] + _BANDS[two][2])) + 1, dtype=np.intp)
        np.cumsum(np.bincount(keys, minlength=len(begins) - 1), out=begins[1:])
        # Pairs that agree in a band before these were found by an earlier table.
        earlier = [band for k, band in enumerate(_BANDS[:two]) if k != one]
        for turn, query in enumerate(queries):
            wanted = _key(query, one, two)
            for a, b in _candidates(begins[wanted], begins[wanted + 1], order):
                differ = query[a] ^ hashes[b]
                bits = np.bitwise_count(differ).astype(np.int64)
                near = np.flatnonzero((bits <= most_bits) & (a != b))
                new = np.ones(len(near), dtype=np.bool_)
                for low, mask, _ in earlier:
                    new &= (differ[near] >> low) & mask != 0
                near = near[new]
                yield a[near], b[near], bits[near], turn
            if told is not None:
                told(number * TURNS + turn + 1, len(_TABLES) * TURNS)


def _key(hashes: NDArray[np.uint64], one: int, two: int) -> NDArray[np.intp]:
    """Two bands of each hash as one number."""
    (low, mask, _), (other_low, other_mask, width) = _BANDS[one], _BANDS[two]
    return (((hashes >> low & mask) << width) | (hashes >> other_low & other_mask)).astype(np.intp)


def _candidates(
    low: NDArray[np.intp], high: NDArray[np.intp], order: NDArray[np.intp]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Each query's number, repeated for every entry of its range of the table, and these entries; so many at a time."""
    ends = np.cumsum(high - low)
    cuts = np.searchsorted(ends, np.arange(_AT_ONCE, int(ends[-1]) if len(ends) else 0, _AT_ONCE))
    for start, stop in pairwise(np.unique([0, *cuts.tolist(), len(low)]).tolist()):
        lengths = high[start:stop] - low[start:stop]
        query = np.repeat(np.arange(start, stop), lengths)
        first = np.cumsum(lengths) - lengths
        yield query, order[np.arange(len(query)) - np.repeat(first - low[start:stop], lengths)]
