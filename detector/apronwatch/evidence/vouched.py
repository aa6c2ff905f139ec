"""What an evidence folder alone vouches for: where the registry here says otherwise, and words that none can check."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from apronwatch.evidence.folder import NOTHING_COUNTED
from apronwatch.evidence.origin import OF_TIME
from apronwatch.evidence.sources import known_weights
from apronwatch.run import ModelInfo


def weights_differ(folder: Path, told: Mapping[str, Any], here: ModelInfo | None) -> Iterator[str]:
    """What the registry of here says otherwise of the same weights: it may have learned better since."""
    if here is None:
        return
    for name in ("name", "terms", "data", "synthetic_only"):
        now = getattr(here, name)
        if told[name] != (list(now) if isinstance(now, tuple) else now):
            yield f"{name} of the weights: the folder says {told[name]!r}, the registry here says {now!r}"
    spec = known_weights(here.sha256)
    card = spec.card if spec else None
    if told["card"] and card and card.is_file() and card.read_bytes() != (folder / told["card"]).read_bytes():
        yield f"{told['card']}: not the card that the registry here has for these weights"


def words_as_told(
    told: Mapping[str, Any], look: Sequence[Mapping[str, Any]], of_archive: Sequence[str]
) -> Iterator[str]:
    """Every sentence of the folder that rests on the word of who made it, whole.

    Args:
        told: the manifest.
        look: the published counts.
        of_archive: reasons that tell of the archive which the counts were taken from.
    """
    for n, frame in enumerate(told["frames"], start=1):
        if frame["failure"] is None and frame["pictures"] not in ("", NOTHING_COUNTED):
            yield f"frame {n}: {frame['pictures']}"
        yield from (f"frame {n}: {said}" for said in frame["scene"]["warnings"] if OF_TIME in said)
    said = {reason for count in look for reason in count["reasons"]}
    if archived := [reason for reason in of_archive if reason in said]:
        yield f"of the archive: {', '.join(archived)}"
