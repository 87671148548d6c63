"""Placeholder docstring: accessor."""
