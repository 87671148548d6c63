"""Contexts as HTML for notebooks: where they are, and their grid if they have one."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import shapely
from shapely.geometry.base import BaseGeometry

from dawnlight.errors import DawnlightError
from dawnlight.geo._geometry import normalize_geometry
from dawnlight.geo._html import box, side_by_side, table
from dawnlight.geo._svg import draw_place

if TYPE_CHECKING:
    from dawnlight.geo._context import GeoContext

__all__ = ["context_html"]

_LONGEST = 160


def context_html(context: GeoContext) -> str:
    """Describe a context by its outline and what it was made of; every value is escaped.

    Parameters
    ----------
    context : GeoContext
        Any context, also one that is not complete.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> from dawnlight.geo import XYZTile
    >>> "On Earth: 76" in XYZTile(2, 0, 2)._repr_html_()
    True
    """
    rows = [[escape(name), _cell(value)] for name, value in context._describe().items() if value is not None]
    return box(escape(type(context).__name__), side_by_side(_outline(context), table([], rows)))


def _outline(context: GeoContext) -> str:
    try:
        shape = normalize_geometry(context)
    except DawnlightError:
        return ""
    return draw_place([shape], f"Outline of the {type(context).__name__}")


def _cell(value: object) -> str:
    if isinstance(value, BaseGeometry):
        return escape(f"{value.geom_type} with {shapely.get_num_coordinates(value):,} points")
    text = (
        ", ".join(f"{item:g}" if isinstance(item, float) else str(item) for item in value)
        if isinstance(value, tuple)
        else str(value)
    )
    return escape(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\u2026")
