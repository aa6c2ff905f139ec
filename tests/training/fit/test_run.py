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


@pytest.fixture(scope="module")
def done(tiles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of one epoch, killed as it were before it wrote its weights; `run.toml` beside it."""
    folder = tmp_path_factory.mktemp("done")
    config = write_config(folder / "run.toml", tiles, folder / "run", epochs=1)
    assert subprocess.run(command(config), capture_output=True).returncode == 0
    (folder / "run" / "fitted.pt").unlink()
    return folder / "run"


def test_a_run_killed_after_its_last_epoch_gives_its_weights(done: Path) -> None:
    before = epochs_of(done)
    resumed = subprocess.run(command(done.parent / "run.toml", "--resume"), capture_output=True, text=True)
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert (done / "fitted.pt").is_file()
    assert epochs_of(done) == before
    (done / "fitted.pt").unlink()


@pytest.mark.parametrize(
    ("lost", "said"),
    [("weights/last.pt", "no checkpoint that can be read"), ("config.json", "no config.json")],
)
def test_a_damaged_run_is_told_and_left_alone(done: Path, lost: str, said: str) -> None:
    kept = (done / lost).read_bytes()
    if lost.endswith(".pt"):
        (done / lost).write_bytes(kept[: len(kept) // 2])
    else:
        (done / lost).unlink()
    try:
        resumed = subprocess.run(
            command(done.parent / "run.toml", "--resume"), capture_output=True, text=True
        )
    finally:
        (done / lost).write_bytes(kept)
    assert resumed.returncode == 2
    assert said in resumed.stderr
    assert len(resumed.stderr.strip().splitlines()) == 1
    assert not (done / "fitted.pt").exists()


def test_the_state_of_an_epoch_comes_back_to_the_bit(tmp_path: Path) -> None:
    import torch

    from apronwatch_training.fit.checkpoints import drop_states, load_state, save_state

    def pair() -> tuple[torch.nn.Module, torch.nn.Module]:
        return torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)

    model, average = pair()
    save_state(tmp_path, 3, *pair())
    save_state(tmp_path, 4, model, average)
    other, mean = pair()
    load_state(tmp_path, 4, other, mean)
    for before, after in ((model, other), (average, mean)):
        assert all(torch.equal(a, b) for a, b in zip(before.parameters(), after.parameters(), strict=True))
    load_state(tmp_path, 3, *pair())  # as if killed before the checkpoint of epoch 4 was there
    drop_states(tmp_path, 4)
    with pytest.raises(CallInvalid, match="epoch 4 cannot be read"):
        load_state(tmp_path, 3, *pair())


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
        ("batch = 8", "batch = 8\nlearning_rate = inf", "schedule.learning_rate"),
        ("batch = 8", "batch = 8\nlearning_rate = 10.0", "schedule.learning_rate"),
        ("batch = 8", "batch = 8\nwarmup_epochs = nan", "schedule.warmup_epochs"),
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
        ("tile_px = 96", "tile_px = 32000", CallInvalid, "GB are free on this machine"),
        (str(tmp_path / "run"), str(tiles), CallInvalid, "lie in each other"),
        (str(tmp_path / "run"), str(tiles / "images"), CallInvalid, "lie in each other"),
        (
            str(tmp_path / "run"),
            str(tmp_path / "a.toml" / "run"),
            CallInvalid,
            "no folder that can be written",
        ),
        ("[schedule]", "shares = { dota = 0.5 }\n[schedule]", TilesInvalid, "which data.shares needs"),
    ):
        with pytest.raises(error, match=said):
            check(read_config(of(text, told)), "cpu")
    for device in ("7", "0,", "²", "0,0", "cpu,0"):
        with pytest.raises(DeviceUnavailable, match=f"device {device}:"):
            check(read_config(of("batch = 8", "batch = 8")), device)
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


def test_weights_that_cannot_be_begun_with_are_refused(tiles: Path, tmp_path: Path) -> None:
    import torch
    from ultralytics.nn.tasks import OBBModel

    def begin(weights: Path, model: str = "yolo26n-obb") -> None:
        path = write_config(tmp_path / "a.toml", tiles, tmp_path / "run")
        told = f'model = "{model}"\nweights = "{weights}"'
        path.write_text(path.read_text().replace('model = "yolo26n-obb"', told))
        check(read_config(path), "cpu")

    small = tmp_path / "small.pt"
    torch.save({"model": OBBModel("yolo26n-obb.yaml", nc=15, verbose=False)}, small)
    begin(small)  # of other classes
    with pytest.raises(CallInvalid, match="another architecture"):
        begin(small, "yolo26s-obb")
    rubbish = tmp_path / "rubbish.pt"
    rubbish.write_bytes(b"no weights")
    with pytest.raises(CallInvalid, match="no weights that Ultralytics can load"):
        begin(rubbish)
    assert not (tmp_path / "run").exists()


def test_a_picture_that_cannot_be_read_stops_the_run(tmp_path: Path) -> None:
    tiles = write_tiles(tmp_path / "tiles")
    broken = tiles / "images" / "train" / "tile3.png"
    broken.write_bytes(broken.read_bytes()[:200])
    config = write_config(tmp_path / "run.toml", tiles, tmp_path / "run")
    run = subprocess.run(command(config), capture_output=True, text=True)
    assert run.returncode == 2
    assert str(broken) in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


def test_tiles_whose_description_is_no_yaml_are_refused(tmp_path: Path) -> None:
    tiles = write_tiles(tmp_path / "tiles")
    (tiles / "data.yaml").write_bytes(b"names: [\xff")
    with pytest.raises(TilesInvalid, match="no readable YAML"):
        check(read_config(write_config(tmp_path / "run.toml", tiles, tmp_path / "run")), "cpu")
