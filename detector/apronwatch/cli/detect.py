"""`apronwatch detect`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apronwatch.cli import output

if TYPE_CHECKING:
    from apronwatch.scene import Scene


def detect(
    image: Annotated[str, typer.Argument(help="A raster, an address or a STAC item.")],
    out: Annotated[
        Path, typer.Option(help="Where to: .geojson, .parquet, .gpkg, .json (COCO), .txt (see --format).")
    ],
    gsd: Annotated[
        float | None, typer.Option(help="Metres of one pixel, for pictures without georeference.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Name in the registry, or a weights file.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Use weights that no registry names.")] = False,
    sites: Annotated[Path | None, typer.Option(help="Look only where this site file has zones.")] = None,
    site: Annotated[str | None, typer.Option(help="One site of the site file.")] = None,
    score: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Least score. [default: each class's operating threshold]"),
    ] = None,
    format: Annotated[str | None, typer.Option(help="For .txt: dota or yolo-obb.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:N or tensorrt:N.")] = "auto",
) -> None:
    """Detect only: oriented boxes into a file."""
    from apronwatch.cli.requests import named_sites
    from apronwatch.engines import load_engine
    from apronwatch.engines.registry import find_model
    from apronwatch.interchange import check_output, write
    from apronwatch.pipeline import SCORE_FLOOR
    from apronwatch.pipeline import detect as look
    from apronwatch.run import counted
    from apronwatch.site import joined

    check_output(out, format)
    places = named_sites(sites, site)
    with _open(image, gsd) as scene:
        engine = load_engine(find_model(model, trust=trust), device)
        with output.progress("detecting") as advance:
            run = look(
                scene,
                engine,
                joined(places) if places else None,
                score_floor=SCORE_FLOOR if score is None else score,
                progress=advance,
            )
    found = counted(run) if score is None else run.detections
    write(found, out, info=run.scene, model=run.model, format=format)
    typer.echo(f"{len(found)} detections in {out}", err=True)


def _open(image: str, gsd_m: float | None) -> "Scene":
    """The scene, with its time where one is known."""
    from apronwatch.errors import NoTime
    from apronwatch.manifest import SceneRequest

    try:
        return SceneRequest(image, gsd_m=gsd_m).open()
    except NoTime:
        return SceneRequest(image, undated=True, gsd_m=gsd_m).open()
