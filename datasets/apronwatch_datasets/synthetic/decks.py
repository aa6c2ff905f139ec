"""A ship's deck: where things are on it, in which colours, and outlines that fit it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apronwatch_datasets.synthetic.solids import Paint, Ring

WHITE = Paint((0.60, 0.60, 0.58), gloss=0.1)


@dataclass(frozen=True, eq=False)
class Deck:
    """A hull to build on.

    Attributes:
        stations: share of the length from the bow, share of the half beam.
        colours: albedo of each name that a fitting may use.
        rng: for what differs between sister ships.
    """

    length_m: float
    beam_m: float
    freeboard_m: float
    stations: Sequence[tuple[float, float]]
    colours: dict[str, tuple[float, ...]]
    rng: np.random.Generator

    def x(self, at: float) -> float:
        """Place along the body frame at a share of the length from the bow."""
        return self.length_m * (0.5 - at)

    def half_m(self, at: float) -> float:
        """Half the breadth of the deck there."""
        table = np.array(self.stations)
        return float(np.interp(at, table[:, 0], table[:, 1])) * self.beam_m / 2

    def paint(self, colour: str, gloss: float = 0.15) -> Paint:
        """A colour of the palette as a finish."""
        return Paint(self.colours[colour], gloss=gloss)


def span(deck: Deck, x0: float, x1: float) -> tuple[float, float]:
    """Middle and length of a stretch of the deck."""
    return deck.x((x0 + x1) / 2), (x1 - x0) * deck.length_m


def tapered(deck: Deck, x0: float, x1: float, w: float) -> Ring:
    """An outline w of the beam wide that stays clear of the deck's edge."""
    at = np.linspace(x0, x1, 7)
    half = np.array([min(w * deck.beam_m / 2, 0.94 * deck.half_m(a)) for a in at])
    x = deck.length_m * (0.5 - at)
    return np.vstack([np.column_stack([x, half]), np.column_stack([x, -half])[::-1]])


def disc(x: float, y: float, radius: float, sides: int = 14) -> Ring:
    """A circle."""
    angle = np.linspace(0.0, 2 * np.pi, sides + 1)[:-1]
    return np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])
