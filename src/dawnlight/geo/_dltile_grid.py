"""The grid of a UTM tile: what follows from its key."""

from __future__ import annotations

from typing import Any, ClassVar, TypeAlias

from affine import Affine
from shapely.geometry.base import BaseGeometry

from dawnlight.geo._context import GeoContext
from dawnlight.geo._crs import normalize_crs
from dawnlight.geo._dltile_key import FALSE_EASTING, TileKey
from dawnlight.geo._dltile_outline import tile_outline
from dawnlight.geo._geobox import GeoBox

__all__ = ["UtmTile"]

Bounds: TypeAlias = "tuple[float, float, float, float]"


class UtmTile(GeoContext):
    """Properties of a tile; `DLTile` adds the ways to make one."""

    __slots__ = ("_key",)

    _key: TileKey
    _fields: ClassVar[tuple[str, ...]] = ("_all_touched", "_key")

    # -- what makes it -----------------------------------------------------------------------------------

    @property
    def key(self) -> str:
        """The key: ``tilesize:pad:resolution:zone:ti:tj``."""
        return self._key.text

    @property
    def resolution(self) -> float:
        """Side of a pixel in metres."""
        return self._key.resolution

    @property
    def tilesize(self) -> int:
        """Pixels along each side, without the padding."""
        return self._key.tilesize

    @property
    def pad(self) -> int:
        """Pixels added on each side."""
        return self._key.pad

    @property
    def zone(self) -> int:
        """UTM zone, 1 to 60."""
        return self._key.zone

    @property
    def ti(self) -> int:
        """Easting index: tiles from the central meridian to the east."""
        return self._key.ti

    @property
    def tj(self) -> int:
        """Northing index: tiles from the equator to the north."""
        return self._key.tj

    # -- what follows ------------------------------------------------------------------------------------

    @property
    def tile_extent(self) -> int:
        """Pixels along each side with the padding."""
        return self.tilesize + 2 * self.pad

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns with the padding."""
        return self.tile_extent, self.tile_extent

    @property
    def crs(self) -> str:
        """System of the grid: the zone's northern UTM."""
        return f"EPSG:{32600 + self.zone}"

    @property
    def bounds_crs(self) -> str:
        """System of the bounds."""
        return self.crs

    @property
    def align_pixels(self) -> bool:
        """False: the grid is the tile's own."""
        return False

    @property
    def bounds(self) -> Bounds:
        """(minx, miny, maxx, maxy) in metres, with the padding."""
        key, margin = self._key, self.pad * self.resolution
        west, south = FALSE_EASTING + key.ti * key.side, key.tj * key.side
        return west - margin, south - margin, west + key.side + margin, south + key.side + margin

    @property
    def geotrans(self) -> tuple[float, float, float, float, float, float]:
        """Transform in GDAL's order."""
        west, _, _, north = self.bounds
        return west, self.resolution, 0.0, north, 0.0, -self.resolution

    @property
    def proj4(self) -> str:
        """The system as a PROJ string, with the trailing space of the reference platform."""
        return f"+proj=utm +zone={self.zone} +datum=WGS84 +units=m +no_defs "

    @property
    def wkt(self) -> str:
        """The system as OGC WKT 1."""
        return str(normalize_crs(self.crs).to_wkt("WKT1_GDAL"))

    @property
    def geometry(self) -> BaseGeometry:
        """The padded tile in longitude and latitude.

        A quadrilateral of its corners: lower left, lower right, upper right, upper left. Longitudes beyond
        180 mean across the antimeridian. Only a tile at a pole, where four corners say nothing, is the
        outline of its area instead.
        """
        return tile_outline(self.bounds, self.zone)

    @property
    def raster_params(self) -> dict[str, Any]:
        """The arguments that describe this context in the wire protocol."""
        return {"dltile": self.key, "align_pixels": False, **super().raster_params}

    def _resolve_geobox(self) -> GeoBox:
        west, _, _, north = self.bounds
        step = self.resolution
        return GeoBox(self.shape, Affine(step, 0, west, 0, -step, north), normalize_crs(self.crs))

    def _to_geometry(self) -> BaseGeometry:
        return self.geometry

    def _describe(self) -> dict[str, object]:
        return {
            "key": self.key,
            "resolution": self.resolution,
            "tilesize": self.tilesize,
            "pad": self.pad,
            "crs": self.crs,
            "bounds": self.bounds,
            "bounds_crs": self.bounds_crs,
            "geometry": self.geometry,
            "zone": self.zone,
            "ti": self.ti,
            "tj": self.tj,
            "all_touched": self.all_touched,
        }
