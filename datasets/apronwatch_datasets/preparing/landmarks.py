"""What an image is known by again: hashes of its frame and of the surroundings of its landmarks.

A hash is the signs of the 63 lowest frequencies (without the mean) of the discrete cosine transform of a 32 x 32
grey patch (the DCT hash of Zauner 2010, signs instead of the median). Turning or mirroring a patch only swaps
frequencies and flips signs, so all eight turns and flips of a hash follow from the hash itself.
Landmarks are the corners (Shi and Tomasi 1994) that stand out most around them: a crop, a copy, a flip or another
compression of the same pixels has the same ones. Those whose surroundings show little are left out.
"""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

PATCH_PX = 32
FREQUENCIES = 8
SHRUNK = 2
"""Landmarks are looked for in the image shrunk so many times: compression and noise weigh less."""

REACH_PX = 24
"""Half the side of a landmark's surroundings, in pixels of the shrunk image."""

APART_PX = 12
"""Landmarks lie further apart than this, in pixels of the shrunk image."""

LEAST_CONTRAST = 8.0
"""Standard deviation in grey levels below which a patch shows too little to be known again."""

TURNS = 8

Grey = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Hashes of one image.

    Attributes:
        size: width and height in pixels.
        frame: hash of the whole image; None where it shows too little.
        hashes: (N,) uint64 of the landmarks' surroundings.
        points: (N, 2) int32 where they are, x and y in pixels.
    """

    size: tuple[int, int]
    frame: int | None
    hashes: NDArray[np.uint64]
    points: NDArray[np.int32]

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "size": list(self.size),
            "frame": self.frame,
            "hashes": self.hashes.tolist(),
            "points": self.points.tolist(),
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """What `to_dict` wrote."""
        width, height = plain["size"]
        return cls(
            (width, height),
            plain["frame"],
            np.array(plain["hashes"], dtype=np.uint64),
            np.array(plain["points"], dtype=np.int32).reshape(-1, 2),
        )


def landmarks_of(rgb: NDArray[np.uint8], valid: NDArray[np.bool_]) -> Landmarks:
    """The landmarks of an image (H, W, 3), where its pixels are valid (H, W)."""
    height, width = valid.shape
    grey: Grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    frame = hashes_of(_shrunk(grey, (PATCH_PX, PATCH_PX))[None])
    small_size = max(1, width // SHRUNK), max(1, height // SHRUNK)
    small = _shrunk(grey, small_size)
    shown = cv2.resize(valid.astype(np.uint8), small_size, interpolation=cv2.INTER_NEAREST)
    points = _corners(small, shown > 0)
    telling, patches = _patches(small, points)
    return Landmarks(
        (width, height),
        int(frame[0]) if _contrast(grey) >= LEAST_CONTRAST else None,
        hashes_of(patches),
        (points[telling] * SHRUNK).astype(np.int32),
    )


def _shrunk(grey: Grey, size: tuple[int, int]) -> Grey:
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _corners(grey: Grey, shown: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Points (N, 2) that are the sharpest corner around them, with their surroundings wholly shown."""
    if min(grey.shape) <= 2 * REACH_PX:
        return np.zeros((0, 2), dtype=np.intp)
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.5)
    sharp = cv2.cornerMinEigenVal(smooth, 5)
    around = np.ones((2 * APART_PX + 1, 2 * APART_PX + 1), dtype=np.uint8)
    top = (sharp == cv2.dilate(sharp, around)) & (sharp > 0)
    surroundings = np.ones((2 * REACH_PX + 1, 2 * REACH_PX + 1), dtype=np.uint8)
    inside = cv2.erode(shown.astype(np.uint8), surroundings, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    rows, columns = np.nonzero(top & (inside > 0))
    return np.stack([columns, rows], axis=1)


def _patches(grey: Grey, points: NDArray[np.intp]) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Which points (N,) have telling surroundings, and these (M, 32, 32)."""
    telling = np.zeros(len(points), dtype=np.bool_)
    patches = []
    for n, (x, y) in enumerate(points.tolist()):
        patch = grey[y - REACH_PX : y + REACH_PX + 1, x - REACH_PX : x + REACH_PX + 1]
        if _contrast(patch) >= LEAST_CONTRAST:
            telling[n] = True
            patches.append(_shrunk(patch, (PATCH_PX, PATCH_PX)))
    return telling, np.array(patches, dtype=np.uint8).reshape(-1, PATCH_PX, PATCH_PX)


def _contrast(grey: Grey) -> float:
    return float(cv2.meanStdDev(grey)[1][0, 0])


def _cosines() -> NDArray[np.float64]:
    """(8, 32) the lowest cosines over a patch's side."""
    at = (np.arange(PATCH_PX) + 0.5) / PATCH_PX
    return np.cos(np.pi * np.arange(FREQUENCIES)[:, None] * at)


def hashes_of(patches: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hashes (N,) of patches (N, 32, 32): bit 8 * v + u is the sign of the frequency u across, v down."""
    cosines = _cosines()
    spectra = np.einsum("vy,nyx,ux->nvu", cosines, patches.astype(np.float64), cosines, optimize=True)
    spectra[:, 0, 0] = 0.0
    return _packed(spectra > 0)


def turned(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hashes (8, N) of the same patches in all turns and flips.

    Bit 0 of the row's number mirrors x, bit 1 mirrors y, bit 2 swaps x and y afterwards.
    """
    bits = _unpacked(hashes)
    odd = np.arange(FREQUENCIES) % 2 == 1
    mean = np.zeros((FREQUENCIES, FREQUENCIES), dtype=np.bool_)
    mean[0, 0] = True
    rows = []
    for turn in range(TURNS):
        flips = np.zeros_like(mean)
        if turn & 1:
            flips = flips ^ odd[None, :]
        if turn & 2:
            flips = flips ^ odd[:, None]
        made = (bits ^ flips) & ~mean
        rows.append(_packed(made.transpose(0, 2, 1) if turn & 4 else made))
    return np.stack(rows)


def turned_points(points: NDArray[np.int32], size: tuple[int, int], turn: int) -> NDArray[np.int32]:
    """Where points (N, 2) of an image of this width and height lie after a turn, numbered as in `turned`."""
    x, y = points[:, 0], points[:, 1]
    x = size[0] - x if turn & 1 else x
    y = size[1] - y if turn & 2 else y
    return np.stack([y, x] if turn & 4 else [x, y], axis=1)


def _packed(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    flat = bits.reshape(-1, FREQUENCIES * FREQUENCIES)
    packed: NDArray[np.uint64] = np.packbits(flat, axis=1, bitorder="little").view("<u8").reshape(-1)
    return packed.astype(np.uint64)


def _unpacked(hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    flat = np.unpackbits(hashes.astype("<u8").view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    return flat.reshape(-1, FREQUENCIES, FREQUENCIES).astype(np.bool_)
