"""The contexts under the seed API's name: ``dl.common.geo.DLTile`` is ``dawnlight.geo.DLTile``."""

from dawnlight.geo import AOI, DLTile, GeoContext, XYZTile

__all__ = ["AOI", "DLTile", "GeoContext", "XYZTile"]
