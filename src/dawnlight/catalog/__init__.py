"""Placeholder docstring: catalog."""
