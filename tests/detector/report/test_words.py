"""Every reason that the program gives for a number, or for none, has an explanation in plain words."""

import re
from pathlib import Path

import pytest

import apronwatch
from apronwatch import intervals, observation, sizing
from apronwatch.archive import acquisitions, outlines, series
from apronwatch.calibration import Refusal
from apronwatch.cloudmasks import NOTED
from apronwatch.counts import NO_MASK, Count, Status
from apronwatch.report.words import REASONS, explain, mask_note, masks_differ, no_interval, reason_label

EMITTED = {
    *(status.value for status in Status if status is not Status.COMPLETE),
    *(value for name, value in vars(Refusal).items() if not name.startswith("_")),
    *NOTED,
    intervals.SATURATED,
    intervals.SEEN_LESS_THAN_HALF,
    intervals.SIZES_HARDLY_CALIBRATED,
    observation.UNITED,
    observation.TRUNCATED,
    series.NOT_COMPARABLE,
    outlines.OTHER_OUTLINE,
    acquisitions.UNITED_BY_DATE,
    acquisitions.UNITED_BY_CONTENT,
    acquisitions.SAME_PICTURE_OTHER_TIME,
    acquisitions.ACQUISITION_ID_REUSED,
    sizing.LENGTHS_NOT_MEASURED,
    sizing.WEIGHTS_NOT_IN_REGISTRY,
    sizing.COUNTED_BY_OTHER_RULES,
    NO_MASK,
    "detections_under_mask_left_out",
    "outside_the_scene",
}


@pytest.mark.parametrize("reason", sorted(EMITTED))
def test_every_reason_is_explained(reason):
    assert explain(reason) not in (reason, reason_label(reason))
    assert explain(reason).endswith(".")


def test_a_share_is_said_of_what_it_is_a_share_of():
    assert reason_label("haze:0.400") == "haze over 40 % of the zone"
    assert reason_label("sizes_hardly_calibrated:0.600") == "sizes of 60 % hardly calibrated"
    assert explain("sizes_hardly_calibrated:0.600") == REASONS["sizes_hardly_calibrated"]


def test_no_explanation_is_of_a_reason_that_is_never_given():
    assert set(REASONS) == EMITTED


def test_the_source_gives_no_reason_that_is_not_in_this_list():
    """By what it appends to reasons, and by constants that are documented as a reason."""
    source = "\n".join(path.read_text() for path in sorted(Path(apronwatch.__file__).parent.rglob("*.py")))
    appended = re.findall(r'reasons\.append\(\s*"([a-z_]+)"', source)
    named = re.findall(r'^[A-Z_]+ = "([a-z_]+)"\n"""Reason', source, re.MULTILINE)
    assert {"truncated_objects", "synthetic_only"} <= set(appended)
    assert {"united_by_date", "other_outline"} & set(named)
    assert set(appended) | set(named) <= EMITTED


def count(*reasons, low=None, high=None):
    return Count("base", "*", "plane", 6, None, low, high, 1.0, Status.COMPLETE, reasons)


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        (("truncated_objects", "uncalibrated", "synthetic_only"), "no interval: uncalibrated weights"),
        (("sizes_hardly_calibrated:0.600", "saturated"), "no interval: box limit reached"),
        (("seen_less_than_half",), "no interval: less than half observed"),
        ((), "no interval"),
    ],
)
def test_why_there_is_no_interval(reasons, said):
    assert no_interval(count(*reasons)) == said


GAP = Count("base", "*", "plane", None, None, None, None, 0.0, Status.UNSEEN, ("unseen",))


@pytest.mark.parametrize(
    ("counts", "which", "differ"),
    [
        ([("a", count()), ("b", count("uncalibrated"))], "", False),
        ([], "", False),
        ([("a", GAP)], "", False),
        ([("a", count("no_mask")), ("b", GAP)], "any look", False),
        ([("a", count("no_mask")), ("a", count("no_mask"))], "any look", False),
        ([("a", count("no_mask")), ("b", count()), ("c", GAP)], "1 of the 2 looks", True),
        ([("a", count()), ("a", count("no_mask"))], "any look", True),
    ],
)
def test_one_line_tells_over_how_many_looks_no_mask_lay(counts, which, differ):
    said = mask_note(counts)
    assert said.startswith(
        f"No mask lay over {which} with a number: ground under a cloud counts as seen"
    ) is bool(which)
    assert bool(said) is bool(which)
    assert masks_differ(c for _, c in counts) is differ
