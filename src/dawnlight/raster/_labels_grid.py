"""Writing a grid on labelled pixels: coordinates of the pixel centres and the CRS."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import rioxarray  # noqa: F401  registers `.rio`

from dawnlight.geo import GeoBox

__all__ = ["write_grid"]


def write_grid(obj: Any, geobox: GeoBox, dims: tuple[Hashable, Hashable] = ("y", "x")) -> Any:
    """Return an array or dataset with the coordinates and the CRS of a grid.

    Parameters
    ----------
    obj
        xarray object of the grid's shape.
    geobox
        An upright grid.
    dims
        Names of the dims along y and x.

    Returns
    -------
    same as ``obj``
        What other attributes the CRS coordinate had stays.
    """
    ydim, xdim = dims
    kept = dict(obj.coords["spatial_ref"].attrs) if "spatial_ref" in obj.coords else {}
    stale = [name for name in obj.coords if name in dims or {*obj.coords[name].dims} & {*dims}]
    placed = obj.drop_vars(stale).assign_coords({ydim: (ydim, geobox.y), xdim: (xdim, geobox.x)})
    placed = placed.rio.set_spatial_dims(x_dim=xdim, y_dim=ydim)
    placed = placed.rio.write_crs(geobox.crs.to_wkt(), grid_mapping_name="spatial_ref")
    placed = placed.rio.write_transform(geobox.transform, grid_mapping_name="spatial_ref")
    placed = placed.rio.write_coordinate_system()
    own = {name: value for name, value in kept.items() if str(name).startswith("dawnlight")}
    placed["spatial_ref"].attrs.update(own)
    return placed
