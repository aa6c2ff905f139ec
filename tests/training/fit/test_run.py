"""Real runs of seconds: begun, killed, resumed, refused."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from apronwatch.engines.torch import import_ultralytics
from apronwatch.errors import CallInvalid, ConfigInvalid, DeviceUnavailable, TilesInvalid
from tests.extras import need
from tests.training.tiles import write_config, write_tiles

need("ultralytics", "train")
import_ultralytics()

from apronwatch_training.fit.config import read_config  # noqa: E402
from apronwatch_training.fit.preflight import check  # noqa: E402


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiles(tmp_path_factory.mktemp("tiles") / "set")


def command(config: Path, *words: str) -> list[str]:
    return [
        str(Path(sys.executable).with_name("apronwatch")),
        "train",
        "fit",
        str(config),
        "--device",
        "cpu",
        *words,
    ]


def epochs_of(out: Path) -> list[str]:
    with (out / "results.csv").open() as file:
        return [row["epoch"].strip() for row in csv.DictReader(file)]


def test_a_killed_run_goes_on_where_it_was(tiles: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    config = write_config(tmp_path / "run.toml", tiles, out, epochs=3)
    run = subprocess.Popen(
        command(config), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + 240
    while not (out / "weights" / "last.pt").is_file():
        assert run.poll() is None, run.stderr.read().decode() if run.stderr else ""
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    assert not (out / "fitted.pt").exists()

    again = subprocess.run(command(config), capture_output=True, text=True)
    assert again.returncode == 2
    assert "--resume" in again.stderr
    assert len(again.stderr.strip().splitlines()) == 1

    resumed = subprocess.run(command(config, "--resume"), capture_output=True, text=True)
    assert resumed.returncode == 0, resumed.stderr
    assert str(out / "fitted.pt") in resumed.stdout
    assert "epoch 3 of 3: box" in resumed.stdout
    assert resumed.stderr == ""
    assert sorted(set(epochs_of(out))) == ["1", "2", "3"]

    import torch

    content = torch.load(out / "fitted.pt", map_location="cpu", weights_only=False)
    assert next(iter(content["model"].names.values())) == "plane"
    assert all(torch.isfinite(v).all() for v in content["model"].state_dict().values())
    assert str(tmp_path).encode() not in (out / "fitted.pt").read_bytes()  # published weights name no folder
    finished = subprocess.run(command(config, "--resume"), capture_output=True, text=True)
    assert finished.returncode == 2
    assert "finished" in finished.stderr


def test_the_state_of_an_epoch_comes_back_to_the_bit(tmp_path: Path) -> None:
    import torch

    from apronwatch_training.fit.checkpoints import load_state, save_state

    def pair() -> tuple[torch.nn.Module, torch.nn.Module]:
        return torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)

    model, average = pair()
    save_state(tmp_path, 4, model, average)
    other, mean = pair()
    assert not load_state(tmp_path, 3, other, mean)
    assert load_state(tmp_path, 4, other, mean)
    for before, after in ((model, other), (average, mean)):
        assert all(torch.equal(a, b) for a, b in zip(before.parameters(), after.parameters(), strict=True))


def test_what_cannot_start_is_said_first(tiles: Path, tmp_path: Path) -> None:
    def of(text: str, told: str) -> Path:
        path = write_config(tmp_path / "a.toml", tiles, tmp_path / "run")
        path.write_text(path.read_text().replace(text, told))
        return path

    for text, told, said in (
        ("epochs = 2", "epochs = 0", "schedule.epochs"),
        ("epochs = 2", "", "schedule.epochs"),
        ("epochs = 2", 'epochs = 2\ntypo = "x"', "schedule.typo"),
        ("tile_px = 96", "tile_px = 100", "schedule.tile_px"),
        ("yolo26n-obb", "yolo26n", "start.model"),
        ("[start]", "[start", "no readable TOML"),
    ):
        with pytest.raises(ConfigInvalid) as refusal:
            read_config(of(text, told))
        assert said in str(refusal.value)
        assert "\n" not in str(refusal.value)
    with pytest.raises(ConfigInvalid, match="no readable TOML"):
        read_config(tmp_path / "absent.toml")
    for text, told, error, said in (
        ("batch = 8", "batch = 99", CallInvalid, "batch 99"),
        (str(tiles), str(tmp_path / "absent"), TilesInvalid, "data.yaml"),
        (
            'model = "yolo26n-obb"',
            'model = "yolo26n-obb"\nweights = "absent.pt"',
            CallInvalid,
            "no such weights",
        ),
        ("batch = 8", 'batch = 8\nprecision = "fp16"', DeviceUnavailable, "precision fp16"),
        ("[schedule]", "shares = { dota = 0.5 }\n[schedule]", TilesInvalid, "which data.shares needs"),
    ):
        with pytest.raises(error, match=said):
            check(read_config(of(text, told)), "cpu")
    with pytest.raises(DeviceUnavailable, match="device 7"):
        check(read_config(of("batch = 8", "batch = 8")), "7")
    assert not (tmp_path / "run").exists()


def test_tiles_of_other_classes_or_without_sidecars_are_refused(tmp_path: Path) -> None:
    root = write_tiles(tmp_path / "set", training=8)
    config = read_config(write_config(tmp_path / "a.toml", root, tmp_path / "run"))
    assert check(config, "cpu").labels == 24
    [first, *_] = sorted((root / "regions" / "train").iterdir())
    first.unlink()
    with pytest.raises(TilesInvalid, match="no readable sidecar"):
        check(config, "cpu")
    described = root / "data.yaml"
    described.write_text(described.read_text().replace("0: plane", "0: tank"))
    with pytest.raises(TilesInvalid, match="classes tank"):
        check(config, "cpu")
