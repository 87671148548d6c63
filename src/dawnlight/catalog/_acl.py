"""Who may do what: the rules for owners, readers and writers of products."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["may_read", "may_write", "owns"]

_ADMINS = "internal:platform-admin"
_READERS = "internal:platform-ro"

# Claims are those of a token: "namespace" (or "sub") names the user, then "email", "org" and "groups".


def owns(claims: Mapping[str, Any], owners: Iterable[str] | None) -> bool:
    """Tell whether the holder of a token is among the owners.

    Parameters
    ----------
    claims : mapping
        The token's claims.
    owners : iterable of str or None
        ``user:<namespace>``, ``org:<organisation>`` (its administrators), ``access-id:<name>``.

    Returns
    -------
    bool
        True for owners and for administrators of the platform.
    """
    groups = _groups(claims)
    subjects = {f"user:{_user(claims)}"}
    subjects |= {
        f"org:{group.removesuffix(':org-admin')}" for group in groups if group.endswith(":org-admin")
    }
    subjects |= {
        f"access-id:{group.removesuffix(':resource-admin')}"
        for group in groups
        if group.endswith(":resource-admin")
    }
    return _ADMINS in groups or not subjects.isdisjoint(owners or ())


def may_write(claims: Mapping[str, Any], owners: Iterable[str] | None, writers: Iterable[str] | None) -> bool:
    """Tell whether the holder of a token is among the owners or writers."""
    return owns(claims, owners) or not _subjects(claims).isdisjoint(writers or ())


def may_read(
    claims: Mapping[str, Any],
    owners: Iterable[str] | None,
    writers: Iterable[str] | None,
    readers: Iterable[str] | None,
) -> bool:
    """Tell whether the holder of a token is among the owners, writers or readers."""
    return (
        may_write(claims, owners, writers)
        or _READERS in _groups(claims)
        or not _subjects(claims).isdisjoint(readers or ())
    )


def _subjects(claims: Mapping[str, Any]) -> set[str]:
    subjects = {f"user:{_user(claims)}"} | {f"group:{group}" for group in _groups(claims)}
    for name in ("email", "org"):
        if claims.get(name):
            subjects.add(f"{name}:{claims[name]}")
    return subjects


def _user(claims: Mapping[str, Any]) -> Any:
    return claims.get("namespace") or claims.get("sub")


def _groups(claims: Mapping[str, Any]) -> set[str]:
    return set(claims.get("groups") or ())
