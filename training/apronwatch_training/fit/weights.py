"""What a run begins with: its untrained network, and how much of it given weights fill."""

from pathlib import Path
from typing import Any

from apronwatch.errors import CallInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_training.fit.checkpoints import read_checkpoint
from apronwatch_training.fit.config import Start


def network(start: Start) -> Any:
    """The `OBBModel` of a run, untrained."""
    from ultralytics.nn.tasks import OBBModel

    from apronwatch_training.fit.trainer import leave_one_head

    model = OBBModel(f"{start.model}.yaml", ch=3, nc=len(CLASSES), verbose=False)
    if start.heads == "one-to-many":
        leave_one_head(model)
    return model


def check_weights(path: Path, start: Start, model: Any) -> str:
    """See that weights are of the architecture of a run.

    Ultralytics takes over the layers of the same name and shape and says nothing of the others. The head may be another
    one: it hangs on the classes. Below it every layer has to fit.

    Args:
        path: a `.pt` file.
        start: what the run begins with.
        model: its `network`.

    Returns:
        How many layers are carried over, in words.

    Raises:
        CallInvalid: the weights are missing, damaged, or of another architecture.
    """
    theirs = _read(path, start.model)
    found, ours = theirs.state_dict(), model.state_dict()
    fit = {name for name, value in ours.items() if name in found and found[name].shape == value.shape}
    body = {name for name in ours if not name.startswith(f"model.{len(model.model) - 1}.")}
    if not body <= fit:
        raise CallInvalid(
            f"{path}: weights of {_architecture(theirs)}: {len(body & fit)} of the {len(body)} layers below the head "
            f"of {start.model} are there in the same shape; give weights of {start.model}, or set start.model to theirs"
        )
    said = f"{path.name}: {len(fit)} of {len(ours)} layers are carried over"
    return said if len(fit) == len(ours) else f"{said}, {_head(theirs)}"


def _head(theirs: Any) -> str:
    from apronwatch_training.fit.heads import matching_rows

    names = getattr(theirs, "names", {})
    known = [CLASSES[row] for row in sorted(matching_rows(names))]
    if list(names.values()) == list(CLASSES):
        return "the rest of the head begins anew"
    return f"of its {len(names)} classes {', '.join(known) or 'none'}; the rest of the head begins anew"


def _read(path: Path, wanted: str) -> Any:
    if not path.is_file():
        raise CallInvalid(f"{path}: no such weights; give a .pt file, or leave start.weights out")
    try:
        checkpoint = read_checkpoint(path)
        model = checkpoint.get("ema") or checkpoint["model"]
        model.state_dict()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CallInvalid(
            f"{path}: no weights that Ultralytics can load ({error}); give its .pt file of {wanted}, or leave "
            "start.weights out"
        ) from error
    return model


def _architecture(model: Any) -> str:
    told = getattr(model, "yaml", None) or {}
    return Path(str(told.get("yaml_file", "another architecture"))).stem
