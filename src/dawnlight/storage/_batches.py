"""The steps of creating several documents at once, the same in every store."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from dawnlight.errors import ConflictError, NotFoundError
from dawnlight.search import Document, Kind
from dawnlight.storage._rules import next_sort_order, prepare_new

__all__ = [
    "Stored",
    "check_version",
    "exists_already",
    "missing",
    "paused_gc",
    "prepare_batch",
    "require_products",
    "settle_batch",
    "still_needed",
]


class Stored(Protocol):
    """What a store must know of its contents while it creates; asked inside its transaction."""

    def find_existing(self, kind: Kind, ids: Collection[str]) -> set[str]:
        """Return those of the ids that exist."""

    def largest_sort_order(self, product_id: str) -> int | None:
        """Return the largest ``sort_order`` of a product's bands; None when it has no bands."""


def prepare_batch(documents: Sequence[Document], now: str, owners: Iterable[str]) -> list[Document]:
    """Do what needs no look at the store: check and complete each document, find ids given twice.

    Raises
    ------
    ValidationError
        A document breaks a rule.
    ConflictError
        Two documents have the same kind and id.
    """
    owners = tuple(owners)
    prepared = [prepare_new(document, now, owners=owners) for document in documents]
    seen: set[tuple[Kind, str]] = set()
    for document in prepared:
        if (document.kind, document.id) in seen:
            raise ConflictError(f"{document.kind} {document.id!r} is given twice")
        seen.add((document.kind, document.id))
    return prepared


def settle_batch(batch: Sequence[Document], stored: Stored) -> list[Document]:
    """Do what needs a look at the store: refuse ids that exist and products that do not, number the bands.

    Raises
    ------
    ConflictError
        A document exists; the message names the first.
    NotFoundError
        A product does not exist.
    """
    existing = {kind: stored.find_existing(kind, ids) for kind, ids in _ids_by_kind(batch).items()}
    for document in batch:
        if document.id in existing[document.kind]:
            raise exists_already(document.kind, document.id)
    require_products(batch, stored)
    orders: dict[str, int | None] = {}
    return [_number(document, orders, stored) if document.kind == "band" else document for document in batch]


def require_products(batch: Sequence[Document], stored: Stored) -> None:
    """Refuse documents whose product is neither stored nor among them.

    Raises
    ------
    NotFoundError
        A product does not exist.
    """
    created = {document.id for document in batch if document.kind == "product"}
    wanted = {product for document in batch if (product := _product_of(document)) is not None} - created
    known = created | stored.find_existing("product", wanted)
    for document in batch:
        product = _product_of(document)
        if product is not None and product not in known:
            raise NotFoundError(
                f"{document.kind} {document.id!r}: there is no product {product!r}; save the product first"
            )


def exists_already(kind: Kind, id_: str) -> ConflictError:
    """Make the error for a document that is to be created and exists."""
    return ConflictError(f"{kind} {id_!r} exists already; change it with update, or delete it")


def missing(kind: Kind, id_: str) -> NotFoundError:
    """Make the error for a document that does not exist."""
    return NotFoundError(f"there is no {kind} {id_!r}")


def check_version(stored: Document, version: int | None) -> None:
    """Refuse a change that was made from another version than the stored one.

    Raises
    ------
    ConflictError
        The versions differ.
    """
    if version is not None and version != stored.version:
        raise ConflictError(
            f"{stored.kind} {stored.id!r} was changed meanwhile: the change was made from version "
            f"{version}, stored "
            f"is version {stored.version}; reload it and apply the change again"
        )


def still_needed(product_id: str, bands: int, images: int, uploads: int) -> None:
    """Refuse to delete a product that others belong to.

    Raises
    ------
    ConflictError
        Any of the numbers is above 0.
    """
    if bands or images or uploads:
        raise ConflictError(
            f"product {product_id!r} still has {bands} bands, {images} images and {uploads} uploads; "
            "delete these first (delete_related_objects)"
        )


@contextmanager
def paused_gc(pause: bool) -> Iterator[None]:
    """Keep the search for reference cycles from walking over a large batch again and again.

    Documents have no cycles, and looking for them takes a third of the time of creating many.
    """
    if not pause or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _product_of(document: Document) -> str | None:
    return None if document.kind == "product" else document.attributes.get("product_id")


def _ids_by_kind(batch: Iterable[Document]) -> dict[Kind, list[str]]:
    found: dict[Kind, list[str]] = {}
    for document in batch:
        found.setdefault(document.kind, []).append(document.id)
    return found


def _number(document: Document, orders: dict[str, int | None], stored: Stored) -> Document:
    product = str(document.attributes["product_id"])
    if product not in orders:
        orders[product] = stored.largest_sort_order(product)
    document = next_sort_order(document, orders[product])
    own = int(document.attributes["sort_order"])
    before = orders[product]
    orders[product] = own if before is None else max(before, own)
    return document
