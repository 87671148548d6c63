"""Points and polygons in the forms that users have them: tables, features, mappings, lists."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry import shape as from_geojson

from dawnlight.errors import GeometryError
from dawnlight.geo import GeoBox, reproject_geometry, same_crs

__all__ = ["Places", "read_places"]

_FORMS = "a GeoDataFrame, GeoJSON features, a mapping of names to geometries, or a list of geometries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Geometries with names, in one CRS."""

    names: tuple[Hashable, ...]
    geometries: tuple[Any, ...]
    crs: Any

    def on(self, geobox: GeoBox) -> list[Any]:
        """Return the geometries in the CRS of a grid."""
        if same_crs(self.crs, geobox.crs):
            return list(self.geometries)
        return [reproject_geometry(each, self.crs, geobox.crs) for each in self.geometries]


def read_places(value: Any, crs: Any, *, points: bool, parameter: str) -> Places:
    """Read geometries.

    Parameters
    ----------
    value
        As users give them; a single geometry, too.
    crs
        CRS of the coordinates; None is that of the table, or longitude and latitude.
    points
        Whether points are wanted, and pairs of numbers read as such; polygons otherwise.
    parameter
        What to call it in errors.
    """
    if hasattr(value, "geometry") and hasattr(value, "index") and hasattr(value, "crs"):
        own = value.crs if crs is None else crs
        names, items = tuple(value.index), list(value.geometry)
        return _places(names, items, own, points, parameter)
    if hasattr(value, "__geo_interface__") and not isinstance(value, shapely.Geometry):
        value = value.__geo_interface__
    if isinstance(value, Mapping) and value.get("type") == "FeatureCollection":
        features = value["features"]
        names = tuple(feature.get("id", number) for number, feature in enumerate(features))
        return _places(names, [feature["geometry"] for feature in features], crs, points, parameter)
    if isinstance(value, Mapping) and value.get("type") == "Feature":
        return _places((value.get("id", 0),), [value["geometry"]], crs, points, parameter)
    if isinstance(value, Mapping) and "coordinates" not in value and "geometries" not in value:
        return _places(tuple(value), list(value.values()), crs, points, parameter)
    if isinstance(value, shapely.MultiPoint) and points:
        value = list(value.geoms)
    if isinstance(value, Mapping | shapely.Geometry) or (points and _is_pair(value)):
        value = [value]
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise GeometryError(f"{parameter}={value!r:.200} must be {_FORMS}")
    items = list(value)
    return _places(tuple(range(len(items))), items, crs, points, parameter)


def _places(names: tuple[Hashable, ...], items: list[Any], crs: Any, points: bool, parameter: str) -> Places:
    kinds = ("Point",) if points else ("Polygon", "MultiPolygon")
    found = []
    for name, item in zip(names, items, strict=True):
        geometry = _geometry(item, points)
        if geometry is None or geometry.geom_type not in kinds or shapely.is_empty(geometry):
            what = "empty" if geometry is not None and shapely.is_empty(geometry) else repr(item)[:100]
            raise GeometryError(f"{parameter}[{name!r}] must be a {' or '.join(kinds)}, and is {what}")
        found.append(geometry)
    return Places(names=names, geometries=tuple(found), crs="EPSG:4326" if crs is None else crs)


def _geometry(item: Any, points: bool) -> Any:
    if isinstance(item, shapely.Geometry):
        return item
    if points and _is_pair(item):
        return shapely.Point(float(item[0]), float(item[1]))
    if hasattr(item, "__geo_interface__"):
        item = item.__geo_interface__
    if isinstance(item, Mapping):
        item = item.get("geometry", item) if item.get("type") == "Feature" else item
        try:
            return from_geojson(item)
        except (KeyError, TypeError, ValueError, AttributeError, shapely.errors.ShapelyError):
            return None
    return None


def _is_pair(value: Any) -> bool:
    try:
        return len(value) == 2 and all(isinstance(part, int | float | np.number) for part in value)
    except TypeError:
        return False
