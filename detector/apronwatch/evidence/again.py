"""The look of an evidence folder counted again, with what its manifest says that it was counted with."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from apronwatch.counting import count_run
from apronwatch.counts import Count, failed_counts
from apronwatch.engines import Engine
from apronwatch.errors import EvidenceInvalid, Uncheckable
from apronwatch.evidence.boxes import Boxes, boxes_of
from apronwatch.evidence.commands import PICTURE
from apronwatch.evidence.items import item_of
from apronwatch.evidence.looks import counts_of
from apronwatch.evidence.manifest import NAME
from apronwatch.evidence.rules import Then, check_as_then, rules_then
from apronwatch.evidence.sources import FoundMasks, MaskFiles, masks_again, reopened, same_engine
from apronwatch.evidence.told import ItemTold
from apronwatch.observation import Frame
from apronwatch.pipeline import detect
from apronwatch.plan import make_plan
from apronwatch.remote import is_url
from apronwatch.run import PIPELINE_VERSION, ModelInfo
from apronwatch.scene import Scene
from apronwatch.sceneinfo import SceneInfo
from apronwatch.site import Site
from apronwatch.times import AcquisitionTime

Progress = Callable[[int, int], None]
"""Called with (tiles done, tiles in all) of each frame."""


@dataclass(frozen=True)
class Means:
    """What a user gives to count with: see `verify`."""

    scenes: Sequence[str]
    masks: MaskFiles
    weights: str | None
    trust: bool
    device: str
    progress: Progress | None


@dataclass(frozen=True, eq=False)
class Again:
    """What counting again gave.

    Attributes:
        counts: of the look.
        frames: the counts of each frame.
        boxes: of each frame; none of a failed look, which is not counted again.
        model: what is known here of the weights; None of a failed look.
        scenes: the facts of each picture, as it was found.
        masks: what was laid over each.
        items: the STAC item that each was found by.
        rules: by what each frame was counted.
        times: what each picture says of its time.
    """

    counts: tuple[Count, ...]
    frames: tuple[tuple[Count, ...], ...]
    boxes: tuple[Boxes, ...] = ()
    model: ModelInfo | None = None
    scenes: tuple[SceneInfo, ...] = ()
    masks: tuple[FoundMasks, ...] = ()
    items: tuple[ItemTold | None, ...] = ()
    rules: tuple[Then, ...] = ()
    times: tuple[tuple[AcquisitionTime, ...], ...] = ()

    @property
    def unsure(self) -> str:
        """Why nothing can be told of estimates and intervals; empty where it can."""
        return next((then.unsure for then in self.rules if then.unsure), "")

    @property
    def settings(self) -> tuple[str, ...]:
        """In what the registry of here differs from what the frames were counted by."""
        return tuple(dict.fromkeys(line for then in self.rules for line in then.settings))


def failed_again(site: Site) -> Again:
    """What a failed look says: no number."""
    nothing = tuple(failed_counts(site))
    return Again(nothing, (nothing,))


def count_again(folder: Path, told: dict[str, Any], site: Site, means: Means) -> Again:
    """Every frame of a manifest counted again; see `verify` for what it raises."""
    model = told["model"]
    engine = same_engine(model["name"], model["sha256"], means.weights, means.device, means.trust)
    rules = tuple(rules_then(folder, frame, engine.model) for frame in told["frames"])
    counted = [
        _counted(folder, frame, site, engine, then, means)
        for frame, then in zip(told["frames"], rules, strict=True)
    ]
    frames = [one.frame for one in counted]
    return Again(
        counts_of(frames, site),
        tuple(frame.counts for frame in frames),
        tuple(boxes_of(frames, site)),
        frames[0].run.model,
        tuple(one.scene for one in counted),
        tuple(one.masks for one in counted),
        tuple(one.item for one in counted),
        rules,
        tuple(one.times for one in counted),
    )


class _Counted(NamedTuple):
    frame: Frame
    scene: SceneInfo
    masks: FoundMasks
    item: ItemTold | None
    times: tuple[AcquisitionTime, ...]


def _counted(
    folder: Path, told: dict[str, Any], site: Site, engine: Engine, then: Then, means: Means
) -> _Counted:
    """One frame with the settings that it was published with, and from what."""
    facts = SceneInfo.from_dict(told["scene"])
    with reopened(facts, _places(folder, told, means.scenes)) as scene:
        _check_settings(told, scene, site, engine)
        laid = masks_again(scene, site, told["masks_sha256"] or "", _own_masks(folder, told, means.masks))
        found = detect(scene, engine, site, masks=laid.masks, progress=means.progress)
        if told["thresholds"].keys() != found.thresholds.keys():
            raise EvidenceInvalid(
                f"{folder / NAME}: {told['folder']}: thresholds of {', '.join(told['thresholds']) or 'no class'}; "
                f"expected those of {', '.join(found.thresholds)}: the evidence contradicts itself"
            )
        run = replace(found, thresholds=told["thresholds"])
        frame = Frame(run, tuple(count_run(run, site, then.model)))
        return _Counted(frame, scene.info, laid, item_of(scene.path), scene.own_times)


def _places(folder: Path, told: dict[str, Any], scenes: Sequence[str]) -> list[str]:
    """Where a scene may lie: of those named first the one of its name."""
    name = told["scene"]["path"]
    if scenes:
        bare = name.partition("#")[0]
        return sorted(scenes, key=lambda place: Path(place.partition("#")[0]).name != bare)
    if is_url(name):
        return [name]
    own = folder / told["folder"] / PICTURE
    return [str(place / name) for place in (own, folder, folder.resolve().parent, Path())]


def _own_masks(folder: Path, told: dict[str, Any], given: MaskFiles) -> MaskFiles:
    """The mask in the folder, or those that were named."""
    mask = told["mask"]
    if mask is None or mask["file"] is None:
        return given
    return MaskFiles((folder / mask["file"],), (tuple(mask["hides"]),) if mask["hides"] else ())


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
