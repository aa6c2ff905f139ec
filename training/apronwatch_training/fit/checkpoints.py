"""What a run keeps beyond Ultralytics' checkpoints: what it needs to go on after `kill -9`, and its result.

Ultralytics' checkpoint holds the averaged weights in half precision and starts from them again; the trained weights
themselves are lost. `state-EPOCH.pt` holds them, so that a resumed run goes on where it was. It is written before the
checkpoint of its epoch, and the one before goes after it: whenever a run is killed, the checkpoint has its state. Runs
of earlier versions hold one `state.pt`.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from apronwatch.errors import CallInvalid

EARLIER = "state.pt"


def save_state(folder: Path, epoch: int, model: nn.Module, average: nn.Module) -> None:
    """Write the weights of an epoch, from 0, whole or not at all."""
    content = {"epoch": epoch, "model": model.state_dict(), "average": average.state_dict()}
    path = _state(folder, epoch)
    draft = path.with_name(f"{path.name}.part")
    torch.save(content, draft)
    draft.replace(path)


def drop_states(folder: Path, epoch: int) -> None:
    """Remove the weights of all epochs but one."""
    for path in folder.glob("state*.pt"):
        if path != _state(folder, epoch):
            path.unlink()


def load_state(folder: Path, epoch: int, model: nn.Module, average: nn.Module) -> None:
    """Give models the weights of an epoch back.

    Raises:
        CallInvalid: there are none of that epoch that can be read.
    """
    path = _state(folder, epoch)
    if not path.exists() and (folder / EARLIER).exists():
        path = folder / EARLIER
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if content["epoch"] != epoch:
            raise ValueError(f"these are of epoch {content['epoch'] + 1}")
        model.load_state_dict(content["model"])
        average.load_state_dict(content["average"])
    # What a torn file raises is open-ended.
    except Exception as error:
        raise CallInvalid(
            f"{path}: the trained weights of epoch {epoch + 1} cannot be read ({_reason(error)}), so the run cannot go "
            "on where it was; bring the file back, or start again with another run.out"
        ) from error


def epochs_done(last: Path) -> int:
    """How many epochs a checkpoint has behind it.

    Raises:
        CallInvalid: it cannot be read.
    """
    try:
        return int(read_checkpoint(last)["epoch"]) + 1
    except (KeyError, TypeError, ValueError) as error:
        raise CallInvalid(
            f"{last}: no checkpoint that can be read ({error}); bring it back, or start again with another run.out"
        ) from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a `.pt` file of Ultralytics holds; raises `ValueError` with the reason why it cannot be read."""
    from ultralytics.nn.tasks import torch_safe_load

    try:
        content: dict[str, Any] = torch_safe_load(str(path))[0]
    # What unpickling a damaged or foreign file raises is open-ended.
    except Exception as error:
        raise ValueError(_reason(error)) from error
    return content


def _state(folder: Path, epoch: int) -> Path:
    return folder / f"state-{epoch}.pt"


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:120]}"


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
