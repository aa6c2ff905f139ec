"""`apronwatch models`: which weights there are, whether they are sound, fetching and exporting them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from apronwatch.engines.entries import ModelEntry
    from apronwatch.engines.registry import Registry
    from apronwatch.engines.specs import ModelSpec

app = typer.Typer(help="List, verify, fetch and export the weights that count.", no_args_is_help=True)


@app.command("list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show the weights that are known: classes, GSD, terms of use, hash, and where they lie."""
    from apronwatch.cli.output import print_json, print_table
    from apronwatch.engines.registry import load_registry

    registry = load_registry()
    rows: list[dict[str, Any]] = [row for name in registry.models for row in _rows(registry, name)]
    if as_json:
        print_json({"default": registry.default, "models": rows})
        return
    header = ("name", "format", "classes", "GSD m", "SHA-256", "where")
    cells = [
        (
            f"{row['name']}{' (default)' if row['name'] == registry.default else ''}",
            row["format"] or "-",
            " ".join(row["classes"]),
            " ".join(f"{gsd:g}" for gsd in row["passes_gsd_m"]),
            (row["sha256"] or "-")[:12],
            row["path"] or f"not here: apronwatch models fetch {row['name']}",
        )
        for row in rows
    ]
    print_table(header, cells)
    for name, (entry, _) in registry.models.items():
        typer.echo(f"{name}: {entry.terms}")


@app.command()
def verify(
    name: Annotated[
        str | None, typer.Argument(help="A name of the list; all that are here without one.")
    ] = None,
) -> None:
    """Hash the weights on this machine again; status 2 if any is not what its registry pins."""
    from apronwatch.cli.output import print_table
    from apronwatch.engines.registry import load_registry
    from apronwatch.engines.specs import read_verified
    from apronwatch.errors import ModelCorrupted, ModelInvalid, ModelUnknown

    registry = load_registry()
    if name is not None:
        registry.entry(name)
    specs = [spec for spec in registry.specs() if name in (None, spec.name)]
    if not specs:
        raise ModelUnknown(
            f"no weights of {name or 'any model'} are on this machine: `apronwatch models list`"
        )
    rows, damaged = [], []
    for spec in specs:
        state = "ok"
        try:
            read_verified(spec)
            _ = spec.calibration  # reading it checks it
        except (ModelCorrupted, ModelInvalid) as error:
            state = "DAMAGED"
            damaged.append(str(error))
        rows.append((spec.name, spec.format, state, str(spec.path)))
    print_table(("name", "format", "state", "file"), rows)
    if damaged:
        raise ModelCorrupted("; ".join(damaged))


@app.command()
def fetch(name: Annotated[str, typer.Argument(help="A name of the list, such as yolo26n-obb.")]) -> None:
    """Fetch published weights, pin their hash, and make ONNX weights of them where torch is installed."""
    from apronwatch.cli.output import print_warning, progress
    from apronwatch.engines.fetch import fetch as fetch_weights
    from apronwatch.engines.registry import find_model, load_registry
    from apronwatch.errors import ExtraMissing

    with progress(f"fetching {name}") as advance:
        fetched = fetch_weights(name, progress=advance)
    how = "pinned now, on first use: the publisher states none" if fetched.first else "as pinned before"
    typer.echo(f"{fetched.path}: {fetched.size_bytes / 1e6:.1f} MB, SHA-256 {fetched.sha256} ({how})")
    typer.echo(f"terms: {load_registry().entry(name).terms}")
    try:
        _export(find_model(fetched.path), fetched.path.with_suffix(".onnx"), half=False)
    except ExtraMissing as error:
        print_warning(f"not made into ONNX weights, so they can't be used yet: {error}")


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Ultralytics weights for oriented boxes (.pt).")],
    out: Annotated[Path, typer.Option("--out", help="The ONNX file to write.")],
    half: Annotated[bool, typer.Option("--half", help="Store and compute in 16 bits.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Open weights that no registry pins.")] = False,
) -> None:
    """Write .pt weights as ONNX with the raw head, and check that both give the same."""
    from apronwatch.engines.registry import find_model

    _export(find_model(file, trust=trust), out, half=half)


def _export(model: "ModelSpec", out: Path, *, half: bool) -> None:
    """Export, make the new file known as the old one was (a pin, or its FILE.toml), and print the check."""
    import shutil

    from apronwatch.cli.output import print_table
    from apronwatch.engines.entries import FileEntry
    from apronwatch.engines.export import export as export_weights
    from apronwatch.engines.pinning import pin

    made = export_weights(model, out, half=half)
    if model.trusted:
        shutil.copy(model.path.with_name(model.path.name + ".toml"), out.with_name(out.name + ".toml"))
    else:
        origin = f"exported from {model.sha256}{' in half precision' if half else ''}"
        pin(
            FileEntry(
                model=model.name, sha256=made.sha256, format="onnx", file=str(out.resolve()), origin=origin
            )
        )
    print_table(
        ("compared", "difference", "allowed"),
        (
            ("score", f"{made.score_difference:.1e}", f"{made.tolerance.score:g}"),
            ("box px", f"{made.box_difference_px:.1e}", f"{made.tolerance.box_px:g}"),
        ),
        right=(1, 2),
    )
    typer.echo(f"{made.path}: {made.size_bytes / 1e6:.1f} MB, SHA-256 {made.sha256}")


def _rows(registry: "Registry", name: str) -> list[dict[str, Any]]:
    """One JSON row per file of a model, or one without a file where none is here."""
    entry: ModelEntry = registry.models[name][0]
    facts: dict[str, Any] = {
        "name": name,
        "classes": sorted(entry.classes),
        "passes_gsd_m": sorted({spec.pass_gsd_m for spec in entry.classes.values()}),
        "data": entry.data,
        "terms": entry.terms,
        "source": entry.source,
    }
    here = [
        {**facts, "format": file.format, "sha256": file.sha256, "path": str(path), "origin": file.origin}
        for file, path in registry.files_of(name)
    ]
    return here or [{**facts, "format": None, "sha256": None, "path": None, "origin": entry.url or ""}]
