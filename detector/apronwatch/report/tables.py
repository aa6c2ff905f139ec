"""The tables of a report: numbers by look, zone and class, with a dash and its reason where there is none."""

from collections.abc import Iterable, Sequence

from apronwatch.archive.outlines import OTHER_OUTLINE
from apronwatch.counts import NO_MASK, Count, Status, word_of
from apronwatch.interchange.files import public_name
from apronwatch.observation import TRUNCATED
from apronwatch.report.doubts import doubts
from apronwatch.report.looks import Look
from apronwatch.report.markup import Markup, join, name, tag
from apronwatch.report.words import (
    STATUS_NAMES,
    class_label,
    explain,
    listed,
    mask_note,
    masks_differ,
    moment,
    no_interval,
    number,
    reason_label,
    remarks,
    share,
    zone_label,
)
from apronwatch.site import Site
from apronwatch.sizes import SIZES_NOTE
from apronwatch.taxonomy import CLASSES
from apronwatch.zone import ALL_ZONES


def shown_classes(looks: Iterable[Look]) -> list[str]:
    """The classes with a number in any look; where there are none, those that were looked for."""
    counts = [c for look in looks for c in look.counts]
    numbered = {c.class_name for c in counts if c.seen is not None}
    able = {c.class_name for c in counts if c.status is not Status.NOT_MODELLED}
    return [class_name for class_name in CLASSES if class_name in (numbered or able)]


def newest(look: Look, looks: Sequence[Look], classes: Sequence[str]) -> Markup:
    """The totals of one look, large; said to be one of several if others bear its time."""
    items = []
    for count in (look.count(ALL_ZONES, class_name) for class_name in classes):
        if count is not None:
            large = tag("strong", "–" if count.seen is None else number(count))
            what = f"{class_label(count.class_name)} seen{_there(count)}, {', '.join(_worth(count))}"
            items.append(tag("li", large, what, class_=_kind(count)))
    title = f"Newest look: {moment(look.time, look.time_precision)}, whole site"
    parts = [tag("h2", title), tag("ul", *items, class_="now")]
    peers = sum(other.time == look.time for other in looks)
    if peers > 1:
        parts.append(tag("p", f"One of {peers} looks of this time; the table holds them all.", class_="soft"))
    return join(parts)


def class_tables(site: Site, looks: Sequence[Look], classes: Sequence[str]) -> Markup:
    """A table for each class: looks by zones, a number or a dash with its reason in each cell."""
    zones = [ALL_ZONES, *(zone.id for zone in site.zones)]
    if len(site.zones) == 1 and all(_one_zone_is_all(look, site.zones[0].id) for look in looks):
        zones = zones[:1]
    apart = masks_differ(count for look in looks for count in look.counts)
    marked = [(look, _marks(look, masks=apart)) for look in looks]
    tables = [_class_table(class_name, zones, marked) for class_name in classes]
    unmasked = mask_note((n, count) for n, look in enumerate(looks) for count in look.counts)
    if unmasked:
        tables.append(tag("p", unmasked))
    if any(count.by_size is not None for look in looks for count in look.counts):
        tables.append(tag("p", SIZES_NOTE, class_="soft"))
    rest = [_without(class_name, looks) for class_name in CLASSES if class_name not in classes]
    if rest:
        tables.append(tag("p", f"No look gave a number of: {', '.join(rest)}.", class_="soft"))
    return join(tables)


def zone_table(counts: Sequence[Count], zones: Sequence[str], classes: Sequence[str]) -> Markup:
    """One picture's zones: share observed, numbers, and every reason; below, that no mask lay over it."""
    rows = []
    for zone in zones:
        here = {c.class_name: c for c in counts if c.zone == zone and c.class_name in classes}
        said = dict.fromkeys(reason_label(r) for c in here.values() for r in remarks(c) if r != NO_MASK)
        fraction = next((c.observed_fraction for c in here.values()), None)
        cells = [_cell(here.get(class_name), remarks_beside=True) for class_name in classes]
        head = tag("th", name(zone_label(zone)), scope="row")
        rows.append(tag("tr", head, tag("td", share(fraction)), *cells, tag("td", ", ".join(said) or "–")))
    columns = ["zone", "observed", *(f"{class_label(c)} seen" for c in classes), "remarks"]
    below = [tag("p", explain(NO_MASK))] if any(NO_MASK in c.reasons for c in counts) else []
    return join([table("Zones of this picture", columns, rows), *below])


def reasons(looks: Iterable[Look], classes: Sequence[str]) -> Markup:
    """Each remark that occurs, in plain words."""
    counts = [c for look in looks for c in look.counts if c.class_name in classes]
    found = dict.fromkeys(r for c in counts for r in remarks(c) if r != NO_MASK)  # it has words of its own
    found |= dict.fromkeys(
        r for c in counts for size in c.by_size or () for r in size.reasons if r not in c.reasons
    )
    if not found:
        return Markup("")
    words = dict.fromkeys(map(word_of, found))  # not once for every share
    entries = [part for word in words for part in (tag("dt", reason_label(word)), tag("dd", explain(word)))]
    return join([tag("h3", "What the remarks mean"), tag("dl", *entries)])


def _class_table(class_name: str, zones: Sequence[str], looks: Sequence[tuple[Look, str]]) -> Markup:
    rows = []
    for look, marks in looks:
        small = [tag("small", f" {marks}", class_="soft")] if marks else []
        head = tag("th", moment(look.time, look.time_precision), *small, scope="row")
        rows.append(tag("tr", head, *(_cell(look.count(zone, class_name)) for zone in zones)))
    columns = ["look (UTC)", *(zone_label(zone) for zone in zones)]
    return table(f"{class_label(class_name).capitalize()} seen", columns, rows)


def _marks(look: Look, *, masks: bool) -> str:
    """What sets a look apart from the others; with `masks` also that none lay over it."""
    said = []
    if look.time is None:
        said.append(f"{public_name(look.runs[0].scene.path)}, not in the chart")
    if look.synthetic:
        said.append("synthetic")
    if len(look.runs) > 1:
        said.append(f"{len(look.runs)} frames")
    if masks and any(NO_MASK in count.reasons for count in look.counts):
        said.append(reason_label(NO_MASK))
    return ", ".join(said)


def _cell(count: Count | None, *, remarks_beside: bool = False) -> Markup:
    if count is None:
        return tag("td", "–", tag("small", "not counted"), class_="gap")
    told = {"data_zone": count.zone, "data_class": count.class_name, "data_status": count.status.value}
    if count.seen is None:
        return tag("td", "–", tag("small", STATUS_NAMES[count.status]), class_="gap", **told)
    small = [tag("small", said) for said in _interval(count)]
    if count.status is Status.SATURATED:
        small.append(tag("small", STATUS_NAMES[count.status]))
    elif count.status is Status.PARTIAL and not remarks_beside:
        small.append(tag("small", f"{share(count.observed_fraction)} observed"))
    if OTHER_OUTLINE in count.reasons:
        small.append(tag("small", reason_label(OTHER_OUTLINE)))
    small += [tag("small", said) for said in doubts(count) if not remarks_beside]
    small += [tag("small", said) for said in _sizes(count)]
    return tag("td", number(count), *small, class_=_kind(count), data_seen=count.seen, **told)


def _worth(count: Count) -> list[str]:
    """What a number is worth, in a few words."""
    other = [reason_label(OTHER_OUTLINE)] if OTHER_OUTLINE in count.reasons else []
    unmasked = ["no mask (clouds not looked for)"] if NO_MASK in count.reasons else []
    return [STATUS_NAMES[count.status], *unmasked, *other, *doubts(count)]


def _there(count: Count) -> str:
    """What was there, or why that is not known, behind the number seen: `; 5 to 9 were there, 90 %`."""
    if count.seen is None:
        return ""
    if count.low is not None and count.high is not None:
        return f"; {count.low:g} to {count.high:g} were there, 90 %"
    if count.low is not None:
        return f"; at least {count.low:g} were there, 95 %"
    return f"; {no_interval(count)}"


def _interval(count: Count) -> list[str]:
    """Where what was there lies, if that is known."""
    if count.low is None or count.high is None:
        return []
    return [f"90 % interval {count.low:g} to {count.high:g}"]


def _sizes(count: Count) -> list[str]:
    """The size groups, `small: 4.2 expected; 90 % interval 3 to 7`; one line where they have no numbers, and why."""
    groups = count.by_size or ()
    if groups and groups[0].expected is None:
        own = [r for r in groups[0].reasons if r not in count.reasons] or [TRUNCATED]
        return [f"by size: – {listed(reason_label(reason) for reason in own)}"]
    least = "at least " if count.at_least else ""
    return [
        f"{group.size}: {least}{group.expected:.1f} expected"
        + (f"; 90 % interval {group.low:g} to {group.high:g}" if group.high is not None else "")
        for group in groups
    ]


def _kind(count: Count) -> str:
    if count.seen is None:
        return "gap"
    return "complete" if count.status is Status.COMPLETE else "least"


def _one_zone_is_all(look: Look, zone: str) -> bool:
    totals = {c.class_name: (c.seen, c.status) for c in look.counts if c.zone == ALL_ZONES}
    return totals == {c.class_name: (c.seen, c.status) for c in look.counts if c.zone == zone}


def _without(class_name: str, looks: Iterable[Look]) -> str:
    """A class that no look has a number of, and why."""
    done = [c for look in looks if not look.failed for c in look.counts if c.class_name == class_name]
    why = dict.fromkeys(STATUS_NAMES[c.status] for c in done)
    return f"{class_label(class_name)} ({', '.join(why) or 'not counted'})"


def table(title: str, columns: Sequence[str], rows: Sequence[Markup]) -> Markup:
    """A table with its title and columns named; it scrolls by itself where it is too wide."""
    top = tag("thead", tag("tr", *(tag("th", name(column), scope="col") for column in columns)))
    drawn = tag("table", tag("caption", title), top, tag("tbody", *rows))
    return tag("div", drawn, class_="scroll", tabindex="0", role="region", aria_label=title)
