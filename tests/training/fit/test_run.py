"""Real runs of seconds: begun, killed, resumed."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from apronwatch.engines.devices import usable_cores
from apronwatch.engines.torch import import_ultralytics
from apronwatch.errors import CallInvalid, EngineFailed
from tests.extras import need
from tests.training.tiles import write_config, write_tiles

need("ultralytics", "train")
import_ultralytics()


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


def test_a_run_whose_tiles_have_changed_does_not_go_on(done: Path, tiles: Path) -> None:
    sidecar = tiles / "regions" / "train" / "tile3.json"
    kept = sidecar.read_text()
    sidecar.write_text(kept.replace('["ship"]', '["plane"]'))
    try:
        resumed = subprocess.run(
            command(done.parent / "run.toml", "--resume"), capture_output=True, text=True
        )
    finally:
        sidecar.write_text(kept)
    assert resumed.returncode == 2
    assert f"the training tiles in {tiles} are not those that it began with" in resumed.stderr
    assert len(resumed.stderr.strip().splitlines()) == 1
    assert not (done / "fitted.pt").exists()


@pytest.mark.parametrize("told", [None, "3"])
def test_a_cpu_computes_on_all_cores_unless_the_user_says_otherwise(
    tiles: Path, tmp_path: Path, told: str | None
) -> None:
    config = write_config(tmp_path / "run.toml", tiles, tmp_path / "run", epochs=1)
    script = (
        "import sys; from apronwatch.cli import main\n"
        "try: main()\n"
        "finally: import torch; print('threads', torch.get_num_threads())"
    )
    user = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    run = subprocess.run(
        [sys.executable, "-c", script, *command(config)[1:]],
        env=user | ({"OMP_NUM_THREADS": told} if told else {}),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert f"threads {told or usable_cores()}" in run.stdout.splitlines()


@pytest.mark.parametrize("said", ["CUDA out of memory.", "DefaultCPUAllocator: can't allocate memory"])
def test_a_batch_that_does_not_fit_ends_the_run(
    tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    from apronwatch_training.fit.config import read_config
    from apronwatch_training.fit.run import fit
    from apronwatch_training.fit.trainer import Trainer

    batches = []

    def too_large(trainer: Trainer, _batch: object) -> None:
        batches.append(trainer.batch_size)
        raise RuntimeError(said)

    monkeypatch.setattr(Trainer, "preprocess_batch", too_large)
    config = read_config(write_config(tmp_path / "run.toml", tiles, tmp_path / "run"))
    with pytest.raises(EngineFailed, match="memory ran out; give a smaller"):
        fit(config, "cpu", threads=1)
    assert batches == [8]


def test_what_is_kept_is_the_average_of_so_many_steps_through_a_break(
    tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from ultralytics.utils.torch_utils import unwrap_model

    from apronwatch_training.fit.config import read_config
    from apronwatch_training.fit.run import Epoch, fit
    from apronwatch_training.fit.trainer import Trainer

    steps: list[torch.Tensor] = []
    step = Trainer.optimizer_step

    def first_layer(model: torch.nn.Module) -> torch.Tensor:
        return next(unwrap_model(model).parameters()).detach().clone()

    def watched(trainer: Trainer) -> None:
        if not steps:
            steps.append(first_layer(trainer.model))
        step(trainer)
        steps.append(first_layer(trainer.model))

    def broken_off(epoch: Epoch) -> None:
        if epoch.number == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "optimizer_step", watched)
    path = write_config(
        tmp_path / "run.toml", tiles, tmp_path / "run", epochs=4, schedule="average_steps = 3"
    )
    with pytest.raises(KeyboardInterrupt):
        fit(read_config(path), "cpu", threads=1, told=broken_off)
    before = len(steps)
    fitted = fit(read_config(path), "cpu", threads=1, resume=True)

    assert 1 < before < len(steps)
    average = steps[0]
    for number, weights in enumerate(steps[1:], start=1):
        kept = min(2 / 3, (1 + number) / (10 + number))
        average = kept * average + (1 - kept) * weights
    model = torch.load(fitted.weights, map_location="cpu", weights_only=False)["model"]
    found = next(model.parameters()).float()
    assert torch.allclose(found, average, atol=2e-4)
    assert not torch.allclose(found, steps[-1], atol=2e-4)


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

    (tmp_path / "state-4.pt").rename(tmp_path / "state.pt")  # as earlier versions called it
    load_state(tmp_path, 4, other, mean)
    with pytest.raises(CallInvalid, match="these are of epoch 5"):
        load_state(tmp_path, 3, *pair())
    save_state(tmp_path, 5, model, average)
    drop_states(tmp_path, 5)
    assert [path.name for path in tmp_path.iterdir()] == ["state-5.pt"]
