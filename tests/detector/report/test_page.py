"""The page says what the archive says, opens by itself, and lets no name become markup."""

import base64
import re
import shutil
import subprocess
from collections import Counter
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from apronwatch.archive import Archive
from apronwatch.counts import Count, Status
from apronwatch.errors import OutputInvalid, SiteUnknown
from apronwatch.report import page
from apronwatch.report.looks import Look
from apronwatch.report.page import write_report
from apronwatch.report.tables import class_tables, newest, zone_table
from tests.detector.archive import examples

from . import place

VOID = {"meta", "img", "br"}
LOADING = {"src", "href", "srcset", "data", "action", "poster", "background", "formaction", "xlink:href"}


class Page(HTMLParser):
    """The page as a browser takes it: open elements, table cells, attributes, visible text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.cells, self.elements, self.visible = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "td":
            self.cells.append((dict(attrs), []))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.visible.append(data)
        if "td" in self.open:
            self.cells[-1][1].append(data)

    @property
    def text(self):
        return " ".join("".join(self.visible).split())


@pytest.fixture(scope="session")
def parsed(report):
    return Page(report.read_text(encoding="utf-8"))


def test_the_page_is_balanced_and_has_no_active_element(parsed):
    assert parsed.open == []
    kinds = {tag for tag, _ in parsed.elements}
    assert kinds & {"script", "link", "iframe", "object", "embed", "form", "svg", "base", "a"} == set()
    assert not any(key.startswith("on") for _, attributes in parsed.elements for key in attributes)


def test_the_page_loads_nothing(parsed, report):
    loads = [
        value for _, attributes in parsed.elements for key, value in attributes.items() if key in LOADING
    ]
    assert loads
    assert all(value.startswith(("data:image/png;base64,", "data:image/jpeg;base64,")) for value in loads)
    style = re.search(r"<style>(.*?)</style>", report.read_text(encoding="utf-8"), re.DOTALL).group(1)
    assert "url(" not in style
    assert "@import" not in style
    policy = next(a["content"] for t, a in parsed.elements if t == "meta" and "http-equiv" in a)
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_hostile_names_are_text(parsed):
    assert place.HOSTILE_SITE in parsed.text
    assert place.HOSTILE_ZONE in parsed.text
    assert "AGPL-3.0 </style><script>" in parsed.text
    assert "the engine <broke>" in parsed.text
    assert "© Drawn & Sons <b>" in parsed.text
    zones = {attributes["data-zone"] for attributes, _ in parsed.cells if "data-zone" in attributes}
    assert zones == {"*", place.NORTH_ZONE, place.SOUTH_ZONE}


def test_each_number_of_the_table_is_the_archives(parsed, counted):
    rows = [
        r.count for r in counted.series(place.HOSTILE_SITE) if r.count.class_name in ("plane", "helicopter")
    ]
    undated = [counted.run(r.run_id) for r in counted.runs() if r.time is None]
    looks = rows + [c for run in undated for c in run.counts if c.class_name in ("plane", "helicopter")]
    expected = Counter((c.zone, c.class_name, c.status.value, c.seen) for c in looks)
    shown = Counter()
    for attributes, _ in parsed.cells:
        if "data-zone" in attributes:
            seen = attributes.get("data-seen")
            named = [attributes[f"data-{key}"] for key in ("zone", "class", "status")]
            shown[(*named, None if seen is None else int(seen))] += 1
    # Each look stands in the table of its class and in the table of its zones.
    assert shown == Counter({key: 2 * n for key, n in expected.items()})


def test_a_cell_without_a_number_shows_a_dash_and_no_digit(parsed):
    cells = [(a, "".join(said)) for a, said in parsed.cells if "data-status" in a]
    gaps = [said for a, said in cells if "data-seen" not in a]
    assert len(gaps) == 2 * 2 * 2 * 3, "two looks, two classes, two tables, three zones"
    assert all(said.startswith("–") and not any(c.isdigit() for c in said) for said in gaps)
    numbers = [(a, said) for a, said in cells if "data-seen" in a]
    for attributes, said in numbers:
        floor = "" if attributes["data-status"] == "complete" else "at least "
        assert said.startswith(f"{floor}{attributes['data-seen']}")


def test_the_share_that_was_seen_stands_beside_a_partial_number(parsed):
    partial = ["".join(said) for a, said in parsed.cells if a.get("data-status") == "partial"]
    assert any("50 % observed" in said for said in partial)


def test_what_leads_back_to_the_pixels_is_named(parsed, counted):
    for row in counted.runs(place.HOSTILE_SITE):
        run = counted.run(row.run_id)
        for fact in (run.scene.sha256, run.model.sha256, run.site.geometry_hash, f"run {run.run_id}"):
            assert fact in parsed.text
    assert "0.500 m" in parsed.text
    assert '"score_floor": 0.05' in parsed.text
    assert str(counted.name).rpartition("/")[0] not in parsed.text, "a folder tells who made the page"


def test_a_picture_that_is_gone_or_another_is_said_to_be(parsed):
    assert "six.tif is no longer where it was read from" in parsed.text
    assert "another picture lies where seven.tif was read from" in parsed.text
    assert "one.tif is no longer" not in parsed.text


def test_limits_and_synthetic_pictures_are_said(parsed):
    assert "7 of 8 looks are synthetic pictures" in parsed.text
    assert "Zero seen is not zero there." in parsed.text
    assert "The numbers are uncalibrated" in parsed.text


def test_pictures_are_whole_and_described(parsed):
    pictures = [attributes for tag, attributes in parsed.elements if tag == "img"]
    chips = [p for p in pictures if p["alt"].startswith("Small pictures")]
    assert len(chips) == 4, "looks with a picture and something counted"
    assert len(pictures) == 1 + 7 + len(chips), "the chart, an overlay for each run that did not fail, chips"
    for attributes in pictures:
        with Image.open(BytesIO(base64.b64decode(attributes["src"].partition(",")[2]))) as drawn:
            drawn.load()
            assert [str(n) for n in drawn.size] == [attributes["width"], attributes["height"]]
        assert len(attributes["alt"]) > 20


def test_changes_are_said_in_the_page(parsed):
    assert "Changes" in parsed.text
    assert "No alarm among" in parsed.text
    assert "Left out of every test" in parsed.text
    assert "2024-11-17 (not observed)" in parsed.text
    assert "benchmarks/false_alarms.py" in parsed.text


def test_an_alarm_stands_in_the_page_with_its_sentences_and_chart(tmp_path):
    with Archive.open(tmp_path / "a.sqlite") as archive:
        for n, many in enumerate((14, 13, 15, 14, 16, 12, 14, 15, 13, 3, 3)):
            seen = examples.boxes([(20 + 20 * k, 100) for k in range(many)], (15, 12))
            run = examples.run(examples.scene(f"{n}.tif", **examples.day(n)), seen)
            archive.store(run, examples.counts(run), examples.site())
        write_report(archive, "base", tmp_path / "base.html")
    made = Page((tmp_path / "base.html").read_text(encoding="utf-8"))
    assert "Alarm: planes in west" in made.text
    assert (
        "Between 2024-12-18 and 2024-12-19 planes in west fell from about 14 to about 3 a look" in made.text
    )
    charts = [a["alt"] for tag, a in made.elements if tag == "img" and a["alt"].startswith("Chart")]
    assert ["whole site of base" in alt for alt in charts] == [True, False]
    assert "west of base" in charts[1]
    assert made.open == []


def test_the_headline_says_at_once_whether_there_is_an_interval():
    site, looks = place.base_site(), []
    for told in ((None, None, None), (6, 5, 9), (None, 5, None)):
        estimate, low, high = told
        reasons = () if high else ("seen_less_than_half",) if low else ("uncalibrated",)
        seen = Count(site.id, "*", "plane", 6, estimate, low, high, 1.0, Status.COMPLETE, reasons)
        looks.append(Look(place.day(11, 1), "day", (seen,), ()))
    shown = [Page(newest(look, [look], ["plane"])).text for look in looks]
    assert "6planes seen; no interval: uncalibrated weights, fully observed" in shown[0]
    assert "6planes seen; 5 to 9 were there, 90 %, fully observed" in shown[1]
    assert "6planes seen; at least 5 were there, 95 %, fully observed" in shown[2]


def test_what_is_known_against_a_number_stands_beside_it():
    site = place.base_site()
    said = ("haze:0.200", "same_picture_at_another_time")
    seen = Count(site.id, "*", "plane", 6, None, None, None, 1.0, Status.COMPLETE, said)
    look = Look(place.day(11, 1), "day", (seen,), ())
    for shown in (newest(look, [look], ["plane"]), class_tables(site, [look], ["plane"])):
        assert "haze over 20 % of the zone" in Page(shown).text
        assert "same picture at another time" in Page(shown).text


def look_of(number, *reasons):
    seen = Count("base", "*", "plane", 6, None, None, None, 1.0, Status.COMPLETE, reasons)
    run = examples.run(examples.scene(f"{number}.tif"))
    return Look(place.day(11, number), "day", (seen,), (run,))


def test_that_no_mask_lay_is_said_of_the_newest_look_below_the_tables_and_in_each_section(parsed):
    assert (
        "fully observed, no mask (clouds not looked for)"
        in Page(newest(look_of(1, "no_mask"), [], ["plane"])).text
    )
    assert (
        parsed.text.count(
            "No mask lay over any look with a number: ground under a cloud counts as seen there"
        )
        == 1
    )
    sections = parsed.text.count("Clouds were not looked for (no mask): ground under one counts as seen")
    assert sections == 6, "each look that has a number"
    site, bare, clear = place.base_site(), look_of(1, "no_mask"), look_of(2)
    shown = [Page(class_tables(site, looks, ["plane"])).text for looks in ([bare], [bare, clear], [clear])]
    assert [("2024-11-01 no mask" in text, "No mask lay" in text) for text in shown] == [
        (False, True), (True, True), (False, False),
    ]  # fmt: skip
    assert "2024-11-02 no mask" not in shown[1]
    assert "Clouds were not" not in Page(zone_table(clear.counts, ["*"], ["plane"])).text


def test_the_page_is_small_enough_to_send(report):
    assert report.stat().st_size < 5_000_000


def test_tables_are_readable_without_eyes(parsed):
    tables = sum(tag == "table" for tag, _ in parsed.elements)
    assert sum(tag == "caption" for tag, _ in parsed.elements) == tables
    heads = [attributes for tag, attributes in parsed.elements if tag == "th"]
    assert all(attributes.get("scope") in ("col", "row") for attributes in heads)


def test_older_pictures_are_left_out_and_it_is_said(counted, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "PICTURED", 2)
    write_report(counted, place.HOSTILE_SITE, tmp_path / "short.html")
    short = Page((tmp_path / "short.html").read_text(encoding="utf-8"))
    assert "the newest 2" in short.text
    assert sum(tag == "section" for tag, _ in short.elements) == 2


def test_an_unknown_site_writes_nothing(counted, tmp_path):
    with pytest.raises(SiteUnknown, match="elsewhere"):
        write_report(counted, "elsewhere", tmp_path / "report.html")
    with pytest.raises(OutputInvalid):
        write_report(counted, place.HOSTILE_SITE, tmp_path / "no folder" / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_undated_looks_alone_make_a_report_without_a_chart(tmp_path):
    site = place.base_site()
    with Archive.open(tmp_path / "archive.sqlite") as archive:
        path = place.draw_scene(tmp_path / "undated.tif", place.NORTH_ROW, synthetic=False)
        run = place.look(path, place.NORTH_ROW, site, None)
        archive.store(run, place.count_run(run, site, place.MODEL), site)
        write_report(archive, site.id, tmp_path / "report.html")
    alone = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "so there is no chart" in alone.text
    assert "synthetic" not in alone.text.lower()
    assert any(a.get("data-seen") == "4" for a, _ in alone.cells)


def test_two_frames_of_one_acquisition_are_one_look_with_both_pictures(tmp_path):
    site = place.base_site()
    west = np.zeros((place.SIDE_PX, place.SIDE_PX), bool)
    west[:, : place.SIDE_PX // 2] = True
    with Archive.open(tmp_path / "archive.sqlite") as archive:
        for name, valid in (("west.tif", west), ("east.tif", ~west)):
            planes = [p for p in place.NORTH_ROW if (p.x < 120) == (name == "west.tif")]
            path = place.draw_scene(tmp_path / name, planes, valid=valid)
            run = place.look(path, planes, site, place.day(11, 1), acquisition="pass-7")
            archive.store(run, place.count_run(run, site, place.MODEL), site)
        write_report(archive, site.id, tmp_path / "report.html")
    shown = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "2 frames of one acquisition" in shown.text
    assert "west.tif" in shown.text
    assert "east.tif" in shown.text
    totals = [a for a, _ in shown.cells if (a.get("data-zone"), a.get("data-class")) == ("*", "plane")]
    assert [(a["data-seen"], a["data-status"]) for a in totals] == [
        ("4", "complete"), ("4", "complete"), ("2", "partial"), ("2", "partial"),
    ]  # fmt: skip


def test_a_browser_shows_it_offline_and_runs_nothing(report, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    if chromium is None:
        pytest.skip("no chromium or chrome on PATH: the page was not opened in a browser")
    call = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
        f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", "--dump-dom", report.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(call, capture_output=True, text=True, timeout=120, check=True)
    shown = Page(done.stdout.partition(">")[2])
    assert place.HOSTILE_SITE in shown.text
    assert not any(tag == "script" for tag, _ in shown.elements)
    assert "Content Security Policy" not in done.stderr, (
        "the page tried to load or run what its policy forbids"
    )
