"""The command that counts a look again, and what must lie where for it."""

import csv
import io
import shlex
from collections import Counter
from collections.abc import Iterator

from apronwatch.archive import ArchivedRun
from apronwatch.archive.dating import REDATED
from apronwatch.evidence.items import is_item
from apronwatch.evidence.told import SCENES, SITES, Told
from apronwatch.manifest import NO_ITEM_MASK, UNDATED
from apronwatch.remote import is_url
from apronwatch.report.words import listed

FRESH = "fresh.sqlite"
PICTURE = "picture"
"""The folder in that of a frame where its picture is to be put, where several bear one name."""

_FORMS = {
    "day": "%Y-%m-%d",
    "hour": "%Y-%m-%dT%HZ",
    "minute": "%Y-%m-%dT%H:%MZ",
    "second": "%Y-%m-%dT%H:%M:%SZ",
}


def places(told: Told) -> list[str]:
    """Where the picture of each frame, or its STAC item, lies for the command: a name in the folder, or an address.

    Pictures of one name have a folder each; so have items, whose files may bear one name.
    """
    paths = [run.scene.path for run in told.look.runs]
    # Of one file several items may be looked at.
    files = [
        item.sha256 if item else run.scene.identity
        for item, run in zip(told.items, told.look.runs, strict=True)
    ]
    bearers = Counter(
        name for name, _ in {(p.partition("#")[0], f) for p, f in zip(paths, files, strict=True)}
    )
    return [
        path
        if is_url(path)
        or len(set(files)) == 1
        or (bearers[path.partition("#")[0]] == 1 and not _by_item(told, n))
        else f"frame-{n + 1}/{PICTURE}/{path}"
        for n, path in enumerate(paths)
    ]


def _by_item(told: Told, n: int) -> bool:
    return told.items[n] is not None or is_item(told.look.runs[n].scene.path)


def command(told: Told) -> str:
    """The one command that counts the look again, to be run in the folder with the scenes where `places` says."""
    words = ["apronwatch", "count"]
    runs, mask = told.look.runs, told.masks[0]
    if len(runs) > 1:
        words += ["--manifest", SCENES]
    else:
        time, (place,) = told_time(runs[0]), places(told)
        words += [place if is_url(place) or not place.startswith("-") else f"./{place}"]
        words += ["--time", time] if time else ["--undated"]
        words += ["--gsd", repr(runs[0].scene.gsd_m)] if runs[0].scene.crs is None else []
        words += ["--mask", mask.file] if mask and mask.file else []
        words += ["--mask-hides", ",".join(map(str, mask.hides))] if mask and mask.hides else []
        words += ["--no-item-mask"] if _without_item_masks(told, 0) else []
    return shlex.join([*words, "--sites", SITES, *told.model_option, "--archive", FRESH])


def scenes_csv(told: Told) -> bytes:
    """The frames as a manifest for `count`, with paths in the folder."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["path", "time", "gsd", "mask", "mask_hides", "item_mask", "acquisition"])
    for n, (run, place, mask) in enumerate(zip(told.look.runs, places(told), told.masks, strict=True)):
        writer.writerow(
            [
                place,
                told_time(run) or UNDATED,
                repr(run.scene.gsd_m) if run.scene.crs is None else "",
                (mask and mask.file) or "",
                ",".join(map(str, (mask and mask.hides) or ())),
                NO_ITEM_MASK if _without_item_masks(told, n) else "",
                run.scene.acquisition or "",
            ]
        )
    return text.getvalue().encode()


def told_time(run: ArchivedRun) -> str:
    """The time of a frame as an option or a manifest gives it; empty for one that its metadata contradicts."""
    scene = run.scene
    if scene.time is None or scene.time_source == REDATED:
        return ""
    return scene.time.strftime(_FORMS[scene.time_precision or "second"])


def _without_item_masks(told: Told, n: int) -> bool:
    """Whether a STAC item is to be looked at without the masks that it names."""
    mask = told.masks[n]
    return _by_item(told, n) and mask is not None and not mask.item


def put(told: Told) -> str:
    """What is to be put where before the command is run: `put a.tif into this folder`; empty for nothing."""
    what: dict[str, list[str]] = {}
    for n, place in enumerate(places(told)):
        if not is_url(place):
            file = place.partition("#")[0]
            folder = file.rpartition("/")[0]
            phrase = _phrase(told, n, file.rpartition("/")[2])
            what.setdefault(f"into {folder}/" if folder else "into this folder", []).append(phrase)
    said = [f"{listed(dict.fromkeys(phrases))} {where}" for where, phrases in what.items()]
    return f"put {listed(said)}" if said else ""


def _phrase(told: Told, n: int, name: str) -> str:
    """A picture, or an item with the files that it names."""
    if not _by_item(told, n):
        return name
    item = told.items[n]
    named = [one.name for one in (item.picture, *item.masks) if not is_url(one.name)] if item else []
    if item and not named:
        return f"the STAC item {name}"
    return f"the STAC item {name} (and where it names them: {listed(named) if named else 'its files'})"


def further(told: Told) -> Iterator[str]:
    """What else a reader must know who runs the command."""
    runs = told.look.runs
    if any(run.scene.time_source == REDATED for run in runs):
        yield (
            "The time was corrected by hand (`archive redate`): the picture's own metadata say otherwise, so the "
            "command counts without one. Numbers do not depend on it."
        )
    missing = [n for n, run in enumerate(runs) if run.masks_hash and not told.masks[n]]
    if missing:
        unless = ", unless its STAC item names it," if any(_by_item(told, n) for n in missing) else ""
        where = (
            "with --mask, and --mask-hides if its values must be named"
            if len(runs) == 1
            else f"in the column `mask` of a copy of {SCENES}, and its values, if they must be named, in `mask_hides`"
        )
        frames = listed(f"frame {n + 1}" for n in missing)
        yield f"The mask of {frames} is missing here (see above): without it numbers differ. Name it{unless} {where}."
    for run, item in zip(runs, told.items, strict=True):
        if item and item.fixed:
            yield (
                f"The item {item.name} names its files by a place on the machine where it lay: name them in a copy of "
                "it by where they lie."
            )
        elif item is None and is_item(run.scene.path) and not is_url(run.scene.path):
            yield (
                f"The item {run.scene.path} was not at hand when this folder was made, so it is not known here which "
                "picture and masks it names, nor their hashes; that of the picture is above."
            )
