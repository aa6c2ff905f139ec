"""Everything that can be known to go wrong with a run, found before it starts."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from apronwatch.errors import CallInvalid, DeviceUnavailable, TilesInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_training.fit.config import FitConfig
from apronwatch_training.fit.regions import TileSidecar
from apronwatch_training.fit.shares import chosen_tiles, pictures
from apronwatch_training.fit.tiles import sidecar_path

CHECKPOINT_BYTES = {"n": 6e7, "s": 2.2e8, "m": 4.5e8, "l": 5.5e8, "x": 1.2e9}
"""Disk that the checkpoints of a run take, by size of the model: the trained weights, their average, the optimizer's
two moments, each twice while being replaced."""


@dataclass(frozen=True)
class Tiles:
    """What was found: numbers of tiles and labels per split."""

    training: int
    labels: int
    validation: int


def check(config: FitConfig, device: str) -> Tiles:
    """Check data, classes, weights, disk and device.

    Raises:
        TilesInvalid: the tiles' folder is not whole, or its classes are not ours.
        CallInvalid: the weights are missing, or the disk is too full.
        DeviceUnavailable: a GPU was asked for that is not there, or a precision that the device does not have.
    """
    tiles = check_tiles(config.data.tiles, config.data.shares)
    weights = config.start.weights
    if weights is not None and not weights.is_file():
        raise CallInvalid(f"{weights}: no such weights; give a .pt file, or leave start.weights out")
    _check_disk(config)
    _check_device(device, config.schedule.precision)
    if config.schedule.batch > tiles.training:
        raise CallInvalid(
            f"batch {config.schedule.batch} for {tiles.training} training tiles; give a smaller schedule.batch"
        )
    return tiles


def check_tiles(folder: Path, shares: Mapping[str, float] | None = None) -> Tiles:
    """What a folder of tiles holds, or what of it is used (`shares.chosen_tiles`).

    Raises:
        TilesInvalid: it is not whole, or its classes are not ours.
    """
    described = folder / "data.yaml"
    if not described.is_file():
        raise TilesInvalid(f"{folder}: no data.yaml; give a folder that `apronwatch data prepare` wrote")
    content = yaml.safe_load(described.read_text(encoding="utf-8"))
    names = content.get("names") if isinstance(content, dict) else None
    given = list(names.values()) if isinstance(names, dict) else list(names or [])
    if given != list(CLASSES):
        raise TilesInvalid(
            f"{described}: classes {', '.join(map(str, given))}; expected {', '.join(CLASSES)}"
        )
    training = chosen_tiles(folder, shares or {})
    if not training:
        raise TilesInvalid(f"{folder}: no training tile; prepare some with `apronwatch data prepare`")
    labels = sum(_labels(image) for image in training)
    if not labels:
        raise TilesInvalid(f"{folder}: {len(training)} training tiles without a single label")
    return Tiles(len(training), labels, len(pictures(folder, "val")))


def _labels(image: Path) -> int:
    return len(TileSidecar.read(sidecar_path(image)).oriented)


def _check_disk(config: FitConfig) -> None:
    needed = CHECKPOINT_BYTES[config.start.model.removesuffix("-obb")[-1]]
    folder = config.run.out
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise CallInvalid(
            f"{config.run.out}: {free / 1e6:.0f} MB free, the checkpoints need {needed / 1e6:.0f} MB; free some, or "
            "give another run.out"
        )


def _check_device(device: str, precision: str) -> None:
    import torch

    if device == "cpu":
        if precision == "fp16" or (precision == "bf16" and not torch.ops.mkldnn._is_mkldnn_bf16_supported()):
            raise DeviceUnavailable(f"precision {precision} on this CPU; set schedule.precision to fp32")
        return
    count = torch.cuda.device_count()
    asked = [int(part) for part in device.split(",")] if device.replace(",", "").isdigit() else None
    if asked is None or max(asked) >= count:
        raise DeviceUnavailable(
            f"device {device}: torch sees {count} GPU{'s' * (count != 1)}; give --device cpu or numbers below {count}"
        )


def default_device() -> str:
    """Every GPU there is, else `cpu`."""
    import torch

    return ",".join(map(str, range(torch.cuda.device_count()))) or "cpu"
