import hashlib
import importlib.util
import itertools
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial import cKDTree

from apronwatch.engines import ModelSpec, TileDetections, export, find_model, load_engine
from apronwatch.engines.devices import usable_cores
from apronwatch.engines.export import difference, parity_tiles
from apronwatch.engines.onnx import OnnxEngine
from apronwatch.engines.torch import TorchEngine, import_ultralytics
from apronwatch.errors import (
    DeviceUnavailable,
    EngineFailed,
    ExtraMissing,
    ModelCorrupted,
    ModelInvalid,
    OutputInvalid,
)
from tests.detector.engines.conftest import write_random_weights

# Not importorskip: Ultralytics must be imported the quiet way or not at all.
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ultralytics") is None, reason="the extra `train` is not installed"
)

CORNER_TOLERANCE_PX = 0.05
SCORE_TOLERANCE = 1e-3


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One class: of two whose scores tie, either may win in either engine."""
    return write_random_weights(tmp_path_factory.mktemp("weights") / "random.pt", ["plane"])


@pytest.fixture
def random_model(random_weights: Path, seed: ModelSpec) -> ModelSpec:
    sha256 = hashlib.sha256(random_weights.read_bytes()).hexdigest()
    return replace(seed, name="random", path=random_weights, sha256=sha256, format="torch", tile_px=320)


def same_boxes(one: list[TileDetections], other: list[TileDetections], floor: float) -> int:
    """How many boxes one found, once each of either has its like in the other.

    Boxes within the tolerance of the floor may be on one side alone.
    """
    for mine, theirs in itertools.permutations((one, other)):
        for a, b in zip(
            (tile.detections for tile in mine), (tile.detections for tile in theirs), strict=True
        ):
            a = a.select(a.scores > floor + SCORE_TOLERANCE)
            if len(a) == 0:
                continue
            apart, like = cKDTree(b.polygons.reshape(-1, 8)).query(a.polygons.reshape(-1, 8), p=np.inf)
            assert apart.max() <= CORNER_TOLERANCE_PX
            np.testing.assert_allclose(a.scores, b.scores[like], atol=SCORE_TOLERANCE)
            np.testing.assert_array_equal(a.classes, b.classes[like])
    return sum(len(tile.detections) for tile in one)


def test_both_engines_give_the_same_boxes(random_model: ModelSpec, tmp_path: Path) -> None:
    """All boxes of random weights, for a near-tie of two that overlap may fall either way in suppression."""
    made = export.export(random_model, tmp_path / "random.onnx")
    assert made.score_difference < SCORE_TOLERANCE
    every = replace(random_model, suppression_iou=0.999)
    exported = replace(every, path=made.path, sha256=made.sha256, format="onnx")
    engines = load_engine(every, "cpu"), load_engine(exported, "cpu")
    tiles = parity_tiles(320)
    assert same_boxes(*(engine.detect(tiles, 0.05) for engine in engines), 0.05) > 100
    assert engines[0].raw(tiles).shape == (4, 6, 40**2 + 20**2 + 10**2)


@pytest.fixture
def trained(real_data: Path) -> ModelSpec:
    """The weights that the bundled ONNX file was exported from; the test is skipped where they are not."""
    weights = real_data.parent / "weights" / "plane-26n-obb-seed.pt"
    if not weights.is_file():
        pytest.skip(f"{weights}: the weights that the bundled file was exported from are not here")
    return find_model(weights)


def test_the_bundled_file_is_the_seeds_export(seed: ModelSpec, trained: ModelSpec, real_data: Path) -> None:
    engines = load_engine(trained, "cpu"), load_engine(seed, "cpu")
    tiles = []
    for path in sorted((real_data / "airbus_aircraft_sample" / "images").glob("*.jpg"))[:3]:
        picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        tiles.append(
            cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)[320:960, 320:960]
        )
    assert same_boxes(*(engine.detect(np.stack(tiles), 0.05) for engine in engines), 0.05) > 10


def test_half_precision_stays_close(trained: ModelSpec, tmp_path: Path) -> None:
    made = export.export(trained, tmp_path / "half.onnx", half=True)
    assert made.size_bytes < 6.5e6
    assert 0 < made.score_difference <= made.tolerance.score


def test_an_export_that_gives_no_numbers_is_not_written(
    random_weights: Path, random_model: ModelSpec, tmp_path: Path
) -> None:
    torch, _ = import_ultralytics()
    broken = torch.load(random_weights, weights_only=False)
    for scale in broken["model"].model[-1].cv3:
        scale[-1].bias.data.fill_(float("nan"))
    torch.save(broken, tmp_path / "broken.pt")
    sha256 = hashlib.sha256((tmp_path / "broken.pt").read_bytes()).hexdigest()
    with pytest.raises(ModelInvalid, match="differs by nan"):
        export.export(replace(random_model, path=tmp_path / "broken.pt", sha256=sha256), tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


def test_an_export_that_differs_is_not_written(random_model: ModelSpec, tmp_path: Path) -> None:
    """Random layers amplify what half precision rounds away."""
    with pytest.raises(ModelInvalid, match="nothing was written"):
        export.export(random_model, tmp_path / "random.onnx", half=True)
    assert list(tmp_path.glob("*.onnx")) == []


def test_other_weights_do_differ(random_model: ModelSpec, seed: ModelSpec) -> None:
    one = TorchEngine(random_model, "cpu")
    with_noise = TorchEngine(random_model, "cpu")
    for scale in with_noise._network.model[-1].cv3:
        scale[-1].bias.data += 0.1
    assert difference(one, with_noise)[0] > export.HALF.score / 10
    assert difference(one, one) == (0.0, 0.0)


def test_only_pt_to_onnx(seed: ModelSpec, random_model: ModelSpec, tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid, match=r"only \.pt"):
        export.export(seed, tmp_path / "x.onnx")
    with pytest.raises(OutputInvalid, match=r"\.onnx"):
        export.export(random_model, tmp_path / "x.engine")


def test_torch_uses_every_core_after_ultralytics_took_them(random_model: ModelSpec) -> None:
    torch, _ = import_ultralytics()
    torch.set_num_threads(1)
    TorchEngine(random_model, "cpu")
    assert torch.get_num_threads() == usable_cores()


def test_nothing_is_written_to_the_users_home(random_model: ModelSpec) -> None:
    TorchEngine(random_model, "cpu")
    from ultralytics.utils import USER_CONFIG_DIR

    assert Path.home() not in Path(USER_CONFIG_DIR).parents


def test_other_class_names_are_refused(random_model: ModelSpec) -> None:
    with pytest.raises(ModelInvalid, match="correct source_classes"):
        load_engine(replace(random_model, source_classes=("ship",)), "cpu")


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 half a zip"])
def test_what_is_no_checkpoint_is_refused(random_model: ModelSpec, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.pt").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    with pytest.raises(ModelInvalid, match=r"bad\.pt") as error:
        load_engine(replace(random_model, path=tmp_path / "bad.pt", sha256=sha256), "cpu")
    assert "\n" not in str(error.value)


def test_changed_weights_are_refused_before_they_are_unpickled(
    random_model: ModelSpec, tmp_path: Path
) -> None:
    (tmp_path / "bad.pt").write_bytes(random_model.path.read_bytes() + b"!")
    with pytest.raises(ModelCorrupted):
        load_engine(replace(random_model, path=tmp_path / "bad.pt"), "cpu")


class Payload:
    """What a malicious file would hold: unpickling it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.path,)  # type: ignore[return-value]


def test_even_trusted_pickles_run_no_code(random_model: ModelSpec, tmp_path: Path) -> None:
    torch, _ = import_ultralytics()
    torch.save({"model": Payload(tmp_path / "ran"), "train_args": {}}, tmp_path / "evil.pt")
    sha256 = hashlib.sha256((tmp_path / "evil.pt").read_bytes()).hexdigest()
    with pytest.raises(ModelInvalid):
        load_engine(replace(random_model, path=tmp_path / "evil.pt", sha256=sha256), "cpu")
    assert not (tmp_path / "ran").exists()


def test_devices_of_torch(random_model: ModelSpec) -> None:
    torch, _ = import_ultralytics()
    with pytest.raises(DeviceUnavailable, match="ONNX weights only"):
        load_engine(random_model, "tensorrt:0")
    with pytest.raises(DeviceUnavailable, match="CUDA devices"):
        load_engine(random_model, "cuda:99")
    assert load_engine(random_model, "auto").device == ("cuda:0" if torch.cuda.is_available() else "cpu")


def test_a_network_that_breaks_is_no_empty_list(random_model: ModelSpec) -> None:
    with pytest.raises(EngineFailed, match="random on cpu"):
        load_engine(random_model, "cpu").detect(np.zeros((1, 100, 100, 3), dtype=np.uint8), 0.05)
    assert load_engine(random_model, "cpu").detect(np.zeros((0, 64, 64, 3), dtype=np.uint8), 0.05) == []


def test_without_the_extra_it_says_so(random_model: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ultralytics", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'apronwatch\[train\]'"):
        load_engine(random_model, "cpu")


def test_the_default_engine_needs_no_torch(seed: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "ultralytics", "onnx"):
        monkeypatch.setitem(sys.modules, name, None)
    assert isinstance(load_engine(seed, "cpu"), OnnxEngine)
