"""Placeholder docstring: testing."""
