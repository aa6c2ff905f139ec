"""Ultralytics' trainer for oriented boxes, on tiles whose labels are known in part."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from ultralytics.models.yolo.obb import OBBTrainer
from ultralytics.nn.tasks import OBBModel
from ultralytics.utils.torch_utils import unwrap_model

from apronwatch.engines.devices import usable_cores
from apronwatch.errors import EngineFailed
from apronwatch_training.fit import sensing  # noqa: F401 (see `Trainer`)
from apronwatch_training.fit.checkpoints import drop_states, load_state, save_state
from apronwatch_training.fit.heads import transplant
from apronwatch_training.fit.loss import partial_criterion
from apronwatch_training.fit.tiles import PLAIN_LABELS, TileDataset

ONE_HEAD = "one_head"
"""Key of the tiles' description: the one-to-one head of YOLO26 is left out."""

CPU_BF16 = "cpu_bf16"
"""Key of the tiles' description: a CPU computes the forward and backward passes in bf16. Ultralytics' own `amp` knows
that of GPUs alone."""

AVERAGE_STEPS = "average_steps"
"""Key of the tiles' description: over how many steps the weights that are kept are averaged."""

TOO_LITTLE_MEMORY = "memory ran out; give a smaller schedule.batch or schedule.tile_px"


class Trainer(OBBTrainer):
    """Fits a model.

    It differs from Ultralytics' own in the dataset (`TileDataset`), the loss (`PartialOBBLoss`), in that it does not
    judge the model on tiles (horizontal labels would make that figure meaningless, and no tile is what is counted:
    see `evaluate`), and in that its checkpoints are written whole and hold the trained weights as well.

    The process of a GPU makes it, and the augmentations, from what Ultralytics pickled: those of `sensing` are found
    only where that module is loaded, and Ultralytics would go on without them.
    """

    model: Any
    ema: Any
    threads: int | None = None
    """Of a CPU; None: as many as cores."""

    def train(self) -> None:
        """Fit; with several GPUs, have one process each do it."""
        if self.ddp:
            # Else Ultralytics empties the run's folder, with what we wrote there for these processes.
            self.resume = True
        super().train()

    def _build_train_pipeline(self) -> None:
        if getattr(self, "_oom_retries", 0):
            # Ultralytics would go on with half the batch, and the run would not be the one that was asked for.
            raise EngineFailed(f"{self.save_dir}: {TOO_LITTLE_MEMORY}")
        super()._build_train_pipeline()

    def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> TileDataset:
        """Tiles of one split."""
        return TileDataset(
            img_path=img_path,
            imgsz=self.args.imgsz,
            batch_size=batch,
            augment=mode == "train",
            hyp=self.args,
            rect=False,
            cache=self.args.cache or None,
            stride=32,
            pad=0.0,
            prefix=f"{mode}: ",
            task="obb",
            data=self.data,
            fraction=self.args.fraction if mode == "train" else 1.0,
        )

    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> OBBModel:
        """A model with our classes; what given weights know of them is kept."""
        model = super().get_model(cfg, weights, verbose)
        if weights is not None and weights.names != model.names:
            transplant(model, weights)
        if self.data.get(ONE_HEAD):
            leave_one_head(model)
        return model

    def resume_training(self, ckpt: Any) -> None:
        """Go on from a checkpoint, or begin; either way with our loss."""
        super().resume_training(ckpt)
        model = unwrap_model(self.model)
        if self.start_epoch:
            load_state(self.wdir, self.start_epoch - 1, model, self.ema.ema)
        if self.data.get(AVERAGE_STEPS):
            self.ema.decay = average_decay(self.data[AVERAGE_STEPS])
        if not self.data.get(PLAIN_LABELS):
            criterion = partial_criterion(model)
            if self.start_epoch and hasattr(criterion, "update"):
                criterion.updates = self.start_epoch - 1
                criterion.update()
            model.criterion = criterion
        if self.device.type == "cpu":
            # Ultralytics leaves torch one thread fewer than there are cores.
            torch.set_num_threads(self.threads or usable_cores())
            quicken(model, bf16=bool(self.data.get(CPU_BF16)))

    def validate(self) -> tuple[dict[str, float], None]:
        """Nothing: see the class."""
        return self.metrics or {}, None

    def final_eval(self) -> None:
        """Nothing: see the class."""

    def save_model(self) -> bool:
        """Write the checkpoints whole or not at all: a run killed meanwhile resumes from those before."""
        last, best = self.last, self.best
        self.last, self.best = (Path(f"{path}.part") for path in (last, best))
        try:
            saved = bool(super().save_model())
            save_state(self.wdir, self.epoch, unwrap_model(self.model), self.ema.ema)
            for draft, path in ((self.last, last), (self.best, best)):
                if draft.exists():
                    draft.replace(path)
            drop_states(self.wdir, self.epoch)
        finally:
            self.last, self.best = last, best
        return saved


def average_decay(steps: int) -> Callable[[int], float]:
    """The share of the average that each step keeps of the one before, by the number of the step.

    It rises to 1 - 1/steps, so that early steps, which are far from the end, are soon forgotten.
    """
    return lambda step: min(1.0 - 1.0 / steps, (1.0 + step) / (10.0 + step))


def leave_one_head(model: Any) -> None:
    """Leave the one-to-many head of YOLO26 alone; YOLO11 has no other."""
    model.end2end = False
    model.model[-1].fuse()  # of a head: drops the branch that is not selected


def quicken(model: Any, *, bf16: bool) -> None:
    """Have a CPU run a model with its channels innermost and, if told, its convolutions in bf16.

    `benchmarks/fit_speed.py` tells what that brings. What the model gives is 32 bits wide all the same: the loss is
    never computed in less. It changes this very object, not its class, so that what is pickled of its average needs
    Ultralytics alone.
    """
    model.to(memory_format=torch.channels_last)
    forward = model.predict

    def predict(x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            return _in_32_bits(forward(x.contiguous(memory_format=torch.channels_last), *args, **kwargs))

    model.predict = predict


def _in_32_bits(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _in_32_bits(value) for key, value in found.items()}
    if isinstance(found, (list, tuple)):
        return type(found)(_in_32_bits(value) for value in found)
    return found.float() if isinstance(found, torch.Tensor) else found
