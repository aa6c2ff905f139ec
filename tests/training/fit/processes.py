"""A trainer of several processes on a machine without a GPU: what is CUDA's alone is put in its place, nothing else."""

import os
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from apronwatch_training.fit.trainer import Trainer

PROCESSES = 2


class CpuProcesses(Trainer):
    """Two processes on the CPU, talking by gloo; each says which tiles it was shown, and what its loss was."""

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
    with (folder / f"rank{os.environ['RANK']}.txt").open("a") as file:
        print(type(criterion.one2many).__name__, float(trainer.loss.detach()), *trainer.shown, file=file)
