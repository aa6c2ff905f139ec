"""Fitted weights as a folder that counts: ONNX files, checked on real tiles, and the registry that names them."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apronwatch.engines.entries import NAME, FileEntry
from apronwatch.engines.export import FULL, HALF
from apronwatch.engines.export import export as export_onnx
from apronwatch.engines.onnx import OnnxEngine
from apronwatch.engines.registry import load_registry
from apronwatch.engines.specs import ModelSpec
from apronwatch.engines.torch import TorchEngine
from apronwatch.errors import CallInvalid, ModelInvalid, OutputInvalid
from apronwatch.interchange.files import save
from apronwatch_datasets.preparing import Prepared
from apronwatch_training.export.describing import described, entry, remarks
from apronwatch_training.export.fragment import registry_text
from apronwatch_training.export.learned import Learned, learned
from apronwatch_training.export.origins import Weights, before, places
from apronwatch_training.export.parity import Parity, busiest_tiles, compare


@dataclass(frozen=True)
class Made:
    """One ONNX file that was written, with its parity on real tiles."""

    path: Path
    sha256: str
    size_bytes: int
    parity: Parity


def export(
    weights: Weights, name: str, out: Path, *, half: bool = False, gsds_m: Mapping[str, float] | None = None
) -> tuple[list[Made], Learned]:
    """Write ONNX files and a registry into a folder that can stand for the user's weights as it is.

    Args:
        weights: from `origins.find_weights`.
        name: of the model.
        out: a folder without a registry.
        half: a file in half precision besides.
        gsds_m: class -> GSD of the pass that reports it; "" for all others. By default the usual one of its tiles.

    Raises:
        CallInvalid: the name is none or taken, or a GSD is not one that was learned.
        ModelInvalid: not `.pt` weights of our classes, or an ONNX file gives something else than they do, or nothing
            to tell by.
        OutputInvalid: `out` holds a registry, or cannot be written.
        DatasetInvalid, TilesInvalid, ConfigInvalid: the tiles do not say what was learned.
    """
    known = load_registry()
    if not re.fullmatch(NAME, name):
        raise CallInvalid(
            f"--name {name!r}: expected letters, digits, `_` and `-`, first a letter or digit: files are called so"
        )
    if name in known.models:
        raise CallInvalid(f"a registry names {name!r} already; give another --name")
    if (out / "registry.toml").exists():
        raise OutputInvalid(f"{out}: holds a registry.toml, which is not written over; give a new folder")
    prepared = Prepared.read(weights.tiles)
    earlier = before(weights, known)
    taught = learned(prepared, weights.chosen, earlier.tiles)
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
    apart = places(weights, taught, earlier)
    text = registry_text(entry(model, taught, earlier, apart), _files(model, made), remarks(taught, apart))
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
