"""Any dataset in Pascal VOC's layout."""

from pathlib import Path

import pytest

from apronwatch.errors import DatasetInvalid
from apronwatch_datasets.adapters import voc
from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.fakes.text_files import write_lines
from apronwatch_datasets.fakes.voc import write_fake
from apronwatch_datasets.source import Log
from tests.datasets.adapters.common import image_of, load_fake


def test_fake(tmp_path: Path) -> None:
    dataset = load_fake("voc", write_fake, tmp_path)
    one, two = image_of(dataset, "one"), image_of(dataset, "two")
    assert one.objects.polygons[0].tolist() == [[10, 20], [50.5, 20], [50.5, 60], [10, 60]]
    assert one.objects.difficult.tolist() == [False, True]
    assert (one.width, one.height, two.height) == (128, 128, 160)
    assert one.annotated == two.annotated == {"plane", "ship"}
    assert (one.published_split, two.published_split) == (None, "val")


def test_another_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="Annotations"):
        list(voc.read(tmp_path, Log(tmp_path)))


def test_an_image_is_sought_inside_the_dataset(tmp_path: Path) -> None:
    paint(tmp_path / "outside.png", 128, 96)
    write_lines(
        tmp_path / "set/Annotations/one.xml",
        "<annotation><filename>../../outside.png</filename></annotation>",
    )
    (tmp_path / "set/JPEGImages").mkdir()
    (source,) = voc.read(tmp_path / "set", Log(tmp_path / "set"))
    assert source.path == tmp_path / "set/JPEGImages/outside.png"
