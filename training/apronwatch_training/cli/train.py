"""`apronwatch train …`: how the weights are made."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apronwatch.cli import output
from apronwatch_training.cli.calibrate import calibrate, thresholds
from apronwatch_training.cli.evaluate import evaluate
from apronwatch_training.cli.export import card, export

if TYPE_CHECKING:
    from apronwatch_training.fit.run import Epoch

app = typer.Typer(help="Fit, evaluate, calibrate and export weights.", no_args_is_help=True)
app.command()(evaluate)
app.command()(calibrate)
app.command()(thresholds)
app.command()(export)
app.command()(card)

Config = Annotated[Path, typer.Argument(help="A run as TOML; training/configs holds examples.")]


@app.command()
def fit(
    config: Config,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last whole checkpoint.")] = False,
    device: Annotated[
        str | None, typer.Option(help="cpu, or numbers of GPUs (0,1). Default: every GPU, else the CPU.")
    ] = None,
) -> None:
    """Train a model on prepared tiles, as a configuration says; all of it is checked first."""
    from apronwatch.engines.torch import import_ultralytics
    from apronwatch_training.fit.run import fit as run
    from apronwatch_training.fit.run import threads_told

    threads = threads_told()
    import_ultralytics()
    from apronwatch_training.fit.config import read_config
    from apronwatch_training.fit.preflight import check, default_device

    told = read_config(config)
    where = device or default_device()
    checked = check(told, where)
    tiles = checked.tiles
    output.say(
        f"{tiles.training} training tiles with {tiles.labels} labels, {tiles.validation} for validation; "
        f"{told.start.model} for {told.schedule.epochs} epochs on {where}; into {told.run.out}"
    )
    if checked.carried and not resume:
        output.say(checked.carried)
    if checked.warning:
        output.print_warning(checked.warning)
    with output.progress("training") as advance:
        fitted = run(told, where, resume=resume, progress=advance, told=_say_epoch, threads=threads)
    output.say(f"weights: {fitted.weights}\nlosses of each epoch: {fitted.results}")
    output.say(f"next: apronwatch train export {told.run.out} --name NAME --out FOLDER")


def _say_epoch(epoch: "Epoch") -> None:
    losses = ", ".join(f"{name.removesuffix('_loss')} {value:.3f}" for name, value in epoch.losses.items())
    output.say(f"epoch {epoch.number} of {epoch.of}: {losses}; {epoch.seconds / 60:.1f} min")


@app.command("augment-look")
def augment_look(
    config: Config,
    out: Annotated[Path, typer.Option(help="The contact sheet (PNG).")],
    samples: Annotated[int, typer.Option(min=1, max=20, help="How many tiles.")] = 4,
    seed: Annotated[int, typer.Option(help="Another seed, other tiles.")] = 0,
) -> None:
    """Draw what each augmentation does to training tiles, alone and all together."""
    from apronwatch.engines.torch import import_ultralytics

    import_ultralytics()
    from apronwatch_training.fit.config import read_config
    from apronwatch_training.fit.look import augment_look as draw
    from apronwatch_training.fit.preflight import check_tiles

    told = read_config(config)
    check_tiles(told.data.tiles)
    draw(told, out, samples=samples, seed=seed)
    output.say(str(out))
