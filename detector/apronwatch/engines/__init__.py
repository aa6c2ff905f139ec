"""Engines: batches of tiles in, oriented boxes out; ONNX Runtime by default, torch for `.pt` weights."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from apronwatch.engines.decoding import TileDetections
from apronwatch.engines.registry import find_model, load_registry
from apronwatch.engines.specs import ClassSpec, ModelSpec

__all__ = ["ClassSpec", "Engine", "ModelSpec", "TileDetections", "find_model", "load_engine", "load_registry"]


class Engine(Protocol):
    """A model ready to look at tiles.

    Attributes:
        model: what the registry says of the weights.
        device: where it runs: `cpu`, `cuda:0`, `tensorrt:0`.
        precision: of its arithmetic, `fp32` or `fp16`: it decides the last digits of boxes and scores.
        batch: how many tiles to show it at a time.
        workers: how many calls of `detect` at a time keep the device busy.
    """

    model: ModelSpec
    device: str
    precision: str
    batch: int
    workers: int

    def detect(self, batch: NDArray[np.uint8], score_floor: float) -> list[TileDetections]:
        """Boxes of each tile of a batch (B, H, W, 3), uint8 RGB, sides multiples of 32 px, from a score up.

        Raises:
            EngineFailed: the runtime broke or gave no numbers; never an empty list in its place.
            ModelInvalid: the output is not what the registry says.
        """
        ...


def load_engine(model: ModelSpec, device: str = "auto") -> Engine:
    """The engine for a model's format, on a device.

    Args:
        model: from `find_model`.
        device: `auto` (CUDA where the runtime has it, else CPU), `cpu`, `cuda:N`, `tensorrt:N`.

    Raises:
        DeviceUnavailable: a device was asked for that is not there.
        ExtraMissing: `.pt` weights without torch and ultralytics.
        ModelCorrupted: the file's hash is no longer the one that `model` states.
        ModelInvalid: the file is no model, or another one than the registry says.
    """
    if model.format == "torch":
        from apronwatch.engines.torch import TorchEngine

        return TorchEngine(model, device)
    from apronwatch.engines.onnx import OnnxEngine

    return OnnxEngine(model, device)
