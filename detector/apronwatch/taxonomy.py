"""What is counted: five classes in three superclasses.

The size of a plane is an attribute measured in metres, not a class. Suppression and merging compare boxes of one
superclass only, because a detector may call the same object `plane` in one tile and `helicopter` in the next.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

CLASSES = ("plane", "helicopter", "vehicle_small", "vehicle_large", "ship")
SUPERCLASSES = (("plane", "helicopter"), ("vehicle_small", "vehicle_large"), ("ship",))

_SUPERCLASS_OF = np.array(
    [next(k for k, members in enumerate(SUPERCLASSES) if name in members) for name in CLASSES], dtype=np.int16
)


def class_id(name: str) -> int:
    """Index of a class in `CLASSES`; raises `ValueError` for a name that is not counted."""
    return CLASSES.index(name)


def superclass_ids(class_ids: NDArray[np.integer] | Iterable[int]) -> NDArray[np.int16]:
    """Superclass index of each class index, same shape."""
    found: NDArray[np.int16] = _SUPERCLASS_OF[np.asarray(class_ids, dtype=np.intp)]
    return found
