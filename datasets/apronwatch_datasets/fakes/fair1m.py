"""A tiny FAIR1M."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.fakes.xml_files import Content, write_xml
from apronwatch_datasets.faults import FaultKind

SIZE = 128
TURNED = ((50.5, 20.0), (90.5, 50.0), (75.5, 70.0), (35.5, 40.0))


def write_fake(root: Path) -> FakeTruth:
    """A picture in each part, all called 0; one without labels, labels without a picture; a test picture."""
    _write(root / "train/part1", "0", [_object("Boeing737", TURNED), _object("Van", TURNED[:3])])
    _write(
        root / "train/part2",
        "0",
        [
            _object("Warship", TURNED),
            _object("Bridge", TURNED),
            _object("Zeppelin", [(x, y + 50) for x, y in TURNED]),
        ],
    )
    _write(root / "validation", "0", [_object("Excavator", [(x + 60, y) for x, y in TURNED])])
    _write(root / "validation", "1", [_object("A330", TURNED)])
    for seed, name in enumerate(("train/part1/images/0", "train/part2/images/0", "validation/images/0")):
        paint(root / f"{name}.tif", SIZE, SIZE, seed=seed)
    paint(root / "train/part1/images/1.tif", SIZE, SIZE, seed=8)
    paint(root / "test/images/0.tif", SIZE, SIZE, seed=9)
    return FakeTruth(
        images=3,
        objects=Counter(
            {"Boeing737": 1, "Van": 1, "Warship": 1, "Bridge": 1, "Zeppelin": 1, "Excavator": 1, "A330": 1}
        ),
        faults=Counter(
            {
                FaultKind.BAD_LINE: 1,
                FaultKind.UNKNOWN_CLASS: 1,
                FaultKind.OUTSIDE_IMAGE: 1,
                FaultKind.MISSING_LABELS: 1,
                FaultKind.MISSING_IMAGE: 1,
            }
        ),
    )


def _object(name: str, corners: Sequence[tuple[float, float]]) -> Content:
    points: list[Content | str] = [f"{x:.6f},{y:.6f}" for x, y in (*corners, corners[0])]
    return {"coordinate": "pixel", "possibleresult": {"name": name}, "points": {"point": points}}


def _write(part: Path, name: str, objects: list[Content]) -> None:
    content: Content = {
        "source": {"filename": f"{name}.tif", "origin": "GF2/GF3"},
        "size": {"width": SIZE, "height": SIZE, "depth": 3},
        "objects": {"object": objects},
    }
    write_xml(part / "labelXml" / f"{name}.xml", "annotation", content)
