"""A tiny dataset in Pascal VOC's layout, in our own class names."""

from collections import Counter
from pathlib import Path

from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.fakes.xml_files import Content, write_xml
from apronwatch_datasets.faults import FaultKind

SIZE = 128


def write_fake(root: Path) -> FakeTruth:
    """Two sound images, one of another size than its labels say; labels that are none; an image without."""
    _write(root, "one", [_object("plane", (10, 20, 50.5, 60)), _object("ship", (60, 60, 90, 90), 1)])
    _write(root, "two", [_object("plane", (10, 20, 10, 60)), _object("dragon", (60, 60, 90, 90))])
    for seed, name in enumerate(("one", "two", "three", "four")):
        paint(root / "JPEGImages" / f"{name}.jpg", SIZE, SIZE if name != "two" else SIZE + 32, seed=seed)
    (root / "Annotations" / "three.xml").write_text("<html/>", encoding="utf-8")
    (root / "ImageSets" / "Main").mkdir(parents=True)
    (root / "ImageSets" / "Main" / "val.txt").write_text("two\n", encoding="utf-8")
    return FakeTruth(
        images=2,
        objects=Counter(plane=2, ship=1, dragon=1),
        faults=Counter(
            {
                FaultKind.ZERO_AREA: 1,
                FaultKind.UNKNOWN_CLASS: 1,
                FaultKind.SIZE_DIFFERS: 1,
                FaultKind.UNREADABLE_LABELS: 1,
                FaultKind.MISSING_LABELS: 1,
            }
        ),
    )


def _object(name: str, sides: tuple[float, ...], difficult: int = 0) -> Content:
    box = dict(zip(("xmin", "ymin", "xmax", "ymax"), sides, strict=True))
    return {"name": name, "difficult": difficult, "bndbox": box}


def _write(root: Path, name: str, objects: list[Content]) -> None:
    size: Content = {"width": SIZE, "height": SIZE, "depth": 3}
    content: Content = {"filename": f"{name}.jpg", "size": size, "object": objects}
    write_xml(root / "Annotations" / f"{name}.xml", "annotation", content)
