"""Placeholder docstring: raster."""
