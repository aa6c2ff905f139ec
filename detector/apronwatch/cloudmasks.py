"""What the values of a mask raster say of the ground: hidden, or seen through haze, or under snow.

Read are Planet's UDM2, the scene classification of Sentinel-2 (SCL), classes and bit fields that a STAC item names,
and plain masks. Cloud, its shadow, heavy haze and unusable pixels hide the ground. Snow, light haze and cirrus do not:
they are told with the counts that they touch.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

HIDES, SNOW, HAZE = "hides", "snow", "haze"
NOTED = (SNOW, HAZE)
"""What does not hide the ground and is told: reasons of the counts that it touches."""


@dataclass(frozen=True)
class Rule:
    """One thing that one band says.

    Attributes:
        band: 1-based.
        effect: `HIDES`, `SNOW` or `HAZE`.
        values: at which values; None for all but 0.
        offset, length: of the bits that hold the value; length 0 for all of them.
    """

    band: int
    effect: str
    values: tuple[int, ...] | None = None
    offset: int = 0
    length: int = 0

    def applies(self, pixels: NDArray[Any]) -> NDArray[np.bool_]:
        """Where the pixels of its band have such a value."""
        if self.length:
            pixels = (pixels >> self.offset) & ((1 << self.length) - 1)
        applies = pixels != 0 if self.values is None else np.isin(pixels, self.values)
        return np.asarray(applies, dtype=np.bool_)


@dataclass(frozen=True)
class Reading:
    """How a mask raster is read.

    Attributes:
        name: what to call it.
        rules: what its bands say.
        classes: of rasters of classes the bands, each with the values that are named; nodata beyond these says
            nothing of the ground, which hides.
    """

    name: str
    rules: tuple[Rule, ...]
    classes: tuple[tuple[int, tuple[int, ...]], ...] = ()

    @property
    def bands(self) -> tuple[int, ...]:
        """The bands that it needs, each once."""
        return tuple(sorted({rule.band for rule in self.rules}))

    def key(self, sha256: str, silent: Sequence[int] = ()) -> str:
        """What tells two masks apart: the hash of the file; of the file and its rules where it is no plain mask.

        Args:
            sha256: of the file.
            silent: bands whose nodata hides.
        """
        if self == PLAIN:
            return sha256
        told = [sha256, [asdict(rule) for rule in self.rules], *([list(silent)] if silent else [])]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def effects(self, pixels: Mapping[int, NDArray[Any]]) -> dict[str, NDArray[np.bool_]]:
        """By effect, where it holds; pixels by band, of one shape."""
        found: dict[str, NDArray[np.bool_]] = {}
        for rule in self.rules:
            here = rule.applies(pixels[rule.band])
            found[rule.effect] = found[rule.effect] | here if rule.effect in found else here
        return found


PLAIN = Reading("mask", (Rule(1, HIDES),))

UDM2 = Reading(
    "UDM2",
    (
        Rule(3, HIDES),  # cloud shadow
        Rule(5, HIDES),  # heavy haze
        Rule(6, HIDES),  # cloud
        Rule(8, HIDES),  # unusable: not imaged, or bits of bands that are missing or suspect
        Rule(2, SNOW),
        Rule(4, HAZE),
    ),
)
"""Planet's Usable Data Mask 2, bands as in docs.planet.com, "Usable Data Masks"; 1 is clear, 7 the confidence."""

UDM2_BANDS = 8
_UDM2_WORDS = {2: "snow", 3: "shadow", 6: "cloud"}

SCL = Reading(
    "SCL",
    (
        Rule(
            1, HIDES, (0, 1, 3, 8, 9)
        ),  # no data, defective, cloud shadow, cloud of medium and high probability
        Rule(1, HAZE, (10,)),  # thin cirrus
        Rule(1, SNOW, (11,)),
    ),
    ((1, tuple(range(12))),),
)
"""Sentinel-2's scene classification; classes as in ESA's "Sentinel-2 Products Specification Document"."""


def hiding_values(values: Iterable[int]) -> Reading:
    """A raster of classes of which some hide, as its user says."""
    chosen = tuple(sorted(set(values)))
    return Reading(f"classes {', '.join(map(str, chosen))}", (Rule(1, HIDES, chosen),), ((1, chosen),))


def recognised(stem: str, descriptions: Sequence[str | None]) -> Reading | None:
    """The reading of a raster by its name and its bands' descriptions; None for one that cannot be told.

    A raster of eight bands is a UDM2 if it is called so or if its bands are; eight bands alone may be a picture.
    """
    words = set(re.split(r"[^a-z0-9]+", stem.lower()))
    if len(descriptions) == UDM2_BANDS:
        named = all(word in (descriptions[band - 1] or "").lower() for band, word in _UDM2_WORDS.items())
        return UDM2 if named or "udm2" in words else None
    if len(descriptions) == 1:
        return SCL if "scl" in words else PLAIN
    return None


def names_clouds(bands: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a class of STAC's classification extension is one of clouds, cirrus or shadows, whatever its value.

    Args:
        bands: as `of_classes` takes them.
    """
    for band in bands:
        fields = band.get("classification:bitfields") or ()
        for classes in (band.get("classification:classes"), *(field.get("classes") for field in fields)):
            names = [_name(one) for one in _described(classes)]
            if any(_words(name) & _CLOUDS and _effect(name) in (HIDES, HAZE) for name in names):
                return True
    return False


def named_classes(classes: Iterable[Any]) -> list[tuple[int, str]]:
    """(value, effect) of the classes of STAC's classification extension whose name says that they matter."""
    found = []
    for one in classes:
        if isinstance(one, dict) and isinstance(one.get("value"), int):
            effect = _effect(_name(one))
            found += [(one["value"], effect)] if effect is not None else []
    return found


def of_classes(name: str, bands: Sequence[Mapping[str, Any]]) -> Reading | None:
    """The reading that STAC's classification extension describes; None where no class of it matters.

    Args:
        name: of the asset.
        bands: members of the asset's bands in their order, `classification:classes` or `classification:bitfields`
            among them.
    """
    rules: list[Rule] = []
    named = []
    for number, band in enumerate(bands, start=1):
        classes = band.get("classification:classes")
        of_band = _rules(number, classes, 0, 0)
        named += [(number, _values(classes))] if of_band else []
        rules += of_band
        for field in band.get("classification:bitfields") or ():
            offset, length = field.get("offset"), field.get("length")
            if isinstance(offset, int) and isinstance(length, int) and 0 <= offset < 64 and 0 < length <= 64:
                rules += _rules(number, field.get("classes"), offset, length)
    return Reading(name, tuple(rules), tuple(named)) if rules else None


def _rules(band: int, classes: Any, offset: int, length: int) -> list[Rule]:
    by_effect: dict[str, list[int]] = {}
    for value, effect in named_classes(classes if isinstance(classes, list) else ()):
        by_effect.setdefault(effect, []).append(value)
    return [Rule(band, e, tuple(sorted(values)), offset, length) for e, values in sorted(by_effect.items())]


def _described(classes: Any) -> list[Mapping[str, Any]]:
    """The objects in what should be a list of classes."""
    return [one for one in classes if isinstance(one, dict)] if isinstance(classes, list) else []


def _values(classes: Any) -> tuple[int, ...]:
    return tuple(sorted({c["value"] for c in _described(classes) if isinstance(c.get("value"), int)}))


def _name(described: Mapping[str, Any]) -> str:
    return str(described.get("name") or described.get("description") or "")


def _words(name: str) -> set[str]:
    return set(re.split(r"[^a-z]+", name.lower()))


_CLOUDS = frozenset({"cirrus", "cloud", "clouds", "cloudy", "shadow", "shadows"})


def _effect(name: str) -> str | None:
    """What a class of this name does to the ground under it."""
    words = _words(name)
    if words & {"no", "not", "non", "free", "low", "clear"} and not words & {"data"}:
        return None
    if words & {"cirrus", "haze"}:
        return HIDES if "heavy" in words else HAZE
    if words & _CLOUDS:
        return None if words & {"topographic", "terrain", "cast", "forest"} else HIDES
    if words & {"nodata", "fill", "defective", "unusable"} or words >= {"no", "data"}:
        return HIDES
    return SNOW if words & {"snow", "ice"} else None
