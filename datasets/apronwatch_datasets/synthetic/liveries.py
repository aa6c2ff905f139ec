"""Finishes of aircraft: white, grey and camouflaged."""

from dataclasses import dataclass

from apronwatch_datasets.synthetic.solids import Paint

DARK = Paint((0.05, 0.05, 0.055), gloss=0.1)
GLASS = Paint((0.045, 0.055, 0.065), gloss=0.9)
METAL = Paint((0.42, 0.42, 0.43), gloss=0.5)
WRAP = Paint((0.72, 0.72, 0.70), gloss=0.05)
"""The white film over the windows of stored aircraft."""


@dataclass(frozen=True)
class Livery:
    """Finishes of the body, the wings, and the fin."""

    body: Paint
    wing: Paint
    fin: Paint


def _plain(body: float, wing: float, gloss: float, fin: tuple[float, float, float] | None = None) -> Livery:
    tint = (body, body * 0.998, body * 0.985)
    grey = (wing, wing * 1.003, wing * 1.005)
    return Livery(Paint(tint, gloss=gloss), Paint(grey, gloss=gloss * 0.6), Paint(fin or tint, gloss=gloss))


def _camouflage(*colours: tuple[float, float, float]) -> Livery:
    paint = Paint(colours[0], colours[1:], spot_m=4.0, gloss=0.08)
    return Livery(paint, paint, paint)


LIVERIES: dict[str, tuple[Livery, ...]] = {
    "airliner": (
        _plain(0.78, 0.55, 0.8, (0.06, 0.10, 0.32)),
        _plain(0.80, 0.52, 0.8, (0.50, 0.06, 0.07)),
        _plain(0.76, 0.57, 0.8),
    ),
    "transport": (
        _plain(0.66, 0.50, 0.5),
        _plain(0.46, 0.40, 0.3),
        _plain(0.72, 0.47, 0.6, (0.14, 0.22, 0.42)),
        _plain(0.38, 0.34, 0.25),
    ),
    "tanker": (_plain(0.34, 0.30, 0.3), _plain(0.42, 0.38, 0.3)),
    "bomber": (_plain(0.62, 0.56, 0.5), _plain(0.52, 0.50, 0.4), _plain(0.74, 0.70, 0.5)),
    # Two blues and a light grey are what most large fighters wear; browns and dark greys are rarer.
    "fighter": (
        _camouflage((0.40, 0.45, 0.50), (0.27, 0.33, 0.40)),
        _plain(0.42, 0.41, 0.15),
        _camouflage((0.45, 0.48, 0.50), (0.32, 0.40, 0.47)),
        _plain(0.27, 0.265, 0.12),
        _camouflage((0.46, 0.50, 0.54), (0.36, 0.42, 0.48)),
        _camouflage((0.30, 0.27, 0.19), (0.15, 0.17, 0.10)),
    ),
    "helicopter": (
        _camouflage((0.16, 0.17, 0.10), (0.25, 0.22, 0.14)),
        _plain(0.20, 0.20, 0.1),
        _plain(0.115, 0.12, 0.1),
        _plain(0.55, 0.5, 0.3),
    ),
    "grey fighter": (
        _camouflage((0.34, 0.36, 0.38), (0.28, 0.30, 0.32)),
        _plain(0.33, 0.325, 0.12),
        _plain(0.42, 0.42, 0.15),
        _camouflage((0.24, 0.25, 0.26), (0.32, 0.33, 0.34)),
    ),
    "camouflaged fighter": (
        _camouflage((0.47, 0.40, 0.28), (0.32, 0.23, 0.14)),
        _camouflage((0.24, 0.26, 0.15), (0.36, 0.31, 0.20)),
        _camouflage((0.20, 0.24, 0.14), (0.13, 0.16, 0.10)),
        _camouflage((0.30, 0.34, 0.37), (0.19, 0.23, 0.27)),
        _plain(0.52, 0.52, 0.45),
    ),
    "trainer": (
        _plain(0.74, 0.70, 0.6, (0.52, 0.07, 0.05)),
        _plain(0.70, 0.66, 0.5, (0.08, 0.13, 0.34)),
        _camouflage((0.33, 0.34, 0.20), (0.22, 0.24, 0.14)),
        _plain(0.62, 0.20, 0.5, (0.60, 0.30, 0.04)),
    ),
    "dark bomber": (_plain(0.20, 0.195, 0.1), _plain(0.24, 0.235, 0.1)),
    "white bomber": (_plain(0.74, 0.72, 0.5), _plain(0.68, 0.66, 0.4)),
    "grey transport": (_plain(0.33, 0.32, 0.2), _plain(0.37, 0.355, 0.2)),
    "business": (
        _plain(0.82, 0.76, 0.8),
        _plain(0.80, 0.66, 0.8, (0.06, 0.09, 0.25)),
        _plain(0.78, 0.72, 0.8, (0.30, 0.05, 0.06)),
        _plain(0.38, 0.36, 0.7),
    ),
    "light": (
        _plain(0.80, 0.79, 0.6, (0.45, 0.06, 0.05)),
        _plain(0.78, 0.78, 0.6, (0.05, 0.10, 0.36)),
        _plain(0.75, 0.76, 0.6),
        _plain(0.62, 0.70, 0.5, (0.60, 0.45, 0.05)),
    ),
}
