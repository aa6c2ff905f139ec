"""`Preview`: a coarse grey picture of the ground that a pass saw, to tell whether two scenes are one picture.

Its cells lie on whole multiples of `CELL_M` in the plane of the pass: the same ground falls into the same cells from
whatever grid, crop, compression or product it comes. It is made of the tiles of the pass; no pixel is read for it.
"""

import json
import struct
import zlib
from typing import Self

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from apronwatch.lattice import Bounds

CELL_M = 8
CHUNK = 128
"""Cells along a side of the squares that are kept together."""

LEAST_STEPS = 500
"""Fewer steps between neighbouring cells that both saw, about 2 hectares, say nothing of likeness."""

LEAST_CONTRAST = 2.0
"""Root mean square of the steps, in grey levels of 255, below which ground is too even to be recognised."""

LEAST_SHARE = 0.75
"""Of its area, from which a cell is taken for seen: the edge of a crop is no contrast of the ground."""

_MAGIC = b"AWP1"


class Preview:
    """Mean grey of each cell of `CELL_M` that was seen, 1 to 255; 0 where it was not, or hardly (`LEAST_SHARE`)."""

    def __init__(self, crs: str, chunks: dict[tuple[int, int], NDArray[np.uint8]]) -> None:
        """Chunks (CHUNK, CHUNK), rows from the south, by column and row of the chunk, in a plane `crs` in metres."""
        self.crs = crs
        self._chunks = chunks

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Preview) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    def likeness(self, other: Self) -> float | None:
        """Correlation of the steps from cell to cell on ground that both saw, -1 to 1.

        Steps, not levels: they are the same under another stretch, and the large forms that every picture of a place
        shares weigh little. None where too little ground is shared, or it is too even.
        """
        shared = self._chunks.keys() & other._chunks.keys()
        if self.crs != other.crs or not shared:
            return None
        pairs = [_steps(self._chunks[key], other._chunks[key]) for key in sorted(shared)]
        one, two = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        if len(one) < LEAST_STEPS or min(np.sqrt((one**2).mean()), np.sqrt((two**2).mean())) < LEAST_CONTRAST:
            return None
        return float(np.corrcoef(one, two)[0, 1])

    def to_bytes(self) -> bytes:
        """Compact and deterministic; `from_bytes` gives it back."""
        keys = sorted(self._chunks)
        header = json.dumps({"crs": self.crs, "chunks": len(keys)}).encode()
        body = np.array(keys, dtype="<i4").tobytes() + b"".join(self._chunks[key].tobytes() for key in keys)
        return _MAGIC + zlib.compress(struct.pack("<I", len(header)) + header + body, level=6)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The preview that `to_bytes` wrote; raises `ValueError` for anything else."""
        if data[:4] != _MAGIC:
            raise ValueError("no preview of version 1")
        try:
            body = zlib.decompress(data[4:])
        except zlib.error as error:
            raise ValueError(f"preview cannot be unpacked: {error}") from error
        start = 4 + struct.unpack_from("<I", body)[0]
        header = json.loads(body[4:start])
        n = header["chunks"]
        keys = np.frombuffer(body, dtype="<i4", count=2 * n, offset=start).reshape(-1, 2).tolist()
        cells = np.frombuffer(body, dtype=np.uint8, offset=start + 8 * n).reshape(n, CHUNK, CHUNK)
        return cls(header["crs"], {(cx, cy): cells[k] for k, (cx, cy) in enumerate(keys)})


class PreviewMeter:
    """Accumulates a preview tile by tile, in any order."""

    def __init__(self, crs: str) -> None:
        """For tiles of a plane in metres."""
        self._crs = crs
        self._sums: dict[tuple[int, int], NDArray[np.int64]] = {}
        self._pixel_m2 = 1.0

    def add(
        self, core: Bounds, to_plane: Affine, pixels: NDArray[np.uint8], clear: NDArray[np.bool_]
    ) -> None:
        """Take in the core of one tile; all tiles have pixels of one size.

        Args:
            core: the part of the tile that counts, in metres of the plane.
            to_plane: (column, row) of the tile to the plane; north up.
            pixels: (H, W, 3) 8-bit picture of the tile.
            clear: (H, W) where it shows the ground.
        """
        columns, across = _cells(core[0], core[2], to_plane.a, to_plane.c, clear.shape[1])
        rows, down = _cells(core[1], core[3], to_plane.e, to_plane.f, clear.shape[0])
        if not len(across) or not len(down):
            return
        self._pixel_m2 = abs(to_plane.a * to_plane.e)
        seen = clear[rows, columns].astype(np.int32)
        red, green, blue = np.moveaxis(pixels[rows, columns], -1, 0)
        grey = (red.astype(np.int32) + green + blue) * seen
        sums = np.stack([_binned(grey, down, across), _binned(seen, down, across)], axis=-1)
        south, west = int(down.min()), int(across.min())
        self._spread(west, south, sums if down[0] <= down[-1] else sums[::-1])

    def _spread(self, west: int, south: int, sums: NDArray[np.int64]) -> None:
        """Add cells, rows from the south, to the chunks that they lie in."""
        height, width = sums.shape[:2]
        for cy in range(south // CHUNK, (south + height - 1) // CHUNK + 1):
            for cx in range(west // CHUNK, (west + width - 1) // CHUNK + 1):
                x0, x1 = max(west, cx * CHUNK), min(west + width, (cx + 1) * CHUNK)
                y0, y1 = max(south, cy * CHUNK), min(south + height, (cy + 1) * CHUNK)
                chunk = self._sums.setdefault((cx, cy), np.zeros((CHUNK, CHUNK, 2), dtype=np.int64))
                at = slice(y0 - cy * CHUNK, y1 - cy * CHUNK), slice(x0 - cx * CHUNK, x1 - cx * CHUNK)
                chunk[at] += sums[y0 - south : y1 - south, x0 - west : x1 - west]

    def result(self) -> Preview:
        """The preview so far; it does not depend on the order of the tiles."""
        chunks = {}
        for key, sums in self._sums.items():
            seen = sums[..., 1] * self._pixel_m2 >= LEAST_SHARE * CELL_M**2
            if seen.any():
                mean = sums[..., 0] / np.maximum(3 * sums[..., 1], 1)
                chunks[key] = np.where(seen, np.rint(mean).clip(1, 255), 0).astype(np.uint8)
        return Preview(self._crs, chunks)


def _cells(low: float, high: float, step: float, start: float, size: int) -> tuple[slice, NDArray[np.int64]]:
    """The pixels along one axis whose centre lies in [low, high), and the cell of each."""
    centres = start + (np.arange(size) + 0.5) * step
    inside = np.flatnonzero((centres >= low) & (centres < high))
    if not len(inside):
        return slice(0, 0), np.zeros(0, dtype=np.int64)
    within = slice(int(inside[0]), int(inside[-1]) + 1)
    return within, np.floor(centres[within] / CELL_M).astype(np.int64)


def _binned(
    values: NDArray[np.int32], down: NDArray[np.int64], across: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Sums over the pixels of each cell."""
    starts = [np.flatnonzero(np.diff(cells, prepend=cells[0] - 1)) for cells in (down, across)]
    return np.add.reduceat(np.add.reduceat(values, starts[0], axis=0), starts[1], axis=1).astype(np.int64)


def _steps(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Differences of neighbouring cells, east and north, where both pictures know both cells."""
    known = (one > 0) & (two > 0)
    found: tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]] = ([], [])
    for axis in (0, 1):
        both = np.take(known, range(1, CHUNK), axis) & np.take(known, range(CHUNK - 1), axis)
        for steps, cells in zip(found, (one, two), strict=True):
            steps.append(np.diff(cells.astype(np.float64), axis=axis)[both])
    return np.concatenate(found[0]), np.concatenate(found[1])
