"""What a fake dataset truly holds."""

from collections import Counter
from dataclasses import dataclass, field

from apronwatch_datasets.faults import FaultKind


@dataclass(frozen=True)
class FakeTruth:
    """What must be found in a fake.

    Attributes:
        images: how many images can be used.
        objects: source class -> objects written in its label files, the faulty ones too.
        faults: kind -> how many were put in.
    """

    images: int
    objects: Counter[str]
    faults: Counter[FaultKind] = field(default_factory=Counter)
