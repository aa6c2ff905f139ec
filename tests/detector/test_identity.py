"""What makes a scene the same scene again."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from rasterio.windows import Window

from apronwatch.errors import NetworkUnavailable, SceneUnreadable
from apronwatch.remote import public
from apronwatch.scene import Scene
from apronwatch.sceneinfo import SceneInfo
from tests.rasters import make_raster, picture
from tests.web import serve


def info(path: Path | str) -> SceneInfo:
    with Scene.open(path, undated=True, gsd_m=0.5) as scene:
        return scene.info


def sha256sum(*names: str, cwd: Path) -> str:
    """Digest of the last of: `sha256sum FILE`, or `sha256sum A B C | sha256sum`."""
    listed = subprocess.run(["sha256sum", *names], cwd=cwd, check=True, capture_output=True).stdout
    return listed.decode().split()[0] if len(names) == 1 else hashlib.sha256(listed).hexdigest()


def test_one_file_has_the_hash_that_sha256sum_prints(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif")
    found = info(path)
    assert found.sha256 == sha256sum("a.tif", cwd=tmp_path)
    assert found.identity == f"sha256:{found.sha256}"


def test_several_files_have_the_hash_of_what_sha256sum_prints(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif", mask=picture(64, 96, 1)[..., 0] > 100, mask_internal=False)
    assert info(path).sha256 == sha256sum("a.tif", "a.tif.msk", cwd=tmp_path)


def test_a_vrt_is_as_much_as_its_members(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.vrt", mask=picture(64, 96, 1)[..., 0] > 100, mask_internal=False)
    before = info(path)
    assert before.sha256 == sha256sum("a.vrt", "a_member.tif", "a_member.tif.msk", cwd=tmp_path)
    make_raster(tmp_path / "a_member.tif", pixels=255 - picture(64, 96, 3))
    assert info(path).identity != before.identity


def test_the_place_and_the_way_to_it_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        make_raster(tmp_path / name / "a.vrt")
    first = info(tmp_path / "one" / "a.vrt").identity
    assert info(tmp_path / "two" / "a.vrt").identity == first
    monkeypatch.chdir(tmp_path / "one")
    assert info("a.vrt").identity == first
    assert info("../two/a.vrt").identity == first


def test_another_name_of_one_file_is_the_same_scene(tmp_path: Path) -> None:
    first = info(make_raster(tmp_path / "a.tif")).identity
    (tmp_path / "a.tif").rename(tmp_path / "b.tif")
    assert info(tmp_path / "b.tif").identity == first


# Over the web


def test_a_remote_scene_is_read_by_ranges_and_known_by_its_tag(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif", size=(2000, 2000), tiled=True, overviews=(2, 4))
    with serve(tmp_path) as web:
        with Scene.open(f"{web.url}/a.tif", undated=True) as scene:
            pixels, valid = scene.read(Window(700, 800, 50, 40))
            found = scene.info
        read = web.sent_bytes("a.tif")
        assert (pixels == picture(2000, 2000, 3)[800:840, 700:750]).all()
        assert valid.all()
        assert read < path.stat().st_size / 4
        assert (found.sha256, found.identity[:5], found.path) == (None, "etag:", f"{web.url}/a.tif")
        assert info(f"{web.url}/a.tif").identity == found.identity
        stat = path.stat()
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000_000))
        assert info(f"{web.url}/a.tif").identity != found.identity


def test_two_addresses_are_two_scenes_even_under_one_tag(tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        path = make_raster(tmp_path / name)
        os.utime(path, ns=(10**18, 10**18))
    with serve(tmp_path) as web:
        assert info(f"{web.url}/a.tif").identity != info(f"{web.url}/b.tif").identity


def test_a_remote_mask_is_found_and_belongs_to_the_identity(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif", mask=picture(64, 96, 1)[..., 0] > 100, mask_internal=False)
    with serve(tmp_path) as web:
        with Scene.open(f"{web.url}/a.tif", undated=True) as scene:
            masked, valid = scene.info.identity, scene.read(Window(0, 0, 96, 64))[1]
        assert (valid == (picture(64, 96, 1)[..., 0] > 100)).all()
    path.with_name("a.tif.msk").unlink()
    with serve(tmp_path) as web:
        assert info(f"{web.url}/a.tif").identity != masked


ALWAYS = 1000


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apronwatch.remote.RETRY_WAITS_S", (0.0, 0.0))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("suffix", [".tif", ".msk", ".aux.xml", ".ovr", ".json"])
def test_a_busy_server_is_no_server_without_the_file(tmp_path: Path, status: int, suffix: str) -> None:
    make_raster(tmp_path / "a.tif", mask=picture(64, 96, 1)[..., 0] > 100, mask_internal=False)
    (tmp_path / "a.json").write_text("{}")
    name = "a.json" if suffix == ".json" else "a.tif"
    with serve(tmp_path, f"fail={status}:{suffix}:{ALWAYS}") as web:
        with pytest.raises(NetworkUnavailable, match=f"answers {status}") as caught:
            info(f"{web.url}/{name}")
        assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("suffix", [".tif", ".msk"])
def test_a_server_that_is_busy_for_a_moment_is_asked_again(tmp_path: Path, suffix: str) -> None:
    make_raster(tmp_path / "a.tif", mask=picture(64, 96, 1)[..., 0] > 100, mask_internal=False)
    with (
        serve(tmp_path, f"fail=503:{suffix}:2") as web,
        Scene.open(f"{web.url}/a.tif", undated=True) as scene,
    ):
        assert not scene.read(Window(0, 0, 96, 64))[1].all()


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_sidecar_that_a_server_denies_is_not_there(tmp_path: Path, status: int) -> None:
    make_raster(tmp_path / "a.tif")
    with (
        serve(tmp_path, f"fail={status}:.msk:{ALWAYS}") as web,
        Scene.open(f"{web.url}/a.tif", undated=True) as scene,
    ):
        assert scene.warnings == ()


@pytest.mark.parametrize("status", [400, 401, 501])
def test_any_other_answer_about_a_sidecar_is_shown(tmp_path: Path, status: int) -> None:
    make_raster(tmp_path / "a.tif")
    said = rf"a\.tif\.msk: the server answers {status}"
    with (
        serve(tmp_path, f"fail={status}:.msk:{ALWAYS}") as web,
        pytest.raises(SceneUnreadable, match=said),
    ):
        info(f"{web.url}/a.tif")


def test_a_mask_that_is_there_but_cannot_be_read_is_not_left_aside(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif")
    (tmp_path / "a.tif.msk").write_text("<html>Not found</html>")
    with serve(tmp_path) as web:
        for name in (path, f"{web.url}/a.tif"):
            with pytest.raises(SceneUnreadable, match=r"a\.tif\.msk: cannot be read as the mask"):
                info(name)


def test_an_address_with_a_query_says_that_no_mask_is_looked_for(tmp_path: Path) -> None:
    make_raster(tmp_path / "a.tif", mask=picture(64, 96, 1)[..., 0] > 100, mask_internal=False)
    with serve(tmp_path) as web:
        found = info(f"{web.url}/a.tif?token=s3cret").warnings
    assert len(found) == 1
    assert ".msk" in found[0]
    assert "s3cret" not in found[0]


def test_opening_asks_a_server_for_few_things(tmp_path: Path) -> None:
    make_raster(tmp_path / "a.tif")
    with serve(tmp_path) as web:
        info(f"{web.url}/a.tif")
        assert len(web.requests()) < 15


def test_a_signature_is_neither_archived_nor_part_of_the_identity(tmp_path: Path) -> None:
    make_raster(tmp_path / "a.tif")
    with serve(tmp_path) as web:
        one, two = (info(f"{web.url}/a.tif?X-Amz-Signature={secret}") for secret in ("s3cret1", "s3cret2"))
        with pytest.raises(SceneUnreadable) as caught:
            info(f"{web.url}/none.tif?X-Amz-Signature=s3cret1")
    assert one.identity == two.identity
    assert one.path == f"{web.url}/a.tif"
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://user:pw@host/a.tif", "https://host/a.tif"),
        ("https://host/a.tif?sig=abc&se=2026", "https://host/a.tif"),
        ("https://host/get?file=a.tif", "https://host/get?file=a.tif"),
        ("/data/a.tif?sig=x", "/data/a.tif?sig=x"),
    ],
)
def test_what_is_shown_of_an_address(address: str, shown: str) -> None:
    assert public(address) == shown


@pytest.mark.parametrize("flags", [("no-etags",), ("no-heads",), ("no-heads", "no-etags")])
def test_servers_that_say_less(tmp_path: Path, flags: tuple[str, ...]) -> None:
    make_raster(tmp_path / "a.tif")
    with serve(tmp_path, *flags) as web:
        assert info(f"{web.url}/a.tif").identity == info(f"{web.url}/a.tif").identity


def test_a_server_that_names_no_version_is_refused_at_once(tmp_path: Path) -> None:
    make_raster(tmp_path / "a.tif")
    with serve(tmp_path, "no-etags", "no-dates") as web, pytest.raises(SceneUnreadable, match="download it"):
        Scene.open(f"{web.url}/a.tif", undated=True)


def test_a_server_without_ranges_is_named_as_the_reason(tmp_path: Path) -> None:
    make_raster(tmp_path / "a.tif", size=(1200, 1200))
    with serve(tmp_path, "no-ranges") as web, pytest.raises(SceneUnreadable, match="range requests"):
        Scene.open(f"{web.url}/a.tif", undated=True)


def test_addresses_that_lead_nowhere(tmp_path: Path) -> None:
    with serve(tmp_path) as web:
        with pytest.raises(SceneUnreadable, match="404"):
            Scene.open(f"{web.url}/none.tif")
        url = web.url
    with pytest.raises(NetworkUnavailable, match="cannot be reached"):
        Scene.open(f"{url}/none.tif")


def test_a_remote_vrt_is_refused(tmp_path: Path) -> None:
    make_raster(tmp_path / "a.vrt")
    with serve(tmp_path) as web, pytest.raises(SceneUnreadable):
        Scene.open(f"{web.url}/a.vrt", undated=True)


def test_a_local_vrt_of_remote_members(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "near").mkdir()
    make_raster(tmp_path / "far" / "a_member.tif")
    path = make_raster(tmp_path / "near" / "a.vrt")
    with serve(tmp_path / "far") as web:
        text = path.read_text().replace('relativeToVRT="1">a_', f'relativeToVRT="0">/vsicurl/{web.url}/a_')
        path.write_text(text)
        (tmp_path / "near" / "a_member.tif").unlink()
        found = info(path)
    assert found.sha256 is None
    assert found.identity.startswith("etag:")


# Closed and opened again


def test_a_remote_scene_opens_again_unless_its_tag_changed(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif")
    with serve(tmp_path) as web:
        scene = Scene.open(f"{web.url}/a.tif", undated=True)
        scene.close()
        assert (scene.read(Window(0, 0, 96, 64))[0] == picture(64, 96, 3)).all()
        scene.close()
        stat = path.stat()
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000_000))
        with pytest.raises(SceneUnreadable, match="changed since it was opened"):
            scene.read(Window(0, 0, 96, 64))
