"""The chart never shows a number that is not there, and joins only what may be joined."""

from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import matplotlib.dates as mdates
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from apronwatch.changes import find_changes
from apronwatch.counts import NO_NUMBER, Status
from apronwatch.errors import OutputInvalid
from apronwatch.report.changes import standing
from apronwatch.report.chart import draw_series, series_figure
from apronwatch.report.panel import MOST_LABELLED
from apronwatch.report.words import INTERVALS_HOLD

from .rows import START, row


def artists(figure, gid):
    return [line for axes in figure.axes for line in axes.lines if line.get_gid() == gid]


def positions(figure, gid):
    return [(_day(line.get_xdata()[0]), line.get_ydata()[0]) for line in artists(figure, gid)]


def joins(figure):
    lines = [line for axes in figure.axes for line in axes.lines if line.get_gid() == "series"]
    return [tuple(_day(x) for x in line.get_xdata()) for line in lines]


def _day(x):
    time = mdates.num2date(x) if isinstance(x, float) else x
    return round((time - START) / timedelta(days=1), 6)


def words(figure):
    texts = [t.get_text() for t in figure.texts] + [t.get_text() for axes in figure.axes for t in axes.texts]
    return texts + [t.get_text() for legend in figure.legends for t in legend.get_texts()]


@pytest.mark.parametrize("status", sorted(NO_NUMBER))
def test_a_look_without_a_number_is_a_gap_and_never_a_zero(status):
    figure = series_figure([row(0, 7), row(5, None, status=status), row(10, 9)], title="base")
    assert positions(figure, "seen") == [(0, 7), (10, 9)]
    assert [day for day, _ in positions(figure, "no number")] == [5]
    assert joins(figure) == [], "a line across the gap would claim a number there"


def test_a_zero_that_was_seen_is_drawn():
    figure = series_figure([row(0, 4), row(3, 0)], title="base")
    assert positions(figure, "seen") == [(0, 4), (3, 0)]
    assert joins(figure) == [(0, 3)]


def test_the_line_joins_complete_looks_of_the_same_weights_only():
    rows = [
        row(0, 5), row(1, 6), row(2, 3, status=Status.PARTIAL), row(3, 6), row(4, 8),
        row(5, 30, status=Status.SATURATED), row(6, 7), row(7, 2, model="second"), row(8, 3, model="second"),
    ]  # fmt: skip
    assert joins(series_figure(rows, title="base")) == [(0, 1), (3, 4), (7, 8)]


def test_looks_that_share_a_time_are_not_joined():
    rows = [row(0, 5), row(1, 6), row(4, 2), row(4, 3, run_id=5000), row(8, 4), row(9, 4)]
    assert joins(series_figure(rows, title="base")) == [(0, 1), (8, 9)]


def test_partial_and_saturated_looks_are_hollow_and_say_at_least():
    rows = [row(0, 5), row(9, 3, status=Status.PARTIAL), row(18, 30, status=Status.SATURATED)]
    figure = series_figure(rows, title="base")
    filled = [line.get_markerfacecolor() != "white" for line in artists(figure, "seen")]
    assert filled == [True, False, False]
    said = words(figure)
    assert {"5", "at least 3", "at least 30"} <= set(said)
    assert any(w.startswith("seen, partly observed: at least") for w in said)


def test_other_weights_are_marked_between_the_looks():
    figure = series_figure([row(0, 5), row(10, 6, model="second")], title="base")
    assert [day for day, _ in positions(figure, "model change")] == [5]
    assert any("second" in w for w in words(figure))


def test_another_outline_is_marked_and_not_joined():
    other = {"reasons": ("other_outline",), "geometry_sha256": "d" * 64}
    rows = [row(0, 5), row(3, 6), row(6, 60, **other), row(9, 61, **other), row(12, 7), row(15, 8)]
    figure = series_figure(rows, title="base")
    assert joins(figure) == [(0, 3), (12, 15)]
    assert [line.get_marker() for line in artists(figure, "seen")] == ["o", "o", "D", "D", "o", "o"]
    label = "seen, in another outline of the zone"
    assert label in words(figure)
    assert label not in words(series_figure(rows[:2], title="base"))


def test_less_than_half_seen_is_marked_apart_and_joined_to_nothing():
    half, less = (partial(day, 6, fraction) for day, fraction in ((4, 0.5), (8, 0.49)))
    figure = series_figure([row(0, 14), half, less, row(12, 13)], title="base")
    markers = {line.get_marker(): line.get_markerfacecolor() for line in artists(figure, "seen")}
    assert markers["^"] == "white"
    assert [line.get_marker() for line in artists(figure, "seen")] == ["o", "o", "^", "o"]
    assert "seen, less than half observed: at least so many, in no test" in words(figure)
    assert joins(figure) == []


@pytest.mark.parametrize(
    ("reason", "marker", "said"),
    [
        ("haze:0.200", "s", "seen, in part through haze or under snow: some may be missed"),
        ("snow:0.020", "s", "seen, in part through haze or under snow: some may be missed"),
        ("same_picture_at_another_time", "P", "seen, but doubtful: same picture at another time"),
        ("united_by_date", "P", "seen, but doubtful: united by date"),
        ("united_by_content", "P", "seen, but doubtful: united by content"),
        ("frames_not_comparable", "P", "seen, but doubtful: frames not comparable"),
    ],
)
@pytest.mark.parametrize("status", [Status.COMPLETE, Status.PARTIAL])
def test_a_number_that_something_is_known_against_is_marked_and_joined_to_nothing(
    reason, marker, said, status
):
    against = row(8, 3, status=status, reasons=(reason,))
    figure = series_figure([row(0, 14), row(4, 13), against, row(12, 13)], title="base")
    drawn = artists(figure, "seen")
    assert [line.get_marker() for line in drawn] == ["o", "o", marker, "o"]
    assert drawn[2].get_markerfacecolor() == "white"
    assert joins(figure) == [(0, 4)]
    assert said in words(figure)
    sound = series_figure([row(0, 14), row(4, 13, reasons=("truncated_objects",))], title="base")
    assert joins(sound) == [(0, 4)]
    assert said not in words(sound)


def test_doubts_do_not_hide_that_a_number_is_a_least_one():
    hazy = replace(partial(4, 6, 0.3), count=replace(partial(4, 6, 0.3).count, reasons=("haze:0.300",)))
    capped = row(8, 30, status=Status.SATURATED, reasons=("saturated", "haze:0.300"))
    figure = series_figure([row(0, 14), hazy, capped], title="base")
    assert [line.get_marker() for line in artists(figure, "seen")] == ["o", "^", "^"]


def partial(day, seen, fraction):
    made = row(day, seen, status=Status.PARTIAL)
    return replace(made, count=replace(made.count, observed_fraction=fraction))


def test_a_change_of_outline_is_a_line_between_the_looks():
    other = {"reasons": ("other_outline",), "geometry_sha256": "d" * 64}
    figure = series_figure([row(0, 60, **other), row(4, 61, **other), row(10, 7)], title="base")
    assert [day for day, _ in positions(figure, "outline change")] == [7]
    assert any("other outline of the zone" in w for w in words(figure))
    both = series_figure([row(0, 60, **other), row(4, 7, model="second")], title="base")
    assert any("other weights: second, other outline" in w for w in words(both))


DROP = (14, 13, 15, 14, 16, 12, 14, 15, 13, 14, 3, 3)


def alarmed(**changed):
    rows = [row(4 * n, seen, **changed) for n, seen in enumerate(DROP)]
    return rows, standing(find_changes(rows))


def test_an_alarm_is_a_band_between_the_looks_of_the_change():
    rows, alarms = alarmed()
    figure = series_figure(rows, title="base", alarms=alarms)
    [band] = [patch for axes in figure.axes for patch in axes.patches if patch.get_gid() == "alarm"]
    assert (_day(band.get_x()), _day(band.get_x() + band.get_width())) == (36, 40)
    assert "fell 2024-12-07 to 12-11: about 14 to about 3; alarm 12-11" in words(figure)
    assert "it changed between these looks; alarm: the day it was found" in words(figure)


def test_an_alarm_raised_later_tells_both_days():
    rows, [alarm] = alarmed()
    late = replace(alarm, since=tuple(rows[10:]))
    [said] = [w for w in words(series_figure(rows, title="base", alarms=[late])) if w.startswith("fell")]
    assert said == "fell 2024-12-07 to 12-11: about 14 to about 3; alarm 12-15"


def test_every_kind_of_line_is_in_the_key_when_it_occurs():
    other = {"reasons": ("other_outline",), "geometry_sha256": "d" * 64}
    plain = words(series_figure([row(0, 5), row(4, 6)], title="base"))
    rows = [
        row(0, 60, **other), row(4, 5, interval=(4, 6, 9)), row(8, None), row(12, 6, model="second"),
    ]  # fmt: skip
    full = words(series_figure(rows, title="base"))
    for entry in (
        "was there, 90 %",
        "was there, estimate (median)",
        "time of a look without a number",
        "other weights: not compared across",
        "other outline of the zone: not compared across",
        INTERVALS_HOLD,
    ):
        assert entry in full
        assert entry not in plain
    assert "seen, fully observed" in plain


@pytest.mark.parametrize(
    ("masked", "key", "line"),
    [
        ((True, True), "seen, fully observed", None),
        (
            (False, True),
            "seen, fully observed (some without a mask: clouds not looked for)",
            "1 of the 2 looks",
        ),
        ((False, False), "seen, fully observed (no mask: clouds not looked for)", "any look"),
    ],
)
def test_fully_observed_is_not_claimed_where_no_mask_lay(masked, key, line):
    rows = [row(4 * n, 5, reasons=() if under else ("no_mask",)) for n, under in enumerate(masked)]
    said = words(series_figure([*rows, row(12, None)], title="base"))
    assert [w for w in said if w.startswith("seen, fully")] == [key]
    below = [w for w in said if w.startswith("No mask lay over ")]
    assert below == ([] if line is None else [w for w in below if f" over {line} with a number: " in w])
    assert len(below) == (line is not None)


def test_numbers_without_a_mask_are_joined_and_full():
    """It may be so of every look that there is: the line goes on, and the key says what it is worth."""
    figure = series_figure([row(0, 5, reasons=("no_mask",)), row(4, 6, reasons=("no_mask",))], title="base")
    assert joins(figure) == [(0, 4)]
    assert all(line.get_markerfacecolor() != "white" for line in artists(figure, "seen"))


def test_a_change_of_weights_looks_unlike_a_look_without_a_number():
    figure = series_figure([row(0, 5), row(5, None), row(10, 6, model="second")], title="base")
    [gap], [change] = artists(figure, "gap"), artists(figure, "model change")
    assert (gap.get_linestyle(), change.get_linestyle()) == (":", "-")
    assert change.get_linewidth() > 2 * gap.get_linewidth()


def test_a_class_with_only_zeros_has_a_low_panel():
    zeros = [row(n, 0, name="helicopter", interval=(0, 0, 2)) for n in range(5)]
    figure = series_figure([*zeros, *(row(n, 5) for n in range(5))], title="base")
    heights = {axes.get_ylabel(): axes.get_position().height for axes in figure.axes if axes.get_ylabel()}
    assert heights["helicopters"] < heights["planes"] / 2
    assert [y for _, y in positions(figure, "seen")].count(0) == 5
    assert words(figure).count("0") == 5


def test_words_too_long_for_either_side_of_a_wide_band_stay_in_the_picture():
    rows = [row(n, seen) for n, seen in enumerate(DROP[:10])] + [row(60, 3), row(61, 3), row(62, 3)]
    figure = series_figure(rows, title="base", alarms=standing(find_changes(rows)))
    figure.draw_without_rendering()
    [said] = [t for axes in figure.axes for t in axes.texts if t.get_text().startswith("fell")]
    assert said.get_window_extent().x0 >= figure.bbox.x0
    assert said.get_window_extent().x1 <= figure.bbox.x1


def test_alarms_of_other_zones_and_classes_are_not_drawn():
    rows, alarms = alarmed(zone="north")
    _, ships = alarmed(name="ship")
    figure = series_figure([*rows, *(row(n, 5) for n in range(3))], title="base", alarms=[*alarms, *ships])
    assert not any(patch.get_gid() == "alarm" for axes in figure.axes for patch in axes.patches)


@pytest.mark.parametrize("looks", [3, 30])
def test_all_words_lie_within_the_picture_and_none_on_another(looks):
    rows, alarms = alarmed(reasons=("no_mask",))
    wide = [row(60 + 3 * n, n, interval=(n, n + 2, n + 6), model=f"m{n // 12}") for n in range(looks)]
    others = [partial(200, 1, 0.3), row(204, 50, status=Status.SATURATED), row(208, None)]
    figure = series_figure([*rows, *wide, *others], title="base", alarms=alarms)
    figure.draw_without_rendering()
    edge = figure.bbox
    texts = [t for axes in figure.axes for t in axes.texts] + list(figure.texts)
    boxes = [t.get_window_extent() for t in texts] + [legend.get_window_extent() for legend in figure.legends]
    assert all(b.x0 >= edge.x0 - 1 and b.x1 <= edge.x1 + 1 and b.y0 >= edge.y0 - 1 for b in boxes)
    assert not any(one.padded(-1).overlaps(two.padded(-1)) for one, two in combinations(boxes, 2))


def test_no_label_slips_under_the_strip():
    wide = [row(n, 0, interval=(0, 0, 2), status=Status.PARTIAL if n % 2 else None) for n in range(8)]
    figure = series_figure(wide, title="base")
    figure.draw_without_rendering()
    panel = figure.axes[0]
    assert all(text.get_window_extent().y0 >= panel.bbox.y0 - 1 for text in panel.texts)


def test_an_interval_is_a_bar_from_low_to_high():
    figure = series_figure([row(0, 5, interval=(5.0, 6.2, 9.0)), row(4, 5)], title="base")
    bars = artists(figure, "interval")
    assert [list(bar.get_ydata()) for bar in bars] == [[5.0, 9.0]]
    assert "was there, 90 %" in words(figure)


def test_there_is_a_panel_for_each_class_with_a_number():
    rows = [row(0, 5), row(0, None, name="helicopter"), row(0, 2, name="ship")]
    labels = [axes.get_ylabel() for axes in series_figure(rows, title="base").axes if axes.get_ylabel()]
    assert labels == ["planes", "ships"]


def test_other_zones_stay_out():
    figure = series_figure([row(0, 5), row(1, 3, zone="north")], title="base", zone="north")
    assert positions(figure, "seen") == [(1, 3)]


def test_without_any_number_the_chart_says_so():
    figure = series_figure([row(0, None), row(3, None)], title="base")
    assert positions(figure, "seen") == []
    assert "no look gave a number" in words(figure)
    assert all(len(axes.get_yticks()) == 0 for axes in figure.axes if axes.get_ylabel())


def test_synthetic_pictures_are_called_so():
    assert not any("SYNTHETIC" in w for w in words(series_figure([row(0, 5)], title="base")))
    some = series_figure([row(0, 5), row(1, 6, synthetic=True)], title="base")
    assert any(w.startswith("1 of 2 looks are SYNTHETIC") for w in words(some))


def test_the_source_is_named():
    said = " ".join(words(series_figure([row(0, 5, frames=2, run_ids=(0, 1)), row(1, 6)], title="base")))
    assert "2 looks from 3 pictures" in said
    assert "weights first (firstfir)" in said
    assert "apronwatch " in said
    assert "UTC" in said


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.floats(0, 900), st.none() | st.integers(0, 500), st.sampled_from(["first", "second"])),
        max_size=12,
    )
)
def test_points_are_the_numbers_and_axes_begin_at_zero(looks):
    figure = series_figure([row(day, seen, model=model) for day, seen, model in looks], title="base")
    numbers = sorted(seen for _, seen, _ in looks if seen is not None)
    assert sorted(y for _, y in positions(figure, "seen")) == numbers
    assert len(positions(figure, "no number")) == len(looks) - len(numbers)
    panels = [axes for axes in figure.axes if axes.get_ylabel()]
    assert all(axes.get_ylim()[0] == 0 for axes in panels)
    assert all(axes.get_ylim()[1] >= max(numbers, default=0) for axes in panels)
    assert all(float(tick).is_integer() for axes in panels for tick in axes.get_yticks())


def test_many_looks_fit_and_are_not_labelled(tmp_path):
    rows = [row(3 * k, k % 40) for k in range(200)]
    out = tmp_path / "chart.png"
    draw_series(rows, out, title="base")
    with Image.open(out) as drawn:
        assert drawn.size[0] > 1200
    assert len(series_figure(rows, title="base").axes[0].texts) == 0
    assert len(series_figure(rows[:MOST_LABELLED], title="base").axes[0].texts) > 20


@pytest.mark.parametrize("title", ["$x^$", "\\frac", "مطار 中区 \x07", "a" * 500, ""])
def test_any_name_can_be_a_title(tmp_path, title):
    draw_series([row(0, 5)], tmp_path / "chart.svg", title=title)
    assert (tmp_path / "chart.svg").stat().st_size > 1000


def test_a_chart_of_another_format_is_refused(tmp_path):
    with pytest.raises(OutputInvalid, match=r"\.gif"):
        draw_series([row(0, 5)], tmp_path / "chart.gif", title="base")
    assert list(tmp_path.iterdir()) == []
