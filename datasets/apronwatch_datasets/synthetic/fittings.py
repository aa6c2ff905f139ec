"""What stands on a ship's deck. The rows of `ships.toml` name these kinds and give their numbers."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from apronwatch_datasets.synthetic.cargo import containers, hatches, pipes, trailers
from apronwatch_datasets.synthetic.decks import WHITE, Deck, disc, span, tapered
from apronwatch_datasets.synthetic.solids import Paint, Part, box, mirrored


def fitting(deck: Deck, kind: str, numbers: Sequence[Any]) -> list[Part]:
    """The parts of one row of a ship's `fittings`, low to high."""
    return _KINDS[kind](deck, *numbers)


def _area(deck: Deck, x0: float, x1: float, w: float, colour: str) -> list[Part]:
    top = deck.freeboard_m + 0.02
    return [Part(tapered(deck, x0, x1, w), top - 0.02, top, deck.paint(colour), casts=False)]


def _block(deck: Deck, x0: float, x1: float, w: float, top: float, colour: str) -> list[Part]:
    outline = tapered(deck, x0, x1, w)
    # A bridge from side to side overhangs the deck's edge at the bow; it never leaves the hull's box.
    middle, length = span(deck, x0, x1)
    parts = [Part(outline, deck.freeboard_m, top, deck.paint(colour))]
    inner = (outline - [middle, 0.0]) * [max(0.5, 1 - 0.8 / length), 0.9] + [middle, 0.0]
    shade = Paint(tuple(0.88 * c for c in deck.colours[colour]), gloss=0.1)
    parts.append(Part(inner, top - 0.05, top, shade, casts=False))
    half = 0.36 * w * deck.beam_m
    for _ in range(int(length * half / 14)):
        at = middle + deck.rng.uniform(-0.4, 0.4) * length, deck.rng.uniform(-1, 1) * half
        tone = deck.rng.uniform(0.5, 1.15)
        paint = Paint(tuple(tone * c for c in deck.colours[colour]), gloss=0.1)
        parts.append(Part(box(*at, *deck.rng.uniform(0.6, 2.2, 2)), top, top + 0.5, paint, casts=False))
    return parts


def _side(deck: Deck, x0: float, x1: float, y: float, width: float, top: float, colour: str) -> list[Part]:
    middle, length = span(deck, x0, x1)
    return [Part(box(middle, y * deck.beam_m / 2, length, width), deck.freeboard_m, top, deck.paint(colour))]


def _cells(deck: Deck, x0: float, x1: float, w: float) -> list[Part]:
    middle, length = span(deck, x0, x1)
    width, top = w * deck.beam_m, deck.freeboard_m + 0.9
    parts = [Part(box(middle, 0.0, length, width), deck.freeboard_m, top, deck.paint("house"))]
    rows, columns = max(2, round(length / 1.5)), max(2, round(width / 1.5))
    for row in range(rows):
        for column in range(columns):
            x = middle + ((row + 0.5) / rows - 0.5) * 0.94 * length
            y = ((column + 0.5) / columns - 0.5) * 0.94 * width
            parts.append(Part(box(x, y, 0.9, 0.9), top, top + 0.05, deck.paint("trim"), casts=False))
    return parts


def _tubes(deck: Deck, x: float, y: float, length: float, angle: float) -> list[Part]:
    turn = np.radians(angle)
    c, s = np.cos(turn), np.sin(turn)
    top, made = deck.freeboard_m + 3.4, []
    for across in (-0.65, 0.65):
        ring = box(0.0, across, length, 1.15) @ np.array([[c, s], [-s, c]])
        reach = deck.beam_m / 2 - np.abs(ring[:, 1]).max()
        ring += [deck.x(x), min(y * deck.beam_m / 2, reach)]
        made += [Part(r, top - 2.2, top, deck.paint("lids")) for r in (ring, mirrored(ring))]
    return made


def _gun(deck: Deck, x: float, radius: float, ahead: int) -> list[Part]:
    at, top = deck.x(x), deck.freeboard_m + 0.9 * radius + 1.0
    barrel = box(at + ahead * 1.9 * radius, 0.0, 2.4 * radius, 0.3)
    turret = (
        np.array([[1.0, 0.5], [1.0, -0.5], [0.3, -0.95], [-1.0, -0.8], [-1.0, 0.8], [0.3, 0.95]]) * radius
    )
    return [
        Part(
            disc(at, 0.0, 1.35 * radius),
            deck.freeboard_m,
            deck.freeboard_m + 0.2,
            deck.paint("trim"),
            casts=False,
        ),
        Part(barrel, top - 1.2, top - 0.9, deck.paint("trim")),
        Part(turret * [ahead, 1] + [at, 0.0], deck.freeboard_m, top, deck.paint("house")),
    ]


def _helideck(deck: Deck, x0: float, x1: float, w: float) -> list[Part]:
    middle, length = span(deck, x0, x1)
    top, radius = deck.freeboard_m + 0.05, 0.34 * min(length, w * deck.beam_m)
    pad = Part(tapered(deck, x0, x1, w), top - 0.05, top, Paint((0.135, 0.15, 0.14)), casts=False)
    circle = np.vstack([disc(middle, 0.0, radius, 28), disc(middle, 0.0, radius - 0.45, 28)[::-1]])
    closed = np.vstack([circle[:28], circle[:1], circle[28:], circle[28:29]])
    lines = [(middle, 0.0, length * 0.94, 0.25), (middle, 0.0, 0.25, 2.0 * radius)]
    edge = box(middle, 0.0, length * 0.96, 2.2 * radius)
    inner = (edge - [middle, 0.0]) * [1 - 0.6 / length, 1 - 0.25 / radius] + [middle, 0.0]
    marks = [np.vstack([edge, edge[:1], inner[::-1], inner[-1:]]), closed, *[box(*line) for line in lines]]
    return [pad, *[Part(ring, top, top + 0.02, WHITE, casts=False) for ring in marks]]


def _mast(deck: Deck, x: float, y: float, size: float, top: float) -> list[Part]:
    at = deck.x(x), y * deck.beam_m / 2
    low = deck.freeboard_m + 0.5 * (top - deck.freeboard_m)
    yard = box(*at, 0.35, min(2.6 * size, 0.8 * deck.beam_m))
    return [
        Part(box(*at, size, size), deck.freeboard_m, low, deck.paint("house")),
        Part(yard, low + 0.4 * (top - low), low + 0.4 * (top - low) + 0.4, deck.paint("trim")),
        Part(box(*at, 0.45 * size, 0.45 * size), low, top, deck.paint("trim")),
    ]


def _funnel(deck: Deck, x: float, y: float, length: float, width: float, top: float) -> list[Part]:
    at = deck.x(x), y * deck.beam_m / 2
    black = Paint((0.035, 0.035, 0.036))
    return [
        Part(box(*at, length, width), deck.freeboard_m, top, deck.paint("funnel")),
        Part(
            box(at[0] - 0.08 * length, at[1], 0.62 * length, 0.66 * width), top, top + 0.3, black, casts=False
        ),
    ]


def _dome(deck: Deck, x: float, y: float, radius: float, top: float) -> list[Part]:
    at = deck.x(x), y * deck.beam_m / 2
    return [
        Part(disc(at[0], at[1], radius), top - 2 * radius, top - 0.4 * radius, deck.paint("house")),
        Part(disc(at[0], at[1], 0.6 * radius), top - radius, top, WHITE, casts=False),
    ]


def _jib(deck: Deck, x: float, y: float, reach: float, angle: float, top: float) -> list[Part]:
    at = np.array([deck.x(x), y * deck.beam_m / 2])
    turn = np.radians(angle)
    along = np.array([np.cos(turn), np.sin(turn)])
    across = np.array([-along[1], along[0]]) * max(0.25, 0.025 * reach)
    tip = at + reach * along
    arm = np.array([at + across, tip + 0.5 * across, tip - 0.5 * across, at - across])
    foot = max(0.5, 0.07 * reach)
    return [
        Part(disc(at[0], at[1], foot), deck.freeboard_m, top - 1.0, deck.paint("trim")),
        Part(arm, top - 0.8, top, deck.paint("house")),
        Part(disc(at[0], at[1], 1.1 * foot, 8), top - 1.0, top + 0.5, deck.paint("house")),
    ]


def _boats(deck: Deck, x: float, y: float) -> list[Part]:
    long = float(np.clip(0.05 * deck.length_m, 4.0, 8.0))
    level = deck.freeboard_m + (2.5 if deck.length_m > 80 else 1.0)
    shape = np.array([[0.5, 0.0], [0.3, 0.17], [-0.5, 0.15], [-0.5, -0.15], [0.3, -0.17]]) * long
    reach = min(y * deck.beam_m / 2, deck.half_m(x) - 0.19 * long)
    return [
        Part(
            shape + np.array([deck.x(x), side * reach]), level, level + 1.2, deck.paint("boats"), casts=False
        )
        for side in (-1, 1)
    ]


def _rig(deck: Deck, x: float, top: float, boom: float) -> list[Part]:
    at, level = deck.x(x), deck.freeboard_m
    cover = deck.paint("trim")
    return [
        Part(box(at - boom / 2, 0.0, boom, 0.42), level + 1.4, level + 1.8, cover),
        Part(box(at, 0.0, 0.2, 0.55 * deck.beam_m), level + 0.55 * top, level + 0.55 * top + 0.1, WHITE),
        Part(box(at, 0.0, 0.28, 0.22), level, top, Paint((0.52, 0.52, 0.52), gloss=0.6)),
    ]


_KINDS: dict[str, Callable[..., list[Part]]] = {
    "area": _area,
    "block": _block,
    "side": _side,
    "hatches": hatches,
    "containers": containers,
    "trailers": trailers,
    "pipes": pipes,
    "cells": _cells,
    "tubes": _tubes,
    "gun": _gun,
    "helideck": _helideck,
    "mast": _mast,
    "funnel": _funnel,
    "dome": _dome,
    "jib": _jib,
    "boats": _boats,
    "rig": _rig,
}
