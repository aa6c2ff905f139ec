"""The Airbus sample: CSV with the text of corners, doubled boxes, sites."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from apronwatch.errors import DatasetInvalid
from apronwatch_datasets.adapters import adapter, airbus_aircraft
from apronwatch_datasets.checking import Check
from apronwatch_datasets.class_map import class_map
from apronwatch_datasets.dataset import load
from apronwatch_datasets.fakes.airbus_aircraft import write_fake
from apronwatch_datasets.faults import FaultKind
from apronwatch_datasets.source import Log
from tests.datasets.adapters.common import image_of, load_fake


def test_fake(tmp_path: Path) -> None:
    dataset = load_fake("airbus-aircraft", write_fake, tmp_path)
    north, south = image_of(dataset, "north"), image_of(dataset, "south")
    assert north.objects.polygons[0].tolist() == [[10, 20], [50, 20], [50, 60], [10, 60]]
    assert len(north.objects) == 2, "the double goes, the neighbour stays"
    assert not north.objects.oriented.any()
    assert north.gsd_m == 0.5
    assert north.time is None
    assert north.place == south.place == "field"
    assert south.objects.source_classes.tolist() == ["Truncated_airplane"]
    assert south.objects.difficult.tolist() == [True]
    np.testing.assert_allclose(south.objects.polygons[0].max(axis=0), [128, 128], atol=1e-9)
    bare = [fault.file for fault in dataset.faults if fault.kind is FaultKind.MISSING_LABELS]
    assert bare == ["images/bare.jpg", "images/extra.jpg"]


def test_rows_of_an_image_told_to_be_unlabelled_are_counted(tmp_path: Path) -> None:
    write_fake(tmp_path)
    table = tmp_path / "sites.csv"
    table.write_text(table.read_text().replace("south.jpg,field,True", "south.jpg,field,False"))
    dataset = load(adapter("airbus-aircraft"), tmp_path)
    assert [image.name for image in dataset.images] == ["north"]
    (told,) = (fault for fault in dataset.faults if fault.file == "images/south.jpg")
    assert (told.kind, told.objects) == (FaultKind.MISSING_LABELS, 2)
    assert {name: fates.total() for name, fates in dataset.tally.items()} == {
        "Airplane": 7,
        "Truncated_airplane": 1,
    }


def test_places_without_sites(tmp_path: Path) -> None:
    write_fake(tmp_path)
    (tmp_path / "sites.csv").unlink()
    log = Log(tmp_path)
    places = {source.name: source.place for source in airbus_aircraft.read(tmp_path, log)}
    assert places["north"] == "north"
    assert places["south"] == "south"


def test_geometry_is_never_run(tmp_path: Path) -> None:
    """The text is read as a literal: a call in it is a bad line."""
    write_fake(tmp_path)
    table = tmp_path / "annotations.csv"
    trace = tmp_path / "run"
    with table.open("a", encoding="utf-8") as file:
        file.write(f"99,north.jpg,\"__import__('pathlib').Path('{trace}').touch()\",Airplane\n")
    log = Log(tmp_path)
    list(airbus_aircraft.read(tmp_path, log))
    assert log.lost == Counter(Airplane=2)
    assert not trace.exists()


def test_a_row_cut_short(tmp_path: Path) -> None:
    write_fake(tmp_path)
    with (tmp_path / "annotations.csv").open("a", encoding="utf-8") as file:
        file.write("99,north.jpg\n")
    log = Log(tmp_path)
    list(airbus_aircraft.read(tmp_path, log))
    assert log.lost == Counter({"Airplane": 1, "?": 1})


@pytest.mark.parametrize("damage", ["nothing", "no table", "columns", "no text"])
def test_another_folder(tmp_path: Path, damage: str) -> None:
    if damage != "nothing":
        (tmp_path / "images").mkdir()
    if damage == "columns":
        (tmp_path / "annotations.csv").write_text("a,b\n1,2\n")
    if damage == "no text":
        (tmp_path / "annotations.csv").write_bytes(b"image_id,geometry,class\n\xff\xfe\n")
    with pytest.raises(DatasetInvalid):
        list(airbus_aircraft.read(tmp_path, Log(tmp_path)))


def test_real(real_data: Path) -> None:
    """Each aircraft once, as counted when the sample was collected. The pictures, all of 2560 pixels, stay closed."""
    root = real_data / "airbus_aircraft_sample"
    if not root.is_dir():
        pytest.skip(f"{root} does not exist")
    log = Log(root)
    sources = list(airbus_aircraft.read(root, log))
    assert len(sources) == 92
    assert [fault.kind for fault in log.faults] == [FaultKind.MISSING_LABELS] * 5
    assert len({source.place for source in sources}) == 21
    fates: Counter[tuple[str, str]] = Counter()
    classes = class_map("airbus-aircraft")
    for source in sources:
        labels = source.labels or root
        checked = Check(source.objects, (2560, 2560), labels, 0.5, classes, airbus_aircraft.CARD, log).run()
        for name, counts in checked.fates.items():
            fates += Counter({(name, fate): n for fate, n in counts.items()})
    assert fates[("Airplane", "kept")] == 2748
    assert fates[("Truncated_airplane", "kept")] == 98
    assert fates.total() == sum(len(source.objects) for source in sources)
    assert fates[("Airplane", "dropped")] + fates[("Truncated_airplane", "dropped")] == 137


@pytest.mark.parametrize("corner", ["1" + "0" * 400, "1e999"])
def test_corners_beyond_reading(tmp_path: Path, corner: str) -> None:
    write_fake(tmp_path)
    with (tmp_path / "annotations.csv").open("a", encoding="utf-8") as file:
        file.write(f'99,../north.jpg,"[(1, 2), ({corner}, 4)]",Airplane\n')
    log = Log(tmp_path)
    sources = list(airbus_aircraft.read(tmp_path, log))
    assert log.lost == Counter(Airplane=2)
    assert len({source.name for source in sources}) == len(sources), (
        "a path out of the folder is no other image"
    )
