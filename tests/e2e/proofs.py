"""Evidence folders for the tests of `verify`: made once, forged so that every hash fits."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from apronwatch.archive import Archive
from apronwatch.engines import load_engine
from apronwatch.engines.registry import find_model
from apronwatch.evidence.folder import write_evidence
from apronwatch.evidence.looks import look_at
from apronwatch.manifest import SceneRequest
from apronwatch.site import read_sites
from apronwatch.survey import survey
from apronwatch_datasets.synthetic import DrawnScene
from tests.e2e.weights import ONE_CLASS

SITE = "synthetic-apron"


def prove(apron: DrawnScene, home: Path) -> Path:
    """Count the drawn scene of 3 March 2026 into `home/apronwatch.sqlite`, and write its evidence to `home/proof`."""
    archive = str(home / "apronwatch.sqlite")
    requests = [SceneRequest(str(apron.files.image))]
    list(survey(requests, load_engine(find_model(ONE_CLASS)), sites=read_sites(apron.sites), archive=archive))
    with Archive.open(archive, create=False) as opened:
        write_evidence(look_at(opened, SITE, "2026-03-03"), home / "proof")
    return home / "proof"


def rehash(proof: Path) -> None:
    """Write the hashes of the files as they are now into the manifest, if that is one."""
    try:
        told = json.loads((proof / "manifest.json").read_bytes())
        listed = told["files"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return
    for name in listed:
        if (proof / name).is_file():
            listed[name] = hashlib.sha256((proof / name).read_bytes()).hexdigest()
    (proof / "manifest.json").write_text(json.dumps(told, indent=1))


def edit(proof: Path, name: str, change: Callable[[Any], object]) -> None:
    """Change a JSON file in place."""
    plain = json.loads((proof / name).read_bytes())
    change(plain)
    (proof / name).write_text(json.dumps(plain))
    rehash(proof)


def rewrite(proof: Path, name: str, old: str, new: str) -> None:
    """Replace a text in a file, where it stands."""
    text = (proof / name).read_bytes().decode()
    assert old in text
    (proof / name).write_bytes(text.replace(old, new, 1).encode())
    rehash(proof)
