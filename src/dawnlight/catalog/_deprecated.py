"""Names of arguments that still work."""

from __future__ import annotations

import warnings

__all__ = ["warn_deprecated"]


def warn_deprecated(old: str, new: str) -> None:
    """Warn the caller of a public method that an argument has another name now."""
    warnings.warn(f"{old} is deprecated; write {new}", FutureWarning, stacklevel=3)
