"""RarePlanes: diamonds to oriented boxes, through the tile's georeference."""

from pathlib import Path

import numpy as np
import pytest

from apronwatch.errors import DatasetInvalid
from apronwatch_datasets.adapters import rareplanes
from apronwatch_datasets.class_map import class_map
from apronwatch_datasets.dataset import load
from apronwatch_datasets.fakes import rareplanes_synthetic
from apronwatch_datasets.fakes.rareplanes import FIRST, LENGTH_M, OTHER, SECOND, WINGSPAN_M, write_fake
from apronwatch_datasets.source import Log
from tests.datasets.adapters.common import image_of, load_fake


def test_fake(tmp_path: Path) -> None:
    dataset = load_fake("rareplanes", write_fake, tmp_path)
    first, second, other = (
        image_of(dataset, name) for name in (f"train/{FIRST}", f"train/{SECOND}", f"test/{OTHER}")
    )
    for image in (first, second, other):
        box = image.objects.polygons[0]
        assert sorted(map(tuple, box.round(3).tolist())) == [(20, 20), (20, 100), (140, 20), (140, 100)]
    assert first.objects.difficult.tolist() == [False, True]
    assert first.objects.oriented.tolist() == [True, False], "what is left of a cut diamond has no axis"
    np.testing.assert_allclose(
        first.objects.polygons[1], [[0, 150], [40, 150], [40, 180], [0, 180]], atol=1e-3
    )
    assert first.place == second.place != other.place
    assert other.published_split == "test"


def test_length_of_the_box(tmp_path: Path) -> None:
    """Sides times GSD are the `length` and `wingspan` that the labels state."""
    dataset = load_fake("rareplanes", write_fake, tmp_path)
    first = image_of(dataset, f"train/{FIRST}")
    assert first.gsd_m is not None
    box = first.objects.polygons[0]
    assert np.linalg.norm(box[1] - box[0]) * first.gsd_m == pytest.approx(LENGTH_M, rel=2e-3)
    assert np.linalg.norm(box[2] - box[1]) * first.gsd_m == pytest.approx(WINGSPAN_M, rel=2e-3)


def test_every_role_is_mapped() -> None:
    assert set(rareplanes.ROLES) <= set(class_map("rareplanes").targets)


def test_synthetic(tmp_path: Path) -> None:
    dataset = load_fake("rareplanes", rareplanes_synthetic.write_fake, tmp_path)
    image = image_of(dataset, f"train/{rareplanes_synthetic.NAME}")
    box = image.objects.polygons[0]
    assert sorted(map(tuple, box.round(3).tolist())) == [(20, 20), (20, 100), (140, 20), (140, 100)]
    assert image.objects.ignore.tolist() == [False, False, True], "an aircraft that no one sees"
    assert image.gsd_m == pytest.approx(rareplanes_synthetic.GSD_M, rel=1e-3)
    assert {image.place for image in dataset.images} == {"synthetic Adelaide_Airport"}
    assert image.time is None


def test_real_and_synthetic(tmp_path: Path) -> None:
    """The bucket as it is, and its parts alone."""
    real = write_fake(tmp_path / "real")
    made = rareplanes_synthetic.write_fake(tmp_path)
    for root, images in (("", real.images + made.images), ("real", real.images), ("synthetic", made.images)):
        assert len(load(rareplanes, tmp_path / root).images) == images


def test_another_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid):
        list(rareplanes.read(tmp_path, Log(tmp_path)))
