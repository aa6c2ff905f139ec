"""Invented rows of a series."""

from datetime import UTC, datetime, timedelta

from apronwatch.archive import SeriesRow
from apronwatch.counts import Count, Status

START = datetime(2024, 11, 1, 8, 30, tzinfo=UTC)


def row(
    day,
    seen,
    *,
    name="plane",
    zone="*",
    status=None,
    model="first",
    interval=(None, None, None),
    reasons=(),
    **changed,
):
    """A look `day` days after `START`; without a number it is `unseen` unless told otherwise."""
    status = status or (Status.UNSEEN if seen is None else Status.COMPLETE)
    low, estimate, high = interval
    facts = {
        "time": START + timedelta(days=day),
        "time_precision": "minute",
        "count": Count(
            "base", zone, name, seen, estimate, low, high, 0.0 if seen is None else 1.0, status, reasons
        ),
        "scene_sha256": "a" * 64,
        "scene_identity": "sha256:" + "a" * 64,
        "scene_path": "scene.tif",
        "run_id": int(day * 24),
        "run_ids": (int(day * 24),),
        "model_name": model,
        "model_sha256": (model * 64)[:64],
        "geometry_sha256": "c" * 64,
        "gsd_m": 0.5,
        "synthetic": False,
        "frames": 1,
    }
    return SeriesRow(**(facts | changed))
