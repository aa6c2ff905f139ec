"""Which weights are known: names pinned to SHA-256, with what each class needs.

Two registries are read: the one that comes with the program, and the user's, beside the weights that were
fetched or exported. `[[models]]` state facts about weights, `[[files]]` pin their bytes (docs/models.md).
"""

import hashlib
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from pydantic import ValidationError

from apronwatch.engines.entries import FileEntry, ModelEntry, RegistryFile
from apronwatch.engines.specs import SUFFIXES, ClassSpec, Format, ModelSpec, read_verified
from apronwatch.errors import ModelCorrupted, ModelInvalid, ModelUnknown

__all__ = [
    "ClassSpec",
    "ModelSpec",
    "Registry",
    "bundled_folder",
    "find_model",
    "load_registry",
    "user_folder",
]


@dataclass(frozen=True)
class Registry:
    """Models and pinned files of both registries, each with the folder that its paths start from."""

    default: str
    models: dict[str, tuple[ModelEntry, Path]]
    files: tuple[tuple[FileEntry, Path], ...]

    def files_of(self, name: str) -> list[tuple[FileEntry, Path]]:
        """Pinned files of a model on this machine, as (entry, path): ONNX first, else in order of pinning.

        So a later export never takes the place of the file that a name has stood for.
        """
        pinned = [(entry, folder / entry.file) for entry, folder in self.files if entry.file]
        here = [(entry, path) for entry, path in pinned if entry.model == name and path.is_file()]
        return sorted(here, key=lambda pair: pair[0].format != "onnx")

    def specs(self) -> list[ModelSpec]:
        """Every pinned file that is on this machine."""
        return [self.spec(entry, path) for name in self.models for entry, path in self.files_of(name)]

    def spec(self, file: FileEntry, path: Path) -> ModelSpec:
        """What is known of a pinned file that lies at a path."""
        entry, folder = self.models[file.model]
        pinned = frozenset(pin.sha256 for pin, _ in self.files if pin.model == file.model)
        return _spec(entry, folder, path, file.sha256, file.format, pinned)

    def pinned(self, sha256: str) -> ModelSpec | None:
        """What is known of weights by the SHA-256 of their file, wherever that lies; None if nothing is."""
        found = next(((file, folder) for file, folder in self.files if file.sha256 == sha256), None)
        return self.spec(found[0], found[1] / (found[0].file or sha256)) if found else None

    def entry(self, name: str) -> ModelEntry:
        """The facts of a model by name; `ModelUnknown` with the known names."""
        if name not in self.models:
            raise ModelUnknown(f"no model is called {name!r}; known: {', '.join(sorted(self.models))}")
        return self.models[name][0]


def bundled_folder() -> Path:
    """Folder of the weights that come with the program: inside the package, or `weights/` of a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "weights"
    return inside if inside.is_dir() else package.parents[1] / "weights"


def user_folder() -> Path:
    """Folder for fetched and exported weights: `APRONWATCH_WEIGHTS`, or the platform's data folder."""
    told = os.environ.get("APRONWATCH_WEIGHTS")
    return Path(told) if told else platformdirs.user_data_path("apronwatch") / "weights"


def load_registry(path: Path | None = None) -> Registry:
    """The bundled registry (or the one at `path`) together with the user's, if there is one.

    Raises:
        ModelInvalid: a registry breaks its format, or names a model twice; the message names file and field.
    """
    paths = [path or bundled_folder() / "registry.toml", user_folder() / "registry.toml"]
    models: dict[str, tuple[ModelEntry, Path]] = {}
    files: list[tuple[FileEntry, Path]] = []
    default = ""
    for registry_path in paths:
        if registry_path != paths[0] and not registry_path.is_file():
            continue
        read = _read(registry_path)
        default = read.default or default
        for entry in read.models:
            if entry.name in models:
                raise ModelInvalid(
                    f"{registry_path}: model {entry.name!r} is already defined: give it another name"
                )
            models[entry.name] = (entry, registry_path.parent)
        files += [(entry, registry_path.parent) for entry in read.files]
    for name in [default, *(entry.model for entry, _ in files)]:
        if name and name not in models:
            raise ModelInvalid(
                f"{paths[-1]} or {paths[0]}: {name!r} is no [[models]] entry: add one or remove it"
            )
    return Registry(default, models, tuple(files))


def find_model(name_or_file: str | Path | None = None, trust: bool = False) -> ModelSpec:
    """The weights for a name of the registry or a file, their hash verified.

    Args:
        name_or_file: a name; the path of an `.onnx` or `.pt` file; None for the default model.
        trust: use a file that no registry pins; its facts are read from `FILE.toml`.

    Raises:
        ModelUnknown: no such name or file, weights not fetched yet, or a file that no registry pins.
        ModelCorrupted: the bytes are not those that were pinned.
        ModelInvalid: a registry or `FILE.toml` breaks its format.
    """
    registry = load_registry()
    wanted = str(name_or_file) if name_or_file is not None else registry.default
    if Path(wanted).suffix in SUFFIXES:
        return _find_file(registry, Path(wanted), trust)
    entry = registry.entry(wanted)
    found = registry.files_of(wanted)
    if not found:
        how = f"`apronwatch models fetch {wanted}` gets it" if entry.url else "its file is missing"
        raise ModelUnknown(f"model {wanted!r} is known, but its weights are not on this machine: {how}")
    spec = registry.spec(*found[0])
    read_verified(spec)
    return spec


def _read(path: Path) -> RegistryFile:
    try:
        return RegistryFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelInvalid(f"{path}: no registry can be read from it ({error})") from error
    except ValidationError as error:
        raise ModelInvalid(f"{path}: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']} (found {first['input']!r:.60})"


def _find_file(registry: Registry, path: Path, trust: bool) -> ModelSpec:
    if not path.is_file():
        raise ModelUnknown(
            f"{path}: no such file; give an .onnx or .pt file, or a name of `apronwatch models list`"
        )
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    for file, folder in registry.files:
        if file.sha256 == sha256:
            return registry.spec(file, path)
        if file.file and (folder / file.file).resolve() == path.resolve():
            raise ModelCorrupted(
                f"{path}: SHA-256 {sha256[:12]}…, the registry expects {file.sha256[:12]}…: fetch it again"
            )
    if not trust:
        danger = " (a .pt file can run code of its maker's choice)" if path.suffix == ".pt" else ""
        raise ModelUnknown(
            f"{path}: no registry knows weights of SHA-256 {sha256[:12]}…{danger}: say --trust if you know "
            f"where they come from, with their classes and training GSD in {path.name}.toml"
        )
    return _trusted(path, sha256)


def _trusted(path: Path, sha256: str) -> ModelSpec:
    """A file that no registry pins, described in `FILE.toml` with the keys of a `[[models]]` entry."""
    sidecar = path.with_name(path.name + ".toml")
    if not sidecar.is_file():
        raise ModelUnknown(
            f"{path}: nothing tells the classes, thresholds and training GSD of these weights: write them to "
            f"{sidecar.name}, with the keys of a registry entry (docs/models.md)"
        )
    try:
        told = tomllib.loads(sidecar.read_text(encoding="utf-8"))
        entry = ModelEntry.model_validate({"name": path.stem, **told})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelInvalid(f"{sidecar}: cannot be read ({error})") from error
    except ValidationError as error:
        raise ModelInvalid(f"{sidecar}: {_first(error)}") from error
    return _spec(entry, path.parent, path, sha256, SUFFIXES[path.suffix], frozenset(), trusted=True)


def _spec(
    entry: ModelEntry,
    folder: Path,
    path: Path,
    sha256: str,
    format: Format,
    same_weights: frozenset[str],
    trusted: bool = False,
) -> ModelSpec:
    return ModelSpec(
        name=entry.name,
        path=path,
        sha256=sha256,
        format=format,
        source_classes=tuple(entry.source_classes),
        outputs=tuple(entry.class_map.get(name) for name in entry.source_classes),
        classes={name: ClassSpec(name=name, **facts.model_dump()) for name, facts in entry.classes.items()},
        tile_px=entry.tile_px,
        batch=entry.batch,
        suppression_iou=entry.suppression_iou,
        max_boxes_per_tile=entry.max_boxes_per_tile,
        head=entry.head,
        data=entry.data,
        terms=entry.terms,
        source=entry.source,
        card=folder / entry.card if entry.card else None,
        trusted=trusted,
        calibration_path=folder / entry.calibration if entry.calibration else None,
        same_weights=same_weights,
        held_out=None if entry.held_out is None else _places(entry.held_out),
        validated_on=_places(entry.validated_on),
    )


def _places(told: dict[str, list[str]]) -> dict[str, frozenset[str]]:
    return {dataset: frozenset(places) for dataset, places in told.items()}
