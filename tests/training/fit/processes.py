"""A trainer of several processes on a machine without a GPU: what is CUDA's alone is put in its place, nothing else."""

import os
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from ultralytics.data.augment import Albumentations

from apronwatch_training.fit.trainer import Trainer

PROCESSES = 2


class CpuProcesses(Trainer):
    """Two processes on the CPU, talking by gloo.

    Each says by what loss it learned, how many augmentations it made, what its loss was, and which tiles it was shown.
    """

    def __init__(self, *args: Any, **told: Any) -> None:
        super().__init__(*args, **told)
        self.world_size, self.ddp = PROCESSES, "RANK" not in os.environ

    def _setup_ddp(self) -> None:
        dist.init_process_group(
            "gloo", timeout=timedelta(minutes=5), rank=int(os.environ["RANK"]), world_size=self.world_size
        )

    def _setup_train(self) -> None:
        whole = torch.nn.parallel.DistributedDataParallel
        torch.nn.parallel.DistributedDataParallel = lambda model, **told: whole(  # type: ignore[assignment,misc]
            model, **{**told, "device_ids": None}
        )
        super()._setup_train()
        self.add_callback("on_train_batch_end", partial(_note, Path(self.save_dir) / "seen"))

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        self.shown = [Path(name).stem for name in batch["im_file"]]
        prepared: dict[str, Any] = super().preprocess_batch(batch)
        return prepared


def _note(folder: Path, trainer: Any) -> None:
    folder.mkdir(exist_ok=True)
    criterion = trainer.model.module.criterion
    (made,) = (
        step for step in trainer.train_loader.dataset.transforms.transforms if type(step) is Albumentations
    )
    augmentations = len(made.transform.transforms) if made.transform else 0
    with (folder / f"rank{os.environ['RANK']}.txt").open("a") as file:
        told = type(criterion.one2many).__name__, augmentations, float(trainer.loss.detach())
        print(*told, *trainer.shown, file=file)
