"""Version 3: the numbers of the rows of the R*Tree tell the cloud fraction, too."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

_TIME = "(SELECT coalesce(strftime('%s', substr(NEW.acquired, 1, 19)) / 5000000.0, 1000000.0) AS t)"


def _number(prefix: str, second: bool = False) -> str:
    code = f"coalesce(1 + CAST(min(max({prefix}cloud_fraction, 0.0), 1.0) * 250.0 AS INTEGER), 0)"
    return f"512 * {prefix}key + 2 * {code}{' + 1' if second else ''}"


_FIRST = (
    f"INSERT INTO image_rt SELECT {_number('NEW.')}, NEW.minx, iif(NEW.minx > NEW.maxx, 180.0, NEW.maxx), "
    f"NEW.miny, NEW.maxy, t, t FROM {_TIME}"
)
_SECOND = (
    f"INSERT INTO image_rt SELECT {_number('NEW.', True)}, -180.0, NEW.maxx, NEW.miny, NEW.maxy, t, t "
    f"FROM {_TIME}"
)
_DELETE = (
    f"DELETE FROM image_rt WHERE id = {_number('OLD.')}; "
    f"DELETE FROM image_rt WHERE id = {_number('OLD.', True)};"
)
_WATCHED = ("key", "minx", "miny", "maxx", "maxy", "acquired", "cloud_fraction")
_CHANGED = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in _WATCHED)

_STATEMENTS = (
    "DROP TRIGGER image_rt_insert",
    "DROP TRIGGER image_rt_insert_second",
    "DROP TRIGGER image_rt_delete",
    "DROP TRIGGER image_rt_update",
    "DROP TABLE image_rt",
    "CREATE VIRTUAL TABLE image_rt USING rtree(id, minx, maxx, miny, maxy, mint, maxt)",
    # In the order of time, in which the tree keeps its pages.
    "WITH placed AS MATERIALIZED (SELECT *, "
    "coalesce(strftime('%s', substr(acquired, 1, 19)) / 5000000.0, 1000000.0) AS t "
    "FROM (SELECT key, cloud_fraction, acquired, minx, maxx, miny, maxy FROM image WHERE minx IS NOT NULL)) "
    f"INSERT INTO image_rt SELECT {_number('')}, minx, iif(minx > maxx, 180.0, maxx), miny, maxy, t, t "
    f"FROM placed UNION ALL SELECT {_number('', True)}, -180.0, maxx, miny, maxy, t, t FROM placed "
    "WHERE minx > maxx ORDER BY 6",
    f"CREATE TRIGGER image_rt_insert AFTER INSERT ON image WHEN NEW.minx IS NOT NULL BEGIN {_FIRST}; END",
    "CREATE TRIGGER image_rt_insert_second AFTER INSERT ON image WHEN NEW.minx > NEW.maxx "
    f"BEGIN {_SECOND}; END",
    f"CREATE TRIGGER image_rt_delete AFTER DELETE ON image WHEN OLD.minx IS NOT NULL BEGIN {_DELETE} END",
    f"CREATE TRIGGER image_rt_update AFTER UPDATE OF {', '.join(_WATCHED)} ON image WHEN {_CHANGED} "
    f"BEGIN {_DELETE} {_FIRST} WHERE NEW.minx IS NOT NULL; {_SECOND} WHERE NEW.minx > NEW.maxx; END",
)


def upgrade() -> None:
    """Fill the tree anew; the images stay as they are."""
    for statement in _STATEMENTS:
        # The driver itself, because a colon or a per cent sign means something to SQLAlchemy.
        op.get_bind().exec_driver_sql(statement)
