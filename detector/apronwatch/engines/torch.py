"""Ultralytics weights (`.pt`) on torch: half precision on CUDA, channels last on the CPU."""

import atexit
import logging
import os
import shutil
import tempfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apronwatch.engines.decoding import TileDetections, decode
from apronwatch.engines.devices import Device, usable_cores
from apronwatch.engines.specs import ModelSpec, check_names, read_verified
from apronwatch.errors import DeviceUnavailable, EngineFailed, ExtraMissing, ModelInvalid


def import_ultralytics() -> tuple[Any, Any]:
    """The modules (torch, ultralytics), made not to talk, download, or write to the user's home.

    Raises:
        ExtraMissing: they are not installed.
    """
    os.environ.setdefault("YOLO_OFFLINE", "true")
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_VERBOSE", "false")
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    if "YOLO_CONFIG_DIR" not in os.environ:
        os.environ["YOLO_CONFIG_DIR"] = tempfile.mkdtemp(prefix="apronwatch-ultralytics-")
        atexit.register(shutil.rmtree, os.environ["YOLO_CONFIG_DIR"], ignore_errors=True)
    try:
        import torch
        import ultralytics
    except ImportError as error:
        raise ExtraMissing(
            f".pt weights need torch and ultralytics ({error}): pip install 'apronwatch[train]', or use ONNX "
            "weights"
        ) from error
    ultralytics.utils.LOGGER.setLevel(logging.ERROR)
    return torch, ultralytics


class TorchEngine:
    """An Ultralytics oriented-box model, its one-to-many head; see `Engine` for the contract of `detect`."""

    def __init__(self, model: ModelSpec, device: str = "auto") -> None:
        """Open the weights on a device; see `load_engine` for what it raises."""
        self.model = model
        read_verified(model)
        self._torch, _ = import_ultralytics()
        self.device = _choose(self._torch, Device.parse(device))
        self._half = self.device != "cpu"
        self.precision = "fp16" if self._half else "fp32"
        self.batch, self.workers = model.batch, 1
        # Ultralytics, run before with device="cpu", leaves torch one thread fewer than there are cores.
        self._torch.set_num_threads(usable_cores())
        self._network = self._load()

    def detect(self, batch: NDArray[np.uint8], score_floor: float) -> list[TileDetections]:
        """Boxes of each tile of a batch (B, H, W, 3)."""
        if not len(batch):
            return []
        return decode(self.raw(batch), (batch.shape[1], batch.shape[2]), self.model, score_floor)

    def raw(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Output of the head for a batch (B, H, W, 3) of uint8 RGB: (B, 4 + C + 1, A), float32."""
        torch = self._torch
        try:
            with torch.inference_mode():
                # A transposed NHWC batch already is NCHW in channels-last order.
                pixels = torch.from_numpy(np.ascontiguousarray(batch)).to(self.device).permute(0, 3, 1, 2)
                pixels = (pixels.half() if self._half else pixels.float()) / 255
                output = self._network(pixels)
                raw: NDArray[np.float32] = output[0].float().cpu().numpy()
        except RuntimeError as error:  # of torch, out of memory on the GPU included
            raise EngineFailed(f"{self.model.name} on {self.device}: {str(error).splitlines()[0]}") from error
        return raw

    def _load(self) -> Any:
        network = load_network(self.model)
        check_names(self.model, [network.names[i] for i in sorted(network.names)])
        network = network.fuse(verbose=False).to(self.device)
        network = network.half() if self._half else network.to(memory_format=self._torch.channels_last)
        return network.eval()


def load_network(model: ModelSpec) -> Any:
    """The network in a `.pt` file, set to its one-to-many head; `ModelInvalid` without oriented boxes."""
    import_ultralytics()
    from ultralytics.nn.modules.head import OBB
    from ultralytics.nn.tasks import torch_safe_load

    try:
        # Unpickled by a list of allowed classes, so that even a trusted file runs no code of its own.
        checkpoint, _ = torch_safe_load(model.path, safe_only=True)  # type: ignore[no-untyped-call]
        network = checkpoint["ema"] or checkpoint["model"]
        head = network.float().model[-1]
    # What unpickling a damaged or foreign file raises is open-ended.
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0]
        raise ModelInvalid(
            f"{model.path}: no weights that Ultralytics can load ({type(error).__name__}: {reason}): fetch "
            "or train them again"
        ) from error
    if not isinstance(head, OBB):
        raise ModelInvalid(f"{model.path}: a {network.task} model, expected one for oriented boxes (obb)")
    network.end2end = False
    return network


def _choose(torch: Any, device: Device) -> str:
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.kind == "tensorrt":
        raise DeviceUnavailable(
            "TensorRT runs ONNX weights only: `apronwatch models export` makes them from a .pt"
        )
    if device.kind == "cuda" and device.index >= gpus:
        raise DeviceUnavailable(
            f"device {device}: torch sees {gpus} CUDA devices here; say --device cpu or auto"
        )
    if device.kind == "cuda":
        return str(device)
    return "cuda:0" if device.kind == "auto" and gpus else "cpu"
