"""Would intervals hold at a place that the calibration never saw? Each held-out place left out of it in turn.

    python benchmarks/place_left_out.py airbus-aircraft=/data/airbus --splits training/configs/bundled-splits.csv

The weights look at every scene of the splits `val` and `calibration`, at each GSD. Then, place by place, a calibration
is fitted to the scenes of all other places at the first GSD, as `apronwatch train calibrate` fits one, and the 90 %
intervals of the place's own scenes are set against their labels. There are no more independent trials than places.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from apronwatch import find_model, load_engine
from apronwatch.calibration import Calibration
from apronwatch.cli.output import print_table
from apronwatch.engines.specs import ModelSpec
from apronwatch_training.calibrate.measuring import calibrate
from apronwatch_training.calibrate.samples import samples
from apronwatch_training.cli.evaluate import chosen, numbers
from apronwatch_training.evaluate.coverage import Coverage
from apronwatch_training.evaluate.looking import Looked, look
from apronwatch_training.evaluate.scoring import score
from apronwatch_training.evaluate.words import percent
from apronwatch_training.uncertainty import wilson

SPLITS = ("val", "calibration")


def calibrated(model: ModelSpec, calibration: Calibration) -> ModelSpec:
    """The weights as if a registry named this calibration."""
    made = replace(model)
    made.__dict__["calibration"] = calibration  # where `cached_property` keeps it
    return made


def place_of(looked: Looked) -> str:
    """Dataset and place: two datasets may give places the same name."""
    return f"{looked.dataset}/{looked.image.place}"


def left_out(place: str, fitted_to: Sequence[Looked], shown: Sequence[Looked], model: ModelSpec) -> Coverage:
    """How the intervals of a place's scenes do, by a calibration of all others."""
    others = [each for each in fitted_to if place_of(each) != place]
    found = calibrate(samples(score(others, model), model), model).calibration
    [plane] = [
        s
        for s in score([each for each in shown if place_of(each) == place], calibrated(model, found))
        if s.class_name == "plane"
    ]
    if plane.coverage is None:
        raise SystemExit(f"{place}: no interval")
    return plane.coverage


def main() -> None:
    """Print a line for each GSD and place, and one for each GSD."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("sources", nargs="+", metavar="NAME=ROOT")
    parser.add_argument("--splits", type=Path, required=True, help="CSV dataset,place,split")
    parser.add_argument("--gsd", default="0.5,0.7,1.0", help="metres, by commas")
    parser.add_argument("--model", help="name in the registry (default: the bundled one)")
    told = parser.parse_args()
    engine = load_engine(find_model(told.model), "cpu")
    images = [each for split in SPLITS for each in chosen(told.sources, told.splits, split)]
    looks = {gsd_m: list(look(images, engine, gsd_m=gsd_m)) for gsd_m in numbers(told.gsd)}
    places = sorted({f"{dataset}/{image.place}" for dataset, image in images})
    lines = []
    for gsd_m, shown in looks.items():
        found = {place: left_out(place, next(iter(looks.values())), shown, engine.model) for place in places}
        held, of = (sum(getattr(c, name) for c in found.values()) for name in ("held", "intervals"))
        width = sum((c.mean_width or 0.0) * c.intervals for c in found.values()) / of
        lines += [
            [f"{gsd_m:g}", place, f"{c.held} of {c.intervals}", "", f"{c.mean_width:.1f}"]
            for place, c in found.items()
        ]
        low, high = wilson(held, of) or (0.0, 1.0)
        limits = f"{percent(held / of)} ({percent(low)} to {percent(high)})"
        lines.append([f"{gsd_m:g}", "all", f"{held} of {of}", limits, f"{width:.1f}"])
    print_table(("GSD, m", "place left out", "held", "share", "mean width"), lines, right=range(2, 5))


if __name__ == "__main__":
    main()
