"""`apronwatch train export` and `train card`."""

from pathlib import Path
from typing import Annotated

import typer

from apronwatch.cli import output


def export(
    weights: Annotated[
        Path, typer.Argument(metavar="RUN|FILE.pt", help="The folder of a run, or fitted weights.")
    ],
    name: Annotated[str, typer.Option(help="What the model is to be called.")],
    out: Annotated[Path, typer.Option(help="A new folder for the ONNX files and their registry.")],
    tiles: Annotated[
        Path | None, typer.Option(help="The prepared tiles it learned from (default: those of the run).")
    ] = None,
    gsd: Annotated[
        list[str] | None,
        typer.Option(
            help="GSD of the pass in metres, for all classes or as ship=1.2 (default: the usual one)."
        ),
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="A file in 16 bits besides.")] = False,
) -> None:
    """Write fitted weights as ONNX, checked on real tiles, with the registry entry that names them."""
    from apronwatch.engines.torch import import_ultralytics

    import_ultralytics()
    from apronwatch_training.export.exporting import export as run
    from apronwatch_training.export.origins import find_weights

    made, taught = run(find_weights(weights, tiles), name, out, half=half, gsds_m=passes_of(gsd or []))
    rows = []
    for each in made:
        parity = each.parity
        first, second = (sum(pair[k] for pair in parity.counted.values()) for k in (0, 1))
        rows.append(
            (
                each.path.name,
                f"{each.size_bytes / 1e6:.1f} MB",
                str(parity.tiles),
                f"{parity.score_difference:.1e}",
                f"{parity.box_difference_px:.1e}",
                str(first),
                str(second),
                str(parity.tiles_apart),
            )
        )
    header = ("file", "size", "tiles", "score", "box px", "counted .pt", "counted ONNX", "tiles apart")
    output.print_table(header, rows, right=range(1, len(header)))
    for class_name, n in taught.too_few.items():
        output.print_warning(f"{class_name} is not modelled: only {n} labels to learn from")
    output.say(
        f"{out / 'registry.toml'}\nnext, with APRONWATCH_WEIGHTS={out}: apronwatch train thresholds … --model {name} "
        f"--write {out / 'registry.toml'}"
    )


def card(
    evaluation: Annotated[
        list[Path], typer.Option(help="What `train evaluate --json` printed; may be given again.")
    ],
    data: Annotated[Path, typer.Option(help="prepared.json of the tiles that taught the weights.")],
    out: Annotated[Path, typer.Option(help="The card to write (Markdown).")],
    model: Annotated[
        str | None, typer.Option(help="Weights: a name, or a file (default: the bundled ones).")
    ] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Open weights that no registry pins.")] = False,
    calibration: Annotated[
        Path | None, typer.Option(help="Default: the one that the registry names, if any.")
    ] = None,
) -> None:
    """Write the model card from what was measured."""
    from apronwatch.engines.registry import find_model
    from apronwatch_training.card.writing import write_card

    write_card(find_model(model, trust=trust), evaluation, calibration, data, out)
    output.say(str(out))


def passes_of(told: list[str]) -> dict[str, float]:
    """Class -> GSD; "" for a number without a class. Raises `CallInvalid` for anything else."""
    from apronwatch.errors import CallInvalid
    from apronwatch.taxonomy import CLASSES

    found = {}
    for text in told:
        name, _, number = text.rpartition("=")
        try:
            found[name] = float(number)
        except ValueError:
            found[name] = 0.0
        if found[name] <= 0 or name not in ("", *CLASSES):
            raise CallInvalid(
                f"--gsd {text!r}: expected metres, or CLASS=metres with one of {', '.join(CLASSES)}"
            )
    return found
