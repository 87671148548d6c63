"""DLTile: a tile of the UTM grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, overload

import numpy as np

from dawnlight.errors import InvalidLatLonError, InvalidRowColError, InvalidTileError
from dawnlight.geo._context import UNCHANGED, GeoContext, Unchanged
from dawnlight.geo._crs import WGS84, transformer
from dawnlight.geo._dltile_cover import ShapeLike, iter_keys, warn_if_many
from dawnlight.geo._dltile_grid import UtmTile
from dawnlight.geo._dltile_key import TileKey, zone_of
from dawnlight.geo._pairs import PairValues, as_pairs
from dawnlight.geo._xyztile import refuse_changes

__all__ = ["DLTile"]

# Property of the feature -> part of the key.
_FEATURE_PARTS = ("tilesize", "pad", "resolution", "zone", "ti", "tj")


class DLTile(UtmTile):
    """A square tile of a grid laid over each UTM zone, from the central meridian and the equator.

    Usually made by `from_latlon`, `from_shape` or `from_key`.

    Parameters
    ----------
    feature : mapping
        A GeoJSON feature of a tile: its ``properties`` hold the ``key``, or else ``tilesize``, ``pad``,
        ``resolution``, ``zone``, ``ti`` and ``tj``. Where they hold both, the two must agree.
    all_touched : bool, default False
        See `GeoContext`.

    Raises
    ------
    InvalidTileError
        The mapping does not describe a tile.

    Notes
    -----
    Zones are plain 6 degree zones, without the exceptions of Norway and Svalbard, and the northern system
    (EPSG:326xx) is used on both hemispheres, so northings are negative in the south. Tiles at the border of
    two zones overlap.

    Examples
    --------
    >>> from dawnlight.geo import DLTile
    >>> tile = DLTile.from_latlon(41.5, -93.5, resolution=75, tilesize=256, pad=0)
    >>> tile.key, tile.bounds
    ('256:0:75.0:15:-3:239', (442400.0, 4588800.0, 461600.0, 4608000.0))
    """

    __slots__ = ()

    def __init__(self, feature: Mapping[str, Any], all_touched: bool = False) -> None:
        super().__init__(all_touched)
        self._set(_key=_read_feature(feature))

    @classmethod
    def _make(cls, key: TileKey, all_touched: bool) -> DLTile:
        tile = cls.__new__(cls)
        GeoContext.__init__(tile, all_touched)
        tile._set(_key=key)
        return tile

    @classmethod
    def from_key(cls, dltile_key: str, all_touched: bool = False) -> DLTile:
        """Return the tile of a key.

        Parameters
        ----------
        dltile_key : str
            ``tilesize:pad:resolution:zone:ti:tj``.
        all_touched : bool, default False
            See `GeoContext`.

        Returns
        -------
        DLTile

        Raises
        ------
        InvalidTileError
            It is not exactly a key, or a number in it is out of range.

        Examples
        --------
        >>> from dawnlight.geo import DLTile
        >>> DLTile.from_key("128:16:960.0:15:-1:37").bounds
        (361760.0, 4531200.0, 515360.0, 4684800.0)
        """
        return cls._make(TileKey.parse(dltile_key), all_touched)

    @classmethod
    def from_latlon(
        cls,
        lat: float,
        lon: float,
        resolution: float,
        tilesize: int,
        pad: int,
        all_touched: bool = False,
    ) -> DLTile:
        """Return the tile that holds a point.

        Parameters
        ----------
        lat, lon : float
            Latitude and longitude in degrees; longitude 180 belongs to zone 60.
        resolution : float
            Side of a pixel in metres.
        tilesize : int
            Pixels along each side, without the padding.
        pad : int
            Pixels added on each side.
        all_touched : bool, default False
            See `GeoContext`.

        Returns
        -------
        DLTile

        Raises
        ------
        InvalidLatLonError
            The point is not on the Earth.
        InvalidTileError
            The resolution, tilesize or pad is out of range.

        Examples
        --------
        >>> from dawnlight.geo import DLTile
        >>> DLTile.from_latlon(60, 5, 1.5, 1000, 0).key
        '1000:0:1.5:31:74:4435'
        """
        lats, lons = as_pairs("lat", lat, "lon", lon, InvalidLatLonError)
        if len(lats) != 1:
            raise InvalidLatLonError(f"lat={lat!r} and lon={lon!r} must be two numbers")
        if not (abs(lats[0]) <= 90 and abs(lons[0]) <= 180):
            raise InvalidLatLonError(f"lat={lat!r} must be within ±90 and lon={lon!r} within ±180 degrees")
        zone = zone_of(float(lons[0]))
        easting, northing = transformer(WGS84, 32600 + zone).transform(float(lons[0]), float(lats[0]))
        key = TileKey.at(easting, northing, zone=zone, grid=(resolution, tilesize, pad))
        return cls._make(key, all_touched)

    @overload
    @classmethod
    def from_shape(
        cls,
        shape: ShapeLike,
        resolution: float,
        tilesize: int,
        pad: int,
        keys_only: Literal[False] = False,
        all_touched: bool = False,
    ) -> list[DLTile]: ...

    @overload
    @classmethod
    def from_shape(
        cls,
        shape: ShapeLike,
        resolution: float,
        tilesize: int,
        pad: int,
        keys_only: Literal[True],
        all_touched: bool = False,
    ) -> list[str]: ...

    @classmethod
    def from_shape(
        cls,
        shape: ShapeLike,
        resolution: float,
        tilesize: int,
        pad: int,
        keys_only: bool = False,
        all_touched: bool = False,
    ) -> list[DLTile] | list[str]:
        """Return the tiles that touch a shape.

        Parameters
        ----------
        shape : geometry-like, JSON text, or list of these
            Polygons in longitude and latitude: shapely, a GeoJSON geometry, Feature or FeatureCollection, or
            anything with ``__geo_interface__``. Longitudes beyond 180 cross the antimeridian; the part there
            is tiled on the other side.
        resolution : float
            Side of a pixel in metres.
        tilesize : int
            Pixels along each side, without the padding.
        pad : int
            Pixels added on each side; they do not make a tile touch the shape.
        keys_only : bool, default False
            Whether to return keys instead of tiles.
        all_touched : bool, default False
            See `GeoContext`.

        Returns
        -------
        list of DLTile or list of str
            Without repetition: zone by zone from west to east, in each from south to north, and in each row
            from east to west.

        Raises
        ------
        InvalidShapeError
            The shape is not made of polygons, or leaves the world.
        InvalidTileError
            The resolution, tilesize or pad is out of range.

        Warns
        -----
        UserWarning
            More than about 50,000 tiles are to be expected.

        Examples
        --------
        >>> import shapely
        >>> from dawnlight.geo import DLTile
        >>> len(DLTile.from_shape(shapely.box(-94.2, 39.9, -93.6, 40.3), 75, 256, 0))
        12
        """
        warn_if_many(shape, resolution, tilesize, pad)
        keys = iter_keys(shape, resolution, tilesize, pad)
        if keys_only:
            return [key.text for key in keys]
        return [cls._make(key, all_touched) for key in keys]

    @overload
    @classmethod
    def iter_from_shape(
        cls,
        shape: ShapeLike,
        resolution: float,
        tilesize: int,
        pad: int,
        keys_only: Literal[False] = False,
        all_touched: bool = False,
    ) -> Iterator[DLTile]: ...

    @overload
    @classmethod
    def iter_from_shape(
        cls,
        shape: ShapeLike,
        resolution: float,
        tilesize: int,
        pad: int,
        keys_only: Literal[True],
        all_touched: bool = False,
    ) -> Iterator[str]: ...

    @classmethod
    def iter_from_shape(
        cls,
        shape: ShapeLike,
        resolution: float,
        tilesize: int,
        pad: int,
        keys_only: bool = False,
        all_touched: bool = False,
    ) -> Iterator[DLTile] | Iterator[str]:
        """Yield the tiles that touch a shape, one after the other; see `from_shape`.

        Examples
        --------
        >>> import shapely
        >>> from dawnlight.geo import DLTile
        >>> tiles = DLTile.iter_from_shape(shapely.box(-94.2, 39.9, -93.6, 40.3), 75, 256, 0, keys_only=True)
        >>> next(tiles)
        '256:0:75.0:15:-3:230'
        """
        keys = iter_keys(shape, resolution, tilesize, pad)
        if keys_only:
            return (key.text for key in keys)
        return (cls._make(key, all_touched) for key in keys)

    # -- other tiles and pixels --------------------------------------------------------------------------

    @overload
    def subtile(
        self,
        subdivide: int,
        resolution: float | None = None,
        pad: int | None = None,
        keys_only: Literal[False] = False,
    ) -> Iterator[DLTile]: ...

    @overload
    def subtile(
        self,
        subdivide: int,
        resolution: float | None = None,
        pad: int | None = None,
        *,
        keys_only: Literal[True],
    ) -> Iterator[str]: ...

    def subtile(
        self,
        subdivide: int,
        resolution: float | None = None,
        pad: int | None = None,
        keys_only: bool = False,
    ) -> Iterator[DLTile] | Iterator[str]:
        """Yield the ``subdivide ** 2`` tiles that this one (without padding) consists of.

        Parameters
        ----------
        subdivide : int
            Parts along each side; must divide the tilesize.
        resolution : float, optional
            Side of a pixel of the parts in metres, by default as here. Must fit their side a whole number of
            times.
        pad : int, optional
            Padding of the parts, by default as here.
        keys_only : bool, default False
            Whether to yield keys instead of tiles.

        Returns
        -------
        iterator of DLTile or of str
            Row by row from the upper left.

        Raises
        ------
        InvalidTileError
            The tile cannot be divided like this.

        Examples
        --------
        >>> from dawnlight.geo import DLTile
        >>> list(DLTile.from_key("256:0:75.0:15:-5:230").subtile(2, keys_only=True))[:2]
        ['128:0:75.0:15:-10:461', '128:0:75.0:15:-9:461']
        """
        keys = self._key.divide(subdivide, resolution, pad)
        if keys_only:
            return (key.text for key in keys)
        return (self._make(key, self.all_touched) for key in keys)

    def rowcol_to_latlon(self, row: PairValues, col: PairValues) -> list[tuple[float, ...]]:
        """Return where the centres of pixels are.

        Parameters
        ----------
        row, col : int, or sequences of int of equal length
            From the upper left of the padded tile. Pixels outside the tile are fine.

        Returns
        -------
        list of two tuples of float
            Latitudes and longitudes.

        Raises
        ------
        InvalidRowColError
            The two do not pair up.

        Examples
        --------
        >>> from dawnlight.geo import DLTile
        >>> (lat,), (lon,) = DLTile.from_key("2048:0:30.0:15:3:80").rowcol_to_latlon(56, 1111)
        >>> round(lat, 6), round(lon, 6)
        (44.894653, -90.243342)
        """
        rows, cols = as_pairs("row", row, "col", col, InvalidRowColError)
        west, _, _, north = self.bounds
        eastings = west + (cols + 0.5) * self.resolution
        northings = north - (rows + 0.5) * self.resolution
        lons, lats = transformer(self.crs, WGS84).transform(eastings, northings)
        return [tuple(lats.tolist()), tuple(lons.tolist())]

    def latlon_to_rowcol(self, lat: PairValues, lon: PairValues) -> list[tuple[int, ...]]:
        """Return which pixels hold points.

        Parameters
        ----------
        lat, lon : float, or sequences of float of equal length
            Degrees. Points outside the tile are fine.

        Returns
        -------
        list of two tuples of int
            Rows and columns, from the upper left of the padded tile.

        Raises
        ------
        InvalidLatLonError
            The two do not pair up, or a point is not on the Earth or too far from the zone.

        Examples
        --------
        >>> from dawnlight.geo import DLTile
        >>> DLTile.from_key("2048:0:30.0:15:3:80").latlon_to_rowcol(44.8, -90.2)
        [(403,), (1237,)]
        """
        lats, lons = as_pairs("lat", lat, "lon", lon, InvalidLatLonError)
        if not (np.abs(lats) <= 90).all():
            raise InvalidLatLonError(f"lat={lat!r} must be within ±90 degrees")
        eastings, northings = transformer(WGS84, self.crs).transform(lons, lats)
        if not (np.isfinite(eastings).all() and np.isfinite(northings).all()):
            raise InvalidLatLonError(f"lat={lat!r}, lon={lon!r} is too far away from UTM zone {self.zone}")
        west, _, _, north = self.bounds
        rows = np.floor((north - northings) / self.resolution).astype(np.int64)
        cols = np.floor((eastings - west) / self.resolution).astype(np.int64)
        return [tuple(rows.tolist()), tuple(cols.tolist())]

    def assign(
        self,
        pad: int | Unchanged = UNCHANGED,
        all_touched: bool | Unchanged = UNCHANGED,
        **others: Any,
    ) -> DLTile:
        """Return a copy with another padding or ``all_touched``; nothing else of a tile can change.

        Parameters
        ----------
        pad : int, optional
            Pixels added on each side.
        all_touched : bool, optional
            See `GeoContext`.
        **others
            Refused, with the way out.

        Returns
        -------
        DLTile

        Raises
        ------
        InvalidTileError
            The pad is out of range.
        ParameterError
            Another property of a context is given, such as ``crs`` or ``resolution``.
        ParameterTypeError
            An unknown name is given.

        Examples
        --------
        >>> from dawnlight.geo import DLTile
        >>> DLTile.from_key("128:16:960.0:15:-1:37").assign(8).bounds
        (369440.0, 4538880.0, 507680.0, 4677120.0)
        """
        refuse_changes(
            self, others, "make a tile with DLTile.from_latlon(), or divide this one with subtile()"
        )
        own = self._key
        margin = own.pad if isinstance(pad, Unchanged) else pad
        touched = self.all_touched if isinstance(all_touched, Unchanged) else all_touched
        key = TileKey(own.tilesize, margin, own.resolution, own.zone, own.ti, own.tj)
        return self._make(key, touched)


def _read_feature(feature: object) -> TileKey:
    properties = feature.get("properties") if isinstance(feature, Mapping) else None
    if not isinstance(properties, Mapping):
        raise InvalidTileError(
            f"DLTile({type(feature).__name__}) needs a GeoJSON feature with 'properties'; "
            "use DLTile.from_key() for a key"
        )
    text = properties.get("key")
    given: Sequence[Any] = [properties.get(name) for name in _FEATURE_PARTS]
    if text is None:
        missing = [name for name, value in zip(_FEATURE_PARTS, given, strict=True) if value is None]
        if missing:
            raise InvalidTileError(f"the feature's properties hold neither 'key' nor {missing[0]!r}")
        tilesize, pad, resolution, zone, ti, tj = given
        return TileKey(tilesize, pad, resolution, zone, ti, tj)
    key = TileKey.parse(text)
    for name, value in zip(_FEATURE_PARTS, given, strict=True):
        if value is not None and value != getattr(key, name):
            raise InvalidTileError(f"the feature's {name}={value!r} contradicts its key {text!r}")
    return key
