"""A tiny aerial cars dataset as it is published: frames, labels and names beside each other."""

from collections import Counter
from pathlib import Path

from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.fakes.text_files import write_lines
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.faults import FaultKind

FRAMES = {
    "MOS74": (96, 80),
    "MOS75": (96, 80),
    "MOS155": (128, 64),
    "DJI_0005-0018": (64, 64),
    "DJI_0010": (64, 64),
}


def write_fake(root: Path) -> FakeTruth:
    """Frames of two streets, of a video and of a camera; a photograph that is missing, as in the published one."""
    write_lines(root / "aerial.names", "car", "truck", "bus", "minibus", "cyclist")
    for seed, (name, (width, height)) in enumerate(FRAMES.items()):
        paint(root / f"{name}.png", width, height, seed=seed)
        write_lines(root / f"{name}.txt", "0 0.5 0.5 0.25 0.125")
    write_lines(root / "MOS155.txt", "1 0.5 0.5 0.25 0.125", "4 0.1 0.1 0.05 0.1", "2 0.8 0.5 0.1")
    write_lines(root / "DJI_0006.txt", "0 0.5 0.5 0.1 0.1", "2 0.2 0.5 0.1 0.1")
    return FakeTruth(
        images=5,
        objects=Counter({"car": 5, "truck": 1, "cyclist": 1, "bus": 1, "?": 1}),
        faults=Counter({FaultKind.BAD_LINE: 1, FaultKind.MISSING_IMAGE: 1}),
    )
