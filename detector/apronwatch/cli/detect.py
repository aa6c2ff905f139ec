"""`apronwatch detect`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apronwatch.cli import output
from apronwatch.errors import CallInvalid

if TYPE_CHECKING:
    from apronwatch.detections import Detections
    from apronwatch.engines.registry import ModelSpec
    from apronwatch.scene import Scene
    from apronwatch.sceneinfo import SceneInfo
    from apronwatch.site import Site


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
    sites: Annotated[
        Path | None, typer.Option(help="Only what is centred in a zone of this site file.")
    ] = None,
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
    from apronwatch.pipeline import detect as look
    from apronwatch.plan import SCORE_FLOOR
    from apronwatch.run import counted
    from apronwatch.site import joined

    check_output(out, format)
    if site is not None and sites is None:
        raise CallInvalid(f"--site {site} names a site of a site file: give it with --sites")
    places = named_sites(sites, site)
    place = joined(places) if places else None
    with _open(image, gsd) as scene:
        engine = load_engine(find_model(model, trust=trust), device)
        _check_range(engine.model, scene.gsd_m, image)
        with output.progress("detecting") as advance:
            run = look(
                scene,
                engine,
                place,
                score_floor=SCORE_FLOOR if score is None else score,
                progress=advance,
            )
    found = counted(run) if score is None else run.detections
    if place is not None:
        found = _in_zones(found, place, run.scene)
    write(found, out, info=run.scene, model=run.model, format=format)
    for warning in (*run.scene.warnings, *_unreported(engine.model, run.scene.gsd_m)):
        output.print_warning(f"{image}: {warning}")
    typer.echo(f"{len(found)} detections in {out}", err=True)


def _check_range(model: "ModelSpec", gsd_m: float, image: str) -> None:
    """A file without boxes would say that there is nothing, where nothing could be seen."""
    known = model.classes.values()
    if not any(spec.in_range(gsd_m) for spec in known):
        finest = min(spec.native_gsd_m[0] for spec in known)
        coarsest = max(spec.native_gsd_m[1] for spec in known)
        raise CallInvalid(
            f"{image}: pixels of {gsd_m:.3g} m; {model.name} reports objects in pixels of {finest:g} to {coarsest:g} m"
        )


def _unreported(model: "ModelSpec", gsd_m: float) -> list[str]:
    """Classes that the weights know and do not report at this GSD: that the file has none of them says nothing."""
    out = [name for name, spec in model.classes.items() if not spec.in_range(gsd_m)]
    said = f"{model.name} reports no {' or '.join(out)} in pixels of {gsd_m:.3g} m: that none is found says nothing"
    return [said] if out else []


def _open(image: str, gsd_m: float | None) -> "Scene":
    """The scene, with its time where one is known."""
    from apronwatch.errors import NoTime
    from apronwatch.manifest import SceneRequest

    try:
        return SceneRequest(image, gsd_m=gsd_m, no_item_mask=True).open()
    except NoTime:
        return SceneRequest(image, undated=True, gsd_m=gsd_m, no_item_mask=True).open()


def _in_zones(found: "Detections", place: "Site", scene: "SceneInfo") -> "Detections":
    """Those centred in one of the zones: the tiles that were looked at reach beyond them."""
    import shapely

    from apronwatch.counting import plane_centres

    zones = place.zones_in_plane(found.crs, scene.gsd_m)["*"]
    return found.select(shapely.intersects_xy(zones, *plane_centres(found).T))
