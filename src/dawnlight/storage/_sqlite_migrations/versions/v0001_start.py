"""Version 1, where all catalogs start.

There is nothing to do: new files are made at the newest version by `dawnlight.storage._sqlite_schema`, and
none older than this one exist.
"""

from __future__ import annotations

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Leave the file as it is."""
