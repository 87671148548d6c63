"""Catalog objects, searches and collections as text. Nothing is read from a catalog for it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from dawnlight.catalog._enums import DocumentState
from dawnlight.catalog._references import ReferenceAttribute
from dawnlight.geo import GeoContext, normalize_geometry
from dawnlight.search import And, Expression

if TYPE_CHECKING:
    from dawnlight.catalog._base import CatalogObjectBase
    from dawnlight.catalog._image_collection import ImageCollection
    from dawnlight.catalog._search import Search

__all__ = ["date_span", "images_text", "object_text", "search_condition", "search_steps", "search_text"]

_NOTES = {
    DocumentState.UNSAVED: "* Not in the catalog yet; save() puts it there.",
    DocumentState.MODIFIED: "* Changed since it was read; save() puts the changes into the catalog.",
    DocumentState.DELETED: "* Deleted from the catalog.",
}
_DAY = "%b %d, %Y"


def object_text(obj: CatalogObjectBase) -> str:
    """Describe a catalog object: name, ids, time of creation, and its state if that is not SAVED.

    Parameters
    ----------
    obj : CatalogObjectBase
        Any catalog object.

    Returns
    -------
    str
        Some lines.
    """
    name = getattr(obj, "name", None) or obj.id
    lines = [f"{type(obj).__name__}: {name}", f"  id: {obj.id}"]
    references = [each for each in obj._attributes.values() if isinstance(each, ReferenceAttribute)]
    lines += [f"  {each.name}: {getattr(obj, each.id_name)}" for each in references]
    if isinstance(obj.created, datetime):
        lines.append(f"  created: {obj.created:%c}")
    note = _NOTES.get(obj.state)
    return "\n".join([*lines, note] if note else lines)


def search_steps(search: Search[Any]) -> list[tuple[str, str]]:
    """Return the steps by which a search was built.

    Parameters
    ----------
    search : Search
        Any search.

    Returns
    -------
    list of tuple
        Name of the method and its arguments, in Python.
    """
    query = search._query
    steps = []
    condition = search_condition(search)
    if condition is not None:
        steps.append(("filter", repr(condition)))
    place = getattr(search, "_place", None)
    if place is not None:
        null = ", match_null_geometry=True" if query.match_null_geometry else ""
        steps.append(("intersects", f"{_place_text(place)}{null}"))
    if query.text is not None:
        steps.append(("find_text", repr(query.text)))
    if query.sort:
        keys = (f"{'' if key.ascending else '-'}{key.field}" for key in query.sort)
        steps.append(("sort", ", ".join(map(repr, keys))))
    if query.limit is not None:
        steps.append(("limit", str(query.limit)))
    return steps


def search_condition(search: Search[Any]) -> Expression | None:
    """Return what the user filters by: the condition without that of the class.

    Parameters
    ----------
    search : Search
        Any search.

    Returns
    -------
    Expression or None
        None if nothing is filtered.
    """
    where, own = search._query.where, search._model._search_filter()
    if where is None or own is None:
        return where
    if isinstance(where, And) and where.parts[0].is_same(own):
        rest = where.parts[1:]
        return rest[0] if len(rest) == 1 else And(rest)
    return None


def search_text(search: Search[Any]) -> str:
    """Describe a search by the Python that makes it.

    Parameters
    ----------
    search : Search
        Any search; it is not carried out.

    Returns
    -------
    str
        One line.
    """
    steps = "".join(f".{method}({arguments})" for method, arguments in search_steps(search))
    return f"{search._model.__name__}.search(){steps}"


def _place_text(place: Any) -> str:
    geometry = normalize_geometry(place)
    kind = type(place).__name__ if isinstance(place, GeoContext) else geometry.geom_type
    return f"<{kind} {', '.join(f'{edge:g}' for edge in geometry.bounds)}>"


def date_span(times: list[datetime]) -> str:
    """Describe the first and last of some times by their days.

    Parameters
    ----------
    times : list of datetime
        At least one.

    Returns
    -------
    str
        ``"Jun 01, 2023 to Jun 11, 2023"``.
    """
    return f"{min(times):{_DAY}} to {max(times):{_DAY}}"


def images_text(images: ImageCollection) -> str:
    """Describe a collection of images: their number, dates and products.

    Parameters
    ----------
    images : ImageCollection
        Any collection of images.

    Returns
    -------
    str
        Some lines; those that do not apply are left out.
    """
    count = len(images)
    lines = [f"{type(images).__name__} of {count} image{'' if count == 1 else 's'}"]
    times = [image.acquired for image in images if isinstance(image.acquired, datetime)]
    if times:
        lines.append(f"  * Dates: {date_span(times)}")
    if count:
        counts = images._product_counts().most_common()
        lines.append(f"  * Products: {', '.join(f'{product}: {number}' for product, number in counts)}")
    return "\n".join(lines)
