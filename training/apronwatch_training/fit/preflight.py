"""Everything that can be known to go wrong with a run, found before it starts."""

import os
import re
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from apronwatch.engines.devices import usable_cores
from apronwatch.errors import CallInvalid, DeviceUnavailable, TilesInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_training.fit.config import FitConfig
from apronwatch_training.fit.memory import check_memory
from apronwatch_training.fit.regions import TileSidecar
from apronwatch_training.fit.shares import chosen_tiles, pictures
from apronwatch_training.fit.tiles import sidecar_path
from apronwatch_training.fit.weights import check_weights, network

CHECKPOINT_BYTES = {"n": 6e7, "s": 2.2e8, "m": 4.5e8, "l": 5.5e8, "x": 1.2e9}
"""Disk that the checkpoints of a run take, by size of the model: the trained weights, their average, the optimizer's
two moments, each twice while being replaced."""


@dataclass(frozen=True)
class Tiles:
    """What was found: numbers of tiles and labels per split."""

    training: int
    labels: int
    validation: int


@dataclass(frozen=True)
class Checked:
    """What was found: the tiles; in words, how much of `start.weights` is carried over, and what may go wrong."""

    tiles: Tiles
    carried: str | None
    warning: str | None


def check(config: FitConfig, device: str) -> Checked:
    """Check data, classes, weights, disk, device and memory.

    Raises:
        TilesInvalid: the tiles' folder is not whole, its classes are not ours, or a picture cannot be read.
        CallInvalid: the weights are missing, damaged or of another architecture; the run's folder cannot be made, or is
            the tiles'; the disk is too full; the memory does not suffice; or the batch does not fit tiles or GPUs.
        DeviceUnavailable: a GPU was asked for that is not there, or a precision that the device does not have.
    """
    _check_folder(config.run.out, config.data.tiles)
    _check_disk(config)
    _check_device(device, config.schedule.precision)
    tiles = check_tiles(config.data.tiles, config.data.shares)
    _check_batch(config.schedule.batch, tiles.training, 1 + device.count(","))
    model = network(config.start)
    weights = config.start.weights
    carried = check_weights(weights, config.start, model) if weights is not None else None
    warning = check_memory(config, device, model)
    _check_pictures(
        [*chosen_tiles(config.data.tiles, config.data.shares), *pictures(config.data.tiles, "val")]
    )
    return Checked(tiles, carried, warning)


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
    given = list(names.values()) if isinstance(names, dict) else names if isinstance(names, list) else []
    if given != list(CLASSES):
        raise TilesInvalid(
            f"{described}: {'classes ' + ', '.join(map(str, given)) if given else 'no classes'}; "
            f"expected {', '.join(CLASSES)}"
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


def _check_folder(out: Path, tiles: Path) -> None:
    if out == tiles or tiles in out.parents or out in tiles.parents:
        raise CallInvalid(
            f"run.out {out} and data.tiles {tiles} lie in each other; give the run a folder of its own"
        )
    there = next(place for place in (out, *out.parents) if os.path.lexists(place))
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise CallInvalid(f"run.out {out}: {there} is no folder that can be written; give another run.out")


def _check_pictures(paths: list[Path]) -> None:
    with ThreadPoolExecutor(usable_cores()) as pool:
        broken = [path for path, whole in zip(paths, pool.map(_can_be_read, paths), strict=True) if not whole]
    if broken:
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        raise TilesInvalid(f"{broken[0]}{more}: a picture that cannot be read; prepare the tiles again")


def _can_be_read(path: Path) -> bool:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            picture.load()
    # A damaged PNG raises SyntaxError. Ultralytics has Pillow ask for a plugin for what is no picture.
    except (OSError, SyntaxError, ValueError, ImportError):
        return False
    return True


def _check_batch(batch: int, tiles: int, devices: int) -> None:
    if batch > tiles:
        raise CallInvalid(f"batch {batch} for {tiles} training tiles; give a smaller schedule.batch")
    if batch % devices:  # Ultralytics would train with a smaller one
        raise CallInvalid(f"batch {batch} over {devices} GPUs; set schedule.batch to a multiple of {devices}")


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
        numbers = f" or numbers below {count}, as in 0,1" if count else ""
        raise DeviceUnavailable(
            f"device {device}: torch sees {count} GPU{'s' * (count != 1)}; give --device cpu{numbers}"
        )


def default_device() -> str:
    """Every GPU there is, else `cpu`."""
    import torch

    return ",".join(map(str, range(torch.cuda.device_count()))) or "cpu"
