"""What `recount` calls new: numbers where none stood, and no other change."""

from dataclasses import replace
from pathlib import Path

import shapely

from apronwatch.site import Zone, read_sites, write_sites
from tests.e2e.conftest import Command
from tests.e2e.drawn import planes

BOTH = "apron-26n-obb"
"""Bundled weights that know helicopters; those of the commands here know planes alone."""


def test_only_a_number_is_new(apronwatch: Command, tmp_path: Path) -> None:
    """Of a zone that the picture does not reach there is no number before and none since, whatever its status."""
    apron = planes(tmp_path)
    [site] = read_sites(apron.sites)
    left, _, right, top = shapely.union_all([zone.geometry for zone in site.zones]).bounds
    beyond = Zone("beyond", "apron", None, None, shapely.box(left, top + 0.01, right, top + 0.011))
    sites = tmp_path / "with_beyond.geojson"
    write_sites([replace(site, zones=(*site.zones, beyond))], sites)
    assert apronwatch("count", apron.files.image, "--sites", sites).status == 0

    moves = apronwatch("recount", site.id, "--model", BOTH, "--json").document["moves"]
    of_helicopters = {move["zone"]: move for move in moves if move["class"] == "helicopter"}
    assert {move["old"]["status"] for move in of_helicopters.values()} == {"not_modelled"}
    assert {zone: move["new"]["seen"] is None for zone, move in of_helicopters.items()} == {
        "west": False, "east": False, "*": False, "beyond": True,
    }  # fmt: skip
    assert of_helicopters["beyond"]["new"]["status"] == "unseen"

    said = apronwatch("recount", site.id, "--model", BOTH).out
    moved = sum(move["old"]["seen"] is not None for move in moves)
    assert f": {moved or 'none'} of 3 published numbers would move, 3 would be new\n" in said

    back = apronwatch("count", apron.files.image, "--sites", sites, "--model", BOTH)
    assert back.status == 0
    lost = apronwatch("recount", site.id, "--model", "plane-26n-obb-seed").out
    assert f"{moved + 3} of 6 published numbers would move\n" in lost
    assert "would be new" not in lost
