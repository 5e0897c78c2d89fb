"""The spine: see 0001_spine.sql beside this file."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    # The driver's own cursor: SQLAlchemy would read a % in the SQL as a parameter.
    connection = op.get_bind().connection.driver_connection
    connection.execute(Path(__file__).with_name("0001_spine.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("a district's cases are not unmade: restore a backup instead")
