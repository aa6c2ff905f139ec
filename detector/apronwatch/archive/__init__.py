"""What was seen, kept: scenes, runs, detections and counts, in SQLite or PostgreSQL."""

from apronwatch.archive.archive import Archive
from apronwatch.archive.dating import ArchivedTime, contradict
from apronwatch.archive.rows import ArchivedRun, Redated, RunRow, SeriesRow, StoredRun
from apronwatch.archive.upgrade import Upgraded

__all__ = [
    "Archive",
    "ArchivedRun",
    "ArchivedTime",
    "Redated",
    "RunRow",
    "SeriesRow",
    "StoredRun",
    "Upgraded",
    "contradict",
]
