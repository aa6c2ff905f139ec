"""What is known of the weights in one file, and the check that the file is still the one that is known."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from apronwatch.calibration import Calibration
from apronwatch.errors import ModelCorrupted, ModelInvalid, ModelUnknown

Format = Literal["onnx", "torch"]
SAME_GSD = 1.02
"""Pictures sold as of 0.5 m have 0.49 to 0.51 m on the ground: limits of a GSD hold to within this factor."""

SUFFIXES: dict[str, Format] = {".onnx": "onnx", ".pt": "torch"}


@dataclass(frozen=True)
class ClassSpec:
    """What a model says of one class, and what it needs to see it.

    Attributes:
        name: one of `taxonomy.CLASSES`.
        threshold: operating score: a detection counts from here.
        training_gsd_m: GSD at which the weights learned the class.
        native_gsd_m: least and greatest GSD of a scene at which the class may be reported.
        min_length_px: an object must be this long in the scene's own pixels.
        typical_min_length_m: length of the smallest objects that are usual.
        longest_m: length of the longest object; the overlap of tiles follows from it.
        pass_gsd_m: GSD of the pass that alone reports the class.
        synthetic_only: learned on drawn scenes alone.
        length_error: mean and standard deviation of the boxes' length over the true one, less 1, measured on known
            lengths; None where it was not measured: these boxes tell no size.
    """

    name: str
    threshold: float
    training_gsd_m: float
    native_gsd_m: tuple[float, float]
    min_length_px: float
    typical_min_length_m: float
    longest_m: float
    pass_gsd_m: float
    synthetic_only: bool = False
    length_error: tuple[float, float] | None = None

    def in_range(self, gsd_m: float) -> bool:
        """Whether a scene of this native GSD is fine enough (and not too fine) to report the class."""
        finest, coarsest = self.native_gsd_m
        coarsest = min(coarsest, self.typical_min_length_m / self.min_length_px)
        return finest / SAME_GSD <= gsd_m <= coarsest * SAME_GSD


@dataclass(frozen=True)
class ModelSpec:
    """Weights on this machine, with what the registry says of them.

    Attributes:
        name: in the registry.
        path: of the file.
        sha256: of the file, lower case hex.
        format: `onnx` or `torch` (Ultralytics `.pt`).
        source_classes: the model's own class names, in the order of its outputs.
        outputs: our class per output, None for what is not counted.
        classes: what it says of each of our classes that it knows.
        tile_px, batch: size and number of tiles per call.
        suppression_iou: overlap above which the weaker box of a tile is dropped.
        max_boxes_per_tile: reaching it makes a tile `saturated`.
        head: always `one-to-many`.
        data, terms, source: what it learned from, under which terms it may be used, where it comes from.
        card: path of the model card, if there is one.
        trusted: used because the user said so, not because a registry pins it.
        calibration_path: of the file with what its scores and recall are worth, if there is one.
        same_weights: SHA-256 of every file that the registry pins to these weights (ONNX and `.pt` of one model).
        held_out: datasets that taught these weights -> the places of each that did not; None where that is not
            recorded.
        validated_on: places of `held_out` on which thresholds or epochs were chosen, likewise.
    """

    name: str
    path: Path
    sha256: str
    format: Format
    source_classes: tuple[str, ...]
    outputs: tuple[str | None, ...]
    classes: dict[str, ClassSpec]
    tile_px: int
    batch: int
    suppression_iou: float = 0.4
    max_boxes_per_tile: int = 3000
    head: str = "one-to-many"
    data: str = ""
    terms: str = ""
    source: str = ""
    card: Path | None = None
    trusted: bool = False
    calibration_path: Path | None = None
    same_weights: frozenset[str] = frozenset()
    held_out: Mapping[str, frozenset[str]] | None = None
    validated_on: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def calibration(self) -> Calibration | None:
        """What scores and recall of these weights are worth, read when first asked for; None without a file.

        Raises:
            ModelInvalid: the file cannot be read, or was measured with other weights.
        """
        return None if self.calibration_path is None else read_calibration(self.calibration_path, self)

    def is_file(self, sha256: str) -> bool:
        """Whether a file of this SHA-256 holds these weights."""
        return sha256 == self.sha256 or sha256 in self.same_weights

    def learned_from(self, dataset: str, place: str) -> bool | None:
        """Whether a place of a dataset taught these weights; None where that is not recorded."""
        if self.held_out is None:
            return None
        return dataset in self.held_out and place not in self.held_out[dataset]

    @property
    def passes(self) -> tuple[float, ...]:
        """GSDs at which a scene must be looked at, finest first."""
        return tuple(sorted({spec.pass_gsd_m for spec in self.classes.values()}))


def read_verified(model: ModelSpec) -> bytes:
    """The bytes of a model's file; `ModelCorrupted` if their SHA-256 is not the pinned one."""
    try:
        weights = model.path.read_bytes()
    except OSError as error:
        raise ModelUnknown(f"{model.path}: cannot be read ({error.strerror})") from error
    found = hashlib.sha256(weights).hexdigest()
    if found != model.sha256:
        raise ModelCorrupted(
            f"{model.path}: SHA-256 {found[:12]}… ({len(weights)} bytes), expected {model.sha256[:12]}…: "
            "the file is damaged or was exchanged; fetch it again"
        )
    return weights


def read_calibration(path: Path, model: ModelSpec) -> Calibration:
    """The calibration in a file; `ModelInvalid` if it cannot be read or is not of these weights."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
        found = Calibration.from_dict(told)
    # JSON that is none, and a calibration that is none, are both ValueErrors.
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()
        raise ModelInvalid(
            f"{path}: no calibration can be read from it ({' '.join(reason[:3])}): write it with `apronwatch "
            "train calibrate`, or take it out of the registry"
        ) from error
    if not model.is_file(found.model_sha256):
        raise ModelInvalid(
            f"{path}: measured with weights of SHA-256 {found.model_sha256[:12]}…, {model.name} has "
            f"{model.sha256[:12]}…: calibrate these weights, or take the file out of the registry"
        )
    return found


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def check_names(model: ModelSpec, names: Iterable[str]) -> None:
    """`ModelInvalid` unless a model's own class names are those of the registry, in its order."""
    found = tuple(names)
    if [_plain(name) for name in found] != [_plain(name) for name in model.source_classes]:
        raise ModelInvalid(
            f"{model.path.name}: knows the classes {', '.join(found)}; its registry entry says "
            f"{', '.join(model.source_classes)}: correct source_classes"
        )


def _plain(name: str) -> str:
    """Class names of one data set are written with blanks, hyphens and underscores."""
    return name.lower().replace("-", " ").replace("_", " ").strip()
