"""`Stretch`: how pixels of any type become 8 bits, once per scene, so that no tile has a look of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

PERCENTILES = (0.5, 99.5)
"""Shares of the valid pixels, in percent: darker than the first is black, brighter than the second white."""

DULL_LEVELS = 64
"""8-bit pixels whose `PERCENTILES`, of all bands together, lie closer are too dull to be looked at as they are."""


@dataclass(frozen=True)
class Stretch:
    """The straight line from a band's values to 0 … 255, clipped at both ends.

    Attributes:
        kind: `none` (the pixels have 8 bits already) or `percentile`.
        low, high: value per band that becomes 0, and that becomes 255; empty for `none`.
    """

    kind: str
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in ("none", "percentile"):
            raise ValueError(f"stretch of kind {self.kind!r}; expected 'none' or 'percentile'")
        if len(self.low) != len(self.high) or any(
            not a < b for a, b in zip(self.low, self.high, strict=True)
        ):
            raise ValueError(f"a stretch from {self.low} to {self.high}; expected low < high in each band")

    @classmethod
    def measure(cls, samples: Sequence[NDArray[np.generic]]) -> Self:
        """The stretch by `PERCENTILES` of the telling pixels (see `telling`) of each band.

        Where those are of one value too, the line runs from the least value to the greatest. A band of one
        value alone has no contrast to show: it becomes black, whatever the value, and so does an empty one.

        Args:
            samples: valid pixels, one 1-D array per band.
        """
        bounds = [_bounds(sample) for sample in samples]
        return cls("percentile", tuple(low for low, _ in bounds), tuple(high for _, high in bounds))

    def apply(self, pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
        """8-bit colours of pixels.

        Args:
            pixels: (h, w, 1) or (h, w, 3), of the type that was measured.

        Returns:
            (h, w, 3) uint8; one band stands three times, NaN becomes 0.
        """
        if pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
            raise ValueError(f"pixels of shape {pixels.shape}; expected (h, w, 1) or (h, w, 3)")
        eight = pixels.astype(np.uint8, copy=False) if self.kind == "none" else self._lines(pixels)
        return np.repeat(eight, 3, axis=2) if eight.shape[2] == 1 else eight

    def _lines(self, pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
        # Arithmetic along whole rows, not a lookup table: measured three times as fast (16 bits, three bands).
        # Single precision holds every 16-bit value exactly.
        single = pixels.dtype.itemsize <= 2 or pixels.dtype.name == "float32"
        height, width, bands = pixels.shape
        values: NDArray[np.floating[Any]] = pixels.astype(np.float32 if single else np.float64)
        values = values.reshape(height, width * bands)
        low, high = np.array(self.low), np.array(self.high)
        # Values near the largest of their type overflow to an infinity, which is clipped like any other.
        with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
            values -= np.tile(low, width).astype(values.dtype)
            values *= np.tile(255.0 / (high - low), width).astype(values.dtype)
        if pixels.dtype.kind == "f":
            values[np.isnan(values)] = 0.0
        np.clip(values, 0.0, 255.0, out=values)
        eight: NDArray[np.uint8] = np.rint(values, out=values).astype(np.uint8)
        return eight.reshape(height, width, bands)

    def to_dict(self) -> dict[str, Any]:
        """As JSON types; `from_dict` gives it back."""
        return {"kind": self.kind, "low": list(self.low), "high": list(self.high)}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The stretch that `to_dict` described."""
        return cls(plain["kind"], tuple(plain["low"]), tuple(plain["high"]))


def majority(sample: NDArray[np.generic]) -> float | None:
    """The value that more than half of a band's pixels have; None where there is none."""
    if sample.size == 0:
        return None
    # A value of more than half of them is their median.
    middle = np.partition(sample, (sample.size - 1) // 2)[(sample.size - 1) // 2]
    return float(middle) if 2 * np.count_nonzero(sample == middle) > sample.size else None


def telling(sample: NDArray[np.generic]) -> NDArray[np.generic]:
    """The pixels of a band that tell what the picture's range is: the finite ones, without the majority's value.

    A value that more than half of the pixels have is fill that was not declared as nodata, or saturation.
    Percentiles that count it in squeeze all else into white (with 99.5 % of fill: all of it).
    """
    finite: NDArray[np.generic] = sample[np.isfinite(sample)]
    value = majority(finite)
    return finite if value is None else finite[finite != value]


def is_dull(sample: NDArray[np.generic]) -> bool:
    """Whether 8-bit pixels (N, B) span too few levels: night, haze, or fewer bits in bytes."""
    if sample.size == 0:
        return False
    low, high = np.percentile(sample.astype(np.float32), PERCENTILES)
    return bool(high - low < DULL_LEVELS)


def remarks(samples: Sequence[NDArray[np.generic]], bands: Sequence[int]) -> tuple[str, ...]:
    """What a reader should know of the pixels that a stretch was measured on.

    Args:
        samples: as for `Stretch.measure`.
        bands: 1-based numbers of these bands in the file.
    """
    flat: list[str] = []
    filled: list[str] = []
    for number, sample in zip(bands, samples, strict=True):
        value = majority(sample)
        if value is not None:
            (filled if telling(sample).size else flat).append(f"band {number}: {value:g}")
    said = []
    if flat:
        said.append(f"a band has one value alone and is shown black ({', '.join(flat)})")
    if filled:
        said.append(
            f"over half of the valid pixels have one value ({', '.join(filled)}); "
            "if it is fill, declare it by gdal_edit.py -a_nodata VALUE FILE, or it counts as seen"
        )
    return tuple(said)


def _bounds(sample: NDArray[np.generic]) -> tuple[float, float]:
    finite = sample[np.isfinite(sample)]
    if finite.size == 0:
        return 0.0, 1.0
    seen = telling(finite)
    if seen.size:
        with np.errstate(over="ignore", invalid="ignore"):
            low, high = (float(value) for value in np.percentile(seen.astype(np.float64), PERCENTILES))
        if low < high:
            return low, high
    low, high = float(finite.min()), float(finite.max())
    # To a large number nothing is added by adding 1.
    return (low, high) if low < high else (low, low + max(1.0, abs(low)))
