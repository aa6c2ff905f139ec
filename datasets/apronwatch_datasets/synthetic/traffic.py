"""What stands where at each look: numbers per group, some staying, some leaving, some coming."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apronwatch_datasets.synthetic.airframes import ROTORCRAFT
from apronwatch_datasets.synthetic.drawing import solid_of
from apronwatch_datasets.synthetic.spec import Kind, Parked, Stand


@dataclass(frozen=True)
class Group:
    """Objects that share stands: `counts` of them, one number a look.

    Attributes:
        stands: first letters of the stands they may take.
        types: names and their shares.
        counts: how many there are at each look.
        stay: share of those that are still on the same stand at the next look while the number holds.
        kind: what they are.
        stripped: share of them that lack engines, propellers and cowlings.
    """

    stands: str
    types: tuple[tuple[str, float], ...]
    counts: tuple[int, ...]
    stay: float = 0.75
    kind: Kind = "real"
    stripped: float = 0.0


def occupy(stands: Sequence[Stand], group: Group, rng: np.random.Generator) -> list[list[Parked]]:
    """Who stands where at each look, each on a stand that it fits.

    Raises:
        ValueError: more objects than stands, or a stand that none of the types fits.
    """
    if max(group.counts) > len(stands):
        raise ValueError(f"{max(group.counts)} objects for {len(stands)} stands {group.stands}")
    here: dict[int, Parked] = {}
    looks, made = [], 0
    for count in group.counts:
        staying = rng.permutation(sorted(here))[: min(count, round(group.stay * len(here)))]
        here = {int(k): here[int(k)] for k in staying}
        free = rng.permutation([k for k in range(len(stands)) if k not in here])
        for k in free[: count - len(here)]:
            here[int(k)] = _arrival(stands[int(k)], group, made, rng)
            made += 1
        looks.append([here[k] for k in sorted(here)])
    return looks


def _arrival(stand: Stand, group: Group, number: int, rng: np.random.Generator) -> Parked:
    fitting = [(name, share) for name, share in group.types if _fits(name, stand)]
    if not fitting:
        raise ValueError(f"stand {stand.id} ({_room(stand)}) takes none of {', '.join(dict(group.types))}")
    names, shares = zip(*fitting, strict=True)
    name = str(rng.choice(names, p=np.array(shares) / sum(shares)))
    small = stand.max_span_m < 5
    spread_m, turn_deg = (0.25, 1.5) if small else (0.9, 2.0)
    if stand.spread_m is not None:
        spread_m, turn_deg = stand.spread_m, 3.0 * stand.spread_m
    x, y = np.array([stand.x_m, stand.y_m]) + rng.normal(0.0, spread_m, 2)
    turn = 180.0 * rng.integers(2) if small else 0.0
    heading = stand.heading_deg + turn + rng.normal(0.0, turn_deg)
    return Parked(
        f"{group.stands}{number}",
        name,
        float(x),
        float(y),
        float(heading % 360.0),
        int(rng.integers(1 << 20)),
        group.kind,
        group.stripped > 0 and bool(rng.random() < group.stripped),
        stand.id,
    )


def _room(stand: Stand) -> str:
    if stand.at_sea or stand.mooring in ("port", "starboard"):
        return f"for ships up to {stand.max_span_m:g} m long"
    if stand.mooring != "free":
        return f"for ships up to {stand.max_span_m:g} m broad"
    return f"on land, {stand.max_span_m:g} m wide and {stand.length_limit_m:g} m long"


def _fits(type_name: str, stand: Stand) -> bool:
    """Whether a type's length and width do; ships fit only afloat, and nothing else does there."""
    solid = solid_of(type_name, 0)
    if (solid.class_name == "ship") != (stand.at_sea or stand.mooring != "free"):
        return False
    if solid.class_name == "ship":
        end_on = stand.mooring in ("stern", "bow")
        return (solid.width_m if end_on else solid.length_m) <= stand.max_span_m
    # Blades may come to rest straight across.
    width_m = ROTORCRAFT[type_name].rotor_m if type_name in ROTORCRAFT else solid.width_m
    return width_m <= stand.max_span_m and solid.length_m <= stand.length_limit_m
