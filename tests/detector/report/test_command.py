"""`apronwatch report`, as a user calls it."""

import pytest
from typer.testing import CliRunner

from apronwatch.cli import build
from apronwatch.errors import ArchiveInvalid, SiteUnknown

from . import place


def test_the_command_writes_the_page_and_names_it(counted, tmp_path):
    out = tmp_path / "base.html"
    done = CliRunner().invoke(
        build(),
        ["report", place.HOSTILE_SITE, "--out", str(out), "--archive", counted.name],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    assert done.stdout.strip() == str(out)
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [path.name for path in tmp_path.iterdir()] == ["base.html"]


def test_a_wrong_call_writes_nothing(counted, tmp_path):
    out = ["--out", str(tmp_path / "base.html")]
    for call, error in (
        (["report", "elsewhere", *out, "--archive", counted.name], SiteUnknown),
        (["report", "base", *out, "--archive", str(tmp_path / "none.sqlite")], ArchiveInvalid),
    ):
        with pytest.raises(error):
            CliRunner().invoke(build(), call, catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []
