"""Catalog objects, searches and collections as HTML for notebooks.

Every value is escaped. Nothing is read from a catalog, and no script or outside resource is used. Colours
come from the notebook's theme.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

from shapely.geometry.base import BaseGeometry

from dawnlight.catalog._enums import DocumentState
from dawnlight.catalog._mappings import Resolution
from dawnlight.catalog._references import ReferenceAttribute
from dawnlight.catalog._reprs import date_span, search_steps, search_text
from dawnlight.catalog._svg import draw_footprints, draw_times

if TYPE_CHECKING:
    from dawnlight.catalog._base import CatalogObjectBase
    from dawnlight.catalog._image import Image
    from dawnlight.catalog._image_collection import ImageCollection
    from dawnlight.catalog._search import Search

__all__ = ["image_html", "images_html", "object_html", "search_html"]

_ROWS = 10
_FOOTPRINTS = 200
_LONGEST = 160

_STYLE = (
    "<style>"
    ".dawnlight-box{display:inline-block;padding:8px 12px;border-radius:4px;"
    "border:1px solid var(--jp-border-color2,var(--pst-color-border,#8886))}"
    ".dawnlight-box .head{font-weight:600;margin-bottom:4px}"
    ".dawnlight-box .note{opacity:.7;font-weight:400}"
    ".dawnlight-box .beside{display:flex;gap:16px;align-items:flex-start}"
    ".dawnlight-box :is(td,th){text-align:left;padding:1px 12px 1px 0;vertical-align:top}"
    "</style>"
)


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
    return _box(_title(obj), _attribute_table(obj))


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
        picture = draw_footprints([image.geometry], "Footprint")
    return _box(_title(image), _side_by_side(picture, _attribute_table(image)))


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
        parts.append(_table(["product", "images"], [[product, f"{number:,}"] for product, number in counts]))
        rows = [
            [image.name, image.product_id, image.acquired, image.cloud_fraction] for image in images[:_ROWS]
        ]
        parts.append(_table(["name", "product_id", "acquired", "cloud_fraction"], rows))
    if count > _ROWS:
        parts.append(f"<div class='note'>and {count - _ROWS:,} more</div>")
    return _box(head, _side_by_side(draw_footprints(places, "Footprints"), "".join(parts)))


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
    code = f"<code>{escape(search_text(search))}</code>"
    return _box(head, _table([], [[name, value] for name, value in search_steps(search)]) + code)


def _box(head: str, body: str) -> str:
    return f"{_STYLE}<div class='dawnlight-box'><div class='head'>{head}</div>{body}</div>"


def _side_by_side(left: str, right: str) -> str:
    return f"<div class='beside'><div>{left}</div><div>{right}</div></div>" if left else right


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
            rows.append([name, value])
    return _table([], rows)


def _table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>" for row in rows)
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>" if body else ""


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
