"""What statuses, reasons and classes are called before a reader, and text that every picture can carry."""

import unicodedata
from collections.abc import Hashable, Iterable
from datetime import datetime
from functools import cache
from pathlib import Path

import matplotlib
from matplotlib.ft2font import FT2Font

from apronwatch.counts import NO_MASK, NO_NUMBER, Count, Status, word_of
from apronwatch.intervals import SIZES_HARDLY_CALIBRATED

CLASS_NAMES = {
    "plane": ("plane", "planes"),
    "helicopter": ("helicopter", "helicopters"),
    "vehicle_small": ("small vehicle", "small vehicles"),
    "vehicle_large": ("large vehicle", "large vehicles"),
    "ship": ("ship", "ships"),
}
"""One and several."""

STATUS_NAMES: dict[str, str] = {
    Status.FAILED: "failed",
    Status.NOT_MODELLED: "not looked for",
    Status.UNSEEN: "not observed",
    Status.OUT_OF_RANGE: "too small to see",
    Status.SATURATED: "box limit reached",
    Status.PARTIAL: "partly observed",
    Status.COMPLETE: "fully observed",
}

REASONS = {
    "failed": "The run broke off: nothing can be said from this picture.",
    "not_modelled": "The weights don't know this class, so nothing was looked for.",
    "unseen": "Nothing of the zone was observed: outside the picture, without pixels, or under a mask.",
    "out_of_range": "At this ground sample distance the class is too small (or too large) for the weights.",
    "saturated": "The cap on the number of boxes was reached: there may be more than the number says.",
    "partial": "Only a part of the zone was observed: the number is a least one.",
    "uncalibrated": "No calibration for these weights and this class: no estimate and no interval are given.",
    "calibrated_at_another_threshold": (
        "The class was calibrated at another operating threshold: no estimate and no interval are given."
    ),
    "recall_from_too_few": "Recall was measured on too few objects: no estimate and no interval are given.",
    "recall_too_low": "Fewer than one in five objects are found: no estimate and no interval are given.",
    "places_differ_too_much": (
        "Places differ too much for what was learned of these weights at some to say how many objects there are at "
        "another: no estimate and no interval are given."
    ),
    "seen_less_than_half": "Less than half of the zone was observed: only a least number is given.",
    SIZES_HARDLY_CALIBRATED: (
        "More than half of the objects counted are shorter or longer than nearly all that calibrated these "
        "weights: estimate and interval rest on objects of other sizes, and may be off by more than they say."
    ),
    "synthetic_only": (
        "These weights learned the class, or its calibration, on drawn scenes only: nothing is known of its "
        "errors on real pictures."
    ),
    "truncated_objects": (
        "A counted box is cut by the edge of the picture: the object may lie in part outside, and its size and "
        "place are less sure."
    ),
    "acquisition_id_reused": (
        "Other frames, a day or more away, bear the same acquisition id: they are taken for other looks."
    ),
    "lengths_not_measured": "The lengths of these weights' boxes were never measured: no number by size is given.",
    "weights_not_in_registry": "No registry here knows these weights: no number by size is given.",
    "counted_by_other_rules": (
        "The count was made with other rules or another calibration than those of now: by size no interval is given."
    ),
    NO_MASK: (
        "Clouds were not looked for (no mask): ground under one counts as seen, and what stands on it as none."
    ),
    "snow": "A part of the zone lies under snow, says the mask: objects under it may be missed.",
    "haze": "A part of the zone was seen through haze or thin cloud, says the mask: objects may be missed.",
    "outside_the_scene": "The picture does not reach this zone.",
    "detections_under_mask_left_out": "Objects found under the supplied mask (cloud, shadow) are left out.",
    "frames_united": (
        "Frames of one acquisition were united, each object once: an estimate stands only where one of them saw all."
    ),
    "united_by_content": "The united frames show the same picture, though their ids, times or sensors do not say so.",
    "same_picture_at_another_time": (
        "Another look of that day shows the same picture under another time or id: one of them is wrong, and the "
        "place is shown once too often."
    ),
    "united_by_date": (
        "Only the date says that the united frames were taken together: something that moved between them "
        "may be missing, or counted twice."
    ),
    "other_outline": (
        "Counted in another outline of the zone than that of the site's newest version: the number answers "
        "another question, and the chart's line leaves it out."
    ),
    "frames_not_comparable": (
        "Several pictures of one acquisition without georeference: they can't be laid over each other, so "
        "each is a look of its own."
    ),
}

_NO_INTERVAL = {
    "uncalibrated": "uncalibrated weights",
    "calibrated_at_another_threshold": "calibrated at another threshold",
    "synthetic_only": "calibrated on drawn scenes only",
    "recall_from_too_few": "recall measured on too few objects",
    "recall_too_low": "too few objects are found",
    "places_differ_too_much": "places differ too much",
    "saturated": "box limit reached",
    "seen_less_than_half": "less than half observed",
    "frames_united": "the frames add to each other",
}
"""What keeps a count that has a number from having an interval, in the order in which it is said."""

INTERVALS_HOLD = (
    "The 90 % holds for places like those of the calibration; "
    "a large count at a place that differs is less sure."
)
"""Wherever an interval stands: what it rests on."""

_DEJAVU = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FONT = str(_DEJAVU / "DejaVuSans.ttf")
FONT_BOLD = str(_DEJAVU / "DejaVuSans-Bold.ttf")


def remarks(count: Count) -> list[str]:
    """The reasons of a count that tell a reader something: what was not seen at all was not seen in part."""
    implied = {Status.PARTIAL.value} if Status.UNSEEN.value in count.reasons else set()
    return [reason for reason in count.reasons if reason not in implied]


def reason_label(reason: str) -> str:
    """A reason in a few words, with the share of the zone, or of its objects, that it touches where it names one."""
    word, _, touched = reason.partition(":")
    if word == SIZES_HARDLY_CALIBRATED and touched:
        return f"sizes of {share(float(touched))} hardly calibrated"
    if touched:
        return f"{word} over {share(float(touched))} of the zone"
    return STATUS_NAMES.get(reason, reason.replace("_", " "))


def explain(reason: str) -> str:
    """A reason in plain words; one that has no words here is shown as it stands."""
    return REASONS.get(word_of(reason), reason.replace("_", " "))


def mask_note(counts: Iterable[tuple[Hashable, Count]], what: str = "look") -> str:
    """Over how many looks with a number no mask lay, and what that means; empty if one lay over each.

    Args:
        counts: each with what tells its look from others.
        what: what a look is called here.
    """
    bare: dict[Hashable, bool] = {}
    for look, count in counts:
        if count.seen is not None:
            bare[look] = bare.get(look, False) or NO_MASK in count.reasons
    without = sum(bare.values())
    if not without:
        return ""
    which = f"any {what}" if without == len(bare) else f"{without} of the {len(bare)} {what}s"
    return (
        f"No mask lay over {which} with a number: ground under a cloud counts as seen there, and what stands on it "
        "as none."
    )


def sizes_note(counts: Iterable[tuple[Hashable, Count]]) -> str:
    """In how many looks intervals rest on objects of other sizes; empty if in none.

    Args:
        counts: each with what tells its look from others.
    """
    told = [(look, count) for look, count in counts if count.low is not None]
    hardly = {look for look, count in told if SIZES_HARDLY_CALIBRATED in map(word_of, count.reasons)}
    if not hardly:
        return ""
    of = several(len({look for look, _ in told}), "look")
    return (
        f"In {len(hardly)} of {of} most objects are of sizes that hardly calibrated: it may not hold there."
    )


def masks_differ(counts: Iterable[Count]) -> bool:
    """Whether a mask lay over some of the numbers and none over others: a reader must then be told over which."""
    return len({NO_MASK in count.reasons for count in counts if count.seen is not None}) > 1


def class_label(name: str) -> str:
    """`vehicle_small` as `small vehicles`."""
    return CLASS_NAMES[name][1]


def no_interval(count: Count) -> str:
    """Why a count with a number has no interval, in a few words: `no interval: uncalibrated weights`."""
    why = next((said for reason, said in _NO_INTERVAL.items() if reason in count.reasons), "")
    return f"no interval: {why}" if why else "no interval"


def quantity(count: Count) -> str:
    """`12 planes`, `at least 1 ship`: a count that has a number, with what it is a number of."""
    return f"{number(count)} {CLASS_NAMES[count.class_name][count.seen != 1]}"


def several(n: int, one: str, many: str = "") -> str:
    """`1 look`, `2 looks`."""
    return f"{n} {one if n == 1 else many or one + 's'}"


def zone_label(zone: str) -> str:
    """The zone's id, or what `*` means."""
    return "whole site" if zone == "*" else zone


def number(count: Count) -> str:
    """What a count says, never a zero for what was not seen: `12`, `at least 12`, `– not observed`."""
    if count.seen is None or count.status in NO_NUMBER:
        return f"– {STATUS_NAMES[count.status]}"
    return count.words


def share(fraction: float | None) -> str:
    """A share as a percentage: 100 % and 0 % only where it counts as complete or unseen (0.999, 0.001)."""
    if fraction is None:
        return "–"
    if fraction >= 0.999:
        return "100 %"
    if fraction <= 0.001:
        return "0 %"
    return f"{100 * fraction:.{0 if 0.01 <= fraction < 0.99 else 1}f} %"


def moment(time: datetime | None, precision: str | None) -> str:
    """A UTC time no finer than it is known: `2024-12-08 09:41 UTC`, `2024-12-08`, `undated`."""
    if time is None:
        return "undated"
    form = {"second": "%Y-%m-%d %H:%M:%S UTC", "minute": "%Y-%m-%d %H:%M UTC", "hour": "%Y-%m-%d, %H h UTC"}
    return time.strftime(form.get(precision or "day", "%Y-%m-%d"))


def drawable(text: str, limit: int = 120) -> str:
    """One line that the pictures' font can draw: others become escapes, long text is cut in the middle.

    Matplotlib warns of a missing glyph and draws a box, which would make two names look the same.
    """
    line = " ".join(text.split())
    if len(line) > limit:
        half = (limit - 1) // 2
        line = f"{line[:half]}…{line[-half:]}"
    return "".join(c if _has_glyph(c) else c.encode("unicode_escape").decode() for c in line)


def listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = list(names) or ["none"]
    return f"{', '.join(first)} and {last}" if first else last


def _has_glyph(character: str) -> bool:
    invisible = unicodedata.category(character).startswith("C")
    return not invisible and all(ord(character) in _characters(font) for font in (FONT, FONT_BOLD))


@cache
def _characters(font: str) -> frozenset[int]:
    return frozenset(FT2Font(font).get_charmap())
