"""Home of `dawnlight.common.geo`, the seed API's name for the contexts."""

from dawnlight.common import geo

__all__ = ["geo"]
