"""xView: known faults of its GeoJSON, and images near each other."""

from pathlib import Path

import pytest

from apronwatch.errors import DatasetInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.adapters import xview
from apronwatch_datasets.class_map import class_map
from apronwatch_datasets.fakes.xview import write_fake
from apronwatch_datasets.source import Log
from tests.datasets.adapters.common import image_of, load_fake


def test_fake(tmp_path: Path) -> None:
    dataset = load_fake("xview", write_fake, tmp_path)
    first, near, far = (image_of(dataset, name) for name in ("100", "104", "2355"))
    assert first.objects.polygons[0].tolist() == [[10, 20], [60, 20], [60, 50], [10, 50]]
    assert not first.objects.oriented.any()
    assert first.objects.lines.tolist() == [1, 2, 5], (
        "artefact and building are no objects; lines count in the file"
    )
    assert first.objects.ignore.tolist() == [False, False, False]
    assert near.objects.source_classes.tolist() == ["Railway Vehicle"]
    assert near.objects.ignore.tolist() == [True]
    assert first.place == near.place == "100"
    assert far.place == "2355"
    assert first.gsd_m == pytest.approx(0.3, rel=0.01)
    assert first.annotated == set(CLASSES)


def test_every_type_is_mapped() -> None:
    """Sixty classes, and each of the map's rows but the artefacts is one of them."""
    classes = class_map("xview")
    assert len(xview._TYPES) == 60
    assert set(xview._TYPES.values()) | {"75", "82", "87"} == set(classes.targets)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"features": 3}'])
def test_another_folder(tmp_path: Path, content: str | None) -> None:
    (tmp_path / "train_images").mkdir()
    if content is not None:
        (tmp_path / "xView_train.geojson").write_text(content)
    with pytest.raises(DatasetInvalid, match="xView"):
        list(xview.read(tmp_path, Log(tmp_path)))


def test_an_image_is_sought_inside_the_dataset(tmp_path: Path) -> None:
    """Converted and prepared images are named by this: a name must not lead out of a folder."""
    write_fake(tmp_path)
    labels = tmp_path / "xView_train.geojson"
    labels.write_text(labels.read_text().replace('"100.tif"', '"../../100.tif"'))
    assert [image.name for image in xview.read(tmp_path, Log(tmp_path)) if ".." in image.name] == []
