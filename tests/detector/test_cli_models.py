import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from apronwatch.cli import main
from apronwatch.engines import export, find_model, load_registry
from tests.detector.engines.conftest import write_random_weights

Command = Callable[..., tuple[int, str, str]]
SEED = "plane-26n-obb-seed"

needs_train = pytest.mark.skipif(
    importlib.util.find_spec("ultralytics") is None, reason="the extra `train` is not installed"
)


@pytest.fixture
def weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "weights"
    monkeypatch.setenv("APRONWATCH_WEIGHTS", str(folder))
    monkeypatch.delenv("APRONWATCH_WEIGHTS_URL", raising=False)
    return folder


@pytest.fixture
def models(
    weights_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """`apronwatch models …` in this process: its status, standard output and standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["apronwatch", "models", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr()
        return int(stop.value.code or 0), said.out, said.err

    return run


def pin_copy(weights_folder: Path) -> Path:
    """A copy of the bundled file in the user's folder, pinned there."""
    weights_folder.mkdir()
    seed = find_model(SEED)
    copy = Path(shutil.copy(seed.path, weights_folder / "copy.onnx"))
    entry = f'[[files]]\nmodel = "{SEED}"\nfile = "copy.onnx"\nformat = "onnx"\nsha256 = "{seed.sha256}"\n'
    (weights_folder / "registry.toml").write_text(entry)
    return copy


def test_list_names_what_a_user_must_know(models: Command) -> None:
    status, out, _ = models("list")
    assert status == 0
    assert "apron-26n-obb (default)" in out
    assert SEED in out
    assert find_model(SEED).sha256[:12] in out
    assert "Non-commercial" in out
    assert "apronwatch models fetch yolo26n-obb" in out


def test_list_as_json(models: Command) -> None:
    _, out, _ = models("list", "--json")
    document = json.loads(out)
    rows = {row["name"]: row for row in document["models"]}
    assert document["default"] == "apron-26n-obb"
    assert rows[SEED]["sha256"] == find_model(SEED).sha256
    assert rows[SEED]["passes_gsd_m"] == [1.0]
    assert (rows["yolo26n-obb"]["sha256"], rows["yolo26n-obb"]["passes_gsd_m"]) == (None, [0.3, 1.2])


def test_verify(models: Command, weights_folder: Path) -> None:
    pin_copy(weights_folder)
    status, out, err = models("verify")
    assert (status, out.count(" ok "), err) == (0, 8, "")  # the copy, and the seven files of the program


def test_verify_finds_what_is_damaged(models: Command, weights_folder: Path) -> None:
    copy = pin_copy(weights_folder)
    content = bytearray(copy.read_bytes())
    content[-1] ^= 1
    copy.write_bytes(content)
    status, out, err = models("verify", SEED)
    assert status == 2
    assert [line.split()[2] for line in out.splitlines()[2:]] == ["ok", "DAMAGED"]
    assert err.count("\n") == 1
    assert "copy.onnx" in err


@pytest.mark.parametrize(("name", "message"), [("nope", "known:"), ("yolo26n-obb", "on this machine")])
def test_verify_what_is_not_here(models: Command, name: str, message: str) -> None:
    status, out, err = models("verify", name)
    assert (status, out) == (2, "")
    assert message in err


def test_fetch_without_a_network(models: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("APRONWATCH_WEIGHTS_URL", (tmp_path / "empty").as_uri())
    status, out, err = models("fetch", "yolo26s-obb")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "yolo26s-obb.pt could not be fetched" in err


@needs_train
def test_fetched_weights_are_made_ready(
    models: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, weights_folder: Path
) -> None:
    # Random layers amplify the last bits: 0.3 px on a tile of 1024 px, where trained ones differ by 1e-4.
    monkeypatch.setattr(export, "FULL", export.HALF)
    names = load_registry().entry("yolo26n-obb").source_classes
    write_random_weights(tmp_path / "yolo26n-obb.pt", names)
    monkeypatch.setenv("APRONWATCH_WEIGHTS_URL", tmp_path.as_uri())
    status, out, err = models("fetch", "yolo26n-obb")
    assert (status, err) == (0, "")
    assert "pinned now, on first use" in out
    assert "academic purposes" in out
    found = find_model("yolo26n-obb")
    assert (found.format, found.path) == ("onnx", weights_folder / "yolo26n-obb.onnx")
    assert found.outputs[9:12] == ("vehicle_large", "vehicle_small", "helicopter")
    assert "as pinned before" in models("fetch", "yolo26n-obb")[1]


def test_fetch_without_torch_says_what_is_missing(
    models: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with ZipFile(tmp_path / "yolo26n-obb.pt", "w") as weights:
        weights.writestr("yolo26n-obb/data.pkl", b"")
    monkeypatch.setenv("APRONWATCH_WEIGHTS_URL", tmp_path.as_uri())
    monkeypatch.setitem(sys.modules, "ultralytics", None)
    status, out, err = models("fetch", "yolo26n-obb")
    assert status == 0
    assert "SHA-256" in out
    assert "apronwatch[train]" in err


@needs_train
def test_export_of_ones_own_weights(models: Command, tmp_path: Path) -> None:
    weights = write_random_weights(tmp_path / "best.pt", ["plane"])
    status, _, err = models("export", weights, "--out", tmp_path / "best.onnx")
    assert status == 2
    assert "--trust" in err
    sidecar = """
        source_classes = ["plane"]
        class_map = { plane = "plane" }
        tile_px = 320
        [classes.plane]
        threshold = 0.3
        training_gsd_m = 0.5
        native_gsd_m = [0.2, 0.8]
        min_length_px = 10.0
        typical_min_length_m = 10.0
        longest_m = 73.3
        pass_gsd_m = 0.5
    """
    (tmp_path / "best.pt.toml").write_text(sidecar)
    status, out, err = models("export", weights, "--out", tmp_path / "best.onnx", "--trust")
    assert (status, err) == (0, "")
    assert "allowed" in out
    found = find_model(tmp_path / "best.onnx", trust=True)
    assert (found.tile_px, found.trusted) == (320, True)


def test_export_needs_a_pt(models: Command, tmp_path: Path) -> None:
    status, _, err = models("export", find_model(SEED).path, "--out", tmp_path / "x.onnx")
    assert status == 2
    assert "only .pt weights" in err
