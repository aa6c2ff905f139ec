"""`Count`: how many of a class a scene showed in a zone, and what that number is worth."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from apronwatch.errors import ClassUnknown
from apronwatch.site import Site
from apronwatch.taxonomy import CLASSES
from apronwatch.visibility import Visibility

COMPLETE_FROM = 0.999
UNSEEN_UP_TO = 0.001
"""Shares of a zone's area: the raster edge of a zone that was wholly seen may miss a fraction of a pixel."""

TESTED_FROM = 0.5
"""Share of a zone's area below which a number is a least one and nothing else: it stays out of all statistics."""

SEEN_LESS_THAN_HALF = "seen_less_than_half"
"""Reason given to such numbers."""

NO_MASK = "no_mask"
"""Reason given to every number of ground over which no mask lay: a cloud there counts as ground seen."""


class Status(StrEnum):
    """What a count is worth; the first that applies is its status, all that apply are reasons."""

    FAILED = "failed"
    NOT_MODELLED = "not_modelled"
    UNSEEN = "unseen"
    OUT_OF_RANGE = "out_of_range"
    SATURATED = "saturated"
    PARTIAL = "partial"
    COMPLETE = "complete"


NO_NUMBER = frozenset({Status.FAILED, Status.NOT_MODELLED, Status.UNSEEN, Status.OUT_OF_RANGE})
"""Statuses under which `seen` is None, never 0."""


@dataclass(frozen=True)
class SizeCount:
    """How many planes of one size group, out of those of a `Count`.

    Attributes:
        size: a name of `sizes.SIZES`.
        expected: sum of the chances that the detections that count are of that size: an expectation, no count; None
            with a reason.
        estimate, low, high: as in `Count`, of this group; None with a reason.
        reasons: those of the count, then its own, such as `lengths_not_measured`; of `sizes_hardly_calibrated` its own
            alone, where it has numbers.
    """

    size: str
    expected: float | None
    estimate: float | None
    low: float | None
    high: float | None
    reasons: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON types, under the names of the `--json` contract."""
        return {**asdict(self), "reasons": list(self.reasons)}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """What `to_dict` described."""
        return cls(**{**plain, "reasons": tuple(plain["reasons"])})


@dataclass(frozen=True)
class Count:
    """The count of one class in one zone of one site in one scene.

    Attributes:
        site, zone: ids; zone `*` is the union of the site's zones.
        class_name: a name of `taxonomy.CLASSES`.
        seen: detections at or above the operating threshold with their centre in the zone; None where nothing
            can be said (`NO_NUMBER`).
        estimate, low, high: posterior median and 90 % interval of what was there; None with a reason.
        observed_fraction: share of the zone's area that the scene showed, 0 to 1; None when the run failed.
        status: the first that applies.
        reasons: every status that applies short of `complete`, then further reasons such as `uncalibrated`.
        by_size: planes by size group, where that was asked for (`sizing`); derived, never archived.
    """

    site: str
    zone: str
    class_name: str
    seen: int | None
    estimate: float | None
    low: float | None
    high: float | None
    observed_fraction: float | None
    status: Status
    reasons: tuple[str, ...] = ()
    by_size: tuple[SizeCount, ...] | None = None

    def __post_init__(self) -> None:
        if (self.seen is None) != (self.status in NO_NUMBER):
            raise ValueError(f"seen={self.seen} with status {self.status.value}")

    @property
    def at_least(self) -> bool:
        """The number is a least one: a part of the zone was not seen, or a cap cut the boxes."""
        return self.status in (Status.PARTIAL, Status.SATURATED)

    @property
    def testable(self) -> bool:
        """Fit for statistics: it has a number, from half of the zone or more."""
        return self.seen is not None and (self.observed_fraction or 0.0) >= TESTED_FROM

    @property
    def words(self) -> str:
        """`12`, `at least 12`, or `-` where nothing can be said: never a 0 for that."""
        if self.seen is None:
            return "-"
        return f"at least {self.seen}" if self.at_least else str(self.seen)

    def to_dict(self) -> dict[str, Any]:
        """As JSON types, under the names of the `--json` contract."""
        by_size = {} if self.by_size is None else {"by_size": [group.to_dict() for group in self.by_size]}
        return {
            "site": self.site,
            "zone": self.zone,
            "class": self.class_name,
            "seen": self.seen,
            "at_least": self.at_least,
            "estimate": self.estimate,
            "low": self.low,
            "high": self.high,
            "observed_fraction": self.observed_fraction,
            "status": self.status.value,
            "reasons": list(self.reasons),
            **by_size,
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The count that `to_dict` described."""
        given = dict(plain)
        given["class_name"] = given.pop("class")
        given.pop("at_least", None)  # follows from the status
        given["status"] = Status(given["status"])
        given["reasons"] = tuple(given["reasons"])
        if "by_size" in given:
            given["by_size"] = tuple(SizeCount.from_dict(group) for group in given["by_size"])
        return cls(**given)


def failed_counts(site: Site, classes: Sequence[str] = CLASSES) -> list[Count]:
    """What a failed run says of a site: nothing, zone by zone and class by class."""
    return [
        Count(site.id, zone, name, None, None, None, None, None, Status.FAILED, (Status.FAILED.value,))
        for zone in [*(z.id for z in site.zones), "*"]
        for name in checked_classes(classes)
    ]


def visibility_reasons(visibility: Visibility, zone: str, *, masked: bool) -> list[str]:
    """What to say with each number of a zone: `snow:0.250` over a quarter of it, `seen_less_than_half`, `no_mask`.

    Args:
        visibility: of the run, or of frames together.
        zone: its id.
        masked: a mask lay over all of its ground that counts as seen.
    """
    noted = ((word, zones.get(zone, 0.0)) for word, zones in visibility.noted.items())
    said = [f"{word}:{share:.3f}" for word, share in noted if share > UNSEEN_UP_TO]
    less = [SEEN_LESS_THAN_HALF] if visibility.fractions[zone] < TESTED_FROM else []
    return [*said, *less, *([] if masked else [NO_MASK])]


def word_of(reason: str) -> str:
    """`haze` of `haze:0.400`: a reason without the share of the zone, or of its objects, that it touches."""
    return reason.partition(":")[0]


def checked_classes(classes: Sequence[str]) -> tuple[str, ...]:
    """The class names in taxonomy order; raises `ClassUnknown` for a name that is not counted."""
    unknown = sorted(set(classes) - set(CLASSES))
    if unknown:
        raise ClassUnknown(f"class {', '.join(unknown)} is not counted; the classes are {', '.join(CLASSES)}")
    return tuple(name for name in CLASSES if name in classes)


def unseen_counts(site: Site, modelled: Collection[str], classes: Sequence[str]) -> list[Count]:
    """What a scene that does not reach a site says of it: nothing."""
    counts = []
    for zone in [*(z.id for z in site.zones), "*"]:
        for name in classes:
            statuses = [Status.UNSEEN] if name in modelled else [Status.NOT_MODELLED, Status.UNSEEN]
            reasons = (*(s.value for s in statuses), "outside_the_scene")
            counts.append(Count(site.id, zone, name, None, None, None, None, 0.0, statuses[0], reasons))
    return counts
