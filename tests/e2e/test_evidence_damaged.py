"""`apronwatch verify` of a damaged folder says so in a line, and never that all is the same, whatever hashes say."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apronwatch_datasets.synthetic import DrawnScene
from tests.e2e.conftest import Answer, Command
from tests.e2e.proofs import rehash

FILES = (
    "README.txt",
    "manifest.json",
    "counts.json",
    "sites.geojson",
    "model-card.md",
    "frame-1/boxes.csv",
    "frame-1/boxes.geojson",
    "frame-1/overlay.png",
    "frame-1/chips-1.png",
)
BY_HASH = ("model-card.md", "frame-1/overlay.png", "frame-1/chips-1.png")
"""Files that nothing is made anew of: a forger of all hashes can exchange them, and `verify` says so."""

RUBBISH = bytes(range(256)) * 4


def written(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def one_digit(path: Path) -> None:
    """The last digit becomes another one."""
    content = bytearray(path.read_bytes())
    at = max(k for k, byte in enumerate(content) if chr(byte).isdigit())
    content[at] = ord("7") if content[at] != ord("7") else ord("3")
    path.write_bytes(bytes(content))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "a folder": a_folder,
    "emptied": written(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "rubbish": written(RUBBISH),
    "a list": written(b"[]"),
    "an object": written(b"{}"),
    "null": written(b"null"),
    "deep": written(b"[" * 100_000),
    "one digit": one_digit,
}


def check(answer: Answer, name: str) -> None:
    """The answer to a damaged file: it is named, and nothing but what lies beside it is called the same."""
    assert answer.status in (1, 2), answer
    told = answer.out if answer.status == 1 else answer.err
    lines = [line for line in told.splitlines() if not line.startswith(("same ", "by hash ", "as told "))]
    assert any(name in line or "published" in line for line in lines), answer
    if answer.status == 2:
        assert (answer.out, answer.err.count("\n")) == ("", 1)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_told(apronwatch: Command, apron: DrawnScene, made: Path, damage: str) -> None:
    for name in FILES:
        if name == "manifest.json" and damage == "one digit":
            continue  # below, wherever it stands
        whole = (made / name).read_bytes()
        DAMAGES[damage](made / name)
        check(apronwatch("verify", made, "--scene", apron.files.image), name)
        if (made / name).is_dir():
            (made / name).rmdir()
        (made / name).write_bytes(whole)


@pytest.mark.parametrize("damage", [name for name in DAMAGES if name not in ("deleted", "a folder")])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_told_though_every_hash_fits(
    apronwatch: Command, apron: DrawnScene, made: Path, name: str, damage: str
) -> None:
    DAMAGES[damage](made / name)
    rehash(made)
    if name == "manifest.json" and damage == "one digit":
        return  # it stood in a hash
    answer = apronwatch("verify", made, "--scene", apron.files.image)
    if name in BY_HASH:
        (line,) = (line for line in answer.out.splitlines() if line.startswith("by hash "))
        assert answer.status == (2 if name == "model-card.md" else 0)
        assert ("OTHER    model-card.md: not the card" in answer.out) is (name == "model-card.md")
        assert name in line
    else:
        check(answer, name)


def leaves(plain: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something stands in a JSON document."""
    if isinstance(plain, dict | list):
        for key, value in plain.items() if isinstance(plain, dict) else enumerate(plain):
            yield from leaves(value, (*path, key))
    else:
        yield path


def test_whatever_stands_in_the_manifest_is_checked_or_said_to_be_taken_as_told(
    apronwatch: Command, apron: DrawnScene, made: Path
) -> None:
    whole = (made / "manifest.json").read_text()
    for *path, last in leaves({k: v for k, v in json.loads(whole).items() if k != "files"}):
        told = json.loads(whole)
        of = told
        for key in path:
            of = of[key]
        of[last] = changed(of[last])
        (made / "manifest.json").write_text(json.dumps(told))
        answer = apronwatch("verify", made, "--scene", apron.files.image)
        if answer.status == 0:
            (line,) = (line for line in answer.out.splitlines() if line.startswith("as told "))
            said = line.removeprefix("as told ").partition(" of ")[0].strip().split(", ")
            assert {*path, last} & set(said), (path, last)
        elif answer.status == 2 and "OTHER " not in answer.out:
            assert (answer.out, answer.err.count("\n")) == ("", 1), answer


def changed(value: Any) -> Any:
    """Another value of the same type."""
    if value is None:
        return "ab" * 32
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else f"{value[:-1]}{'1' if value[-1:] != '1' else '2'}"


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "http://[", "../a.tif", "", "\x1b[2J"])
def test_a_scene_that_no_file_can_be_called(refused: Command, made: Path, name: str) -> None:
    told = json.loads((made / "manifest.json").read_text())
    told["frames"][0]["scene"]["path"] = name
    (made / "manifest.json").write_text(json.dumps(told))
    answer = refused("verify", made)
    assert "\x1b" not in answer.err
