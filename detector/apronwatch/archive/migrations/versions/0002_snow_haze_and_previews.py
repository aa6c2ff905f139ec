"""What masks tell of snow and haze, and coarse pictures of the ground: none of runs stored before."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Two columns for each run; SQLite appends them without making the table anew."""
    op.add_column("run", sa.Column("noted_fractions", sa.JSON(), nullable=True))
    op.add_column("run", sa.Column("preview", sa.LargeBinary(), nullable=True))
