"""What is said in plain words: the README of an evidence folder, and its attribution."""

import shlex
import textwrap
from pathlib import Path

from apronwatch.archive import ArchivedRun
from apronwatch.counts import Count, Status
from apronwatch.evidence.boxes import WHY_NOT
from apronwatch.evidence.commands import FRESH, command, further, put
from apronwatch.evidence.items import is_item
from apronwatch.evidence.told import SCENES, SITES, ItemTold, MaskTold, Told
from apronwatch.report.looks import Look
from apronwatch.report.sections import LIMITS
from apronwatch.report.words import (
    INTERVALS_HOLD,
    class_label,
    explain,
    listed,
    moment,
    number,
    remarks,
    share,
    zone_label,
)

_WIDTH = 100


def attribution(look: Look) -> str:
    """Whom to credit, in one line: pictures, weights, program."""
    owners = list(dict.fromkeys(run.scene.attribution for run in look.runs if run.scene.attribution))
    if look.synthetic:
        owners.append("synthetic: drawn, not taken")
    elif any(not run.scene.attribution for run in look.runs):
        owners.append("the files name no one to credit: ask their provider before you publish them")
    models = {run.model.sha256: run.model for run in look.runs}.values()
    weights = "; ".join(f"{m.name}, {m.terms or 'terms not stated'}" for m in models)
    versions = listed(dict.fromkeys(run.software_version for run in look.runs))
    line = (
        f"Imagery: {'; '.join(owners)}. Weights: {weights}. "
        f"Counted with apronwatch {versions} (AGPL-3.0-or-later)."
    )
    return " ".join(line.split())


def readme(told: Told) -> str:
    """The whole README.txt."""
    look = told.look
    runs = look.runs
    title = f"Evidence: {runs[0].site.id}, {moment(look.time, look.time_precision)}"
    parts = [f"{title}\n{'=' * len(title)}"]
    if look.synthetic:
        parts.append(
            _filled("SYNTHETIC PICTURES: drawn, not taken. Nothing here says anything about a real place.")
        )
    parts += [
        _filled(
            "This folder holds what stands behind the numbers below, so that anyone who has the same picture "
            "can count them again and look at every object that was counted."
        ),
        _section("The numbers", _numbers(look)),
        _section("Counted from", "\n\n".join(_frame(told, n) for n in range(len(runs)))),
        _section("Count them again", _again(told)),
        _section("What lies here", _contents(told)),
        _section("What these numbers do not say", "\n".join(_filled(f"- {line}", "  ") for line in LIMITS)),
        _section("Terms and credits", _filled(attribution(look))),
    ]
    return "\n\n".join(parts) + "\n"


def _filled(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _section(title: str, body: str) -> str:
    return f"{title}\n{'-' * len(title)}\n{body}"


def _numbers(look: Look) -> str:
    """The counts, a line each, and what their reasons mean."""
    told = [c for c in look.counts if c.status is not Status.NOT_MODELLED]
    lines = [
        (zone_label(c.zone), class_label(c.class_name), _quantity(c), f"{share(c.observed_fraction)} seen")
        for c in told
    ]
    widths = [max((len(line[k]) for line in lines), default=0) for k in range(3)]
    table = [
        "  ".join([*(cell.ljust(w) for cell, w in zip(line, widths, strict=False)), line[3]])
        for line in lines
    ]
    unknown = sorted({class_label(c.class_name) for c in look.counts if c.status is Status.NOT_MODELLED})
    notes = list(dict.fromkeys(explain(reason) for c in told for reason in remarks(c)))
    if any(c.high is not None for c in told):
        notes.append(INTERVALS_HOLD)
    if unknown:
        notes.append(f"These weights do not know {listed(unknown)}: no number, which is not zero.")
    return "\n".join([*table, "", *(_filled(f"- {note}", "  ") for note in notes)]).rstrip()


def _quantity(count: Count) -> str:
    if count.low is None:
        return number(count)
    if count.high is None or count.estimate is None:
        return f"{number(count)} ({count.low:g} or more were there, 95 %)"
    return f"{number(count)} (estimate {count.estimate:g}, 90 % between {count.low:g} and {count.high:g})"


def _frame(told: Told, n: int) -> str:
    run = told.look.runs[n]
    scene = run.scene
    when = moment(scene.time, scene.time_precision)
    facts = [
        ("frame", f"{n + 1} of {len(told.look.runs)}, in frame-{n + 1}/"),
        *_picture(run, told.items[n]),
        ("taken", f"{when} (known from: {scene.time_source})" if scene.time else when),
        ("one pixel", f"{scene.gsd_m:.3f} m on the ground"),
        ("weights", f"{run.model.name}, SHA-256 {run.model.sha256}"),
        ("mask", _mask(run, told.masks[n])),
        ("zones", f"{SITES}, geometry hash {run.site.geometry_hash}"),
        ("software", f"apronwatch {run.software_version}, {run.device or 'device not known'}"),
    ]
    if run.failure is not None:
        facts.append(("FAILED", f"{run.failure}: nothing can be said, which is not zero"))
    facts += [("note", w) for w in scene.warnings]
    facts += [("note", told.pictures[n])] if told.pictures[n] else []
    return "\n".join(_filled(f"{name + ':':<11}{said}", " " * 11) for name, said in facts)


def _picture(run: ArchivedRun, item: ItemTold | None) -> list[tuple[str, str]]:
    """The picture and its hash; of one that a STAC item names, the item and its masks, too."""
    sha256 = run.scene.sha256 or f"none, a remote file: {run.scene.identity}"
    of_picture = ("SHA-256", sha256)
    if item is None and is_item(run.scene.path):
        return [("STAC item", run.scene.path), ("picture", f"that of the item, SHA-256 {sha256}")]
    if item is None:
        return [("picture", run.scene.path), of_picture]
    hashed = [
        ("item mask", f"{one.name}, SHA-256 {one.sha256 or 'none, a remote file'}") for one in item.masks
    ]
    told = ("STAC item", f"{run.scene.path}, SHA-256 {item.sha256}")
    return [told, ("picture", item.picture.name), of_picture, *hashed]


def _mask(run: ArchivedRun, mask: MaskTold | None) -> str:
    if not run.masks_hash:
        return "none"
    if mask is None:
        where = "not in this folder: it was not at hand when the folder was made"
    else:
        item = ["that of the STAC item"] if mask.item and is_item(run.scene.path) else []
        read = f" (its values {listed(map(str, mask.hides))} hide)" if mask.hides else ""
        where = listed([*([f"{mask.file}{read}"] if mask.file else []), *item])
    return f"{where}, hash {run.masks_hash}"


def _again(told: Told) -> str:
    runs = told.look.runs
    if all(run.failure is not None for run in runs):
        return _filled("There is no number to check: the run failed. This command tries again:") + _indented(
            told
        )
    first = f"With apronwatch {runs[0].software_version}, "
    place = put(told)
    text = [
        _filled(f"{first}{place}; then run in this folder:" if place else f"{first}run in this folder:"),
        _indented(told).strip("\n"),
        _filled(
            "The program refuses weights of another SHA-256 by itself. To have hashes and numbers compared "
            "too, instead run `apronwatch verify .` here; it says `same` or shows what differs. That takes estimates "
            "from the calibration of this folder, the command above from that which the program then has."
        ),
    ]
    if len(runs) > 1:
        united = shlex.join(["apronwatch", "series", runs[0].site.id, "--archive", FRESH])
        text.insert(
            2, _filled("It prints each frame by itself; the numbers above unite them, each object once:")
        )
        text.insert(3, f"    {united}")
    return "\n\n".join([*text, *(_filled(line) for line in further(told))])


def _indented(told: Told) -> str:
    return f"\n\n    {command(told)}"


def _contents(told: Told) -> str:
    frames = "frame-1/" if len(told.look.runs) == 1 else f"frame-1/ to frame-{len(told.look.runs)}/"
    lines = [
        "manifest.json   SHA-256 of every other file here, of picture, mask and weights; parameters; versions",
        "counts.json     the numbers, as `apronwatch count --json` prints them; under `look` what was published",
        f"{SITES}   the zones, in longitude and latitude (or in pixels of the picture)",
        f"{frames}",
        "  overlay.png   the picture with zones and counted boxes",
        "  chips-1.png … every object that was counted, highest score first",
        "  boxes.csv     every box that the weights gave, counted or not and why; chip 1-12 is the 12th on sheet 1",
        "  boxes.geojson the same boxes, to lay over a map",
    ]
    if told.calibrated:
        lines.append("  calibration.json what estimates and intervals rest on, as it was then")
    lines += [f"{told.card}   what is known of the weights"] if told.card else []
    lines += [f"{SCENES}      which pictures, for the command above"] if len(told.look.runs) > 1 else []
    words = [_filled(f"- {word}: {said}", "  ") for word, said in WHY_NOT.items()]
    return "\n".join([*lines, "", "Why a box does not count (`why_not`):", *words])


def model_option(name: str, by_name: bool, file: Path | None) -> tuple[str, ...]:
    """How to name the weights to the program."""
    if by_name:
        return ("--model", name)
    return ("--model", file.name if file else f"{name}.onnx", *(() if file else ("--trust",)))
