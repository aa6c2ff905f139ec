"""Models small enough to reason about, and a real network with weights drawn at random."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apronwatch.engines import ModelSpec, find_model


@pytest.fixture(autouse=True)
def weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of the user's weights."""
    folder = tmp_path / "weights"
    monkeypatch.setenv("APRONWATCH_WEIGHTS", str(folder))
    monkeypatch.delenv("APRONWATCH_WEIGHTS_URL", raising=False)
    return folder


@pytest.fixture
def seed() -> ModelSpec:
    """The bundled model."""
    return find_model("plane-26n-obb-seed")


@pytest.fixture
def five(seed: ModelSpec) -> ModelSpec:
    """What a registry would say of weights with our five classes and one that is not counted."""
    plane = seed.classes["plane"]
    names = ("plane", "helicopter", "vehicle_small", "vehicle_large", "ship")
    return replace(
        seed,
        source_classes=(*names, "storage tank"),
        outputs=(*names, None),
        classes={name: replace(plane, name=name) for name in names},
    )


def raw_head(model: ModelSpec, *boxes: tuple[float, ...], tile_px: int = 64) -> np.ndarray:
    """Output (1, 4 + C + 1, A) of a head that saw boxes (x, y, w, h, angle, output, score)."""
    anchors = (tile_px // 8) ** 2 + (tile_px // 16) ** 2 + (tile_px // 32) ** 2
    raw = np.full((1, 4 + len(model.outputs) + 1, anchors), 1e-4, dtype=np.float32)
    for anchor, (x, y, w, h, angle, output, score) in enumerate(boxes):
        raw[0, :4, anchor] = x, y, w, h
        raw[0, 4 + int(output), anchor] = score
        raw[0, -1, anchor] = angle
    return raw


def write_random_weights(path: Path, names: Sequence[str]) -> Path:
    """Ultralytics weights of a yolo26n-obb that was never trained, yet answers with scores from 0 to 1."""
    from apronwatch.engines.export import parity_tiles
    from apronwatch.engines.torch import import_ultralytics

    torch, _ = import_ultralytics()
    from ultralytics.nn.tasks import OBBModel

    torch.manual_seed(3)
    network = OBBModel("yolo26n-obb.yaml", nc=len(names), verbose=False)
    network.names = dict(enumerate(names))
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    tiles = torch.from_numpy(parity_tiles(320)).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        # Without statistics of real activations the signal dies out on its way through random layers.
        for norm in norms:
            norm.momentum = 1.0
        network.train()(tiles)
        for scale in network.eval().model[-1].cv3:
            scale[-1].weight.mul_(1)
            scale[-1].bias.fill_(-4)
    torch.save({"model": network, "ema": None, "train_args": {}}, path)
    return path
