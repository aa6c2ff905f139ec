"""Labelled scenes that say nothing of a model, and why: known before any is looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apronwatch.engines import ModelSpec
from apronwatch.errors import CallInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.records import LabelledImage
from apronwatch_training.evaluate.looking import is_coarser, shown_at
from apronwatch_training.known import some


@dataclass(frozen=True)
class LeftOut:
    """Scenes that are in no figure, or not in those of some class, by `dataset/image`.

    Attributes:
        scenes: how many were chosen.
        judged: how many of these are in the figures of some class.
        gsd_unknown: nothing says how fine they are.
        coarser: than the GSD at which they were to be looked at.
        not_labelled: no class of the model is labelled completely in them.
        out_of_range: class -> scenes that label it, at a GSD at which the model does not report it.
    """

    scenes: int
    judged: int
    gsd_unknown: tuple[str, ...]
    coarser: tuple[str, ...]
    not_labelled: tuple[str, ...]
    out_of_range: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(
        cls,
        images: Sequence[tuple[str, LabelledImage]],
        model: ModelSpec,
        *,
        gsd_m: float | None = None,
        assumed_gsd_m: float | None = None,
    ) -> "LeftOut":
        """Of scenes as `looking.look` is given them."""
        unknown, coarser, bare = [], [], []
        beyond: dict[str, list[str]] = {}
        judged = 0
        for dataset, image in images:
            name, own_m = f"{dataset}/{image.name}", image.gsd_m or assumed_gsd_m
            labelled = [c for c in CLASSES if c in image.annotated and c in model.classes]
            if own_m is None:
                unknown.append(name)
            elif is_coarser(own_m, gsd_m):
                coarser.append(name)
            elif not labelled:
                bare.append(name)
            else:
                out = [c for c in labelled if not model.classes[c].in_range(shown_at(own_m, gsd_m))]
                judged += len(out) < len(labelled)
                for c in out:
                    beyond.setdefault(c, []).append(name)
        ranged = {c: tuple(beyond[c]) for c in CLASSES if c in beyond}
        return cls(len(images), judged, tuple(unknown), tuple(coarser), tuple(bare), ranged)

    def check(self) -> None:
        """Raises `CallInvalid` unless there is a scene that says something."""
        if not self.judged:
            raise CallInvalid(
                f"none of the {self.scenes} scenes says anything of the weights: {'; '.join(self.warnings())}"
            )

    def warnings(self) -> list[str]:
        """What a reader of the figures must be told of them."""
        said = [
            f"{self._count(names)} left out, {why}: {some(names)}"
            for names, why in (
                (self.gsd_unknown, "for their GSD is not known (--assume-gsd tells it)"),
                (self.coarser, "for they are coarser than asked"),
                (self.not_labelled, "for they label no class of the weights completely"),
            )
            if names
        ]
        said += [
            f"{self._count(names)} left out of the figures of {class_name}, which the weights do not report at their "
            f"GSD: {some(names)}"
            for class_name, names in self.out_of_range.items()
        ]
        return said

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "scenes": self.scenes,
            "judged": self.judged,
            "gsd_unknown": list(self.gsd_unknown),
            "coarser": list(self.coarser),
            "not_labelled": list(self.not_labelled),
            "out_of_range": {name: list(scenes) for name, scenes in self.out_of_range.items()},
        }

    def _count(self, names: tuple[str, ...]) -> str:
        return f"{len(names)} of {self.scenes} scenes"
