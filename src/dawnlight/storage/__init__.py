"""Placeholder docstring: storage."""
