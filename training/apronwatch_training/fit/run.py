"""One run: from a checked configuration to fitted weights."""

import os
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from apronwatch.engines.torch import import_ultralytics
from apronwatch.errors import CallInvalid, EngineFailed
from apronwatch_training.fit.config import FitConfig
from apronwatch_training.fit.shares import chosen_tiles, tiles_sha256

FITTED = "fitted.pt"
"""The averaged weights of the last epoch, without what only training needs."""

CONFIG = "config.json"
"""The configuration of a run, in its folder."""

RESULTS = "results.csv"
"""The losses of each epoch, in the run's folder."""

TILES = "tiles.sha256"
"""What the training tiles and their labels were when the run began, in its folder."""

CHOSEN = "train.txt"
"""The training tiles of a run that takes only a share of some datasets, in its folder."""


@dataclass(frozen=True)
class Fitted:
    """What a run gave: the weights, and its table of losses per epoch."""

    weights: Path
    results: Path


@dataclass(frozen=True)
class Epoch:
    """A pass that is done: its number from 1, how many there will be, its mean losses, and how long it took."""

    number: int
    of: int
    losses: dict[str, float]
    seconds: float


def fit(
    config: FitConfig,
    device: str,
    *,
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
    told: Callable[[Epoch], None] | None = None,
    threads: int | None = None,
) -> Fitted:
    """Train until the schedule ends.

    Args:
        config: checked by `preflight.check`.
        device: `cpu`, or numbers of GPUs (`0,1`: one process each).
        resume: go on from the last whole checkpoint of the same run.
        progress: called with batches done and batches in all; not with several GPUs.
        told: called after each epoch, once it is on disk; not with several GPUs.
        threads: of a CPU (`threads_told`); None: as many as cores.

    Raises:
        CallInvalid: the run's folder holds a run and `resume` was not asked for; or there is nothing to resume; or
            the configuration, or the tiles, are not those that the run began with.
        EngineFailed: memory ran out; or of several GPUs, the process of one ended.
    """
    import_ultralytics()
    from ultralytics.utils import SETTINGS

    from apronwatch_training.fit.checkpoints import epochs_done, write_fitted
    from apronwatch_training.fit.trainer import Trainer

    SETTINGS.update({"sync": False, "tensorboard": True})
    out = config.run.out
    last = out / "weights" / "last.pt"
    if (out / FITTED).is_file() and resume:
        raise CallInvalid(f"{out}: this run is finished; its weights are {out / FITTED}")
    _begin(config, device, resume, last)
    overrides = ultralytics_arguments(config, device)
    if resume:
        if epochs_done(last) >= config.schedule.epochs:  # killed after the last of them
            write_fitted(last, out / FITTED)
            return Fitted(out / FITTED, out / RESULTS)
        overrides["resume"] = str(last)
    # Ultralytics' TensorBoard callback traces the model for its graph, and torch warns of that.
    warnings.filterwarnings("ignore", module=r"torch\.jit")
    trainer = Trainer(overrides=overrides)
    trainer.threads = threads
    if not trainer.ddp:
        _tell(trainer, progress, told)
    _train(trainer, out, device)
    write_fitted(last, out / FITTED)
    return Fitted(out / FITTED, out / RESULTS)


def _train(trainer: Any, out: Path, device: str) -> None:
    from apronwatch_training.fit.trainer import TOO_LITTLE_MEMORY

    try:
        trainer.train()
    except subprocess.CalledProcessError as error:
        raise EngineFailed(
            f"{out}: a process of one of the GPUs {device} ended with status {error.returncode}, what it said is "
            "above; mend that and go on with --resume"
        ) from error
    except RuntimeError as error:
        if "out of memory" in str(error) or "allocate memory" in str(error):  # of a GPU, of a CPU
            raise EngineFailed(f"{out}: {TOO_LITTLE_MEMORY}") from error
        raise


def threads_told() -> int | None:
    """How many threads the user wants (OMP_NUM_THREADS), if that was said.

    To be asked before Ultralytics is imported, which says 1 where nobody said anything.
    """
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return (int(first) or None) if first.isascii() and first.isdecimal() else None


def _tell(
    trainer: Any, progress: Callable[[int, int], None] | None, told: Callable[[Epoch], None] | None
) -> None:
    """Have a trainer say how far it is."""
    done = 0

    def batch_done(trainer: Any) -> None:
        nonlocal done
        done += 1
        batches = len(trainer.train_loader)
        if progress is not None:
            progress(trainer.start_epoch * batches + done, trainer.epochs * batches)

    def epoch_done(trainer: Any) -> None:
        if told is not None:
            losses = {name: float(value) for name, value in (trainer.tloss or {}).items()}
            told(Epoch(trainer.epoch + 1, trainer.epochs, losses, float(trainer.epoch_time)))

    trainer.add_callback("on_train_batch_end", batch_done)
    trainer.add_callback("on_fit_epoch_end", epoch_done)


def _begin(config: FitConfig, device: str, resume: bool, last: Path) -> None:
    """Make the run's folder, or see that it holds the run that is to go on."""
    out = config.run.out
    told = config.model_dump_json(indent=1) + "\n"
    tiles = tiles_sha256(config.data.tiles, config.data.shares) + "\n"
    if resume:
        if not last.is_file():
            raise CallInvalid(f"{out}: no checkpoint to resume from; start the run without --resume")
        if not (out / CONFIG).is_file():
            raise CallInvalid(
                f"{out}: no {CONFIG}, which tells what run this is; bring it back, or give another run.out"
            )
        if (out / CONFIG).read_bytes() != told.encode():
            raise CallInvalid(f"{out}: begun with another configuration; restore it, or give another run.out")
        # Runs of earlier versions do not tell their tiles.
        if (out / TILES).is_file() and (out / TILES).read_bytes() != tiles.encode():
            raise CallInvalid(
                f"{out}: the training tiles in {config.data.tiles} are not those that it began with; bring them back, "
                "or give another run.out"
            )
    elif last.is_file():
        raise CallInvalid(f"{out}: holds a run; go on with --resume, or give another run.out")
    out.mkdir(parents=True, exist_ok=True)
    (out / CONFIG).write_text(told, encoding="utf-8")
    (out / TILES).write_text(tiles, encoding="utf-8")
    write_description(config, device)


def write_description(config: FitConfig, device: str) -> None:
    """Write into the run's folder what Ultralytics is to read: `data.yaml`, and the tiles chosen where not all are."""
    out = config.run.out
    if config.data.shares:
        chosen = chosen_tiles(config.data.tiles, config.data.shares)
        (out / CHOSEN).write_text("".join(f"{path}\n" for path in chosen), encoding="utf-8")
    described = yaml.safe_dump(tiles_description(config, device), sort_keys=False)
    (out / "data.yaml").write_text(described, encoding="utf-8")


def tiles_description(config: FitConfig, device: str) -> dict[str, Any]:
    """Ultralytics' description of the tiles, with what our dataset wants to know besides."""
    folder = config.data.tiles.resolve()
    content: dict[str, Any] = yaml.safe_load((folder / "data.yaml").read_text(encoding="utf-8"))
    has_val = any((folder / "images" / "val").glob("*"))
    return {
        "path": str(folder),
        "train": str(config.run.out / CHOSEN) if config.data.shares else "images/train",
        "val": "images/val" if has_val else "images/train",
        "names": content["names"],
        "plain_labels": not config.run.partial_labels,
        "clouds": config.augment.clouds,
        "one_head": config.start.heads == "one-to-many",
        "average_steps": config.schedule.average_steps,
        "cpu_bf16": device == "cpu" and config.schedule.precision == "bf16",
    }


def ultralytics_arguments(config: FitConfig, device: str) -> dict[str, Any]:
    """A configuration in Ultralytics' terms."""
    schedule, augment, out = config.schedule, config.augment, config.run.out
    return {
        "model": f"{config.start.model}.yaml",
        "pretrained": str(config.start.weights) if config.start.weights else False,
        "data": str(out / "data.yaml"),
        "save_dir": str(out),
        "project": str(out.parent),
        "name": out.name,
        "exist_ok": True,
        "device": device,
        "epochs": schedule.epochs,
        "batch": schedule.batch,
        "nbs": schedule.batch,
        "imgsz": schedule.tile_px,
        "optimizer": schedule.optimizer,
        "lr0": schedule.learning_rate,
        "lrf": schedule.final_rate,
        "cos_lr": True,
        "warmup_epochs": schedule.warmup_epochs,
        "warmup_bias_lr": 0.0,
        "close_mosaic": schedule.close_mosaic_epochs,
        "seed": schedule.seed,
        "amp": device != "cpu" and {"fp32": False, "fp16": True, "bf16": "bf16"}[schedule.precision],
        "patience": 0,
        "save_period": 1 if config.run.keep_epochs else -1,
        "val": False,
        "plots": False,
        "workers": config.run.workers,
        "mosaic": augment.mosaic,
        "degrees": augment.turn_deg,
        "scale": list(augment.zoom),
        "translate": augment.shift,
        "fliplr": augment.flip,
        "flipud": augment.flip,
        "mixup": 0.0,
        "cutmix": 0.0,
        "copy_paste": 0.0,
        "hsv_h": 0.01,
        "hsv_s": 0.4,
        "hsv_v": 0.0,
        "augmentations": sensing_transforms(config),
    }


def sensing_transforms(config: FitConfig) -> list[Any]:
    """The Albumentations transforms that are switched on, in the order of light's way: ground, air, sensor, file."""
    import albumentations as A

    from apronwatch_training.fit import sensing

    augment = config.augment
    made = [
        sensing.Haze(p=augment.haze),
        sensing.CoarserSensor(p=augment.coarser),
        sensing.Misregistration(p=augment.misregistration),
        A.ToGray(p=augment.panchromatic),
        sensing.SensorNoise(p=augment.noise),
        sensing.Stretch(p=augment.stretch),
        A.ImageCompression(quality_range=(40, 95), p=augment.jpeg),
    ]
    return [transform for transform in made if transform.p > 0]
