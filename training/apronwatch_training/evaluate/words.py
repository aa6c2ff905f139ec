"""Measured figures as text, the same on the terminal, the page and the card; what is not defined is a dash."""

from collections.abc import Sequence

from apronwatch.intervals import Interval
from apronwatch_training.evaluate.average_precision import BinPrecision, BinRecall
from apronwatch_training.evaluate.box_errors import BoxErrors, Turns
from apronwatch_training.evaluate.coverage import Coverage
from apronwatch_training.uncertainty import wilson

INTERVALS = ("scenes", "with interval", "held", "coverage", "interval score", "mean width", "without")
LENGTHS = ("length", "objects", "found", "recall", "detections", "true", "precision")
BOXES = (
    "pairs by",
    "labels",
    "pairs",
    "heading of",
    "median",
    "90 % below",
    "over 45°",
    "square",
    "median",
    "90 % below",
    "length off by",
    "spread",
    "mean",
    "deviation",
)

INTERVALS_SAID = (
    "Intervals of {level:.0f} % as the product prints them, of the judged detections. Coverage: the share of intervals "
    "that hold the labelled number, with Wilson's interval. Score: width plus {penalty:g} times what lies outside, on "
    "the mean; smaller is better."
)
LENGTHS_SAID = (
    "Objects and recall by the length of the label, detections and precision by that of the box, with Wilson's "
    "intervals."
)
BOXES_SAID = (
    "Boxes of found objects against labels that are turned with them. Heading: direction of the longer side, modulo "
    "180°; of square labels (sides within 10 %), where chance says which side is the longer, modulo 90°. Length: the "
    "longer side, (box - label) / label, median and robust standard deviation, then mean and "
    "standard deviation (a registry's `length_error`). Pairs by centre ask nothing of the "
    "heading; those by IoU leave out boxes that are far off."
)


def share(value: float | None, limits: tuple[float, float] | None = None) -> str:
    """A share, with its interval: 0.967 (0.94 to 0.98)."""
    if value is None:
        return "-"
    return f"{value:.3f}" + (f" ({limits[0]:.2f} to {limits[1]:.2f})" if limits else "")


def share_of(part: int, whole: int) -> str:
    """A share with Wilson's interval."""
    return share(part / whole if whole else None, wilson(part, whole))


def percent(value: float | None, limits: tuple[float, float] | None = None, *, sign: bool = False) -> str:
    """A percentage, with its interval: 9.1 % (6.0 to 12.3)."""
    if value is None:
        return "-"
    form = "+.1f" if sign else ".1f"
    said = f"{100 * value:{form}} %"
    return said + (f" ({100 * limits[0]:{form}} to {100 * limits[1]:{form}})" if limits else "")


def intervals_said(coverage: Coverage) -> str:
    """What the figures of `INTERVALS` are."""
    return INTERVALS_SAID.format(level=100 * coverage.level, penalty=2 / (1 - coverage.level))


def interval_cells(coverage: Coverage) -> tuple[str, ...]:
    """A row under `INTERVALS`."""
    return (
        str(coverage.scenes),
        str(coverage.intervals),
        str(coverage.held) if coverage.intervals else "-",
        share(coverage.coverage, coverage.coverage_limits),
        _number(coverage.interval_score, 2),
        _number(coverage.mean_width, 2),
        ", ".join(f"{_plain(reason)}: {n}" for reason, n in coverage.refused.items()) or "-",
    )


def calibrated_here(coverage: Coverage) -> str | None:
    """A warning where scenes are of places at which the calibration was measured; None where none is."""
    if not coverage.calibrated_here:
        return None
    return f"{', '.join(coverage.calibrated_here)} calibrated the weights: intervals look better there than they are."


def interval_words(interval: Interval | None) -> tuple[str, str]:
    """Estimate and limits of one scene: `14`, `12 to 17`; the reason where there are none."""
    if interval is None:
        return "-", "-"
    reasons = ", ".join(_plain(reason) for reason in interval.reasons)
    if interval.low is None:
        return "-", f"none: {reasons}"
    if interval.estimate is None or interval.high is None:
        return "-", f"at least {interval.low}: {reasons}"
    return str(interval.estimate), f"{interval.low} to {interval.high}"


def length_cells(recall: BinRecall, precision: BinPrecision) -> tuple[str, ...]:
    """A row under `LENGTHS`, of the two figures of one bin."""
    return (
        length_range(recall.low, recall.high),
        str(recall.objects),
        str(recall.found),
        share_of(recall.found, recall.objects),
        str(precision.detections),
        str(precision.true),
        share_of(precision.true, precision.detections),
    )


def length_rows(recalls: Sequence[BinRecall], precisions: Sequence[BinPrecision]) -> list[tuple[str, ...]]:
    """Rows under `LENGTHS`, of the bins that hold anything."""
    both = zip(recalls, precisions, strict=True)
    return [length_cells(r, p) for r, p in both if r.objects or p.detections]


def length_range(low: float, high: float, unit: str = "m") -> str:
    """A bin: `15 to 20 m`, `50 m and more`."""
    return f"{low:g} to {high:g} {unit}" if high != float("inf") else f"{low:g} {unit} and more"


def box_cells(errors: BoxErrors) -> tuple[str, ...]:
    """A row under `BOXES`."""
    return (
        "centre" if errors.matched_by == "centre" else "IoU",
        length_range(*errors.lengths_m) if errors.lengths_m else "all",
        str(errors.objects),
        *_turns(errors.heading),
        str(errors.across) if errors.heading.objects else "-",
        *_turns(errors.square),
        percent(errors.length_bias, sign=True),
        percent(errors.length_sd),
        percent(errors.length_error[0] if errors.length_error else None, sign=True),
        percent(errors.length_error[1] if errors.length_error else None),
    )


def _turns(turns: Turns) -> tuple[str, str, str]:
    median, p90 = ("-" if value is None else f"{value:.1f}°" for value in (turns.median, turns.p90))
    return str(turns.objects), median, p90


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _plain(reason: str) -> str:
    return reason.replace("_", " ")
