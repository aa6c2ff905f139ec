"""Of a zone seen in part, how well do the limits of a count hold? Labelled pictures cut straight, one side seen.

    python benchmarks/partly_seen.py airbus-aircraft=/data/airbus

Each picture is a zone, each label an object, and nothing is missed or wrongly found: what is left is how objects
stand. From each of its four sides a share of its ground is seen. `evenness` is what tells the numbers seen best, given
all numbers (a beta-binomial law); then how often the 90 % limits of the product hold the number of labels, how often
this lies below and above them, and what they held if objects stood by chance alone (`math.inf`).
"""

import argparse
import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import betabinom

from apronwatch.cli.output import print_table
from apronwatch.posterior import EVENNESS, add_unseen, quantile
from apronwatch_datasets.cli.data.sources import loaded
from apronwatch_datasets.records import LabelledImage
from apronwatch_training.evaluate.words import percent

SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
LEAST_OBJECTS = 2
LIMITS = (0.05, 0.95)


def cut(image: LabelledImage, share: float) -> list[int]:
    """Labels whose middle lies on the part that is seen, from each of four sides."""
    x, y = (image.objects.polygons.mean(axis=1) / (image.width, image.height)).T
    return [int(seen.sum()) for seen in (x < share, x >= 1 - share, y < share, y >= 1 - share)]


def best_evenness(seen: NDArray[np.int64], there: NDArray[np.int64], share: float) -> float:
    """By maximum likelihood."""

    def lacking(log: float) -> float:
        size = np.exp(log)
        return float(-betabinom.logpmf(seen, there, size * share, size * (1 - share)).sum())

    return float(np.exp(minimize_scalar(lacking, bounds=(-3, 8), method="bounded").x))


def held(seen: NDArray[np.int64], there: NDArray[np.int64], share: float, evenness: float) -> list[float]:
    """Shares of the cuts whose number of labels lies within, below and above the limits."""
    signs = []
    for k, n in zip(seen, there, strict=True):
        certain = np.eye(k + 1)[k]
        low = quantile(add_unseen(certain, share, 0.0, evenness=evenness), LIMITS[0])
        high = quantile(add_unseen(certain, share, evenness=evenness), LIMITS[1])
        signs.append(int(n > high) - int(n < low))
    return [float(np.mean(np.array(signs) == sign)) for sign in (0, -1, 1)]


def main() -> None:
    """Print a line for each share of the ground."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("source", metavar="NAME=ROOT")
    told = parser.parse_args()
    images = [
        image
        for image in loaded(told.source, None, None).images
        if len(image.objects.polygons) >= LEAST_OBJECTS
    ]
    lines = []
    for share in SHARES:
        seen = np.array([k for image in images for k in cut(image, share)])
        there = np.array([len(image.objects.polygons) for image in images for _ in range(4)])
        found = [held(seen, there, share, evenness) for evenness in (EVENNESS, math.inf)]
        numbers = [percent(value) for part in found for value in part]
        lines.append(
            [
                percent(share),
                str(len(seen)),
                f"{best_evenness(seen, there, share):.1f}",
                *numbers[:3],
                numbers[3],
            ]
        )
    print(f"{len(images)} pictures; limits at an evenness of {EVENNESS:g}, and by chance alone")
    header = ("ground seen", "cuts", "evenness", "held", "fewer there", "more there", "held by chance alone")
    print_table(header, lines, right=range(7))


if __name__ == "__main__":
    main()
