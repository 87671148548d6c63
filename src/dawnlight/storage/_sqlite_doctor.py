"""Examining an embedded catalog: is the file sound, and does all that is derived agree with its source."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shapely.errors import ShapelyError
from sqlalchemy import Connection, func, select

from dawnlight.errors import CatalogDamagedError, ClientError
from dawnlight.search import KINDS, Kind
from dawnlight.storage._rules import prepare_new, summarize_resolutions
from dawnlight.storage._sql_rows import CODECS
from dawnlight.storage._sql_schema import IMAGE_TAG, TABLES
from dawnlight.storage._sql_tree import key_of_row, row_number
from dawnlight.storage._sqlite_engine import SqliteEngine
from dawnlight.storage._sqlite_errors import translate_errors
from dawnlight.storage._sqlite_file import open_file
from dawnlight.storage._sqlite_schema import schema_statements

__all__ = ["Finding", "doctor", "examine"]

# What documents raise that cannot be read, whatever a foreign hand put into them.
_UNREADABLE = (ClientError, ShapelyError, ValueError, TypeError, KeyError, AttributeError)
_BATCH = 2000
_MOST_FINDINGS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as it must be."""

    check: str
    """Which examination found it: integrity, foreign keys, r*tree, schema, tags or documents."""
    message: str
    """What is wrong, and where."""


def doctor(folder: str | os.PathLike[str], *, deep: bool = False) -> list[Finding]:
    """Examine the embedded catalog in a folder, without changing it.

    Parameters
    ----------
    folder : str or path
        The catalog's folder.
    deep : bool, default False
        Also read every document: does it follow the rules, and do the columns, bounds and tags that were
        derived from it agree? About a minute for a million images.

    Returns
    -------
    list of Finding
        Empty for a sound catalog; at most 100 of each check.

    Raises
    ------
    CatalogNotFoundError
        There is no catalog.
    CatalogAccessError
        It cannot be read.
    CatalogVersionError
        It has another version than this Dawnlight.
    """
    try:
        engine = open_file(Path(folder).expanduser().absolute(), create=False, read_only=True, timeout=30.0)
    except CatalogDamagedError as error:
        return [Finding(check="integrity", message=str(error))]
    try:
        return examine(engine, deep=deep)
    finally:
        engine.close()


def examine(engine: SqliteEngine, *, deep: bool) -> list[Finding]:
    """Examine an open catalog; see `doctor`."""
    checks: list[tuple[str, Callable[[Connection], Iterator[str]]]] = [
        ("integrity", _check_integrity),
        ("foreign keys", _check_foreign_keys),
        ("r*tree", _check_rtree),
        ("schema", _check_schema),
    ]
    if deep:
        checks += [("tags", _check_tags), ("r*tree", _check_rtree_rows), ("documents", _check_documents)]
    findings: list[Finding] = []
    for name, check in checks:
        try:
            with (
                engine.read("examining the catalog") as connection,
                translate_errors(engine.path, "examining"),
            ):
                for count, message in enumerate(check(connection)):
                    if count == _MOST_FINDINGS:
                        findings.append(Finding(check=name, message="... and more"))
                        break
                    findings.append(Finding(check=name, message=message))
        except CatalogDamagedError as error:
            findings.append(Finding(check=name, message=str(error)))
    return findings


def _check_integrity(connection: Connection) -> Iterator[str]:
    for row in connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST_FINDINGS})"):
        if row[0] != "ok":
            yield str(row[0])


def _check_foreign_keys(connection: Connection) -> Iterator[str]:
    for table, key, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield f"row {key} of {table} refers to a row of {parent} that does not exist"


def _check_rtree(connection: Connection) -> Iterator[str]:
    answer = connection.exec_driver_sql("SELECT rtreecheck('image_rt')").scalar_one()
    if answer != "ok":
        yield from str(answer).splitlines()


def _check_schema(connection: Connection) -> Iterator[str]:
    """Compare the statements that made the file with those that would make a new one."""
    found = {
        _squeeze(row[0]) for row in connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE sql > ''")
    }
    expected = {_squeeze(statement) for statement in schema_statements()}
    for statement in sorted(expected - found):
        yield f"missing or changed: {statement[:80]}"
    shadows = ('CREATE TABLE "image_rt_', "CREATE TABLE sqlite_")
    for statement in sorted(found - expected):
        if not statement.startswith(shadows):
            yield f"not part of the catalog: {statement[:80]}"


def _check_tags(connection: Connection) -> Iterator[str]:
    images = TABLES["image"].c
    listed = func.json_each(images.body, "$.tags").table_valued("value")
    derived = select(IMAGE_TAG.c.image_key, IMAGE_TAG.c.tag)
    actual = select(images.key, listed.c.value).join_from(TABLES["image"], listed, images.key == images.key)
    for key, tag in connection.execute(actual.except_(derived)):
        yield f"image with key {key}: the tag {tag!r} cannot be found by"
    for key, tag in connection.execute(derived.except_(actual)):
        yield f"image with key {key}: is found by the tag {tag!r}, which it does not have"


def _check_rtree_rows(connection: Connection) -> Iterator[str]:
    """Compare the rows of the R*Tree with those that the bounds of the images ask for."""
    expected = (
        f"SELECT {row_number()} FROM image WHERE minx IS NOT NULL "
        f"UNION ALL SELECT {row_number(second=True)} FROM image WHERE minx > maxx"
    )
    for (row,) in connection.exec_driver_sql(f"{expected} EXCEPT SELECT id FROM image_rt"):
        yield f"image with key {key_of_row(row)} cannot be found by its place"
    for (row,) in connection.exec_driver_sql(f"SELECT id FROM image_rt EXCEPT SELECT * FROM ({expected})"):
        yield f"the R*Tree has row {row}, whose image does not lie there"


def _check_documents(connection: Connection) -> Iterator[str]:
    for kind in KINDS:
        yield from _check_kind(connection, kind)
    bands, products = CODECS["band"], CODECS["product"]
    for row in connection.execute(select(products.table)):
        product = products.from_row(row)
        own = select(bands.table).where(bands.table.c.product_id == product.id).order_by(bands.table.c.id)
        resolutions = [bands.from_row(band).attributes.get("resolution") for band in connection.execute(own)]
        for name, value in summarize_resolutions(resolutions).items():
            if product.attributes.get(name) != value:
                yield f"product {product.id!r}: {name} is not that of its bands"


def _check_kind(connection: Connection, kind: Kind) -> Iterator[str]:
    codec = CODECS[kind]
    for rows in connection.execute(select(codec.table)).partitions(_BATCH):
        for row in rows:
            try:
                document = codec.from_row(row)
                prepare_new(document, str(document.attributes["created"]))
                again = codec.to_row(document, row.key)
            except _UNREADABLE as error:
                yield f"{kind} {row.id!r}: {error}"
                continue
            for name, stored, derived in zip(codec.names, row, again, strict=True):
                if stored != derived:
                    yield f"{kind} {row.id!r}: the column {name} does not agree with the document"


def _squeeze(statement: str) -> str:
    return " ".join(statement.split())
