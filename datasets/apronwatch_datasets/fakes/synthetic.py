"""A tiny synthetic scenario, with a truth file that was cut short and a scene that is missing."""

from collections import Counter
from pathlib import Path

from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.faults import FaultKind
from apronwatch_datasets.synthetic.small import drawn_scene

TYPES = ("Il-76", "Su-27", "Mi-8", "lorry", "car", "car")


def write_fake(root: Path) -> FakeTruth:
    """Write two scenes that can be used and two that cannot."""
    for number in range(4):
        folder = root / f"scenario{number}"
        scene = drawn_scene(folder / "scenes", types=TYPES, seed=number, size_px=(320, 320), gsd_m=0.5)
        (folder / "scenes" / "truth").rename(folder / "truth")
        if number == 2:
            scene.files.image.unlink()
        if number == 3:
            truth = folder / "truth" / scene.files.truth.name
            truth.write_bytes(truth.read_bytes()[:200])
    objects = {"plane": 2, "helicopter": 1, "vehicle_large": 1, "vehicle_small": 2}
    return FakeTruth(
        2,
        Counter({name: 3 * n for name, n in objects.items()}),
        Counter({FaultKind.MISSING_IMAGE: 1, FaultKind.UNREADABLE_LABELS: 1}),
    )
