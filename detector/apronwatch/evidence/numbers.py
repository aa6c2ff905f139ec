"""The published counts of a look and of its frames, each beside the one that is counted now."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apronwatch.archive.acquisitions import (
    ACQUISITION_ID_REUSED,
    SAME_PICTURE_OTHER_TIME,
    UNITED_BY_CONTENT,
    UNITED_BY_DATE,
)
from apronwatch.archive.outlines import OTHER_OUTLINE
from apronwatch.archive.series import NOT_COMPARABLE
from apronwatch.calibration import Refusal
from apronwatch.counts import Count, word_of
from apronwatch.errors import EvidenceInvalid
from apronwatch.evidence.again import Again
from apronwatch.evidence.retold import equal
from apronwatch.evidence.told import COUNTS
from apronwatch.intervals import SIZES_HARDLY_CALIBRATED

OF_THE_ARCHIVE = frozenset(
    {
        ACQUISITION_ID_REUSED,
        NOT_COMPARABLE,
        OTHER_OUTLINE,
        SAME_PICTURE_OTHER_TIME,
        UNITED_BY_CONTENT,
        UNITED_BY_DATE,
    }
)
"""Reasons that tell of the archive which a count was taken from: nothing here can tell whether they are right."""

_CALIBRATED = frozenset({"estimate", "low", "high"})
"""Of a count: what rests on the calibration of the weights."""

_OF_CALIBRATION = frozenset({*Refusal, SIZES_HARDLY_CALIBRATED})
"""Reasons that do, too."""

_NEAR_SHARE = 0.002
"""Shares in reasons (`snow:0.250`) are rounded, and may differ by so much."""


@dataclass(frozen=True)
class Compared:
    """One published number beside the one counted now.

    Attributes:
        published, found: the counts as JSON types.
        differs: field -> (published, found), where they differ.
    """

    published: dict[str, Any]
    found: dict[str, Any]
    differs: dict[str, tuple[Any, Any]]


def compared(
    published: Sequence[dict[str, Any]], counts: Sequence[Count], *, unsure: bool, of_archive: bool = True
) -> Iterator[Compared]:
    """Each published number beside its like.

    Args:
        published: as JSON types.
        counts: found now.
        unsure: nothing can be told of what rests on a calibration: that is left out.
        of_archive: the numbers are those of a look, with reasons that tell of its archive.

    Raises:
        EvidenceInvalid: a zone or a class that the site does not have.
    """
    found = {(c.zone, c.class_name): c.to_dict() for c in counts}
    for one in published:
        other = found.get((one["zone"], one["class"]))
        if other is None:
            raise EvidenceInvalid(
                f"{COUNTS}: zone {one['zone']} and class {one['class']} are not in the site file"
            )
        fields = [name for name in one | other if not (unsure and name in _CALIBRATED)]
        extra = OF_THE_ARCHIVE if of_archive else frozenset()
        unknown = _OF_CALIBRATION if unsure else frozenset()
        differs = {
            n: (one.get(n), other.get(n))
            for n in fields
            if not (
                _same_reasons(one[n], other[n], extra, unknown)
                if n == "reasons"
                else equal(one.get(n), other.get(n))
            )
        }
        yield Compared(one, other, differs)


def _same_reasons(
    published: Sequence[str], found: Sequence[str], of_archive: Collection[str], unknown: Collection[str]
) -> bool:
    """Whether the same is said, but for words of the archive, and for those of which nothing can be told."""
    said = [reason for reason in published if reason not in of_archive or reason in found]
    one, other = ([reason for reason in of if word_of(reason) not in unknown] for of in (said, found))
    return len(one) == len(other) and all(map(_same_reason, one, other))


def _same_reason(one: str, other: str) -> bool:
    (word, _, share), (wanted, _, of_zone) = one.partition(":"), other.partition(":")
    if one == other or word != wanted:
        return one == other
    try:
        return abs(float(share) - float(of_zone)) <= _NEAR_SHARE
    except ValueError:
        return False


def frames_compared(document: Mapping[str, Any], again: Again) -> list[tuple[list[str], list[Count]]]:
    """Of each frame a line for every count that differs, and its counts as they may be said."""
    found: list[tuple[list[str], list[Count]]] = []
    for n, (scene, counts) in enumerate(zip(document["scenes"], again.frames, strict=False), start=1):
        where = f"{COUNTS}, scene {n}"
        pairs = list(compared(scene["counts"], counts, unsure=bool(again.unsure), of_archive=False))
        lines = list(rows_differ(where, scene["counts"], counts))
        for one in pairs:
            of = f"zone {one.published['zone']}, {one.published['class']}"
            for name, (before, after) in one.differs.items():
                lines.append(f"{where}, {of}: {name} {json.dumps(before)} instead of {json.dumps(after)}")
        found.append((lines, as_said(pairs, counts)))
    return found + [([], list(counts)) for counts in again.frames[len(found) :]]


def as_said(pairs: Sequence[Compared], counts: Sequence[Count]) -> list[Count]:
    """Counts as they were published where they are the same, to the last digit of an estimate; else as they are."""
    said = {
        (one.published["zone"], one.published["class"]): Count.from_dict(one.published)
        for one in pairs
        if not one.differs
    }
    return [said.get((count.zone, count.class_name), count) for count in counts]


def rows_differ(where: str, published: Sequence[dict[str, Any]], counts: Sequence[Count]) -> Iterator[str]:
    """Zones and classes that are missing, or stand twice."""
    said = [(one["zone"], one["class"]) for one in published]
    for count in counts:
        times = said.count((count.zone, count.class_name))
        if times != 1:
            of = f"zone {count.zone}, {count.class_name}"
            yield f"{where}: {of}: {'no count' if not times else f'{times} counts'} instead of one"
