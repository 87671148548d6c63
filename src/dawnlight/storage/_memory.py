"""The store that forgets: documents in dictionaries, answers by the model of the search layer.

Every other store is tested against this one, so it does the plain thing everywhere.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dawnlight.errors import CatalogAccessError, CatalogError
from dawnlight.search import (
    KINDS,
    Document,
    IntervalSummary,
    Kind,
    Query,
    Summary,
    intervals,
    place,
    run,
    sort_values,
    summarize,
    time_to_wire,
)
from dawnlight.storage._batches import (
    check_version,
    missing,
    prepare_batch,
    require_products,
    settle_batch,
    still_needed,
)
from dawnlight.storage._intervals import make_binning, require_images
from dawnlight.storage._memory_uploads import MemoryJobs, MemoryUploads
from dawnlight.storage._protocol import CatalogStore, Page
from dawnlight.storage._rules import DEFAULT_OWNERS, prepare_changed, summarize_resolutions
from dawnlight.storage._tokens import Position, check_size, make_token, read_token

__all__ = ["MemoryStore"]

_DEPENDENT: tuple[Kind, ...] = ("band", "image", "image_upload")


class MemoryStore(CatalogStore):
    """A catalog that lives as long as the process.

    Parameters
    ----------
    name : str, default ""
        Part of the url.
    owners : iterable of str, default ("user:local",)
        Owners of products whose maker names none.
    clock : callable, optional
        Returns the time, aware; by default the system's.

    Examples
    --------
    >>> from dawnlight.search import Document
    >>> from dawnlight.storage import MemoryStore
    >>> store = MemoryStore()
    >>> stored = store.create([Document(kind="product", id="p", attributes={"name": "My product"})])
    >>> store.get("product", "p").attributes["owners"]
    ['user:local']
    """

    def __init__(
        self,
        name: str = "",
        *,
        owners: Iterable[str] = DEFAULT_OWNERS,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.url = f"memory://{name}"
        self.read_only = False
        self._owners = tuple(owners)
        self._clock = clock or (lambda: datetime.now(UTC))
        self._lock = threading.RLock()
        self._closed = False
        self._documents: dict[Kind, dict[str, Document]] = {kind: {} for kind in KINDS}
        self._jobs = MemoryJobs()

    def view(self, *, read_only: bool = False) -> MemoryStore:
        """Return another store on the same documents, which is closed by itself."""
        other = MemoryStore(owners=self._owners, clock=self._clock)
        other.url, other.read_only = self.url, read_only
        other._lock, other._documents = self._lock, self._documents
        other._jobs = self._jobs
        return other

    # -- reading -------------------------------------------------------------------------------------

    def get_many(self, kind: Kind, ids: Sequence[str]) -> list[Document]:
        """Return documents by id; see `CatalogStore.get_many`."""
        with self._reading():
            found = (self._documents[kind].get(id_) for id_ in ids)
            return [_copy(document) for document in found if document is not None]

    def page(self, query: Query, continuation: str | None = None, size: int = 100) -> Page:
        """Return one page of results; see `CatalogStore.page`."""
        position = read_token(query, continuation)
        room = position.room(query, check_size(size))
        found = self._run(query)
        if position.after is not None:
            after = place(query, position.after)
            found = [document for document in found if place(query, sort_values(query, document)) > after]
        documents = found[:room]
        returned = position.returned + len(documents)
        more = len(found) > room and (query.limit is None or returned < query.limit)
        token = None
        if more:
            end = Position(after=sort_values(query, documents[-1]), returned=returned)
            token = make_token(query, end)
        return Page(documents=[_copy(document) for document in documents], continuation=token)

    def count(self, query: Query) -> int:
        """Count the documents that match; see `CatalogStore.count`."""
        return len(self._run(query))

    def summary(self, query: Query) -> Summary:
        """Add up the images that match; see `CatalogStore.summary`."""
        require_images(query)
        return summarize(self._run(query))

    def intervals(
        self, query: Query, field: str, interval: str, start: Any = None, end: Any = None
    ) -> list[IntervalSummary]:
        """Add up the images that match by interval of time; see `CatalogStore.intervals`."""
        binning = make_binning(query, field, interval, start, end)
        return intervals(self._run(query), binning.field, binning.interval, binning.start, binning.end)

    def _run(self, query: Query) -> list[Document]:
        """Find all matches in order, whatever the limit."""
        with self._reading():
            return run(query.limited(None), self._documents[query.kind].values())

    # -- writing -------------------------------------------------------------------------------------

    def create(self, documents: Sequence[Document]) -> list[Document]:
        """Store new documents; see `CatalogStore.create`."""
        with self._writing():
            batch = prepare_batch(documents, self._now(), self._owners)
            batch = settle_batch(batch, self)
            for document in batch:
                self._documents[document.kind][document.id] = document
            self._renew_products(document for document in batch if document.kind == "band")
            return [_copy(self._documents[document.kind][document.id]) for document in batch]

    def update(
        self, kind: Kind, id: str, changes: Mapping[str, Any], *, version: int | None = None
    ) -> Document:
        """Change some attributes of a document; see `CatalogStore.update`."""
        with self._writing():
            stored = self._documents[kind].get(id)
            if stored is None:
                raise missing(kind, id)
            check_version(stored, version)
            changed = prepare_changed(stored, changes, self._now())
            require_products([changed], self)
            self._documents[kind][id] = changed
            self._renew_products([changed] if kind == "band" else [])
            return _copy(changed)

    def delete(self, kind: Kind, id: str) -> bool:
        """Delete a document; see `CatalogStore.delete`."""
        with self._writing():
            document = self._documents[kind].get(id)
            if document is None:
                return False
            if kind == "product":
                still_needed(id, *(len(self._related(other, id)) for other in _DEPENDENT))
            del self._documents[kind][id]
            self._renew_products([document] if kind == "band" else [])
            return True

    def delete_related(self, product_id: str) -> int:
        """Delete all that belongs to a product; see `CatalogStore.delete_related`."""
        with self._writing():
            if product_id not in self._documents["product"]:
                raise missing("product", product_id)
            related = [document for kind in _DEPENDENT for document in self._related(kind, product_id)]
            for document in related:
                del self._documents[document.kind][document.id]
            self._renew_products(document for document in related if document.kind == "band")
            return len(related)

    @property
    def uploads(self) -> MemoryUploads:
        """The queue of uploads; see `CatalogStore.uploads`."""
        return MemoryUploads(self, self._jobs)

    def close(self) -> None:
        """Refuse further use. The documents live on with other stores of the same name."""
        self._closed = True

    # -- what the batch steps ask --------------------------------------------------------------------

    def find_existing(self, kind: Kind, ids: Collection[str]) -> set[str]:
        """Return those of the ids that exist."""
        return {id_ for id_ in ids if id_ in self._documents[kind]}

    def largest_sort_order(self, product_id: str) -> int | None:
        """Return the largest ``sort_order`` of a product's bands."""
        orders = [document.attributes.get("sort_order") for document in self._related("band", product_id)]
        return max((order for order in orders if order is not None), default=None)

    # -- helpers -------------------------------------------------------------------------------------

    def _reading(self) -> threading.RLock:
        if self._closed:
            raise CatalogError(f"the catalog {self.url!r} was closed; open it again")
        return self._lock

    def _writing(self) -> threading.RLock:
        if self.read_only:
            raise CatalogAccessError(f"{self.url!r} was opened with read_only=True")
        return self._reading()

    def _now(self) -> str:
        return time_to_wire(self._clock())

    def _related(self, kind: Kind, product_id: str) -> list[Document]:
        found = [d for d in self._documents[kind].values() if d.attributes.get("product_id") == product_id]
        return sorted(found, key=lambda document: document.id)

    def _renew_products(self, bands: Iterable[Document]) -> None:
        """Bring the resolutions of the products of some bands up to date; their versions stay."""
        for id_ in {band.attributes["product_id"] for band in bands}:
            product = self._documents["product"][id_]
            derived = summarize_resolutions(
                band.attributes.get("resolution") for band in self._related("band", id_)
            )
            attributes = {**product.attributes, **derived}
            self._documents["product"][id_] = Document(
                kind="product",
                id=id_,
                attributes={name: value for name, value in attributes.items() if value is not None},
                version=product.version,
            )


def _copy(document: Document) -> Document:
    return Document(
        kind=document.kind,
        id=document.id,
        attributes={name: _copy_json(value) for name, value in document.attributes.items()},
        version=document.version,
    )


def _copy_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy_json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_copy_json(part) for part in value]
    return value
