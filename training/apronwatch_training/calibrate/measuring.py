"""From samples of calibration places to the file that stands beside weights."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from apronwatch import __version__
from apronwatch.calibration import Calibration, ClassCalibration, Dispersion, ScoreCalibration
from apronwatch.engines import ModelSpec
from apronwatch.errors import CallInvalid, LeakFound
from apronwatch.interchange.files import save
from apronwatch_training.calibrate.fitting import fit_recall, fit_scores
from apronwatch_training.calibrate.places import place_spread
from apronwatch_training.calibrate.samples import Sample
from apronwatch_training.known import Known

LENGTH_EDGES_PX = (12.0, 20.0, 32.0, 48.0, 96.0)
"""Of the size bins in which recall is measured; neighbours are joined until each holds enough objects."""


@dataclass(frozen=True, eq=False)
class Measured:
    """A calibration and the samples behind it; classes without a single detection are in neither."""

    calibration: Calibration
    samples: tuple[Sample, ...]


def check_places(model: ModelSpec, places: Iterable[tuple[str, str]], *, tuned: bool = True) -> Known:
    """See that weights are measured on places that they do not know.

    Args:
        model: the weights.
        places: dataset and place of each scene.
        tuned: places on which thresholds or epochs were chosen are refused too.

    Returns:
        What the weights know of them; see its `untold`.

    Raises:
        LeakFound: some of the places taught the weights, or tuned them.
    """
    asked = set(places)
    found = Known.of(model, asked)
    known = [(place, "taught") for place in found.taught]
    known += [(place, "tuned") for place in found.tuned if tuned and place not in found.taught]
    if known:
        more = f" (and {len(known) - 1} more of {len(asked)} places)" if len(known) > 1 else ""
        raise LeakFound(
            f"{known[0][0]}{more} {known[0][1]} {model.name}, says its registry entry: measured there, the weights "
            "would look better than they are; choose places that they never saw"
            + ("" if found.taught else ", or take these all the same (--tuned) and have it said")
        )
    return found


def calibrate(samples: Sequence[Sample], model: ModelSpec) -> Measured:
    """Fit each class that has a detection.

    Raises:
        CallInvalid: none has.
    """
    fitted = [sample for sample in samples if len(sample.scores)]
    if not fitted:
        raise CallInvalid(
            f"{model.name} found nothing that it may report in {len(samples)} labelled classes of these scenes; "
            "give scenes of its classes and GSDs, with labels that are complete"
        )
    classes = {sample.class_name: class_calibration(sample) for sample in fitted}
    return Measured(Calibration(model.sha256, classes), tuple(fitted))


def class_calibration(sample: Sample) -> ClassCalibration:
    """Curve, recall by size, dispersion, and spread of places of one class."""
    return replace(_alike(sample), places=place_spread(sample, _alike))


def _alike(sample: Sample) -> ClassCalibration:
    """As if every place were like those of the sample."""
    curve = fit_scores(sample.scores, sample.true, sample.places, real=sample.real)
    recall = fit_recall(
        sample.found, sample.lengths_px, sample.object_places, real=sample.real, edges_px=LENGTH_EDGES_PX
    )
    return ClassCalibration(sample.threshold, curve, recall, dispersion(sample, curve))


def dispersion(sample: Sample, curve: ScoreCalibration) -> Dispersion:
    """How much more the true detections of a scene vary than the curve says, over all scenes of the sample."""
    p, scenes = curve.probability(sample.scores), len(sample.scene_places)

    def per_scene(values: Any) -> Any:
        return np.bincount(sample.scene_of, weights=values, minlength=scenes)

    return Dispersion.measured(per_scene(sample.true), per_scene(p), per_scene(p * (1 - p)))


def write_calibration(measured: Measured, model: ModelSpec, options: Mapping[str, Any], out: Path) -> None:
    """Write the file that a registry entry names, with where it comes from; the same input gives the same bytes.

    Args:
        measured: what to write.
        model: the weights.
        options: how the scenes were chosen, as JSON types; for the record.
        out: replaced whole.

    Raises:
        OutputInvalid: it cannot be written.
    """
    document = {
        "model": model.name,
        **measured.calibration.to_dict(),
        "provenance": {
            "apronwatch": __version__,
            **options,
            "scenes": {s.class_name: len(s.scene_places) for s in measured.samples},
            "places": {s.class_name: sorted(set(s.scene_places)) for s in measured.samples},
        },
    }
    save(out, (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())
