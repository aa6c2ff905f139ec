"""What a run needs to go on after `kill -9`, beyond what Ultralytics keeps.

Ultralytics' checkpoint holds the averaged weights in half precision and starts from them again; the trained weights
themselves are lost. This file holds them, so that a resumed run goes on where it was.
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
