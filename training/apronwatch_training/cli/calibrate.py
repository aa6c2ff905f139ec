"""`apronwatch train calibrate` and `train thresholds`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apronwatch.cli import output
from apronwatch_training.cli.evaluate import AssumedGsd, Sources, Split, Splits, chosen, split_of

if TYPE_CHECKING:
    from apronwatch.engines.specs import ModelSpec
    from apronwatch_training.calibrate.measuring import Measured
    from apronwatch_training.evaluate.scoring import ClassScore

Model = Annotated[str | None, typer.Option(help="Weights: a name, or a file (default: the bundled ones).")]
Trust = Annotated[bool, typer.Option("--trust", help="Open weights that no registry pins.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda:0.")]


def calibrate(
    sources: Sources,
    out: Annotated[Path, typer.Option(help="The calibration to write (NAME.calibration.json).")],
    splits: Splits = None,
    split: Split = None,
    model: Model = None,
    trust: Trust = False,
    assumed_gsd: AssumedGsd = None,
    device: Device = "auto",
    tuned: Annotated[
        bool,
        typer.Option(
            "--tuned", help="Take places that chose thresholds or epochs, too, and say so in the file."
        ),
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw reliability and recall by size (PNG).")] = None,
) -> None:
    """Measure what scores and recall of weights are worth, on places that they never learned from."""
    from apronwatch.engines.registry import find_model
    from apronwatch.errors import CallInvalid
    from apronwatch.interchange.files import check_folder
    from apronwatch_training.calibrate.measuring import calibrate as fitted
    from apronwatch_training.calibrate.measuring import write_calibration
    from apronwatch_training.calibrate.plots import draw_calibration
    from apronwatch_training.calibrate.samples import samples

    for path in (out, plot):
        if path is not None:
            check_folder(path)
    if plot is not None and plot.resolve() == out.resolve():
        raise CallInvalid(f"--out and --plot both name {out}; give each a file of its own")
    spec = find_model(model, trust=trust)
    wanted = split_of(splits, split, "calibration")
    scores, told = looked_at(sources, splits, wanted, spec, assumed_gsd, device, tuned=not tuned)
    measured = fitted(samples(scores, spec), spec)
    options = {"split": wanted if splits else None, "assumed_gsd_m": assumed_gsd, **told}
    write_calibration(measured, spec, options, out)
    if plot is not None:
        draw_calibration(measured, f"Calibration of {spec.name}, {spec.sha256[:12]}", plot)
    _print(measured)
    output.say(str(out))


def thresholds(
    sources: Sources,
    splits: Splits = None,
    split: Split = None,
    model: Model = None,
    trust: Trust = False,
    assumed_gsd: AssumedGsd = None,
    device: Device = "auto",
    write: Annotated[
        Path | None, typer.Option(help="Set them in this registry (or FILE.toml), in place.")
    ] = None,
) -> None:
    """Find the operating score of each class that counts validation scenes with the least error."""
    from apronwatch.engines.registry import find_model
    from apronwatch_training.export.fragment import check_thresholds, set_thresholds
    from apronwatch_training.export.thresholds import best

    spec = find_model(model, trust=trust)
    if write is not None:  # refused before the looking
        check_thresholds(write, spec.name, list(spec.classes))
    wanted = split_of(splits, split, "val")
    scores, _ = looked_at(sources, splits, wanted, spec, assumed_gsd, device, tuned=False)
    found = best(scores)
    output.print_table(
        ("class", "scenes", "objects", "threshold", "WAPE", "bias", "until now", "WAPE", "bias"),
        [
            (
                c.class_name,
                str(c.scenes),
                str(c.objects),
                f"{c.best.threshold:.2f}",
                f"{100 * c.best.wape:.1f} %",
                f"{100 * c.best.bias:+.1f} %",
                f"{c.before.threshold:.2f}",
                f"{100 * c.before.wape:.1f} %",
                f"{100 * c.before.bias:+.1f} %",
            )
            for c in found
        ],
        right=range(1, 9),
    )
    if write is not None:
        set_thresholds(write, spec.name, {c.class_name: c.best.threshold for c in found})
        output.say(f"{write}: thresholds of {spec.name} set; a calibration made before no longer holds")
        _tell_of_tuned(spec, scores)


def _tell_of_tuned(model: "ModelSpec", scores: "list[ClassScore]") -> None:
    """Places that have tuned the weights just now, and that their registry entry does not name."""
    here = {(s.looked.dataset, s.looked.image.place) for c in scores for s in c.scenes}
    new = sorted(f"{d}/{p}" for d, p in here if p not in model.validated_on.get(d, ()))
    if new:
        output.print_warning(
            f"{', '.join(new)} tuned {model.name} now: add them to its validated_on, so that nobody calibrates there"
        )


def looked_at(
    sources: list[str],
    splits: Path | None,
    split: str,
    model: "ModelSpec",
    assumed_gsd: float | None,
    device: str,
    *,
    tuned: bool = True,
) -> "tuple[list[ClassScore], dict[str, Any]]":
    """Scenes of a split, looked at and matched, once it is sure that their places are new to the weights.

    Returns:
        Figures per class, and what is to be told of the scenes: datasets that may have taught, places that tuned, and
        what was left out.

    Raises:
        LeakFound: the weights know some of the places.
        CallInvalid: no scene is left.
    """
    from apronwatch.engines import load_engine
    from apronwatch_training.calibrate.measuring import check_places
    from apronwatch_training.evaluate.left_out import LeftOut
    from apronwatch_training.evaluate.looking import look
    from apronwatch_training.evaluate.scoring import score

    images = chosen(sources, splits, split)
    known = check_places(model, [(name, image.place) for name, image in images], tuned=tuned)
    left_out = LeftOut.of(images, model, assumed_gsd_m=assumed_gsd)
    left_out.check()
    for said in (*known.doubts(model.name), *left_out.warnings()):
        output.print_warning(said)
    with output.progress("looking") as advance:
        looked = list(look(images, load_engine(model, device), assumed_gsd_m=assumed_gsd, progress=advance))
    told = {"untold": list(known.untold), "tuned": list(known.tuned), "left_out": left_out.to_dict()}
    return score(looked), told


def _print(measured: "Measured") -> None:
    rows = []
    for sample in measured.samples:
        fitted = measured.calibration.classes[sample.class_name]
        scores, recall = fitted.scores, fitted.recall
        objects = sum(recall.objects)
        rows.append(
            (
                sample.class_name,
                "real" if sample.real else "drawn",
                str(len(sample.scene_places)),
                str(recall.n_places),
                str(scores.n_labels),
                str(scores.n_true),
                scores.kind,
                str(objects),
                f"{sum(recall.found) / objects:.3f}" if objects else "-",
                str(len(recall.found)),
                f"{fitted.dispersion.factor:.2f}",
                fitted.places.words,
                fitted.refusal or "-",
            )
        )
        kept = len(set(sample.scene_places)) - fitted.places.n_places
        if kept and len(set(sample.scene_places)) > 1:
            output.print_warning(
                f"{sample.class_name}: {kept} of its places tell nothing of how far places differ: nothing is there, "
                "or too little in all others together"
            )
        if sample.left_out:
            output.print_warning(
                f"{sample.class_name}: {sample.left_out} drawn scenes left out, since there are real ones"
            )
    header = (
        "class",
        "scenes are",
        "scenes",
        "places",
        "detections",
        "true",
        "curve",
        "objects",
        "recall",
        "bins",
        "dispersion",
        "spread of places",
        "refused",
    )
    output.print_table(header, rows, right=(2, 3, 4, 5, 7, 8, 9, 10, 11))
