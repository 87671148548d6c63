"""Placeholder docstring: search."""
