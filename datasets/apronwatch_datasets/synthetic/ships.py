"""Solids of ships and boats afloat: hull and deck, and what stands on it; sizes from `ships.toml`."""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from apronwatch_datasets.synthetic.decks import Deck
from apronwatch_datasets.synthetic.fittings import fitting
from apronwatch_datasets.synthetic.solids import Part, Ring, Solid, box, tube

Row = tuple[str | float, ...]


@dataclass(frozen=True)
class Ship:
    """A type of ship, as the table has it; `source` says where its sizes are from: a public page, or memory."""

    name: str
    source: str
    length_m: float
    beam_m: float
    hull: str
    freeboard_m: float
    palette: str
    fittings: tuple[Row, ...]


_TABLE: dict[str, Any] = tomllib.loads(files(__package__).joinpath("ships.toml").read_text(encoding="utf-8"))

SHIPS: dict[str, Ship] = {
    name: Ship(name=name, **row | {"fittings": tuple(map(tuple, row["fittings"]))})
    for name, row in _TABLE["ships"].items()
}

SHIP_TYPES = tuple(SHIPS)


@lru_cache(maxsize=512)
def ship(type_name: str, seed: int) -> Solid:
    """A ship of a type afloat, heights above the water; its box is its length by its beam, exactly."""
    row = SHIPS[type_name]
    palettes = _TABLE["palettes"][row.palette]
    rng = np.random.default_rng([seed, 31])
    colours = {name: tuple(rgb) for name, rgb in palettes[rng.integers(len(palettes))].items()}
    deck = Deck(row.length_m, row.beam_m, row.freeboard_m, _TABLE["hulls"][row.hull], colours, rng)
    parts = [*_hull(row, deck), *_clutter(deck)]
    for kind, *numbers in row.fittings:
        parts += fitting(deck, str(kind), numbers)
    return Solid("ship", type_name, row.length_m, row.beam_m, tuple(parts))


def _hull(row: Ship, deck: Deck) -> list[Part]:
    if row.hull == "submarine":
        stations = np.array([(deck.x(at), share * row.beam_m / 2) for at, share in deck.stations])
        # Most of the cylinder is under water.
        centre_m = row.freeboard_m - row.beam_m / 2
        return [tube(stations, 0.0, centre_m, deck.paint("hull", gloss=0.35))]
    rim_m = min(0.5, 0.05 * row.beam_m)
    outer = _outline(deck, 0.0)
    level = row.freeboard_m
    return [
        Part(outer, 0.0, level + 0.1, deck.paint("hull", gloss=0.3)),
        Part(_outline(deck, rim_m), 0.0, level, deck.paint("deck", gloss=0.1), casts=False),
    ]


def _outline(deck: Deck, inset_m: float) -> Ring:
    """The deck's edge, seen from above, drawn in by `inset_m`."""
    reach = deck.length_m / 2 - inset_m
    half = [(max(-reach, min(reach, deck.x(at))), deck.half_m(at)) for at, _ in deck.stations]
    right = [(x, max(0.0, y - inset_m)) for x, y in half]
    return np.array(right + [(x, -y) for x, y in reversed(right)])


def _clutter(deck: Deck) -> list[Part]:
    """Winches, vents, bollards and lockers: too small to throw a shadow that shows."""
    if deck.length_m < 25 or deck.freeboard_m < 2.5:
        return []
    made = []
    for _ in range(int(deck.length_m / 2.5)):
        at = deck.rng.uniform(0.04, 0.97)
        y = deck.rng.uniform(-0.86, 0.86) * deck.half_m(at)
        colour = ("trim", "lids", "house")[deck.rng.integers(3)]
        outline = box(deck.x(at), y, *deck.rng.uniform(0.5, 1.9, 2))
        top = deck.freeboard_m + float(deck.rng.uniform(0.3, 0.9))
        made.append(Part(outline, deck.freeboard_m, top, deck.paint(colour), casts=False))
    return made
