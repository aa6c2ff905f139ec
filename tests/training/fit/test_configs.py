"""The runs that training/configs describes: each reads, and each of those for other machines runs through in small."""

from pathlib import Path

import pytest

from apronwatch.engines.torch import import_ultralytics
from tests.extras import need
from tests.training.tiles import write_tiles

need("ultralytics", "train")
torch, _ = import_ultralytics()

from apronwatch_training.fit.config import FitConfig, read_config  # noqa: E402
from apronwatch_training.fit.preflight import check  # noqa: E402
from apronwatch_training.fit.run import fit  # noqa: E402

CONFIGS = Path(__file__).parents[3] / "training" / "configs"
SMALL = {"epochs": 1, "batch": 4, "tile_px": 64, "close_mosaic_epochs": 0}


def small(config: FitConfig, tiles: Path, out: Path) -> FitConfig:
    """The same run for one epoch on tiny tiles; in 32 bits where this CPU has no bf16."""
    schedule = dict(SMALL)
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        schedule["precision"] = "fp32"
    told = config.model_dump()
    told["data"] |= {"tiles": tiles, "shares": {}}
    told["schedule"] |= schedule
    told["run"]["out"] = out
    return FitConfig.model_validate(told)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_config_reads(path: Path) -> None:
    config = read_config(path)
    assert config.run.out.parent == config.data.tiles.parent


@pytest.mark.parametrize("name", ["bundled-gpu", "dota-xview", "own-site"])
def test_an_epoch_of_it_runs_through(name: str, tmp_path: Path) -> None:
    tiles = write_tiles(tmp_path / "tiles", side_px=64, training=8)
    config = small(read_config(CONFIGS / f"{name}.toml"), tiles, tmp_path / "run")
    losses = {}
    checked = check(config, "cpu")
    fitted = fit(config, "cpu", told=lambda epoch: losses.update(epoch.losses), threads=1)
    assert (checked.carried is None) == (config.start.weights is None)
    assert losses
    assert all(0 <= loss < 1e4 for loss in losses.values())
    content = torch.load(fitted.weights, map_location="cpu", weights_only=False)
    assert all(torch.isfinite(value).all() for value in content["model"].state_dict().values())
