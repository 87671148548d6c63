"""Placeholder docstring: ingest."""
