"""HRSC2016: centre, sides and angle in radians."""

from math import cos, sin
from pathlib import Path

import numpy as np
import pytest

from apronwatch.errors import DatasetInvalid
from apronwatch_datasets.adapters import hrsc2016
from apronwatch_datasets.fakes.hrsc2016 import write_fake
from apronwatch_datasets.source import Log
from tests.datasets.adapters.common import image_of, load_fake


def test_fake(tmp_path: Path) -> None:
    dataset = load_fake("hrsc2016", write_fake, tmp_path)
    first, empty = image_of(dataset, "100000001"), image_of(dataset, "100000002")
    corners = [
        (80 + u * cos(0.5) - v * sin(0.5), 60 + u * sin(0.5) + v * cos(0.5))
        for u in (-50, 50)
        for v in (-10, 10)
    ]
    found = sorted(map(tuple, first.objects.polygons[0].tolist()))
    np.testing.assert_allclose(found, sorted(corners), atol=1e-9)
    assert first.objects.source_classes.tolist() == ["ship", "ship"]
    assert first.objects.difficult.tolist() == [False, True]
    assert len(empty.objects) == 0, "labelled, and shows no ship"
    assert (first.published_split, empty.published_split) == ("train", "test")
    assert first.annotated == {"ship"}


def test_another_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid):
        list(hrsc2016.read(tmp_path, Log(tmp_path)))
