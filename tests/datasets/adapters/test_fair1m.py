"""FAIR1M: five points each, parts that number their pictures alike."""

from pathlib import Path

import pytest

from apronwatch.errors import DatasetInvalid
from apronwatch_datasets.adapters import fair1m
from apronwatch_datasets.fakes.fair1m import TURNED, write_fake
from apronwatch_datasets.source import Log
from tests.datasets.adapters.common import image_of, load_fake


def test_fake(tmp_path: Path) -> None:
    dataset = load_fake("fair1m", write_fake, tmp_path)
    first = image_of(dataset, "train/part1/0")
    assert list(map(tuple, first.objects.polygons[0].tolist())) == list(TURNED)
    assert first.objects.oriented.all()
    splits = {image.name: image.published_split for image in dataset.images}
    assert splits == {"train/part1/0": "train", "train/part2/0": "train", "validation/0": "val"}
    assert len({image.place for image in dataset.images}) == 3
    assert "helicopter" not in first.annotated


def test_another_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="labelXml"):
        list(fair1m.read(tmp_path, Log(tmp_path)))
