"""Checking an evidence folder: its hashes, its scene, and its numbers counted again."""

import json
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from apronwatch.counting import count_run
from apronwatch.counts import Count
from apronwatch.detections import Detections
from apronwatch.engines import Engine
from apronwatch.engines.registry import ModelSpec
from apronwatch.errors import EvidenceInvalid, Uncheckable
from apronwatch.evidence import manifest
from apronwatch.evidence.boxes import boxes_of
from apronwatch.evidence.looks import counts_of
from apronwatch.evidence.matching import Matched, match
from apronwatch.evidence.rules import check_as_then, rules_then
from apronwatch.evidence.sources import NO_MASKS, MaskFiles, masks_again, reopened, same_engine
from apronwatch.evidence.words import SITES
from apronwatch.interchange import geojson
from apronwatch.observation import Frame
from apronwatch.pipeline import detect
from apronwatch.plan import make_plan
from apronwatch.remote import is_url
from apronwatch.run import PIPELINE_VERSION
from apronwatch.scene import Scene
from apronwatch.sceneinfo import SceneInfo
from apronwatch.site import Site, read_sites

TOLERANCE = 1e-4
"""Numbers that are no integers (shares, estimates) may differ by so much: processors round differently."""

_NOT_COMPARED = frozenset({"site", "zone", "class", "reasons"})
"""Of a count: its name, and words that tell of the archive which it was taken from."""

_CALIBRATED = frozenset({"estimate", "low", "high"})
"""Of a count: what rests on the calibration of the weights."""

Progress = Callable[[int, int], None]
"""Called with (tiles done, tiles in all) of each frame."""


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
        notes: in what the registry of here differs from what they were counted by.
        unsure: why nothing can be told of estimates and intervals, which then are not compared; empty where it can.
        failure: why the run failed whose evidence this is; then there is no number to compare.
    """

    changed: tuple[str, ...]
    unlisted: tuple[str, ...]
    numbers: tuple[Compared, ...] = ()
    boxes: tuple[Matched, ...] = ()
    notes: tuple[str, ...] = ()
    unsure: str = ""
    failure: str | None = None

    @property
    def same(self) -> bool:
        """Nothing was changed, and every number and box is the same."""
        differs = any(c.differs for c in self.numbers) or any(len(m.lost) + len(m.gained) for m in self.boxes)
        return not self.changed and not differs

    @property
    def undecided(self) -> bool:
        """What differs may be due to other rules, or what was not compared was published."""
        intervals = any(c.published.get(name) is not None for c in self.numbers for name in _CALIBRATED)
        return bool(self.unsure) and (intervals or not self.same)


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
    """Check every hash of an evidence folder, count its look again, and compare.

    Args:
        folder: that `write_evidence` made.
        scenes: where its scenes may lie; by default under their names in the folder, beside it, or in the
            working folder.
        masks: what their masks may be, where the folder does not hold them.
        weights: a weights file; by default those of the registry with the same SHA-256.
        trust: use weights that no registry names.
        device: see `load_engine`.
        progress: told how far it is.

    Raises:
        EvidenceInvalid: no evidence, or evidence that contradicts itself.
        Uncheckable: a scene, a mask or the weights are missing, or this program counts by other settings.
        ModelCorrupted: the weights of the registry were changed.
    """
    told = manifest.read(folder)
    names = [frame["scene"]["path"].partition("#")[0] for frame in told["frames"]]
    changed = tuple(manifest.changed(folder, told["files"]))
    unlisted = tuple(manifest.unlisted(folder, told["files"], names))
    if changed:
        return Verdict(changed, unlisted)
    site, published = _published(folder, told)
    failures = [frame["failure"] for frame in told["frames"] if frame["failure"] is not None]
    if failures:
        return Verdict((), unlisted, failure=failures[0])
    model = told["model"]
    engine = same_engine(model["name"], model["sha256"], weights, device, trust)
    known = [rules_then(folder, frame, engine.model) for frame in told["frames"]]
    unsure = next((then.unsure for then in known if then.unsure), "")
    frames = [
        _counted(folder, frame, site, engine, then.model, scenes, masks, progress)
        for frame, then in zip(told["frames"], known, strict=True)
    ]
    counts = counts_of(frames, site)
    boxes = [
        match(
            _published_boxes(folder / frame["folder"] / "boxes.geojson"), of.run.detections.select(of.counted)
        )
        for frame, of in zip(told["frames"], boxes_of(frames, site), strict=True)
    ]
    numbers = tuple(_compared(published, counts, _CALIBRATED if unsure else frozenset()))
    notes = tuple(dict.fromkeys(note for then in known for note in then.notes))
    return Verdict((), unlisted, numbers, tuple(boxes), notes, unsure)


def _published(folder: Path, told: dict[str, Any]) -> tuple[Site, list[dict[str, Any]]]:
    """The site and the counts of the look."""
    site = read_sites(folder / SITES)[0]
    if site.geometry_hash != told["geometry_sha256"]:
        raise EvidenceInvalid(
            f"{folder / SITES}: zones of geometry hash {site.geometry_hash[:12]}…, the manifest says "
            f"{told['geometry_sha256'][:12]}…: the evidence contradicts itself"
        )
    counts: list[dict[str, Any]] = json.loads((folder / "counts.json").read_bytes())["look"]["counts"]
    return site, counts


def _counted(
    folder: Path,
    told: dict[str, Any],
    site: Site,
    engine: Engine,
    then: ModelSpec,
    scenes: Sequence[str],
    masks: MaskFiles,
    progress: Progress | None,
) -> Frame:
    """One frame, counted again with the settings that it was published with; `then` has thresholds and calibration."""
    facts = SceneInfo.from_dict(told["scene"])
    with reopened(facts, _places(folder, facts.path, scenes)) as scene:
        _check_settings(told, scene, site, engine)
        laid = masks_again(scene, site, told["masks_sha256"] or "", _own_masks(folder, told, masks))
        found = detect(scene, engine, site, masks=laid.masks, progress=progress)
    run = replace(found, thresholds=told["thresholds"])
    return Frame(run, tuple(count_run(run, site, then)))


def _places(folder: Path, name: str, scenes: Sequence[str]) -> list[str]:
    """Where a scene may lie: of those named first the one of its name."""
    if scenes:
        bare = name.partition("#")[0]
        return sorted(scenes, key=lambda place: Path(place.partition("#")[0]).name != bare)
    if is_url(name):
        return [name]
    return [str(place / name) for place in (folder, folder.resolve().parent, Path())]


def _own_masks(folder: Path, told: dict[str, Any], given: MaskFiles) -> MaskFiles:
    """The mask in the folder, or those that were named."""
    mask = told["mask"]
    if mask is None or mask["file"] is None:
        return given
    return MaskFiles((folder / mask["file"],), tuple(mask["hides"]) if mask["hides"] else None)


def _check_settings(told: dict[str, Any], scene: Scene, site: Site, engine: Engine) -> None:
    """Other settings give other numbers, and that would say nothing of those that were published."""
    now = {
        **make_plan(scene, engine.model, engine.precision, site).parameters,
        "pipeline": PIPELINE_VERSION,
    }
    then = {**told["parameters"], "pipeline": told["pipeline_version"]}
    # Through JSON, as the manifest went: a tuple is a list there.
    others = [name for name in then | now if then.get(name) != json.loads(json.dumps(now.get(name)))]
    if others:
        name = others[0]
        raise Uncheckable(
            f"counted with other settings than here: {name} {then.get(name)}, here {now.get(name)}; "
            f"{check_as_then(told)}"
        )


def _published_boxes(path: Path) -> Detections:
    """The boxes of a frame that count."""
    boxes = geojson.read(path, None)
    features = json.loads(path.read_bytes())["features"]
    return boxes.select([feature["properties"]["counted"] for feature in features])


def _compared(
    published: Sequence[dict[str, Any]], counts: Sequence[Count], beside: Collection[str]
) -> Iterator[Compared]:
    """Each published number; the fields of `beside`, of which nothing can be told, left out."""
    found = {(c.zone, c.class_name): c.to_dict() for c in counts}
    for one in published:
        other = found.get((one["zone"], one["class"]))
        if other is None:
            raise EvidenceInvalid(
                f"counts.json: zone {one['zone']} and class {one['class']} are not in the site file"
            )
        fields = [name for name in one | other if name not in _NOT_COMPARED | set(beside)]
        differs = {n: (one.get(n), other.get(n)) for n in fields if not _equal(one.get(n), other.get(n))}
        yield Compared(one, other, differs)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(a == b)
