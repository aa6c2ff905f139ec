"""`Stretch`: how pixels of any type become 8 bits, once per scene, so that no tile has a look of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

PERCENTILES = (0.5, 99.5)
"""Shares of the valid pixels, in percent: darker than the first is black, brighter than the second white."""

_TABLE_SIZE = {"uint8": 1 << 8, "int8": 1 << 8, "uint16": 1 << 16, "int16": 1 << 16}


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
        """The stretch by `PERCENTILES` of each band.

        Args:
            samples: valid pixels, one 1-D array per band. An empty or constant band becomes black.
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
        if self.kind == "none":
            eight: NDArray[np.uint8] = pixels.astype(np.uint8, copy=False)
        else:
            bands = [self._apply_band(pixels[..., band], band) for band in range(pixels.shape[2])]
            eight = np.stack(bands, axis=-1)
        return np.repeat(eight, 3, axis=2) if eight.shape[2] == 1 else eight

    def _apply_band(self, values: NDArray[np.generic], band: int) -> NDArray[np.uint8]:
        kind = values.dtype.name
        if kind not in _TABLE_SIZE:
            return _line(values, self.low[band], self.high[band])
        # A negative index reaches the table's upper half, where the two's complement of negative values lies.
        chosen: NDArray[np.uint8] = self._tables[kind, band][values]
        return chosen

    @cached_property
    def _tables(self) -> "_Tables":
        return _Tables(self.low, self.high)

    def to_dict(self) -> dict[str, Any]:
        """As JSON types; `from_dict` gives it back."""
        return {"kind": self.kind, "low": list(self.low), "high": list(self.high)}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The stretch that `to_dict` described."""
        return cls(plain["kind"], tuple(plain["low"]), tuple(plain["high"]))


class _Tables(dict[tuple[str, int], NDArray[np.uint8]]):
    """Lookup tables by type and band, made when they are first asked for."""

    def __init__(self, low: Sequence[float], high: Sequence[float]) -> None:
        super().__init__()
        self._low, self._high = low, high

    def __missing__(self, key: tuple[str, int]) -> NDArray[np.uint8]:
        kind, band = key
        values = np.arange(_TABLE_SIZE[kind]).astype(kind)
        self[key] = _line(values, self._low[band], self._high[band])
        return self[key]


def _line(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    # Single precision holds every 16-bit value exactly, in half the memory.
    wide = np.float32 if values.dtype.itemsize <= 2 or values.dtype.name == "float32" else np.float64
    numbers: NDArray[np.floating[Any]] = values.astype(wide)
    unit = (numbers - low) * (255.0 / (high - low))
    finite = np.nan_to_num(unit, nan=0.0, posinf=255.0, neginf=0.0)
    eight: NDArray[np.uint8] = np.rint(np.clip(finite, 0.0, 255.0)).astype(np.uint8)
    return eight


def _bounds(sample: NDArray[np.generic]) -> tuple[float, float]:
    finite = sample[np.isfinite(sample)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(finite, PERCENTILES))
    return (low, high) if low < high else (low, low + 1.0)
