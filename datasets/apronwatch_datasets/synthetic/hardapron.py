"""An apron where everything is hard: wing to wing, half under shelters, decoys, wrecks. In the Black Sea."""

import numpy as np
from shapely.geometry import LineString, box

from apronwatch_datasets.synthetic.spec import Base, Building, Marking, Stain, Stand, Surface, ZoneArea

_SHELTER_X = [-190.0 + 38.0 * n for n in range(10)]


def hard_apron(seed: int = 1, gap_m: float = 0.4) -> Base:
    """Fighters wing to wing, heavies, fighters halfway in shelters, decoys, wrecks, vehicles door to door.

    Stands: `W` (`gap_m` apart, for spans to 14.7 m), `H`, `S`, `D`, `X`, `V`.

    Raises:
        ValueError: a gap in which wings would overlap, or that leaves no room.
    """
    if not 0.0 <= gap_m <= 5.0:
        raise ValueError(f"gap_m={gap_m}: 0 to 5 m")
    stands = _stands(14.7 + gap_m)
    return Base(
        id="synthetic-hard-cases",
        name="Invented apron of hard cases (synthetic)",
        crs="EPSG:32637",
        origin=(450_000.0, 4_800_000.0),
        rotation_deg=9.0,
        seed=seed,
        extent_m=(-245.0, -235.0, 245.0, 205.0),
        surfaces=(
            Surface(
                "asphalt", LineString([(-900, 0), (900, 0)]).buffer(11, cap_style="flat"), seed + 1, tone=1.2
            ),
            Surface("concrete", box(-215, 20, 215, 110), seed + 2, slab_m=6.0),
            Surface("concrete", box(-215, -110, 215, -20), seed + 3, slab_m=7.5, tone=0.9),
            Surface("asphalt", box(-215, -190, -20, -130), seed + 4, tone=1.4),
            Surface("gravel", box(0, -190, 215, -130), seed + 5, tone=0.9),
        ),
        markings=(
            Marking(LineString([(-900, 0), (900, 0)]), 0.3),
            Marking(LineString([(-215, 65), (215, 65)]), 0.2, worn=0.5),
            *(Marking(LineString([(x, 66), (x, 108)]), 0.2, worn=0.5) for x in _SHELTER_X),
        ),
        stains=tuple(_stains(stands, np.random.default_rng([seed, 81]))),
        buildings=tuple(Building("shelter", x, 136.0, 180.0, 28.0, 21.0, 9.0) for x in _SHELTER_X),
        stands=tuple(stands),
        zones=(
            ZoneArea("shelters", "shelter", "Shelters", box(-213, 68, 213, 150), 20.0),
            ZoneArea("fighters", "ramp", "Fighter line", box(-213, 22, 213, 66), 20.0),
            ZoneArea("heavies", "apron", "Heavy apron", box(-213, -108, 213, -22), 60.0),
            ZoneArea("decoys", "apron", "Decoys", box(-213, -188, -22, -132), 60.0),
            ZoneArea("scrap", "apron", "Scrap and vehicles", box(2, -188, 213, -132), 60.0),
        ),
    )


def _stands(pitch_m: float) -> list[Stand]:
    made = [
        Stand(f"W{n}", "fighters", float(x), 42.0, 180.0, pitch_m, 0.06)
        for n, x in enumerate(np.arange(-200.0, 200.0, pitch_m))
    ]
    made += [Stand(f"H{n}", "heavies", -182.0 + 60.0 * n, -66.0, 0.0, 57.0) for n in range(7)]
    # The nose is in: a fighter of 22 m shows between two thirds and a fifth of itself.
    made += [
        Stand(f"S{n}", "shelters", x, 118.0 + 2.6 * (n % 5), 0.0, 16.0) for n, x in enumerate(_SHELTER_X)
    ]
    made += [Stand(f"D{n}", "decoys", -190.0 + 30.0 * n, -160.0, 0.0, 16.0) for n in range(6)]
    made += [Stand(f"X{n}", "scrap", 25.0 + 26.0 * n, -148.0, 57.0 * n, 22.0) for n in range(7)]
    made += [
        Stand(f"V{n}", "scrap", 12.0 + 2.7 * n, -178.0, 0.0, 3.0, 0.04, max_length_m=6.5) for n in range(70)
    ]
    return made


def _stains(stands: list[Stand], rng: np.random.Generator) -> list[Stain]:
    return [
        Stain(s.x_m, s.y_m + 2.0, float(rng.uniform(0, 180)), 7.0, 3.0, float(rng.uniform(0.08, 0.3)))
        for s in stands
        if s.id[0] in "WHSX"
    ]
