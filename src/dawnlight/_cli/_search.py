"""The command ``search``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dawnlight._cli import _common
from dawnlight._cli._common import catalog_option, find_product, open_client, plain, show
from dawnlight._cli._listing import image_row
from dawnlight.errors import GeometryError

if TYPE_CHECKING:
    from dawnlight.search import Document, Query

__all__ = ["search"]

_ROWS = 50  # of a table, unless told otherwise
_LARGEST = 64 * 2**20  # bytes of a file with a geometry


@click.command(
    epilog="\b\n"
    "dawnlight search sentinel2 --bbox -94,41,-93,42 --from 2024-06 --to 2024-07\n"
    "dawnlight search -f 'cloud_fraction<0.2' -f 'tags=clear' --sort -acquired --limit 5\n"
    "dawnlight search sentinel2 --geometry field.geojson --geojson > found.geojson"
)
@click.argument("product", required=False)
@catalog_option
@click.option("--bbox", metavar="W,S,E,N", help="Images that touch this box; degrees. W > E crosses 180.")
@click.option("--geometry", "-g", metavar="FILE|GEOJSON", help="Images that touch this GeoJSON geometry.")
@click.option("--from", "start", metavar="TIME", help="Acquired then or later.")
@click.option("--to", "end", metavar="TIME", help="Acquired before then.")
@click.option(
    "--filter",
    "-f",
    "conditions",
    multiple=True,
    metavar="EXPR",
    help="A condition such as 'cloud_fraction<0.2', '0.1<=cloud_fraction<0.5', 'tags=clear', "
    "'name like S2%', 'satellite_id in A,B', 'extra_properties.orbit=12' or 'cloud_fraction is null'. "
    "Several must all hold.",
)
@click.option(
    "--sort",
    "-s",
    "fields",
    multiple=True,
    metavar="FIELD|-FIELD",
    help="What to sort by; -FIELD: the largest first. Default: acquired.",
)
@click.option(
    "--limit",
    "-n",
    type=click.IntRange(min=0),
    help=f"Most to print; 0: all. Default: {_ROWS} on a terminal, otherwise all.",
)
@click.option("--json", "form", flag_value="json", help="Print one JSON array.")
@click.option("--geojson", "form", flag_value="geojson", help="Print a GeoJSON FeatureCollection.")
def search(
    product: str | None,
    catalog: str | None,
    bbox: str | None,
    geometry: str | None,
    start: str | None,
    end: str | None,
    conditions: Sequence[str],
    fields: Sequence[str],
    limit: int | None,
    form: str | None,
) -> None:
    """Search images, of PRODUCT or of all products.

    Prints a table on a terminal, and one JSON object a line into a pipe or file.
    """
    from dawnlight.search import Eq

    if bbox is not None and geometry is not None:
        raise click.UsageError("--bbox and --geometry exclude each other")
    query = _make_query(start, end, conditions, fields or ("acquired",))
    if bbox is not None or geometry is not None:
        query = query.intersecting(_read_bbox(bbox) if geometry is None else _read_geometry(geometry))
    with open_client(catalog, create=False, adopt=False) as client:
        if product is not None:
            query = query.filtered(Eq("product_id", find_product(client, product).id))
        if form is None and _common.is_terminal():
            _print_table(client.store.search(query), _ROWS if limit is None else limit)
            return
        found = client.store.search(query.limited(limit or None))
        for line in _lines(found, form):
            click.echo(line)


def _make_query(
    start: str | None, end: str | None, conditions: Sequence[str], fields: Sequence[str]
) -> Query:
    from dawnlight._cli._conditions import parse_condition
    from dawnlight.search import Properties, Query, parse_time

    acquired = Properties().acquired
    query = Query(kind="image")
    if start is not None:
        query = query.filtered(acquired >= parse_time(start))
    if end is not None:
        query = query.filtered(acquired < parse_time(end))
    for condition in conditions:
        query = query.filtered(parse_condition("image", condition))
    for field in fields:
        query = query.sorted_by(field.removeprefix("-"), ascending=not field.startswith("-"))
    return query


def _read_bbox(text: str | None) -> list[float]:
    try:
        west, south, east, north = (float(number) for number in (text or "").split(","))
    except ValueError:
        raise GeometryError(f"--bbox {text!r} must be four numbers: west,south,east,north") from None
    return [west, south, east, north]


def _read_geometry(given: str) -> Any:
    """Return the GeoJSON that is given, or that is in the file given."""
    text, name = given, "--geometry"
    if not given.lstrip().startswith("{"):
        path = Path(given).expanduser()
        name = str(path)
        try:
            if path.stat().st_size > _LARGEST:
                raise GeometryError(f"{name} has more than {_LARGEST >> 20} MiB; simplify the geometry")
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            reason = error.strerror or str(error)
            raise GeometryError(f"{name} is neither GeoJSON nor a file that can be read: {reason}") from None
        except UnicodeDecodeError:
            raise GeometryError(f"{name} is not a text file; GeoJSON is needed") from None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise GeometryError(f"{name} is not JSON; GeoJSON is needed") from None
    if not isinstance(value, dict):
        raise GeometryError(f"{name} is not GeoJSON, which is a JSON object")
    return value


def _print_table(found: Iterator[Document], limit: int) -> None:
    rows = [{"id": image.id, **_row(image)} for image in islice(found, limit or None)]
    show(rows, False, empty="No images found.")
    if limit and next(found, None) is not None:
        click.echo("There are more; --limit 0 prints all.", err=True)


def _row(image: Document) -> dict[str, Any]:
    row = {name: value for name, value in image_row(image).items() if name != "name"}
    return {"acquired": row.pop("acquired"), "cloud_fraction": image.get("cloud_fraction"), **row}


def _lines(found: Iterator[Document], form: str | None) -> Iterator[str]:
    """Yield the lines of the output, one for each image, so that any number of them takes little memory."""
    if form is None:
        yield from (json.dumps(plain(image)) for image in found)
        return
    head, tail = ("[", "]") if form == "json" else ('{"type": "FeatureCollection", "features": [', "]}")
    yield head
    make = plain if form == "json" else _feature
    previous: str | None = None
    for image in chain(found, (None,)):
        if previous is not None:
            yield previous + ("," if image is not None else "")
        previous = None if image is None else json.dumps(make(image))
    yield tail


def _feature(image: Document) -> dict[str, Any]:
    properties = plain(image)
    geometry = properties.pop("geometry", None)
    return {
        "type": "Feature",
        "id": properties.pop("id"),
        "geometry": geometry,
        "properties": properties,
    }
