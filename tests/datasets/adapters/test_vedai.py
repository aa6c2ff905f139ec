"""VEDAI: fourteen numbers a line, all x before all y."""

from pathlib import Path

import pytest

from apronwatch.errors import DatasetInvalid
from apronwatch_datasets.adapters import vedai
from apronwatch_datasets.class_map import class_map
from apronwatch_datasets.fakes.vedai import write_fake
from apronwatch_datasets.source import Log
from tests.datasets.adapters.common import image_of, load_fake


def test_fake(tmp_path: Path) -> None:
    dataset = load_fake("vedai", write_fake, tmp_path)
    first, second = image_of(dataset, "00000001"), image_of(dataset, "00000002")
    assert first.objects.polygons[0].tolist() == [[40, 50], [64, 68], [60, 70], [36, 52]]
    assert first.objects.source_classes.tolist() == ["car", "tractor", "motorcycle"]
    assert first.objects.difficult.tolist() == [False, True, False], "the tractor is hidden in part"
    assert first.objects.ignore.tolist() == [False, False, True]
    assert second.objects.difficult.tolist() == [True, False, False], "the camping car is cut by the edge"
    assert (first.gsd_m, first.place) == (0.25, "00000001")
    assert "helicopter" not in first.annotated


def test_every_class_is_mapped() -> None:
    assert set(vedai.CLASS_NAMES.values()) == set(class_map("vedai").targets)


def test_finer_pictures_first(tmp_path: Path) -> None:
    write_fake(tmp_path)
    for name in ("Vehicules512", "Annotations512"):
        (tmp_path / name).rename(tmp_path / name.replace("512", "1024"))
    assert {source.gsd_m for source in vedai.read(tmp_path, Log(tmp_path))} == {0.125}


def test_another_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="Annotations1024 nor Annotations512"):
        list(vedai.read(tmp_path, Log(tmp_path)))


@pytest.mark.parametrize(("written", "name"), [("1.7", "1.7"), ("1", "car"), ("1.0", "car"), ("nan", None)])
def test_a_class_is_a_whole_number(tmp_path: Path, written: str, name: str | None) -> None:
    write_fake(tmp_path)
    row = f"50 60 0.6435 {written} 1 0 40.0 64.0 60.0 36.0 50.0 68.0 70.0 52.0\n"
    (tmp_path / "Annotations512" / "00000001.txt").write_text(row)
    log = Log(tmp_path)
    source = next(iter(vedai.read(tmp_path, log)))
    assert source.objects.names.tolist() == ([] if name is None else [name])
    assert dict(log.lost) == ({"?": 1} if name is None else {})
