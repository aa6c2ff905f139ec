"""`.pt` weights to ONNX with the raw one-to-many head, checked to give what the `.pt` gives."""

import hashlib
import shutil
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from apronwatch.engines.onnx import OnnxEngine
from apronwatch.engines.pinning import replace_bytes
from apronwatch.engines.specs import ModelSpec
from apronwatch.engines.torch import TorchEngine, import_ultralytics
from apronwatch.errors import ExtraMissing, ModelInvalid, OutputInvalid


@dataclass(frozen=True)
class Tolerance:
    """How far the ONNX output may lie from that of the `.pt`: scores, and boxes of anchors that matter."""

    score: float
    box_px: float


FULL = Tolerance(score=1e-3, box_px=0.1)
HALF = Tolerance(score=0.03, box_px=2.0)
MATTERS_FROM_SCORE = 0.05


@dataclass(frozen=True)
class Exported:
    """An ONNX file and how far its raw output lies from that of the weights it was made from.

    Attributes:
        path, sha256, size_bytes: the file.
        score_difference: greatest difference of a score over all anchors of the compared tiles.
        box_difference_px: greatest difference of x, y, w or h where a score reaches 0.05.
        tolerance: what was allowed.
    """

    path: Path
    sha256: str
    size_bytes: int
    score_difference: float
    box_difference_px: float
    tolerance: Tolerance


def export(model: ModelSpec, out: Path, *, half: bool = False) -> Exported:
    """Write a torch model as ONNX, batch and sides dynamic; in half precision inside if asked.

    Args:
        model: weights of format `torch`.
        out: the `.onnx` file to write; written only once both give the same.
        half: store and compute in 16 bits (input and output stay 32 bits).

    Raises:
        ExtraMissing: torch, ultralytics or onnx are not installed.
        ModelInvalid: not `.pt` weights, or the ONNX model gives something else than they do.
        OutputInvalid: `out` has another suffix or cannot be written.
    """
    if model.format != "torch":
        raise ModelInvalid(f"{model.path}: {model.format} weights; only .pt weights can be exported")
    if out.suffix != ".onnx":
        raise OutputInvalid(f"{out}: the exported file must end in .onnx")
    reference = TorchEngine(model, "cpu")
    with tempfile.TemporaryDirectory() as folder:
        made = _convert(model, Path(folder), half)
        content = made.read_bytes()
        exported = replace(model, path=made, sha256=hashlib.sha256(content).hexdigest(), format="onnx")
        score, box_px = difference(reference, OnnxEngine(exported, "cpu"))
    allowed = HALF if half else FULL
    if not (score <= allowed.score and box_px <= allowed.box_px):  # nor if they are no numbers
        raise ModelInvalid(
            f"{model.path.name}: its ONNX export differs by {score:.2g} in score, {box_px:.2g} px in boxes, "
            f"allowed are {allowed.score} and {allowed.box_px} px; nothing was written"
        )
    try:
        replace_bytes(out, content)
    except OSError as error:
        raise OutputInvalid(f"{out}: cannot be written ({error.strerror})") from error
    return Exported(out, exported.sha256, len(content), score, box_px, allowed)


def difference(one: TorchEngine | OnnxEngine, other: TorchEngine | OnnxEngine) -> tuple[float, float]:
    """Greatest differences of two engines' raw outputs on fixed tiles: of a score, and of a box in px."""
    tiles = parity_tiles(one.model.tile_px)[: max(1, one.model.batch)]
    first, second = one.raw(tiles), other.raw(tiles)
    apart = np.abs(first - second)
    matters = np.maximum(first[:, 4:-1].max(axis=1), second[:, 4:-1].max(axis=1)) >= MATTERS_FROM_SCORE
    boxes = apart[:, :4].max(axis=1)[matters]
    return float(apart[:, 4:-1].max()), float(boxes.max(initial=0.0))


def parity_tiles(side_px: int) -> NDArray[np.uint8]:
    """Tiles (4, T, T, 3) to compare engines on: noise, soft noise, a gradient, bright crosses on grey."""
    random = np.random.default_rng(20260101)
    noise = random.integers(0, 256, (side_px, side_px, 3), dtype=np.uint8)
    ramp = np.linspace(0, 127, side_px)
    gradient = np.repeat(np.add.outer(ramp, ramp)[..., None], 3, axis=2).astype(np.uint8)
    crosses = np.full((side_px, side_px, 3), 110, dtype=np.uint8)
    for x, y in random.integers(24, max(25, side_px - 24), (side_px // 16, 2)).tolist():
        cv2.line(crosses, (x, y - 18), (x, y + 18), (235, 235, 235), 4)
        cv2.line(crosses, (x - 17, y - 2), (x + 17, y - 2), (225, 225, 225), 4)
    return np.stack([noise, cv2.GaussianBlur(noise, (0, 0), 6), gradient, crosses])


def _convert(model: ModelSpec, folder: Path, half: bool) -> Path:
    _, ultralytics = import_ultralytics()
    try:
        import onnx  # noqa: F401
        import onnxslim  # noqa: F401
    except ImportError as error:
        raise ExtraMissing(
            f"exporting needs onnx and onnxslim ({error}): pip install 'apronwatch[train]'"
        ) from error
    copy = Path(shutil.copy(model.path, folder / "weights.pt"))  # Ultralytics writes beside the file it reads
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter and tracer warn of their own code
        # `nms` stays unset: nms=False would switch to the one-to-one head with TopK (Ultralytics 8.4.190).
        return Path(
            ultralytics.YOLO(copy).export(
                format="onnx", dynamic=True, imgsz=model.tile_px, device="cpu", quantize=16 if half else None
            )
        )
