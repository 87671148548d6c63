"""The synthetic Earth behind `dawnlight.tutorial`: ground, weather, scenes and their files."""

from __future__ import annotations

__all__: list[str] = []
