"""Recording which bytes a model's name stands for, in the user's registry."""

import hashlib
import json
import os
import tempfile
from pathlib import Path

from apronwatch.engines.entries import FileEntry
from apronwatch.engines.registry import Registry, user_folder
from apronwatch.errors import ModelCorrupted, OutputInvalid


def check_pin(registry: Registry, model: str, format: str, sha256: str, origin: str) -> bool:
    """Whether a fetched file is pinned already; `ModelCorrupted` if other bytes of the same origin are."""
    pins = {
        file.sha256
        for file, _ in registry.files
        if (file.model, file.format, file.origin) == (model, format, origin)
    }
    if pins and sha256 not in pins:
        raise ModelCorrupted(
            f"{model}: {origin} gave SHA-256 {sha256[:12]}…, pinned is {min(pins)[:12]}…: "
            "nothing was kept; if the change is meant, remove that [[files]] entry from "
            f"{user_folder() / 'registry.toml'}"
        )
    return bool(pins)


def pin(entry: FileEntry) -> None:
    """Append a `[[files]]` entry to the user's registry, whole or not at all.

    Raises:
        OutputInvalid: the registry cannot be written.
    """
    path = user_folder() / "registry.toml"
    # Strings of JSON are strings of TOML.
    lines = [
        f"{key} = {json.dumps(value, ensure_ascii=False)}"
        for key, value in entry.model_dump(exclude_none=True).items()
    ]
    try:
        before = (
            path.read_text(encoding="utf-8")
            if path.is_file()
            else "# Weights fetched and exported on this machine.\n"
        )
        replace_bytes(path, "\n".join([before.rstrip("\n"), "", "[[files]]", *lines, ""]).encode())
    except OSError as error:
        raise OutputInvalid(
            f"{path}: cannot be written ({error.strerror}); APRONWATCH_WEIGHTS names another folder"
        ) from error


def replace_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
