"""Apronwatch against SAHI, twice: the same weights, runtime and tiles; and each tool's defaults.

    python benchmarks/against_sahi.py [--quick]

SAHI drives Ultralytics, and Ultralytics the same ONNX file on ONNX Runtime's CPU provider; all that SAHI adds is left
as it comes. Both tools get a file and give the planes that count at the weights' threshold. The picture is the
demo's air base, drawn at 0.5 m; it fills whole tiles of the lattice, so that SAHI's slices are the same windows.
A plane is found where a centre lies within half of its shorter side, one to one.

Needs the extra `train` and the dependency group `bench`.
"""

import argparse
import os
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from affine import Affine
from measure import HEADER, ROUNDS, WEIGHTS, Row, figure_row, in_turn, matched, ratio_row
from numpy.typing import NDArray
from pictures import air_base, extent_of_tiles, halved, write_tiff

from apronwatch import Scene, Site, detect, find_model, load_engine
from apronwatch.cli.output import print_table
from apronwatch.engines import Engine
from apronwatch.lattice import overlap_for
from apronwatch.run import counted
from apronwatch_datasets.synthetic import Picture, site_of

GSD_M = 0.5
APRONS = ("apron", "ramp")


@dataclass(frozen=True, eq=False)
class Seen:
    """Centres (N, 2) of the planes that a tool counts, in metres of the picture's CRS, and its forward passes."""

    centres: NDArray[np.float64]
    passes: int


def compare(folder: Path, tiles: int = 3, rounds: int = ROUNDS) -> list[Row]:
    """Rows of the comparison on a picture of `tiles` by `tiles` tiles."""
    engine = load_engine(find_model(WEIGHTS), "cpu")
    spec = engine.model.classes["plane"]
    overlap = overlap_for(spec.longest_m, spec.pass_gsd_m)
    stride_m = (engine.model.tile_px - overlap) * spec.pass_gsd_m
    picture = air_base(GSD_M, extent_of_tiles(tiles, stride_m, overlap * spec.pass_gsd_m))
    fine, coarse = _write(picture, folder)
    sahi = _Sahi(engine, picture, folder)
    share = overlap / engine.model.tile_px
    same = {"slice_height": engine.model.tile_px, "slice_width": engine.model.tile_px,
            "overlap_height_ratio": share, "overlap_width_ratio": share, "perform_standard_pred": False}  # fmt: skip
    base = site_of(picture.truth.base)
    aprons = Site(base.id, tuple(zone for zone in base.zones if zone.kind in APRONS))
    cases: list[tuple[str, str, Path, float, dict[str, Any], Site | None]] = [
        (f"same weights, runtime, tiles ({2 * GSD_M} m)", "1 or more", coarse, 2 * GSD_M, same, None),
        (f"defaults ({GSD_M} m)", "2 or more", fine, GSD_M, {}, None),
        (f"defaults ({GSD_M} m), ours on the aprons", "more by skipped passes", fine, GSD_M, {}, aprons),
    ]
    rows: list[Row] = []
    for title, aim, path, gsd_m, options, site in cases:
        calls = {"ours": partial(_ours, path, engine, site), "SAHI": partial(sahi.look, path, gsd_m, options)}
        seconds = in_turn(calls, rounds)
        rows.append(ratio_row(f"SAHI / ours, {title}", seconds["SAHI"], seconds["ours"], aim))
        ground = None if site is None else site.zones_in_plane(picture.grid.crs, 1.0)["*"]
        for name, call in calls.items():
            rows.append(figure_row(f"  {name}, s", seconds[name], "{:.2f}"))
            rows.append((f"  {name}: {_agreement(call(), picture, ground)}", "", "", ""))
    return rows


def _write(picture: Picture, folder: Path) -> tuple[Path, Path]:
    """The picture as it is, and at twice its GSD."""
    crs, transform = picture.grid.crs, picture.grid.affine()
    fine = write_tiff(folder / "fine_20241201.tif", picture.pixels, crs, transform)
    coarse = halved(picture.pixels)
    return fine, write_tiff(folder / "coarse_20241201.tif", coarse, crs, transform @ Affine.scale(2))


def _ours(path: Path, engine: Engine, site: Site | None = None) -> Seen:
    with Scene.open(path) as scene:
        run = detect(scene, engine, site)
    boxes = counted(run)
    if site is None:
        return Seen(boxes.centres, run.tiles)
    zones = site.zones_in_plane(boxes.crs, 1.0)["*"]
    return Seen(boxes.centres[shapely.intersects_xy(zones, *boxes.centres.T)], run.tiles)


class _Sahi:
    """SAHI on our ONNX file through Ultralytics."""

    def __init__(self, engine: Engine, picture: Picture, folder: Path) -> None:
        os.environ |= {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false",
                       "YOLO_CONFIG_DIR": str(folder)}  # fmt: skip
        import cv2
        from sahi import AutoDetectionModel

        # SAHI reads with OpenCV, which warns of every tag of a GeoTIFF.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        self._corner = np.array([picture.grid.west, picture.grid.north])
        self._model = AutoDetectionModel.from_pretrained(
            model_type="ultralytics",
            model_path=str(engine.model.path),
            confidence_threshold=engine.model.classes["plane"].threshold,
            device="cpu",
        )

    def look(self, path: Path, gsd_m: float, options: dict[str, Any]) -> Seen:
        from sahi.predict import get_sliced_prediction

        slices = 0

        def told(done: int, total: int) -> None:
            nonlocal slices
            slices = total

        answer = get_sliced_prediction(str(path), self._model, verbose=0, progress_callback=told, **options)
        boxes = [item.bbox.to_xyxy() for item in answer.object_prediction_list]
        west, north, east, south = np.array(boxes, dtype=np.float64).reshape(-1, 4).T
        pixels = np.stack([(west + east) / 2, (north + south) / 2], axis=1)
        whole = options.get("perform_standard_pred", True)
        return Seen(self._corner + pixels * [gsd_m, -gsd_m], slices + whole)


def _agreement(seen: Seen, picture: Picture, ground: Any) -> str:
    """How the centres agree with what was drawn, in an area or everywhere."""
    planes = [o for o in picture.truth.objects if o.class_name == "plane" and o.shown]
    found = seen.centres
    if ground is not None:
        planes = [o for o in planes if shapely.intersects_xy(ground, *o.centre)]
        found = found[shapely.intersects_xy(ground, *found.T)]
    reach = np.array([min(o.length_m, o.width_m) / 2 for o in planes])
    right, _ = matched(found, np.array([o.centre for o in planes]), reach)
    recall, precision = len(right) / len(planes), len(right) / max(1, len(found))
    shares = f"recall {recall:.2f}, precision {precision:.2f}"
    return f"{seen.passes} passes, {len(found)} counted of {len(planes)} drawn, {shares}"


def main() -> None:
    """Print the comparison as one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a small picture and two rounds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = compare(Path(folder), 2 if options.quick else 3, 2 if options.quick else ROUNDS)
    print_table(HEADER, rows, right=(1,))


if __name__ == "__main__":
    main()
