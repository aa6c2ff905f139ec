"""One HTML file for a site: it opens offline, loads nothing, and leads each number back to its pixels."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from string import Template

from matplotlib.figure import Figure
from PIL import Image

from apronwatch.archive import Archive, ArchivedRun, SeriesRow
from apronwatch.changes import Changes, family_rows, find_changes
from apronwatch.interchange.files import check_folder, public_name, save
from apronwatch.report import sections, tables
from apronwatch.report.changes import changes_section, standing
from apronwatch.report.chart import series_figure
from apronwatch.report.chips import chip_sheet
from apronwatch.report.looks import Look, by_size_group, dated_looks, picture_of, undated_looks
from apronwatch.report.markup import Markup, data_image, join, name, picture, tag, text
from apronwatch.report.overlay import overlay, zones_of
from apronwatch.report.words import moment, several, zone_label
from apronwatch.site import Site
from apronwatch.version import __version__
from apronwatch.zone import ALL_ZONES

PICTURED = 12
"""Newest looks whose pictures stand in the page; more would make it too large to send around."""

OVERLAY_PX = 1000
NEWEST_PX = 1400


def write_report(
    archive: Archive, site_id: str, out: Path, *, model: str | None = None, by_size: bool = False
) -> None:
    """Write the report of one site; the file appears whole or not at all.

    Args:
        archive: where its counts are.
        site_id: the site.
        out: an `.html` file; replaced.
        model: only counts of these weights, by name or SHA-256; by default each look's newest run.
        by_size: tell the planes of each look by size group, too.

    Raises:
        SiteUnknown: the archive does not hold the site.
        OutputInvalid: `out` cannot be written.
        ModelInvalid: with `by_size`, a registry or a calibration cannot be read.
    """
    out = Path(out)
    check_folder(out)
    site = archive.site(site_id)
    rows = archive.series(site_id, model=model)
    looks = dated_looks(archive, rows) + undated_looks(archive, site_id, model)
    if by_size:
        looks = by_size_group(looks)
    family, _ = family_rows(archive, model, site=site_id)
    found = find_changes(family).of_site(site_id)
    template = Template(files("apronwatch.report").joinpath("page.html").read_text(encoding="utf-8"))
    title = text(f"{site_id}: counts over time (Apronwatch)")
    save(out, template.substitute(title=title, body=_body(site, looks, rows, found)).encode())


def _body(site: Site, looks: Sequence[Look], rows: Sequence[SeriesRow], found: Changes) -> Markup:
    if not looks:
        return join([tag("h1", name(site.id)), tag("p", "No look of these weights stands in the archive.")])
    pictured = sorted(looks, key=_time, reverse=True)[:PICTURED]
    newest = pictured[0]
    classes = tables.shown_classes(looks)
    parts = [
        sections.synthetic_banner(looks),
        sections.heading(site, looks, len(pictured)),
        tables.newest(newest, looks, classes),
        *_over_time(site, rows, found),
        tag("h2", "Every look"),
        tables.class_tables(site, looks, classes),
        tables.reasons(looks, classes),
        sections.limits(looks),
        tag("h2", "Look by look, newest first"),
        *(_look(look, classes, NEWEST_PX if look is newest else OVERLAY_PX) for look in pictured),
        sections.credit(looks),
        _footer(),
    ]
    return join([part for part in parts if part])


def _time(look: Look) -> datetime:
    """Undated looks before all others."""
    return look.time or datetime.min.replace(tzinfo=UTC)


def _over_time(site: Site, rows: Sequence[SeriesRow], found: Changes) -> list[Markup]:
    """The chart of the whole site, and what changed in it and its zones."""
    if not rows:
        return [tag("p", "No look is dated, so there is no chart over time.")]

    def chart(zone: str, classes: Sequence[str] | None) -> Markup:
        return _chart(
            site,
            zone,
            series_figure(rows, title=site.id, zone=zone, classes=classes, alarms=standing(found)),
        )

    return [tag("h2", "Over time"), chart(ALL_ZONES, None), changes_section(found, chart)]


def _chart(site: Site, zone: str, figure: Figure) -> Markup:
    drawn = BytesIO()
    figure.savefig(drawn, dpi=130, format="png")
    with Image.open(drawn) as made:
        width, height = made.size
    alt = (
        f"Chart of what was seen over time in {zone_label(zone)} of {site.id}; tables below hold the numbers."
    )
    said = (
        "Hollow: at least so many, or a number that something is known against (the key says what). Marks in the grey "
        "strip, and the dotted lines above them: no number, which is not a zero. Shaded: an alarm says that it changed "
        "between these looks. Numbers on both sides of a bold line are not compared."
    )
    image = data_image(drawn.getvalue(), "image/png", alt, width, height)
    return tag("figure", image, tag("figcaption", said))


def _look(look: Look, classes: Sequence[str], max_px: int) -> Markup:
    when = moment(look.time, look.time_precision)
    parts = [tag("h3", when if look.time else f"undated: {public_name(look.runs[0].scene.path)}")]
    if len(look.runs) > 1:
        frames = several(len(look.runs), "frame")
        said = "The look's numbers unite them, each object once; each picture below carries its own."
        parts.append(tag("p", f"{frames} of one acquisition. {said}"))
        parts.append(tables.zone_table(look.counts, _zones(look.runs[0]), classes))
    parts += [_frame(run, classes, max_px) for run in look.runs]
    return tag("section", join(parts), class_="look")


def _frame(run: ArchivedRun, classes: Sequence[str], max_px: int) -> Markup:
    """One picture of a look: overlay, zones, chips, provenance."""
    table = tables.zone_table(run.counts, _zones(run), classes)
    facts = sections.provenance(run)
    if run.failure is not None:
        return join(
            [
                tag("p", f"This run failed, and nothing can be said: {run.failure}", class_="warn"),
                table,
                facts,
            ]
        )
    zones = zones_of(run.site, run.detections)
    with picture_of(run) as (scene, why):
        drawn = overlay(scene, run, zones, counts=run.counts, max_px=max_px)
        sheet = chip_sheet(scene, run, zones) if scene else None
    when = moment(run.scene.time, run.scene.time_precision)
    shown = tag(
        "figure",
        picture(
            drawn,
            f"{run.site.id}, {when}: picture with zones and boxes; the table below holds their numbers.",
        ),
    )
    parts = [shown, table]
    if sheet is not None:
        chips = picture(sheet.picture, f"Small pictures of what was counted, {when}.", quality=80)
        parts.append(
            tag(
                "figure",
                chips,
                tag("figcaption", f"{sheet.said} Under each: score and longest side of its box."),
            )
        )
    elif scene is None:
        parts.append(tag("p", f"No pictures of what was counted: {why}", class_="warn"))
    return join([*parts, facts])


def _zones(run: ArchivedRun) -> list[str]:
    return [ALL_ZONES, *(zone.id for zone in run.site.zones)]


def _footer() -> Markup:
    made = moment(datetime.now(UTC), "minute")
    return tag(
        "footer",
        f"Made by apronwatch {__version__} on {made}. This file loads nothing and can be kept as it is.",
    )
