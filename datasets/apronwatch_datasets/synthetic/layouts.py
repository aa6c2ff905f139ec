"""The places that a scenario can name."""

from collections.abc import Callable

from apronwatch_datasets.synthetic.airbase import air_base
from apronwatch_datasets.synthetic.airport import airport
from apronwatch_datasets.synthetic.boneyard import boneyard
from apronwatch_datasets.synthetic.harbour import harbour
from apronwatch_datasets.synthetic.hardapron import hard_apron
from apronwatch_datasets.synthetic.spec import Base
from apronwatch_datasets.synthetic.vehiclepark import vehicle_park

LAYOUTS: dict[str, Callable[..., Base]] = {
    "airbase": air_base,
    "airport": airport,
    "harbour": harbour,
    "boneyard": boneyard,
    "hard-apron": hard_apron,
    "vehicle-park": vehicle_park,
}
"""Name in a scenario's file -> function `(seed: int, **parameters) -> Base`.

The parameters of a function have defaults; those of type `int`, `float`, `str` or `bool` can be given in the file.
"""
