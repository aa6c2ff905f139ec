"""Pixels that show no ground although no file says so: fill that nobody declared, and pictures of one value."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

LEAST_SHARE = 0.05
"""A value that a writer uses for "nothing here" is taken for fill from this share of the pixels on."""

ALONE = 10
"""Any other value is taken for fill where its pixels outnumber those of the next commonest so many times. Of 2,032
public aerial pictures none has a value of 1 % or more that does so 5 times, but for 0 and 255
(`benchmarks/flat_ground.py`)."""

FLAT_PX = 64
"""Side of a square that shows nothing if all its pixels are equal in all bands, whatever their value.

Of 312 public aerial pictures, JPEGs most of them, such squares held 0.02 % of the pixels or less in each of six
data sets, where 0 for "nothing here" is left out: cloud and roofs burnt out to 255. With 32 px it was up to 0.4 % and,
of dark fields in one of the 8 pictures of DOTA8, 18 %; with 64 px, 4 %. None held the centre of any of the 4,109 planes
of Aerial Airport. A fuselage is narrower at any GSD above 10 cm. Looking for planes of 73 m, a tile sees this far
beyond its core up to a GSD of 0.9 m, so which tile is read changes nothing there."""

TOGETHER = 0.5
"""The greatest value of whole numbers is fill where this share of its pixels lies in flat squares. In the seven of 290
pictures of Aerial Airport that have 255 in 5 % of the pixels or more, it was 0 to 0.3, but for one big roof (0.85)."""

_TOLD_FROM = 0.005
"""Share of the pixels looked at from which a scene's warnings tell of flat squares."""

_LOOKED_AT = 1 << 16
"""So many pixels tell which values are common."""

WRITTEN = (0.0, -9999.0, -32767.0, -32768.0, 1e20, -1e20, 3.4e38, -3.4e38, -3.4028230607370965e38)
"""Values used for "nothing here" beside the least and the greatest of a type; the last one is ArcGIS's."""


@dataclass(frozen=True)
class Fill:
    """Which valid pixels of a scene show nothing, by their values.

    Attributes:
        value: undeclared fill: pixels that have it in all bands; None without such.
        share: of the sampled pixels that have it.
        blank: no other pixels differ: the picture shows nothing at all.
    """

    value: float | None = None
    share: float = 0.0
    blank: bool = False

    def hides(self, pixels: NDArray[np.generic]) -> NDArray[np.bool_]:
        """(...) pixels (..., B) that show nothing."""
        if self.blank:
            return np.ones(pixels.shape[:-1], dtype=np.bool_)
        if self.value is None:
            return np.zeros(pixels.shape[:-1], dtype=np.bool_)
        return np.asarray((pixels == pixels.dtype.type(self.value)).all(axis=-1))

    def covers(self, window: NDArray[np.generic]) -> NDArray[np.bool_]:
        """(H, W) pixels of a window (H, W, B) that show nothing, by their value or because they are `flat`.

        The greatest value counts in flat squares alone: white aircraft have it, too.
        """
        even = flat(window)
        if not self.blank and self.value is not None and self.value == _saturated(window.dtype):
            return even
        return even | self.hides(window)


def flat(pixels: NDArray[np.generic], side: int = FLAT_PX) -> NDArray[np.bool_]:
    """(H, W) pixels (H, W, B) within a square of `side` pixels, 4 or more, that are all equal."""
    # A square holds at least four pixels this far apart along each side, wherever it lies.
    step = side // 4
    if not _squares(pixels[::step, ::step], 4).any():
        return np.zeros(pixels.shape[:2], dtype=np.bool_)
    return _squares(pixels, side)


def _saturated(dtype: np.dtype[Any]) -> int | None:
    """The greatest value of a type of whole numbers, which what is too bright has as well."""
    return int(np.iinfo(dtype).max) if dtype.kind in "iu" else None


def _squares(pixels: NDArray[np.generic], side: int) -> NDArray[np.bool_]:
    across, down = _same(pixels[:, 1:], pixels[:, :-1]), _same(pixels[1:], pixels[:-1])
    equal = np.zeros(pixels.shape[:2], dtype=np.uint8)
    equal[:-1, :-1] = across[1:] & across[:-1] & down[:, :-1]
    if not equal.any():
        return equal > 0
    # From the upper left corner of each square to all of it.
    corners = cv2.erode(equal, np.ones((side - 1, side - 1), np.uint8), anchor=(0, 0), **_BEYOND)
    whole = cv2.dilate(corners, np.ones((side, side), np.uint8), anchor=(side - 1, side - 1), **_BEYOND)
    return np.asarray(whole > 0)


def _same(one: NDArray[np.generic], other: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Which pixels are equal in all bands; band by band, for that is several times as fast."""
    bands = [one[..., band] == other[..., band] for band in range(one.shape[-1])]
    return np.asarray(np.logical_and.reduce(bands))


_BEYOND: Any = {"borderType": cv2.BORDER_CONSTANT, "borderValue": 0}


class Flatness:
    """How much of the windows of a scene that are looked at is flat."""

    def __init__(self) -> None:
        self._counts = np.zeros((2, 2), dtype=np.int64)

    def add(self, pixels: NDArray[np.generic], valid: NDArray[np.bool_], rows: int) -> None:
        """Look at (H, W, B) pixels, of which (H, W) are valid, shrunk from so many rows of the scene."""
        even = valid & flat(pixels, max(8, FLAT_PX * len(pixels) // rows))
        self._counts[0] += np.count_nonzero(even), np.count_nonzero(valid)
        greatest = _saturated(pixels.dtype)
        if greatest is not None:
            white = valid & (pixels == greatest).all(axis=-1)
            self._counts[1] += np.count_nonzero(even & white), np.count_nonzero(white)

    def remarks(self, fill: Fill) -> tuple[str, ...]:
        """That more is flat than what is told as fill. How much, zones tell, not the windows that were looked at."""
        share = self._counts[0, 0] / max(1, self._counts[0, 1])
        if fill.blank or share < fill.share + _TOLD_FROM:
            return ()
        return (f"squares of {FLAT_PX} px of exactly one value show no ground and count as unseen",)

    @property
    def together(self) -> float:
        """Of the pixels that have the greatest value of whole numbers in all bands, those in flat squares."""
        return float(self._counts[1, 0] / max(1, self._counts[1, 1]))


def find_fill(
    even: NDArray[np.generic], sample: NDArray[np.generic], *, declared: bool, together: float = 1.0
) -> Fill:
    """What of a scene shows nothing.

    One value in all bands of at least `LEAST_SHARE` of the pixels is fill where programs write it for "nothing here";
    the commonest of them where there are several. So is any other (the grey of a map server's missing tiles) that is
    `ALONE` as common as the next. A file that declares nodata, a mask or an alpha band is believed. Black water at such
    an exact value shows no ground either. The greatest value of whole numbers is also that of white aircraft and roofs,
    and fill only where its pixels lie `TOGETHER`. What is flat shows nothing in any file, see `Fill.covers`.

    Args:
        even: (N, B) valid pixels, spread evenly over the scene; the share is measured on them.
        sample: (M, B) the same and more, such that a scene whose pixels are all the same gives no other.
        declared: the file says itself which pixels are valid.
        together: see `Flatness.together`.
    """
    value, share = (None, 0.0) if declared else _commonest(even, together >= TOGETHER)
    found = Fill(value, share)
    left = sample[~found.hides(sample)]
    return Fill(value, share, blank=len(sample) > 0 and bool((left == left[:1]).all()))


def _commonest(pixels: NDArray[np.generic], white: bool) -> tuple[float | None, float]:
    """The commonest value used for fill and its share; `white`: the greatest of whole numbers may be one."""
    if len(pixels) == 0:
        return None, 0.0
    candidates = [*_candidates(pixels.dtype), *_standing_alone(pixels)]
    if not white:
        candidates = [value for value in candidates if value != _saturated(pixels.dtype)]
    counts = {value: int(Fill(value).hides(pixels).sum()) for value in candidates}
    value = max(counts, key=lambda one: counts[one])
    share = counts[value] / len(pixels)
    return (value, share) if share >= LEAST_SHARE else (None, 0.0)


def _standing_alone(pixels: NDArray[np.generic]) -> list[float]:
    """The commonest value of all pixels, if it is one in all bands, and no other is nearly as common."""
    values, counts = np.unique(pixels[:: -(-len(pixels) // _LOOKED_AT)], axis=0, return_counts=True)
    first, *others = np.argsort(-counts)[:2]
    alone = bool(others) and counts[first] >= ALONE * counts[others[0]]
    common = values[first]
    return [float(common[0])] if alone and (common == common[0]).all() else []


def _candidates(dtype: np.dtype[Any]) -> list[float]:
    limits: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    least, greatest = float(limits.min), float(limits.max)
    single = [float(np.float32(value)) for value in (*WRITTEN, np.finfo("f4").min, np.finfo("f4").max)]
    fitting = [value for value in (*WRITTEN, *single) if least <= value <= greatest]
    if dtype.kind != "f":
        fitting = [value for value in fitting if value == int(value)]
    # As whole numbers: a 64-bit limit is no float.
    ends = (least, greatest) if dtype.kind == "f" else (int(limits.min), int(limits.max))
    return list(dict.fromkeys([*fitting, *ends]))
