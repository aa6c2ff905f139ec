"""The sections of a card that hold figures, and what follows from them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from apronwatch.calibration import Calibration
from apronwatch.engines import ModelSpec
from apronwatch.engines.registry import ClassSpec
from apronwatch_training.calibrate.places import PLACE_DEVIATION, PRIOR_PLACES
from apronwatch_training.card.evaluations import AtGsd, ClassFigures
from apronwatch_training.card.markdown import listed, table
from apronwatch_training.evaluate.coverage import Coverage, calibration_places
from apronwatch_training.evaluate.words import (
    BOXES,
    BOXES_SAID,
    INTERVALS,
    LENGTHS,
    LENGTHS_SAID,
    box_cells,
    interval_cells,
    intervals_said,
    length_range,
    length_rows,
    percent,
    share,
    share_of,
)
from apronwatch_training.known import Known
from apronwatch_training.uncertainty import DRAWS, LEVEL, count_error_intervals

RULES = {"iou": "exact polygon IoU above 0.5", "centre": "centre match"}

_CENTRE = (
    "Centre match, for upright labels: centre in the label's central half, longer side within a factor of 2."
)

LEAST_OBJECTS = 10
"""In a size bin, before its recall is called a failure."""

WORSE_BY = 0.1
"""A size bin whose recall lies this far below that of all is told as a failure."""

WORST_SCENES = 3


def figures(model: ModelSpec, evaluations: Sequence[AtGsd]) -> list[str]:
    """Precision, recall and errors of counts with their intervals, then the same by length."""
    rows = [_row(model, at, c) for at in evaluations for c in at.classes]
    header = (
        "GSD",
        "class",
        "a hit is",
        "scenes, places",
        "objects",
        "AP",
        "precision",
        "recall",
        "WAPE",
        "bias",
    )
    lines = [
        "## Figures",
        "",
        "Whole scenes through the pipeline that counts, at the operating thresholds. In brackets "
        f"{100 * LEVEL:.0f} % intervals: Wilson's for precision and recall, {DRAWS} bootstraps over scenes for the "
        "errors of counts (WAPE: sum of absolute errors over the sum of labels; bias: of the total). Objects of one "
        "place resemble each other, so with few places the truth is wider than that.",
        "",
        *table(header, rows),
        *(["", _CENTRE] if any(c.rule == "centre" for at in evaluations for c in at.classes) else []),
    ]
    left_out = [f"- {_gsd(at)}: {said}." for at in evaluations for said in at.left_out.warnings()]
    lines += ["", *left_out] if left_out else []
    by_length = [
        (
            f"{c.name}, {_gsd(at)}, {RULES.get(c.rule, c.rule)}:",
            length_rows(c.recall_by_length_m, c.precision_by_length_m),
        )
        for at in evaluations
        for c in at.classes
    ]
    if any(rows for _, rows in by_length):
        lines += ["", LENGTHS_SAID]
    for said, found in by_length:
        lines += ["", said, "", *table(LENGTHS, found)] if found else []
    return lines


def intervals(evaluations: Sequence[AtGsd]) -> list[str]:
    """Whether the intervals of the counts hold the labelled numbers; why there are none, where there are none."""
    found = [(_whose(at, c), c.intervals) for at in evaluations for c in at.classes if c.intervals]
    if not found:
        return ["## Intervals of counts", "", "Not measured."]
    rows = [(*whose, *interval_cells(told)) for whose, told in found]
    return [
        "## Intervals of counts",
        "",
        intervals_said(found[0][1]),
        "",
        *table(("GSD", "class", "a hit is", *INTERVALS), rows),
    ]


def boxes(evaluations: Sequence[AtGsd]) -> list[str]:
    """How well boxes tell direction and length, where labels are turned with their objects."""
    rows = [(_gsd(at), c.name, *box_cells(b)) for at in evaluations for c in at.classes for b in c.boxes]
    title = "## Heading and length of boxes"
    if not rows:
        return [title, "", "Not measured: no evaluation has labels that are turned with their objects."]
    return [title, "", BOXES_SAID, "", *table(("GSD", "class", *BOXES), rows)]


PLACES_SAID = (
    "Spread of places: standard deviation of the logarithm of objects over estimate in a scene of a place that the "
    "calibration never saw, beyond what it says of chance. From its places, each left out of the rest in turn, an "
    f"assumption ({PLACE_DEVIATION:g}) that counts for {PRIOR_PLACES} more, and how scenes of a place differ; "
    "`assumed`: no place could be left out."
)


def calibrated(calibration: Calibration | None, path: Path | None, model: ModelSpec) -> list[str]:
    """What estimates and intervals of counts rest on, and which of its places tuned the weights too."""
    if calibration is None:
        return ["## Calibration", "", "None: counts carry no estimate and no interval."]
    rows = []
    for name, c in sorted(calibration.classes.items()):
        objects, found = sum(c.recall.objects), sum(c.recall.found)
        rows.append(
            (
                name,
                "real" if c.scores.real and c.recall.real else "drawn",
                str(c.recall.n_places),
                f"{c.scores.kind} from {c.scores.n_labels}, {c.scores.n_true} true",
                share_of(found, objects),
                str(objects),
                _lengths(c.recall.lengths_px, model.classes.get(name)),
                f"{c.dispersion.factor:.2f}",
                c.places.words,
                (c.refusal or "yes").replace("_", " "),
            )
        )
    header = (
        "class",
        "scenes",
        "places",
        "curve",
        "recall",
        "objects",
        "lengths, 5 to 95 %",
        "dispersion",
        "spread of places",
        "corrects counts",
    )
    lines = ["## Calibration", "", *table(header, rows), "", PLACES_SAID]
    for name in sorted(calibration.classes):
        asked = [place.partition("/") for place in calibration_places(path, name)]
        if tuned := Known.of(model, [(dataset, place) for dataset, _, place in asked]).tuned:
            lines += [
                "",
                f"{name}: thresholds or epochs were chosen at some of the places, too: {listed(tuned)}.",
            ]
    return lines


def _lengths(lengths_px: tuple[float, float] | None, spec: ClassSpec | None) -> str:
    """A range of lengths in pixels of the pass, in metres."""
    if lengths_px is None or spec is None:
        return "-"
    low, high = (px * spec.pass_gsd_m for px in lengths_px)
    return f"{low:.0f} to {high:.0f} m"


def failures(model: ModelSpec, evaluations: Sequence[AtGsd], calibration: Calibration | None) -> list[str]:
    """Known failures: what the figures themselves show, and what was not measured."""
    shown = {c.name for at in evaluations for c in at.classes}
    lines = [
        f"- **{name}: not measured; no evaluation shows it.**" for name in model.classes if name not in shown
    ]
    lines += [
        f"- {name}: learned from drawn scenes alone; what it finds in real ones is unproven."
        for name, spec in model.classes.items()
        if spec.synthetic_only
    ]
    for at in evaluations:
        for c in at.classes:
            lines += [f"- {said}" for said in _failures_of(model, at, c)]
    if calibration is not None:
        lines += [
            f"- {name}: its counts are not corrected ({c.refusal.replace('_', ' ')})."
            for name, c in sorted(calibration.classes.items())
            if c.refusal
        ]
    return ["## Known failures", "", *(lines or ["- None that the figures show."])]


def _row(model: ModelSpec, at: AtGsd, c: ClassFigures) -> tuple[str, ...]:
    known = Known.of(model, c.places)
    told = ((len(known.taught), "taught"), (len(known.tuned), "tuned"))
    point = c.operating_point
    judged, objects = point.hits + point.false, point.hits + point.missed
    labelled, counted = [s.labelled for s in c.per_scene], [s.counted for s in c.per_scene]
    total = sum(labelled)
    errors = count_error_intervals(labelled, counted) or (None, None)
    off = sum(abs(a - b) for a, b in zip(labelled, counted, strict=True))
    return (
        *_whose(at, c),
        f"{len(c.per_scene)}, {len(c.places)}" + "".join(f" (**{n} {what}**)" for n, what in told if n),
        str(objects),
        share(c.ap),
        share_of(point.hits, judged),
        share_of(point.hits, objects),
        percent(off / total, errors[0]) if total else "-",
        percent((sum(counted) - total) / total, errors[1], sign=True) if total else "-",
    )


def _failures_of(model: ModelSpec, at: AtGsd, c: ClassFigures) -> Iterator[str]:
    where = f"{c.name}, {_gsd(at)}"
    known = Known.of(model, c.places)
    if known.taught:
        yield f"**{where}: {listed(known.taught)} taught the weights; figures from there look better than they are.**"
    if known.tuned:
        yield (
            f"{where}: thresholds or epochs were chosen at {listed(known.tuned)}; figures from there look better than "
            "those of new places."
        )
    if known.untold:
        yield (
            f"{where}: it is not recorded whether places of {listed(known.untold)} taught the weights, so these "
            "figures may flatter."
        )
    if all(s.drawn for s in c.per_scene):
        yield f"**{where}: measured on drawn scenes alone, which says nothing of real ones.**"
    point = c.operating_point
    objects = point.hits + point.missed
    for b in c.recall_by_length_m:
        if b.objects >= LEAST_OBJECTS and b.found / b.objects < point.hits / objects - WORSE_BY:
            yield (
                f"{where}: {length_range(b.low, b.high)} long: {b.found} of {b.objects} found, of all {point.hits} of "
                f"{objects}."
            )
    worst = sorted(c.per_scene, key=lambda s: (-abs(s.counted - s.labelled), s.dataset, s.image))[
        :WORST_SCENES
    ]
    said = [f"{s.dataset}/{s.image} {s.counted} for {s.labelled}" for s in worst if s.counted != s.labelled]
    if said:
        yield f"{where}: worst counts: {'; '.join(said)}."
    if c.intervals is not None:
        yield from _failures_of_intervals(where, c.intervals)


def _failures_of_intervals(where: str, found: Coverage) -> Iterator[str]:
    if found.calibrated_here:
        yield (
            f"**{where}: {listed(found.calibrated_here)} calibrated the weights; intervals look better there than "
            "they are.**"
        )
    if found.coverage_limits and found.coverage_limits[1] < found.level:
        yield (
            f"{where}: intervals of {100 * found.level:.0f} % held the labelled number in {found.held} of "
            f"{found.intervals} scenes: they are too narrow."
        )


def _whose(at: AtGsd, c: ClassFigures) -> tuple[str, str, str]:
    return _gsd(at), c.name, RULES.get(c.rule, c.rule)


def _gsd(at: AtGsd) -> str:
    return "own GSD" if at.gsd_m is None else f"{at.gsd_m:g} m"
