import csv
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
import pytest

from apronwatch.engines import load_engine
from apronwatch.engines.devices import Device, usable_cores
from apronwatch.engines.onnx import PROVIDERS, OnnxEngine
from apronwatch.errors import DeviceUnavailable, EngineFailed, ModelCorrupted, ModelInvalid


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Soft noise, in which the bundled model sees a good deal."""
    noise = np.random.default_rng(7).integers(0, 256, (3, 320, 320, 3), dtype=np.uint8)
    return np.stack([cv2.GaussianBlur(tile, (0, 0), 2 + k) for k, tile in enumerate(noise)])


@pytest.mark.parametrize(("side", "anchors"), [(640, 8400), (1024, 21_504), (96, 189)])
def test_the_raw_head_gives_every_anchor(seed, side: int, anchors: int) -> None:
    raw = OnnxEngine(replace(seed, tile_px=side), "cpu").raw(np.zeros((2, side, side, 3), dtype=np.uint8))
    assert raw.shape == (2, 6, anchors)
    assert raw.dtype == np.float32


def test_tiles_do_not_depend_on_their_batch(seed, pictures) -> None:
    engine = load_engine(replace(seed, tile_px=320), "cpu")
    together = engine.detect(pictures, 0.05)
    alone = [engine.detect(tile[None], 0.05)[0] for tile in pictures]
    assert sum(len(tile.detections) for tile in together) > 20
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.detections.polygons, other.detections.polygons, atol=1e-3)
        np.testing.assert_allclose(one.detections.scores, other.detections.scores, atol=1e-5)


def test_the_same_batch_gives_the_same_bits(seed, pictures) -> None:
    engine = OnnxEngine(replace(seed, tile_px=320), "cpu")
    np.testing.assert_array_equal(engine.raw(pictures), engine.raw(pictures))


def test_nothing_there_nothing_seen(seed) -> None:
    engine = load_engine(seed, "cpu")
    (tile,) = engine.detect(np.full((1, 640, 640, 3), 114, dtype=np.uint8), 0.05)
    assert (len(tile.detections), tile.saturated) == (0, False)
    assert engine.detect(np.zeros((0, 640, 640, 3), dtype=np.uint8), 0.05) == []


def test_red_comes_first(seed, pictures) -> None:
    engine = OnnxEngine(replace(seed, tile_px=320), "cpu")
    expected = engine._session.run(
        None, {"images": (pictures.transpose(0, 3, 1, 2) / 255).astype(np.float32)}
    )[0]
    np.testing.assert_allclose(engine.raw(pictures), expected, atol=2e-3)


def test_auto_takes_what_is_there(seed) -> None:
    expected = "cuda:0" if PROVIDERS["cuda"] in ort.get_available_providers() else "cpu"
    assert load_engine(seed).device in {expected, "cpu"}


@pytest.mark.parametrize(("device", "provider"), [("cuda:0", "cuda"), ("tensorrt:0", "tensorrt")])
def test_a_device_that_is_not_there_is_no_silent_cpu(seed, device: str, provider: str) -> None:
    if PROVIDERS[provider] in ort.get_available_providers():
        pytest.skip(f"this machine's ONNX Runtime has {PROVIDERS[provider]}")
    with pytest.raises(DeviceUnavailable, match="--device cpu"):
        load_engine(seed, device)


def test_a_gpu_provider_that_falls_back_is_said(seed, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime lists CUDA, cannot load its libraries, and quietly uses the CPU."""
    session = ort.InferenceSession

    def on_cpu(weights, options, providers):
        return session(weights, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(ort, "get_available_providers", lambda: [PROVIDERS["cuda"], PROVIDERS["cpu"]])
    monkeypatch.setattr(ort, "InferenceSession", on_cpu)
    with pytest.raises(DeviceUnavailable, match="fell back"):
        load_engine(seed, "cuda:1")
    assert load_engine(seed, "auto").device == "cpu"


@pytest.mark.parametrize("text", ["gpu", "cuda:", "cuda:x", "CPU", "", "cpu:0", "0"])
def test_devices_that_are_none(text: str) -> None:
    with pytest.raises(DeviceUnavailable, match="auto, cpu, cuda:N"):
        Device.parse(text)


@pytest.mark.parametrize("text", ["auto", "cpu", "cuda:3", "tensorrt:0"])
def test_devices_by_name(text: str) -> None:
    assert str(Device.parse(text)) == text


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system knows no affinity")
def test_cores_are_those_that_may_be_used() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert usable_cores() == len(before)


def _pinned(seed, path: Path, content: bytes, **changed):
    path.write_bytes(content)
    return replace(seed, path=path, sha256=hashlib.sha256(content).hexdigest(), **changed)


@pytest.mark.parametrize("cut", [0, 20, 5_000, 5_000_000])
def test_a_truncated_file_is_no_model(seed, tmp_path: Path, cut: int) -> None:
    broken = _pinned(seed, tmp_path / "cut.onnx", seed.path.read_bytes()[:cut])
    with pytest.raises(ModelInvalid, match=r"cut\.onnx"):
        load_engine(broken, "cpu")


def test_a_file_changed_since_it_was_found(seed, tmp_path: Path) -> None:
    content = bytearray(seed.path.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(ModelCorrupted, match="SHA-256"):
        load_engine(replace(seed, path=tmp_path / "m.onnx"), "cpu")


def test_other_outputs_than_registered(seed, five) -> None:
    with pytest.raises(ModelInvalid, match="output of shape"):
        load_engine(five, "cpu")


def test_other_class_names_than_registered(seed) -> None:
    with pytest.raises(ModelInvalid, match="knows the classes plane; its registry entry says ship"):
        load_engine(replace(seed, source_classes=("ship",)), "cpu")


def test_a_runtime_that_breaks_is_no_empty_list(seed) -> None:
    engine = load_engine(seed, "cpu")
    with pytest.raises(EngineFailed, match="plane-26n-obb-seed on cpu"):
        engine.detect(np.zeros((1, 100, 100, 3), dtype=np.uint8), 0.05)


def test_counts_real_aircraft_of_places_it_never_saw(seed, real_data: Path) -> None:
    """The held-out places of the Airbus sample at 1.0 m, a picture a pass: the figures of the model card."""
    folder = real_data / "airbus_aircraft_sample"
    with (folder / "sites.csv").open() as file:
        names = [Path(r["image"]) for r in csv.DictReader(file) if r["site"] in ("site05", "site07")]
    engine = load_engine(replace(seed, tile_px=1280), "cpu")
    errors, labelled = [], 0
    for name in names:
        labels = (folder / "labelTxt" / name.with_suffix(".txt")).read_text().splitlines()
        truth = sum(len(line.split()) == 10 for line in labels)
        picture = cv2.cvtColor(cv2.imread(str(folder / "images" / name)), cv2.COLOR_BGR2RGB)
        picture = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        (tile,) = engine.detect(picture[None], seed.classes["plane"].threshold)
        errors.append(len(tile.detections) - truth)
        labelled += truth
    assert np.abs(errors).sum() / labelled < 0.12
    assert abs(sum(errors)) / labelled < 0.04
