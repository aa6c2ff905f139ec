"""Pixels that show no ground although no file says so: fill that nobody declared, and pictures of one value."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_SHARE = 0.05
"""A value that a writer uses for "nothing here" is taken for fill from this share of the pixels on."""

ALONE = 10
"""Any other value is taken for fill where its pixels outnumber those of the next commonest so many times. Of 2,032
public aerial pictures (HRPlanes, Aerial Airport, Aerial cars, DOTA, Airbus, AllPlanes) none has a value of 1 % or more
that does so 5 times, but for 0 and 255."""

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


def find_fill(even: NDArray[np.generic], sample: NDArray[np.generic], *, declared: bool) -> Fill:
    """What of a scene shows nothing.

    One value in all bands of at least `LEAST_SHARE` of the pixels is fill where programs write it for "nothing here";
    the commonest of them where there are several. So is any other (the grey of a map server's missing tiles) that is
    `ALONE` as common as the next. A file that declares nodata, a mask or an alpha band is believed. Black water and
    burnt-out cloud at such exact values show no ground either.

    Args:
        even: (N, B) valid pixels, spread evenly over the scene; the share is measured on them.
        sample: (M, B) the same and more, such that a scene whose pixels are all the same gives no other.
        declared: the file says itself which pixels are valid.
    """
    value, share = (None, 0.0) if declared else _commonest(even)
    found = Fill(value, share)
    left = sample[~found.hides(sample)]
    return Fill(value, share, blank=len(sample) > 0 and bool((left == left[:1]).all()))


def _commonest(pixels: NDArray[np.generic]) -> tuple[float | None, float]:
    if len(pixels) == 0:
        return None, 0.0
    candidates = [*_candidates(pixels.dtype), *_standing_alone(pixels)]
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
