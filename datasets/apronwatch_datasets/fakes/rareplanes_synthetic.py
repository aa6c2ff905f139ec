"""A tiny synthetic part of RarePlanes."""

from collections import Counter
from pathlib import Path

from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.fakes.xml_files import Content, write_xml
from apronwatch_datasets.faults import FaultKind

WIDTH, HEIGHT = 200, 160
GSD_M = 0.31
DIAMOND = ((140.0, 60.0), (60.0, 100.0), (20.0, 60.0), (60.0, 20.0))
"""Nose, right wing tip, tail, left wing tip: 120 pixels long, 80 across."""

NAME = "Adelaide_Airport_0_0_101"


def write_fake(root: Path) -> FakeTruth:
    """A picture of three aircraft, one of them hidden, one half out; a second of the same airport with a broken one."""
    half_out = tuple((x + 120, y) for x, y in DIAMOND)
    hidden = tuple((x, y + 50) for x, y in DIAMOND)
    aircraft = [_aircraft(DIAMOND), _aircraft(half_out), _aircraft(hidden, seen=False)]
    _write(root / "synthetic" / "train", NAME, aircraft)
    _write(root / "synthetic" / "train", "Adelaide_Airport_0_0_102", [_aircraft(DIAMOND) | {"Sockets": {}}])
    _write(root / "synthetic" / "test", "Bern_Airport_1_0_7", [_aircraft(DIAMOND)])
    paint(root / "synthetic" / "train" / "images" / f"{NAME}.png", WIDTH, HEIGHT, seed=1)
    paint(root / "synthetic" / "train" / "images" / "Adelaide_Airport_0_0_102.png", WIDTH, HEIGHT, seed=2)
    paint(root / "synthetic" / "train" / "images" / "Adelaide_Airport_0_0_103.png", WIDTH, HEIGHT, seed=3)
    return FakeTruth(
        images=2,
        objects=Counter(Airplane=5),
        faults=Counter(
            {
                FaultKind.BAD_LINE: 1,
                FaultKind.OUTSIDE_IMAGE: 1,
                FaultKind.MISSING_IMAGE: 1,
                FaultKind.MISSING_LABELS: 1,
            }
        ),
    )


def _aircraft(points: tuple[tuple[float, float], ...], *, seen: bool = True) -> dict[str, Content | str]:
    sockets: dict[str, Content] = {}
    for where, (x, y) in zip(("Nose", "RightWing", "Tail", "LeftWing"), points, strict=True):
        world = f"X={x * GSD_M * 100:.3f} Y={y * GSD_M * 100:.3f} Z=-120.883"
        sockets[f"Bone_PlaneAnnotation_{where}"] = {"world": world, "screen": f"X={x:.3f} Y={y:.3f}"}
    made: dict[str, Content | str] = {"category0": "Airplane", "category1": "Civil", "Sockets": sockets}
    if seen:
        xs, ys = zip(*points, strict=True)
        made["bndbox2D"] = {"xmin": min(xs), "ymin": min(ys), "xmax": max(xs), "ymax": max(ys)}
    return made


def _write(folder: Path, name: str, aircraft: list[dict[str, Content | str]]) -> None:
    content: Content = {
        "filename": f"{name}.png",
        "image_resolution": {"width": WIDTH, "height": HEIGHT},
        "object": aircraft,
    }
    write_xml(folder / "xmls" / f"{name}.xml", "image", content)
