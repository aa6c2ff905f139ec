"""AllPlanes: key points to oriented boxes; where and when from the file name."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from apronwatch.errors import DatasetInvalid
from apronwatch_datasets.adapters import allplanes
from apronwatch_datasets.adapters.allplanes import tile_of
from apronwatch_datasets.dataset import load
from apronwatch_datasets.fakes.allplanes import FAR, FIELD, SAME_FIELD, write_fake
from apronwatch_datasets.source import Log
from tests.datasets.adapters.common import image_of, load_fake


def test_fake(tmp_path: Path) -> None:
    dataset = load_fake("allplanes", write_fake, tmp_path)
    field, same, far = (
        image_of(dataset, name) for name in (f"train/{FIELD}", f"val/{SAME_FIELD}", f"test/{FAR}")
    )
    box = field.objects.polygons[0]
    assert sorted(map(tuple, box.round(6).tolist())) == [(30, 20), (30, 110), (130, 20), (130, 110)]
    assert field.objects.difficult.tolist() == [False, True], "a wing tip of the second is hidden"
    assert field.place == same.place == "Field1", "areas of one airport are one place"
    assert far.place == "Other1"
    assert field.time == datetime(2023, 8, 14, tzinfo=UTC)
    assert far.published_split == "test"


def test_gsd_by_hand() -> None:
    """Zoom 0 is one tile of 256 pixels round the equator; at 60 degrees a pixel covers half of that."""
    tile = tile_of("X_bing_230814_0_0_0_1_1_0_0_256_256")
    assert tile is not None
    assert (tile.lon, tile.lat) == (0, 0)
    assert tile.gsd_m == pytest.approx(40_075_016.69 / 256)
    row = 128 - 256 * np.arctanh(np.sin(np.pi / 3)) / (2 * np.pi)
    north = tile_of(f"X_bing_230814_20_0_{round(row * 4096)}_1_1_0_0_256_256")
    assert north is not None
    assert north.lat == pytest.approx(60, abs=1e-3)
    assert north.gsd_m == pytest.approx(40_075_016.69 / 256 / 2**20 / 2, rel=1e-4)


def test_providers_agree() -> None:
    """A tile of 512 pixels at zoom 18 covers what 2 x 2 tiles of 256 pixels do at zoom 19."""
    mapbox, google = (
        tile_of("A_mapbox_210826_18_138218_84730_1_1_0_0_512_512"),
        tile_of("A_google_230224_19_276436_169460_2_2_0_0_512_512"),
    )
    assert mapbox is not None
    assert google is not None
    assert (mapbox.lon, mapbox.lat, mapbox.gsd_m) == (google.lon, google.lat, google.gsd_m)


@pytest.mark.parametrize("name", ["tile_1", "Field_bing_230814_19_134140", ""])
def test_other_names(name: str) -> None:
    assert tile_of(name) is None


def test_impossible_date() -> None:
    tile = tile_of("A_google_231332_19_276436_169460_2_2_0_0_512_512")
    assert tile is not None
    assert tile.time is None


def test_another_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid):
        list(allplanes.read(tmp_path, Log(tmp_path)))


def test_real(real_data: Path) -> None:
    root = real_data / "allplanes_examples"
    if not root.is_dir():
        pytest.skip(f"{root} does not exist")
    dataset = load(allplanes, root)
    counts = {name: fates["kept"] for name, fates in dataset.tally.items()}
    assert counts == {"K35R": 16, "A21N": 6, "A20N": 2, "B738W": 1}
    assert {image.place for image in dataset.images} == {"128th_ARW1", "Airbus_Hamburg1"}
    lengths = [
        float(np.linalg.norm(box[1] - box[0])) * image.gsd_m
        for image in dataset.images
        for box, name in zip(image.objects.polygons, image.objects.source_classes, strict=True)
        if name == "K35R" and image.gsd_m is not None
    ]
    assert len(lengths) == 16
    assert np.median(lengths) == pytest.approx(41.53, rel=0.06), "a KC-135R is 41.53 m long (USAF fact sheet)"


def test_real_places(real_data: Path) -> None:
    """GSD, date and centre as told by georeferenced copies, which were checked by overlapping pictures."""
    told = real_data / "allplanes_examples" / "georef" / "georef.json"
    if not told.is_file():
        pytest.skip(f"{told} does not exist")
    radius = 6_378_137.0
    for row in json.loads(told.read_text(encoding="utf-8")):
        tile = tile_of(row["file"])
        assert tile is not None
        assert tile.gsd_m == pytest.approx(row["gsd_m"], rel=1e-4)
        assert tile.time is not None
        assert tile.time.date().isoformat() == row["date"]
        half = 320 * row["res_m_mercator"]
        assert np.radians(tile.lon) * radius == pytest.approx(row["ulx"] + half, abs=0.01)
        assert np.arctanh(np.sin(np.radians(tile.lat))) * radius == pytest.approx(row["uly"] - half, abs=0.01)
