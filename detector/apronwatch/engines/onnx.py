"""The default engine: ONNX Runtime on CPU, CUDA or TensorRT."""

import ast
from typing import Any

import numpy as np
import onnxruntime as ort
import platformdirs
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from apronwatch.engines.decoding import TileDetections, anchor_count, decode
from apronwatch.engines.devices import Device, usable_cores
from apronwatch.engines.specs import ModelSpec, check_names, read_verified
from apronwatch.errors import DeviceUnavailable, EngineFailed, ModelInvalid

# ONNX Runtime's exceptions share no base of their own.
ORT_ERRORS: tuple[type[Exception], ...] = tuple(
    kind for kind in vars(ort_errors).values() if isinstance(kind, type) and issubclass(kind, Exception)
)
PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
INPUT_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class OnnxEngine:
    """An ONNX model with the raw one-to-many head; see `Engine` for the contract of `detect`."""

    def __init__(self, model: ModelSpec, device: str = "auto") -> None:
        """Open the weights on a device; see `load_engine` for what it raises."""
        self.model = model
        weights = read_verified(model)
        self._session, self.device = _open(weights, model, Device.parse(device))
        self._input, self._dtype = _check_interface(self._session, model)
        self.precision = "fp16" if self._dtype is np.float16 else "fp32"
        on_cpu = self.device == "cpu"
        self.batch, self.workers = (1, usable_cores()) if on_cpu else (model.batch, 2)

    def detect(self, batch: NDArray[np.uint8], score_floor: float) -> list[TileDetections]:
        """Boxes of each tile of a batch (B, H, W, 3)."""
        if not len(batch):
            return []
        return decode(self.raw(batch), (batch.shape[1], batch.shape[2]), self.model, score_floor)

    def raw(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Output of the head for a batch (B, H, W, 3) of uint8 RGB: (B, 4 + C + 1, A), float32."""
        pixels = np.ascontiguousarray(batch.transpose(0, 3, 1, 2)).astype(self._dtype)
        pixels *= self._dtype(1 / 255)
        try:
            outputs = self._session.run(None, {self._input: pixels})
        except ORT_ERRORS as error:
            raise EngineFailed(f"{self.model.name} on {self.device}: {one_line(error)}") from error
        raw: NDArray[np.float32] = np.asarray(outputs[0], dtype=np.float32)
        return raw


def metadata_names(session: ort.InferenceSession) -> list[str] | None:
    """Class names that Ultralytics wrote into the model, in output order; None where there are none."""
    told = session.get_modelmeta().custom_metadata_map.get("names")
    try:
        names = ast.literal_eval(told) if told else None
    except (ValueError, SyntaxError):
        return None
    return [str(names[i]) for i in sorted(names)] if isinstance(names, dict) else None


def one_line(error: Exception) -> str:
    """The first line of an error's text, for a message of one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _open(weights: bytes, model: ModelSpec, device: Device) -> tuple[ort.InferenceSession, str]:
    if device.kind != "auto":
        return _start(weights, model, device), str(device)
    if PROVIDERS["cuda"] in ort.get_available_providers():
        try:
            return _start(weights, model, Device("cuda")), str(Device("cuda"))
        except DeviceUnavailable:
            pass  # `auto` promises no device: the CPU is named as what it runs on
    return _start(weights, model, Device("cpu")), "cpu"


def _start(weights: bytes, model: ModelSpec, device: Device) -> ort.InferenceSession:
    provider, present = PROVIDERS[device.kind], ort.get_available_providers()
    if provider not in present:
        raise DeviceUnavailable(
            f"device {device} needs ONNX Runtime's {provider}; here are {', '.join(present)}: "
            "install onnxruntime-gpu in place of onnxruntime, or say --device cpu"
        )
    try:
        session = ort.InferenceSession(weights, _session_options(), providers=_providers(device))
    except ORT_ERRORS as error:
        if device.kind != "cpu":
            raise DeviceUnavailable(f"device {device} could not be started: {one_line(error)}") from error
        raise ModelInvalid(
            f"{model.path}: not an ONNX model that ONNX Runtime {ort.__version__} can read "
            f"({one_line(error)}): export or fetch it again"
        ) from error
    # ONNX Runtime drops a GPU provider whose libraries are missing, with no more than a line in its log.
    if session.get_providers()[0] != provider:
        raise DeviceUnavailable(
            f"device {device}: ONNX Runtime fell back to {session.get_providers()[0]}; check the CUDA and "
            "cuDNN libraries, or say --device cpu"
        )
    return session


def _session_options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    # One thread a call, and as many calls at a time as there are cores: threads that share one call wait for each
    # other at every operator, and longer while tiles are being read (`benchmarks/pipeline.py stages`).
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return options


def _providers(device: Device) -> list[Any]:
    if device.kind == "cpu":
        return [PROVIDERS["cpu"]]
    if device.kind == "cuda":
        return [(PROVIDERS["cuda"], {"device_id": device.index}), PROVIDERS["cpu"]]
    # TensorRT builds its engine in minutes: once for a model and a machine, not once for each start.
    cache = {
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": platformdirs.user_cache_dir("apronwatch"),
    }
    return [
        (PROVIDERS["tensorrt"], {"device_id": device.index, **cache}),
        (PROVIDERS["cuda"], {"device_id": device.index}),
        PROVIDERS["cpu"],
    ]


def _check_interface(session: ort.InferenceSession, model: ModelSpec) -> tuple[str, Any]:
    """Name and numpy type of the only input, once input, output and class names fit the registry."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1 or inputs[0].type not in INPUT_TYPES:
        raise ModelInvalid(
            f"{model.path.name}: {len(inputs)} inputs and {len(outputs)} outputs of types "
            f"{inputs[0].type}…, expected one float image in and one tensor out"
        )
    tile, rows = model.tile_px, 4 + len(model.outputs) + 1
    _check_shape(model, "input", inputs[0].shape, (1, 3, tile, tile))
    _check_shape(model, "output", outputs[0].shape, (1, rows, anchor_count(tile, tile)))
    if inputs[0].shape[0] == 1 and model.batch != 1:
        raise ModelInvalid(
            f"{model.path.name}: made for one tile at a time, its entry says batch = {model.batch}: "
            "set batch = 1, or export it with `apronwatch models export`"
        )
    names = metadata_names(session)
    if names is not None:
        check_names(model, names)
    return inputs[0].name, INPUT_TYPES[inputs[0].type]


def _check_shape(model: ModelSpec, what: str, shape: list[Any], expected: tuple[int, ...]) -> None:
    """Each axis that the file fixes must be the expected one; axes that it leaves open have names instead."""
    fits = len(shape) == len(expected) and all(
        not isinstance(given, int) or given == wanted for given, wanted in zip(shape, expected, strict=True)
    )
    if not fits:
        raise ModelInvalid(
            f"{model.path.name}: {what} of shape {shape}, expected {expected}: the raw one-to-many head "
            "is needed, `apronwatch models export` makes it"
        )
