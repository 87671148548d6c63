"""Placeholder docstring: geo."""
