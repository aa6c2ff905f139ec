"""What a run keeps beyond Ultralytics' checkpoints: what it needs to go on after `kill -9`, and its result.

Ultralytics' checkpoint holds the averaged weights in half precision and starts from them again; the trained weights
themselves are lost. `state.pt` holds them, so that a resumed run goes on where it was.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn

NAME = "state.pt"


def save_state(folder: Path, epoch: int, model: nn.Module, average: nn.Module) -> None:
    """Write the weights of an epoch, whole or not at all."""
    content = {"epoch": epoch, "model": model.state_dict(), "average": average.state_dict()}
    draft = folder / f"{NAME}.part"
    torch.save(content, draft)
    draft.replace(folder / NAME)


def load_state(folder: Path, epoch: int, model: nn.Module, average: nn.Module) -> bool:
    """Give models the weights of an epoch back; whether there were any of that very epoch."""
    file = folder / NAME
    if not file.is_file():
        return False
    content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    if content["epoch"] != epoch:
        return False
    model.load_state_dict(content["model"])
    average.load_state_dict(content["average"])
    return True


def write_fitted(last: Path, out: Path) -> None:
    """Write the averaged weights of a checkpoint without what only training needs, whole or not at all.

    Ultralytics notes the folders of the machine in them, and its ONNX export tells one in the file's description;
    here names stay, and folders go: weights are published.
    """
    from ultralytics.utils.torch_utils import strip_optimizer

    draft = out.with_name(f"{out.name}.part")
    content = strip_optimizer(last, s=str(draft))
    content["train_args"] = _without_folders(content["train_args"])
    content["git"] = _without_folders(content.get("git") or {})
    content["model"].args = _without_folders(content["model"].args)
    content["model"].pt_path = out.name  # set by Ultralytics where a run begins with weights
    torch.save(content, draft)
    draft.replace(out)


def _without_folders(told: dict[str, Any]) -> dict[str, Any]:
    return {key: _name(value) if isinstance(value, (str, Path)) else value for key, value in told.items()}


def _name(value: str | Path) -> str:
    return Path(value).name if Path(value).is_absolute() else str(value)
