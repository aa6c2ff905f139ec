"""Lines and numbers of label files."""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path

from apronwatch_datasets.faults import FaultKind, Mending
from apronwatch_datasets.source import Log

DECIMALS = 4
"""Of a written coordinate in pixels: a hundredth of what a round trip may lose."""


def read_lines(path: Path, log: Log) -> list[str] | None:
    """Lines of a text file; None, with a fault noted, where it is no text."""
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        log.add(FaultKind.UNREADABLE_LABELS, path, f"no text: {error}", Mending.IMAGE_LEFT_OUT)
        return None


def finite(tokens: Sequence[object], what: str) -> list[float]:
    """Numbers of some tokens. Raises `ValueError`, naming the first that is none."""
    return [_finite(token, what) for token in tokens]


def _finite(token: object, what: str) -> float:
    try:
        value = float(token)  # type: ignore[arg-type]  # what is no number raises
    except (TypeError, ValueError):
        raise ValueError(f"{what} {token!r} is no number") from None
    if not isfinite(value):
        raise ValueError(f"{what} {token!r} is not finite")
    return value


def written(value: float) -> str:
    """A coordinate in pixels, without needless zeros."""
    return f"{round(value, DECIMALS):.12g}"
