"""What a number was counted from, found again: scenes and masks by their hashes, weights by theirs."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from apronwatch.engines import Engine, load_engine
from apronwatch.engines.registry import ModelSpec, find_model, load_registry
from apronwatch.errors import ApronwatchError, MaskInvalid, Uncheckable
from apronwatch.evidence.names import scene_name
from apronwatch.masking import Masks, open_mask, open_masks
from apronwatch.remote import is_url
from apronwatch.scene import Scene
from apronwatch.sceneinfo import SceneInfo
from apronwatch.site import Site


@dataclass(frozen=True)
class MaskFiles:
    """Mask files that a user says may belong to a scene; which does is told by the run's `masks_hash`.

    Attributes:
        files: each of them.
        hides: the values of a mask of classes that hide, where they were named: each of these is tried on each file.
    """

    files: tuple[Path, ...] = ()
    hides: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def among(cls, paths: Sequence[Path], *hides: tuple[int, ...] | None) -> Self:
        """The files, and all files of the folders, among some paths; raises `MaskInvalid` for one that is not there."""
        files: list[Path] = []
        for path in paths:
            if not path.exists():
                raise MaskInvalid(f"{path}: no such mask file or folder; give what hid the clouds of a scene")
            files += sorted(f for f in path.iterdir() if f.is_file()) if path.is_dir() else [path]
        return cls(tuple(files), tuple(values for values in hides if values))


NO_MASKS = MaskFiles()


@dataclass(frozen=True, eq=False)
class FoundMasks:
    """The masks of a run, found again.

    Attributes:
        masks: to be laid over the scene.
        file, hides: what its user gave; None without.
        item: whether the masks of its STAC item are among them.
    """

    masks: Masks
    file: Path | None
    hides: tuple[int, ...] | None
    item: bool


@contextmanager
def reopened(facts: SceneInfo, places: Iterable[str]) -> Iterator[Scene]:
    """The same bits, open, from the first place where they lie; undated, for their time is the archive's.

    Args:
        facts: of the scene.
        places: paths, addresses or STAC items.

    Raises:
        Uncheckable: none of the places holds them; the message says what lies there.
    """
    found = []
    for place in dict.fromkeys(places):
        if not is_url(place) and not _is_file(place.partition("#")[0]):
            continue
        try:
            scene = Scene.open(place, undated=True, gsd_m=facts.gsd_m if facts.crs is None else None)
            identity = scene.info.identity
        except ApronwatchError as error:
            found.append(str(error))
            continue
        if identity == facts.identity:
            with scene:
                yield scene
            return
        scene.close()
        found.append(f"{place} is another picture ({identity})")
    what = "; ".join(found) or "no file of that name was found"
    raise Uncheckable(f"scene {scene_name(facts.path)} ({facts.identity}): {what}")


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:  # a name that no file can have
        return False


def masks_again(scene: Scene, site: Site, key: str, given: MaskFiles) -> FoundMasks:
    """The masks whose `Masks.key` a run was archived with.

    Args:
        scene: opened without a mask of its user.
        site: that was counted.
        key: the run's `masks_hash`; empty for a run without masks.
        given: what its user's mask may be.

    Raises:
        Uncheckable: none of them is it.
    """
    crs = site.utm_crs
    item = open_masks(scene, crs)
    for own, with_item in ((item, True), (Masks(), False)):
        if own.key == key:
            return FoundMasks(own, None, None, with_item)
        for file in given.files:
            for hides in (None, *given.hides):
                try:
                    layer = open_mask(file, scene.info, crs, hides)
                except MaskInvalid:
                    continue  # the mask of another scene, or none at all
                masks = Masks((layer, *own.layers), own.notes)
                if masks.key == key:
                    return FoundMasks(masks, file, hides, with_item)
    if not key:
        return FoundMasks(Masks(), None, None, False)
    raise Uncheckable(
        f"scene {scene_name(scene.path)}: its mask (hash {key[:12]}…) is not at hand; name the file, or its folder, "
        "with --mask (and --mask-hides as it was counted with)"
    )


def known_weights(sha256: str) -> ModelSpec | None:
    """What a registry of this machine says of a weights file."""
    return next((spec for spec in load_registry().specs() if spec.sha256 == sha256), None)


def named_weights(spec: ModelSpec) -> bool:
    """Whether the name alone, given to `--model`, means this very file."""
    first = load_registry().files_of(spec.name)
    return bool(first) and first[0][0].sha256 == spec.sha256


def same_engine(name: str, sha256: str, file: str | None, device: str, trust: bool) -> Engine:
    """The engine of the very same weights.

    Args:
        name: of the weights.
        sha256: of their file.
        file: where they lie, or their name in the registry; by default those that a registry pins.
        device: see `load_engine`.
        trust: use a file that no registry pins.

    Raises:
        Uncheckable: other weights, or none.
        ModelCorrupted, ModelUnknown: see `find_model`.
    """
    spec = find_model(file, trust=trust) if file is not None else known_weights(sha256)
    if spec is None:
        raise Uncheckable(
            f"weights {name} (SHA-256 {sha256[:12]}…) are in no registry of this machine; "
            "get them (`apronwatch models fetch`), or give the file with --model FILE --trust"
        )
    if spec.sha256 != sha256:
        raise Uncheckable(
            f"weights {spec.name} have SHA-256 {spec.sha256[:12]}…, counted was with {name}, {sha256[:12]}…: "
            "other weights give other numbers"
        )
    return load_engine(spec, device)
