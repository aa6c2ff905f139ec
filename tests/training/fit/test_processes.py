"""One run by two real processes, launched by Ultralytics as for two GPUs."""

from pathlib import Path

from apronwatch.engines.torch import import_ultralytics
from tests.extras import need
from tests.training.tiles import write_config, write_tiles

need("ultralytics", "train")
import_ultralytics()

from apronwatch_training.fit import run  # noqa: E402
from apronwatch_training.fit.config import read_config  # noqa: E402


def test_two_processes_share_the_tiles_and_leave_the_folder_alone(tmp_path: Path) -> None:
    from tests.training.fit.processes import PROCESSES, CpuProcesses

    tiles = write_tiles(tmp_path / "tiles", training=16)
    out = tmp_path / "run"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    config = read_config(write_config(tmp_path / "run.toml", tiles, out, epochs=2))
    run._begin(config, "cpu", False, out / "weights" / "last.pt")
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    CpuProcesses(overrides=run.ultralytics_arguments(config, "cpu")).train()

    assert {name: (out / name).read_bytes() for name in before} == before
    assert (out / "weights" / "last.pt").is_file()
    assert len((out / "results.csv").read_text().splitlines()) == 1 + 2
    told = [(out / "seen" / f"rank{rank}.txt").read_text().splitlines() for rank in range(PROCESSES)]
    shown = [[name for line in lines for name in line.split()[3:]] for lines in told]
    assert len(shown[0]) == len(shown[1]) == 2 * 16 / PROCESSES
    assert set(shown[0]) | set(shown[1]) == {f"tile{k}" for k in range(16)}
    for line in (line for lines in told for line in lines):
        criterion, augmentations, loss = line.split()[:3]
        assert criterion == "PartialOBBLoss"
        assert int(augmentations) == len(run.sensing_transforms(config)) == 7
        assert 0 < float(loss) < 1e4
