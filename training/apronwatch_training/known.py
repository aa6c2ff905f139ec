"""Which places a model knows already: what is measured there looks better than it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from apronwatch.engines import ModelSpec
from apronwatch_training.sources import is_format

_NAMED = 3


@dataclass(frozen=True)
class Known:
    """What the registry says of some places.

    Attributes:
        recorded: whether it says which places taught the model.
        untold: datasets of which nothing tells whether they taught it: all where that is not recorded, else forms of
            files (COCO, YOLO) that the registry does not name, whose pictures may come from any dataset.
        taught, tuned: `dataset/place` of those that taught it, and of those on which thresholds or epochs were chosen.
    """

    recorded: bool
    untold: tuple[str, ...]
    taught: tuple[str, ...]
    tuned: tuple[str, ...]

    @classmethod
    def of(cls, model: ModelSpec, places: Iterable[tuple[str, str]]) -> "Known":
        """Of these, each dataset and place."""
        asked = sorted(set(places))
        recorded = model.held_out is not None
        return cls(
            recorded,
            tuple(dict.fromkeys(d for d, _ in asked if _is_untold(model, d))),
            tuple(f"{d}/{p}" for d, p in asked if model.learned_from(d, p)),
            tuple(f"{d}/{p}" for d, p in asked if p in model.validated_on.get(d, ())),
        )

    def warnings(self, model: str) -> list[str]:
        """What a reader of figures from these places must be told."""
        said = self.doubts(model)
        if self.taught:
            said.append(f"{some(self.taught)} taught {model}: figures from there look better than they are")
        if self.tuned:
            said.append(
                f"{some(self.tuned)} tuned {model} (thresholds or epochs were chosen there): figures from there look "
                "better than those of new places"
            )
        return said

    def doubts(self, model: str) -> list[str]:
        """What is not known of the places, and must be told."""
        if not self.untold:
            return []
        return [
            f"nothing tells whether places of {some(self.untold)} taught {model} (held_out in its registry entry): "
            "figures from there hold only if none did"
        ]

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        lists = {"untold": self.untold, "taught": self.taught, "tuned": self.tuned}
        return {"recorded": self.recorded, **{name: list(of) for name, of in lists.items()}}


def _is_untold(model: ModelSpec, dataset: str) -> bool:
    return model.held_out is None or (dataset not in model.held_out and is_format(dataset))


def some(names: Sequence[str]) -> str:
    """The first few of some names, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
