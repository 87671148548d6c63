"""The embedded catalog: one SQLite file in a folder, shared by threads and processes of one computer."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from sqlite3 import IntegrityError
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from dawnlight.errors import CatalogError, ConflictError
from dawnlight.search import (
    Document,
    IntervalSummary,
    Kind,
    Query,
    Summary,
    sort_values,
    time_to_wire,
)
from dawnlight.storage._batches import (
    check_version,
    missing,
    paused_gc,
    prepare_batch,
    require_products,
    settle_batch,
    still_needed,
)
from dawnlight.storage._image_batches import ImageBatch, prepare_images
from dawnlight.storage._intervals import make_binning, require_images
from dawnlight.storage._protocol import CatalogStore, Page
from dawnlight.storage._rules import DEFAULT_OWNERS, prepare_changed, summarize_resolutions
from dawnlight.storage._sql_dialect import bulk_insert, contained_in
from dawnlight.storage._sql_rows import CODECS
from dawnlight.storage._sql_schema import IMAGE_TAG, META, TABLES
from dawnlight.storage._sql_search import TableSearch
from dawnlight.storage._sqlite_copy import write_copy
from dawnlight.storage._sqlite_file import open_file
from dawnlight.storage._sqlite_schema import insert_images
from dawnlight.storage._tokens import Position, check_size, make_token, read_token

if TYPE_CHECKING:
    from dawnlight.storage._sqlite_doctor import Finding
    from dawnlight.storage._uploads import UploadQueue

__all__ = ["SqliteStore"]

_MANY = 200
"""So many documents at once make it worth while to prepare for them."""
_PART = 2_500
"""So many images are prepared while those before them are put into the R*Tree."""
_KINDS_BUT_IMAGES: tuple[Kind, ...] = ("product", "band", "image_upload")
_DEPENDENT: tuple[Kind, ...] = ("band", "image", "image_upload")


class SqliteStore(CatalogStore):
    """A catalog in a folder of this computer.

    The folder holds ``catalog.sqlite`` (with ``-wal`` and ``-shm`` beside it while it is open) and
    ``catalog.lock``. Any number of threads and processes may use it; writers take turns, readers never wait.
    Nothing else may open the file while it is in use, not even to copy it: use `backup`.

    Parameters
    ----------
    folder : str or path
        Where the catalog is.
    create : bool, default True
        Make folder and catalog when they are missing.
    read_only : bool, default False
        Refuse to write; works in folders that this user cannot write.
    timeout : float, default 30
        Seconds to wait for another writer.
    owners : iterable of str, default ("user:local",)
        Owners of products whose maker names none.
    clock : callable, optional
        Returns the time, aware; by default the system's.

    Raises
    ------
    CatalogNotFoundError
        There is no catalog and none may be made.
    CatalogAccessError
        Folder or file cannot be read or written.
    CatalogDamagedError
        The file is no catalog.
    CatalogVersionError
        The file is newer than this Dawnlight, or older and `read_only`.
    ConfigError
        `folder` is a file.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        create: bool = True,
        read_only: bool = False,
        timeout: float = 30.0,
        owners: Iterable[str] = DEFAULT_OWNERS,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.folder = Path(folder).expanduser().absolute()
        self.url = f"sqlite:///{self.folder.as_posix()}"
        self.read_only = read_only
        self._owners = tuple(owners)
        self._clock = clock or (lambda: datetime.now(UTC))
        self._imports = _Imports()
        self._engine = open_file(self.folder, create=create, read_only=read_only, timeout=timeout)

    # -- reading -------------------------------------------------------------------------------------

    def get_many(self, kind: Kind, ids: Sequence[str]) -> list[Document]:
        """Return documents by id; see `CatalogStore.get_many`."""
        codec = CODECS[kind]
        with self._engine.read("reading documents") as connection:
            statement = select(codec.table).where(_id_in(codec.table.c.id, dict.fromkeys(ids)))
            rows = {row.id: row for row in connection.execute(statement)}
        return [codec.from_row(rows[id_]) for id_ in ids if id_ in rows]

    def exists(self, kind: Kind, id: str) -> bool:
        """Tell whether there is such a document; see `CatalogStore.exists`."""
        with self._engine.read("reading documents") as connection:
            return bool(_Lookup(connection).find_existing(kind, [id]))

    def page(self, query: Query, continuation: str | None = None, size: int = 100) -> Page:
        """Return one page of results; see `CatalogStore.page`."""
        position = read_token(query, continuation)
        room = position.room(query, check_size(size))
        if room == 0:
            return Page(documents=[], continuation=None)
        with self._engine.read("searching") as connection:
            documents, more = TableSearch(query).fetch(connection, position.after, room)
        returned = position.returned + len(documents)
        if not more or returned == query.limit:
            return Page(documents=documents, continuation=None)
        end = Position(after=sort_values(query, documents[-1]), returned=returned)
        return Page(documents=documents, continuation=make_token(query, end))

    def count(self, query: Query) -> int:
        """Count the documents that match; see `CatalogStore.count`."""
        with self._engine.read("counting") as connection:
            return TableSearch(query).count(connection)

    def summary(self, query: Query) -> Summary:
        """Add up the images that match; see `CatalogStore.summary`."""
        require_images(query)
        with self._engine.read("summarising") as connection:
            return TableSearch(query).summary(connection)

    def intervals(
        self, query: Query, field: str, interval: str, start: Any = None, end: Any = None
    ) -> list[IntervalSummary]:
        """Add up the images that match by interval of time; see `CatalogStore.intervals`."""
        binning = make_binning(query, field, interval, start, end)
        with self._engine.read("summarising") as connection:
            return TableSearch(query).intervals(connection, binning)

    @property
    def uuid(self) -> str:
        """Identifier of this catalog, the same wherever it is moved."""
        with self._engine.read("reading the catalog's identity") as connection:
            return str(connection.execute(select(META.c.value).where(META.c.name == "uuid")).scalar_one())

    # -- writing -------------------------------------------------------------------------------------

    def create(self, documents: Sequence[Document]) -> list[Document]:
        """Store new documents; see `CatalogStore.create`."""
        with paused_gc(len(documents) >= _MANY):
            now = self._now()
            if len(documents) >= _MANY and (created := self._create_images(documents, now)) is not None:
                return created
            batch = prepare_batch(documents, now, self._owners)
            # Images depend on nothing that only the transaction knows: their rows are made before the lock.
            few = [document for document in batch if document.kind == "image"]
            image_rows = [CODECS["image"].to_row(image) for image in few]
            with self._engine.write("creating documents") as connection:
                batch = settle_batch(batch, _Lookup(connection))
                for kind in _KINDS_BUT_IMAGES:
                    rows = [CODECS[kind].to_row(document) for document in batch if document.kind == kind]
                    _insert_rows(connection, kind, rows)
                _insert_rows(connection, "image", image_rows)
                _insert_tags(connection, zip((row[0] for row in image_rows), few, strict=True))
                renewed = _renew_products(connection, (d for d in batch if d.kind == "band"))
        return [
            renewed.get(document.id, document) if document.kind == "product" else document
            for document in batch
        ]

    def _create_images(self, documents: Sequence[Document], now: str) -> list[Document] | None:
        """Store many images; None, with nothing stored, where one has to be looked at closely."""
        with suppress(_UnexpectedError):
            return self._create_in_parts(documents, now)
        batch = prepare_images(documents, now)
        if batch is None:
            return None
        with self._write_images() as connection:
            settle_batch(batch.documents, _Lookup(connection))  # says what is wrong
            insert_images(connection, [batch], _next_key(connection, "image"))
        return batch.documents

    def _create_in_parts(self, documents: Sequence[Document], now: str) -> list[Document]:
        """Store many images, some of them while others are prepared; nothing, where anything is wrong."""
        parts = (prepare_images(documents[at : at + _PART], now) for at in range(0, len(documents), _PART))
        first = next(parts)  # before others have to wait
        created: list[Document] = []
        with self._write_images() as connection:
            lookup = _Lookup(connection)
            products: set[str] = set()

            def settle() -> Iterator[ImageBatch]:
                for part in chain([first], parts):
                    if part is None:
                        raise _UnexpectedError
                    created.extend(part.documents)
                    products.update(part.products)
                    yield part

            try:
                insert_images(connection, settle(), _next_key(connection, "image"))
            except IntegrityError:
                raise _UnexpectedError from None
            if products - lookup.find_existing("product", products):
                raise _UnexpectedError
        return created

    def _write_images(self) -> AbstractContextManager[Connection]:
        return self._engine.write("creating documents", lazily=self._imports.count > 0)

    @contextmanager
    def importing(self) -> Iterator[None]:
        """Store many images without waiting for the disk each time; see `CatalogStore.importing`."""
        self._imports.count += 1
        try:
            yield
        except BaseException:
            self._imports.count -= 1
            with suppress(CatalogError):
                self._flush()
            raise
        self._imports.count -= 1
        self._flush()

    def _flush(self) -> None:
        """Wait until all that lazy transactions wrote is on disk."""
        # A checkpoint would do it only where no reader is in its way. A write brings to disk all that was
        # written before it; but SQLite leaves out one that changes nothing, so a row is put in and taken out.
        with self._engine.write("writing to disk") as connection:
            connection.execute(META.insert().values(name="flush", value=""))
            connection.execute(delete(META).where(META.c.name == "flush"))

    def update(
        self, kind: Kind, id: str, changes: Mapping[str, Any], *, version: int | None = None
    ) -> Document:
        """Change some attributes of a document; see `CatalogStore.update`."""
        codec = CODECS[kind]
        table = codec.table
        with self._engine.write("updating a document") as connection:
            row = connection.execute(select(table).where(table.c.id == id)).one_or_none()
            if row is None:
                raise missing(kind, id)
            stored = codec.from_row(row)
            check_version(stored, version)
            changed = prepare_changed(stored, changes, self._now())
            require_products([changed], _Lookup(connection))
            values = dict(zip(codec.names, codec.to_row(changed, row.key), strict=True))
            same = (table.c.key == row.key) & (table.c.version == stored.version)
            if connection.execute(update(table).where(same).values(values)).rowcount != 1:
                raise ConflictError(
                    f"{kind} {id!r} was changed meanwhile; reload it and apply the change again"
                )
            if kind == "image" and stored.attributes.get("tags") != changed.attributes.get("tags"):
                connection.execute(delete(IMAGE_TAG).where(IMAGE_TAG.c.image_key == row.key))
                _insert_tags(connection, [(row.key, changed)])
            _renew_products(connection, [changed] if kind == "band" else [])
        return changed

    def delete(self, kind: Kind, id: str) -> bool:
        """Delete a document; see `CatalogStore.delete`."""
        table = TABLES[kind]
        with self._engine.write("deleting a document") as connection:
            if kind == "product":
                still_needed(id, *(_count_related(connection, other, id) for other in _DEPENDENT))
            products = []
            if kind == "band":
                products = list(connection.scalars(select(table.c.product_id).where(table.c.id == id)))
            deleted = connection.execute(delete(table).where(table.c.id == id)).rowcount
            for product in products:
                _renew_product(connection, product)
        return bool(deleted)

    def delete_related(self, product_id: str) -> int:
        """Delete all that belongs to a product; see `CatalogStore.delete_related`."""
        with self._engine.write("deleting the documents of a product") as connection:
            if not _Lookup(connection).find_existing("product", [product_id]):
                raise missing("product", product_id)
            deleted = sum(
                connection.execute(
                    delete(TABLES[kind]).where(TABLES[kind].c.product_id == product_id)
                ).rowcount
                for kind in _DEPENDENT
            )
            _renew_product(connection, product_id)
        return deleted

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Write a copy of the catalog's file, whole and compact, while it is in use.

        Parameters
        ----------
        path : str or path
            A file that does not exist yet. Put it into a folder as ``catalog.sqlite`` to open it. It has its
            name once it is whole and on disk; until then it is ``<path>.part``.

        Raises
        ------
        FileExistsError
            There is such a file.
        CatalogError
            The copy cannot be written.
        """
        target = Path(path).expanduser().absolute()
        if target.exists():
            raise FileExistsError(f"{str(target)!r} exists; name a new file for the backup")
        with self._engine.alone(f"writing the backup {str(target)!r}") as connection:
            write_copy(connection, target)

    def doctor(self, *, deep: bool = False) -> list[Finding]:
        """Examine the catalog; see `dawnlight.storage.doctor`."""
        from dawnlight.storage._sqlite_doctor import examine

        return examine(self._engine, deep=deep)

    @property
    def uploads(self) -> UploadQueue:
        """The queue of uploads; see `CatalogStore.uploads`."""
        from dawnlight.storage._sqlite_uploads import SqliteUploads

        return SqliteUploads(self)

    def _insert(self, connection: Connection, batch: Sequence[Document]) -> list[Document]:
        """Insert a few documents that are prepared, inside a transaction."""
        settled = settle_batch(batch, _Lookup(connection))
        for document in settled:
            row = CODECS[document.kind].to_row(document)
            _insert_rows(connection, document.kind, [row])
            if document.kind == "image":
                _insert_tags(connection, [(row[0], document)])
        return settled

    def _replace(self, connection: Connection, stored: Document, changed: Document) -> None:
        """Put the next version of a document in the place of the one before, inside a transaction."""
        codec = CODECS[changed.kind]
        table = codec.table
        key = connection.execute(select(table.c.key).where(table.c.id == changed.id)).scalar_one()
        values = dict(zip(codec.names, codec.to_row(changed, key), strict=True))
        connection.execute(update(table).where(table.c.key == key).values(values))
        if changed.kind == "image" and stored.get("tags") != changed.get("tags"):
            connection.execute(delete(IMAGE_TAG).where(IMAGE_TAG.c.image_key == key))
            _insert_tags(connection, [(key, changed)])

    def close(self) -> None:
        """Close all connections of this process."""
        self._engine.close()

    def _now(self) -> str:
        return time_to_wire(self._clock())


class _UnexpectedError(Exception):
    """Images cannot be stored as fast as they could be if there was nothing unusual about them."""


class _Imports(threading.local):
    """How many imports of the calling thread are open."""

    count = 0


class _Lookup:
    """What the steps of creating ask, answered inside a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_existing(self, kind: Kind, ids: Collection[str]) -> set[str]:
        """Return those of the ids that exist."""
        if not ids:
            return set()
        columns = TABLES[kind].c
        return set(self._connection.scalars(select(columns.id).where(_id_in(columns.id, ids))))

    def largest_sort_order(self, product_id: str) -> int | None:
        """Return the largest ``sort_order`` of a product's bands."""
        columns = TABLES["band"].c
        statement = select(func.max(columns.sort_order)).where(columns.product_id == product_id)
        found: int | None = self._connection.execute(statement).scalar_one()
        return found


def _id_in(column: ColumnElement[Any], ids: Collection[str]) -> ColumnElement[bool]:
    return column == next(iter(ids)) if len(ids) == 1 else contained_in(column, list(ids))


def _insert_rows(connection: Connection, kind: Kind, rows: Sequence[list[Any]]) -> None:
    """Insert rows, numbered from behind the last one."""
    if not rows:
        return
    for key, row in enumerate(rows, _next_key(connection, kind)):
        row[0] = key
    bulk_insert(connection, TABLES[kind], rows)


def _next_key(connection: Connection, kind: Kind) -> int:
    last: int = connection.execute(select(func.coalesce(func.max(TABLES[kind].c.key), 0))).scalar_one()
    return last + 1


def _insert_tags(connection: Connection, images: Iterable[tuple[int, Document]]) -> None:
    rows = [(tag, key) for key, image in images for tag in dict.fromkeys(image.attributes.get("tags") or ())]
    bulk_insert(connection, IMAGE_TAG, rows)


def _count_related(connection: Connection, kind: Kind, product_id: str) -> int:
    table = TABLES[kind]
    statement = select(func.count()).select_from(table).where(table.c.product_id == product_id)
    return int(connection.execute(statement).scalar_one())


def _renew_products(connection: Connection, bands: Iterable[Document]) -> dict[str, Document]:
    """Bring the resolutions of the products of some bands up to date; return the products."""
    ids = {str(band.attributes["product_id"]) for band in bands}
    return {id_: _renew_product(connection, id_) for id_ in sorted(ids)}


def _renew_product(connection: Connection, id_: str) -> Document:
    """Set what a product tells of its bands. Its version stays: nobody's change is lost by it."""
    bands, codec = CODECS["band"], CODECS["product"]
    statement = select(bands.table).where(bands.table.c.product_id == id_).order_by(bands.table.c.id)
    rows = connection.execute(statement)
    derived = summarize_resolutions(bands.from_row(row).attributes.get("resolution") for row in rows)
    row = connection.execute(select(codec.table).where(codec.table.c.id == id_)).one()
    before = codec.from_row(row)
    attributes = {
        name: value for name, value in {**before.attributes, **derived}.items() if value is not None
    }
    after = Document(kind="product", id=id_, attributes=attributes, version=before.version)
    if after != before:
        values = dict(zip(codec.names, codec.to_row(after, row.key), strict=True))
        connection.execute(update(codec.table).where(codec.table.c.key == row.key).values(values))
    return after
