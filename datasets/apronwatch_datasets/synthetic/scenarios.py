"""What stands on the base on which day: steady traffic, then transports loading, then the base empties."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from apronwatch_datasets.synthetic.airbase import air_base
from apronwatch_datasets.synthetic.spec import Look, Parked, Scenario, Scene, Stand

_WHOLE = (-565.0, -400.0, 505.0, 435.0)
_WEST_HALF = (-565.0, -400.0, -20.0, 435.0)


@dataclass(frozen=True)
class Group:
    """Objects that share stands: `counts` of them, one number a look.

    Attributes:
        stands: prefix letters of the stands they may take.
        types: names and their shares.
        counts: how many there are at each look.
        stay: share of those that are still on the same stand at the next look while the number holds.
    """

    stands: str
    types: tuple[tuple[str, float], ...]
    counts: tuple[int, ...]
    stay: float = 0.75


_LARGE, _SMALL = (
    (("lorry", 0.5), ("long lorry", 0.25), ("fuel tanker", 0.15), ("bus", 0.1)),
    (("car", 0.75), ("van", 0.25)),
)

DRAWDOWN = (
    Group("T", (("Il-76", 0.7), ("An-12", 0.2), ("C-130", 0.1)), (3, 4, 3, 4, 7, 8, 5, 2), 0.5),
    Group(
        "V",
        (("KC-135", 0.2), ("Tu-95", 0.2), ("An-26", 0.25), ("737-800", 0.15), ("A320", 0.1), ("Tu-22M", 0.1)),
        (6, 5, 6, 6, 6, 5, 3, 1),
        0.7,
    ),
    Group(
        "FG",
        (("Su-27", 0.5), ("MiG-29", 0.15), ("MiG-31", 0.2), ("Su-25", 0.15)),
        (17, 18, 16, 17, 16, 12, 7, 2),
        0.7,
    ),
    Group("SR", (("Su-27", 0.7), ("MiG-31", 0.3)), (6, 7, 6, 6, 6, 4, 2, 0), 0.6),
    Group("H", (("Mi-8", 0.6), ("Mi-24", 0.4)), (7, 6, 7, 7, 6, 4, 2, 1), 0.6),
    Group(
        "P",
        (*((n, 0.6 * s) for n, s in _LARGE), *((n, 0.4 * s) for n, s in _SMALL)),
        (78, 81, 75, 80, 96, 84, 40, 14),
        0.8,
    ),
    Group("L", _LARGE, (2, 1, 2, 2, 9, 8, 5, 1), 0.0),
)


def _looks() -> tuple[Look, ...]:
    def at(month: int, day: int, hour: int, minute: int) -> datetime:
        return datetime(2026, month, day, hour, minute, tzinfo=UTC)

    return (
        Look(at(3, 3, 8, 14), 0.50, _WHOLE, haze=0.16, shift_m=(0.4, -0.7), seed=1),
        Look(at(3, 11, 8, 31), 0.55, _WHOLE, bits=11, haze=0.10, shift_m=(-1.1, 0.3), seed=2),
        Look(at(3, 20, 8, 22), 0.50, _WHOLE, haze=0.22, cloud_cover=0.24, shift_m=(0.6, 1.0), seed=3),
        Look(at(3, 29, 9, 2), 0.50, _WHOLE, bands=1, haze=0.12, shift_m=(-0.3, -0.4), seed=4),
        Look(at(4, 6, 8, 17), 0.60, _WHOLE, haze=0.18, shift_m=(1.2, 0.5), seed=5),
        Look(at(4, 15, 8, 39), 0.50, _WEST_HALF, haze=0.15, shift_m=(-0.8, 0.9), seed=6),
        Look(at(4, 23, 8, 26), 0.55, _WHOLE, haze=0.30, shift_m=(0.2, -1.2), seed=7),
        Look(at(5, 2, 8, 12), 0.50, _WHOLE, haze=0.14, shift_m=(-0.5, 0.1), seed=8),
    )


def drawdown(seed: int = 20260301) -> Scenario:
    """The demo's scenario: eight looks in two months at an invented base that loads up and leaves."""
    base = air_base(seed)
    looks = _looks()
    parked: list[list[Parked]] = [[] for _ in looks]
    for number, group in enumerate(DRAWDOWN):
        rng = np.random.default_rng([seed, 500 + number])
        stands = [s for s in base.stands if s.id[0] in group.stands]
        for day, there in enumerate(occupy(stands, group, rng)):
            parked[day] += there
    scenes = tuple(
        Scene(f"{base.id}_{look.time:%Y%m%d}", look, tuple(there))
        for look, there in zip(looks, parked, strict=True)
    )
    return Scenario("drawdown", base, scenes)


def occupy(stands: Sequence[Stand], group: Group, rng: np.random.Generator) -> list[list[Parked]]:
    """Who stands where at each look: numbers as the group says, some staying, some leaving, some coming."""
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
    names, shares = zip(*group.types, strict=True)
    name = str(rng.choice(names, p=np.array(shares) / sum(shares)))
    small = stand.max_span_m < 5
    x, y = np.array([stand.x_m, stand.y_m]) + rng.normal(0.0, 0.25 if small else 0.9, 2)
    turn = 180.0 * rng.integers(2) if small else 0.0
    heading = stand.heading_deg + turn + rng.normal(0.0, 1.5 if small else 2.0)
    return Parked(
        f"{group.stands}{number}",
        name,
        float(x),
        float(y),
        float(heading % 360.0),
        int(rng.integers(1 << 20)),
    )


SCENARIOS: dict[str, Callable[[], Scenario]] = {"drawdown": drawdown}
