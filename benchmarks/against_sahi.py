"""Apronwatch against SAHI on the same drawn airfield, weights and runtime; called by `pipeline.py sahi`.

Needs `uv pip install --group bench` beside the `train` extra (SAHI drives Ultralytics, and Ultralytics the ONNX file).
Two rows: the same tiles (1.0 m picture, slices and overlap as in our lattice), and each tool's defaults on the native
0.5 m picture. SAHI's count is taken at the same score.
"""

import contextlib
import io
import os
from pathlib import Path

import cv2
import numpy as np
import rasterio
from pipeline import in_turn, spread
from rasterio.enums import Resampling


def compare(folder: Path) -> None:
    """Print both rows."""
    os.environ |= {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_CONFIG_DIR": str(folder)}
    from apronwatch_datasets.synthetic import draw_benchmark

    from apronwatch.counting import count_run
    from apronwatch.pipeline import detect
    from apronwatch.engines import load_engine
    from apronwatch.engines.registry import find_model
    from apronwatch.lattice import overlap_for
    from apronwatch.scene import Scene
    from apronwatch.site import Site

    engine = load_engine(find_model(None), "cpu")
    spec = engine.model.classes["plane"]
    fine, truth = draw_benchmark(folder)
    coarse = _halved(fine, folder / "coarse_20241201.tif")
    overlap = overlap_for(spec.longest_m, spec.pass_gsd_m) / engine.model.tile_px
    same_tiles = {"slice_height": engine.model.tile_px, "slice_width": engine.model.tile_px,
                  "overlap_height_ratio": overlap, "overlap_width_ratio": overlap, "perform_standard_pred": False}  # fmt: skip
    sahi = _sahi(engine.model.path, spec.threshold)
    print(f"\nApronwatch over SAHI, whole call, same ONNX file on two CPU threads ({truth} planes drawn)")
    for title, path, options in (("same tiles, 1.0 m", coarse, same_tiles), ("defaults, 0.5 m", fine, {})):
        with Scene.open(path) as scene:
            site = Site.whole_picture("bench", scene.info)
            picture = _rgb(path)

            def ours(scene=scene, site=site) -> int:
                counts = count_run(detect(scene, engine, site), site, engine.model, ["plane"])
                return next(c.seen for c in counts if c.zone == "*")

            def theirs(picture=picture, options=options) -> int:
                return sahi(picture, options)

            ratios = in_turn(ours, theirs)
            print(f"  {title:18s} time ratio {spread(ratios)}   counted: ours {ours()}, SAHI {theirs()}")


def _sahi(weights: Path, score: float):
    from sahi import AutoDetectionModel
    from sahi.predict import get_sliced_prediction

    with contextlib.redirect_stdout(io.StringIO()):
        model = AutoDetectionModel.from_pretrained(
            model_type="ultralytics", model_path=str(weights), confidence_threshold=score, device="cpu"
        )

    def predict(picture: np.ndarray, options: dict) -> int:
        found = get_sliced_prediction(picture, model, verbose=0, **options)
        return len(found.object_prediction_list)

    return predict


def _halved(source: Path, target: Path) -> Path:
    with rasterio.open(source) as src:
        shape = (src.count, src.height // 2, src.width // 2)
        pixels = src.read(out_shape=shape, resampling=Resampling.average)
        profile = src.profile | {
            "height": shape[1],
            "width": shape[2],
            "transform": src.transform @ src.transform.scale(2),
        }
    with rasterio.open(target, "w", **profile) as out:
        out.write(pixels)
    return target


def _rgb(path: Path) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
