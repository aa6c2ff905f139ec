"""Which images show the same ground: by their pixels (copies, flips, crops), and by their georeference."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from apronwatch_datasets.preparing.landmarks import TURNS, Landmarks, turned, turned_points

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

_BANDS = np.arange(0, 64, 16, dtype=np.uint64)
_CHUNK = 4096


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
    images: Sequence[Landmarks], footprints: Sequence[str | None], places: Sequence[object]
) -> list[Leak]:
    """Pairs of images of different places that show the same ground, in order, each once.

    Args:
        images: what they are known by.
        footprints: WKT in longitude and latitude, or None.
        places: images of the same place are not compared.
    """
    groups = np.unique([str(p) for p in places], return_inverse=True)[1].reshape(-1)
    found: dict[tuple[int, int], Leak] = {}
    for leak in (
        *_same_ground(footprints, groups),
        *_same_frames(images, groups),
        *_same_landmarks(images, groups),
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


def _same_frames(images: Sequence[Landmarks], groups: NDArray[np.intp]) -> Iterator[Leak]:
    known = np.array([n for n, image in enumerate(images) if image.frame is not None], dtype=np.intp)
    hashes = np.array([images[n].frame for n in known.tolist()], dtype=np.uint64)
    for a, b, bits, _ in _alike(hashes, FRAME_BITS):
        for first, second, differ in zip(known[a].tolist(), known[b].tolist(), bits.tolist(), strict=True):
            if groups[first] != groups[second]:
                yield Leak(min(first, second), max(first, second), "frame", differ)


def _same_landmarks(images: Sequence[Landmarks], groups: NDArray[np.intp]) -> Iterator[Leak]:
    """Pairs that have enough landmarks in common at one turn and shift."""
    of = np.repeat(np.arange(len(images)), [len(image.hashes) for image in images])
    if len(of) == 0:
        return
    hashes = np.concatenate([image.hashes for image in images])
    points = [
        np.concatenate([turned_points(image.points, image.size, turn) for image in images])
        for turn in range(TURNS)
    ]
    votes = []
    for a, b, _, turn in _alike(hashes, ALIKE_BITS):
        apart = groups[of[a]] != groups[of[b]]
        a, b = a[apart], b[apart]
        shift = points[0][b] - points[turn][a]
        # Two grids of steps, half a step apart: no shift lies on the edges of both.
        for grid in (0, 1):
            step = (shift + grid * STEP_PX // 2) // STEP_PX
            key = np.full(len(a), 2 * turn + grid)
            votes.append(np.stack([of[a], of[b], key, step[:, 0], step[:, 1], b], axis=1))
    cast = np.unique(np.concatenate(votes), axis=0)
    same, count = np.unique(cast[:, :5], axis=0, return_counts=True)
    enough = count >= ALIKE_LANDMARKS
    best: dict[tuple[int, int], int] = {}
    for (one, other), n in zip(
        np.sort(same[enough, :2], axis=1).tolist(), count[enough].tolist(), strict=True
    ):
        best[one, other] = max(best.get((one, other), 0), n)
    for (one, other), n in sorted(best.items()):
        yield Leak(one, other, "landmarks", n)


def _alike(
    hashes: NDArray[np.uint64], most_bits: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64], int]]:
    """Pairs (a turned, b) of hashes that differ in at most `most_bits`, these, and the turn.

    Only those are found of which one of four bands of 16 bits is equal: with up to 3 differing bits all, with more
    most.
    """
    for turn, queries in enumerate(turned(hashes)):
        for shift in _BANDS:
            keys = (hashes >> shift) & np.uint64(0xFFFF)
            wanted = (queries >> shift) & np.uint64(0xFFFF)
            order = np.argsort(keys, kind="stable")
            low = np.searchsorted(keys[order], wanted, side="left")
            high = np.searchsorted(keys[order], wanted, side="right")
            for start in range(0, len(hashes), _CHUNK):
                part = slice(start, start + _CHUNK)
                a, b = _ranges(low[part], high[part], start, order)
                bits = np.bitwise_count(queries[a] ^ hashes[b]).astype(np.int64)
                near = (bits <= most_bits) & (a != b)
                yield a[near], b[near], bits[near], turn


def _ranges(
    low: NDArray[np.intp], high: NDArray[np.intp], start: int, order: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Each query's number, repeated for every entry of its range, and these entries."""
    lengths = high - low
    query = np.repeat(np.arange(len(lengths)), lengths)
    first = np.cumsum(lengths) - lengths
    place = np.arange(lengths.sum()) - first[query] + low[query]
    return query + start, order[place]
