"""The facts of a registry entry, from what weights learned."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from apronwatch.engines.entries import ClassEntry, ModelEntry
from apronwatch.engines.pinning import sha256_of
from apronwatch.engines.specs import ClassSpec, ModelSpec
from apronwatch.engines.torch import load_network
from apronwatch.errors import CallInvalid, ModelInvalid
from apronwatch.lattice import LEAST_STRIDE_PX, overlap_for
from apronwatch.taxonomy import CLASSES
from apronwatch_training.export.fragment import places_as_lists
from apronwatch_training.export.learned import Learned, Places, licences, titles
from apronwatch_training.export.origins import Before

FIRST_THRESHOLD = 0.25
"""Until `train thresholds` has measured a better one."""

TILE_PX = 640
"""The fastest on two cores with the bundled weights; larger where the longest object needs it."""

LARGEST_TILE_PX = 1536

LENGTHS_M: Mapping[str, tuple[float, float]] = {
    "plane": (10.0, 73.3),  # light aircraft; An-124 by its span
    "helicopter": (10.0, 40.0),  # Mi-26, rotor turning
    "vehicle_small": (4.0, 7.0),
    "vehicle_large": (6.0, 30.0),
    "ship": (15.0, 400.0),  # a container ship
}
"""Smallest usual and longest object of each class, as in the bundled registry."""

LEAST_PX = 8.0
FINEST_M = 0.1
"""Finer scenes are averaged down to the pass; what they show then is known down to here."""

UNKNOWN = "what the weights that it began with learned from, which is not known"
"""Beside the datasets in `data`, where nothing tells of the start."""

_TERMS = "Those of the data that it learned from: "

BEYOND = 1.25
"""How far a pass, or a scene's own GSD, may lie beyond those of the training tiles; a pass as far as zoom went, too."""


def described(
    path: Path,
    name: str,
    taught: Learned,
    gsds_m: Mapping[str, float],
    zoom: tuple[float, float] = (1.0, 1.0),
) -> ModelSpec:
    """What a registry will say of a `.pt` file.

    Args:
        path: the weights.
        name: of the model.
        taught: what they learned.
        gsds_m: class -> GSD of the pass that reports it; "" for all others.
        zoom: least and greatest scale at which the tiles were shown.

    Raises:
        CallInvalid: a GSD is missing, or not one that was learned, or no tile holds the longest object at it.
        ModelInvalid: the file holds no weights of our classes.
    """
    sha256 = sha256_of(path)
    bare = ModelSpec(name, path, sha256, "torch", (), (), {}, TILE_PX, 4)
    names = load_network(bare).names
    source = tuple(str(names[k]) for k in sorted(names))
    strangers = set(source) - set(CLASSES)
    if strangers or not set(source) >= set(taught.labels):
        raise ModelInvalid(
            f"{path}: knows {', '.join(source)}; its tiles teach {', '.join(taught.labels)}: expected the weights that "
            "`train fit` made of these tiles"
        )
    classes = {
        c: _class(c, taught, gsds_m.get(c, gsds_m.get("")), zoom) for c in source if c in taught.labels
    }
    return ModelSpec(
        name,
        path,
        sha256,
        "torch",
        source_classes=source,
        outputs=tuple(c if c in classes else None for c in source),
        classes=classes,
        tile_px=_tile_px(classes),
        batch=4,
    )


def entry(
    model: ModelSpec, taught: Learned, before: Before, places: tuple[Places, Places] | None
) -> ModelEntry:
    """The facts of a registry entry.

    Args:
        model: from `described`.
        taught: what it learned.
        before: what is known of what it began with.
        places: `held_out` and `validated_on`.
    """
    specs = {name: asdict(spec) for name, spec in model.classes.items()}
    return ModelEntry(
        name=model.name,
        source_classes=list(model.source_classes),
        class_map={name: name for name in model.classes},
        classes={
            name: ClassEntry(**{key: value for key, value in spec.items() if key != "name"})
            for name, spec in specs.items()
        },
        tile_px=model.tile_px,
        batch=model.batch,
        data=_data(taught, before),
        terms=_terms(taught, before),
        source="Ultralytics oriented boxes (AGPL-3.0), fitted with `apronwatch train fit`",
        held_out=places_as_lists(places[0]) if places else None,
        validated_on=places_as_lists(places[1]) if places else {},
    )


def _data(taught: Learned, before: Before) -> str:
    """Of the run's tiles, those of earlier runs, and the weights before them: each once."""
    earlier = before.pinned[0].split("; ") if before.pinned else []
    unknown = [] if before.known else [UNKNOWN]
    return "; ".join(dict.fromkeys([*titles(taught.datasets), *earlier, *unknown]))


def _terms(taught: Learned, before: Before) -> str:
    """The same of terms."""
    earlier = before.pinned[1].removeprefix(_TERMS) if before.pinned else ""
    own = [told for told in licences(taught.datasets) if told not in earlier]
    unknown = [] if before.known else ["and those of the weights that it began with, which are not known"]
    return _TERMS + "; ".join([*own, *([earlier] if earlier else []), *unknown])


def remarks(taught: Learned, places: tuple[Places, Places] | None) -> list[str]:
    """What a person should know before putting the entry into a registry, a line each."""
    few = ", ".join(f"{name} ({n})" for name, n in taught.too_few.items())
    lines = ["Written by `apronwatch train export`. Read `terms` and `native_gsd_m` before using it."]
    if few:
        lines.append(f"Not modelled, because there were too few labels to learn from: {few}.")
    if places is None:
        lines.append("No [models.held_out]: nothing tells what the weights that the run began with had seen.")
    return lines


def _class(name: str, taught: Learned, gsd_m: float | None, zoom: tuple[float, float]) -> ClassSpec:
    learned_at = taught.gsds_m.get(name)
    if learned_at is None and gsd_m is None:
        raise CallInvalid(
            f"the GSD of all tiles that teach {name} is unknown; tell its pass with --gsd {name}=METRES"
        )
    least, usual, greatest = learned_at or (gsd_m or 0.0,) * 3
    at = usual if gsd_m is None else gsd_m
    finest, coarsest = least / max(BEYOND, zoom[1]), greatest * max(BEYOND, 1 / zoom[0])
    if not finest <= at <= coarsest:
        raise CallInvalid(
            f"{name}: a pass at {at:g} m, its tiles are at {least:g} to {greatest:g} m; give a GSD that was learned, "
            f"from {finest:.2g} to {coarsest:.2g} m"
        )
    smallest_m, longest_m = LENGTHS_M[name]
    return ClassSpec(
        name=name,
        threshold=FIRST_THRESHOLD,
        training_gsd_m=usual,
        native_gsd_m=(min(FINEST_M, least), round(greatest * BEYOND, 3)),
        min_length_px=max(LEAST_PX, taught.min_px),
        typical_min_length_m=smallest_m,
        longest_m=longest_m,
        pass_gsd_m=at,
        synthetic_only=name in taught.drawn,
    )


def _tile_px(classes: Mapping[str, ClassSpec]) -> int:
    """The least tile from `TILE_PX` up, in steps of 128 px, of which no overlap takes more than half, if one is.

    The pixels that are looked at grow with the square of tile over stride: at half they are four times the scene's.
    """
    needed = TILE_PX
    for name, spec in classes.items():
        overlap = overlap_for(spec.longest_m, spec.pass_gsd_m)
        least = overlap + LEAST_STRIDE_PX
        if least > LARGEST_TILE_PX:
            raise CallInvalid(
                f"{name}: {spec.longest_m:g} m at {spec.pass_gsd_m:g} m need tiles of {least} px, at most "
                f"{LARGEST_TILE_PX} are made; learn it at a coarser GSD and give --gsd {name}=METRES"
            )
        needed = max(needed, -(-max(least, min(2 * overlap, LARGEST_TILE_PX)) // 128) * 128)
    return needed
