"""An evaluation as one HTML page that opens offline: figures, tables, and the worst errors as pictures."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from PIL import Image

from apronwatch.engines.registry import ModelSpec
from apronwatch.interchange.files import check_folder, save
from apronwatch.report.markup import Markup, join, picture, tag, text
from apronwatch_training.evaluate.average_precision import BinRecall
from apronwatch_training.evaluate.errors_seen import MOST, false_alarms, misses
from apronwatch_training.evaluate.scoring import ClassScene, ClassScore
from apronwatch_training.evaluate.words import (
    BOXES,
    BOXES_SAID,
    INTERVALS,
    LENGTHS,
    LENGTHS_SAID,
    box_cells,
    calibrated_here,
    interval_cells,
    interval_words,
    intervals_said,
    length_range,
    length_rows,
)

_RULES = {
    "iou": "a hit is an exact polygon IoU above 0.5 (oriented labels)",
    "centre": "a hit is a centre in the central half of the label, its longer side within a factor of 2 (horizontal "
    "labels: they say nothing of heading)",
}

_SCENES = (
    "dataset",
    "scene",
    "place",
    "GSD, m",
    "labelled",
    "counted",
    "difference",
    "estimate",
    "90 % interval",
)


def write_page(
    scores: Sequence[ClassScore], model: ModelSpec, title: str, out: Path, warnings: Sequence[str] = ()
) -> None:
    """Write the page; it appears whole or not at all.

    Args:
        scores: of the scenes.
        model: the weights.
        title: of the page.
        out: replaced whole.
        warnings: what a reader must be told first.

    Raises:
        OutputInvalid: `out` cannot be written.
    """
    check_folder(out)
    template = Template(files("apronwatch.report").joinpath("page.html").read_text(encoding="utf-8"))
    parts = [
        tag("h1", title),
        tag("p", f"Weights {model.name}, SHA-256 {model.sha256}. {model.terms}".strip()),
    ]
    parts += [tag("p", tag("strong", f"{said}.")) for said in warnings]
    parts += [section for score in scores for section in _class(score)]
    save(out, template.substitute(title=text(title), body=join(parts)).encode())


def _class(score: ClassScore) -> list[Markup]:
    point, counts = score.operating, score.counts
    facts = [
        ("average precision", _share(score.ap, 3)),
        *(
            [
                ("AP50:95", _share(score.precisions.ap50_95, 3)),
                ("AP50 by VOC 2007's 11 points", _share(score.precisions.voc07_ap50, 3)),
            ]
            if score.precisions
            else []
        ),
        (f"precision at {point.threshold:g}", _share(point.precision, 3)),
        (f"recall at {point.threshold:g}", _share(point.recall, 3)),
        ("objects labelled, found, missed", f"{point.hits + point.missed}, {point.hits}, {point.missed}"),
        ("false alarms", str(point.false)),
        ("counts: mean absolute error", _share(counts.mae, 2)),
        ("counts: root mean square error", _share(counts.rmse, 2)),
        ("counts: bias of a scene", _share(counts.bias, 2)),
        ("counts: weighted absolute percentage error", _percent(counts.wape)),
        ("counts: error of the total", _percent(counts.relative_total_error)),
    ]
    return [
        tag("h2", f"{score.class_name}: {len(score.scenes)} scenes of {score.places} places"),
        tag("p", f"{_RULES[score.rule]}."),
        _table(("figure", "value"), facts),
        tag("h3", "Recall by length in pixels"),
        _bins(score.by_length_px, "px"),
        tag("h3", "Recall and precision by length in metres"),
        tag("p", LENGTHS_SAID),
        _table(LENGTHS, length_rows(score.by_length_m, score.precision_by_length_m)),
        tag("h3", "Recall by ground sample distance"),
        _bins(score.by_gsd, "m"),
        *_intervals(score),
        *_boxes(score),
        tag("h3", "Each scene"),
        _table(_SCENES, [_scene(s) for s in score.scenes]),
        *_errors("Missed", "the largest first; the number is the score at which it was seen", *misses(score)),
        *_errors("False alarms", "the surest first", *false_alarms(score)),
    ]


def _intervals(score: ClassScore) -> list[Markup]:
    found = score.coverage
    if found is None:
        return []
    warning = calibrated_here(found)
    return [
        tag("h3", "Intervals of the counts"),
        tag("p", intervals_said(found)),
        *([tag("p", warning)] if warning else []),
        _table(INTERVALS, [interval_cells(found)]),
    ]


def _boxes(score: ClassScore) -> list[Markup]:
    if not score.boxes:
        return []
    return [
        tag("h3", "Heading and length of the boxes"),
        tag("p", BOXES_SAID),
        _table(BOXES, [box_cells(b) for b in score.boxes]),
    ]


def _scene(s: ClassScene) -> tuple[str, ...]:
    return (
        s.looked.dataset,
        s.looked.image.name,
        s.looked.image.place,
        f"{s.looked.gsd_m:.2f}",
        str(s.labelled),
        str(s.counted),
        f"{s.counted - s.labelled:+d}",
        *interval_words(s.interval),
    )


def _errors(title: str, order: str, sheet: Image.Image | None, number: int) -> list[Markup]:
    if sheet is None:
        return [tag("h3", f"{title}: none")]
    shown = f"{min(number, MOST)} of {number}, {order}; labels green, what was counted red"
    return [tag("h3", title), tag("p", f"{shown}."), picture(sheet, f"{title}: {shown}", quality=85)]


def _bins(bins: Sequence[BinRecall], unit: str) -> Markup:
    rows = [
        (length_range(b.low, b.high, unit), str(b.objects), str(b.found), _share(b.recall, 3))
        for b in bins
        if b.objects
    ]
    return _table(("from to", "objects", "found", "recall"), rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    head = tag("tr", *(tag("th", cell) for cell in header))
    body = [tag("tr", *(tag("td", cell) for cell in row)) for row in rows]
    return tag("div", tag("table", tag("thead", head), tag("tbody", join(body))), class_="scroll")


def _share(value: float | None, digits: int) -> str:
    return "none" if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{100 * value:.1f} %"
