"""The registry's file format, validated where it is read; docs/models.md describes it for users."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from apronwatch.taxonomy import CLASSES

Metres = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1)]
Bias = Annotated[float, Field(gt=-0.5, lt=0.5)]
NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
"""Of a model: files are called so."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Entry(BaseModel):
    # A misspelt key would otherwise leave its default in force, silently.
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClassEntry(_Entry):
    """`[models.classes.NAME]`; the fields are those of `ClassSpec`."""

    threshold: Share
    training_gsd_m: Metres
    native_gsd_m: tuple[Metres, Metres]
    min_length_px: Annotated[float, Field(gt=0)]
    typical_min_length_m: Metres
    longest_m: Metres
    pass_gsd_m: Metres
    synthetic_only: bool = False
    length_error: tuple[Bias, Share] | None = None

    @field_validator("native_gsd_m")
    @classmethod
    def _ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[0] > value[1]:
            raise ValueError("must be the finest, then the coarsest GSD")
        return value


class ModelEntry(_Entry):
    """`[[models]]`: facts about weights, whatever file they lie in."""

    name: Annotated[str, Field(pattern=NAME)]
    source_classes: Annotated[list[str], Field(min_length=1)]
    class_map: dict[str, str]
    classes: Annotated[dict[str, ClassEntry], Field(min_length=1)]
    tile_px: Annotated[int, Field(gt=0, multiple_of=32)]
    batch: Annotated[int, Field(gt=0)] = 4
    suppression_iou: Share = 0.4
    max_boxes_per_tile: Annotated[int, Field(gt=0)] = 3000
    head: Literal["one-to-many"] = "one-to-many"
    data: str = "not stated"
    terms: str = "not stated"
    source: str = "not stated"
    card: str | None = None
    calibration: str | None = None
    held_out: dict[str, list[str]] | None = None
    validated_on: dict[str, list[str]] = {}
    url: Annotated[str, Field(pattern=r"^https://")] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for source in self.class_map:
            if source not in self.source_classes:
                raise ValueError(f"class_map names {source!r}, which is not in source_classes")
        for name in (*self.class_map.values(), *self.classes):
            if name not in CLASSES:
                raise ValueError(f"class {name!r} is not counted here; known: {', '.join(CLASSES)}")
        if set(self.class_map.values()) != set(self.classes):
            raise ValueError("class_map and classes must name the same classes")
        return self


class FileEntry(_Entry):
    """`[[files]]`: the bytes of a model; a relative `file` starts at the registry's folder."""

    model: str
    sha256: Sha256
    format: Literal["onnx", "torch"]
    file: str | None = None
    origin: str = ""


class RegistryFile(_Entry):
    """A whole `registry.toml`."""

    default: str | None = None
    models: list[ModelEntry] = []
    files: list[FileEntry] = []

    @model_validator(mode="before")
    @classmethod
    def _inherit(cls, told: Any) -> Any:
        """Fill each `[[models]]` that says `like = NAME` from the earlier one of that name."""
        models: list[dict[str, Any]] = []
        for entry in told.get("models", []):
            base = next((m for m in models if m.get("name") == entry.get("like")), None)
            if "like" in entry and base is None:
                raise ValueError(
                    f"model {entry.get('name')!r} is like {entry['like']!r}, which no earlier entry is"
                )
            own = {key: value for key, value in entry.items() if key != "like"}
            models.append({**_unmeasured(base or {}), **own})
        return {**told, "models": models} if models else told


def _unmeasured(base: dict[str, Any]) -> dict[str, Any]:
    """An entry without what was measured of its very weights: other weights have it not."""
    kept = {key: value for key, value in base.items() if key != "calibration"}
    classes = base.get("classes")
    if isinstance(classes, dict) and all(isinstance(spec, dict) for spec in classes.values()):
        kept["classes"] = {
            name: {key: value for key, value in spec.items() if key != "length_error"}
            for name, spec in classes.items()
        }
    return kept
