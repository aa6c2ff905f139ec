"""A calibration beside weights: read when asked for, and only if it was measured with these weights."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from apronwatch.calibration import Calibration, ClassCalibration, RecallCalibration, ScoreCalibration
from apronwatch.engines import ModelSpec, find_model, load_registry
from apronwatch.engines.registry import bundled_folder
from apronwatch.errors import ModelInvalid
from tests.conftest import REPOSITORY
from tests.detector.engines.test_registry import ENTRY, SIDECAR, pinned, write_registry

CURVE = ScoreCalibration("platt", (1.0, 0.0), 40, 30, 3, True, covariance=((0.1, 0.0), (0.0, 0.1)))
PLANES = ClassCalibration(0.4, CURVE, RecallCalibration((40, 50), (4, 2), 3, True, (16.0, 80.0), (32.0,)))


def known(folder: Path, sha256: str | None = None, more: str = "") -> ModelSpec:
    """A model of the user's registry with a calibration of weights with a hash (its own ONNX file by default)."""
    folder.mkdir(exist_ok=True)
    for name in ("mine.onnx", "mine.pt"):
        (folder / name).write_bytes(name.encode())
    entry = ENTRY.replace("tile_px", 'calibration = "mine.calibration.json"\ntile_px')
    pins = [pinned(folder / "mine.onnx"), pinned(folder / "mine.pt", format="torch")]
    write_registry(folder, "\n".join([f"[[models]]{entry}", *pins, more]))
    found = find_model("mine")
    write(folder, sha256 or found.sha256)
    return found


def write(folder: Path, sha256: str) -> None:
    told = Calibration(sha256, {"plane": PLANES}).to_dict() | {"provenance": {"split": "calibration"}}
    (folder / "mine.calibration.json").write_text(json.dumps(told))


def test_it_is_read_as_it_was_written(weights_folder: Path) -> None:
    model = known(weights_folder)
    assert model.calibration == Calibration(model.sha256, {"plane": PLANES})


def test_it_is_read_when_first_asked_for(weights_folder: Path) -> None:
    model = known(weights_folder)
    (weights_folder / "mine.calibration.json").unlink()
    again = find_model("mine")  # without a word: nobody asked
    with pytest.raises(ModelInvalid, match=r"mine\.calibration\.json: no calibration"):
        _ = again.calibration
    assert model.classes == again.classes


def test_all_pinned_files_of_a_model_are_the_same_weights(weights_folder: Path) -> None:
    known(weights_folder)
    torch = find_model(weights_folder / "mine.pt")
    assert torch.calibration is not None
    write(weights_folder, torch.sha256)
    assert find_model("mine").calibration is not None


def test_of_other_weights_it_is_refused(weights_folder: Path) -> None:
    model = known(weights_folder, "ab" * 32)
    with pytest.raises(ModelInvalid, match="weights of SHA-256 abababababab") as error:
        _ = model.calibration
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda told: [],
        lambda told: {**told, "classes": {"plane": {}}},
        lambda told: {key: value for key, value in told.items() if key != "model_sha256"},
        lambda told: json.loads(json.dumps(told).replace('"platt"', '"spline"')),
        lambda told: json.loads(json.dumps(told).replace("[40, 50]", "[40]")),
        lambda told: json.loads(json.dumps(told).replace("[1.0, 0.0]", '["steep", 0.0]')),
        lambda told: json.loads(json.dumps(told).replace("[1.0, 0.0]", "[NaN, 0.0]")),
    ],
)
def test_one_that_says_nothing_is_refused_in_one_line(weights_folder: Path, change) -> None:  # type: ignore[no-untyped-def]
    model = known(weights_folder)
    path = weights_folder / "mine.calibration.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(ModelInvalid, match=r"mine\.calibration\.json") as error:
        _ = model.calibration
    assert "\n" not in str(error.value)


def test_a_model_that_is_like_another_has_none_of_it(weights_folder: Path) -> None:
    known(weights_folder, more='[[models]]\nname = "big"\nlike = "mine"\n')
    models = load_registry().models
    assert models["mine"][0].calibration
    assert models["big"][0].calibration is None


def test_without_a_file_there_is_none(seed: ModelSpec) -> None:
    assert replace(seed, calibration_path=None).calibration is None


def test_a_trusted_file_may_have_one_beside_it(tmp_path: Path) -> None:
    (tmp_path / "best.onnx").write_bytes(b"anything")
    (tmp_path / "best.onnx.toml").write_text(
        SIDECAR.replace("tile_px", 'calibration = "mine.calibration.json"\ntile_px')
    )
    model = find_model(tmp_path / "best.onnx", trust=True)
    write(tmp_path, model.sha256)
    assert model.calibration is not None


def test_places_that_taught_weights_are_known(weights_folder: Path) -> None:
    table = '\n[models.held_out]\ndota = ["P1"]\n[models.validated_on]\ndota = ["P1"]\n'
    weights_folder.mkdir()
    (weights_folder / "mine.onnx").write_bytes(b"mine")
    write_registry(weights_folder, f"[[models]]{ENTRY}{table}{pinned(weights_folder / 'mine.onnx')}")
    model = find_model("mine")
    assert [model.learned_from("dota", p) for p in ("P1", "P2")] == [False, True]
    assert model.learned_from("xview", "P2") is False
    assert model.validated_on == {"dota": frozenset({"P1"})}
    assert replace(model, held_out=None).learned_from("dota", "P1") is None


def test_what_the_registry_names_travels_with_the_program() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {"weights": "apronwatch/weights"}  # the whole folder
    for entry, folder in load_registry().models.values():
        for name in (entry.card, entry.calibration):
            assert name is None or (folder == bundled_folder() and (folder / name).is_file())
