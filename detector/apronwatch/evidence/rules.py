"""What made numbers of a run's boxes, then and here: the rules of counting, the thresholds and the calibration.

A run's hash of all three (`counting_hash`) tells whether they are the same, not which of them differs. So an evidence
folder names the version of the rules and carries the calibration, as far as both are known when it is written.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from apronwatch.archive import ArchivedRun
from apronwatch.calibration import Calibration
from apronwatch.counting import COUNTING_VERSION, counting_hash
from apronwatch.engines.registry import ModelSpec
from apronwatch.errors import Uncheckable
from apronwatch.evidence import documents
from apronwatch.version import __version__

FILE = "calibration.json"


@dataclass(frozen=True)
class Known:
    """By what a run was counted.

    Attributes:
        version: of the rules of counting.
        calibration: of the weights; None for weights that had none.
    """

    version: int
    calibration: Calibration | None

    def facts(self, folder: str) -> dict[str, Any]:
        """What the manifest says of a frame whose files lie in that folder."""
        return {
            "rules": self.version,
            "calibration_sha256": self.calibration.hash if self.calibration else None,
            "calibration": f"{folder}/{FILE}" if self.calibration else None,
        }

    def files(self) -> dict[str, bytes]:
        """The calibration, if there was one."""
        if self.calibration is None:
            return {}
        return {FILE: (json.dumps(self.calibration.to_dict(), indent=1, allow_nan=False) + "\n").encode()}


def known_rules(run: ArchivedRun, model: ModelSpec | None) -> Known | None:
    """By what an archived run was counted, if that is still what this program and the registry say."""
    found = _as_then(model, run.thresholds, run.calibration_hash) if model else None
    return Known(COUNTING_VERSION, found.calibration) if found else None


@dataclass(frozen=True)
class Then:
    """By what a published frame is counted again.

    Attributes:
        model: the weights with the thresholds and the calibration of then.
        settings: in what the registry here differs from them.
        unsure: why nothing can be told of estimates and intervals; empty where it can.
    """

    model: ModelSpec
    settings: tuple[str, ...] = ()
    unsure: str = ""


def rules_then(folder: Path, frame: dict[str, Any], model: ModelSpec) -> Then:
    """By what a frame of an evidence folder was counted: the thresholds of its manifest, the calibration that fits.

    That is none, the one that the folder carries, or the registry's. Where none fits, the numbers are compared
    without their intervals.

    Raises:
        Uncheckable: the rules, or the classes' ranges in the registry, are known to be others.
        EvidenceInvalid, ModelInvalid: a calibration cannot be read.
    """
    told = frame.get("counting")
    if told and told["rules"] != COUNTING_VERSION:
        raise Uncheckable(f"{_what_differs(told, model)}; {check_as_then(frame)}")
    carried = folder / told["calibration"] if told and told["calibration"] else None
    if carried is not None:
        documents.parsed(carried)
    found = _as_then(model, frame["thresholds"], frame["calibration_sha256"], carried)
    if found is not None:
        return Then(found, (*_thresholds_differ(found, model), *_calibration_differs(found, model)))
    if told is not None:
        raise Uncheckable(f"{_what_differs(told, model)}; {check_as_then(frame)}")
    then, now = frame["calibration_sha256"][:12] or "none", counting_hash(model)[:12]
    uncalibrated = _with_thresholds(model, frame["thresholds"])
    return Then(
        uncalibrated,
        tuple(_thresholds_differ(uncalibrated, model)),
        unsure="this folder does not carry its calibration, and was counted with another one, or by other rules, than "
        f"here (hash of both {then}, here {now}; here rules of version {COUNTING_VERSION}, {_calibration(model)}): "
        "boxes, seen, status and shares are compared, estimate, low and high are not. To check those too, "
        f"{check_as_then(frame)}",
    )


def _thresholds_differ(then: ModelSpec, here: ModelSpec) -> Iterator[str]:
    """What a reader must know of numbers that are the same, but not by what the registry of here says."""
    for name, spec in then.classes.items():
        if spec.threshold != here.classes[name].threshold:
            yield (
                f"{name} was counted from score {spec.threshold:g}, and so it was again; the registry here says "
                f"{here.classes[name].threshold:g}"
            )


def _calibration_differs(then: ModelSpec, here: ModelSpec) -> Iterator[str]:
    if _calibration(then) != _calibration(here):
        yield (
            f"counted then with {_calibration(then)}, and so it was again; the registry here has {_calibration(here)}"
        )


def check_as_then(frame: dict[str, Any]) -> str:
    """Which program checks a frame that was counted with other settings than here."""
    version, device = frame["software_version"], frame["device"] or "its device"
    program = f"apronwatch {version}"
    if version == __version__:
        program = (
            f"the sources and the registry of apronwatch as they were on {frame['counted_at'][:10]} (both are "
            f"version {version}, which does not tell them apart)"
        )
    return f"check it with {program} on {device} (--device)"


def _what_differs(told: dict[str, Any], model: ModelSpec) -> str:
    """Rules by their version; if those agree, what else goes into the hash: the classes' facts in the registry."""
    calibrated = (told["calibration_sha256"] or "none")[:12]
    if told["rules"] != COUNTING_VERSION:
        return (
            f"counted by version {told['rules']} of the rules of counting (calibration {calibrated}), here is version "
            f"{COUNTING_VERSION} ({_calibration(model)})"
        )
    return (
        f"counted by the rules of here (version {COUNTING_VERSION}) with calibration {calibrated}, but the registry "
        "gave the classes other ranges than it does here"
    )


def _calibration(model: ModelSpec) -> str:
    return f"calibration {model.calibration.hash[:12] if model.calibration else 'none'}"


def _as_then(
    model: ModelSpec, thresholds: Mapping[str, float], sha256: str, carried: Path | None = None
) -> ModelSpec | None:
    """The weights with the calibration that fits a hash of counting: none, a carried one, or the registry's."""
    then = _with_thresholds(model, thresholds)
    for path in dict.fromkeys((None, carried, model.calibration_path)):
        candidate = replace(then, calibration_path=path)
        if counting_hash(candidate) == sha256:
            return candidate
    return None


def _with_thresholds(model: ModelSpec, thresholds: Mapping[str, float]) -> ModelSpec:
    classes = {n: replace(c, threshold=thresholds.get(n, c.threshold)) for n, c in model.classes.items()}
    return replace(model, classes=classes)
