"""Catalog objects as tables of geopandas. The only module that imports it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dawnlight.catalog._scalars import TimeAttribute
from dawnlight.errors import MissingExtraError

if TYPE_CHECKING:
    import geopandas

    from dawnlight.catalog._image import Image

__all__ = ["to_geodataframe"]


def to_geodataframe(images: Iterable[Image]) -> geopandas.GeoDataFrame:
    """Return images as a table with their footprints.

    Parameters
    ----------
    images : iterable of Image
        The rows.

    Returns
    -------
    geopandas.GeoDataFrame
        Indexed by ``id``.

    Raises
    ------
    MissingExtraError
        geopandas is not installed.
    """
    try:
        import geopandas
    except ImportError as error:
        raise MissingExtraError("geopandas", "geo", "A table with footprints") from error
    import pandas as pd  # type: ignore[import-untyped]  # it ships no types

    from dawnlight.catalog._image import Image

    names = [name for name in Image.ATTRIBUTES if name not in ("id", "product", "geometry")]
    images = list(images)
    rows = [{"id": image.id, **{name: _cell(getattr(image, name)) for name in names}} for image in images]
    frame = pd.DataFrame(rows, columns=["id", *names]).set_index("id")
    always = ["name", "product_id", "acquired"]
    frame = frame[[name for name in names if name in always or frame[name].notna().any()]]
    for name in frame.columns:
        if isinstance(getattr(Image, name), TimeAttribute):
            frame[name] = pd.to_datetime(frame[name], utc=True)
    return geopandas.GeoDataFrame(frame, geometry=[image.geometry for image in images], crs="EPSG:4326")


def _cell(value: Any) -> Any:
    """Return a value as it stands in a table: lists and mappings as plain ones."""
    if isinstance(value, list):
        return [_cell(item) for item in value]
    if hasattr(value, "serialize"):
        return value.serialize()
    return dict(value) if isinstance(value, dict) else value
