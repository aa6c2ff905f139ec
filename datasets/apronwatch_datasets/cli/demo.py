"""`apronwatch demo`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apronwatch.cli import output

if TYPE_CHECKING:
    from apronwatch.archive import Archive
    from apronwatch.archive.rows import ArchivedRun
    from apronwatch.counts import Count
    from apronwatch.survey import SceneOutcome
    from apronwatch_datasets.synthetic import ScenarioFiles, Truth

_README = "README.txt"
_HEADLINE = (
    "Apronwatch demo: everything in this folder is synthetic, drawn and not taken; the place is invented."
)
_ARCHIVE = "apronwatch.sqlite"
_COUNTED = "plane"


def demo(
    out: Annotated[Path, typer.Option(help="Folder to write into; new, empty, or of a former demo.")] = Path(
        "apronwatch-demo"
    ),
) -> int:
    """The whole job on a drawn air base, offline: scenes, counts, chart, overlays, report."""
    from apronwatch_datasets.synthetic import demo_scenario, write_scenario

    _claim(out)
    typer.echo(_HEADLINE)
    with output.progress("drawing") as advance:
        files = write_scenario(demo_scenario(), out, advance)
    _begin_anew_if_changed(files, out)
    outcomes = _count(files, out / _ARCHIVE)
    _publish(files, out)
    _print_table(files, outcomes)
    _print_guide(out)
    for outcome in outcomes:
        for reason in outcome.reasons:
            output.print_warning(f"{outcome.scene.path}: {reason}")
    return 1 if any(o.status.value == "failed" for o in outcomes) else 0


def _claim(out: Path) -> None:
    """Make the folder this demo's; refuse one that holds something else."""
    from apronwatch.errors import OutputInvalid

    readme = out / _README
    try:
        if out.is_dir() and any(out.iterdir()) and not _is_demo(readme):
            raise OutputInvalid(f"{out}: holds files that no demo wrote; give a new folder with --out")
        out.mkdir(parents=True, exist_ok=True)
        if not readme.is_file():
            readme.write_text(_HEADLINE + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputInvalid(
            f"{out}: cannot be written ({error.strerror}); give a folder with --out"
        ) from error


def _is_demo(readme: Path) -> bool:
    return readme.is_file() and readme.read_text(encoding="utf-8", errors="replace").startswith(_HEADLINE)


def _begin_anew_if_changed(files: "ScenarioFiles", out: Path) -> None:
    """Remove the archive of a former demo whose scenes were others: both would be taken for one acquisition."""
    import hashlib

    digest = hashlib.sha256()
    for scene in files.scenes:
        digest.update(scene.image.read_bytes())
    note = f"{_HEADLINE}\nSHA-256 of all scenes: {digest.hexdigest()}\n"
    readme = out / _README
    archives = sorted(out.glob(f"{_ARCHIVE}*"))
    if archives and readme.read_text(encoding="utf-8") != note:
        typer.echo("The scenes are others than those of the former demo here: its archive is begun anew.")
        for file in archives:
            file.unlink()
    readme.write_text(note, encoding="utf-8")


def _count(files: "ScenarioFiles", archive: Path) -> "list[SceneOutcome]":
    """Exactly what `apronwatch count --manifest … --sites … --archive …` does."""
    from apronwatch.engines import load_engine
    from apronwatch.engines.registry import find_model
    from apronwatch.manifest import read_manifest
    from apronwatch.site import read_sites
    from apronwatch.survey import survey

    engine = load_engine(find_model(None), "auto")
    requests = read_manifest(files.manifest)
    with output.progress("counting") as advance:
        return list(
            survey(
                requests,
                engine,
                sites=read_sites(files.sites),
                archive=str(archive),
                progress=lambda path, done, total: advance(done, total),
            )
        )


def _publish(files: "ScenarioFiles", out: Path) -> None:
    """Chart, overlays, detections, STAC items and report, from the archive."""
    from apronwatch.archive import Archive
    from apronwatch.report.chart import draw_series
    from apronwatch.report.page import write_report

    site = files.truths[0].base.id
    with Archive.open(str(out / _ARCHIVE), create=False) as archive:
        draw_series(archive.series(site), out / "series.png", title=f"{site} (synthetic)")
        for row in archive.runs(site):
            if row.failure is None:
                _publish_run(archive, archive.run(row.run_id), out)
        write_report(archive, site, out / "report.html")


def _publish_run(archive: "Archive", run: "ArchivedRun", out: Path) -> None:
    from apronwatch import interchange
    from apronwatch.interchange.stac import write_stac_item
    from apronwatch.report.overlay import draw_overlay, zones_of
    from apronwatch.scene import Scene

    name = Path(run.scene.path).stem
    for folder in ("overlays", "detections", "stac"):
        (out / folder).mkdir(exist_ok=True)
    with Scene.open(run.scene.path, undated=run.scene.time is None) as scene:
        zones = zones_of(run.site, run.detections)
        draw_overlay(scene, run, zones, out / "overlays" / f"{name}.png", counts=run.counts)
    boxes = [out / "detections" / f"{name}{suffix}" for suffix in (".geojson", ".parquet")]
    for target in boxes:
        interchange.write(run.detections, target, info=run.scene, model=run.model)
    write_stac_item(run, out / "stac" / f"{name}.json", detections=boxes)


def _print_table(files: "ScenarioFiles", outcomes: "list[SceneOutcome]") -> None:
    from apronwatch.report.words import mask_note
    from apronwatch.taxonomy import CLASSES

    zones = [z.id for z in files.truths[0].base.zones]
    rows = [_row(truth, outcome, zones) for truth, outcome in zip(files.truths, outcomes, strict=True)]
    typer.echo(
        f"\nSite {files.truths[0].base.id}: planes seen / planes that were drawn and are not under cloud\n"
    )
    output.print_table(
        ["time (UTC)", *zones, "all zones", "observed", "status"], rows, right=range(1, len(zones) + 3)
    )
    modelled = {c.class_name for o in outcomes for c in o.counts if "not_modelled" not in c.reasons}
    others = [name for name in CLASSES if name in modelled and name != _COUNTED]
    if others:
        typer.echo("\nThe other classes, seen / drawn, in all zones together\n")
        output.print_table(
            ["time (UTC)", *others],
            [_others(truth, outcome, others) for truth, outcome in zip(files.truths, outcomes, strict=True)],
            right=range(1, len(others) + 1),
        )
    typer.echo(
        f"\nThe weights know: {', '.join(sorted(modelled)) or 'nothing'}. "
        "The pictures are synthetic; the counts are real, with what the weights miss and what they mistake."
    )
    typer.echo(mask_note((n, count) for n, outcome in enumerate(outcomes) for count in outcome.counts))
    for name, terms in sorted({(o.model.name, o.model.terms) for o in outcomes}):
        typer.echo(f"Weights: {name}. {terms}".rstrip())


def _row(truth: "Truth", outcome: "SceneOutcome", zones: list[str]) -> list[str]:
    counts = {c.zone: c for c in outcome.counts if c.class_name == _COUNTED}
    cells = [_cell(counts[zone], truth) for zone in [*zones, "*"]]
    total = counts["*"]
    observed = "-" if total.observed_fraction is None else f"{100 * total.observed_fraction:.0f} %"
    return [f"{truth.look.time:%Y-%m-%d %H:%M}", *cells, observed, total.status.value]


def _others(truth: "Truth", outcome: "SceneOutcome", names: list[str]) -> list[str]:
    """A look's totals of other classes."""
    totals = {c.class_name: c for c in outcome.counts if c.zone == "*"}
    return [f"{truth.look.time:%Y-%m-%d %H:%M}", *(_cell(totals[name], truth) for name in names)]


def _cell(count: "Count", truth: "Truth") -> str:
    """`12 / 14`: seen and drawn; a dash where nothing can be said."""
    return f"{'-' if count.seen is None else count.seen} / {truth.count(count.class_name, count.zone)}"


def _print_guide(out: Path) -> None:
    typer.echo("\nWritten (all of it synthetic):")
    for path, what in (
        ("report.html", "one page, opens offline"),
        ("series.png", "counts over time"),
        ("overlays/", "each scene with what was found"),
        ("detections/", "boxes as GeoJSON and GeoParquet"),
        ("stac/", "a STAC item for each scene, with its boxes"),
        (_ARCHIVE, "the archive"),
        ("scenes/", "the GeoTIFFs; cloud in masks/, what was truly drawn in truth/"),
        ("sites.geojson", "the site file; manifest.csv lists the scenes"),
    ):
        typer.echo(f"  {out / path}  {what}")
    typer.echo("\nNext, on your own image (any GeoTIFF with its date in the file name):")
    typer.echo("  apronwatch count IMAGE.tif --site my-site")
    typer.echo("  apronwatch series my-site --plot my-site.png")
    typer.echo("  apronwatch report my-site --out my-site.html")
