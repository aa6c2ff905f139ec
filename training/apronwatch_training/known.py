"""Which places a model knows already: what is measured there looks better than it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from apronwatch.engines import ModelSpec

_NAMED = 3


@dataclass(frozen=True)
class Known:
    """What the registry says of some places.

    Attributes:
        recorded: whether it says which places taught the model.
        taught, tuned: `dataset/place` of those that taught it, and of those on which thresholds or epochs were chosen.
    """

    recorded: bool
    taught: tuple[str, ...]
    tuned: tuple[str, ...]

    @classmethod
    def of(cls, model: ModelSpec, places: Iterable[tuple[str, str]]) -> "Known":
        """Of these, each dataset and place."""
        asked = sorted(set(places))
        recorded = model.held_out is not None
        return cls(
            recorded,
            tuple(f"{d}/{p}" for d, p in asked if recorded and model.learned_from(d, p)),
            tuple(f"{d}/{p}" for d, p in asked if p in model.validated_on.get(d, ())),
        )

    def warnings(self, model: str) -> list[str]:
        """What a reader of figures from these places must be told."""
        said = []
        if not self.recorded:
            said.append(
                f"nothing tells which places taught {model} (held_out in its registry entry): these figures hold "
                "only if it was none of these"
            )
        if self.taught:
            said.append(f"{some(self.taught)} taught {model}: figures from there look better than they are")
        return said

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {"recorded": self.recorded, "taught": list(self.taught), "tuned": list(self.tuned)}


def some(names: tuple[str, ...] | list[str]) -> str:
    """The first few of some names, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
