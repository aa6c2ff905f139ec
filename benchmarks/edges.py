"""What to show a detector beyond a picture's edge: grey, mirror images, or nothing because the picture is seen whole.

    python benchmarks/edges.py [--quick]

On the pictures of two places of the Airbus sample that did not teach `plane-26n-obb-seed`, at that model's threshold:
the sum of absolute errors of the counts over the labelled planes (those that the edge cuts among them), and the bias.
Needs the real images, see `APRONWATCH_DATA`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np
from airbus import GSD_M, images
from measure import WEIGHTS
from numpy.typing import NDArray

from apronwatch import Scene, detect, find_model, load_engine
from apronwatch.engines import Engine
from apronwatch.run import counted

GREY = 114
"""What Ultralytics fills with."""


def in_tiles(path: Path, engine: Engine) -> int:
    """Planes that the product counts."""
    with Scene.open(path, undated=True, gsd_m=GSD_M) as scene:
        return len(counted(detect(scene, engine)))


def grey_beyond(path: Path, engine: Engine) -> int:
    """The same with grey where the product mirrors."""

    def grey(pixels: NDArray[np.uint8], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
        return np.where(valid[..., None], pixels, np.uint8(GREY))

    with patch("apronwatch.reading.mirrored", grey):
        return in_tiles(path, engine)


def whole(path: Path, engine: Engine) -> int:
    """The picture in one forward pass."""
    spec = engine.model.classes["plane"]
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    scale = GSD_M / spec.pass_gsd_m
    picture = np.asarray(
        cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
    )
    [seen] = engine.detect(picture[None], spec.threshold)
    return len(seen.detections)


WAYS: dict[str, Callable[[Path, Engine], int]] = {
    f"tiles, grey ({GREY}) beyond the edge": grey_beyond,
    "tiles, mirrored beyond the edge": in_tiles,
    "each picture whole, in one pass": whole,
}


def main() -> None:
    """Print one line for each way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two pictures")
    options = parser.parse_args()
    engine = load_engine(find_model(WEIGHTS), "cpu")
    held_out = [image for image in images() if image.part == "validation" and image.labelled is not None]
    held_out = held_out[:2] if options.quick else held_out
    labelled = np.array([image.labelled for image in held_out])
    print(
        f"{len(held_out)} pictures, {labelled.sum()} planes labelled; sum of absolute errors over labels, bias"
    )
    for title, way in WAYS.items():
        error = np.array([way(image.path, engine) for image in held_out]) - labelled
        wape, bias = np.abs(error).sum() / labelled.sum(), error.sum() / labelled.sum()
        print(f"{title:38s}{wape:7.1%}{bias:+8.1%}")


if __name__ == "__main__":
    main()
