"""Cargo on deck: hatch covers, containers, trailers, and a tanker's pipes."""

import numpy as np

from apronwatch_datasets.synthetic.decks import WHITE, Deck, disc, span, tapered
from apronwatch_datasets.synthetic.solids import Paint, Part, box

CONTAINER_COLOURS = (
    (0.29, 0.125, 0.10),
    (0.25, 0.105, 0.085),
    (0.105, 0.15, 0.27),
    (0.10, 0.20, 0.29),
    (0.40, 0.40, 0.39),
    (0.52, 0.52, 0.50),
    (0.11, 0.20, 0.145),
    (0.38, 0.235, 0.11),
    (0.19, 0.19, 0.20),
    (0.30, 0.23, 0.17),
)
"""Weathered paint of freight containers."""

CONTAINER_M = (12.19, 2.44, 2.59)
"""Length, width, height of a 40-foot container (ISO 668)."""


def hatches(deck: Deck, x0: float, x1: float, w: float, count: int, top: float) -> list[Part]:
    """Covers of holds, one behind the other."""
    pitch = (x1 - x0) / count
    gap = min(0.16 * pitch, 5.0 / deck.length_m)
    parts = []
    for at in x0 + pitch * np.arange(count):
        cover = tapered(deck, at + gap / 2, at + pitch - gap / 2, w)
        tone = deck.rng.uniform(0.92, 1.06)
        paint = Paint(tuple(tone * c for c in deck.colours["lids"]), gloss=0.1)
        parts.append(Part(cover, deck.freeboard_m, top, paint))
        middle, length = span(deck, at + gap / 2, at + pitch - gap / 2)
        dark = Paint(tuple(0.7 * c for c in deck.colours["lids"]))
        seam = box(middle, 0.0, 0.3, 0.94 * w * deck.beam_m) if length > 8 else box(middle, 0.0, length, 0.25)
        parts.append(Part(seam, top, top + 0.05, dark, casts=False))
    return parts


def containers(deck: Deck, x0: float, x1: float, w: float, tiers: int) -> list[Part]:
    """Bays of containers across the deck, each 0 to `tiers` high."""
    length, width, height = CONTAINER_M
    bays = int((x1 - x0) * deck.length_m / (length + 1.4))
    first = deck.x(x0) - length / 2
    stowed = [(int(deck.rng.integers(0, tiers + 1)), first - n * (length + 1.4)) for n in range(bays)]
    parts = []
    for high, x in sorted(stowed):
        half = min(w * deck.beam_m / 2, deck.half_m(0.5 - (x + length / 2) / deck.length_m) - 0.3)
        rows = int(2 * half / (width + 0.06))
        if rows < 2:
            continue
        parts += _bay(deck, x, rows, deck.freeboard_m + 1.8 + high * height, high)
    return parts


def _bay(deck: Deck, x: float, rows: int, top: float, high: int) -> list[Part]:
    length, width, _ = CONTAINER_M
    pitch = width + 0.06
    across = rows * pitch
    if not high:
        return [Part(box(x, 0.0, length, across), deck.freeboard_m, top, deck.paint("lids"))]
    parts = [Part(box(x, 0.0, length, across), deck.freeboard_m, top, Paint((0.08, 0.08, 0.08)))]
    for row in range(rows):
        y = (row + 0.5) * pitch - across / 2
        colour = CONTAINER_COLOURS[deck.rng.integers(len(CONTAINER_COLOURS))]
        tone = deck.rng.uniform(0.85, 1.1)
        paint = Paint(tuple(tone * c for c in colour), gloss=0.1)
        parts.append(Part(box(x, y, length, width), top - 0.1, top, paint, casts=False))
    return parts


def trailers(deck: Deck, x0: float, x1: float, w: float, lanes: int) -> list[Part]:
    """Lane lines, and trailers (13.6 m by 2.55 m, the European standard) on some of the places."""
    top, pitch = deck.freeboard_m + 0.02, w * deck.beam_m / lanes
    middle, length = span(deck, x0, x1)
    parts = [
        Part(box(middle, (n - lanes / 2) * pitch, length, 0.2), top, top + 0.01, WHITE, casts=False)
        for n in range(lanes + 1)
    ]
    tones = (
        (0.60, 0.60, 0.58),
        (0.62, 0.61, 0.57),
        (0.10, 0.17, 0.34),
        (0.36, 0.10, 0.08),
        (0.22, 0.24, 0.25),
    )
    for lane in range(lanes):
        for x in np.arange(deck.x(x0) - 8.0, deck.x(x1) + 7.0, -14.6):
            if deck.rng.random() < 0.55:
                paint = Paint(tones[deck.rng.integers(len(tones))], gloss=0.15)
                outline = box(float(x), (lane + 0.5 - lanes / 2) * pitch, 13.6, min(2.55, 0.9 * pitch))
                parts.append(Part(outline, top, top + 3.8, paint, casts=False))
    return parts


def pipes(deck: Deck, x0: float, x1: float) -> list[Part]:
    """Pipes, catwalk and manifold of a tanker."""
    middle, length = span(deck, x0, x1)
    top, made = deck.freeboard_m + 1.6, []
    for y, width, colour in (
        (-2.6, 0.5, "trim"),
        (-1.6, 0.5, "lids"),
        (0.0, 1.3, "trim"),
        (1.5, 0.5, "lids"),
        (2.4, 0.5, "trim"),
    ):
        made.append(Part(box(middle, y, length, width), top - 0.6, top, deck.paint(colour), casts=y == 0.0))
    ribs = [box(deck.x(at), 0.0, 0.35, 0.86 * deck.beam_m) for at in np.arange(x0, x1, 8.5 / deck.length_m)]
    made += [Part(rib, top - 1.6, top - 1.0, deck.paint("trim"), casts=False) for rib in ribs]
    across = 0.9 * deck.beam_m
    made += [
        Part(box(middle + x, 0.0, 0.7, across), top, top + 0.6, deck.paint("lids"))
        for x in (-3.0, -1.0, 1.0, 3.0)
    ]
    hatches = np.linspace(x0 + 0.04, x1 - 0.03, 7)
    made += [
        Part(
            disc(deck.x(at), side * 0.27 * deck.beam_m, 0.9),
            top - 1.6,
            top - 0.6,
            deck.paint("lids"),
            casts=False,
        )
        for at in hatches
        for side in (-1, 1)
    ]
    return made
