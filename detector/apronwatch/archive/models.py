"""The archive's tables.

A run belongs to one scene and one version of a site; its detections and counts go with it. Counts are
derived: they are replaced whole, and the database itself refuses a number where nothing can be said.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from apronwatch.counts import NO_NUMBER


class UtcTime(TypeDecorator[datetime]):
    """An instant, kept in UTC (SQLite knows no time zones); a naive time is a `ValueError`."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC, without the zone where the database would drop it anyway."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"time {value.isoformat()} has no zone; the archive keeps instants in UTC")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """An aware datetime in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Tables with constraint names that a migration can refer to on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: Mapping[Any, Any] = {
        str: Text,
        float: Double,
        bytes: LargeBinary,
        datetime: UtcTime,
        dict[str, Any]: JSON(none_as_null=True),
        list[Any]: JSON(none_as_null=True),
    }


class SiteTable(Base):
    """One version of a site: a changed geometry is a new row, and counts keep pointing at theirs."""

    __tablename__ = "site"
    __table_args__ = (UniqueConstraint("name", "geometry_hash"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    geometry_hash: Mapped[str] = mapped_column(String(64))
    crs: Mapped[str]
    zones: Mapped[list["ZoneTable"]] = relationship(
        order_by="ZoneTable.position", cascade="all, delete-orphan", passive_deletes=True, lazy="raise"
    )


_WITHOUT_ROWID: dict[str, Any] = {"sqlite_with_rowid": False}
"""Rows lie in the order of their primary key, which starts with what they belong to."""


class ZoneTable(Base):
    """One polygon of a site, as WKB in the site's own CRS."""

    __tablename__ = "zone"
    __table_args__ = _WITHOUT_ROWID

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"), primary_key=True)
    zone: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    kind: Mapped[str]
    name: Mapped[str | None]
    max_span_m: Mapped[float | None]
    geometry: Mapped[bytes]


class SceneTable(Base):
    """One file, by content: what identifies, dates and groups it. Its other facts stand at each run."""

    __tablename__ = "scene"
    __table_args__ = (UniqueConstraint("identity"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    identity: Mapped[str]
    sha256: Mapped[str | None]
    paths: Mapped[list[Any]]
    """Every path that led to these bits, the latest last."""
    time: Mapped[datetime | None]
    time_precision: Mapped[str | None]
    time_source: Mapped[str | None]
    earlier_times: Mapped[list[Any]]
    """What `time`, `time_precision` and `time_source` were before, and until when: oldest first."""
    sensor: Mapped[str | None]
    acquisition: Mapped[str | None]
    georeferenced: Mapped[bool]


class RunTable(Base):
    """One pass of one model over one scene for one site, done or failed."""

    __tablename__ = "run"
    __table_args__ = (UniqueConstraint("key", "masks_hash"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
    masks_hash: Mapped[str]
    scene_id: Mapped[int] = mapped_column(ForeignKey("scene.id"), index=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    failure: Mapped[str | None]
    """Why it failed; None for a run that is done."""
    scene_facts: Mapped[dict[str, Any]]
    """`SceneInfo.to_dict()` as this run saw the scene; the time that counts is the scene's."""
    model_name: Mapped[str]
    model_sha256: Mapped[str] = mapped_column(String(64))
    model_terms: Mapped[str]
    model_data: Mapped[str]
    model_synthetic_only: Mapped[list[Any]]
    parameters: Mapped[dict[str, Any]]
    pipeline_version: Mapped[int]
    software_version: Mapped[str]
    stored_at: Mapped[datetime]
    asked_at: Mapped[datetime]
    """When its numbers were last asked for: of several runs of a scene the last one asked for stands for it."""
    calibration_hash: Mapped[str]
    counted_at: Mapped[datetime]
    thresholds: Mapped[dict[str, Any]]
    device: Mapped[str]
    stage_s: Mapped[dict[str, Any]]
    tiles: Mapped[int]
    crs: Mapped[str | None]
    unit_m: Mapped[float | None]
    seen_fractions: Mapped[dict[str, Any]]
    zone_areas_m2: Mapped[dict[str, Any]]
    observed_grid: Mapped[bytes | None]
    saturated: Mapped[bytes | None]
    noted_fractions: Mapped[dict[str, Any] | None]
    """`Visibility.noted`; None of a run that was stored before they were kept."""
    preview: Mapped[bytes | None]

    scene: Mapped[SceneTable] = relationship(lazy="raise")
    site: Mapped[SiteTable] = relationship(lazy="raise")


class DetectionTable(Base):
    """One oriented box: corners 1 to 4 in order around it, in the plane (`crs`, `unit_m`) of its run."""

    __tablename__ = "detection"
    __table_args__ = _WITHOUT_ROWID

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    class_name: Mapped[str]
    score: Mapped[float]
    truncated: Mapped[bool]
    hidden: Mapped[bool]
    x1: Mapped[float]
    y1: Mapped[float]
    x2: Mapped[float]
    y2: Mapped[float]
    x3: Mapped[float]
    y3: Mapped[float]
    x4: Mapped[float]
    y4: Mapped[float]


_NO_NUMBER = ", ".join(f"'{status.value}'" for status in sorted(NO_NUMBER))


class CountTable(Base):
    """One count: a row for each zone (and `*`) and class of a run."""

    __tablename__ = "count"
    __table_args__ = (
        CheckConstraint(f"(seen IS NULL) = (status IN ({_NO_NUMBER}))", name="no_number"),
        _WITHOUT_ROWID,
    )

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    zone: Mapped[str] = mapped_column(primary_key=True)
    class_name: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    seen: Mapped[int | None]
    estimate: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    observed_fraction: Mapped[float | None]
    status: Mapped[str]
    reasons: Mapped[list[Any]]
