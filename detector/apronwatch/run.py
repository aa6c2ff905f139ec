"""`Run`: what one pass of one model over one scene, for one site, gave."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from apronwatch.detections import Detections
from apronwatch.preview import Preview
from apronwatch.sceneinfo import SceneInfo
from apronwatch.taxonomy import CLASSES
from apronwatch.visibility import Visibility

PIPELINE_VERSION = 1
"""Raised by one whenever the same pixels and weights would give other detections than before."""


@dataclass(frozen=True)
class ModelInfo:
    """Which weights: name, SHA-256 of the file, and what to say of them wherever their counts appear."""

    name: str
    sha256: str
    terms: str = ""
    data: str = ""
    synthetic_only: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Run:
    """One pass over one scene, for one site.

    Attributes:
        scene: the facts of the scene.
        model: the weights.
        parameters: every setting that decides the detections (JSON types), the hash of the site's geometry included.
        detections: one box per object, down to the archive's floor of the score, in one plane.
        thresholds: operating score per class name: what counts.
        visibility: how much of each zone was seen.
        saturated: areas, in the metres of the pass's plane, of tiles where a cap cut the boxes; empty if none.
        hidden: (N,) bool, detections whose centre a supplied mask hides: archived, never counted.
        device: where it ran and in which precision, such as `cpu fp32`.
        stage_s: seconds spent per stage of the pipeline.
        tiles: how many tiles were looked at.
        preview: the ground that was seen, coarsely; None for pictures without georeference and whole pictures, which
            are compared with no other.
        masks_hash: of the masks that were laid over it (`Masks.key`); empty where none was: a cloud then counts as
            ground seen.
    """

    scene: SceneInfo
    model: ModelInfo
    parameters: dict[str, Any]
    detections: Detections
    thresholds: dict[str, float]
    visibility: Visibility
    saturated: BaseGeometry
    hidden: NDArray[np.bool_]
    device: str = ""
    stage_s: dict[str, float] = field(default_factory=dict)
    tiles: int = 0
    preview: Preview | None = None
    masks_hash: str = ""

    @property
    def key(self) -> str:
        """SHA-256 over scene identity, model hash, pipeline version and parameters: the same key, the same run."""
        return run_key(self.scene.identity, self.model.sha256, self.parameters)


def run_key(identity: str, model_sha256: str, parameters: dict[str, Any]) -> str:
    """The key of a run before it is made; see `Run.key`."""
    named = [identity, model_sha256, PIPELINE_VERSION, parameters]
    return hashlib.sha256(json.dumps(named, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def counted(run: Run) -> Detections:
    """The detections that count: at or above their class's operating threshold, and not under a supplied mask."""
    thresholds = np.array([run.thresholds.get(name, np.inf) for name in CLASSES])
    return run.detections.select((run.detections.scores >= thresholds[run.detections.classes]) & ~run.hidden)
