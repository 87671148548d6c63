"""Migrations of the embedded catalog, one module per version."""
