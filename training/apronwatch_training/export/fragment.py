"""A registry's TOML: the entry of exported weights, and new thresholds in an entry that is there."""

import copy
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from apronwatch.engines.entries import FileEntry, ModelEntry, RegistryFile
from apronwatch.errors import ModelInvalid
from apronwatch.interchange.files import check_folder, save
from apronwatch_training.export.learned import Places

_TABLE = re.compile(r"\s*\[+\s*([^\]]+?)\s*\]+\s*(#.*)?$")
_NAME = re.compile(r"""\s*name\s*=\s*["']([^"']+)["']""")
_THRESHOLD = re.compile(r"(\s*threshold\s*=\s*)[^\s#]+")


def registry_text(model: ModelEntry, files: Sequence[FileEntry], remarks: Sequence[str]) -> str:
    """A registry of one model, ready to be a user's registry or to be put into another.

    Args:
        model: the facts.
        files: their bytes.
        remarks: lines of comment at the top.
    """
    facts = model.model_dump(exclude_none=True)
    tables = {
        key: facts.pop(key) for key in ("class_map", "classes", "held_out", "validated_on") if key in facts
    }
    lines = [*(f"# {remark}" for remark in remarks), "", "[[models]]", *_pairs(facts)]
    lines += [f"class_map = {_inline(tables['class_map'])}", ""]
    for name, spec in tables["classes"].items():
        lines += [f"[models.classes.{name}]", *_pairs(spec), ""]
    for key in ("held_out", "validated_on"):
        if tables.get(key):
            lines += [f"[models.{key}]", *_pairs(tables[key]), ""]
    for file in files:
        lines += ["[[files]]", *_pairs(file.model_dump(exclude_none=True)), ""]
    text = "\n".join(lines)
    RegistryFile.model_validate(tomllib.loads(text))
    return text


def places_as_lists(places: Places) -> dict[str, list[str]]:
    """As a registry writes them, in order."""
    return {dataset: sorted(names) for dataset, names in sorted(places.items())}


def check_thresholds(path: Path, model: str, classes: Sequence[str]) -> None:
    """See that `set_thresholds` could set those of these classes; raises what it would."""
    check_folder(path)
    _with_thresholds(path, model, dict.fromkeys(classes, 0.5))


def set_thresholds(path: Path, model: str, thresholds: Mapping[str, float]) -> None:
    """Change the thresholds of one model in a registry, or in a `FILE.toml`, and nothing else in it.

    Raises:
        ModelInvalid: it cannot be read, or does not state a threshold of each of the classes itself.
        OutputInvalid: it cannot be written.
    """
    save(path, _with_thresholds(path, model, thresholds).encode())


def _with_thresholds(path: Path, model: str, thresholds: Mapping[str, float]) -> str:
    try:
        before = path.read_text(encoding="utf-8")
        expected = copy.deepcopy(tomllib.loads(before))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelInvalid(f"{path}: no registry can be read from it ({error})") from error
    entries: list[dict[str, Any]] = expected.get("models", [expected])
    entry = next((e for e in entries if e.get("name", model) == model), {})
    for name, value in thresholds.items():
        if "threshold" not in entry.get("classes", {}).get(name, {}):
            raise ModelInvalid(
                f"{path}: states no threshold of {name} for model {model!r}; give the registry that defines it"
            )
        entry["classes"][name]["threshold"] = value
    after = _changed(before, model, thresholds)
    if tomllib.loads(after) != expected:
        raise ModelInvalid(
            f"{path}: its thresholds are not written as `threshold = …` in a table for each class; set them by hand: "
            + ", ".join(f"{name} {value:g}" for name, value in thresholds.items())
        )
    try:
        RegistryFile.model_validate({"models": [{**e, "name": e.get("name", model)} for e in entries]})
    except ValidationError as error:
        raise ModelInvalid(f"{path}: {error.errors()[0]['msg']}") from error
    return after


def _changed(text: str, model: str, thresholds: Mapping[str, float]) -> str:
    """Line by line, so that comments and order stay."""
    here, table = model, ""
    lines = []
    for line in text.splitlines(keepends=True):
        if found := _TABLE.match(line):
            table = found[1]
            here = "" if table == "models" else here
        elif (named := _NAME.match(line)) and table in ("", "models"):
            here = named[1]
        name = table.removeprefix("models.").removeprefix("classes.")
        if here == model and table.endswith(f"classes.{name}") and name in thresholds:
            line = _THRESHOLD.sub(rf"\g<1>{thresholds[name]:g}", line, count=1)
        lines.append(line)
    return "".join(lines)


def _pairs(facts: Mapping[str, Any]) -> list[str]:
    return [f"{_key(key)} = {_value(value)}" for key, value in facts.items()]


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _inline(mapping: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in mapping.items()) + " }"


def _value(value: Any) -> str:
    """Numbers, truth values, strings and lists of JSON are those of TOML."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
