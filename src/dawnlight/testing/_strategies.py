"""Hypothesis strategies for documents, expressions and queries that fit each other.

Values come from small pools, so that filters match about as often as not, and hold what goes wrong in
practice: case, wildcards, text beyond the basic plane, signs, nanoseconds, offsets, units, the antimeridian.

Needs the package ``hypothesis``.
"""

from __future__ import annotations

from typing import Any

import shapely
from hypothesis import strategies as st

from dawnlight.search import (
    FIELDS,
    And,
    Document,
    Eq,
    Expression,
    Field,
    ILike,
    IsNotNull,
    IsNull,
    Kind,
    Like,
    Ne,
    Not,
    Or,
    Prefix,
    Query,
    Range,
    SortKey,
)

__all__ = ["document_lists", "documents", "expressions", "queries", "wire_geometries"]

TEXTS = (
    "",
    "a",
    "A",
    "ab",
    "aB",
    "abc",
    "b",
    "a%b",
    "a_b",
    "a\\b",
    "ä",
    "Ä",
    "ß",
    "5",
    "0.5",
    "true",
    "\n",
    "\uffff",
    "😀",
)
PATTERNS = (
    "",
    "%",
    "_",
    "a%",
    "%b",
    "a_b",
    "A%",
    "%B%",
    "a\\%b",
    "a\\_b",
    "a\\\\b",
    "__",
    "%ä",
    "Ä",
    "_%_",
    "\\a%",
)
NUMBERS = (0, 1, -1, 5, 2**53, 2**53 + 1, 0.0, -0.0, 0.1, 0.5, 1.0, -2.5, 1e-9, 1e300)
TIMES = (
    "2023-01-01T00:00:00Z",
    "2023-07-01T00:00:00Z",
    "2023-07-01T00:00:00.000000001Z",
    "2023-07-01T00:00:00.5Z",
    "2023-07-01T23:59:59.999999Z",
    "2024-02-29T12:00:00Z",
    "1969-12-31T23:59:59Z",
)
TIMES_ASKED = (*TIMES, "2023", "2023-07", "2023-07-01", "2023-07-01 02:00+02:00", "2023-07-01T00:00:00.500")
RESOLUTIONS = (
    {"value": 10, "unit": "meters"},
    {"value": 10.0, "unit": "meters"},
    {"value": 60.0, "unit": "meters"},
    {"value": 0.5, "unit": "degrees"},
    {"value": 55555.5, "unit": "meters"},
    {"value": -1.0, "unit": "degrees"},
)
RESOLUTIONS_ASKED = (*RESOLUTIONS, 10, 60.0, 55555.5, "10 m", "0.5 deg")
EXTRA_KEYS = ("foo", "Foo", "eo:cloud", "a.b", "it's", '"')
PRODUCTS = ("p", "q", "org:p")
NAMES = ("a", "b", "A", "c-1", "c_1", "d.2")

# What a store insists on, whatever else a document holds.
_REQUIRED: dict[Kind, dict[str, Any]] = {
    "product": {"name": "A product"},
    "band": {
        "type": "spectral",
        "data_type": "UInt16",
        "data_range": [0.0, 10000.0],
        "display_range": [0.0, 4000.0],
        "band_index": 0,
    },
    "image": {},
    "image_upload": {},
}


def wire_geometries() -> st.SearchStrategy[dict[str, Any]]:
    """Make footprints: GeoJSON of points and boxes, also at the poles and across the antimeridian.

    Returns
    -------
    SearchStrategy
        GeoJSON mappings, longitudes between -360 and 360.
    """
    west = st.sampled_from([-190, -180, -175, -10, 0, 5, 170, 175, 180])
    south = st.sampled_from([-90, -80, -5, 0, 5, 80])
    boxes = st.builds(
        lambda x, y, dx, dy: shapely.box(x, y, x + dx, min(y + dy, 90)),
        west,
        south,
        st.sampled_from([5, 10, 20, 100]),
        st.sampled_from([5, 10, 90]),
    )
    points = st.builds(shapely.Point, west, st.sampled_from([-90, -80, 0, 2.5, 85, 90]))
    return st.one_of(boxes, points).map(lambda shape: _to_lists(shapely.geometry.mapping(shape)))


@st.composite
def documents(draw: st.DrawFn, kind: Kind, *, sloppy: bool = False) -> Document:
    """Make a document that every store accepts.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        What it describes.
    sloppy : bool, default False
        True also puts values into it that are not of their attribute's type; no store accepts these, but
        filters must cope.

    Returns
    -------
    SearchStrategy
        Documents; ids come from a small pool and may repeat.
    """
    attributes = dict(_REQUIRED[kind])
    names = [name for name, field in FIELDS[kind].items() if field.filterable or field.text]
    for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=8)):
        value = draw(st.none() | _wire_values(FIELDS[kind][name]))
        if sloppy and draw(st.booleans()):
            value = draw(
                st.sampled_from([None, "x", 1, True, [], ["a", None, []], {}, float("nan"), 10**400])
            )
        if value is not None or name not in _REQUIRED[kind]:
            attributes[name] = value
    if kind != "image_upload":
        extras = st.dictionaries(st.sampled_from(EXTRA_KEYS), _extra_values(), max_size=3)
        attributes["extra_properties"] = draw(extras)
    if kind == "product":
        return Document(kind=kind, id=draw(st.sampled_from(PRODUCTS)), attributes=_drop_id(attributes))
    product, name = draw(st.sampled_from(PRODUCTS)), draw(st.sampled_from(NAMES))
    attributes["product_id"] = product
    if kind == "image_upload":
        attributes["image_id"] = f"{product}:{name}"
        identity = draw(st.sampled_from(["u1", "u2", "u3", "u4", "u5"]))
        return Document(kind=kind, id=identity, attributes=_drop_id(attributes))
    if kind == "band":
        attributes["type"] = draw(st.sampled_from(["spectral", "class", "mask"]))
    attributes["name"] = name
    return Document(kind=kind, id=f"{product}:{name}", attributes=_drop_id(attributes))


def document_lists(
    kind: Kind, *, max_size: int = 8, sloppy: bool = False
) -> st.SearchStrategy[list[Document]]:
    """Make lists of documents of one kind with different ids.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        What they describe.
    max_size : int, default 8
        Largest length.
    sloppy : bool, default False
        See `documents`.

    Returns
    -------
    SearchStrategy
        Lists in no particular order.
    """
    return st.lists(documents(kind, sloppy=sloppy), max_size=max_size, unique_by=lambda document: document.id)


def expressions(kind: Kind, *, max_leaves: int = 6) -> st.SearchStrategy[Expression]:
    """Make expressions that fit a kind and that a search can filter by.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        What is searched.
    max_leaves : int, default 6
        About how many comparisons at most.

    Returns
    -------
    SearchStrategy
        Expressions of every operator, also `And` and `Or` with one part or none.
    """
    fields = [field for field in FIELDS[kind].values() if field.filterable]
    if "extra_properties" in FIELDS[kind]:
        fields += [Field(name=f"extra_properties.{key}", type="any") for key in EXTRA_KEYS]
    return st.recursive(
        st.sampled_from(fields).flatmap(_leaves),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda parts: And(tuple(parts))),
            st.lists(inner, max_size=3).map(lambda parts: Or(tuple(parts))),
            inner.map(Not),
        ),
        max_leaves=max_leaves,
    )


@st.composite
def queries(draw: st.DrawFn, kind: Kind) -> Query:
    """Make queries of a kind.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        What is searched.

    Returns
    -------
    SearchStrategy
        Queries in which each part is there or not.
    """
    fields = FIELDS[kind].values()
    keys = st.builds(SortKey, st.sampled_from([f.name for f in fields if f.sortable]), st.booleans())
    query = Query(
        kind=kind,
        where=draw(st.none() | expressions(kind)),
        sort=tuple(draw(st.lists(keys, max_size=3))),
        limit=draw(st.none() | st.integers(0, 5)),
    )
    if any(field.text for field in fields):
        query = query.with_text(draw(st.sampled_from([None, "", "a", "B a", "ä", "zz", "STRASSE"])))
    if any(field.type == "geometry" for field in fields):
        query = query.intersecting(draw(st.none() | wire_geometries()), draw(st.booleans()))
    return query


def _wire_values(field: Field) -> st.SearchStrategy[Any]:
    return {
        "str": st.sampled_from(TEXTS),
        "float": st.sampled_from(NUMBERS),
        "int": st.integers(-3, 3),
        "bool": st.booleans(),
        "time": st.sampled_from(TIMES),
        "list": st.lists(st.sampled_from(TEXTS[1:]), max_size=3),
        "resolution": st.sampled_from(RESOLUTIONS),
        "geometry": wire_geometries(),
        "json": st.none(),
        "any": _extra_values(),
    }[field.type]


def _extra_values() -> st.SearchStrategy[Any]:
    return st.sampled_from([*TEXTS, *NUMBERS, True, False])


def _asked_values(field: Field) -> st.SearchStrategy[Any]:
    return {
        "str": st.sampled_from([*TEXTS, *PRODUCTS, *NAMES, "p:a", "u1"]),
        "float": st.sampled_from(NUMBERS),
        "int": st.integers(-3, 3),
        "bool": st.booleans(),
        "time": st.sampled_from(TIMES_ASKED),
        "list": st.sampled_from(TEXTS),
        "resolution": st.sampled_from(RESOLUTIONS_ASKED),
        "any": _extra_values(),
    }[field.type]


def _leaves(field: Field) -> st.SearchStrategy[Expression]:
    name = st.just(field.name)
    found: list[st.SearchStrategy[Expression]] = [st.builds(IsNull, name), st.builds(IsNotNull, name)]
    if field.type in ("geometry", "json"):
        return st.one_of(found)
    values = _asked_values(field)
    found += [st.builds(Eq, name, values), st.builds(Ne, name, values)]
    found.append(st.lists(values, max_size=4).map(lambda some: Or(tuple(Eq(field.name, v) for v in some))))
    if field.type not in ("bool", "list"):
        bounds = values.filter(lambda value: not isinstance(value, bool))
        ops = st.dictionaries(st.sampled_from(["gt", "gte", "lt", "lte"]), bounds, min_size=1, max_size=2)
        found.append(ops.map(lambda some: Range(field.name, **some)))
    if field.type in ("str", "list", "any"):
        found.append(st.builds(Prefix, name, st.sampled_from(TEXTS)))
        patterns = st.sampled_from(PATTERNS)
        found += [st.builds(Like, name, patterns), st.builds(ILike, name, patterns)]
    return st.one_of(found)


def _to_lists(value: Any) -> Any:
    """Return a geometry as JSON has it, with lists for tuples."""
    if isinstance(value, dict):
        return {key: _to_lists(item) for key, item in value.items()}
    return [_to_lists(item) for item in value] if isinstance(value, list | tuple) else value


def _drop_id(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name != "id"}
