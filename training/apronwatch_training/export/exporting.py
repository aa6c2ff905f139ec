"""Fitted weights as a folder that counts: ONNX files, checked on real tiles, and the registry that names them."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apronwatch.engines.entries import FileEntry
from apronwatch.engines.export import FULL, HALF
from apronwatch.engines.export import export as export_onnx
from apronwatch.engines.onnx import OnnxEngine
from apronwatch.engines.pinning import sha256_of
from apronwatch.engines.registry import Registry, load_registry
from apronwatch.engines.specs import ModelSpec
from apronwatch.engines.torch import TorchEngine
from apronwatch.errors import (
    CallInvalid,
    ConfigInvalid,
    DatasetInvalid,
    ModelInvalid,
    OutputInvalid,
    TilesInvalid,
)
from apronwatch.interchange.files import save
from apronwatch_datasets.preparing import Prepared
from apronwatch_training.export.describing import described, entry, remarks
from apronwatch_training.export.fragment import registry_text
from apronwatch_training.export.learned import Learned, Places, held_out_together, learned
from apronwatch_training.export.parity import Parity, busiest_tiles, compare
from apronwatch_training.fit.run import CONFIG, FITTED


@dataclass(frozen=True)
class Weights:
    """Fitted weights and where they come from.

    Attributes:
        path: the `.pt` file.
        tiles: what `data prepare` wrote and they learned from.
        start: the weights that the run began with; None without any, or if nothing tells.
        from_nothing: the run began with weights drawn at random.
        zoom: least and greatest scale at which the run showed its tiles; 1, 1 if nothing tells.
    """

    path: Path
    tiles: Path
    start: Path | None
    from_nothing: bool
    zoom: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class Made:
    """One ONNX file that was written, with its parity on real tiles."""

    path: Path
    sha256: str
    size_bytes: int
    parity: Parity


def find_weights(run_or_pt: Path, tiles: Path | None) -> Weights:
    """The weights of a run's folder, or of a file with the tiles that it learned from.

    Raises:
        CallInvalid: the run is not finished, or nothing tells the tiles.
    """
    if run_or_pt.is_dir():
        weights = run_or_pt / FITTED
        if not (weights.is_file() and (run_or_pt / CONFIG).is_file()):
            raise CallInvalid(f"{run_or_pt}: no {FITTED}; give the folder of a run that `train fit` finished")
        config: dict[str, Any] = json.loads((run_or_pt / CONFIG).read_text(encoding="utf-8"))
        start = config["start"]["weights"]
        least, greatest = config.get("augment", {}).get("zoom", (1.0, 1.0))
        return Weights(
            weights,
            tiles or Path(config["data"]["tiles"]),
            Path(start) if start else None,
            not start,
            (least, greatest),
        )
    if not run_or_pt.is_file() or run_or_pt.suffix != ".pt":
        raise CallInvalid(f"{run_or_pt}: expected the folder of a run, or a .pt file")
    if tiles is None:
        raise CallInvalid(
            f"{run_or_pt}: a file does not tell what it learned from; give its tiles with --tiles"
        )
    return Weights(run_or_pt, tiles, None, False)


def export(
    weights: Weights, name: str, out: Path, *, half: bool = False, gsds_m: Mapping[str, float] | None = None
) -> tuple[list[Made], Learned]:
    """Write ONNX files and a registry into a folder that can stand for the user's weights as it is.

    Args:
        weights: from `find_weights`.
        name: of the model.
        out: a folder without a registry.
        half: a file in half precision besides.
        gsds_m: class -> GSD of the pass that reports it; "" for all others. By default the usual one of its tiles.

    Raises:
        CallInvalid: the name is taken, or a GSD is not one that was learned.
        ModelInvalid: not `.pt` weights of our classes, or an ONNX file gives something else than they do.
        OutputInvalid: `out` holds a registry, or cannot be written.
        DatasetInvalid, TilesInvalid, ConfigInvalid: the tiles do not say what was learned.
    """
    known = load_registry()
    if name in known.models:
        raise CallInvalid(f"a registry names {name!r} already; give another --name")
    if (out / "registry.toml").exists():
        raise OutputInvalid(f"{out}: holds a registry.toml, which is not written over; give a new folder")
    prepared = Prepared.read(weights.tiles)
    taught = learned(prepared)
    model = described(weights.path, name, taught, gsds_m or {}, weights.zoom)
    tiles = busiest_tiles(prepared)
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for is_half in (False, True)[: 2 if half else 1]:
            file = Path(folder) / f"{name}{'-fp16' if is_half else ''}.onnx"
            made.append(_one(model, file, tiles, half=is_half))
        _make_folder(out)
        for each in made:
            save(out / each.path.name, each.path.read_bytes())
    places = _places(weights, taught, known)
    text = registry_text(entry(model, taught, places), _files(model, made), remarks(taught, places))
    save(out / "registry.toml", text.encode())
    return [Made(out / m.path.name, m.sha256, m.size_bytes, m.parity) for m in made], taught


def _one(model: ModelSpec, file: Path, tiles: NDArray[np.uint8], *, half: bool) -> Made:
    written = export_onnx(model, file, half=half)
    exported = replace(model, path=file, sha256=written.sha256, format="onnx")
    parity = compare(TorchEngine(model, "cpu"), OnnxEngine(exported, "cpu"), tiles)
    allowed = HALF if half else FULL
    if parity.score_difference > allowed.score or parity.box_difference_px > allowed.box_px:
        raise ModelInvalid(
            f"{model.path.name}: its ONNX export is not the same: {parity.said}; allowed are {allowed.score} and "
            f"{allowed.box_px} px; nothing was written"
        )
    return Made(file, written.sha256, written.size_bytes, parity)


def _places(weights: Weights, taught: Learned, known: Registry) -> tuple[Places, Places] | None:
    """Places that taught nothing, and those that tuned; None where what the run began with tells nothing of its own."""
    if weights.from_nothing:
        return taught.held_out, taught.validated_on
    before = _places_before(weights.start, known) if weights.start is not None else None
    return None if before is None else held_out_together(taught, before)


def _places_before(start: Path, known: Registry) -> tuple[Places, Places] | None:
    """The same of weights that a run began with: what a registry says of them, or else the run that made them."""
    if not start.is_file():
        return None
    sha256 = sha256_of(start)
    pinned = [entry for entry, _ in known.files if entry.sha256 == sha256]
    if pinned:
        spec = known.spec(pinned[0], start)
        return None if spec.held_out is None else (spec.held_out, spec.validated_on)
    if start.name != FITTED or not (start.parent / CONFIG).is_file():
        return None
    made = find_weights(start.parent, None)
    try:
        taught = learned(Prepared.read(made.tiles))
    except (DatasetInvalid, TilesInvalid, ConfigInvalid):
        return None  # its tiles are gone
    return _places(made, taught, known)


def _files(model: ModelSpec, made: Sequence[Made]) -> list[FileEntry]:
    """The ONNX files, that in full precision first, and the weights themselves, known by their hash."""
    onnx = [
        FileEntry(
            model=model.name,
            file=each.path.name,
            format="onnx",
            sha256=each.sha256,
            origin=f"exported from the .pt below, raw one-to-many head; {each.parity.said}",
        )
        for each in made
    ]
    return [*onnx, FileEntry(model=model.name, format="torch", sha256=model.sha256, origin="as trained")]


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputInvalid(f"{out}: cannot be made ({error.strerror}); give another folder") from error
