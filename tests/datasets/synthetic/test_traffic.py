"""What may stand where: everything within its stand, ships afloat and nothing else there."""

import numpy as np
import pytest
import shapely

from apronwatch_datasets.synthetic import list_scenarios, read_scenario
from apronwatch_datasets.synthetic.harbour import harbour
from apronwatch_datasets.synthetic.spec import Stand
from apronwatch_datasets.synthetic.traffic import Group, occupy

APRON = Stand("A0", "z", 0, 0, 0, 16.0)
CAR_STAND = Stand("A0", "z", 0, 0, 0, 3.0, max_length_m=6.5)
LORRY_STAND = Stand("A0", "z", 0, 0, 0, 3.0)
HELIPAD = Stand("A0", "z", 0, 0, 0, 20.0)
QUAY = Stand("A0", "z", 0, 0, 0, 127.0, mooring="port")
STERN = Stand("A0", "z", 0, 0, 0, 10.5, mooring="stern")
ANCHORAGE = Stand("A0", "z", 0, 0, 0, 127.0, at_sea=True)


def parked(stand: Stand, *types: str) -> set[str]:
    """The types that came to stand there at ten looks, no one staying."""
    group = Group("A", tuple((name, 1.0) for name in types), (1,) * 10, stay=0.0)
    return {p.type_name for there in occupy([stand], group, np.random.default_rng(3)) for p in there}


@pytest.mark.parametrize(
    ("stand", "type_name"),
    [
        (APRON, "Su-27"), (CAR_STAND, "car"), (LORRY_STAND, "articulated lorry"), (HELIPAD, "Mi-24"),
        (QUAY, "Krivak frigate"), (STERN, "Natya minesweeper"), (ANCHORAGE, "Krivak frigate"),
    ],
)  # fmt: skip
def test_what_fits_is_taken(stand: Stand, type_name: str) -> None:
    assert parked(stand, type_name) == {type_name}


@pytest.mark.parametrize(
    ("stand", "type_name", "why"),
    [
        (APRON, "Il-76", "16 m wide"),
        (APRON, "Krivak frigate", "on land"),
        (CAR_STAND, "Krivak frigate", "on land"),
        (CAR_STAND, "bus", "3 m wide and 6.5 m long"),
        (LORRY_STAND, "loader", "3 m wide"),
        # Its blades are 21.3 m across, wherever they came to rest.
        (HELIPAD, "Mi-8", "20 m wide"),
        (QUAY, "Sovremenny destroyer", "ships up to 127 m long"),
        (QUAY, "lorry", "for ships"),
        (STERN, "Krivak frigate", "ships up to 10.5 m broad"),
        (ANCHORAGE, "Sovremenny destroyer", "ships up to 127 m long"),
        (ANCHORAGE, "car", "for ships"),
    ],
)
def test_what_does_not_fit_is_refused(stand: Stand, type_name: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"A0 .*{why}.* takes none of {type_name}"):
        parked(stand, type_name)


def test_of_several_types_those_come_that_fit() -> None:
    assert parked(CAR_STAND, "car", "bus", "Krivak frigate", "van") == {"car", "van"}
    assert parked(QUAY, "Krivak frigate", "Sovremenny destroyer", "Su-27") == {"Krivak frigate"}


def test_stands_at_sea_lie_on_water_and_the_others_on_land() -> None:
    base = harbour(1)
    sea = shapely.union_all([water.outline for water in base.waters])
    for stand in base.stands:
        if stand.mooring == "free":
            assert shapely.intersects_xy(sea, stand.x_m, stand.y_m) == stand.at_sea, stand.id


@pytest.mark.parametrize("name", [entry.name for entry in list_scenarios()])
def test_no_two_take_one_stand(name: str) -> None:
    for place in read_scenario(name):
        for scene in place.scenes:
            taken = [p.stand for p in scene.parked if p.stand]
            assert len(taken) == len(set(taken))
