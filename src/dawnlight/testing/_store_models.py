"""A catalog store against its model, under random documents, queries and histories.

Needs the packages ``hypothesis`` and ``pytest``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dawnlight.errors import DawnlightError
from dawnlight.search import KINDS, Document, Kind, Query, run
from dawnlight.storage import CatalogStore, MemoryStore
from dawnlight.storage._attributes import CHECKS
from dawnlight.storage._checks import Refusal
from dawnlight.testing._strategies import documents, queries

__all__ = ["PRODUCTS", "assert_same_answers", "clear", "fixed_clock", "make_store_machine", "storable"]

PRODUCTS = tuple(
    Document(kind="product", id=id_, attributes={"name": f"Product {id_}"}) for id_ in ("p", "q", "org:p")
)
"""The products that documents made by the strategies belong to."""


def fixed_clock() -> datetime:
    """Return the same time at every call, so that stores can be compared."""
    return datetime(2024, 1, 1, tzinfo=UTC)


def storable(document: Document) -> Document:
    """Take from a document what the rules of the catalog refuse.

    Parameters
    ----------
    document : Document
        Made by a strategy, which knows the types of attributes but not their closed sets.

    Returns
    -------
    Document
        One that every store accepts.
    """
    attributes: dict[str, Any] = {}
    for name, value in document.attributes.items():
        if name in ("owners", "readers", "writers") and isinstance(value, list):
            value = [f"user:{item}!" for item in value]
        try:
            CHECKS[document.kind][name](value)
        except (Refusal, KeyError):
            continue
        attributes[name] = value
    if document.kind == "product":
        attributes.setdefault("name", "A product")
    if attributes.get("type") == "mask":
        attributes["data_range"] = attributes["display_range"] = [0, 1]
    return Document(kind=document.kind, id=document.id, attributes=attributes)


def clear(store: CatalogStore) -> None:
    """Delete everything in a store."""
    for product in list(store.search(Query(kind="product"))):
        store.delete_related(product.id)
        store.delete("product", product.id)
    for upload in list(store.search(Query(kind="image_upload"))):
        store.delete("image_upload", upload.id)


def assert_same_answers(store: CatalogStore, query: Query, stored: list[Document]) -> None:
    """Check every way to ask a store against the model of the search layer.

    Parameters
    ----------
    store : CatalogStore
        The store.
    query : Query
        What to ask.
    stored : list of Document
        All documents of the query's kind that it holds.
    """
    expected = run(query, stored)
    everything = run(query.limited(None), stored)
    assert list(store.search(query)) == expected, query
    assert _read_pages(store, query, 2) == expected, query
    assert store.count(query) == len(everything), query
    if query.kind == "image":
        sizes = [sum(f.get("size_bytes") or 0 for f in d.get("files") or []) for d in everything]
        summary = store.summary(query)
        assert (summary.count, summary.bytes) == (len(everything), sum(sizes)), query
        assert summary.products == tuple(sorted({d.attributes["product_id"] for d in everything})), query
        dated = [d for d in everything if d.get("acquired") is not None]
        assert sum(part.count for part in store.intervals(query, "acquired", "week")) == len(dated), query


def _read_pages(store: CatalogStore, query: Query, size: int) -> list[Document]:
    found: list[Document] = []
    continuation = None
    while True:
        page = store.page(query, continuation, size)
        assert len(page.documents) <= size
        assert page.documents or page.continuation is None, "a page with a continuation must not be empty"
        found += page.documents
        continuation = page.continuation
        if continuation is None:
            return found


class _StoreMachine(RuleBasedStateMachine):
    """Random histories on a store and on the memory store."""

    open_store: Callable[[], CatalogStore]

    def __init__(self) -> None:
        super().__init__()
        self.model = MemoryStore(clock=fixed_clock)
        self.store = self.open_store()

    def teardown(self) -> None:
        self.store.close()

    def both(self, action: Callable[[CatalogStore], Any]) -> Any:
        """Do the same to both; they must return the same or fail in the same way."""
        outcomes = [_outcome(action, store) for store in (self.model, self.store)]
        assert outcomes[0] == outcomes[1]
        return outcomes[0]

    @rule(data=st.data(), kinds=st.lists(st.sampled_from(KINDS), max_size=4))
    def create(self, data: st.DataObject, kinds: list[Kind]) -> None:
        batch = [storable(data.draw(documents(kind))) for kind in kinds]
        self.both(lambda store: store.create(batch))

    @rule(product=st.sampled_from(PRODUCTS))
    def create_product(self, product: Document) -> None:
        self.both(lambda store: store.create([product]))

    @rule(data=st.data(), kind=st.sampled_from(KINDS), version=st.sampled_from([None, 1, 2, 3]))
    def update(self, data: st.DataObject, kind: Kind, version: int | None) -> None:
        other = storable(data.draw(documents(kind)))
        changes: Mapping[str, Any] = {
            name: data.draw(st.none() | st.just(value)) if name != "type" else value
            for name, value in other.attributes.items()
        }
        self.both(lambda store: store.update(kind, other.id, changes, version=version))

    @rule(data=st.data(), kind=st.sampled_from(KINDS))
    def delete(self, data: st.DataObject, kind: Kind) -> None:
        identity = data.draw(documents(kind)).id
        self.both(lambda store: store.delete(kind, identity))

    @rule(product=st.sampled_from(PRODUCTS))
    def delete_related(self, product: Document) -> None:
        self.both(lambda store: store.delete_related(product.id))

    @rule(data=st.data(), kind=st.sampled_from(KINDS))
    def ask(self, data: st.DataObject, kind: Kind) -> None:
        query = data.draw(queries(kind))
        assert_same_answers(self.store, query, list(self.model.search(Query(kind=kind))))

    @rule(interval=st.sampled_from(["year", "quarter", "month", "week", "day", "hour", "minute"]))
    def intervals(self, interval: str) -> None:
        query = Query(kind="image")
        self.both(lambda store: store.intervals(query, "acquired", interval, "1970", "2023-07-01T12:00:00Z"))

    @invariant()
    def same_documents(self) -> None:
        for kind in KINDS:
            query = Query(kind=kind)
            assert list(self.store.search(query)) == list(self.model.search(query))


def make_store_machine(open_store: Callable[[], CatalogStore]) -> type[RuleBasedStateMachine]:
    """Make a test that runs random histories on a store and on the memory store, which must agree throughout.

    Parameters
    ----------
    open_store : callable
        Opens an empty store whose clock is `fixed_clock`. It is closed by the test.

    Returns
    -------
    type
        Its attribute ``TestCase`` is what pytest collects.
    """
    return type("StoreMachine", (_StoreMachine,), {"open_store": staticmethod(open_store)})


def _outcome(action: Callable[[CatalogStore], Any], store: CatalogStore) -> tuple[str, Any]:
    try:
        return "returned", action(store)
    except DawnlightError as error:
        return type(error).__name__, str(error)
