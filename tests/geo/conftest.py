"""Hypothesis without deadlines: the first call of a projection opens PROJ's database, however busy the machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")
