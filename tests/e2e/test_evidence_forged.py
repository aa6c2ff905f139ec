"""`apronwatch verify` tells every forgery that can be told, in one line that names the file, though every hash fits."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apronwatch.version import __version__
from apronwatch_datasets.synthetic import DrawnScene
from tests.e2e.conftest import Command
from tests.e2e.proofs import SITE, edit, rehash, rewrite

Forge = Callable[[Path], None]


def in_counts(change: Callable[[Any], object]) -> Forge:
    return lambda proof: edit(proof, "counts.json", change)


def in_manifest(change: Callable[[Any], object]) -> Forge:
    return lambda proof: edit(proof, "manifest.json", change)


def in_boxes(change: Callable[[Any], object]) -> Forge:
    return lambda proof: edit(proof, "frame-1/boxes.geojson", change)


def in_text(name: str, old: str, new: str) -> Forge:
    return lambda proof: rewrite(proof, name, old, new)


def total(counts: list[dict[str, Any]], name: str = "plane") -> dict[str, Any]:
    return next(one for one in counts if (one["zone"], one["class"]) == ("*", name))


def first_counted(boxes: dict[str, Any]) -> dict[str, Any]:
    return next(f["properties"] for f in boxes["features"] if f["properties"]["counted"])


def another_row(proof: Path) -> None:
    """Forty more rows in `boxes.csv`."""
    lines = (proof / "frame-1" / "boxes.csv").read_bytes().splitlines(keepends=True)
    (proof / "frame-1" / "boxes.csv").write_bytes(b"".join([*lines, *[lines[1]] * 40]))
    rehash(proof)


def another_file(proof: Path) -> None:
    (proof / "frame-1" / "chips-2.png").write_bytes(b"planted")
    edit(proof, "manifest.json", lambda told: told["files"].update({"frame-1/chips-2.png": "0" * 64}))


FORGERIES: dict[str, tuple[Forge, str]] = {
    "table of the README": (in_text("README.txt", "planes  6 ", "planes  60"), "README.txt, line "),
    "command of the README": (
        in_text("README.txt", "--archive fresh", "--archive other"),
        "README.txt, line ",
    ),
    "number of a scene": (
        in_counts(lambda told: total(told["scenes"][0]["counts"]).update(seen=80)),
        "counts.json, scene 1, zone *, plane: seen 80 instead of 10",
    ),
    "row of the look left out": (
        in_counts(lambda told: told["look"]["counts"].remove(total(told["look"]["counts"]))),
        "counts.json, look: zone *, plane: no count instead of one",
    ),
    "row of a scene twice": (
        in_counts(lambda told: told["scenes"][0]["counts"].append(total(told["scenes"][0]["counts"]))),
        "counts.json, scene 1: zone *, plane: 2 counts instead of one",
    ),
    "no scene": (in_counts(lambda told: told["scenes"].clear()), "counts.json, scenes: "),
    "reason left out": (
        in_counts(lambda told: total(told["look"]["counts"])["reasons"].clear()),
        "whole site, plane: reasons published none, counted no_mask, uncalibrated",
    ),
    "reason added": (
        in_counts(lambda told: total(told["look"]["counts"])["reasons"].append("saturated")),
        "reasons published no_mask, uncalibrated",
    ),
    "site of a number": (
        in_counts(lambda told: total(told["look"]["counts"]).update(site="elsewhere")),
        "site published elsewhere",
    ),
    "status of a scene": (
        in_counts(lambda told: told["scenes"][0].update(status="partial")),
        "counts.json, scenes 1, status: 'partial' instead of 'complete'",
    ),
    "time of the look": (
        in_counts(lambda told: told["look"].update(time="2026-04-03T00:00:00Z")),
        "counts.json, look, time: ",
    ),
    "failure beside numbers": (
        in_manifest(lambda told: told["frames"][0].update(failure="out of memory")),
        "whole site, plane: seen published 10, counted none",
    ),
    "class of a box": (
        in_boxes(lambda told: first_counted(told).update({"class": "ship"})),
        "boxes of frame 1: 9 at the same places, 1 published and not found, 1 found and not published",
    ),
    "zone of a box": (
        in_boxes(lambda told: first_counted(told).update(zones=[])),
        "frame-1/boxes.geojson: box 1: zones none instead of ",
    ),
    "score of a box": (
        in_boxes(lambda told: first_counted(told).update(score=0.999)),
        "frame-1/boxes.geojson: box ",
    ),
    "length of a box": (
        in_boxes(lambda told: first_counted(told).update(length_m=90.0)),
        "frame-1/boxes.geojson: box 1: length_m 90.0, its corners say ",
    ),
    "weights of the boxes": (
        in_boxes(lambda told: told["apronwatch"]["model"].update(name="better")),
        "frame-1/boxes.geojson, apronwatch, model, name: 'better' instead of ",
    ),
    "rows of boxes.csv": (another_row, "frame-1/boxes.csv: "),
    "cell of boxes.csv": (
        in_text("frame-1/boxes.csv", ",plane,", ",ship,"),
        "is not as in boxes.geojson beside it",
    ),
    "a member of the site file": (
        in_text("sites.geojson", '"features"', '"note": "by the ministry", "features"'),
        "sites.geojson, line 1: ",
    ),
    "a file more": (another_file, "manifest.json, files: frame-1/chips-2.png is no part of such evidence"),
    "command of the manifest": (
        in_manifest(lambda told: told.update(command="apronwatch count other.tif")),
        "manifest.json, command: ",
    ),
    "attribution": (
        in_manifest(lambda told: told.update(attribution="Imagery: mine.")),
        "manifest.json, attribution: ",
    ),
    "run": (
        in_manifest(lambda told: told["frames"][0].update(run="0" * 64)),
        "manifest.json, frame 1, run: ",
    ),
    "grain of the picture": (
        in_manifest(lambda told: told["frames"][0]["scene"].update(gsd_m=0.3)),
        "manifest.json, frame 1, scene, gsd_m: 0.3 instead of 0.5",
    ),
    "picture not drawn": (
        in_manifest(lambda told: told["frames"][0]["scene"].update(synthetic=False)),
        "manifest.json, frame 1, scene, synthetic: False instead of True",
    ),
    "a warning": (
        in_manifest(lambda told: told["frames"][0]["scene"].update(warnings=["all is well"])),
        "manifest.json, frame 1, scene, warnings: 'all is well' is not to be said",
    ),
    "why no chips": (
        in_manifest(lambda told: told["frames"][0].update(pictures="No chips: nothing was counted.")),
        "manifest.json, frame-1, pictures: ",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_told_though_every_hash_fits(
    apronwatch: Command, apron: DrawnScene, made: Path, name: str
) -> None:
    forge, told = FORGERIES[name]
    forge(made)
    answer = apronwatch("verify", made, "--scene", apron.files.image)
    assert answer.status == 1, answer
    assert told in answer.out
    verdicts = {line.partition(" ")[0] for line in answer.out.splitlines()}
    assert verdicts <= {"same", "DIFFERS", "by", "as", "no"}


@pytest.mark.parametrize("seen", [10.0, 10.4, "10", True, -1, 10**400])
def test_a_number_of_another_type_is_no_evidence(
    refused: Command, apron: DrawnScene, made: Path, seen: object
) -> None:
    edit(made, "counts.json", lambda told: total(told["look"]["counts"]).update(seen=seen))
    assert "counts.json: look, counts, " in refused("verify", made, "--scene", apron.files.image).err


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.update(site="elsewhere"),
        lambda told: told.update(site=1),
        lambda told: told.update(frames=[]),
        lambda told: told.update(evidence=True),
        lambda told: told.update(extra=1),
        lambda told: told["files"].pop("counts.json"),
        lambda told: told["files"].update({"../README.txt": "0" * 64}),
        lambda told: told["frames"][0].update(scene=None),
        lambda told: told["frames"][0]["scene"].update(time="yesterday"),
        lambda told: told["frames"][0]["scene"].update(width=600.0),
        lambda told: told["frames"][0]["thresholds"].update(plane="low"),
        lambda told: told["frames"][0].pop("masks_sha256"),
        lambda told: told["model"].pop("sha256"),
    ],
)
def test_a_manifest_with_another_key_or_type_is_no_evidence(
    refused: Command, apron: DrawnScene, made: Path, change: Callable[[Any], object]
) -> None:
    edit(made, "manifest.json", change)
    assert "proof/" in refused("verify", made, "--scene", apron.files.image).err


def test_a_key_that_stands_twice_is_refused(refused: Command, apron: DrawnScene, made: Path) -> None:
    """A reader sees one of both, a program the other."""
    rewrite(made, "counts.json", '"seen": 10', '"seen": 80, "seen": 10')
    assert "a key stands twice" in refused("verify", made, "--scene", apron.files.image).err


def test_reasons_of_the_archive_are_left_to_it(apronwatch: Command, apron: DrawnScene, made: Path) -> None:
    edit(made, "counts.json", lambda told: told["look"]["counts"][0]["reasons"].append("other_outline"))
    answer = apronwatch("verify", made, "--scene", apron.files.image)
    assert (
        f"same     {SITE}, zone west, plane: 6 (complete; no_mask; uncalibrated; other_outline)" in answer.out
    )
    assert "README.txt" in answer.out, "which would say what the reason means"


def test_a_time_that_the_picture_contradicts_is_found(
    apronwatch: Command, apron: DrawnScene, made: Path
) -> None:
    """`count` would have refused it, or warned."""
    edit(
        made,
        "manifest.json",
        lambda told: told["frames"][0]["scene"].update(time="2026-06-01T08:00:00+00:00"),
    )
    answer = apronwatch("verify", made, "--scene", apron.files.image)
    assert (
        "OTHER    frame 1: the folder says that it was taken 2026-06-01T08:00:00+00:00, the picture's "
        in answer.out
    )
    assert answer.status == 1, "and README, too, says otherwise than it must"


def test_frames_of_two_looks_are_not_one(
    apronwatch: Command, apron: DrawnScene, made: Path, tmp_path: Path
) -> None:
    def twice(told: Any) -> None:
        other = json.loads(json.dumps(told["frames"][0]).replace("frame-1", "frame-2"))
        other["scene"].update(time="2026-03-05T08:00:00+00:00")
        told["frames"].append(other)
        told["files"] |= {name.replace("frame-1", "frame-2"): "0" * 64 for name in told["files"]}
        told["files"]["scenes.csv"] = "0" * 64

    shutil.copytree(made / "frame-1", made / "frame-2")
    (made / "scenes.csv").write_text("path\n")
    edit(made, "manifest.json", twice)
    rehash(made)
    answer = apronwatch("verify", made, "--scene", apron.files.image)
    assert answer.status == 1
    assert "by their ids, satellites and times they are 2 looks, not one" in answer.out


@pytest.mark.parametrize(
    "option", [["--model", "x", "--json"], ["--model", "--json"], ["count"], ["--model", "a/b"]]
)
def test_a_command_for_something_else_is_no_evidence(
    refused: Command, apron: DrawnScene, made: Path, option: list[str]
) -> None:
    edit(made, "manifest.json", lambda told: told["model"].update(option=option))
    assert "option" in refused("verify", made, "--scene", apron.files.image).err


def test_what_the_registry_says_otherwise_does_not_pass(
    apronwatch: Command, apron: DrawnScene, made: Path
) -> None:
    (made / "model-card.md").write_text("# Finds 99.9 %")
    rehash(made)
    answer = apronwatch("verify", made, "--scene", apron.files.image)
    assert answer.status == 2
    assert "OTHER    model-card.md: not the card that the registry here has" in answer.out
    assert apronwatch("verify", made, "--scene", apron.files.image, "--trust").status == 0
    edit(made, "manifest.json", lambda told: told["model"].update(terms="Public domain"))
    assert "OTHER    terms of the weights: the folder says 'Public domain'" in (
        apronwatch("verify", made, "--scene", apron.files.image).out
    )


def test_a_sentence_that_rests_on_the_folder_alone_is_shown_whole(
    apronwatch: Command, apron: DrawnScene, made: Path
) -> None:
    found = "Another analyst looked: none over any zone (TIFFTAG_DATETIME)."
    edit(made, "manifest.json", lambda told: told["frames"][0]["scene"]["warnings"].append(found))
    edit(made, "counts.json", lambda told: told["look"]["counts"][0]["reasons"].append("other_outline"))
    answer = apronwatch("verify", made, "--scene", apron.files.image)
    assert f"as told  frame 1: {found}\n" in answer.out
    assert "as told  of the archive: other_outline\n" in answer.out


def test_words_that_another_program_wrote_do_not_pass_for_compared(
    apronwatch: Command, apron: DrawnScene, made: Path
) -> None:
    """Anyone can claim to be another version; a word that is the same in both is no matter."""
    for name in ("manifest.json", "counts.json"):
        rewrite(made, name, f'"apronwatch": "{__version__}"', '"apronwatch": "0.0.9"')
    rewrite(made, "frame-1/boxes.geojson", f"apronwatch {__version__}", "apronwatch 0.0.9")
    same = apronwatch("verify", made, "--scene", apron.files.image)
    assert (same.status, "OTHER" in same.out) == (0, False)
    rewrite(made, "README.txt", "whole site", "the site  ")
    answer = apronwatch("verify", made, "--scene", apron.files.image)
    assert answer.status == 2
    (line,) = (line for line in answer.out.splitlines() if line.startswith("OTHER "))
    assert line.startswith("OTHER    README.txt, line ")
    assert line.endswith("(written by apronwatch 0.0.9)")
    assert not [line for line in answer.out.splitlines() if line.startswith("DIFFERS")]


def test_an_id_that_a_terminal_would_obey_is_shown_by_its_escapes(
    apronwatch: Command, apron: DrawnScene, folder: Path
) -> None:
    sites = json.loads(apron.sites.read_text())
    for feature in sites["features"]:
        feature["properties"]["zone"] += "\x1b[2J\nDIFFERS  \u202e"
    (folder / "sites.geojson").write_text(json.dumps(sites))
    assert apronwatch("count", apron.files.image, "--sites", "sites.geojson").status == 0
    assert apronwatch("evidence", SITE, "--look", "2026-03-03", "--out", "proof").status == 0
    answer = apronwatch("verify", "proof", "--scene", apron.files.image)
    assert answer.status == 0
    assert (
        f"same     {SITE}, zone west\\x1b[2J DIFFERS \\u202e, plane: 6 (complete; no_mask; uncalibrated)\n"
        in answer.out
    )
    assert "\x1b" not in answer.out + answer.err
    edit(folder / "proof", "counts.json", lambda told: told["look"]["counts"][0].update(zone="\x1b[2J"))
    refused = apronwatch("verify", "proof", "--scene", apron.files.image)
    assert refused.status == 2
    assert "zone \\x1b[2J and class plane are not in the site file" in refused.err
