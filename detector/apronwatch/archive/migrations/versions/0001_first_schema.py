"""The first schema: sites, scenes, runs, detections, counts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "scene",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("paths", sa.JSON(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("time_precision", sa.Text(), nullable=True),
        sa.Column("time_source", sa.Text(), nullable=True),
        sa.Column("earlier_times", sa.JSON(), nullable=False),
        sa.Column("sensor", sa.Text(), nullable=True),
        sa.Column("acquisition", sa.Text(), nullable=True),
        sa.Column("georeferenced", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scene"),
        sa.UniqueConstraint("identity", name="uq_scene_identity"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "site",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("geometry_hash", sa.String(length=64), nullable=False),
        sa.Column("crs", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_site"),
        sa.UniqueConstraint("name", "geometry_hash", name="uq_site_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("masks_hash", sa.Text(), nullable=False),
        sa.Column("scene_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("scene_facts", sa.JSON(), nullable=False),
        sa.Column("model_name", sa.Text(), nullable=False),
        sa.Column("model_sha256", sa.String(length=64), nullable=False),
        sa.Column("model_terms", sa.Text(), nullable=False),
        sa.Column("model_data", sa.Text(), nullable=False),
        sa.Column("model_synthetic_only", sa.JSON(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("pipeline_version", sa.Integer(), nullable=False),
        sa.Column("software_version", sa.Text(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("calibration_hash", sa.Text(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("thresholds", sa.JSON(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("stage_s", sa.JSON(), nullable=False),
        sa.Column("tiles", sa.Integer(), nullable=False),
        sa.Column("crs", sa.Text(), nullable=True),
        sa.Column("unit_m", sa.Double(), nullable=True),
        sa.Column("seen_fractions", sa.JSON(), nullable=False),
        sa.Column("zone_areas_m2", sa.JSON(), nullable=False),
        sa.Column("observed_grid", sa.LargeBinary(), nullable=True),
        sa.Column("saturated", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["scene_id"], ["scene.id"], name="fk_run_scene_id"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_run_site_id"),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.UniqueConstraint("key", "masks_hash", name="uq_run_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_run_scene_id", "run", ["scene_id"], unique=False)
    op.create_index("ix_run_site_id", "run", ["site_id"], unique=False)
    op.create_table(
        "zone",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("max_span_m", sa.Double(), nullable=True),
        sa.Column("geometry", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_zone_site_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site_id", "zone", name="pk_zone"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "count",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("class_name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=True),
        sa.Column("estimate", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("observed_fraction", sa.Double(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "(seen IS NULL) = (status IN ('failed', 'not_modelled', 'out_of_range', 'unseen'))",
            name="ck_count_no_number",
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_count_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "zone", "class_name", name="pk_count"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "detection",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("class_name", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("x1", sa.Double(), nullable=False),
        sa.Column("y1", sa.Double(), nullable=False),
        sa.Column("x2", sa.Double(), nullable=False),
        sa.Column("y2", sa.Double(), nullable=False),
        sa.Column("x3", sa.Double(), nullable=False),
        sa.Column("y3", sa.Double(), nullable=False),
        sa.Column("x4", sa.Double(), nullable=False),
        sa.Column("y4", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_detection_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "position", name="pk_detection"),
        sqlite_with_rowid=False,
    )
