"""`apronwatch verify` after the weights were calibrated, calibrated anew, or the rules of counting changed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apronwatch.calibration import Calibration, ClassCalibration, RecallCalibration, ScoreCalibration
from apronwatch.counting import COUNTING_VERSION
from apronwatch.engines.registry import find_model
from apronwatch.version import __version__
from apronwatch_datasets.synthetic import DrawnScene
from tests.e2e.conftest import Answer, Command
from tests.e2e.proofs import rehash
from tests.e2e.weights import other_weights

SITE, NAME = "synthetic-apron", "stern"
CURVE = ScoreCalibration("platt", (1.0, 0.0), 900, 800, 20, True, covariance=((0.01, 0), (0, 0.01)))
TOLD = ClassCalibration(0.3, CURVE, RecallCalibration((190,), (10,), 20, True, (5.0, 100.0)))
ENTRY = 'calibration = "c.json"\n'


@pytest.fixture
def registry() -> Path:
    """The user's registry, of weights without a calibration."""
    return other_weights(NAME, 0.3).parent / "registry.toml"


def calibrate(registry: Path, told: ClassCalibration = TOLD) -> None:
    """Give the weights a calibration, or another one."""
    file = Calibration(find_model(NAME).sha256, {"plane": told})
    (registry.parent / "c.json").write_text(json.dumps(file.to_dict()))
    if ENTRY not in registry.read_text():
        registry.write_text(registry.read_text().replace("tile_px = 640\n", f"tile_px = 640\n{ENTRY}"))


def count(apronwatch: Command, apron: DrawnScene) -> None:
    assert apronwatch("count", apron.files.image, "--sites", apron.sites, "--model", NAME).status == 0


def prove(apronwatch: Command) -> Path:
    assert apronwatch("evidence", SITE, "--look", "2026-03-03", "--out", "proof").status == 0
    return Path("proof")


def verify(apronwatch: Command, apron: DrawnScene, *words: object) -> Answer:
    return apronwatch("verify", "proof", "--scene", apron.files.image, *words)


def total(proof: Path) -> dict[str, Any]:
    """The published planes of the whole site."""
    counts = json.loads((proof / "counts.json").read_text())["look"]["counts"]
    found: dict[str, Any] = next(c for c in counts if (c["zone"], c["class"]) == ("*", "plane"))
    return found


def edit(proof: Path, **changed: Any) -> None:
    """Change what the manifest says of the frame."""
    told = json.loads((proof / "manifest.json").read_text())
    told["frames"][0] |= changed
    (proof / "manifest.json").write_text(json.dumps(told))


def all_same(answer: Answer, other: int = 0) -> bool:
    """Numbers and boxes are the same; of so many settings the registry has others."""
    *same, by_hash, as_told = answer.out.splitlines()
    told = by_hash.startswith("by hash ") and as_told.startswith("as told ")
    verdicts = [line.split()[0] for line in same]
    return verdicts == ["same"] * 4 + ["OTHER"] * other and told


def test_weights_that_are_calibrated_later_leave_published_evidence_checkable(
    apronwatch: Command, apron: DrawnScene, registry: Path
) -> None:
    count(apronwatch, apron)
    proof = prove(apronwatch)
    assert total(proof)["estimate"] is None
    calibrate(registry)
    registry.write_text(registry.read_text().replace("threshold = 0.3", "threshold = 0.6"))
    calibrated = find_model(NAME).calibration
    assert calibrated is not None
    answer = verify(apronwatch, apron)
    assert answer.status == 2, "nothing here vouches for that threshold"
    assert all_same(answer, other=2)
    assert "plane was counted from score 0.3, and so it was again; the registry here says 0.6" in answer.out
    assert (
        f"with calibration none, and so it was again; the registry here has calibration {calibrated.hash[:12]}"
        in (answer.out)
    )
    trusted = verify(apronwatch, apron, "--trust")
    assert (trusted.status, trusted.out) == (0, answer.out)


def test_evidence_carries_the_calibration_that_its_estimates_rest_on(
    apronwatch: Command, apron: DrawnScene, registry: Path
) -> None:
    calibrate(registry)
    count(apronwatch, apron)
    proof = prove(apronwatch)
    assert total(proof)["estimate"] is not None
    carried = Calibration.from_dict(json.loads((proof / "frame-1" / "calibration.json").read_text()))
    assert carried.classes == {"plane": TOLD}
    readme = (proof / "README.txt").read_text()
    assert "calibration.json" in readme
    assert "a large count at a place that differs is less sure" in " ".join(readme.split())
    known = verify(apronwatch, apron)
    assert (known.status, known.err) == (0, ""), known
    of_site = total(proof)
    limits = f"estimate {of_site['estimate']:g}, {of_site['low']:g} to {of_site['high']:g}"
    assert f"whole site, plane: {of_site['seen']} (complete; {limits}; no_mask)" in known.out
    registry.write_text(registry.read_text().replace(ENTRY, ""))
    answer = verify(apronwatch, apron)
    assert answer.status == 2, "nothing here vouches for that calibration"
    assert all_same(answer, other=1)
    assert f"counted then with calibration {carried.hash[:12]}, and so it was again" in answer.out
    assert verify(apronwatch, apron, "--trust").status == 0


@pytest.mark.parametrize("counting", [{}, {"counting": None, "calibration_sha256": "ab" * 32}])
def test_a_folder_counted_from_a_threshold_of_its_own_does_not_pass(
    apronwatch: Command, apron: DrawnScene, registry: Path, counting: dict[str, Any]
) -> None:
    """Who lowers the threshold publishes more objects than the weights say, and the numbers follow from it."""
    told = registry.read_text()
    registry.write_text(told.replace("threshold = 0.3", "threshold = 0.06"))
    count(apronwatch, apron)
    proof = prove(apronwatch)
    registry.write_text(told)
    edit(proof, **counting)
    answer = verify(apronwatch, apron)
    assert answer.status == 2
    assert all_same(answer, other=1)
    assert "plane was counted from score 0.06, and so it was again; the registry here says 0.3" in answer.out


def test_a_forged_estimate_is_found_with_the_calibration_that_is_carried(
    apronwatch: Command, apron: DrawnScene, registry: Path
) -> None:
    calibrate(registry)
    count(apronwatch, apron)
    proof = prove(apronwatch)
    counts = json.loads((proof / "counts.json").read_text())
    for one in counts["look"]["counts"]:
        one["high"] = one["high"] and one["high"] + 5
    (proof / "counts.json").write_text(json.dumps(counts))
    rehash(proof)
    registry.write_text(registry.read_text().replace(ENTRY, ""))
    answer = verify(apronwatch, apron)
    assert answer.status == 1
    assert "DIFFERS" in answer.out
    assert "high published" in answer.out


def test_what_does_not_rest_on_an_unknown_calibration_is_checked(
    apronwatch: Command, apron: DrawnScene, registry: Path
) -> None:
    calibrate(registry)
    count(apronwatch, apron)
    calibrate(registry, replace(TOLD, recall=RecallCalibration((150,), (50,), 20, True, (5.0, 100.0))))
    proof = prove(apronwatch)
    assert not (proof / "frame-1" / "calibration.json").exists()
    answer = verify(apronwatch, apron)
    assert answer.status == 2
    assert all_same(answer)
    assert "estimate, low and high are not" in answer.err
    assert "calibration " in answer.err
    counts = json.loads((proof / "counts.json").read_text())
    for one in counts["look"]["counts"]:
        one["reasons"] = [reason for reason in one["reasons"] if reason != "no_mask"]
    (proof / "counts.json").write_text(json.dumps(counts))
    rehash(proof)
    answer = verify(apronwatch, apron)
    assert "DIFFERS" in answer.out, "that no mask was laid is known whatever the calibration"


def test_intervals_that_were_left_out_do_not_pass(
    apronwatch: Command, apron: DrawnScene, registry: Path
) -> None:
    calibrate(registry)
    count(apronwatch, apron)
    proof = prove(apronwatch)
    edit(proof, counting=None, calibration_sha256="0" * 64)
    counts = json.loads((proof / "counts.json").read_text())
    for one in counts["look"]["counts"] + counts["scenes"][0]["counts"]:
        one |= {"estimate": None, "low": None, "high": None}
        one["reasons"].append("places_differ_too_much")
    (proof / "counts.json").write_text(json.dumps(counts))
    rehash(proof)
    assert verify(apronwatch, apron).status != 0


def test_evidence_of_an_older_program_is_compared_as_far_as_it_can_be(
    apronwatch: Command, apron: DrawnScene, registry: Path
) -> None:
    count(apronwatch, apron)
    edit(prove(apronwatch), counting=None, calibration_sha256="ab" * 32)
    answer = verify(apronwatch, apron)
    assert answer.status == 0, "no interval was published, and all else is the same"
    assert "hash of both abababababab, here " in answer.err
    assert all_same(answer)


def test_other_rules_of_counting_are_named_and_not_by_the_version_that_is_running(
    apronwatch: Command, apron: DrawnScene, registry: Path
) -> None:
    count(apronwatch, apron)
    other = {"rules": COUNTING_VERSION - 1, "calibration_sha256": "cd" * 32, "calibration": None}
    edit(prove(apronwatch), counting=other, calibration_sha256="ab" * 32)
    answer = verify(apronwatch, apron)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    assert f"counted by version {COUNTING_VERSION - 1} of the rules of counting (calibration cd" in answer.err
    assert f"here is version {COUNTING_VERSION} (calibration none)" in answer.err
    assert f"check it with apronwatch {__version__}" not in answer.err
    assert "as they were on 20" in answer.err


def test_other_ranges_of_the_classes_are_named(
    apronwatch: Command, apron: DrawnScene, registry: Path
) -> None:
    count(apronwatch, apron)
    prove(apronwatch)
    changed = registry.read_text().replace("native_gsd_m = [0.1, 1.2]", "native_gsd_m = [0.2, 1.2]")
    registry.write_text(changed)
    answer = verify(apronwatch, apron)
    assert (answer.status, answer.out) == (2, "")
    assert "the registry gave the classes other ranges than it does here" in answer.err
