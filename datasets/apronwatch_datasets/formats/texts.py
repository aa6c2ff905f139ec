"""Lines, numbers and documents of label files."""

import json
from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apronwatch_datasets.faults import FaultKind, Mending
from apronwatch_datasets.source import Log

DECIMALS = 4
"""Of a written coordinate in pixels: a hundredth of what a round trip may lose."""


def unreadable(labels: Path, why: object, log: Log) -> None:
    """Note a label file that cannot be read as a whole."""
    log.add(FaultKind.UNREADABLE_LABELS, labels, str(why).split("\n")[0], Mending.IMAGE_LEFT_OUT)


def read_lines(path: Path, log: Log) -> list[str] | None:
    """Lines of a text file; None, with a fault noted, where it is no text."""
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        unreadable(path, f"no text: {error}", log)
        return None


def read_table(
    path: Path, fields: Callable[[str], Sequence[str]], count: int, expected: str, log: Log
) -> tuple[NDArray[np.float64], list[int]] | None:
    """A text file of numbers, one object a line. A line that is no object is noted and lost.

    Args:
        path: the file.
        fields: the numbers of a line, as text.
        count: how many a line has.
        expected: what a line should be, for messages.
        log: takes the faults.

    Returns:
        (N, count) numbers and the line of each, from 1; None, with a fault noted, where the file is no text.
    """
    written = read_lines(path, log)
    if written is None:
        return None
    rows, lines = [], []
    for line, text in enumerate(written, start=1):
        if not text.strip():
            continue
        try:
            numbers = finite(fields(text), "number")
        except ValueError:
            numbers = []
        if len(numbers) != count:
            log.bad_line(path, line, f"{text!r:.60}; expected {expected}")
            continue
        rows.append(numbers)
        lines.append(line)
    return np.array(rows, dtype=np.float64).reshape(-1, count), lines


def read_json(path: Path) -> Any:
    """A JSON document.

    Raises:
        OSError: no such file.
        ValueError: no JSON, or one nested too deeply or with a number too long to be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def finite(tokens: Sequence[object], what: str) -> list[float]:
    """Numbers of some tokens. Raises `ValueError`, naming the first that is none."""
    return [_finite(token, what) for token in tokens]


def _finite(token: object, what: str) -> float:
    try:
        value = float(token)  # type: ignore[arg-type]  # what is no number raises
    except OverflowError:
        # An integer of JSON has as many digits as it likes.
        raise ValueError(f"{what} is not finite: an integer beyond any coordinate") from None
    except (TypeError, ValueError):
        raise ValueError(f"{what} {token!r:.60} is no number") from None
    if not isfinite(value):
        raise ValueError(f"{what} {token!r:.60} is not finite")
    return value


def finite_array(values: object, what: str) -> NDArray[np.float64]:
    """Nested lists of numbers as an array. Raises `ValueError` where they are ragged, no numbers or not finite."""
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{what} {values!r:.60} are no finite numbers") from None
    if not np.isfinite(array).all():
        raise ValueError(f"{what} {values!r:.60} are no finite numbers")
    return array


def written(value: float) -> str:
    """A coordinate in pixels, without needless zeros."""
    return f"{round(value, DECIMALS):.12g}"
