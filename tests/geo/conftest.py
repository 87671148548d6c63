"""Hypothesis without deadlines: the first use of a projection opens PROJ's database."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")
