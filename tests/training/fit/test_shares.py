"""Runs that take only a share of some datasets."""

from pathlib import Path

import pytest
import yaml

from apronwatch.errors import TilesInvalid
from apronwatch_training.fit.config import read_config
from apronwatch_training.fit.shares import chosen_tiles
from tests.extras import need
from tests.training.tiles import write_config

need("pyarrow", "datasets")
need("ultralytics", "train")

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from apronwatch_training.fit.run import write_description  # noqa: E402

NAMES = [f"many-{k}" for k in range(400)] + [f"few-{k}" for k in range(20)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images" / "train").mkdir(parents=True)
    for name in NAMES:
        (tmp_path / "images" / "train" / f"{name}.jpg").touch()
    write_manifest(tmp_path, NAMES)
    return tmp_path


def write_manifest(folder: Path, names: list[str]) -> None:
    rows = {
        "tile": [*names, "elsewhere"],
        "dataset": [*(name.partition("-")[0] for name in names), "unseen"],
        "split": ["train"] * len(names) + ["val"],
    }
    pq.write_table(pa.table(rows), folder / "manifest.parquet")


def stems(folder: Path, shares: dict[str, float]) -> set[str]:
    return {path.stem for path in chosen_tiles(folder, shares)}


def test_a_dataset_not_named_is_used_whole_and_a_share_is_about_that_share(folder: Path) -> None:
    chosen = stems(folder, {"many": 0.25})
    assert sum(name.startswith("few-") for name in chosen) == 20
    assert 70 <= sum(name.startswith("many-") for name in chosen) <= 130


def test_a_smaller_share_is_part_of_a_larger_one(folder: Path) -> None:
    assert stems(folder, {"many": 0.2}) < stems(folder, {"many": 0.6}) < stems(folder, {"many": 1.0})
    assert stems(folder, {"many": 1.0}) == stems(folder, {}) == set(NAMES)
    assert not any(name.startswith("many-") for name in stems(folder, {"many": 0.0}))


def test_a_run_is_told_the_tiles_that_were_chosen(folder: Path) -> None:
    (folder / "data.yaml").write_text("names:\n  0: plane\n")
    config = read_config(write_config(folder / "a.toml", folder, folder / "run"))
    config = config.model_copy(update={"data": config.data.model_copy(update={"shares": {"many": 0.5}})})
    (folder / "run").mkdir()
    write_description(config, "cpu")
    described = yaml.safe_load((folder / "run" / "data.yaml").read_text())
    assert Path(described["train"]).read_text().split() == [
        str(path) for path in chosen_tiles(folder, {"many": 0.5})
    ]


def test_a_dataset_that_gives_no_training_tile_is_refused(folder: Path) -> None:
    with pytest.raises(TilesInvalid, match=r"no training tile of unseen.*there are few, many"):
        chosen_tiles(folder, {"unseen": 0.5})


def test_shares_that_leave_nothing_are_refused(folder: Path) -> None:
    with pytest.raises(TilesInvalid, match="leaves none of its 420 training tiles"):
        chosen_tiles(folder, {"many": 0.0, "few": 0.0})


def test_tiles_that_the_manifest_does_not_know_are_refused(folder: Path) -> None:
    write_manifest(folder, NAMES[1:])
    with pytest.raises(TilesInvalid, match=r"lacks many-0\.jpg"):
        chosen_tiles(folder, {"many": 0.5})
    (folder / "manifest.parquet").unlink()
    with pytest.raises(TilesInvalid, match=r"no manifest\.parquet"):
        chosen_tiles(folder, {"many": 0.5})
