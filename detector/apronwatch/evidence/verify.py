"""Checking an evidence folder: its hashes, its numbers counted again, and all that says them anew."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apronwatch.archive.acquisitions import (
    ACQUISITION_ID_REUSED,
    SAME_PICTURE_OTHER_TIME,
    UNITED_BY_CONTENT,
    UNITED_BY_DATE,
)
from apronwatch.archive.outlines import OTHER_OUTLINE
from apronwatch.archive.series import NOT_COMPARABLE
from apronwatch.calibration import REFUSALS
from apronwatch.counts import Count
from apronwatch.errors import EvidenceInvalid
from apronwatch.evidence import documents, manifest
from apronwatch.evidence.again import Again, Means, Progress, count_again, failed_again
from apronwatch.evidence.boxcheck import check_boxes
from apronwatch.evidence.commands import PICTURE
from apronwatch.evidence.facts import (
    as_told,
    facts_differ,
    item_notes,
    look_differs,
    times_differ,
    warnings_differ,
)
from apronwatch.evidence.matching import Matched
from apronwatch.evidence.retold import (
    document_differs,
    equal,
    same_program,
    site_differs,
    time_differs,
    told_again,
    words_differ,
)
from apronwatch.evidence.sources import NO_MASKS, MaskFiles
from apronwatch.evidence.told import COUNTS, SITES, Told
from apronwatch.evidence.vouched import weights_differ, words_as_told
from apronwatch.intervals import SIZES_HARDLY_CALIBRATED
from apronwatch.site import Site, read_sites

_OF_THE_ARCHIVE = frozenset(
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

_OF_CALIBRATION = frozenset({*REFUSALS, SIZES_HARDLY_CALIBRATED})
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


@dataclass(frozen=True, eq=False)
class Verdict:
    """What became of a check.

    Attributes:
        changed: files of the folder that are missing or have other bytes; then nothing was counted.
        unlisted: files in the folder that are no part of the evidence.
        numbers: each of the look, compared.
        boxes: per frame, the published boxes that count against those found now.
        retold: what the folder says otherwise than it must, beside numbers and boxes: the file, and what.
        settings: thresholds, calibration, terms, times for which the folder alone vouches: registry or picture say
            otherwise.
        words: what the folder says otherwise than this program would, and another program wrote.
        trust: the settings of the folder are trusted.
        by_hash: files of which nothing is known but that they are as they were written.
        as_told: facts of the manifest of which nothing is known.
        said: sentences of the folder that rest on the word of who made it.
        notes: what the STAC items say otherwise of pictures.
        unsure: why nothing can be told of estimates and intervals, which then are not compared; empty where it can.
        calibrated: the registry of here would give some.
        failure: why the run failed whose evidence this is; then there is no number to compare.
    """

    changed: tuple[str, ...]
    unlisted: tuple[str, ...]
    numbers: tuple[Compared, ...] = ()
    boxes: tuple[Matched, ...] = ()
    retold: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    trust: bool = False
    by_hash: tuple[str, ...] = ()
    as_told: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unsure: str = ""
    calibrated: bool = False
    failure: str | None = None

    @property
    def same(self) -> bool:
        """Nothing was changed, and every number, box and word is the same."""
        differs = any(c.differs for c in self.numbers) or any(len(m.lost) + len(m.gained) for m in self.boxes)
        return not self.changed and not differs and not self.retold

    @property
    def undecided(self) -> bool:
        """It can be told neither that all is the same nor that it is not.

        All that is compared is the same, but by settings or in words that nothing here vouches for; or what differs
        may be due to other rules; or what was not compared was published, or left out; or the run failed.
        """
        if self.same and (self.words or (self.settings and not self.trust) or self.failure is not None):
            return True
        intervals = any(
            c.published.get(name) is not None for c in self.numbers for name in ("estimate", "low", "high")
        )
        return bool(self.unsure) and (intervals or self.calibrated or not self.same)


def verify(
    folder: Path,
    *,
    scenes: Sequence[str] = (),
    masks: MaskFiles = NO_MASKS,
    weights: str | None = None,
    trust: bool = False,
    device: str = "auto",
    progress: Progress | None = None,
) -> Verdict:
    """Check every hash of an evidence folder, count its look again, and compare all that follows from it.

    Args:
        folder: that `write_evidence` made.
        scenes: where its scenes may lie; by default under their names in the folder, beside it, or in the
            working folder.
        masks: what their masks may be, where the folder does not hold them.
        weights: a weights file; by default those of the registry with the same SHA-256.
        trust: use weights that no registry names, thresholds and calibrations likewise.
        device: see `load_engine`.
        progress: told how far it is.

    Raises:
        EvidenceInvalid, SiteInvalid, DetectionsUnreadable: no evidence, a damaged file of it, or evidence that
            contradicts itself.
        Uncheckable: a scene, a mask or the weights are missing, or this program counts by other settings.
        ModelCorrupted: the weights of the registry were changed.
    """
    told = manifest.read(folder)
    names = [name for frame in told["frames"] for name in _beside(frame)]
    changed = tuple(manifest.changed(folder, told["files"]))
    unlisted = tuple(manifest.unlisted(folder, told["files"], names))
    if changed:
        return Verdict(changed, unlisted)
    site = _site(folder, told)
    document = documents.read(folder / COUNTS, documents.Counts)
    failure = told["frames"][0]["failure"]
    means = Means(scenes, masks, weights, trust, device, progress)
    again = count_again(folder, told, site, means) if failure is None else failed_again(site)
    beside = _CALIBRATED if again.unsure else frozenset()
    numbers = tuple(_compared(document["look"]["counts"], again.counts, beside))
    software = told["written_with"]["apronwatch"]
    boxes = [
        check_boxes(folder, frame, told["model"], software, found)
        for frame, found in zip(told["frames"], again.boxes, strict=bool(again.boxes))
    ]
    frames = _frames_compared(document, again)
    words = told_again(told, site, _as_said(numbers, again.counts), [said for _, said in frames])
    reworded = (*words_differ(folder, told, words), *warnings_differ(told, again))
    ours = same_program(told)
    return Verdict(
        (),
        unlisted,
        numbers,
        tuple(checked.counted for checked in boxes),
        (
            *(line for lines, _ in frames for line in lines),
            *_retold(folder, told, document, site, again, words),
            *(line for checked in boxes for line in checked.differs),
            *(reworded if ours else ()),
        ),
        (
            *again.settings,
            *weights_differ(folder, told["model"], again.model),
            *times_differ(told, again),
        ),
        () if ours else tuple(f"{line} (written by apronwatch {software})" for line in reworded),
        trust,
        tuple(_by_hash(told)),
        as_told(told),
        tuple(words_as_told(told, document["look"]["counts"], sorted(_OF_THE_ARCHIVE))),
        tuple(item_notes(told, again)),
        again.unsure,
        any(then.model.calibration is not None for then in again.rules if then.unsure),
        failure,
    )


def _beside(frame: dict[str, Any]) -> Iterator[str]:
    """Names under which what a frame was counted from may be put into the folder."""
    item = frame["item"]
    named = [one["name"] for one in (item["picture"], *item["masks"])] if item else []
    for name in (frame["scene"]["path"].partition("#")[0], *named):
        yield from (name, f"{frame['folder']}/{PICTURE}/{name}")


def _site(folder: Path, told: dict[str, Any]) -> Site:
    path = folder / SITES
    site, *others = read_sites(path)
    if others or site.id != told["site"]:
        found = ", ".join(one.id for one in (site, *others))
        raise EvidenceInvalid(
            f"{path}: site {found}, the manifest says {told['site']}: the evidence contradicts itself"
        )
    if site.geometry_hash != told["geometry_sha256"]:
        raise EvidenceInvalid(
            f"{path}: zones of geometry hash {site.geometry_hash[:12]}…, the manifest says "
            f"{told['geometry_sha256'][:12]}…: the evidence contradicts itself"
        )
    return site


def _frames_compared(document: dict[str, Any], again: Again) -> list[tuple[list[str], list[Count]]]:
    """Of each frame a line for every count that differs, and its counts as they may be said."""
    beside = _CALIBRATED if again.unsure else frozenset()
    found: list[tuple[list[str], list[Count]]] = []
    for n, (scene, counts) in enumerate(zip(document["scenes"], again.frames, strict=False), start=1):
        where = f"{COUNTS}, scene {n}"
        compared = list(_compared(scene["counts"], counts, beside, of_archive=False))
        lines = list(_rows_differ(where, scene["counts"], counts))
        for one in compared:
            of = f"zone {one.published['zone']}, {one.published['class']}"
            for name, (before, after) in one.differs.items():
                lines.append(f"{where}, {of}: {name} {json.dumps(before)} instead of {json.dumps(after)}")
        found.append((lines, _as_said(compared, counts)))
    return found + [([], list(counts)) for counts in again.frames[len(found) :]]


def _retold(
    folder: Path, told: dict[str, Any], document: dict[str, Any], site: Site, again: Again, words: Told
) -> Iterator[str]:
    """A line for all that the folder says otherwise than it must, beside numbers, boxes and words."""
    yield from _rows_differ(f"{COUNTS}, look", document["look"]["counts"], again.counts)
    yield from document_differs(told, document, words)
    yield from facts_differ(folder, told, again)
    reasons = {reason for count in document["look"]["counts"] for reason in count["reasons"]}
    yield from look_differs(told, reasons)
    yield from site_differs(folder / SITES, site)
    yield from time_differs(told, words)


def _as_said(compared: Sequence[Compared], counts: Sequence[Count]) -> list[Count]:
    """Counts as they were published where they are the same, to the last digit of an estimate; else as they are."""
    said = {
        (one.published["zone"], one.published["class"]): Count.from_dict(one.published)
        for one in compared
        if not one.differs
    }
    return [said.get((count.zone, count.class_name), count) for count in counts]


def _rows_differ(where: str, published: Sequence[dict[str, Any]], counts: Sequence[Count]) -> Iterator[str]:
    """Zones and classes that are missing, or stand twice."""
    said = [(one["zone"], one["class"]) for one in published]
    for count in counts:
        times = said.count((count.zone, count.class_name))
        if times != 1:
            of = f"zone {count.zone}, {count.class_name}"
            yield f"{where}: {of}: {'no count' if not times else f'{times} counts'} instead of one"


def _by_hash(told: dict[str, Any]) -> Iterator[str]:
    """The files that nothing is made anew of."""
    card = told["model"]["card"]
    for name in sorted(told["files"]):
        if name.endswith(".png") or name == card:
            yield name


def _compared(
    published: Sequence[dict[str, Any]],
    counts: Sequence[Count],
    beside: Collection[str],
    *,
    of_archive: bool = True,
) -> Iterator[Compared]:
    """Each published number; the fields of `beside`, of which nothing can be told, left out."""
    found = {(c.zone, c.class_name): c.to_dict() for c in counts}
    for one in published:
        other = found.get((one["zone"], one["class"]))
        if other is None:
            raise EvidenceInvalid(
                f"{COUNTS}: zone {one['zone']} and class {one['class']} are not in the site file"
            )
        fields = [name for name in one | other if name not in beside]
        extra = _OF_THE_ARCHIVE if of_archive else frozenset()
        unknown = _OF_CALIBRATION if beside else frozenset()
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
    one, other = (
        [reason for reason in of if reason.partition(":")[0] not in unknown] for of in (said, found)
    )
    return len(one) == len(other) and all(map(_same_reason, one, other))


def _same_reason(one: str, other: str) -> bool:
    (word, _, share), (wanted, _, of_zone) = one.partition(":"), other.partition(":")
    if one == other or word != wanted:
        return one == other
    try:
        return abs(float(share) - float(of_zone)) <= _NEAR_SHARE
    except ValueError:
        return False
