"""Checking an evidence folder: its hashes, its numbers counted again, and all that says them anew."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from apronwatch.evidence.numbers import (
    OF_THE_ARCHIVE,
    Compared,
    as_said,
    compared,
    frames_compared,
    rows_differ,
)
from apronwatch.evidence.retold import (
    document_differs,
    same_program,
    site_differs,
    time_differs,
    told_again,
    words_differ,
)
from apronwatch.evidence.sources import NO_MASKS, MaskFiles
from apronwatch.evidence.told import COUNTS, SITES, Told
from apronwatch.evidence.vouched import weights_differ, words_as_told
from apronwatch.site import Site, read_sites


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
        trust: use weights that no registry names; take thresholds, calibration, terms and times as the folder has them.
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
    means = Means(scenes, masks, weights, trust, device, progress)
    return _counted_again(folder, told, means, unlisted)


def _counted_again(folder: Path, told: dict[str, Any], means: Means, unlisted: tuple[str, ...]) -> Verdict:
    """What became of a folder whose hashes fit."""
    site = _site(folder, told)
    document = documents.read(folder / COUNTS, documents.Counts)
    look, software = document["look"]["counts"], told["written_with"]["apronwatch"]
    failure = told["frames"][0]["failure"]
    again = count_again(folder, told, site, means) if failure is None else failed_again(site)
    numbers = tuple(compared(look, again.counts, unsure=bool(again.unsure)))
    boxes = [
        check_boxes(folder, frame, told["model"], software, found)
        for frame, found in zip(told["frames"], again.boxes, strict=bool(again.boxes))
    ]
    frames = frames_compared(document, again)
    words = told_again(told, site, as_said(numbers, again.counts), [said for _, said in frames])
    retold = [line for lines, _ in frames for line in lines]
    retold += _retold(folder, told, document, site, again, words)
    retold += [line for checked in boxes for line in checked.differs]
    reworded = (*words_differ(folder, told, words), *warnings_differ(told, again))
    ours = same_program(told)
    registered = weights_differ(folder, told["model"], again.model)
    return Verdict(
        changed=(),
        unlisted=unlisted,
        numbers=numbers,
        boxes=tuple(checked.counted for checked in boxes),
        retold=(*retold, *(reworded if ours else ())),
        settings=(*again.settings, *registered, *times_differ(told, again)),
        words=() if ours else tuple(f"{line} (written by apronwatch {software})" for line in reworded),
        trust=means.trust,
        by_hash=tuple(_by_hash(told)),
        as_told=as_told(told),
        said=tuple(words_as_told(told, look, sorted(OF_THE_ARCHIVE))),
        notes=tuple(item_notes(told, again)),
        unsure=again.unsure,
        calibrated=any(then.model.calibration is not None for then in again.rules if then.unsure),
        failure=failure,
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


def _retold(
    folder: Path, told: dict[str, Any], document: dict[str, Any], site: Site, again: Again, words: Told
) -> Iterator[str]:
    """A line for all that the folder says otherwise than it must, beside numbers, boxes and words."""
    yield from rows_differ(f"{COUNTS}, look", document["look"]["counts"], again.counts)
    yield from document_differs(told, document, words)
    yield from facts_differ(folder, told, again)
    reasons = {reason for count in document["look"]["counts"] for reason in count["reasons"]}
    yield from look_differs(told, reasons)
    yield from site_differs(folder / SITES, site)
    yield from time_differs(told, words)


def _by_hash(told: dict[str, Any]) -> Iterator[str]:
    """The files that nothing is made anew of."""
    card = told["model"]["card"]
    for name in sorted(told["files"]):
        if name.endswith(".png") or name == card:
            yield name
