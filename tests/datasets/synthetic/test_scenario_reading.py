"""A scenario's file: what it gives, and that each fault is told in one line with its place."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from apronwatch.errors import ScenarioInvalid
from apronwatch_datasets import synthetic
from apronwatch_datasets.synthetic import list_scenarios, read_scenario
from apronwatch_datasets.synthetic.layouts import LAYOUTS

WHOLE = """
title = "Two cars at the apron"
seed = 5

[[sites]]
id = "my-field"
layout = "hard-apron"
parameters = { gap_m = 1.5 }
origin_m = [500000.0, 4800000.0]
rotation_deg = 20.0
every_look = { gsd_m = 0.5, haze = 0.3 }
looks = [
  { time = 2026-03-03T08:14:00Z },
  { time = 2026-03-03T11:14:00+01:00, gsd_m = 0.8, seed = 77 },
]

[[sites.groups]]
stands = "W"
types = { "Su-27" = 0.5, "MiG-29" = 0.5 }
counts = [3, 2]

[[sites.objects]]
type = "car"
at_m = [1.0, 2.0]
kind = "wreck"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_a_file_says_is_what_one_gets(tmp_path: Path) -> None:
    (scenario,) = read_scenario(written(tmp_path, WHOLE))
    assert (scenario.name, scenario.base.id) == ("mine", "my-field")
    assert (scenario.base.origin, scenario.base.rotation_deg) == ((500_000.0, 4_800_000.0), 20.0)
    first, second = scenario.scenes
    assert [first.look.gsd_m, second.look.gsd_m] == [0.5, 0.8]
    assert [first.look.haze, second.look.haze] == [0.3, 0.3]
    assert [first.look.seed, second.look.seed] == [1, 77]
    assert first.look.extent_m == scenario.base.extent_m
    # Two looks on one day need the hour, and every name says that nothing of this is real.
    assert [first.name, second.name] == [
        "synthetic-my-field_20260303T081400", "synthetic-my-field_20260303T101400",
    ]  # fmt: skip
    assert [sum(p.type_name != "car" for p in scene.parked) for scene in scenario.scenes] == [3, 2]
    assert [(p.x_m, p.y_m, p.kind) for p in second.parked if p.type_name == "car"] == [(1.0, 2.0, "wreck")]


def test_the_same_file_gives_the_same_scenario_and_another_seed_another(tmp_path: Path) -> None:
    first, again = (read_scenario(written(tmp_path, WHOLE))[0] for _ in range(2))
    other = read_scenario(written(tmp_path, WHOLE.replace("seed = 5", "seed = 6")))[0]
    assert [s.parked for s in first.scenes] == [s.parked for s in again.scenes]
    assert [s.parked for s in first.scenes] != [s.parked for s in other.scenes]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("gsd_m = 0.5", "gsd_m = 5.0", "sites.0.looks.0.gsd_m"),
        ("haze = 0.3", "fog = 0.3", "sites.0.looks.0.fog"),
        ("T08:14:00Z", "T08:14:00", "sites.0.looks.0.time"),
        ("T08:14:00Z", "T22:14:00Z", "order of time"),
        ("T08:14:00Z", "T01:14:00Z", "too low"),
        ("gsd_m = 0.8", "bits = 12", "sites.0.looks.1.bits"),
        ("gsd_m = 0.8", "extent_m = [10.0, 0.0, -10.0, 5.0]", "west < east"),
        ('layout = "hard-apron"', 'layout = "moon"', "'moon' is none of airbase"),
        ("gap_m = 1.5", "gap_m = 50.0", "0 to 5 m"),
        ("gap_m = 1.5", "gap_metres = 1.5", "gap_metres"),
        ("gap_m = 1.5", 'gap_m = "wide"', "sites.0"),
        ('"MiG-29"', '"zeppelin"', "no type 'zeppelin'"),
        ('type = "car"', 'type = "zeppelin"', "sites.0.objects.0"),
        ("counts = [3, 2]", "counts = [3]", "1 numbers for 2 looks"),
        ("counts = [3, 2]", "counts = [3, 200]", "200 objects for"),
        ("counts = [3, 2]", "counts = [3, -1]", "sites.0.groups.0.counts.1"),
        ('kind = "wreck"', 'kind = "ghost"', "sites.0.objects.0.kind"),
        ('"MiG-29" = 0.5 }', '"Mi-8" = 0.5 }\nstripped = 0.2', "stripped is for aeroplanes, Mi-8 is none"),
        ('kind = "wreck"', "stripped = true", "stripped is for aeroplanes, car is none"),
        ('type = "car"', 'type = "Krivak frigate"', "objects.0: Krivak frigate lies on land"),
        ('{ "Su-27" = 0.5, "MiG-29" = 0.5 }', '{ "Krivak frigate" = 1.0 }', "takes none of Krivak frigate"),
        ("rotation_deg = 20.0", "rotation_deg = nan", "sites.0.rotation_deg"),
        ("[[sites.groups]]", "[[sites.groups", "not TOML"),
        ('title = "Two cars at the apron"', "", "title"),
        ("gsd_m = 0.8", "extent_m = [-9e4, -9e4, 9e4, 9e4]", "looks.1.extent_m: 360000 x 360000 pixels"),
        ("gsd_m = 0.8", "extent_m = [-6e3, -6e3, 6e3, 6e3], gsd_m = 0.7", "at most 100 million pixels"),
        ("gsd_m = 0.8", "extent_m = [0.0, 0.0, 0.1, 0.1]", "looks.1.extent_m: 1 x 1 pixels"),
        ("gsd_m = 0.8", "extent_m = [0.0, 6e6, 100.0, 6.0001e6]", "looks.1.extent_m: reaches east 500000 m"),
        ("rotation_deg", 'crs = "EPSG:32699"\nrotation_deg', "sites.0.crs: must be a UTM zone, EPSG:32601"),
        ("rotation_deg", 'crs = "EPSG:32700"\nrotation_deg', "found 'EPSG:32700'"),
        ("[500000.0, 4800000.0]", "[1e12, 1e12]", "origin_m: reaches east 1e+12 m"),
        ("seed = 77", "seed = -5", "sites.0.looks.1.seed"),
        ("seed = 77", "seed = true", "sites.0.looks.1.seed"),
        ("seed = 5", "seed = true", "mine.toml: seed"),
        ("gsd_m = 0.8", "bands = true", "sites.0.looks.1.bands: must be a number, found True"),
        ("gsd_m = 0.8", "haze = true", "sites.0.looks.1.haze: must be a number, found True"),
        (
            "2026-03-03T08:14:00Z",
            "0001-01-01T00:14:00+01:00",
            "sites.0.looks.0.time: must lie in the years 1950",
        ),
        ('id = "my-field"', f'id = "{"a" * 300}"', "sites.0.id: String should have at most 64"),
        ('id = "my-field"', 'id = "../up"', "sites.0.id: must be letters, digits"),
        ("gsd_m = 0.8", "shift_m = [0.0, 1e9]", "sites.0.looks.1.shift_m.1"),
        ("rotation_deg = 20.0", "rotation_deg = 1e30", "sites.0.rotation_deg"),
        ('kind = "wreck"', "heading_deg = -1e30", "sites.0.objects.0.heading_deg"),
        ("Two cars", "Two\\ncars", "title: must be one line"),
        ("rotation_deg", 'name = "two\\nlines"\nrotation_deg', "sites.0.name: must be one line"),
        ("at_m = [1.0, 2.0]", "at_m = [1e15, 2.0]", "objects.0.at_m: [1e+15, 2] lies outside every look"),
        ("at_m = [1.0, 2.0]", "at_m = [300.0, 2.0]", "objects.0.at_m: [300, 2] lies outside every look"),
        ('"MiG-29" = 0.5', '"MiG-29" = 1e308', "sites.0.groups.0.types.MiG-29"),
        ("gap_m = 1.5", "gap_m = 1.5, seed = 3", "parameters takes no seed"),
        ("gap_m = 1.5", "gap_m = true", "parameters.gap_m: expected float, found True"),
        ("gap_m = 1.5", '"gap\\nm" = 1.5', "parameters.gap m: no such parameter"),
        ('title = "Two', '"a\\nb" = 1\ntitle = "Two', "'a\\nb'"),
        ("seed = 5", f"seed = {'9' * 5000}", "not TOML"),
        ("seed = 5", f"seed = {'[' * 5000}", "not TOML"),
        (
            "[[sites.objects]]",
            '[[sites.objects]]\ntype = "van"\nat_m = [1, 2]\n[[sites.objects]]',
            "objects.0 and objects.1 stand at one place [1.0, 2.0]",
        ),
    ],
    ids=lambda value: value[:40],
)
def test_a_fault_is_told_in_one_line_with_file_and_place(
    tmp_path: Path, old: str, new: str, place: str
) -> None:
    assert old in WHOLE
    with pytest.raises(ScenarioInvalid) as told:
        read_scenario(written(tmp_path, WHOLE.replace(old, new, 1)))
    message = str(told.value)
    assert message.startswith(f"{tmp_path / 'mine.toml'}: ")
    assert place in message
    assert "\n" not in message


def test_what_lies_just_within_the_limits_is_taken(tmp_path: Path) -> None:
    """An object whose middle is outside the picture still reaches into it; an int will do for a parameter."""
    text = WHOLE.replace("rotation_deg = 20.0", "rotation_deg = 0").replace("gap_m = 1.5", "gap_m = 1")
    text = text.replace("at_m = [1.0, 2.0]", "at_m = [246.0, 2.0]").replace(
        "seed = 77", f"seed = {2**40 - 1}"
    )
    text = text.replace('id = "my-field"', f'id = "{"a" * 64}"')
    (scenario,) = read_scenario(written(tmp_path, text))
    assert [p.x_m for p in scenario.scenes[0].parked if p.type_name == "car"] == [246.0]
    assert scenario.base.extent_m[2] < 246.0


def test_every_zone_of_utm_is_taken_and_no_other(tmp_path: Path) -> None:
    """At the time of the looks the sun stands over zone 37; zones of the night fail for that alone."""
    for code in (32600, *range(32661, 32701), 32761, 32799):
        with pytest.raises(ScenarioInvalid, match=r"sites\.0\.crs"):
            read_scenario(
                written(tmp_path, WHOLE.replace("rotation_deg", f'crs = "EPSG:{code}"\nrotation_deg'))
            )
    for code in (32636, 32638, 32736):
        text = WHOLE.replace("rotation_deg", f'crs = "EPSG:{code}"\nrotation_deg')
        (scenario,) = read_scenario(written(tmp_path, text.replace("4800000.0", "5800000.0")))
        assert scenario.base.crs == f"EPSG:{code}"


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    """Windows editors write one."""
    plain = read_scenario(written(tmp_path, WHOLE))[0]
    marked = read_scenario(written(tmp_path, "\ufeff" + WHOLE))[0]
    assert marked.scenes == plain.scenes


def test_two_groups_never_share_a_stand(tmp_path: Path) -> None:
    """Each would choose among its stands for itself, and two objects could stand on one."""
    more = '[[sites.groups]]\nstands = "{}"\ntypes = {{ "Su-27" = 1.0 }}\ncounts = [2, 2]\n'
    with pytest.raises(ScenarioInvalid, match=r"sites\.0: groups\.0 and groups\.1 share the stands W"):
        read_scenario(written(tmp_path, WHOLE + more.format("HW")))
    (scenario,) = read_scenario(written(tmp_path, WHOLE + more.format("H")))
    for scene in scenario.scenes:
        taken = [p.stand for p in scene.parked if p.stand]
        assert len(taken) == len(set(taken)) > 2


def test_the_documented_example_is_a_scenario(tmp_path: Path) -> None:
    readme = files(synthetic).joinpath("scenarios", "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    assert len(blocks) == 2
    base, port = read_scenario(written(tmp_path, "\n".join(blocks)))
    assert [len(scene.parked) for scene in base.scenes] == [18, 19, 5]
    assert [len(scene.parked) for scene in port.scenes] == [5, 3]
    assert {p.type_name for p in port.scenes[0].parked} <= {"Krivak frigate", "Steregushchiy corvette"}


def test_the_documented_stand_letters_are_the_harbours() -> None:
    readme = files(synthetic).joinpath("scenarios", "README.md").read_text(encoding="utf-8")
    told = readme[readme.index("The harbour's stands") :].split("Those of other")[0]
    assert set(re.findall(r"\b[A-Z]\b", told)) == {stand.id[0] for stand in LAYOUTS["harbour"](1).stands}


def test_two_sites_of_one_name_are_refused(tmp_path: Path) -> None:
    site = WHOLE[WHOLE.index("[[sites]]") :]
    # The second would give scenes of the same names, the third too where a file system knows no capitals.
    for same in ("my-field", "synthetic-my-field", "My-Field"):
        with pytest.raises(ScenarioInvalid, match="id of its own"):
            read_scenario(written(tmp_path, WHOLE + site.replace("my-field", same)))
    first, second = read_scenario(written(tmp_path, WHOLE + site.replace("my-field", "other-field")))
    assert (first.base.id, second.base.id) == ("my-field", "other-field")


def test_no_such_scenario_names_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ScenarioInvalid, match="drawdown"):
        read_scenario("drwdown")
    with pytest.raises(ScenarioInvalid, match="no scenario can be read"):
        read_scenario(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioInvalid, match=r"binary\.toml"):
        read_scenario(tmp_path / "binary.toml")


def test_the_list_says_what_there_is() -> None:
    listed = {entry.name: entry for entry in list_scenarios()}
    assert {
        "demo",
        "airport",
        "aviation-brigade",
        "steady",
        "drawdown",
        "surge",
        "boneyard",
        "vehicle-park",
        "hard-cases",
    } <= set(listed)
    assert listed["demo"].looks == 8
    for entry in listed.values():
        assert entry.title
        assert entry.sites >= 1
