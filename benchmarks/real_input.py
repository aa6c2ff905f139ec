"""The product on real images: how many it sees against how many are labelled, and how well it measures.

    python benchmarks/real_input.py [counts] [places] [--quick] [--report FOLDER]

`counts`: every image of the Airbus sample as `apronwatch count --undated --gsd 0.5` counts it, by its series, with
errors for the places that the bundled weights learned from and for those that they did not.
`places`: the dated GeoTIFFs of the AllPlanes examples: true GSD, series, and sizes of aircraft, by the labels' key
points (our geometry alone) and by the detector's boxes (the weights' too). `--report` keeps the HTML reports.

Needs the real images, see `APRONWATCH_DATA`.
"""

import argparse
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import allplanes
import numpy as np
from airbus import GSD_M, HELD_OUT, OTHERS, Image, images
from measure import matched

from apronwatch import Archive, Scene, count, find_model, load_engine
from apronwatch.cli.output import print_table
from apronwatch.detections import Detections
from apronwatch.engines import Engine
from apronwatch.report.page import write_report
from apronwatch.run import counted
from apronwatch.survey import survey

FOUND_WITHIN_M = 10.0


def counts(engine: Engine, quick: bool) -> None:
    """A line for each image of the Airbus sample, then the errors."""
    chosen = [i for i in images() if i.part != OTHERS][:3] if quick else images()
    seen = {image: _seen(image, engine) for image in chosen}
    print_table(
        ("site", "series", "image", "planes", "cut", "labelled", "seen", "difference", "part of the split"),
        [_image_line(image, seen[image]) for image in chosen],
        right=range(3, 8),
    )
    print("\nError of the count; cut: aircraft that the border of the picture cuts\n")
    lines = []
    for part in (*HELD_OUT, OTHERS):
        labelled = [i for i in chosen if i.part == part and i.labelled is not None]
        for against, with_cut in (("planes and cut", True), ("planes", False)):
            truth = [i.labelled if with_cut else i.planes for i in labelled]
            lines += _error_line(part, against, [seen[i] for i in labelled], truth)
    header = ("images", "against", "number", "labelled", "seen", "MAE", "bias", "WAPE")
    print_table(header, lines, right=range(2, 8))


def _seen(image: Image, engine: Engine) -> int:
    with Scene.open(image.path, undated=True, gsd_m=GSD_M) as scene:
        [total] = [c for c in count(scene, engine, classes=["plane"]) if c.zone == "*"]
    if total.seen is None:
        raise SystemExit(f"{image.path.name}: no number, {', '.join(total.reasons)}")
    return total.seen


def _image_line(image: Image, seen: int) -> list[str]:
    facts = [image.site, image.series or "-", image.path.stem[:8]]
    if image.labelled is None:
        return [*facts, "-", "-", "-", str(seen), "-", image.part]
    numbers = [str(image.planes), str(image.truncated), str(image.labelled), str(seen)]
    return [*facts, *numbers, f"{seen - image.labelled:+d}", image.part]


def _error_line(title: str, against: str, seen: Sequence[int], truth: Sequence[int]) -> Iterable[list[str]]:
    if not truth:
        return
    error, labelled = np.array(seen) - np.array(truth), sum(truth)
    relative = f"{error.sum() / labelled:+.1%}", f"{np.abs(error).sum() / labelled:.1%}"
    mae = f"{np.abs(error).mean():.2f}"
    yield [title, against, str(len(truth)), str(labelled), str(sum(seen)), mae, *relative]


def places(engine: Engine, quick: bool, reports: Path | None) -> None:
    """GSD, series and sizes of the AllPlanes examples."""
    looks = allplanes.looks()[:2] if quick else allplanes.looks()
    sites = allplanes.sites(looks)
    with tempfile.TemporaryDirectory() as folder:
        name = str(Path(folder) / "apronwatch.sqlite")
        outcomes = list(survey(allplanes.requests(looks), engine, sites=sites, archive=name))
        with Archive.open(name, create=False) as archive:
            boxes = [counted(archive.run(run_id)) for outcome in outcomes for run_id in outcome.run_ids]
            labels = _labels(looks, boxes)
            _print_gsd(looks, [outcome.scene.gsd_m for outcome in outcomes])
            for site in sites:
                _print_series(archive, site.id, looks, labels)
                if reports is not None:
                    write_report(archive, site.id, reports / f"{site.id}.html")
    _print_lengths(labels, boxes)


def _labels(looks: list[allplanes.Look], boxes: list[Detections]) -> list[list[allplanes.Plane]]:
    labels = []
    for look, found in zip(looks, boxes, strict=True):
        with Scene.open(look.path) as scene:
            labels.append(allplanes.planes(look, scene, found.crs))
    return labels


def _print_gsd(looks: list[allplanes.Look], measured: list[float]) -> None:
    print("\nTrue GSD, m\n")
    lines = [
        [look.path.stem[:28], f"{look.gsd_m:.4f}", f"{gsd_m:.4f}", f"{gsd_m / look.gsd_m - 1:+.2%}"]
        for look, gsd_m in zip(looks, measured, strict=True)
    ]
    print_table(("picture", "georef.json", "measured", "difference"), lines, right=(1, 2, 3))


def _print_series(
    archive: Archive, site: str, looks: list[allplanes.Look], labels: list[list[allplanes.Plane]]
) -> None:
    print(f"\nSeries of {site}\n")
    lines = []
    for row in archive.series(site, zone="*", class_name="plane"):
        date = row.time.date().isoformat()
        of_date = [p for look, there in zip(looks, labels, strict=True) for p in there
                   if (look.place, look.date) == (site, date)]  # fmt: skip
        status = f"{row.count.status.value}, {row.count.observed_fraction:.0%} seen"
        lines.append([date, str(row.frames), str(_different(of_date)), str(row.count.seen), status])
    print_table(("date", "frames", "labelled", "seen", "status"), lines, right=(1, 2, 3))


def _different(planes: list[allplanes.Plane]) -> int:
    """How many aircraft, when overlapping pictures show some of them twice."""
    apart: list[allplanes.Plane] = []
    for plane in planes:
        if all(np.linalg.norm(plane.centre - other.centre) > FOUND_WITHIN_M for other in apart):
            apart.append(plane)
    return len(apart)


def _print_lengths(labels: list[list[allplanes.Plane]], boxes: list[Detections]) -> None:
    print("\nSizes, m (aircraft that no border cuts; median, least to greatest)\n")
    lines = []
    for name, (title, length_m, span_m) in allplanes.TYPES.items():
        shown = [p for there in labels for p in there if p.type_name == name and not p.cut]
        by_boxes = [
            s for there, found in zip(labels, boxes, strict=True) for s in _box_lengths(name, there, found)
        ]
        lines += _size_line(title, "nose to tail, key points", length_m, [p.nose_to_tail_m for p in shown])
        lines += _size_line(title, "tip to tip, key points", span_m, [p.tip_to_tip_m for p in shown])
        lines += _size_line(title, "longest side, detector's box", length_m, by_boxes)
    print_table(("type", "what", "true", "number", "measured", "error"), lines, right=(2, 3, 5))


def _box_lengths(type_name: str, planes: list[allplanes.Plane], found: Detections) -> list[float]:
    """Longest sides of the boxes that lie on the uncut aircraft of a type in one picture."""
    centres = np.array([plane.centre for plane in planes]).reshape(-1, 2)
    hits, of = matched(found.centres, centres, np.full(len(planes), FOUND_WITHIN_M))
    wanted = [planes[k].type_name == type_name and not planes[k].cut for k in of]
    return found.lengths_m[hits[wanted]].tolist()


def _size_line(title: str, what: str, true_m: float, measured: list[float]) -> Iterable[list[str]]:
    if measured:
        middle = float(np.median(measured))
        spread = f"{middle:.1f} ({min(measured):.1f} to {max(measured):.1f})"
        yield [title, what, f"{true_m:.1f}", str(len(measured)), spread, f"{middle / true_m - 1:+.1%}"]


def main() -> None:
    """Print the tables asked for, both by default."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="counts|places")
    parser.add_argument("--quick", action="store_true", help="a few pictures")
    parser.add_argument(
        "--report", type=Path, metavar="FOLDER", help="where to put the HTML reports of the places"
    )
    options = parser.parse_args()
    if unknown := sorted(set(options.parts) - {"counts", "places"}):
        parser.error(f"no part {', '.join(unknown)}: there are counts, places")
    if options.report is not None:
        options.report.mkdir(parents=True, exist_ok=True)
    engine = load_engine(find_model(), "cpu")
    if not options.parts or "counts" in options.parts:
        counts(engine, options.quick)
    if not options.parts or "places" in options.parts:
        places(engine, options.quick, options.report)


if __name__ == "__main__":
    main()
