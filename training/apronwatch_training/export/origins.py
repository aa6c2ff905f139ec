"""Where fitted weights come from: the run that made them, the tiles that it used, and what it began with."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apronwatch.engines.pinning import sha256_of
from apronwatch.engines.registry import Registry
from apronwatch.errors import CallInvalid, ConfigInvalid, DatasetInvalid, TilesInvalid
from apronwatch_datasets.preparing import Prepared
from apronwatch_training.export.learned import (
    Learned,
    Places,
    TrainingTiles,
    held_out_together,
    learned,
    training_tiles,
)
from apronwatch_training.fit.run import CHOSEN, CONFIG, FITTED
from apronwatch_training.fit.shares import chosen_tiles


@dataclass(frozen=True)
class Weights:
    """Fitted weights and where they come from.

    Attributes:
        path: the `.pt` file.
        tiles: what `data prepare` wrote and they learned from.
        start: the weights that the run began with; None without any, or if nothing tells.
        from_nothing: the run began with weights drawn at random.
        zoom: least and greatest scale at which the run showed its tiles; 1, 1 if nothing tells.
        chosen: names of the training tiles that the run used; None for all.
    """

    path: Path
    tiles: Path
    start: Path | None
    from_nothing: bool
    zoom: tuple[float, float] = (1.0, 1.0)
    chosen: frozenset[str] | None = None


@dataclass(frozen=True)
class Before:
    """What is known of what a run began with.

    Attributes:
        tiles: training tiles of the runs of ours before it.
        pinned: `data` and `terms` of the registry's weights that the first of them began with; None without any.
        places: `held_out` and `validated_on`; None if nothing tells.
        known: whether all is known that taught it.
    """

    tiles: TrainingTiles = field(default_factory=dict)
    pinned: tuple[str, str] | None = None
    places: tuple[Places, Places] | None = None
    known: bool = False


def find_weights(run_or_pt: Path, tiles: Path | None) -> Weights:
    """The weights of a run's folder, or of a file with the tiles that it learned from.

    Raises:
        CallInvalid: the run is not finished, or nothing tells the tiles.
        ConfigInvalid: the record of the run is damaged.
        TilesInvalid: the run used a share of its tiles, and nothing tells which.
    """
    if run_or_pt.is_dir():
        weights = run_or_pt / FITTED
        if not (weights.is_file() and (run_or_pt / CONFIG).is_file()):
            raise CallInvalid(f"{run_or_pt}: no {FITTED}; give the folder of a run that `train fit` finished")
        return _of_run(run_or_pt, tiles)
    if not run_or_pt.is_file() or run_or_pt.suffix != ".pt":
        raise CallInvalid(f"{run_or_pt}: expected the folder of a run, or a .pt file")
    if tiles is None:
        raise CallInvalid(
            f"{run_or_pt}: a file does not tell what it learned from; give its tiles with --tiles"
        )
    return Weights(run_or_pt, tiles, None, False)


def _of_run(run: Path, tiles: Path | None) -> Weights:
    try:
        config: dict[str, Any] = json.loads((run / CONFIG).read_text(encoding="utf-8"))
        start = config["start"]["weights"]
        tiles = tiles or Path(config["data"]["tiles"])
        shares: dict[str, float] = config["data"].get("shares", {})
        least, greatest = config.get("augment", {}).get("zoom", (1.0, 1.0))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigInvalid(
            f"{run / CONFIG}: no record of a run ({error}); restore it, or train again"
        ) from error
    return Weights(
        run / FITTED,
        tiles,
        Path(start) if start else None,
        not start,
        (least, greatest),
        _chosen(run, tiles, shares) if shares else None,
    )


def _chosen(run: Path, tiles: Path, shares: Mapping[str, float]) -> frozenset[str]:
    """Names of the tiles that a run listed, or else of those that it must have chosen."""
    listed = run / CHOSEN
    if listed.is_file():
        return frozenset(Path(line).stem for line in listed.read_text(encoding="utf-8").splitlines() if line)
    return frozenset(path.stem for path in chosen_tiles(tiles, shares))


def before(weights: Weights, registry: Registry) -> Before:
    """What the run of these weights began with: what a registry says, or else the run that made it."""
    if weights.from_nothing:
        return Before(known=True)
    start = weights.start
    if start is None or not start.is_file():
        return Before()
    sha256 = sha256_of(start)
    pinned = next((entry for entry, _ in registry.files if entry.sha256 == sha256), None)
    if pinned is None:
        return _before_of_run(start, registry)
    spec = registry.spec(pinned, start)
    places = None if spec.held_out is None else (spec.held_out, spec.validated_on)
    return Before(_before_of_run(start, registry).tiles, (spec.data, spec.terms), places, known=True)


def _before_of_run(start: Path, registry: Registry) -> Before:
    if start.name != FITTED or not (start.parent / CONFIG).is_file():
        return Before()
    try:
        made = find_weights(start.parent, None)
        prepared = Prepared.read(made.tiles)
        tiles, taught = training_tiles(prepared, made.chosen), learned(prepared, made.chosen)
    except (DatasetInvalid, TilesInvalid, ConfigInvalid):
        return Before()  # its tiles are gone
    earlier = before(made, registry)
    return Before({**earlier.tiles, **tiles}, earlier.pinned, places(made, taught, earlier), earlier.known)


def places(weights: Weights, taught: Learned, earlier: Before) -> tuple[Places, Places] | None:
    """Places that taught nothing, and those that tuned; None where what the run began with tells nothing of its own."""
    if weights.from_nothing:
        return taught.held_out, taught.validated_on
    return None if earlier.places is None else held_out_together(taught, earlier.places)
