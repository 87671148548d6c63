"""Dawnlight."""
