import json

import numpy as np
import pytest
from PIL import Image

from apronwatch.errors import OutputInvalid
from apronwatch.geometry import rotated_boxes
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.records import UNCLASSED, LabelledImage, Objects, horizontal_boxes
from apronwatch_datasets.stats import Spread, dataset_stats, longer_sides
from apronwatch_datasets.stats_chart import CLASS_STYLES, draw_stats, stats_figure

PLANE, SHIP = CLASSES.index("plane"), CLASSES.index("ship")


def labelled(name, objects, *, gsd_m=0.5, place=None, annotated=("plane",)):
    path = f"{name}.png"
    return LabelledImage(
        name, path, None, 400, 300, gsd_m, None, place or name, objects, frozenset(annotated)
    )


def planes(lengths, **told):
    boxes = rotated_boxes(100, 100, np.asarray(lengths, dtype=float), 5, 0.7)
    return Objects.of(boxes, ["plane"] * len(boxes), [PLANE] * len(boxes), **told)


@pytest.fixture
def images():
    mixed = Objects.of(
        horizontal_boxes([0, 0, 0], [0, 0, 0], [40, 60, 9], [10, 20, 9]),
        ["plane", "boat", "wagon"],
        [PLANE, SHIP, UNCLASSED],
        oriented=False,
    )
    return [
        labelled("a", planes([20, 40], difficult=[True, False]), gsd_m=0.5, place="north"),
        labelled("b", planes([30, 30, 30], ignore=[False, False, True]), gsd_m=2.0, place="north"),
        labelled("c", mixed, gsd_m=None, place="south"),
        labelled("d", Objects.empty(), place="empty", annotated=("plane", "helicopter")),
    ]


def test_what_a_dataset_holds(images):
    stats = dataset_stats("made", images)
    assert (stats.images, stats.objects, stats.gsd_range_m, stats.megapixels) == (4, 6, (0.5, 2.0), 0.48)
    assert stats.objects_of_place == {"north": 4, "south": 2, "empty": 0}
    of = {c.class_name: c for c in stats.classes}
    assert list(of) == ["plane", "helicopter", "ship", None]
    plane = of["plane"]
    assert (plane.objects, plane.difficult, plane.ignored, plane.upright) == (5, 1, 1, 1)
    assert (plane.images, plane.annotated, plane.places) == (3, 4, 2)
    assert sorted(plane.lengths_px) == pytest.approx([20, 30, 30, 40, 40])
    assert plane.size_m.number == 4
    assert np.nanmax(plane.lengths_m) == pytest.approx(60)
    assert (of["helicopter"].objects, of["helicopter"].annotated, of["helicopter"].size_px) == (0, 1, None)
    assert (of["ship"].objects, of["ship"].annotated, of["ship"].size_m) == (1, 0, None)
    assert (of[None].objects, of[None].ignored) == (0, 1)


def test_every_object_is_counted_once(images):
    stats = dataset_stats("made", images)
    written = sum(len(image.objects) for image in images)
    assert sum(c.objects + c.ignored for c in stats.classes) == written
    assert sum(stats.objects_of_place.values()) == stats.objects


def test_an_image_read_only_once_is_enough(images):
    assert dataset_stats("made", iter(images)).to_dict() == dataset_stats("made", images).to_dict()


def test_it_is_written_as_json(images):
    told = json.loads(json.dumps(dataset_stats("made", images).to_dict(), allow_nan=False))
    assert told["images_with_gsd"] == 3
    assert told["classes"][0]["length_px"]["median"] == pytest.approx(30)
    assert told["classes"][2]["length_m"] is None


def test_spread_is_of_what_is_known():
    spread = Spread.of([*range(101), np.nan])
    assert (spread.low, spread.median, spread.high, spread.number) == pytest.approx((5, 50, 95, 101))
    assert Spread.of([np.nan]) is None


def test_the_longer_side_does_not_depend_on_where_the_corners_begin():
    box = rotated_boxes(3, 4, 12, 5, 1.1)[0]
    assert longer_sides(np.stack([np.roll(box, k, axis=0) for k in range(4)])) == pytest.approx([12] * 4)


def test_the_picture_says_what_it_holds(images):
    figure = stats_figure([dataset_stats("made of $x$", images)])
    said = " ".join(text.get_text() for text in figure.findobj(match=lambda a: hasattr(a, "get_text")))
    assert "made of $x$" in said
    for words in (
        "planes: median 30 px",
        "1 difficult",
        "2 of unknown size left out",
        "not known for 1 image",
    ):
        assert words in said
    assert "3 places, 1 without objects" in said
    for axes in figure.axes:
        assert axes.get_title(loc="left")
        assert axes.get_xlabel()


def test_bars_and_lines_are_as_long_as_the_numbers(images):
    classes, metres = stats_figure([dataset_stats("made", images)]).axes[:2]
    drawn = {round(bar.get_y() + bar.get_height() / 2): 0.0 for bar in classes.patches}
    for bar in classes.patches:
        drawn[round(bar.get_y() + bar.get_height() / 2)] += bar.get_width()
    assert drawn == {0: 6, 4: 1, 5: 1}
    assert [stairs.get_data().values.sum() for stairs in metres.patches] == pytest.approx([100])


def test_it_is_drawn_for_none_and_for_many(images, tmp_path):
    nothing = dataset_stats("nothing", [])
    many = [dataset_stats(f"set {k}", images) for k in range(17)]
    for stats in ([nothing], many):
        draw_stats(stats, tmp_path / "stats.png")
        with Image.open(tmp_path / "stats.png") as picture:
            assert picture.size == (1950, 1170)
    with pytest.raises(OutputInvalid):
        draw_stats([nothing], tmp_path / "no folder" / "stats.png")


def test_each_class_has_a_colour_and_a_dash_of_its_own():
    assert set(CLASS_STYLES) == set(CLASSES)
    for kind in ("color", "ls"):
        assert len({str(style[kind]) for style in CLASS_STYLES.values()}) == len(CLASSES)
