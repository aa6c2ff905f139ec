"""`apronwatch train evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apronwatch.cli import output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apronwatch.engines import ModelSpec
    from apronwatch_datasets.records import LabelledImage
    from apronwatch_training.evaluate.left_out import LeftOut
    from apronwatch_training.evaluate.scoring import ClassScore
    from apronwatch_training.known import Known

GSD_BELOW_M = 100.0
"""No aircraft shows at such a GSD."""

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME=ROOT...", help="Datasets: a name of `data list` and the folder that holds it."
    ),
]
Splits = Annotated[
    Path | None,
    typer.Option(help="CSV dataset,place,split, as for `data prepare`; without one, every scene."),
]
Split = Annotated[
    str | None,
    typer.Option(
        help="Which places of --splits, by commas. [default: val; of calibrate: calibration]",
        show_default=False,
    ),
]


def _one_gsd(value: float | None) -> float | None:
    return value if value is None else numbers(repr(value))[0]


AssumedGsd = Annotated[
    float | None,
    typer.Option(
        "--assume-gsd",
        help="For scenes whose GSD is not known; they are left out without it.",
        callback=_one_gsd,
    ),
]


def evaluate(
    sources: Sources,
    splits: Splits = None,
    split: Split = None,
    model: Annotated[
        str | None, typer.Option(help="Weights: a name, or a file (default: the bundled ones).")
    ] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Open weights that no registry pins.")] = False,
    gsd: Annotated[
        str | None,
        typer.Option(help="Evaluate at these GSDs (metres, by commas), finer scenes averaged down."),
    ] = None,
    assumed_gsd: AssumedGsd = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:0.")] = "auto",
    page: Annotated[Path | None, typer.Option(help="Write one HTML page (at the first GSD).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Count whole labelled scenes as the product counts them, and say how far off it is."""
    from apronwatch.engines import load_engine
    from apronwatch.engines.registry import find_model
    from apronwatch.interchange.files import check_folder
    from apronwatch_training.cli.figures import print_figures
    from apronwatch_training.evaluate.left_out import LeftOut
    from apronwatch_training.evaluate.looking import look
    from apronwatch_training.evaluate.page import write_page
    from apronwatch_training.evaluate.scoring import score
    from apronwatch_training.known import Known

    gsds_m = [None] if gsd is None else numbers(gsd)
    if page is not None:
        check_folder(page)
    engine = load_engine(find_model(model, trust=trust), device)
    _ = engine.model.calibration  # one that cannot be read is refused before the looking
    images = chosen(sources, splits, split_of(splits, split, "val"))
    known = Known.of(engine.model, ((name, image.place) for name, image in images))
    left_out = {
        gsd_m: LeftOut.of(images, engine.model, gsd_m=gsd_m, assumed_gsd_m=assumed_gsd) for gsd_m in gsds_m
    }
    for each in left_out.values():
        each.check()
    results = {}
    for gsd_m in gsds_m:
        with output.progress("looking" if gsd_m is None else f"looking at {gsd_m:g} m") as advance:
            looked = list(look(images, engine, gsd_m=gsd_m, assumed_gsd_m=assumed_gsd, progress=advance))
        results[gsd_m] = score(looked, engine.model)
    warnings = known.warnings(engine.model.name)
    if page is not None:
        title = f"Evaluation of {engine.model.name} on {', '.join(s.partition('=')[0] for s in sources)}"
        first = next(iter(results))
        write_page(results[first], engine.model, title, page, [*warnings, *left_out[first].warnings()])
    for gsd_m, scenes in left_out.items():
        warnings += [f"at {gsd_m:g} m: {said}" if gsd_m else said for said in scenes.warnings()]
    for said in warnings:
        output.print_warning(said)
    if json:
        output.print_json(_document(engine.model, known, left_out, results))
        return
    print_figures(results)
    if page is not None:
        output.say(str(page))


def _document(
    model: "ModelSpec",
    known: "Known",
    left_out: "Mapping[float | None, LeftOut]",
    results: "Mapping[float | None, Sequence[ClassScore]]",
) -> dict[str, Any]:
    """As JSON types, what `card.evaluations` reads again."""
    return {
        "model": {"name": model.name, "sha256": model.sha256},
        "places": known.to_dict(),
        "evaluations": [
            {
                "gsd_m": gsd_m,
                "left_out": left_out[gsd_m].to_dict(),
                "classes": [s.to_dict() for s in scores],
            }
            for gsd_m, scores in results.items()
        ],
    }


def split_of(splits: Path | None, split: str | None, usual: str) -> str:
    """The split that is meant; `CallInvalid` for one of no file."""
    from apronwatch.errors import CallInvalid

    if splits is None and split is not None:
        raise CallInvalid(f"--split {split} names places of a file of splits: give it with --splits")
    return split or usual


def chosen(sources: list[str], splits: Path | None, split: str) -> "list[tuple[str, LabelledImage]]":
    """Labelled scenes with the name of their dataset, of the places of a split, or of several (by commas).

    Raises:
        CallInvalid: no scene is left.
    """
    from apronwatch.errors import CallInvalid
    from apronwatch_datasets.cli.data.sources import loaded
    from apronwatch_datasets.preparing.splits import read_splits, split_rows

    if splits is not None:
        split_rows(splits)  # one that cannot be read is refused before a dataset is
    found = []
    for source in sources:
        dataset = loaded(source, None, None)
        found += [(dataset.card.name, image) for image in dataset.images]
    if splits is not None:
        named = read_splits(splits, [(name, image.place) for name, image in found])
        parts = [named.get((name, image.place)) for name, image in found]
        wanted = split.split(",")
        for part in wanted:
            if part not in parts:
                raise CallInvalid(
                    f"no scene of split {part!r} in {', '.join(sources)}; give another --split or --splits"
                )
        found = [each for each, part in zip(found, parts, strict=True) if part in wanted]
    if not found:
        raise CallInvalid(f"no scene in {', '.join(sources)}; give another folder")
    return found


def numbers(text: str) -> list[float]:
    """GSDs in metres separated by commas. Raises `CallInvalid` for anything else."""
    import math

    from apronwatch.errors import CallInvalid

    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(math.isfinite(gsd_m) and 0 < gsd_m < GSD_BELOW_M for gsd_m in found):
        raise CallInvalid(
            f"{text!r}: expected metres a pixel, above 0 and below {GSD_BELOW_M:g}, separated by commas"
        )
    return found
