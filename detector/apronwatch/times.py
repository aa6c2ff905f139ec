"""When a scene was taken: what each source says, and which of them holds."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from apronwatch.errors import BadTime, ContradictingTimes, NoTime

SOURCES = ("option", "manifest", "stac", "nitf", "sidecar", "name", "tiff")
"""The first of these that gives a time holds. `tiff` (TIFFTAG_DATETIME) is often the time of processing."""

_NAMES = {
    "option": "the time given",
    "manifest": "the manifest",
    "stac": "the STAC item",
    "nitf": "NITF IDATIM",
    "sidecar": "the sidecar",
    "name": "the file name",
    "tiff": "TIFFTAG_DATETIME",
}

PRECISIONS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}

APART = timedelta(days=1)
"""Two sources this far apart, or farther, contradict each other."""

FIRST_YEAR = 1950
"""No picture of aircraft from above that a time before it would fit can be counted; it is a slip of the pen."""

AHEAD = timedelta(days=1)
"""How far after now a time may lie: a clock or a zone that is off, and no more."""

MAX_OFFSET = timedelta(hours=14)
"""The zones of the Earth lie no farther from UTC."""

_ISO = re.compile(
    r"(?P<year>\d{4})-?(?P<month>\d\d)-?(?P<day>\d\d)"
    r"(?:[T ](?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,]\d+)?)?)?"
    r"\s?(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class AcquisitionTime:
    """A time that a source gives.

    Attributes:
        time: UTC; the start of the span that the precision leaves open.
        precision: `second`, `minute`, `hour` or `day`.
        source: one of `SOURCES`.
        shown: what the source says, word for word, for messages.
    """

    time: datetime
    precision: str
    source: str
    shown: str = ""

    @property
    def middle(self) -> datetime:
        """Middle of the span that the precision leaves open."""
        return self.time + PRECISIONS[self.precision] / 2

    def contradicts(self, other: "AcquisitionTime") -> bool:
        """Whether the middles of the two spans lie a day or more apart.

        A date thus agrees with any instant from twelve hours before it to twelve hours after it: a file named
        by the local date of its place does not contradict metadata in UTC.
        """
        return abs(self.middle - other.middle) >= APART


def parse_time(text: str, source: str = "option") -> AcquisitionTime:
    """A time in ISO 8601: `2024-12-10`, `2024-12-10T08:15Z`, `20241210T081500+03:00`; UTC without a zone.

    Raises:
        BadTime: anything else; a zone that there is not; before `FIRST_YEAR`, or more than `AHEAD` after now.
    """
    match = _ISO.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError("not of that form")
        time, precision = _read(match)
        _check_plausible(time)
        return AcquisitionTime(time, precision, source, text.strip())
    except (ValueError, OverflowError) as error:
        raise BadTime(
            f"time {text!r}: {error}; expected ISO 8601 such as 2024-12-10 or 2024-12-10T08:15:00Z"
        ) from error


def _read(match: re.Match[str]) -> tuple[datetime, str]:
    part = match.groupdict()
    given = [name for name in ("hour", "minute", "second") if part.get(name)]
    numbers = [int(part[name]) for name in ("year", "month", "day", *given)]
    time = datetime(*numbers, tzinfo=UTC)  # type: ignore[misc, arg-type]
    zone = part.get("zone")
    if zone and zone.upper() != "Z":
        sign = -1 if zone[0] == "-" else 1
        minutes = int(zone[3:].lstrip(":") or 0)
        offset = timedelta(hours=int(zone[1:3]), minutes=minutes)
        if minutes > 59 or offset > MAX_OFFSET:
            raise ValueError(f"no zone lies at {zone}, from -14:00 to +14:00 they do")
        time -= sign * offset
    return time, given[-1] if given else "day"


def _check_plausible(time: datetime) -> None:
    if time.year < FIRST_YEAR:
        raise ValueError(f"before {FIRST_YEAR}")
    if time > datetime.now(UTC) + AHEAD:
        raise ValueError("in the future")


def from_datetime(time: datetime, source: str = "option") -> AcquisitionTime:
    """A time given as an object; without a zone it is UTC.

    Raises:
        BadTime: before `FIRST_YEAR`, or more than `AHEAD` after now.
    """
    aware = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    try:
        _check_plausible(aware)
    except ValueError as error:
        raise BadTime(f"time {time.isoformat()}: {error}; expected when the picture was taken") from error
    return AcquisitionTime(aware.replace(microsecond=0), "second", source, time.isoformat())


def from_metadata(text: str, source: str) -> AcquisitionTime | None:
    """A time as metadata writes it; None for what is no time.

    Beside ISO 8601: TIFF's `2024:12:10 08:15:00` and NITF's `20241210081500`, whose unknown digits are
    hyphens. A midnight to the second is taken as a date: that is how programs write a time they don't know.
    """
    plain = re.sub(r"^(\d{4}):(\d\d):(\d\d)", r"\1-\2-\3", text.strip())
    nitf = re.fullmatch(r"(\d{8})(?:(\d\d)(?:(\d\d)(\d\d)?)?)?-*", plain)
    if nitf:
        day, *clock = (group for group in nitf.groups() if group)
        plain = day + ("T" + "".join(clock) if clock else "")
    try:
        found = parse_time(plain, source)
    except BadTime:
        return None
    midnight = found.precision != "day" and found.time.time() == datetime.min.time()
    return AcquisitionTime(found.time, "day" if midnight else found.precision, source, text.strip())


_STRONG = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<dash>-?)(?P<month>\d\d)(?P=dash)(?P<day>\d\d)"
    r"(?:T?(?P<hour>\d\d)(?P<colon>[-_:]?)(?P<minute>\d\d)(?P=colon)(?P<second>\d\d))?(?!\d)",
    re.IGNORECASE,
)
_SPACED = re.compile(
    r"(?<![^\W_])(?P<year>(?:19|20)\d\d)(?P<gap>[_. ])(?P<month>\d\d)(?P=gap)(?P<day>\d\d)(?!\d)"
)
_SHORT = re.compile(r"(?<![^\W_])(?P<year>\d\d)(?P<month>\d\d)(?P<day>\d\d)(?![^\W_])")
_HEX = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![^\W_])(?=[0-9a-f]*[a-f])[0-9a-f]{16,}(?![^\W_])",
    re.IGNORECASE,
)


def from_name(name: str, *, today: date | None = None) -> AcquisitionTime | None:
    """The date in a file name, if there is exactly one.

    `YYYYMMDD` and `YYYY-MM-DD`, with `HHMMSS` right behind it or after a `T`. Where there is none:
    `YYYY_MM_DD`, or `YYMMDD` as a token of its own. Dates to come, and digits of UUIDs and hexadecimal
    hashes, are no dates.

    Args:
        name: of the file; folders are not looked at.
        today: the last day that counts as past.
    """
    bare = _HEX.sub("", name)
    last = (today or datetime.now(UTC).date()) + timedelta(days=1)
    for patterns in ((_STRONG,), (_SPACED, _SHORT)):
        found = [
            time for pattern in patterns for match in pattern.finditer(bare) if (time := _dated(match, last))
        ]
        days = {time.time.date() for time in found}
        if days:
            return found[0] if len(days) == 1 else None
    return None


def _dated(match: re.Match[str], last: date) -> AcquisitionTime | None:
    part = match.groupdict()
    year = int(part["year"]) + (2000 if len(part["year"]) == 2 else 0)
    try:
        day = datetime(year, int(part["month"]), int(part["day"]), tzinfo=UTC)
    except ValueError:
        return None
    if day.date() > last:
        return None
    if not part.get("hour"):
        return AcquisitionTime(day, "day", "name", match[0])
    try:
        time = day.replace(hour=int(part["hour"]), minute=int(part["minute"]), second=int(part["second"]))
    except ValueError:
        return None
    return AcquisitionTime(time, "second", "name", match[0])


def resolve(found: Sequence[AcquisitionTime], scene: str) -> tuple[AcquisitionTime, tuple[str, ...]]:
    """The time that holds, and warnings about it.

    Args:
        found: all that the sources gave.
        scene: its name, for messages.

    Raises:
        NoTime: nothing was found.
        ContradictingTimes: two sources contradict each other. TIFFTAG_DATETIME does not count here.
    """
    if not found:
        raise NoTime(
            f"{scene}: no time of acquisition in STAC datetime, NITF IDATIM, a sidecar (.IMD, .xml, .json), "
            "the file name (YYYYMMDD, or one YYMMDD) or TIFFTAG_DATETIME; "
            "give --time, or --undated to count without one"
        )
    ordered = sorted(found, key=lambda time: SOURCES.index(time.source))
    first, *others = ordered
    for one in ordered:
        for other in others:
            if "tiff" not in (one.source, other.source) and one.contradicts(other):
                raise ContradictingTimes(
                    f"{scene}: {_say(one)} and {_say(other)} are a day or more apart; correct the wrong one, "
                    "or count with --undated and give the date afterwards by `apronwatch archive redate`"
                )
    if first.source == "tiff":
        return first, (
            f"dated by TIFFTAG_DATETIME alone ({first.shown}), which is often the time of processing",
        )
    late = [time for time in others if time.source == "tiff" and first.contradicts(time)]
    return first, tuple(f"TIFFTAG_DATETIME says {time.shown}; {_say(first)} holds" for time in late)


def _say(time: AcquisitionTime) -> str:
    return f"{_NAMES[time.source]} ({time.shown})"
