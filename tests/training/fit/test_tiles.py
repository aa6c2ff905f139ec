"""What becomes of masks and labels on their way through the augmentations."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apronwatch.engines.torch import import_ultralytics
from apronwatch.errors import TilesInvalid
from tests.extras import need

need("ultralytics", "train")
import_ultralytics()

from apronwatch.taxonomy import CLASSES  # noqa: E402
from apronwatch_training.fit.config import Augment, read_config  # noqa: E402
from apronwatch_training.fit.look import EACH, _dataset, _seed, _transforms, augment_look  # noqa: E402
from apronwatch_training.fit.loss import MASK  # noqa: E402
from apronwatch_training.fit.regions import EVERYTHING, code_of  # noqa: E402
from tests.training.tiles import write_config, write_tiles  # noqa: E402

SHIP, ALL = code_of(["ship"]), code_of(CLASSES)
NOTHING = Augment(**dict.fromkeys(EACH, 0.0), turn_deg=0.0, zoom=(1.0, 1.0), shift=0.0)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("tiles")
    return read_config(write_config(root / "a.toml", write_tiles(root / "set"), root / "run"))


@pytest.fixture(scope="module")
def dataset(run: Any) -> Any:
    return _dataset(run)


def sample(dataset: Any, run: Any, index: int = 0, **augment: Any) -> dict[str, Any]:
    transforms = _transforms(dataset, run.model_copy(update={"augment": NOTHING.model_copy(update=augment)}))
    _seed(index)
    made: dict[str, Any] = transforms(dataset.get_image_and_label(index))
    return made


def test_as_it_is_the_mask_is_the_sidecar(dataset: Any, run: Any) -> None:
    mask = sample(dataset, run)[MASK].numpy()
    assert mask.shape == (96, 96)
    assert mask[0, 0] == ALL
    assert mask[50, 50] == SHIP
    assert set(np.unique(mask)) == {SHIP, ALL}


def test_a_mirrored_mask_lies_on_the_mirrored_picture(dataset: Any, run: Any) -> None:
    mask = sample(dataset, run, flip=1.0)[MASK].numpy()
    assert mask[95, 95] == ALL
    assert mask[0, 0] == SHIP


def test_beyond_a_shrunken_or_turned_tile_nothing_is_known(dataset: Any, run: Any) -> None:
    shrunk = sample(dataset, run, zoom=(0.5, 0.5))[MASK].numpy()
    assert (shrunk == EVERYTHING).mean() == pytest.approx(0.75, abs=0.03)
    turned = sample(dataset, run, turn_deg=45.0)[MASK].numpy()
    assert set(np.unique(turned)) == {SHIP, ALL, EVERYTHING}


def test_a_mosaic_keeps_each_tiles_own(dataset: Any, run: Any) -> None:
    found = [sample(dataset, run, k, mosaic=1.0)[MASK].numpy() for k in range(6)]
    codes = set(np.unique(np.stack(found)))
    assert {SHIP, ALL} <= codes <= {SHIP, ALL, EVERYTHING}


def test_upright_labels_are_told_apart_and_turned_without_growing(dataset: Any, run: Any) -> None:
    for k in range(8):
        plain, turned = sample(dataset, run, k), sample(dataset, run, k, turn_deg=180.0)
        coded = plain["cls"].flatten().numpy()
        oriented = dataset.labels[k]["sidecar"].oriented
        assert ((coded < len(CLASSES)) == oriented).all()
        assert set(np.unique(coded % len(CLASSES))) <= {0, 2}
        areas = [np.sort((s["bboxes"][:, 2] * s["bboxes"][:, 3]).numpy()) for s in (plain, turned)]
        if len(areas[0]) == len(areas[1]):
            assert areas[1] == pytest.approx(areas[0], rel=0.15)


def test_what_a_cloud_hides_is_not_asked_for(dataset: Any, run: Any) -> None:
    labels = asked = 0
    for k in range(12):
        clear, cloudy = sample(dataset, run, k), sample(dataset, run, k, clouds=1.0)
        hidden = (cloudy[MASK] == EVERYTHING).numpy()
        labels, asked = labels + len(clear["cls"]), asked + len(cloudy["cls"])
        assert hidden.any()
        for x, y, *_ in cloudy["bboxes"].tolist():
            inside = hidden[int(y * 96) - 2 : int(y * 96) + 3, int(x * 96) - 2 : int(x * 96) + 3]
            assert not inside.all()
    assert 0 < asked < labels


def test_the_sheet_shows_a_column_for_each(run: Any, tmp_path: Path) -> None:
    from PIL import Image

    augment_look(run, tmp_path / "sheet.png", samples=2, cell_px=64)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size[0] == 6 + (len(EACH) + 5) * 70


def test_tiles_that_ultralytics_would_leave_out_stop_the_run(tmp_path: Path) -> None:
    root = write_tiles(tmp_path / "set")
    config = read_config(write_config(tmp_path / "a.toml", root, tmp_path / "run"))
    labels = root / "labels" / "train" / "tile3.txt"
    labels.write_text(labels.read_text().replace("0.", "3.", 1))
    with pytest.raises(TilesInvalid, match=r"tile3\.png: a picture or its labels cannot be read"):
        _dataset(config)
