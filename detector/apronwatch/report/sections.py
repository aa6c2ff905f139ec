"""The sections of a report that are words: what place, from where, under what terms, and what is not said."""

import json
from collections.abc import Sequence

import shapely

from apronwatch.archive import ArchivedRun
from apronwatch.interchange.files import public_name
from apronwatch.report.looks import Look
from apronwatch.report.markup import Markup, join, name, tag
from apronwatch.report.words import INTERVALS_HOLD, class_label, listed, moment, several
from apronwatch.site import Site
from apronwatch.taxonomy import CLASSES
from apronwatch.zone import PIXEL

LIMITS = (
    "Zero seen is not zero there. What stands in a hangar or shelter, under cloud, nets or trees, or what "
    "the detector missed, is in no number.",
    "A dash is not a zero: nothing can be said, and the cell says why.",
    "“At least” means that a part of the zone was not observed, or that the limit of boxes was reached.",
    "A number holds for the moment of its picture. What happened between two looks is not known.",
    "The detector tells shapes, not intent or condition: wrecks, decoys and museum pieces count as what they "
    "look like.",
)


def synthetic_banner(looks: Sequence[Look]) -> Markup:
    """A strip that says which pictures were drawn; nothing where all were taken."""
    drawn = sum(look.synthetic for look in looks)
    if not drawn:
        return Markup("")
    if drawn == len(looks):
        said = "Synthetic pictures: drawn, not taken. Nothing here says anything about a real place."
    else:
        said = f"{drawn} of {len(looks)} looks are synthetic pictures: drawn, not taken. They are marked."
    return tag("p", said, class_="banner", role="note")


def heading(site: Site, looks: Sequence[Look], pictured: int) -> Markup:
    """What place this is, how often it was looked at, and from when to when."""
    dated = [moment(look.time, "day") for look in looks if look.time is not None]
    said = several(len(looks), "look")
    if dated:
        said += f" on {dated[0]}" if dated[0] == dated[-1] else f" from {dated[0]} to {dated[-1]}"
    if len(looks) > len(dated):
        said += f", {len(looks) - len(dated)} undated"
    if pictured < len(looks):
        said += f" (chart and tables hold all, pictures and provenance the newest {pictured})"
    checked = (
        "Counted in overhead pictures by a detector; this page does not say that a person has checked it."
    )
    zones = [part for zone in site.zones for part in (", ", name(_zone_name(zone.id, zone.name)))]
    where = tag("p", _place(site), f" {several(len(site.zones), 'zone')}: ", *zones[1:], ".")
    return join([tag("h1", name(site.id)), where, tag("p", f"{said}. {checked}")])


def provenance(run: ArchivedRun) -> Markup:
    """Where the numbers of one run come from."""
    rows = [
        tag("tr", tag("th", what, scope="row"), tag("td", said))
        for what, said in (*_scene_facts(run), *_run_facts(run))
    ]
    table = tag("table", tag("caption", "Where these numbers come from"), tag("tbody", *rows), class_="facts")
    return tag("div", table, class_="scroll")


def limits(looks: Sequence[Look]) -> Markup:
    """What the numbers do not say."""
    lines = list(LIMITS)
    if any("uncalibrated" in c.reasons for look in looks for c in look.counts):
        lines.append(
            "The numbers are uncalibrated: how many objects are missed or wrongly seen has not been measured "
            "for these pictures, so there is no estimate of what was there, and no interval."
        )
    if any(c.high is not None for look in looks for c in look.counts):
        lines.append(INTERVALS_HOLD)
    drawn = {c for look in looks for run in look.runs for c in run.model.synthetic_only}
    if drawn:
        classes = listed(class_label(c) for c in sorted(drawn, key=CLASSES.index))
        lines.append(
            f"The weights learned {classes} on drawn scenes only: on real ones their errors are not known."
        )
    lines.append("Look at the small pictures of what was counted before you publish a number.")
    return join([tag("h2", "What these numbers do not say"), tag("ul", *(tag("li", line) for line in lines))])


def credit(looks: Sequence[Look]) -> Markup:
    """Terms of the weights, and whom to credit for the pictures."""
    models = {run.model.sha256: run.model for look in looks for run in look.runs}.values()
    lines = [tag("li", "Weights ", name(m.name), f": {m.terms or 'terms not stated'}") for m in models]
    scenes = [run.scene for look in looks for run in look.runs]
    owners = dict.fromkeys(scene.attribution for scene in scenes if scene.attribution)
    lines += [tag("li", "Pictures: ", name(owner)) for owner in owners]
    if any(not scene.attribution for scene in scenes):
        lines.append(tag("li", "Pictures whose files name no one to credit: ask before you publish them."))
    return join([tag("h2", "Terms and credits"), tag("ul", *lines)])


def _scene_facts(run: ArchivedRun) -> list[tuple[str, str]]:
    scene = run.scene
    when = moment(scene.time, scene.time_precision)
    if scene.time is not None:
        when += f" (source: {scene.time_source}, to the {scene.time_precision})"
    bands = ", ".join(map(str, scene.bands))
    facts = [
        ("picture", public_name(scene.path)),
        ("content (SHA-256)", scene.sha256 or f"none, a remote file: {scene.identity}"),
        ("time", when),
        ("ground sample distance", f"{scene.gsd_m:.3f} m"),
        ("size", f"{scene.width} × {scene.height} px, {scene.dtype}, bands {bands}"),
        ("CRS", scene.crs or "none: positions in pixels"),
        ("stretch to 8 bits", "none" if scene.stretch.get("kind") == "none" else _json(scene.stretch)),
        ("sensor", scene.sensor or "not known"),
        ("acquisition", scene.acquisition or "not known"),
    ]
    facts += [("attribution", scene.attribution)] if scene.attribution else []
    return facts + [("note", warning) for warning in scene.warnings]


def _run_facts(run: ArchivedRun) -> list[tuple[str, str]]:
    model = run.model
    thresholds = ", ".join(f"{c} {t:.2f}" for c, t in run.thresholds.items())
    return [
        ("weights", model.name),
        ("weights (SHA-256)", model.sha256),
        ("learned from", model.data or "not stated"),
        ("counted from score", thresholds or "nothing counted"),
        ("masks (SHA-256)", run.masks_hash or "none"),
        ("zones (SHA-256)", run.site.geometry_hash),
        ("parameters", _json(run.parameters)),
        ("ran on", run.device or "not known"),
        ("software", f"apronwatch {run.software_version}, pipeline {run.pipeline_version}"),
        ("archive", f"run {run.run_id}, stored {moment(run.stored_at, 'minute')}"),
    ]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _zone_name(zone: str, called: str | None) -> str:
    return f"{zone} ({called})" if called and called != zone else zone


def _place(site: Site) -> str:
    if site.crs == PIXEL:
        return "Positions in pixels: these pictures carry no place on the ground."
    centre = shapely.union_all([zone.geometry for zone in site.zones]).centroid
    north, east = "N" if centre.y >= 0 else "S", "E" if centre.x >= 0 else "W"
    return f"At {abs(centre.y):.4f}° {north}, {abs(centre.x):.4f}° {east} (centre of the zones)."
