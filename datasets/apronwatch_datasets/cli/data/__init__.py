"""`apronwatch data …`: labelled datasets and synthetic scenes."""

import typer

from apronwatch_datasets.cli.data.converting import convert
from apronwatch_datasets.cli.data.drawing import synthesize
from apronwatch_datasets.cli.data.looking import look, open_, stats
from apronwatch_datasets.cli.data.preparing import pack, prepare, unpack
from apronwatch_datasets.cli.data.verifying import list_, verify

app = typer.Typer(
    help="Read labelled datasets, prepare training tiles, draw synthetic scenes.", no_args_is_help=True
)
app.command("list")(list_)
app.command()(verify)
app.command()(prepare)
app.command()(pack)
app.command()(unpack)
app.command()(stats)
app.command()(look)
app.command("open")(open_)
app.command()(convert)
app.command()(synthesize)
