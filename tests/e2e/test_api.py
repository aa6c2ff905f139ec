"""The names that `import apronwatch` offers, used as its docstring says."""

from importlib.resources import files
from pathlib import Path

import pytest

import apronwatch
import apronwatch.pipeline
from apronwatch import Scene, Site, count, detect, find_model, load_engine, read_sites
from tests.e2e.conftest import Command
from tests.e2e.drawn import planes


def test_the_same_numbers_as_the_command(apronwatch: Command, tmp_path: Path) -> None:
    drawn = planes(tmp_path)
    engine = load_engine(find_model(), "cpu")
    (site,) = read_sites(drawn.sites)
    assert isinstance(site, Site)
    with Scene.open(drawn.files.image) as scene:
        counts = count(scene, engine, site)
        run = detect(scene, engine, site)
        whole = count(scene, engine, classes=["plane"])
    said = apronwatch("count", drawn.files.image, "--sites", drawn.sites, "--json").document["scenes"][0]
    assert [c.to_dict() for c in counts] == said["counts"]
    assert said["counts"][0]["seen"] > 0
    assert run.scene.sha256 == said["sha256"]
    assert [(c.zone, c.class_name) for c in whole] == [("image", "plane"), ("*", "plane")]


def test_functions_are_not_hidden_by_modules() -> None:
    assert apronwatch.detect is apronwatch.pipeline.detect
    assert callable(apronwatch.detect)
    assert callable(apronwatch.count)


def test_every_name_is_there() -> None:
    assert all(getattr(apronwatch, name) is not None for name in apronwatch.__all__)
    with pytest.raises(AttributeError, match="tanks"):
        apronwatch.tanks  # noqa: B018


@pytest.mark.parametrize("package", ["apronwatch", "apronwatch_datasets", "apronwatch_training"])
def test_type_checkers_are_told_that_the_packages_have_types(package: str) -> None:
    assert files(package).joinpath("py.typed").is_file()
