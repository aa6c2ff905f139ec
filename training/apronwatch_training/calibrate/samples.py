"""What a calibration is fitted to: the detections and objects of whole labelled scenes, class by class."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from apronwatch.engines import ModelSpec
from apronwatch_datasets.stats import longer_sides
from apronwatch_training.evaluate.scoring import ClassScene, ClassScore


@dataclass(frozen=True, eq=False)
class Sample:
    """One class in its calibration scenes, either all real or all drawn.

    Attributes:
        class_name: which.
        threshold: operating score.
        real: the scenes are pictures of the world.
        left_out: drawn scenes that were passed over because there are real ones.
        scene_places: (S,) dataset and place of each scene.
        scores: (D,) of the judged detections at or above the threshold.
        detected_px: (D,) lengths of their boxes in pixels of the pass that reports the class.
        true: (D,) whether each is an object.
        scene_of: (D,) index of the scene of each.
        found: (N,) whether each object that is to be found was, at the threshold.
        lengths_px: (N,) lengths of the objects, likewise. A horizontal label tells a bound of the length.
        object_scene_of: (N,) index of the scene of each object.
    """

    class_name: str
    threshold: float
    real: bool
    left_out: int
    scene_places: tuple[str, ...]
    scores: NDArray[np.float64]
    detected_px: NDArray[np.float64]
    true: NDArray[np.bool_]
    scene_of: NDArray[np.intp]
    found: NDArray[np.bool_]
    lengths_px: NDArray[np.float64]
    object_scene_of: NDArray[np.intp]

    @property
    def places(self) -> list[str]:
        """(D,) dataset and place of each detection."""
        return [self.scene_places[k] for k in self.scene_of]

    @property
    def object_places(self) -> list[str]:
        """(N,) dataset and place of each object."""
        return [self.scene_places[k] for k in self.object_scene_of]

    def of_scenes(self, kept: NDArray[np.bool_]) -> Self:
        """The sample of some of its scenes, given as (S,)."""
        number = np.cumsum(kept) - 1
        detected, objects = kept[self.scene_of], kept[self.object_scene_of]
        return replace(
            self,
            scene_places=tuple(np.array(self.scene_places, dtype=object)[kept]),
            scores=self.scores[detected],
            detected_px=self.detected_px[detected],
            true=self.true[detected],
            scene_of=number[self.scene_of[detected]],
            found=self.found[objects],
            lengths_px=self.lengths_px[objects],
            object_scene_of=number[self.object_scene_of[objects]],
        )


def samples(scores: Sequence[ClassScore], model: ModelSpec) -> list[Sample]:
    """A sample of each class that the scenes label completely; oriented and horizontal labels together.

    Real and drawn scenes never mix: where a class has real ones, they alone count.
    """
    scenes: dict[str, list[ClassScene]] = {}
    for score in scores:
        scenes.setdefault(score.class_name, []).extend(score.scenes)
    return [_sample(name, found, model.classes[name].pass_gsd_m) for name, found in scenes.items()]


def _sample(name: str, scenes: Sequence[ClassScene], pass_gsd_m: float) -> Sample:
    real = [s for s in scenes if not s.looked.drawn]
    chosen = real or list(scenes)
    threshold = chosen[0].looked.thresholds[name]
    counts = [s.matches.judged & (s.matches.scores >= threshold) for s in chosen]
    boxes = [s.looked.lengths_m_of(name)[c] / pass_gsd_m for s, c in zip(chosen, counts, strict=True)]
    sides = [longer_sides(s.truth.polygons) * s.looked.gsd_m / pass_gsd_m for s in chosen]
    asked = [s.matches.countable for s in chosen]
    return Sample(
        class_name=name,
        threshold=threshold,
        real=bool(real),
        left_out=len(scenes) - len(chosen),
        scene_places=tuple(s.place for s in chosen),
        scores=np.concatenate([s.matches.scores[c] for s, c in zip(chosen, counts, strict=True)]),
        detected_px=np.concatenate(boxes),
        true=np.concatenate([s.matches.hit[c] for s, c in zip(chosen, counts, strict=True)]),
        scene_of=np.repeat(np.arange(len(chosen)), [int(c.sum()) for c in counts]),
        found=np.concatenate(
            [s.matches.found_at[a] >= threshold for s, a in zip(chosen, asked, strict=True)]
        ),
        lengths_px=np.concatenate([px[a] for px, a in zip(sides, asked, strict=True)]),
        object_scene_of=np.repeat(np.arange(len(chosen)), [int(a.sum()) for a in asked]),
    )
