"""The commands that list: ``ls``, ``get``, ``products`` and ``images``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from dawnlight._cli._common import (
    catalog_option,
    find_document,
    find_product,
    json_option,
    kind_option,
    limit_option,
    open_client,
    plain,
    show,
)

if TYPE_CHECKING:
    from dawnlight.catalog import CatalogClient
    from dawnlight.search import Document, Query

__all__ = ["get", "image_row", "images", "ls", "products"]

_NO_PRODUCTS = "The catalog has no products; make one with: dawnlight add PRODUCT FILE..."


@click.command()
@click.argument("product", required=False)
@catalog_option
@limit_option
@json_option
def ls(product: str | None, catalog: str | None, limit: int, as_json: bool) -> None:
    """List the products of the catalog, or the bands and images of PRODUCT."""
    with open_client(catalog, create=False, adopt=False) as client:
        if product is None:
            rows = _product_rows(client, limit)
            show(rows, as_json, empty=_NO_PRODUCTS)
            return
        found = find_product(client, product)
        bands = [_band_row(band) for band in client.store.search(_of_product("band", found.id, "name"))]
        wanted = _of_product("image", found.id, "acquired")
        images = [image_row(image) for image in client.store.search(wanted.limited(limit or None))]
        total = client.store.count(wanted)
    if as_json:
        told = {**plain(found), "bands": bands, "images": images, "image_count": total}
        click.echo(json.dumps(told, indent=2))
        return
    show(bands, False, empty=f"Product {found.id!r} has no bands.")
    click.echo()
    show(images, False, empty=f"Product {found.id!r} has no images.")
    if len(images) < total:
        click.echo(f"{total - len(images)} more; --limit 0 lists all.")


@click.command()
@click.argument("id_", metavar="ID")
@kind_option
@catalog_option
@json_option
def get(id_: str, kind: str | None, catalog: str | None, as_json: bool) -> None:
    """Print one object: the product, band, image or upload with this ID."""
    with open_client(catalog, create=False, adopt=False) as client:
        document = find_document(client, id_, kind)
    told = plain(document)
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    click.echo(f"{told.pop('kind').replace('_', ' ')} {told.pop('id')}")
    lines = list(_lines(told))
    width = max((len(name) for name, _ in lines), default=0)
    for name, text in lines:
        click.echo(f"  {name.ljust(width)}  {text}".rstrip())


@click.command()
@catalog_option
@json_option
def products(catalog: str | None, as_json: bool) -> None:
    """List the products of the catalog."""
    with open_client(catalog, create=False, adopt=False) as client:
        rows = _product_rows(client, 0)
    show(rows, as_json, empty=_NO_PRODUCTS)


@click.command()
@click.argument("product")
@catalog_option
@limit_option
@click.option("--newest", is_flag=True, help="The newest first.")
@json_option
def images(product: str, catalog: str | None, limit: int, newest: bool, as_json: bool) -> None:
    """List the images of PRODUCT by time of acquisition."""
    with open_client(catalog, create=False, adopt=False) as client:
        product_id = find_product(client, product).id
        query = _of_product("image", product_id, "acquired", ascending=not newest).limited(limit or None)
        rows = [image_row(image) for image in client.store.search(query)]
    show(rows, as_json, empty=f"Product {product_id!r} has no images.")


def image_row(image: Document) -> dict[str, Any]:
    """Return the row of an image."""
    files = image.get("files") or []
    sizes = [file["size_bytes"] for file in files if file.get("size_bytes") is not None]
    return {
        "name": image.get("name"),
        "acquired": image.get("acquired"),
        "crs": image.get("cs_code") or ("custom" if image.get("projection") else None),
        "pixels": None
        if image.get("x_pixels") is None
        else f"{image.get('x_pixels')} x {image.get('y_pixels')}",
        "files": len(files),
        "bytes": sum(sizes) if sizes else None,
    }


def _band_row(band: Document) -> dict[str, Any]:
    resolution = band.get("resolution")
    return {
        "band": band.get("name"),
        "type": band.get("type"),
        "data_type": band.get("data_type"),
        "nodata": band.get("nodata"),
        "resolution": None if not resolution else f"{resolution['value']:g} {resolution['unit']}",
    }


def _product_rows(client: CatalogClient, limit: int) -> list[dict[str, Any]]:
    from dawnlight.search import Eq, Query, SortKey

    rows = []
    for product in client.store.search(Query(kind="product", sort=(SortKey("id"),), limit=limit or None)):
        images = Query(kind="image", where=Eq("product_id", product.id))
        rows.append(
            {
                "id": product.id,
                "name": product.get("name"),
                "bands": client.store.count(Query(kind="band", where=Eq("product_id", product.id))),
                "images": client.store.count(images),
                "from": _first(client, images, ascending=True),
                "to": _first(client, images, ascending=False),
            }
        )
    return rows


def _of_product(kind: Any, product_id: str, order: str, *, ascending: bool = True) -> Query:
    from dawnlight.search import Eq, Query, SortKey

    return Query(kind=kind, where=Eq("product_id", product_id), sort=(SortKey(order, ascending=ascending),))


def _first(client: CatalogClient, query: Query, *, ascending: bool) -> str | None:
    found = client.store.search(query.sorted_by("acquired", ascending=ascending).limited(1))
    return next((image.get("acquired") for image in found), None)


def _lines(attributes: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and text of each attribute; lists of mappings have a line for each member."""
    for name, value in sorted(attributes.items()):
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            for number, each in enumerate(value):
                yield f"{name}[{number}]", json.dumps(each)
        else:
            yield name, value if isinstance(value, str) else json.dumps(value)
