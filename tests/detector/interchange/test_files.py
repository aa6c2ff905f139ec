"""Outputs are written whole or not at all, and what cannot be written or read is said in one line."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from apronwatch.detections import Detections
from apronwatch.errors import DetectionsUnreadable, OutputInvalid
from apronwatch.interchange import check_output, read, write
from apronwatch.interchange.files import public_name

from .samples import MODEL, UTM, box, scene

FILES = [
    ("geojson", "a.geojson"),
    ("geoparquet", "a.parquet"),
    ("geopackage", "a.gpkg"),
    ("coco", "a.json"),
    ("dota", "a.txt"),
    ("yolo-obb", "a.txt"),
]
MANY = Detections(
    np.array([box(255_100 + k, 3_921_900, 30, 20, k) for k in range(500)]),
    np.linspace(0, 1, 500, dtype=np.float32),
    np.zeros(500, dtype=np.int16),
    crs=UTM,
)


@contextmanager
def _disk_of(size: int) -> Iterator[None]:
    """The kernel refuses to let any file grow beyond `size` bytes, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(("format", "name"), FILES)
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path, format: str, name: str) -> None:
    (tmp_path / name).write_text("old")
    with _disk_of(4096), pytest.raises(OutputInvalid, match=r"could not be written.*free space"):
        write(MANY, tmp_path / name, info=scene(), model=MODEL, format=format)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "old"


@pytest.mark.parametrize(("format", "name"), FILES)
def test_a_second_write_replaces_the_first(tmp_path: Path, format: str, name: str) -> None:
    write(MANY, tmp_path / name, info=scene(), model=MODEL, format=format)
    write(MANY.select([0, 1]), tmp_path / name, info=scene(), model=MODEL, format=format)
    assert len(read(tmp_path / name, info=scene(), format=format)) == 2
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_others_may_read_what_was_written(tmp_path: Path) -> None:
    write(MANY, tmp_path / "a.geojson", info=None, model=None)
    (tmp_path / "plain").touch()
    assert (tmp_path / "a.geojson").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize(
    ("name", "format", "expected"),
    [
        ("a.GeoJSON", None, "geojson"),
        ("a.json", None, "coco"),
        ("a.json", "geojson", "geojson"),
        ("a.parquet", None, "geoparquet"),
        ("a.gpkg", None, "geopackage"),
        ("a.txt", "DOTA", "dota"),
        ("a.txt", "YOLO-OBB", "yolo-obb"),
    ],
)
def test_suffix_and_format_choose(tmp_path: Path, name: str, format: str | None, expected: str) -> None:
    assert check_output(tmp_path / name, format) == expected


@pytest.mark.parametrize(
    ("name", "format", "said"),
    [
        ("a.shp", None, r"\.shp.*accepted are \.geojson, \.parquet, \.gpkg, \.json .*\.txt"),
        ("a", None, r"suffix \(none\)"),
        ("a.txt", None, r"--format dota or --format yolo-obb"),
        ("a.txt", "kml", r"kml is no format.*known are geojson"),
        ("a.txt", "geojson", r"geojson has \.geojson or \.json"),
        ("missing/a.geojson", None, r"missing is no folder.*make it first"),
        ("folder.geojson", None, r"is a folder"),
    ],
)
def test_what_cannot_be_written_is_refused_before_any_work(
    tmp_path: Path, name: str, format: str | None, said: str
) -> None:
    (tmp_path / "folder.geojson").mkdir()
    with pytest.raises(OutputInvalid, match=said) as caught:
        check_output(tmp_path / name, format)
    assert "\n" not in str(caught.value)


def test_a_folder_that_takes_no_files_is_refused() -> None:
    if not Path("/proc/version").exists():
        pytest.skip("/proc, a folder in which nobody can make files, is Linux's")
    with pytest.raises(OutputInvalid, match="/proc"):
        write(MANY, "/proc/a.geojson", info=None, model=None)


@pytest.mark.parametrize(("format", "name"), FILES[3:])
def test_pixel_formats_need_a_scene(tmp_path: Path, format: str, name: str) -> None:
    with pytest.raises(OutputInvalid, match="no scene was named"):
        write(MANY, tmp_path / name, info=None, model=None, format=format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("format", "name"), FILES[:4])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_a_cut_file_is_unreadable_and_never_empty(
    tmp_path: Path, format: str, name: str, share: float
) -> None:
    write(MANY, tmp_path / name, info=scene(), model=MODEL, format=format)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DetectionsUnreadable, match=name):
        read(tmp_path / name)


@pytest.mark.parametrize(
    ("format", "name", "content", "said"),
    [
        ("geojson", "a.geojson", "[]", "no GeoJSON"),
        ("geojson", "a.geojson", '{"type": "FeatureCollection", "features": []}', "names no plane"),
        ("geojson", "a.geojson", '{"crs": "pixel", "features": []}', "ground sample distance"),
        ("coco", "a.json", '{"images": [], "annotations": [], "categories": []}', "0 images"),
        ("dota", "a.txt", "gsd:0.5\n0 0 4 0 4 2 0 2 tank 0\n", "class 'tank'; known are plane"),
        ("dota", "a.txt", "gsd:0.5\n0 0 4 0 4 2 0 two plane 0\n", "no DOTA"),
        ("dota", "a.txt", "0 0 4 0 4 2 0 2 plane 0\n", "ground sample distance"),
        ("yolo-obb", "a.txt", "0 0 0 1 0 1 1 0 1\n", "unknown size"),
    ],
)
def test_a_file_that_breaks_its_format_is_refused(
    tmp_path: Path, format: str, name: str, content: str, said: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DetectionsUnreadable, match=said):
        read(tmp_path / name, format=format)


@pytest.mark.parametrize(
    "row", ["5 0 0 1 0 1 1 0 1", "-1 0 0 1 0 1 1 0 1", "0 0 0 1 0 1 1", "0 0 0 1 0 1 1 0 1 0.9"]
)
def test_yolo_rows_of_another_shape_are_refused(tmp_path: Path, row: str) -> None:
    (tmp_path / "a.txt").write_text(row)
    with pytest.raises(DetectionsUnreadable, match="YOLO-OBB"):
        read(tmp_path / "a.txt", format="yolo-obb", info=scene(None))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for name in ("a.geojson", "a.parquet", "a.gpkg", "a.json"):
        with pytest.raises(DetectionsUnreadable, match=name):
            read(tmp_path / name)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/home/someone/base.tif", "base.tif"),
        ("base.tif", "base.tif"),
        (r"C:\Users\someone\base.tif", "base.tif"),
        ("https://me:secret@host.org/a/base.tif?sig=abc#x", "https://host.org/a/base.tif"),
        ("s3://bucket/base.tif", "s3://bucket/base.tif"),
    ],
)
def test_published_names_tell_nothing_private(path: str, said: str) -> None:
    assert public_name(path) == said
