"""What `.dl` does with places: other grids, geometries, points, zones, tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import xarray as xr

if TYPE_CHECKING:
    from dawnlight.accessor._tiles import Tiles
    from dawnlight.geo import GeoBox, GeoContext
    from dawnlight.geo._crs import CRSLike
    from dawnlight.geo._geometry import GeometryLike

__all__ = ["Placing"]

T = TypeVar("T", xr.DataArray, xr.Dataset)


class Placing(Generic[T]):
    """Work with places, the same for arrays and datasets. Lazy arrays stay lazy."""

    _obj: T

    def reproject(
        self,
        geocontext: GeoContext | GeometryLike | None = None,
        *,
        like: xr.DataArray | xr.Dataset | GeoBox | None = None,
        crs: CRSLike | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        resampler: str | Mapping[str, str] = "near",
        chunks: int | None = None,
    ) -> T:
        """Warp to another grid, with the exact resampling that loading has.

        A pixel gets the same value however the array or the output is cut into chunks. To load *images* on
        another grid, stack them there: that reads the right overviews and resamples once.

        Parameters
        ----------
        geocontext : GeoContext or geometry, optional
            Where and on which grid; its geometry cuts the pixels. What an `AOI` leaves open comes from the
            array.
        like : xarray object or GeoBox, optional
            Take the grid of this.
        crs : CRS-like, optional
            Output CRS in place of the context's; alone, the whole array is warped to it.
        resolution : float, optional
            Pixel size in units of the output CRS in place of the context's.
        all_touched : bool, optional
            Keep all pixels that the context's geometry touches, not only those whose centre is inside.
        resampler : str or mapping, default "near"
            Kernel as for `ImageCollection.stack`; or one by band name, ``"default_"`` for the others. Classes
            and masks are taken by nearest (by mode where pixels get coarser) unless named in a mapping.
        chunks : int, optional
            Side of the output's chunks in pixels; by default that of the array.

        Returns
        -------
        same as the object
            NaN where the array has no pixels.

        Raises
        ------
        GridError, CRSError
            The array or the context gives no grid.
        ParameterError
            Arguments are missing or do not go together.

        Examples
        --------
        >>> import numpy as np, xarray as xr
        >>> array = xr.DataArray(np.arange(16.0).reshape(4, 4), dims=("y", "x"), attrs={"crs": "EPSG:32631"})
        >>> array = array.assign_coords(y=[35.0, 25, 15, 5], x=[5.0, 15, 25, 35])
        >>> array.dl.reproject(resolution=20, resampler="average").values
        array([[ 2.5,  4.5],
               [10.5, 12.5]])
        """
        from dawnlight.accessor._variables import each_variable
        from dawnlight.accessor._warps import reproject

        return each_variable(  # type: ignore[no-any-return]
            self._obj,
            lambda array: reproject(
                array,
                geocontext,
                like=like,
                crs=crs,
                resolution=resolution,
                all_touched=all_touched,
                resampler=resampler,
                chunks=chunks,
            ),
        )

    def clip(
        self,
        geometry: GeometryLike,
        *,
        crs: CRSLike | None = None,
        all_touched: bool = False,
        crop: bool = True,
    ) -> T:
        """Keep what lies in a geometry.

        Parameters
        ----------
        geometry : geometry-like
            In longitude and latitude: GeoJSON, shapely, a GeoContext, or anything with ``__geo_interface__``.
        crs : CRS-like, optional
            CRS of the geometry's coordinates, if they are not longitude and latitude.
        all_touched : bool, default False
            Keep all pixels that the geometry touches, not only those whose centre is inside.
        crop : bool, default True
            Cut the array to the box around the geometry.

        Returns
        -------
        same as the object
            Missing outside; the type of the files stays noted.

        Raises
        ------
        GeometryError
            It is no geometry.
        GridError
            It does not touch the array.

        Examples
        --------
        >>> field = stack.dl.clip({"type": "Polygon", "coordinates": [ring]})  # doctest: +SKIP
        """
        from dawnlight.accessor._variables import each_variable
        from dawnlight.accessor._warps import clip

        return each_variable(  # type: ignore[no-any-return]
            self._obj, lambda array: clip(array, geometry, crs=crs, all_touched=all_touched, crop=crop)
        )

    def sample(self, points: Any, *, crs: CRSLike | None = None, method: str = "near") -> T:
        """Pick the values at points. Of a lazy array only the parts around the points are read.

        Parameters
        ----------
        points : points
            One or many, in longitude and latitude: pairs (lon, lat), shapely points, GeoJSON features, a
            GeoDataFrame (in its own CRS), or a mapping of names to points.
        crs : CRS-like, optional
            CRS of the coordinates, if another.
        method : {"near", "bilinear"}, default "near"
            The pixel that contains the point, or linear between the four around it (never for classes).

        Returns
        -------
        same as the object
            With the dim ``point`` in place of y and x. Coordinates ``point`` (names, or numbers from 0), and
            ``y`` and ``x`` of the pixels' centres. NaN for points outside.

        Raises
        ------
        GeometryError
            Something is no point.

        Examples
        --------
        >>> import numpy as np, xarray as xr
        >>> array = xr.DataArray([[1.0, 2.0], [3.0, 4.0]], {"y": [50.5, 49.5], "x": [5.5, 6.5]}, ("y", "x"))
        >>> array.attrs["crs"] = "EPSG:4326"
        >>> array.dl.sample({"a": (5.2, 49.1), "b": (6.9, 50.9)}).values
        array([3., 2.])
        """
        from dawnlight.accessor._samples import sample
        from dawnlight.accessor._variables import each_variable

        return each_variable(self._obj, lambda array: sample(array, points, crs=crs, method=method))  # type: ignore[no-any-return]

    def zonal(self, polygons: Any, stats: str | Sequence[str] = "mean", *, crs: CRSLike | None = None) -> Any:
        """Reduce over polygons; every pixel counts by the exact part of it that lies inside.

        Of a lazy array only the windows around the polygons are read.

        Parameters
        ----------
        polygons : polygons
            One or many, in longitude and latitude: shapely polygons, GeoJSON features, a GeoDataFrame (in its
            own CRS), or a mapping of names to polygons.
        stats : str or sequence of str, default "mean"
            ``"count"`` (of pixels, parts counted as parts), ``"sum"``, ``"mean"``, ``"min"``, ``"max"``,
            ``"variance"``, ``"stdev"``, ``"median"``, ``"mode"``, ``"variety"`` (how many different values).
        crs : CRS-like, optional
            CRS of the coordinates, if another.

        Returns
        -------
        xarray.DataArray or xarray.Dataset
            (zone, ...) without y and x; a dataset with a variable for each statistic if there are several.
            Missing pixels do not count; a zone without any is NaN, with count 0.

        Raises
        ------
        MissingExtraError
            exactextract, which works out the covered parts, is not installed (extra ``zonal``).
        GeometryError
            Something is no polygon.
        ParameterError
            A statistic is unknown.

        Examples
        --------
        >>> ndvi = stack.dl.index("NDVI").dl.zonal(fields, ["mean", "stdev"])  # doctest: +SKIP
        """
        from dawnlight.accessor._variables import as_array
        from dawnlight.accessor._zones import zonal

        return zonal(as_array(self._obj), polygons, stats, crs=crs)

    def tiles(
        self, size: int | tuple[int, int], overlap: int | tuple[int, int] = 0, *, partial: bool = False
    ) -> Tiles[T]:
        """Cut into windows of one size, for example to train or apply a model.

        Parameters
        ----------
        size : int or tuple of int
            Pixels along each side, or (rows, columns).
        overlap : int or tuple of int, default 0
            Pixels that neighbours have in common.
        partial : bool, default False
            Keep the smaller windows at the right and lower edge.

        Returns
        -------
        Tiles
            A sequence of arrays or datasets, row by row, cut when asked for; each knows its place. The
            loaders of `xbatcher` take it as a generator.

        Raises
        ------
        ParameterError
            A size cannot be used.

        Examples
        --------
        >>> import numpy as np, xarray as xr
        >>> array = xr.DataArray(np.zeros((5, 8)), dims=("y", "x"))
        >>> array.dl.tiles(4, overlap=2)
        <3 tiles of 4 x 4 pixels, overlap (2, 2)>
        """
        from dawnlight.accessor._tiles import Tiles

        return Tiles(self._obj, size, overlap, partial=partial)
