"""Queries as the bodies of search requests, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from dawnlight.errors import FilterError, GeometryError, ParameterTypeError
from dawnlight.search._codec import load_json, parse_expression, to_jsonapi
from dawnlight.search._documents import Kind
from dawnlight.search._expressions import And, Expression
from dawnlight.search._order import SortKey
from dawnlight.search._query import Query
from dawnlight.search._values import shorten

__all__ = ["query_from_wire", "query_to_wire", "read_geometry"]

_MAX_KEYS = 16
_MAX_COORDINATES = 250_000


def query_to_wire(query: Query) -> dict[str, Any]:
    """Spell a query as the body of a search request.

    Parameters
    ----------
    query : Query
        Any query.

    Returns
    -------
    dict
        JSON-able. Only what is set is there: ``filter`` (JSON text of a list whose terms must all hold),
        ``sort`` (``"name"``, ``"-name"``, or several with commas between), ``limit``, ``text``,
        ``intersects`` (JSON text of a GeoJSON geometry) and ``intersects_none``.

    Examples
    --------
    >>> from dawnlight.search import Properties, Query
    >>> p = Properties()
    >>> Query(kind="image", where=p.cloud_fraction < 0.5).sorted_by("acquired", ascending=False).to_wire()
    {'sort': '-acquired', 'filter': '[{"name":"cloud_fraction","op":"lt","val":0.5}]'}
    """
    body: dict[str, Any] = {}
    if query.sort:
        body["sort"] = ",".join(f"{'' if key.ascending else '-'}{key.field}" for key in query.sort)
    if query.geometry is not None:
        body["intersects"] = _dump(shapely.geometry.mapping(query.geometry))
        if query.match_null_geometry:
            body["intersects_none"] = True
    if query.text is not None:
        body["text"] = query.text
    if query.limit is not None:
        body["limit"] = query.limit
    if query.where is not None:
        parts = query.where.parts if isinstance(query.where, And) else (query.where,)
        if parts:
            body["filter"] = _dump([to_jsonapi(part, query.kind) for part in parts])
    return body


def query_from_wire(kind: Kind, body: Mapping[str, Any]) -> Query:
    """Read a query from the body of a search request, whoever sent it.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        What is searched.
    body : mapping
        The decoded JSON. ``filter`` and ``intersects`` may also be given decoded. Keys that do not belong
        to a query, such as ``include``, are ignored, and so are those that are null.

    Returns
    -------
    Query
        The query.

    Raises
    ------
    FilterError
        A part cannot be read, does not fit the kind, or is larger than a search needs.
    GeometryError
        The geometry cannot be read.
    """
    if not isinstance(body, Mapping):
        raise FilterError(f"the body of a search must be a mapping, not {type(body).__name__}")
    query = Query(
        kind=kind,
        where=_read_filter(body.get("filter")),
        sort=_read_sort(body.get("sort")),
        limit=body.get("limit"),
        text=body.get("text"),
    )
    geometry, match_null = body.get("intersects"), body.get("intersects_none")
    if geometry is None:
        return query
    return query.intersecting(read_geometry(geometry), False if match_null is None else match_null)


def _read_filter(value: Any) -> Expression | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = load_json(value, "filter")
    return None if value == [] else parse_expression(value)


def _read_sort(value: Any) -> tuple[SortKey, ...]:
    if value is None or value == "":
        return ()
    if not isinstance(value, str):
        raise FilterError(f"sort={shorten(value)} must be a string such as '-acquired'")
    names = value.split(",", _MAX_KEYS)
    if len(names) > _MAX_KEYS:
        raise FilterError(f"sort has more than {_MAX_KEYS} keys")
    return tuple(SortKey(name.strip().removeprefix("-"), not name.strip().startswith("-")) for name in names)


def read_geometry(value: Any) -> BaseGeometry:  # whatever a stranger sent
    """Read a geometry to search in, of a size that can be searched.

    Parameters
    ----------
    value : str or mapping
        GeoJSON, as text or decoded.

    Returns
    -------
    shapely geometry
        As it was given.

    Raises
    ------
    FilterError
        The text is not JSON.
    GeometryError
        It is no GeoJSON, leaves the world, or has too many positions.
    """
    if isinstance(value, str):
        value = load_json(value, "intersects")
    if not isinstance(value, Mapping):
        raise GeometryError(f"intersects must be a GeoJSON geometry, not {type(value).__name__}")
    # Late, because it loads pyproj.
    from dawnlight.geo._geometry import normalize_geometry

    try:
        geometry = normalize_geometry(value)
    except ParameterTypeError as error:
        raise GeometryError(f"intersects cannot be read: {error}") from error
    count = int(shapely.get_num_coordinates(geometry))
    if count > _MAX_COORDINATES:
        raise GeometryError(f"intersects has {count} positions; at most {_MAX_COORDINATES} are searched")
    return geometry


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
