"""Version 2: the queue of uploads."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table of the jobs."""
    op.execute(
        """CREATE TABLE upload_job (
    id TEXT NOT NULL,
    due REAL NOT NULL,
    fence INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    worker TEXT,
    payload TEXT NOT NULL,
    PRIMARY KEY (id),
    CHECK (json_valid(payload)),
    FOREIGN KEY(id) REFERENCES upload (id) ON DELETE CASCADE
) STRICT"""
    )
    op.execute("CREATE INDEX upload_job_by_due ON upload_job (due)")
