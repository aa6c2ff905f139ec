"""`apronwatch sites check` and `apronwatch sites import-osm`."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apronwatch.cli import output

if TYPE_CHECKING:
    from apronwatch.sitecheck import SiteFacts

app = typer.Typer(help="Look over a site file before trusting it.", no_args_is_help=True)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A site file (GeoJSON).")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Validate a site file and show its zones: area, UTM zone, and what looks like a slip of the hand."""
    from apronwatch.site import read_sites
    from apronwatch.sitecheck import look_over

    places = [look_over(site) for site in read_sites(file)]
    if json:
        from apronwatch.version import __version__

        sites = [_plain(place) for place in places]
        output.print_json({"apronwatch": __version__, "file": str(file), "sites": sites})
    else:
        _print(places)


@app.command("import-osm")
def import_osm(
    file: Annotated[
        Path, typer.Argument(help="Overpass JSON, GeoJSON of overpass-turbo, .osm, .osm.pbf, .shp or .gpkg.")
    ],
    site: Annotated[str, typer.Option(help="Id of the site that the zones make.")],
    out: Annotated[Path, typer.Option(help="The site file to write (GeoJSON).")],
) -> None:
    """Turn aprons, helipads and parking positions of OpenStreetMap into the zones of a site."""
    from apronwatch.osm import ATTRIBUTION, read_osm
    from apronwatch.site import write_sites
    from apronwatch.sitecheck import look_over

    found = read_osm(file, site)
    place = look_over(found.site)
    write_sites([found.site], out, attribution=ATTRIBUTION)
    _print([place])
    for (aeroway, reason), times in sorted(Counter((x.aeroway, x.reason) for x in found.left_out).items()):
        typer.echo(f"left out: {times} {aeroway} ({reason})")
    typer.echo(f"{len(found.site.zones)} zones in {out}. {ATTRIBUTION}")
    output.print_warning(
        "outlines of OpenStreetMap may lie metres off a picture, and may be older than it: "
        "lay them over your own imagery before you count"
    )


def _plain(place: "SiteFacts") -> dict[str, Any]:
    area = "area_m2" if place.site.utm_crs else "area_px2"
    return {
        "site": place.site.id,
        "crs": place.site.crs,
        "utm_crs": place.site.utm_crs,
        area: place.area,
        "geometry_sha256": place.site.geometry_hash,
        "notes": list(place.notes),
        "zones": [
            {
                "zone": zone.zone.id,
                "kind": zone.zone.kind,
                "name": zone.zone.name,
                "max_span_m": zone.zone.max_span_m,
                area: zone.area,
                "notes": list(zone.notes),
            }
            for zone in place.zones
        ],
    }


def _print(places: list["SiteFacts"]) -> None:
    rows = []
    for place in places:
        plane = place.site.utm_crs or "pixels"
        rows += [
            [place.site.id, z.zone.id, z.zone.kind, f"{z.area:.0f}", plane, "; ".join(z.notes)]
            for z in place.zones
        ]
        rows.append([place.site.id, "*", "", f"{place.area:.0f}", plane, "; ".join(place.notes)])
    unit = {"m2" if place.site.utm_crs else "px2" for place in places}.pop()
    output.print_table(["site", "zone", "kind", f"area {unit}", "plane", "notes"], rows, right=[3])
