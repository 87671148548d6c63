"""Catalog objects, searches and collections as HTML for notebooks.

Every value is escaped. Nothing is read from a catalog, and no script or outside resource is used. Colours
come from the notebook's theme.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

from shapely.geometry.base import BaseGeometry

from dawnlight.catalog._enums import DocumentState
from dawnlight.catalog._mappings import Resolution
from dawnlight.catalog._references import ReferenceAttribute
from dawnlight.catalog._reprs import date_span, search_steps, search_text
from dawnlight.geo import normalize_geometry
from dawnlight.geo._html import box, fold, side_by_side, table
from dawnlight.geo._svg import draw_place, draw_times

if TYPE_CHECKING:
    from dawnlight.catalog._base import CatalogObjectBase
    from dawnlight.catalog._image import Image
    from dawnlight.catalog._image_collection import ImageCollection
    from dawnlight.catalog._search import Search

__all__ = ["image_html", "images_html", "object_html", "search_html"]

_ROWS = 10
_FOOTPRINTS = 200
_LONGEST = 160
_ATTRIBUTES = 16


def object_html(obj: CatalogObjectBase) -> str:
    """Describe a catalog object by a table of its attributes.

    Parameters
    ----------
    obj : CatalogObjectBase
        Any catalog object.

    Returns
    -------
    str
        HTML.
    """
    return box(_title(obj), _attribute_table(obj))


def image_html(image: Image) -> str:
    """Describe an image by its footprint and a table of its attributes.

    Parameters
    ----------
    image : Image
        Any image.

    Returns
    -------
    str
        HTML.
    """
    picture = ""
    if isinstance(image.geometry, BaseGeometry):
        picture = draw_place([image.geometry], f"Footprint of {image.name}")
    return box(_title(image), side_by_side(picture, _attribute_table(image)))


def images_html(images: ImageCollection) -> str:
    """Describe a collection of images: when, where, and the first ten of them.

    Parameters
    ----------
    images : ImageCollection
        Any collection of images.

    Returns
    -------
    str
        HTML.
    """
    count = len(images)
    times = [image.acquired for image in images if isinstance(image.acquired, datetime)]
    places = [image.geometry for image in images[:_FOOTPRINTS] if isinstance(image.geometry, BaseGeometry)]
    plural = "" if count == 1 else "s"
    head = f"{escape(type(images).__name__)} <span class='note'>of {count:,} image{plural}</span>"
    parts = []
    if times:
        span = date_span(times)
        parts.append(f"<div>{escape(span)}</div>{draw_times(times, span)}")
    if count:
        counts = images._product_counts().most_common(_ROWS)
        parts.append(table(["product", "images"], [[_cell(name), f"{number:,}"] for name, number in counts]))
        parts.append(fold(_first(count), _image_table(images[:_ROWS]), is_open=True))
    label = f"Footprints of {count:,} image{plural}"
    return box(head, side_by_side(draw_place(places, label), "".join(parts)))


def _first(count: int) -> str:
    if count <= _ROWS:
        return "All images" if count > 1 else "The image"
    return f"The first {_ROWS} images <span class='note'>and {count - _ROWS:,} more</span>"


def _image_table(images: Iterable[Image]) -> str:
    names = ["name", "product_id", "acquired", "cloud_fraction"]
    return table(names, [[_cell(getattr(image, name)) for name in names] for image in images])


def search_html(search: Search[Any]) -> str:
    """Describe a search by its conditions; it is not carried out.

    Parameters
    ----------
    search : Search
        Any search.

    Returns
    -------
    str
        HTML.
    """
    head = f"Search for {escape(search._model.__name__)} objects"
    steps = search_steps(search)
    conditions = table([], [[escape(name), f"<code>{_cell(value)}</code>"] for name, value in steps])
    picture = ""
    place = getattr(search, "_place", None)
    if place is not None:
        picture = draw_place([normalize_geometry(place)], "Where to search")
    code = fold("As Python", f"<code>{escape(search_text(search))}</code>", is_open=not steps)
    return box(head, side_by_side(picture, conditions + code))


def _title(obj: CatalogObjectBase) -> str:
    state = obj.state
    note = "" if state is DocumentState.SAVED else f" <span class='note'>({escape(str(state))})</span>"
    return f"{escape(type(obj).__name__)} {escape(str(obj.id))}{note}"


def _attribute_table(obj: CatalogObjectBase) -> str:
    rows = []
    for name, attribute in obj._attributes.items():
        if name.startswith("_") or name == "id" or isinstance(attribute, ReferenceAttribute):
            continue
        value = getattr(obj, name)
        if value is not None and not isinstance(value, BaseGeometry):
            rows.append([escape(name), _cell(value)])
    if len(rows) <= _ATTRIBUTES:
        return table([], rows)
    more = f"{len(rows) - _ATTRIBUTES} more attributes"
    return table([], rows[:_ATTRIBUTES]) + fold(more, table([], rows[_ATTRIBUTES:]))


def _cell(value: Any) -> str:
    text = _spell(value)
    return escape(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def _spell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Resolution):
        return f"{value.value:g} {value.unit}" if isinstance(value.value, float) else str(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_spell, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_spell(item)}" for key, item in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
