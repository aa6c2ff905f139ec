"""What cannot run is refused in one line, before anything is written."""

import re
from pathlib import Path

import pytest

from apronwatch.engines.torch import import_ultralytics
from apronwatch.errors import CallInvalid, ConfigInvalid, DeviceUnavailable, TilesInvalid
from apronwatch.taxonomy import CLASSES
from tests.extras import need
from tests.training.tiles import write_config, write_tiles

need("ultralytics", "train")
import_ultralytics()

from apronwatch_training.fit import memory  # noqa: E402
from apronwatch_training.fit.config import read_config  # noqa: E402
from apronwatch_training.fit.preflight import check  # noqa: E402
from apronwatch_training.fit.weights import network  # noqa: E402


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiles(tmp_path_factory.mktemp("tiles") / "set")


def test_what_cannot_start_is_said_first(
    tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
        ("batch = 8", f"batch = 8\nseed = {2**32}", "schedule.seed"),
        ("[run]", "[augment]\nzoom = [0.5, inf]\n[run]", "augment.zoom"),
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
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(CallInvalid, match="batch 7 over 2 GPUs"):
        check(read_config(of("batch = 8", "batch = 7")), "0,1")
    assert not (tmp_path / "run").exists()


def test_tiles_of_other_classes_or_without_sidecars_are_refused(tmp_path: Path) -> None:
    root = write_tiles(tmp_path / "set", training=8)
    config = read_config(write_config(tmp_path / "a.toml", root, tmp_path / "run"))
    assert check(config, "cpu").tiles.labels == 24
    [first, *_] = sorted((root / "regions" / "train").iterdir())
    first.unlink()
    with pytest.raises(TilesInvalid, match="no readable sidecar"):
        check(config, "cpu")
    described = root / "data.yaml"
    kept = described.read_bytes()
    for content, said in (
        (kept.replace(b"0: plane", b"0: tank"), "classes tank"),
        (b"names: 5", "no classes; expected plane"),
        (b"[]", "no classes; expected plane"),
        (b"names: [\xff", "no readable YAML"),
        (b"names: [a, b\n: : :", "no readable YAML"),
    ):
        described.write_bytes(content)
        with pytest.raises(TilesInvalid, match=said) as refusal:
            check(config, "cpu")
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("end", [0, 200, -200])
def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path, split: str, end: int) -> None:
    root = write_tiles(tmp_path / "set", training=8)
    config = read_config(write_config(tmp_path / "a.toml", root, tmp_path / "run"))
    broken = root / "images" / split / "tile1.png"
    broken.write_bytes(broken.read_bytes()[:end])
    with pytest.raises(TilesInvalid, match=re.escape(str(broken))):
        check(config, "cpu")
    assert not (tmp_path / "run").exists()


def test_weights_of_another_architecture_are_refused_and_of_other_classes_counted(
    tiles: Path, tmp_path: Path
) -> None:
    import torch
    from ultralytics.nn.tasks import OBBModel

    def begin(weights: Path, model: str = "yolo26n-obb", heads: str = "both") -> str:
        path = write_config(tmp_path / "a.toml", tiles, tmp_path / "run")
        told = f'model = "{model}"\nweights = "{weights}"\nheads = "{heads}"'
        path.write_text(path.read_text().replace('model = "yolo26n-obb"', told))
        return str(check(read_config(path), "cpu").carried)

    ours, other = tmp_path / "ours.pt", tmp_path / "other.pt"
    model = OBBModel("yolo26n-obb.yaml", nc=len(CLASSES), verbose=False)
    model.names = dict(enumerate(CLASSES))
    torch.save({"model": model}, ours)
    model = OBBModel("yolo26n-obb.yaml", nc=15, verbose=False)
    model.names = {0: "plane", 1: "ship"} | {k: f"court {k}" for k in range(2, 15)}
    torch.save({"model": model}, other)

    whole, fewer = begin(ours), begin(other)
    assert re.fullmatch(r"ours\.pt: (\d+) of \1 layers are carried over", whole)
    found = re.fullmatch(r"other\.pt: (\d+) of (\d+) layers are carried over, (.*)", fewer)
    assert found
    assert int(found[2]) - 40 < int(found[1]) < int(found[2]) == int(whole.split()[1])
    assert found[3] == "of its 15 classes plane, ship; the rest of the head begins anew"
    one = re.fullmatch(r"ours\.pt: (\d+) of \1 layers are carried over", begin(ours, heads="one-to-many"))
    assert one
    assert int(one[1]) < int(found[2])
    for model_name in ("yolo26s-obb", "yolo11n-obb"):
        with pytest.raises(CallInvalid, match=f"weights of yolo26n-obb: .* give weights of {model_name}"):
            begin(ours, model_name)
    for content in (b"", b"no weights", ours.read_bytes()[:100_000]):
        (tmp_path / "rubbish.pt").write_bytes(content)
        with pytest.raises(CallInvalid, match="no weights that Ultralytics can load") as refusal:
            begin(tmp_path / "rubbish.pt")
        assert "\n" not in str(refusal.value)
    assert not (tmp_path / "run").exists()


def test_memory_that_is_short_is_told_and_far_too_little_refused(
    tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = read_config(write_config(tmp_path / "a.toml", tiles, tmp_path / "run"))
    model = network(config.start)
    needed = memory.needed_bytes(model, tiles=8, tile_px=96, value_bytes=4)
    weights = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    assert needed > memory.PROCESS_BYTES + 4 * weights
    larger = memory.needed_bytes(model, tiles=16, tile_px=192, value_bytes=4)
    smallest = memory.needed_bytes(model, tiles=0, tile_px=96, value_bytes=4)
    assert larger - smallest == pytest.approx(8 * (needed - smallest))
    for share, said in ((1.1, None), (0.8, "the run may stop for want of memory")):
        monkeypatch.setattr(memory, "free_bytes", lambda _, free=share * needed: {"GPU 0": free})
        warning = memory.check_memory(config, "0", model)
        assert (warning is None) if said is None else (warning or "").endswith(said)
    monkeypatch.setattr(memory, "free_bytes", lambda _: {"GPU 0": 0.5 * needed})
    with pytest.raises(CallInvalid, match="GB are free on GPU 0; give a smaller"):
        memory.check_memory(config, "0", model)
