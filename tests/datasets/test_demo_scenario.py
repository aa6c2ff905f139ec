"""The demo's scenario: what it promises, and that its command refuses what is not its own."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely

from apronwatch.errors import OutputInvalid
from apronwatch.manifest import read_manifest
from apronwatch.site import read_sites
from apronwatch_datasets.cli.demo import _begin_anew_if_changed, demo
from apronwatch_datasets.synthetic import Scenario, Truth, demo_scenario, site_of, write_scenario
from apronwatch_datasets.synthetic.drawing import solid_of
from apronwatch_datasets.synthetic.frame import Grid
from apronwatch_datasets.synthetic.rendering import Placed
from apronwatch_datasets.synthetic.traffic import Group, occupy
from apronwatch_datasets.synthetic.truth import true_object


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return demo_scenario()


def truths(scenario: Scenario) -> list[Truth]:
    """The truth of each look without drawing it: clouds hide nothing."""
    base, made = scenario.base, []
    for scene in scenario.scenes:
        grid, objects = Grid.of(base, scene.look), []
        for p in scene.parked:
            east, north = base.matrix @ [p.x_m, p.y_m, 1.0]
            placed = Placed(
                solid_of(p.type_name, p.seed), east, north, p.heading_deg + base.rotation_deg, p.seed
            )
            objects.append(true_object(p.id, placed, grid, scene.look, None))
        made.append(Truth(base, scene.look, tuple(objects)))
    return made


def test_eight_looks_in_two_months_of_every_kind(scenario: Scenario) -> None:
    looks = [s.look for s in scenario.scenes]
    times = [look.time for look in looks]
    assert len(looks) == 8
    assert times == sorted(times)
    assert 50 <= (times[-1] - times[0]).days <= 70
    assert sum(look.cloud_cover > 0 for look in looks) == 1
    assert {look.bits for look in looks} == {8, 11}
    assert {look.bands for look in looks} == {1, 3}
    areas = [(e - w) * (n - s) for w, s, e, n in (look.extent_m for look in looks)]
    assert sum(area < 0.55 * max(areas) for area in areas) == 1
    assert all("synthetic" in s.name and f"{s.look.time:%Y%m%d}" in s.name for s in scenario.scenes)


def test_transports_load_then_the_base_empties(scenario: Scenario) -> None:
    def there(names: set[str]) -> list[int]:
        return [sum(p.type_name in names for p in s.parked) for s in scenario.scenes]

    transports, fighters = there({"Il-76", "An-12", "C-130"}), there({"Su-27", "MiG-29", "MiG-31", "Su-25"})
    assert max(transports[4:6]) >= 2 * np.mean(transports[:4])
    assert fighters[-1] < 0.2 * np.mean(fighters[:4])
    assert there({"Mi-8", "Mi-24"})[-1] < 0.3 * np.mean(there({"Mi-8", "Mi-24"})[:4])


def test_nothing_stands_in_anything_else(scenario: Scenario) -> None:
    for truth in truths(scenario):
        boxes = [shapely.Polygon(o.box) for o in truth.objects]
        left, right = shapely.STRtree(boxes).query(boxes, predicate="intersects")
        clashes = [
            (truth.objects[a].id, truth.objects[b].id, boxes[a].intersection(boxes[b]).area)
            for a, b in zip(left, right, strict=True)
            if a < b
        ]
        # Wing tips of swept wings lie within their box, so boxes of neighbours may overlap at a corner.
        assert all(area < 15.0 for _, _, area in clashes), clashes


def test_every_object_stands_in_its_zone(scenario: Scenario) -> None:
    for truth in truths(scenario):
        for name in ("plane", "helicopter", "vehicle_small", "vehicle_large"):
            total = sum(o.class_name == name for o in truth.objects)
            assert truth.count(name, shown=False) == total
    assert all(t.count("helicopter", "helipads") == t.count("helicopter") for t in truths(scenario))


def test_zones_do_not_overlap_and_lie_in_the_sea(scenario: Scenario) -> None:
    site = site_of(scenario.base)
    assert site.utm_crs == "EPSG:32637"
    for n, zone in enumerate(site.zones):
        # Far from any coast of the Black Sea.
        assert shapely.box(36.0, 42.5, 39.0, 44.0).contains(zone.geometry)
        assert not any(zone.geometry.intersects(other.geometry) for other in site.zones[n + 1 :])


def test_occupation_keeps_numbers_and_some_of_the_residents(scenario: Scenario) -> None:
    group = Group("FG", (("Su-27", 0.7), ("MiG-31", 0.3)), (17, 18, 16, 17, 16, 12, 7, 2), 0.7)
    stands = [s for s in scenario.base.stands if s.id[0] in group.stands]
    looks = occupy(stands, group, np.random.default_rng(1))
    assert [len(there) for there in looks] == list(group.counts)
    for before, after in pairwise(looks[:4]):
        stayed = {p.id for p in before} & {p.id for p in after}
        assert 0 < len(stayed) < len(before)
    with pytest.raises(ValueError, match="stands"):
        occupy(stands[:3], group, np.random.default_rng(1))


def test_a_written_scenario_is_what_count_takes(tmp_path: Path, scenario: Scenario) -> None:
    small = [
        replace(s, look=replace(s.look, extent_m=(-60.0, -60.0, 20.0, 20.0))) for s in scenario.scenes[:3]
    ]
    files = write_scenario(replace(scenario, scenes=tuple(small)), tmp_path / "out")
    again = write_scenario(replace(scenario, scenes=tuple(small)), tmp_path / "again")
    assert [f.image.read_bytes() for f in files.scenes] == [f.image.read_bytes() for f in again.scenes]
    assert files.manifest.read_bytes() == again.manifest.read_bytes()
    (site,) = read_sites(files.sites)
    assert site.geometry_hash == site_of(scenario.base).geometry_hash
    requests = read_manifest(files.manifest)
    assert [Path(r.path) for r in requests] == [f.image for f in files.scenes]
    assert [r.mask is not None for r in requests] == [False, False, True]
    for request, scene in zip(requests, small, strict=True):
        with request.open() as opened:
            assert opened.info.time == scene.look.time
            assert opened.info.synthetic
            assert opened.info.gsd_m == pytest.approx(scene.look.gsd_m, rel=0.002)


def test_demo_refuses_a_folder_that_holds_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(OutputInvalid, match="no demo wrote"):
        demo(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(OutputInvalid, match="cannot be written"):
        demo(tmp_path / "thesis.txt")


def test_demo_keeps_its_archive_while_the_scenes_are_the_same(tmp_path: Path, scenario: Scenario) -> None:
    first = replace(
        scenario.scenes[0], look=replace(scenario.scenes[0].look, extent_m=(-60.0, -60.0, 0.0, 0.0))
    )
    files = write_scenario(replace(scenario, scenes=(first,)), tmp_path)
    archive = tmp_path / "apronwatch.sqlite"
    _begin_anew_if_changed(files, tmp_path)
    archive.write_bytes(b"counts of these scenes")
    _begin_anew_if_changed(files, tmp_path)
    assert archive.exists()
    files.scenes[0].image.write_bytes(b"another picture")
    _begin_anew_if_changed(files, tmp_path)
    assert not archive.exists()
    assert "synthetic" in (tmp_path / "README.txt").read_text()
