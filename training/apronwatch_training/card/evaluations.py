"""What `apronwatch train evaluate --json` printed, read again."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from apronwatch.engines import ModelSpec
from apronwatch.errors import CallInvalid
from apronwatch_training.evaluate.average_precision import BinPrecision, BinRecall
from apronwatch_training.evaluate.box_errors import BoxErrors
from apronwatch_training.evaluate.coverage import Coverage
from apronwatch_training.evaluate.left_out import LeftOut


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)  # an evaluation says more than a card repeats


class Point(_Part):
    """Hits, false alarms and misses at the operating threshold."""

    threshold: float
    hits: int
    false: int
    missed: int


def _open_ended(told: Any) -> Any:
    """JSON has no infinity: the last bin has no upper limit."""
    return {**told, "high": math.inf} if isinstance(told, dict) and told.get("high") is None else told


class SceneCounts(_Part):
    """One scene: what is labelled, what was counted."""

    dataset: str
    image: str
    place: str
    gsd_m: float
    drawn: bool
    labelled: int
    counted: int


class ClassFigures(_Part):
    """One class under one rule of hits."""

    name: Annotated[str, Field(alias="class")]
    rule: str
    ap: float | None
    operating_point: Point
    recall_by_length_m: list[Annotated[BinRecall, BeforeValidator(_open_ended)]]
    precision_by_length_m: list[Annotated[BinPrecision, BeforeValidator(_open_ended)]]
    intervals: Coverage | None
    boxes: list[BoxErrors]
    per_scene: list[SceneCounts]

    @property
    def places(self) -> list[tuple[str, str]]:
        """Dataset and place of its scenes, each once, in order."""
        return sorted({(scene.dataset, scene.place) for scene in self.per_scene})


class AtGsd(_Part):
    """Figures at one GSD; None: each scene at its own."""

    gsd_m: float | None
    left_out: LeftOut
    classes: list[ClassFigures]


class _Model(_Part):
    name: str
    sha256: str


class _Document(_Part):
    model: _Model
    evaluations: list[AtGsd]


def read_evaluations(paths: Sequence[Path], model: ModelSpec) -> list[AtGsd]:
    """The evaluations in files, in the order given.

    Raises:
        CallInvalid: a file is no evaluation, or one of other weights, or at another threshold than they now have.
    """
    found = []
    for path in paths:
        try:
            document = _Document.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise CallInvalid(
                f"{path}: {where}: {first['msg']}; give what `apronwatch train evaluate --json` printed"
            ) from error
        except (OSError, ValueError) as error:
            raise CallInvalid(
                f"{path}: cannot be read ({error}); give what `apronwatch train evaluate --json` printed"
            ) from error
        if not model.is_file(document.model.sha256):
            raise CallInvalid(
                f"{path}: of weights {document.model.name} of SHA-256 {document.model.sha256[:12]}…, {model.name} has "
                f"{model.sha256[:12]}…: evaluate these"
            )
        _check_thresholds(path, document, model)
        found += document.evaluations
    return found


def _check_thresholds(path: Path, document: _Document, model: ModelSpec) -> None:
    for figures in (f for evaluation in document.evaluations for f in evaluation.classes):
        spec, at = model.classes.get(figures.name), figures.operating_point.threshold
        if spec is None or not math.isclose(spec.threshold, at, abs_tol=1e-6):
            now = "is not reported" if spec is None else f"has the threshold {spec.threshold:g}"
            raise CallInvalid(
                f"{path}: {figures.name} was evaluated at a threshold of {at:g} and now {now} in {model.name}: "
                "evaluate anew"
            )
