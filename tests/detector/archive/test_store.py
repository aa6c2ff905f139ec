"""What is stored comes back as it was; the same again changes nothing; a failure never hides a success."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError

from apronwatch.archive import Archive
from apronwatch.counts import Count, Status, failed_counts
from apronwatch.errors import BadTime, RunUnknown, SiteUnknown
from apronwatch.run import Run
from apronwatch.site import Site
from tests.detector.archive import examples

TABLES = ("site", "zone", "scene", "run", "detection", "count")


def everything(archive: Archive) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, but for when a run was last asked for."""
    with archive._engine.connect() as connection:
        found = {t: connection.execute(text(f'SELECT * FROM "{t}"')).mappings() for t in TABLES}
        return {
            t: sorted((tuple(v for k, v in row.items() if k != "asked_at") for row in rows), key=repr)
            for t, rows in found.items()
        }


def stored(archive: Archive, run: Run, place: Site | None = None, **hashes: str) -> int:
    return archive.store(run, examples.counts(run, place), place or examples.site(), **hashes)


def failed(archive: Archive, run: Run, message: str = "the engine failed", **hashes: str) -> int:
    place = examples.site()
    return archive.store_failure(
        run.scene, run.model, run.parameters, place, failed_counts(place), message, **hashes
    )


def test_a_run_comes_back_as_it_was(archive: Archive) -> None:
    found = examples.boxes(
        np.random.default_rng(5).uniform(0, 400, (40, 2)),
        scores=np.linspace(0.05, 0.99, 40, dtype=np.float32),
        classes=(np.arange(40) % 5).astype(np.int16),
        truncated=np.arange(40) % 7 == 0,
    )
    run = replace(
        examples.run(found=found, view=(0, 0, 500.5, 400)),
        hidden=np.arange(40) % 5 == 0,
        device="cpu fp32",
        saturated=shapely.box(0, 0, 10, 10),
        parameters={"site": examples.site().geometry_hash, "deep": {"b": [1, 2.5, None], "a": "Ü"}},
        masks_hash="m" * 64,
    )
    counts = examples.counts(run)

    run_id = archive.store(run, counts, examples.site(), calibration_hash="c" * 64)

    back = archive.run(run_id)
    np.testing.assert_array_equal(back.detections.polygons, found.polygons)
    np.testing.assert_array_equal(back.detections.scores, found.scores)
    np.testing.assert_array_equal(back.detections.classes, found.classes)
    np.testing.assert_array_equal(back.detections.truncated, found.truncated)
    np.testing.assert_array_equal(back.hidden, run.hidden)
    assert (back.detections.crs, back.detections.unit_m) == (examples.CRS, 1.0)
    assert back.scene == run.scene
    assert back.model == run.model
    assert back.parameters == run.parameters
    assert back.key == run.key
    assert back.thresholds == run.thresholds
    assert back.visibility.fractions == run.visibility.fractions
    assert back.visibility.areas_m2 == run.visibility.areas_m2
    assert back.visibility.grid == run.visibility.grid
    assert back.saturated.equals(run.saturated)
    assert (back.device, back.stage_s, back.tiles) == ("cpu fp32", run.stage_s, run.tiles)
    assert back.counts == tuple(counts)
    assert back.site.geometry_hash == examples.site().geometry_hash
    assert [z.max_span_m for z in back.site.zones] == [65.0, 65.0]
    assert (back.masks_hash, back.calibration_hash) == ("m" * 64, "c" * 64)
    assert back.stored_at.tzinfo is UTC
    assert abs(back.stored_at - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_picture_without_georeference_comes_back(archive: Archive) -> None:
    info = examples.picture(gsd_m=0.25)
    place = Site.whole_picture("field", info)
    run = examples.run(info, place=place, found=examples.boxes([]), view=(0, -250, 500, 0))
    run = replace(run, detections=replace(run.detections, crs=None, unit_m=0.25))
    back = archive.run(stored(archive, run, place))
    assert (back.detections.crs, back.detections.unit_m, len(back.detections)) == (None, 0.25, 0)
    assert back.visibility.grid is None
    assert back.site.crs == "pixel"
    assert back.scene == info


def test_the_same_again_changes_nothing(archive: Archive) -> None:
    run = examples.run()
    first = stored(archive, run)
    before = everything(archive)
    assert stored(archive, run) == first
    assert everything(archive) == before
    assert len(before["detection"]) == 3


def test_other_counts_of_a_run_replace_all_of_its_counts(archive: Archive) -> None:
    run = examples.run()
    first = stored(archive, run, calibration_hash="old")
    fewer = [replace(c, reasons=("recalibrated",)) for c in examples.counts(run) if c.zone == "*" and c.seen]
    again = archive.store(run, fewer, examples.site(), calibration_hash="new")
    assert again == first
    assert archive.run(first).counts == tuple(fewer)
    assert archive.stored(run.key, "", "new").counts == tuple(fewer)
    assert archive.stored(run.key, "", "old") is None
    assert len(archive.runs()) == 1


def test_another_mask_is_another_run(archive: Archive) -> None:
    run = examples.run()
    clear = stored(archive, run)
    clouded = stored(archive, replace(run, hidden=np.ones(3, dtype=np.bool_), masks_hash="clouds"))
    assert clear != clouded
    assert archive.stored(run.key).run_id == clear
    assert archive.stored(run.key, "clouds").run_id == clouded
    assert archive.stored(run.key, "other clouds") is None


def test_a_failure_has_no_numbers_and_is_replaced_by_a_success(archive: Archive) -> None:
    run = examples.run()
    bad = failed(archive, run, "the engine failed on a tile: boom")
    back = archive.run(bad)
    assert back.failure == "the engine failed on a tile: boom"
    assert {(c.status, c.seen, c.observed_fraction) for c in back.counts} == {(Status.FAILED, None, None)}
    assert len(back.detections) == 0
    assert archive.stored(run.key) is None

    good = stored(archive, replace(run, masks_hash="clouds"))
    assert [(r.run_id, r.failure) for r in archive.runs()] == [(good, None)]
    with pytest.raises(RunUnknown):
        archive.run(bad)


def test_a_failure_is_kept_once(archive: Archive) -> None:
    failed(archive, examples.run(), "first")
    last = failed(archive, examples.run(), "second")
    assert [(r.run_id, r.failure) for r in archive.runs()] == [(last, "second")]


def test_a_failure_never_replaces_a_success(archive: Archive) -> None:
    run = examples.run()
    good = stored(archive, run)
    before = everything(archive)
    assert failed(archive, run) == good
    assert everything(archive) == before


def test_the_database_itself_refuses_a_zero_where_nothing_can_be_said(archive: Archive) -> None:
    run_id = stored(archive, examples.run())
    with pytest.raises(IntegrityError, match="no_number"), archive._writer.begin() as connection:
        connection.execute(text("UPDATE count SET seen = 0 WHERE status = 'not_modelled'"))
    with pytest.raises(IntegrityError, match="no_number"), archive._writer.begin() as connection:
        connection.execute(text("UPDATE count SET seen = NULL WHERE status = 'complete'"))
    assert archive.run(run_id).counts == tuple(examples.counts(examples.run()))


def test_the_same_bits_under_two_names_are_one_scene(archive: Archive) -> None:
    first = stored(archive, examples.run(examples.scene("a.tif", bits="x")))
    again = stored(archive, examples.run(examples.scene("b.tif", bits="x")))
    assert first == again
    assert archive.run(first).scene_paths == ("images/a.tif", "images/b.tif")
    assert archive.runs()[0].scene_path == "images/b.tif"
    stored(archive, examples.run(examples.scene("a.tif", bits="x")))
    assert archive.run(first).scene_paths == ("images/b.tif", "images/a.tif")


def test_a_time_told_later_holds_and_undated_does_not_undo_it(archive: Archive) -> None:
    undated = {"time": None, "time_precision": None, "time_source": None}
    run_id = stored(archive, examples.run(examples.scene(**undated)))
    assert archive.run(run_id).scene.time is None
    archive.ask_again(run_id, examples.scene())
    assert archive.run(run_id).scene.time == examples.NOON
    stored(archive, examples.run(examples.scene(**undated)))
    assert archive.run(run_id).scene.time == examples.NOON
    assert archive.run(run_id).scene.time_source == "option"


@pytest.mark.parametrize("weaker", ["name", "tiff", "sidecar"])
def test_a_weaker_source_moves_no_scene(archive: Archive, weaker: str) -> None:
    right = {"time": examples.NOON, "time_source": "option"}
    wrong = {"time": examples.NOON + timedelta(days=400), "time_source": weaker}
    run_id = stored(archive, examples.run(examples.scene("a.tif", bits="x", **right)))
    stored(archive, examples.run(examples.scene("x20250114.tif", bits="x", **wrong)))
    scene = archive.run(run_id).scene
    assert (scene.time, scene.time_source, scene.path) == (examples.NOON, "option", "images/x20250114.tif")


@pytest.mark.parametrize("source", ["option", "sidecar"])
def test_a_source_as_strong_or_stronger_corrects_a_time(archive: Archive, source: str) -> None:
    told = {"time": examples.NOON + timedelta(days=400), "time_source": source}
    run_id = stored(archive, examples.run(examples.scene(time_source="sidecar")))
    archive.ask_again(run_id, examples.scene(**told))
    assert archive.run(run_id).scene.time == told["time"]


def test_a_redate_keeps_the_old_time_and_no_later_run_undoes_it(archive: Archive) -> None:
    run_id = stored(archive, examples.run())
    right = datetime(2024, 12, 12, 3, 0, tzinfo=timezone(timedelta(hours=3)))

    done = archive.redate(run_id, right, "day")

    assert (done.before, done.before_precision) == (examples.NOON, "second")
    scene = archive.run(run_id).scene
    assert (scene.time, scene.time_precision, scene.time_source) == (right.astimezone(UTC), "day", "redate")
    assert scene.time.utcoffset() == timedelta(0)
    stored(archive, examples.run())
    stored(archive, examples.run(model=examples.OTHER_MODEL))
    assert archive.run(run_id).scene.time == right
    with archive._engine.connect() as connection:
        [kept] = connection.execute(text("SELECT earlier_times FROM scene")).scalars()
    assert "2024-12-10T12:00:00+00:00" in str(kept)
    assert "second" in str(kept)
    assert "option" in str(kept)


def test_a_scene_is_named_by_run_hash_or_path(archive: Archive) -> None:
    run_id = stored(archive, examples.run())
    stored(archive, examples.run(examples.scene("other.tif")))
    sha256 = examples.scene().sha256
    for n, name in enumerate([run_id, str(run_id), sha256, sha256[:6], sha256[:10].upper(), "images/a.tif"]):
        archive.redate(name, examples.NOON + timedelta(days=n), "second")
        assert archive.run(run_id).scene.time == examples.NOON + timedelta(days=n)
    for unknown in (99, "99", "nothing.tif", sha256[:5], "f" * 64):
        with pytest.raises(RunUnknown, match="apronwatch archive runs"):
            archive.redate(unknown, examples.NOON, "second")


def test_a_scene_is_named_by_its_file_name_while_only_one_bears_it(archive: Archive) -> None:
    run_id = stored(archive, examples.run(examples.scene("a.tif", path="x/a.tif")))
    archive.redate("a.tif", examples.NOON + timedelta(days=3), "second")
    assert archive.run(run_id).scene.time == examples.NOON + timedelta(days=3)
    stored(archive, examples.run(examples.scene("other bits", path="y/a.tif")))
    with pytest.raises(RunUnknown, match=r"2 scenes are called a\.tif"):
        archive.redate("a.tif", examples.NOON, "second")
    with pytest.raises(RunUnknown, match="no scenes"):
        archive.redate("z/a.tif", examples.NOON, "second")


@pytest.mark.parametrize(("archived", "told"), [("tiff", "name"), ("name", "tiff")])
def test_a_tiff_tag_contradicts_nothing(archive: Archive, archived: str, told: str) -> None:
    stored(archive, examples.run(examples.scene(time_source=archived)))
    known = archive.dated(examples.scene().identity)
    assert known is not None
    [note] = known.checked_against(examples.scene(time_source=told, **examples.day(40)))
    assert "the better source holds" in note
    assert known.checked_against(examples.scene(time=None, time_precision=None)) == ()
    assert archive.dated("sha256:none") is None


def test_a_naive_time_is_refused(archive: Archive) -> None:
    run_id = stored(archive, examples.run())
    naive = datetime(2024, 12, 10)
    with pytest.raises(BadTime, match="zone"):
        archive.redate(run_id, naive, "day")
    with pytest.raises(StatementError, match="has no zone"):
        stored(archive, examples.run(examples.scene("naive.tif", time=naive)))
    assert len(archive.runs()) == 1


def test_removing_a_run_leaves_nothing_of_it(archive: Archive) -> None:
    empty = everything(archive)
    run_id = stored(archive, examples.run())
    other = stored(archive, examples.run(model=examples.OTHER_MODEL))
    both = everything(archive)
    archive.remove(other)
    after = everything(archive)
    assert len(after["run"]) == 1
    assert (after["scene"], after["site"], after["zone"]) == (both["scene"], both["site"], both["zone"])
    archive.remove(run_id)
    assert everything(archive) == empty
    with pytest.raises(RunUnknown, match=f"no run {run_id} "):
        archive.remove(run_id)


def test_the_number_of_a_removed_run_is_not_given_again(archive: Archive) -> None:
    run_id = stored(archive, examples.run())
    archive.remove(run_id)
    assert stored(archive, examples.run()) > run_id


def test_a_changed_site_is_another_version_and_counts_keep_theirs(archive: Archive) -> None:
    old, new = examples.site(), examples.site(size_m=380)
    first = stored(archive, examples.run(place=old), old)
    second = stored(archive, examples.run(place=new), new)
    assert first != second
    assert archive.run(first).site.geometry_hash == old.geometry_hash
    assert archive.site("base").geometry_hash == new.geometry_hash
    assert archive.sites() == ["base"]
    assert len(archive.runs("base")) == 2
    with pytest.raises(SiteUnknown, match="it holds base"):
        archive.site("elsewhere")
    with pytest.raises(SiteUnknown, match="it holds base"):
        archive.runs("elsewhere")


def test_renaming_a_zone_makes_no_version(archive: Archive) -> None:
    old = examples.site()
    renamed = replace(old, zones=tuple(replace(z, name="New name", max_span_m=None) for z in old.zones))
    stored(archive, examples.run())
    stored(archive, examples.run(examples.scene("b.tif")), renamed)
    assert {(z.name, z.max_span_m) for z in archive.site("base").zones} == {("New name", None)}
    assert len(everything(archive)["site"]) == 1


def test_counts_of_another_site_are_a_mistake(archive: Archive) -> None:
    run = examples.run()
    with pytest.raises(ValueError, match="elsewhere"):
        archive.store(run, examples.counts(run, examples.site("elsewhere")), examples.site())
    with pytest.raises(ValueError, match="nothing"):
        archive.store(run, [], examples.site())


@pytest.mark.parametrize("where", ["detections", "counts", "parameters"])
def test_a_mistake_in_the_data_leaves_nothing(archive: Archive, where: str) -> None:
    run = examples.run()
    counts: list[Count] = examples.counts(run)
    if where == "detections":
        run.detections.polygons[1, 2, 0] = np.nan
    elif where == "counts":
        counts.append(counts[0])
    else:
        run = replace(run, parameters={"gsd_m": float("nan")})
    with pytest.raises((ValueError, IntegrityError, StatementError)):
        archive.store(run, counts, examples.site())
    assert all(rows == [] for rows in everything(archive).values())


@contextmanager
def plain(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


def test_a_sqlite_archive_is_durable_and_plain_sql_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    with Archive.open(file) as archive:
        stored(archive, examples.run())
        with archive._engine.connect() as connection:
            settings = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
            ]
    assert settings == ["wal", 1, 2, 60_000]
    with plain(file) as connection:
        rows = connection.execute(
            "SELECT (x1 + x3) / 2, score FROM detection WHERE class_name = 'plane' ORDER BY position"
        ).fetchall()
    assert [x for x, _ in rows] == pytest.approx([examples.EAST + x for x in (100, 300, 600)])
