"""What each epoch of a run is worth: the weights that it kept, on whole scenes through the pipeline that counts.

    python benchmarks/training_curve.py runs/own airbus-aircraft=/data/airbus --splits SPLITS.csv --plot curve.png

The run is one with `keep_epochs = true`; the facts of its weights are read from its tiles and from --gsd, as `train
export` does.
Places that its tiles taught are refused. WAPE (sum of absolute errors of the counts over the sum of labels) and bias
are those at the threshold that is best on these very scenes, another one for each epoch: they say how well the weights
could count, not how well they will. Losses are the training losses of the run's results.csv.
"""

import argparse
import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from math import isnan, nan
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from apronwatch.cli.output import print_table
from apronwatch.engines import load_engine
from apronwatch.errors import ApronwatchError, CallInvalid
from apronwatch.interchange.files import check_folder, save
from apronwatch_datasets.preparing import Prepared
from apronwatch_training.calibrate.measuring import check_places
from apronwatch_training.cli.evaluate import chosen
from apronwatch_training.cli.export import passes_of
from apronwatch_training.evaluate.looking import look
from apronwatch_training.evaluate.scoring import ClassScore, score
from apronwatch_training.evaluate.words import percent, share
from apronwatch_training.export.describing import described
from apronwatch_training.export.learned import learned
from apronwatch_training.export.thresholds import Choice, best
from apronwatch_training.fit.run import CONFIG
from apronwatch_training.sources import kind_of


@dataclass(frozen=True)
class Point:
    """One class after one epoch: AP under each rule of its labels, and the counts at the best threshold."""

    epoch: int
    aps: Mapping[str, float]
    counts: Choice


def kept_weights(run: Path) -> dict[int, Path]:
    """Weights by epoch, from 1 as in results.csv; Ultralytics numbers the files from 0. `CallInvalid` for none."""
    found = {int(p.stem[5:]) + 1: p for p in run.glob("weights/epoch*.pt") if p.stem[5:].isdigit()}
    if not found:
        raise CallInvalid(f"{run}: no weights/epoch*.pt; fit it with keep_epochs = true")
    return dict(sorted(found.items()))


def losses(run: Path) -> dict[str, dict[int, float]]:
    """Training losses by name and epoch; of an epoch that was done twice, after a break, the last."""
    path = run / "results.csv"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    done = list(csv.DictReader(lines, skipinitialspace=True))
    names = [name for name in (done[0] if done else ()) if name.startswith("train/")]
    return {name[6:]: {int(row["epoch"]): float(row[name]) for row in done} for name in names}


def points(epoch: int, scores: list[ClassScore]) -> dict[str, Point]:
    """A point for each class with objects."""
    aps: dict[str, dict[str, float]] = {}
    for s in scores:
        aps.setdefault(s.class_name, {})[s.rule] = nan if s.ap is None else s.ap
    return {c.class_name: Point(epoch, aps[c.class_name], c) for c in best(scores)}


def unseen(places: Iterable[tuple[str, str]], prepared: Prepared) -> dict[str, frozenset[str]]:
    """By dataset, those of some places of which no training tile shows anything."""
    train = {(kind_of(row["dataset"]), row["place"]) for row in prepared.rows() if row["split"] == "train"}
    found: dict[str, frozenset[str]] = {dataset: frozenset() for dataset, _ in train}
    for dataset, place in places:
        if (kind_of(dataset), place) not in train:
            found[kind_of(dataset)] = found.get(kind_of(dataset), frozenset()) | {place}
    return found


def curve(run: Path, told: argparse.Namespace) -> dict[str, list[Point]]:
    """Points of each class, by epoch."""
    weights = kept_weights(run)
    config = json.loads((run / CONFIG).read_text(encoding="utf-8"))
    prepared = Prepared.read(Path(config["data"]["tiles"]))
    taught = learned(prepared)
    images, passes = chosen(told.sources, told.splits, told.split), passes_of(told.gsd)
    held_out = unseen([(name, image.place) for name, image in images], prepared)
    found: dict[str, list[Point]] = {}
    for epoch, path in weights.items():
        named = described(
            path,
            f"{run.name}-{epoch}",
            taught,
            passes,
            tuple(config.get("augment", {}).get("zoom", (1.0, 1.0))),
        )
        model = replace(named, held_out=held_out)
        check_places(model, [(name, image.place) for name, image in images], tuned=False)
        looked = list(
            look(images, load_engine(model, told.device), gsd_m=told.at, assumed_gsd_m=told.assume_gsd)
        )
        for name, point in points(epoch, score(looked)).items():
            found.setdefault(name, []).append(point)
    return found


def draw(found: dict[str, list[Point]], lost: dict[str, dict[int, float]], title: str, out: Path) -> None:
    """One PNG: AP, and WAPE at the best threshold, of each class; below them the training losses."""
    figure = FigureCanvasAgg(Figure(figsize=(9, 10), facecolor="white", layout="constrained")).figure
    figure.suptitle(title, fontsize=11)
    above, middle, below = figure.subplots(3, 1, sharex=True)
    for name, line in found.items():
        epochs = [p.epoch for p in line]
        for rule in line[0].aps:
            above.plot(epochs, [p.aps[rule] for p in line], "o-", markersize=3, label=f"{name}, {rule}")
        middle.plot(epochs, [100 * p.counts.best.wape for p in line], "o-", markersize=3, label=name)
    for name, values in lost.items():
        below.plot(list(values), list(values.values()), "o-", markersize=3, label=name)
    above.set(ylabel="average precision", ylim=(-0.02, 1.02))
    middle.set(ylabel="WAPE at the threshold best here, %", ylim=(-2, None))
    below.set(xlabel="epoch", ylabel="training loss" if lost else "no results.csv", yscale="log")
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (above, middle, below):
        axes.grid(alpha=0.25)
        if axes.has_data():
            axes.legend(fontsize=8, frameon=False)
    drawn = BytesIO()
    figure.savefig(drawn, dpi=150, format="png", metadata={"Software": None})
    save(out, drawn.getvalue())


def row(name: str, p: Point, lost: dict[str, dict[int, float]]) -> tuple[str, ...]:
    aps = ", ".join(f"{share(None if isnan(ap) else ap)} ({rule})" for rule, ap in p.aps.items())
    at = p.counts.best
    told = (f"{at.threshold:.2f}", percent(at.wape), percent(at.bias, sign=True))
    ends = [f"{values[p.epoch]:.3f}" if p.epoch in values else "-" for values in lost.values()]
    return name, str(p.epoch), aps, *told, *ends


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("run", type=Path)
    parser.add_argument("sources", nargs="+", metavar="NAME=ROOT")
    parser.add_argument("--splits", type=Path, help="CSV dataset,place,split")
    parser.add_argument("--split", default="val")
    parser.add_argument("--assume-gsd", type=float, help="for scenes whose GSD is not known")
    parser.add_argument("--gsd", action="append", default=[], help="GSD of the pass, for all or as ship=1.2")
    parser.add_argument(
        "--at", type=float, help="look at scenes of this GSD (metres), finer ones averaged down"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--plot", type=Path, required=True, help="the PNG to write")
    told = parser.parse_args()
    try:
        check_folder(told.plot)
        found, lost = curve(told.run, told), losses(told.run)
        names = ", ".join(source.partition("=")[0] for source in told.sources)
        draw(found, lost, f"{told.run.name} on {names}", told.plot)
    except ApronwatchError as error:
        raise SystemExit(str(error)) from error
    header = ("class", "epoch", "AP", "best threshold", "WAPE there", "bias there", *lost)
    rows = [row(name, p, lost) for name, line in found.items() for p in line]
    print_table(header, rows, right=range(1, len(header)))


if __name__ == "__main__":
    main()
