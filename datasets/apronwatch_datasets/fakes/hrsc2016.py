"""A tiny HRSC2016."""

from collections import Counter
from pathlib import Path

from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.fakes.xml_files import Content, write_xml
from apronwatch_datasets.faults import FaultKind

WIDTH, HEIGHT = 200, 160


def write_fake(root: Path) -> FakeTruth:
    """An image of two ships, one without any, one cut down after it was labelled; one never labelled, one missing."""
    _write(
        root,
        "100000001",
        [_ship("100000001", (80, 60, 100, 20, 0.5)), _ship("100000013", (150, 130, 40, 12, 0.0), 1)],
    )
    _write(root, "100000002", [])
    _write(
        root,
        "100000003",
        [_ship("100000002", (50, 50, "wide", 10, 0.0)), _ship("100000002", (60, 60, 30, 10, 0.0))],
    )
    _write(root, "100000004", [], annotated=0)
    _write(root, "100000005", [_ship("100000001", (80, 60, 100, 20, -1.2))])
    for seed, name in enumerate(("100000001", "100000002", "100000004")):
        paint(root / "FullDataSet" / "AllImages" / f"{name}.bmp", WIDTH, HEIGHT, seed=seed)
    paint(root / "FullDataSet" / "AllImages" / "100000003.bmp", WIDTH, HEIGHT - 32, seed=9)
    (root / "FullDataSet" / "Annotations" / "100000006.xml").write_text("<HRSC_Image><HRSC", encoding="utf-8")
    (root / "ImageSets").mkdir()
    (root / "ImageSets" / "train.txt").write_text("100000001\n100000003\n", encoding="utf-8")
    (root / "ImageSets" / "test.txt").write_text("100000002\n", encoding="utf-8")
    return FakeTruth(
        images=3,
        objects=Counter(ship=5),
        faults=Counter(
            {
                FaultKind.BAD_LINE: 1,
                FaultKind.SIZE_DIFFERS: 1,
                FaultKind.MISSING_LABELS: 1,
                FaultKind.MISSING_IMAGE: 1,
                FaultKind.UNREADABLE_LABELS: 1,
            }
        ),
    )


def _ship(class_id: str, box: tuple[float | str, ...], difficult: int = 0) -> Content:
    tags = ("mbox_cx", "mbox_cy", "mbox_w", "mbox_h", "mbox_ang")
    return {"Class_ID": class_id, "difficult": difficult, **dict(zip(tags, box, strict=True))}


def _write(root: Path, name: str, ships: list[Content], *, annotated: int = 1) -> None:
    content: Content = {
        "Img_SizeWidth": WIDTH,
        "Img_SizeHeight": HEIGHT,
        "Annotated": annotated,
        "HRSC_Objects": {"HRSC_Object": ships},
    }
    write_xml(root / "FullDataSet" / "Annotations" / f"{name}.xml", "HRSC_Image", content)
