"""Running the commands as a user does."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from apronwatch.cli import main
from apronwatch_datasets.synthetic import DrawnScene
from tests.e2e.drawn import planes
from tests.e2e.proofs import prove
from tests.e2e.weights import ONE_CLASS


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.out)

    def counts(self, scene: int = 0, name: str = "plane") -> dict[str, dict[str, Any]]:
        """Counts of one class of a scene, by zone."""
        return {c["zone"]: c for c in self.document["scenes"][scene]["counts"] if c["class"] == name}


Command = Callable[..., Answer]


@pytest.fixture(autouse=True)
def _one_class_weights(_nothing_of_the_user: None) -> None:
    """Commands count with the bundled weights of one class: a quarter of the pixels of the default ones, uncalibrated.

    `test_demo` and `test_bundled` run the default ones.
    """
    weights = Path(os.environ["APRONWATCH_WEIGHTS"])
    weights.mkdir(parents=True, exist_ok=True)
    (weights / "registry.toml").write_text(f'default = "{ONE_CLASS}"\n')


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, with the archive in it."""
    home = tmp_path / "work"
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.delenv("APRONWATCH_ARCHIVE", raising=False)
    return home


@pytest.fixture(scope="session")
def apron(tmp_path_factory: pytest.TempPathFactory) -> DrawnScene:
    """Ten planes in 8 bits, on 3 March 2026; to be read only."""
    return planes(tmp_path_factory.mktemp("apron"))


@pytest.fixture(scope="session")
def proven(apron: DrawnScene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evidence of one count of it; to be copied."""
    return prove(apron, tmp_path_factory.mktemp("proven"))


@pytest.fixture
def made(proven: Path, folder: Path) -> Path:
    """A copy of it in the working folder."""
    return Path(shutil.copytree(proven, folder / "proof"))


@pytest.fixture
def apronwatch(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command line in this process."""

    def run(*words: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["apronwatch", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr()
        return Answer(int(stop.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def refused(apronwatch: Command, folder: Path) -> Command:
    """A command that must be refused: status 2, one clear line, nothing written."""

    def run(*words: object) -> Answer:
        before = sorted(folder.rglob("*"))
        answer = apronwatch(*words)
        assert answer.status == 2, answer
        assert answer.out == ""
        assert len(answer.err.strip().splitlines()) == 1, answer.err
        assert answer.err.startswith("apronwatch: ")
        assert sorted(folder.rglob("*")) == before
        return answer

    return run
