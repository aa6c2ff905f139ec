"""What `apronwatch train evaluate` prints: a table of each kind of figure, a row for each class."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from apronwatch.cli import output

if TYPE_CHECKING:
    from apronwatch_training.evaluate.scoring import ClassScore

    Results = Mapping[float | None, Sequence[ClassScore]]

FIGURES = ("scenes", "objects", "AP", "precision", "recall", "MAE", "WAPE", "bias")


def print_figures(results: "Results") -> None:
    """Print all tables; what is not defined is a dash.

    Args:
        results: by the GSD of the scenes; None: each at its own.
    """
    _table(FIGURES, [(*whose, *_figures(s)) for whose, s in _each(results)])
    _print_lengths(results)
    _print_intervals(results)
    _print_boxes(results)


def _print_lengths(results: "Results") -> None:
    from apronwatch_training.evaluate.box_errors import SMALL_M
    from apronwatch_training.evaluate.words import LENGTHS, LENGTHS_SAID, length_cells

    rows = [
        (*whose, *length_cells(recall, precision))
        for whose, s in _each(results)
        for recall, precision in zip(s.by_length_m, s.precision_by_length_m, strict=True)
        if (recall.low, recall.high) == SMALL_M
    ]
    if rows:
        _table(LENGTHS, rows, LENGTHS_SAID)


def _print_intervals(results: "Results") -> None:
    from apronwatch_training.evaluate.words import INTERVALS, calibrated_here, interval_cells, intervals_said

    found = [(whose, s.coverage) for whose, s in _each(results) if s.coverage]
    if found:
        _table(INTERVALS, [(*whose, *interval_cells(c)) for whose, c in found], intervals_said(found[0][1]))
    for warning in dict.fromkeys(calibrated_here(c) for _, c in found):
        if warning:
            output.print_warning(warning)


def _print_boxes(results: "Results") -> None:
    from apronwatch_training.evaluate.words import BOXES, BOXES_SAID, box_cells

    rows = [(*whose, *box_cells(b)) for whose, s in _each(results) for b in s.boxes]
    if rows:
        _table(BOXES, rows, BOXES_SAID)


def _each(results: "Results") -> "Iterator[tuple[tuple[str, str, str], ClassScore]]":
    """GSD, class and rule of each score, and the score."""
    for gsd_m, scores in results.items():
        for s in scores:
            yield ("own" if gsd_m is None else f"{gsd_m:g}", s.class_name, s.rule), s


def _figures(s: "ClassScore") -> tuple[str, ...]:
    from apronwatch_training.evaluate.words import percent, share

    return (
        str(len(s.scenes)),
        str(s.operating.hits + s.operating.missed),
        share(s.ap),
        share(s.operating.precision),
        share(s.operating.recall),
        "-" if s.counts.mae is None else f"{s.counts.mae:.2f}",
        percent(s.counts.wape),
        percent(s.counts.relative_total_error, sign=True),
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], said: str = "") -> None:
    if said:
        output.say(f"\n{said}\n")
    columns = ("GSD, m", "class", "hit by", *header)
    output.print_table(columns, rows, right=range(3, len(columns)))
