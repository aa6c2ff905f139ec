"""`apronwatch changes` on the founding scenario and on places where nothing happened, by their true counts."""

from pathlib import Path
from typing import Any

import pytest

from apronwatch.archive import Archive
from apronwatch.changes import Alarm, find_changes
from apronwatch_datasets.synthetic import read_scenario
from tests import founding
from tests.detector.archive import examples
from tests.e2e.conftest import Command

ROUTINE = range(7)
"""Looks of `drawdown` before anything happens; then two while it loads, and three while it empties."""

Key = tuple[str, str]


def fill(path: Path, name: str, sites: int | None = None, **how: Any) -> Path:
    with Archive.open(path) as archive:
        for scenario in read_scenario(name)[:sites]:
            founding.store(archive, scenario, **how)
    return path


def alarms(path: Path, model: str | None = None) -> dict[str, dict[Key, list[Alarm]]]:
    """Those that stand, by site, zone and class."""
    with Archive.open(path) as archive:
        rows = [row for site in archive.sites() for row in archive.series(site, model=model)]
    found: dict[str, dict[Key, list[Alarm]]] = {}
    for watched in find_changes(rows).watched:
        of_site = found.setdefault(watched.stretch.site, {})
        stand = [alarm for alarm in watched.alarms if alarm.stands]
        if stand:
            of_site.setdefault((watched.stretch.zone, watched.stretch.class_name), []).extend(stand)
    return found


def number(alarm: Alarm, site: str) -> int:
    """Which look of the scenario raised an alarm, the first being 0."""
    [scenario] = [s for s in read_scenario("drawdown") if s.base.id == site]
    return [scene.look.time for scene in scenario.scenes].index(alarm.since[-1].time)


@pytest.fixture(scope="module")
def drawdown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("drawdown") / "archive.sqlite", "drawdown")


@pytest.fixture(scope="module")
def found(drawdown: Path) -> dict[str, dict[Key, list[Alarm]]]:
    return alarms(drawdown)


def test_the_founding_scenario_raises_the_alarm(found: dict[str, dict[Key, list[Alarm]]]) -> None:
    """Look 9 is the first after loading: half are gone. The alarm comes with the next, the second of the drop."""
    base, port = found["synthetic-drawdown-base"], found["synthetic-drawdown-port"]
    raised = {
        key: [
            number(alarm, "synthetic-drawdown-base") for alarm in of if alarm.rate_since < alarm.rate_before
        ]
        for key, of in base.items()
    }
    assert raised["*", "plane"] == raised["north-ramp", "plane"] == [10]
    assert raised["vehicle-park", "vehicle_large"] == [10]
    assert raised["shelters", "plane"] == raised["vehicle-park", "vehicle_small"] == [11]
    [fell] = port["*", "ship"]
    assert number(fell, "synthetic-drawdown-port") == 10
    [loading] = base["main-apron", "vehicle_large"]
    assert loading.rate_since > loading.rate_before
    assert number(loading, "synthetic-drawdown-base") == 7


def test_the_alarms_rest_on_the_right_looks_zones_and_classes(
    found: dict[str, dict[Key, list[Alarm]]],
) -> None:
    for site, of_site in found.items():
        for (zone, name), of in of_site.items():
            assert zone not in ("fishing-quay", "helipads"), f"{site}: nothing sudden happened in {zone}"
            assert name in ("plane", "vehicle_small", "vehicle_large", "ship")
            for alarm in of:
                assert number(alarm, site) not in ROUTINE
                assert len(alarm.before) >= len(ROUTINE), "the routine is what it differs from"


@pytest.mark.parametrize("name", ["steady", "boneyard"])
def test_nothing_happened_no_alarm(tmp_path: Path, name: str) -> None:
    assert all(of == {} for of in alarms(fill(tmp_path / "archive.sqlite", name)).values())


@pytest.mark.parametrize("name", ["steady", "drawdown"])
def test_a_cloudy_month_is_no_drawdown(tmp_path: Path, name: str) -> None:
    """From look 5 on hardly anything is seen, or little; of the drawdown the routine alone is stored."""
    looks = range(12) if name == "steady" else ROUTINE
    cloudy = {4: 0.8, 5: 0.0, 6: 0.3, 7: 0.0, 8: 0.55, 9: 0.1, 10: 0.0, 11: 0.7}
    path = fill(
        tmp_path / "archive.sqlite", name, looks=looks, seen={n: cloudy[n] for n in cloudy if n in looks}
    )
    assert all(of == {} for of in alarms(path).values())


def test_a_cloud_over_the_places_of_a_class_is_no_drawdown_of_the_whole_site(tmp_path: Path) -> None:
    """It hides a fifth of the site, and with it most vehicles and half of the planes."""
    cloud = {"vehicle-park": 0.0, "north-ramp": 0.3}
    path = fill(tmp_path / "archive.sqlite", "steady", seen=dict.fromkeys(range(7, 12), cloud))
    with Archive.open(path) as archive:
        rows = archive.series("synthetic-steady-base")
    assert min(r.count.observed_fraction or 0.0 for r in rows if r.count.zone == "*") > 0.75
    assert alarms(path) == {"synthetic-steady-base": {}}


def test_unseen_looks_and_the_order_of_storing_change_nothing(tmp_path: Path) -> None:
    """The drawdown with looks 2 and 5 unseen, stored backwards, says what it says without those looks."""
    kept = [0, 1, 3, 4, *range(6, 12)]
    unseen = fill(tmp_path / "unseen.sqlite", "drawdown", 1, looks=range(11, -1, -1), seen={2: 0.0, 5: 0.0})
    without = fill(tmp_path / "without.sqlite", "drawdown", 1, looks=kept)

    def told(path: Path) -> list[object]:
        return [
            (site, key, [(a.p, a.q, a.tests, [r.time for r in (*a.before, *a.since)]) for a in of])
            for site, of_site in alarms(path).items()
            for key, of in of_site.items()
        ]

    assert told(unseen) == told(without) != []


def test_other_weights_cut_the_series_and_the_command_says_so(tmp_path: Path, apronwatch: Command) -> None:
    """Counted by other weights since it emptied: no number from before may be set against one of those."""
    path = fill(
        tmp_path / "a.sqlite", "drawdown", 1, models=dict.fromkeys(range(9, 12), examples.OTHER_MODEL)
    )
    words = ("changes", "synthetic-drawdown-base", "--class", "plane", "--zone", "*", "--archive", path)
    said = apronwatch(*words)
    assert said.status == 0
    assert "not compared: looks of test-model (abababab) and other-model (cdcdcdcd)" in " ".join(
        said.out.split()
    )
    assert "No alarm" in said.out
    series = apronwatch(*words, "--json").document["sites"][0]["series"]
    assert [(s["model"]["name"], s["looks"], s["alarms"]) for s in series] == [
        ("test-model", 9, []),
        ("other-model", 3, []),
    ]


def test_the_command_explains_each_alarm(drawdown: Path, apronwatch: Command) -> None:
    words = (
        "changes",
        "synthetic-drawdown-base",
        "--zone",
        "north-ramp",
        "--class",
        "plane",
        "--archive",
        drawdown,
    )
    text = " ".join(apronwatch(*words).out.split())
    document = apronwatch(*words, "--json").document
    [alarm] = document["sites"][0]["series"][0]["alarms"]
    assert all(sentence in text for sentence in alarm["said"])
    assert alarm["said"][0] == (
        "Between 2026-04-12 and 2026-04-17 planes in north-ramp fell from about 16 to about 4 a look "
        "(9 looks before, 2 since, of which 2026-04-23 raised the alarm)."
    )
    assert f"{alarm['tests_of_day']} tests of that day q = " in alarm["said"][1]
    assert alarm["said"][2].startswith("With about 16 planes a look, a sudden drop to about 6.5 is found in ")
    assert "benchmarks/false_alarms.py" in text
    assert alarm["said"][3].startswith(
        "No mask lay over the 2 looks since: a cloud there would look like a drop"
    )
    assert "No mask lay over any look with a number: " in text
    assert all("no_mask" in look["reasons"] for look in (*alarm["before"], *alarm["since"]))
    assert document["sites"][0]["series"][0]["looks_without_mask"] == 12


def test_a_site_says_the_same_alone_and_among_all(drawdown: Path, apronwatch: Command) -> None:
    """Its alarms stand among the tests of all sites, however one asks."""
    base, shown = "synthetic-drawdown-base", ("--zone", "north-ramp", "--class", "plane", "--json")
    alone = apronwatch("changes", base, *shown, "--archive", drawdown).document
    everything = apronwatch("changes", *shown, "--archive", drawdown).document
    assert [site for site in everything["sites"] if site["site"] == base] == alone["sites"]
    assert alone["tests"] == everything["tests"]


def test_one_site_or_all(tmp_path: Path, apronwatch: Command, refused: Command) -> None:
    path = fill(fill(tmp_path / "a.sqlite", "boneyard"), "steady")
    all_sites = apronwatch("changes", "--zone", "*", "--class", "helicopter", "--json", "--archive", path)
    assert all_sites.status == 0
    assert [s["site"] for s in all_sites.document["sites"]] == ["synthetic-boneyard", "synthetic-steady-base"]
    for wrong in (
        ["nowhere"],
        ["--model", "none"],
        ["--class", "tank"],
        ["synthetic-boneyard", "--zone", "moon"],
        ["--false-alarms", "1"],
    ):
        refused("changes", *wrong, "--archive", path)
