"""What all commands share: opening the catalog, finding objects in it, and printing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from dawnlight.errors import NotFoundError, ParameterError

if TYPE_CHECKING:
    from dawnlight.catalog import CatalogClient
    from dawnlight.search import Document

__all__ = [
    "catalog_option",
    "find_document",
    "find_product",
    "is_terminal",
    "json_option",
    "kind_option",
    "limit_option",
    "open_client",
    "plain",
    "show",
    "table",
]

catalog_option = click.option(
    "--catalog",
    "-c",
    metavar="FOLDER_OR_URL",
    help="Catalog to use. Default: DAWNLIGHT_CATALOG, dawnlight.toml, or a folder among the user's data.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
limit_option = click.option(
    "--limit", "-n", default=50, show_default=True, type=click.IntRange(min=0), help="Most to list; 0: all."
)
kind_option = click.option(
    "--kind",
    "-k",
    type=click.Choice(["product", "band", "image", "upload"]),
    help="What it is; needed only where a band and an image have the same id.",
)


@contextmanager
def open_client(
    catalog: str | None, *, create: bool = True, read_only: bool = False, adopt: bool = True
) -> Iterator[CatalogClient]:
    """Open the catalog for one command; see `dawnlight.catalog.open`."""
    from dawnlight.catalog import open as open_catalog

    client = open_catalog(catalog, create=create, read_only=read_only, adopt=adopt)
    try:
        yield client
    finally:
        client.close()


def find_product(client: CatalogClient, product: str) -> Document:
    """Return a product, whose id may be given without the namespace."""
    from dawnlight.catalog import Product

    product_id = Product.namespace_id(product, client=client)
    found = client.store.get("product", product_id)
    if found is None:
        raise NotFoundError(f"there is no product {product_id!r} in the catalog {client.store.url}")
    return found


def find_document(client: CatalogClient, id_: str, kind: str | None) -> Document:
    """Return the one object with an id; which kind it is need not be known."""
    from dawnlight.catalog import Product
    from dawnlight.search import KINDS, Kind

    wanted: tuple[Kind, ...] = KINDS
    if kind is not None:
        wanted = tuple(each for each in KINDS if each.removeprefix("image_") == kind)
    found = [document for each in wanted if (document := client.store.get(each, id_)) is not None]
    if not found and "product" in wanted:
        product = client.store.get("product", Product.namespace_id(id_, client=client))
        found = [] if product is None else [product]
    if not found:
        raise NotFoundError(f"there is no {kind or 'object'} {id_!r} in the catalog {client.store.url}")
    if len(found) > 1:
        names = " and ".join(document.kind.removeprefix("image_") for document in found)
        raise ParameterError(f"{id_!r} is the id of several: {names}; say which with --kind")
    return found[0]


def plain(document: Document) -> dict[str, Any]:
    """Return an object as JSON: kind, id and the attributes that have a value."""
    attributes = {
        name: value
        for name, value in document.attributes.items()
        # What the files say about themselves serves the reading of pixels and no reader.
        if value is not None and name != "file_headers"
    }
    return {"kind": document.kind, "id": document.id, **attributes}


def is_terminal() -> bool:
    """Tell whether a person reads what is printed."""
    return sys.stdout.isatty()


def show(rows: Sequence[dict[str, Any]], as_json: bool, *, empty: str) -> None:
    """Print rows as a table or as JSON; `empty` is said where there are none."""
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif not rows:
        click.echo(empty)
    else:
        for line in table(rows):
            click.echo(line)


def table(rows: Sequence[dict[str, Any]]) -> Iterable[str]:
    """Yield the lines of a table: text to the left, numbers to the right."""
    columns = list(rows[0])
    cells = [["" if row[name] is None else str(row[name]) for name in columns] for row in rows]
    widths = [max(len(name), *(len(line[at]) for line in cells)) for at, name in enumerate(columns)]
    right = [all(isinstance(row[name], (int, float, type(None))) for row in rows) for name in columns]
    for line in (columns, *cells):
        yield "  ".join(
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
