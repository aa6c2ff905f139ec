"""Everything that can be known to go wrong with a run, found before it starts."""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from apronwatch.errors import CallInvalid, DeviceUnavailable, TilesInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_training.fit.config import FitConfig
from apronwatch_training.fit.memory import check_memory
from apronwatch_training.fit.regions import TileSidecar
from apronwatch_training.fit.shares import chosen_tiles, pictures
from apronwatch_training.fit.tiles import sidecar_path

CHECKPOINT_BYTES = {"n": 6e7, "s": 2.2e8, "m": 4.5e8, "l": 5.5e8, "x": 1.2e9}
"""Disk that the checkpoints of a run take, by size of the model: the trained weights, their average, the optimizer's
two moments, each twice while being replaced."""

LEAST_FIT = 0.5
"""Share of the layers that weights must have in common with a model to be of its architecture: those of other classes,
or of one head, lack some; those of another size share next to none."""


@dataclass(frozen=True)
class Tiles:
    """What was found: numbers of tiles and labels per split."""

    training: int
    labels: int
    validation: int


def check(config: FitConfig, device: str) -> Tiles:
    """Check data, classes, weights, disk, device and memory.

    Raises:
        TilesInvalid: the tiles' folder is not whole, or its classes are not ours.
        CallInvalid: the weights are missing, damaged or of another architecture; the run's folder cannot be made, or is
            the tiles'; the disk is too full; or the memory does not suffice.
        DeviceUnavailable: a GPU was asked for that is not there, or a precision that the device does not have.
    """
    tiles = check_tiles(config.data.tiles, config.data.shares)
    _check_folder(config.run.out, config.data.tiles)
    _check_disk(config)
    _check_device(device, config.schedule.precision)
    model = _network(config.start.model)
    if config.start.weights is not None:
        _check_weights(config.start.weights, config.start.model, model)
    if config.schedule.batch > tiles.training:
        raise CallInvalid(
            f"batch {config.schedule.batch} for {tiles.training} training tiles; give a smaller schedule.batch"
        )
    check_memory(config, device, model)
    return tiles


def check_tiles(folder: Path, shares: Mapping[str, float] | None = None) -> Tiles:
    """What a folder of tiles holds, or what of it is used (`shares.chosen_tiles`).

    Raises:
        TilesInvalid: it is not whole, or its classes are not ours.
    """
    described = folder / "data.yaml"
    if not described.is_file():
        raise TilesInvalid(f"{folder}: no data.yaml; give a folder that `apronwatch data prepare` wrote")
    try:
        content = yaml.safe_load(described.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise TilesInvalid(f"{described}: no readable YAML ({reason}); prepare the tiles again") from error
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


def _network(architecture: str) -> Any:
    from ultralytics.nn.tasks import OBBModel

    return OBBModel(f"{architecture}.yaml", ch=3, nc=len(CLASSES), verbose=False)


def _check_weights(path: Path, architecture: str, network: Any) -> None:
    if not path.is_file():
        raise CallInvalid(f"{path}: no such weights; give a .pt file, or leave start.weights out")
    from ultralytics.nn.tasks import torch_safe_load

    try:
        checkpoint, _ = torch_safe_load(str(path))
        theirs = (checkpoint.get("ema") or checkpoint["model"]).state_dict()
    # What unpickling a damaged or foreign file raises is open-ended.
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0][:120]
        raise CallInvalid(
            f"{path}: no weights that Ultralytics can load ({type(error).__name__}: {reason}); give its .pt file of "
            f"{architecture}, or leave start.weights out"
        ) from error
    ours = network.state_dict()
    fit = sum(name in theirs and theirs[name].shape == tensor.shape for name, tensor in ours.items())
    if fit < LEAST_FIT * min(len(ours), len(theirs)):
        raise CallInvalid(
            f"{path}: {fit} of the {len(ours)} layers of {architecture} are in these weights with the same shape, "
            "so they are of another architecture; set start.model to theirs"
        )


def _check_folder(out: Path, tiles: Path) -> None:
    if out == tiles or tiles in out.parents or out in tiles.parents:
        raise CallInvalid(
            f"run.out {out} and data.tiles {tiles} lie in each other; give the run a folder of its own"
        )
    there = next(place for place in (out, *out.parents) if os.path.lexists(place))
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise CallInvalid(f"run.out {out}: {there} is no folder that can be written; give another run.out")


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
    asked = [int(part) for part in device.split(",")] if re.fullmatch(r"[0-9]+(,[0-9]+)*", device) else []
    if not asked or max(asked) >= count or len(set(asked)) < len(asked):
        raise DeviceUnavailable(
            f"device {device}: torch sees {count} GPU{'s' * (count != 1)}; give --device cpu or numbers below {count}"
        )


def default_device() -> str:
    """Every GPU there is, else `cpu`."""
    import torch

    return ",".join(map(str, range(torch.cuda.device_count()))) or "cpu"
