from collections import Counter

import numpy as np
import pytest
from PIL import Image

from apronwatch.errors import CallInvalid, OutputInvalid
from apronwatch.geometry import rotated_boxes
from apronwatch.report.canvas import CLASS_COLOURS
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.look import GREY, contact_sheet, draw_boxes, draw_cell
from apronwatch_datasets.look_sampling import LEAST_PX, Cell, choose_cells
from apronwatch_datasets.records import UNCLASSED, LabelledImage, Objects, horizontal_boxes

PLANE, SHIP = CLASSES.index("plane"), CLASSES.index("ship")
SQUARE = horizontal_boxes([10], [10], [50], [50])


def image_of(folder, name, objects, *, size=(240, 160), place=None, gsd_m=0.5):
    path = folder / f"{name}.png"
    rng = np.random.default_rng(len(name))
    Image.fromarray(rng.integers(90, 110, (size[1], size[0], 3), dtype=np.uint8)).save(path)
    return LabelledImage(name, path, None, *size, gsd_m, None, place or name, objects, frozenset(CLASSES))


def objects_of(class_index, centres, **told):
    boxes = rotated_boxes(*np.array(centres, dtype=float).T, 24, 12, 0.5)
    return Objects.of(boxes, ["x"] * len(boxes), [class_index] * len(boxes), **told)


@pytest.fixture
def datasets(tmp_path):
    dense = objects_of(PLANE, [(x, y) for x in range(20, 220, 30) for y in range(20, 150, 25)])
    wagons = objects_of(UNCLASSED, [(40, 40), (90, 90)])
    return {
        "one": [
            image_of(tmp_path, "dense", dense),
            image_of(tmp_path, "empty", Objects.empty()),
            image_of(tmp_path, "rare", objects_of(SHIP, [(5, 5)])),
        ],
        "two": [
            image_of(tmp_path, "hard", objects_of(PLANE, [(60, 60)], difficult=True), gsd_m=None),
            image_of(tmp_path, "wagons", wagons),
        ],
    }


def shown(cells):
    return Counter((cell.image.name, cell.whole) for cell in cells)


def test_every_class_the_difficult_the_ignored_the_dense_and_the_empty_are_shown(datasets):
    for seed in range(5):
        crops = {name for name, whole in shown(choose_cells(datasets, cells=9, seed=seed)) if not whole}
        assert crops >= {"dense", "rare", "hard", "wagons"}
        whole = [cell.image.name for cell in choose_cells(datasets, cells=9, seed=seed) if cell.whole]
        assert whole[:2] == ["dense", "empty"]


def test_a_seed_is_a_choice(datasets):
    def places(seed):
        return [(c.image.name, c.left, c.top, c.side) for c in choose_cells(datasets, cells=12, seed=seed)]

    assert places(3) == places(3)
    assert places(3) != places(4)


def test_no_more_cells_than_asked_for_and_no_object_twice(datasets):
    for cells in (1, 2, 7, 200):
        chosen = choose_cells(datasets, cells=cells, seed=0)
        assert len(chosen) <= cells
        assert max(shown(c for c in chosen if c.whole).values(), default=1) == 1
    objects = sum(len(image.objects) for images in datasets.values() for image in images)
    assert Counter(c.whole for c in choose_cells(datasets, cells=200, seed=0)) == {False: objects, True: 5}


def test_places_take_turns(tmp_path):
    many = objects_of(PLANE, [(x, 80) for x in range(20, 220, 20)])
    images = [image_of(tmp_path, f"at {k}", many, place=f"place {k}") for k in range(4)]
    crops = [c for c in choose_cells({"one": images}, cells=12, seed=0) if not c.whole]
    assert set(Counter(c.image.place for c in crops).values()) == {2}


def test_only_the_classes_asked_for_are_cropped(datasets):
    crops = [c for c in choose_cells(datasets, cells=6, seed=0, classes=["ship"]) if not c.whole]
    assert {c.image.name for c in crops} == {"rare"}
    with pytest.raises(CallInvalid, match="no object of helicopter among 5 images"):
        choose_cells(datasets, cells=6, seed=0, classes=["helicopter"])
    with pytest.raises(CallInvalid, match="no labelled image"):
        choose_cells({"one": []}, cells=6, seed=0)


def test_a_crop_lies_in_its_image_and_holds_its_object(datasets):
    for cell in choose_cells(datasets, cells=60, seed=0):
        if not cell.whole:
            assert cell.side >= LEAST_PX
            assert cell.left >= 0
            assert cell.left + cell.side <= cell.image.width
            assert cell.top + cell.side <= cell.image.height
    rare = next(c for c in choose_cells(datasets, cells=6, seed=0, classes=["ship"]) if not c.whole)
    assert (rare.left, rare.top) == (0, 0)


def colours(class_index=PLANE, **told):
    picture = np.full((60, 60, 3), 100, dtype=np.uint8)
    draw_boxes(picture, Objects.of(SQUARE, ["x"], [class_index], **told), 2)
    return picture


def share(picture, colour):
    """Of the outline's upper side, along its middle."""
    return (np.abs(picture[10, 14:47].astype(int) - colour).max(axis=-1) < 60).mean()


def test_how_boxes_are_drawn():
    kept, hard, ignored = colours(SHIP), colours(SHIP, difficult=True), colours(UNCLASSED)
    yellow = CLASS_COLOURS["ship"]
    assert share(kept, yellow) == 1
    assert 0.3 < share(hard, yellow) < 0.9
    assert share(ignored, yellow) == 0
    assert share(ignored, GREY) == 1
    inside = np.s_[15:45, 15:45]
    assert (kept[inside] == 100).all()
    assert (hard[inside] == 100).all()
    striped, untouched = ((ignored[inside] == value).all(axis=-1).mean() for value in (GREY, 100))
    assert 0.15 < striped < 0.5
    assert untouched > 0.5


@pytest.mark.parametrize("difficult", [False, True])
def test_no_side_of_a_box_is_marked(difficult):
    drawn = np.abs(colours(PLANE, difficult=difficult).astype(int) - CLASS_COLOURS["plane"]).max(axis=-1) < 60
    sides = [np.rot90(drawn, turn)[5:16, 16:45].sum() for turn in range(4)]
    assert min(sides) > 10
    assert max(sides) < 1.35 * min(sides)


def test_the_box_lies_on_its_object(tmp_path):
    """A white block in the picture and the box of its label coincide, in a crop, enlarged, and in the whole image."""
    path = tmp_path / "block.png"
    pixels = np.full((200, 320, 3), 60, dtype=np.uint8)
    pixels[90:130, 200:260] = 255
    Image.fromarray(pixels).save(path)
    box = horizontal_boxes([200], [90], [260], [130])
    image = LabelledImage(
        "block", path, None, 320, 200, 0.5, None, "p", Objects.of(box, ["x"], [SHIP]), frozenset(CLASSES)
    )
    for left, top, side in ((180, 60, 100), (0, -60, 320), (230, 110, 400)):
        size = 300
        picture = draw_cell(Cell("one", image, left, top, side, whole=False), size).astype(int)
        yellow = np.abs(picture - CLASS_COLOURS["ship"]).max(axis=-1) < 60
        rows, columns = np.nonzero(yellow)
        scale = size / side
        expected = (np.array([200, 90, 260, 130]) - [left, top, left, top]) * scale
        found = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        for edge, drawn in zip(expected, found, strict=True):
            if 4 < edge < size - 4:
                assert drawn == pytest.approx(edge, abs=2.5)
        white = picture.min(axis=-1) > 250
        middle = np.clip((np.array([230, 110]) - [left, top]) * scale + 4, 0, size - 1).astype(int)
        assert white[middle[1], middle[0]]


def test_a_sheet_is_written_whole_and_the_same_again(datasets, tmp_path):
    for name in ("first.png", "second.png"):
        contact_sheet(datasets, tmp_path / name, cells=10, seed=2, cell_px=120)
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()
    with Image.open(tmp_path / "first.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    for name in ("plane", "ship"):
        assert (pixels == CLASS_COLOURS[name]).all(axis=-1).sum() > 16 * 16
    with pytest.raises(OutputInvalid):
        contact_sheet(datasets, tmp_path / "no folder" / "sheet.png")


def test_real_images_of_two_datasets(real_data, tmp_path):
    folder = real_data / "dota_samples" / "images"
    found = sorted(folder.glob("*.png"))[:3]
    if not found:
        pytest.skip(f"real images: no PNG in {folder}")
    images = []
    for path in found:
        with Image.open(path) as picture:
            size = picture.size
        images.append(
            LabelledImage(path.stem, path, None, *size, None, None, path.stem, Objects.empty(), frozenset())
        )
    contact_sheet({"dota": images}, tmp_path / "sheet.png", cells=4, cell_px=96)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert np.asarray(sheet.convert("L"))[80:160, 20:90].std() > 5
