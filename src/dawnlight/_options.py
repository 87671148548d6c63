"""Settings of the process: one place for ``set_options``, environment variables and ``dawnlight.toml``.

A value is looked up in this order, first match wins:

1. ``dl.set_options(...)`` in force,
2. the environment: ``DAWNLIGHT_`` + the name in capitals (``DAWNLIGHT_CACHE_BYTES``),
3. the file named by ``DAWNLIGHT_CONFIG``, else ``dawnlight.toml`` in the working folder, else in the user's
   configuration folder,
4. the default below.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from dawnlight.errors import ConfigError

__all__ = ["Options", "get_options", "set_options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings in force."""

    catalog: str | None = None
    """Folder or URL of the default catalog; None is a folder in the platform's user-data directory."""
    namespace: str | None = None
    """Prefix of product ids made by this user; None leaves the ids as they are given."""
    chunk_bytes: int = 64 * 2**20
    """Size in bytes of one chunk that ``chunks="auto"`` aims at, all bands together."""
    cache_bytes: int = 256 * 2**20
    """Budget in bytes for decoded tiles and coordinate lattices kept in the process."""
    read_attempts: int = 3
    """How often a failed read of a remote file is tried before it is an error."""
    read_timeout: int = 30
    """Seconds that one request to a server may take, and the longest wait that a server may ask for."""
    jit: bool = True
    """Compile the resampling kernels with numba; if not, NumPy gives the same values more slowly."""

    def __post_init__(self) -> None:
        for name, least in (
            ("chunk_bytes", 2**16),
            ("cache_bytes", 0),
            ("read_attempts", 1),
            ("read_timeout", 1),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ConfigError(f"option {name}={value!r} must be a whole number >= {least}")
        if not isinstance(self.jit, bool):
            raise ConfigError(f"option jit={self.jit!r} must be true or false")
        for name in ("catalog", "namespace"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise ConfigError(f"option {name}={value!r} must be a string")


_TRUTHS = {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False}
_NAMES = {field.name: field.type for field in fields(Options)}
# Of the process, not of the thread: the threads that read pixels must see what the user set.
_current: Options | None = None
_base: Options | None = None


def get_options() -> Options:
    """Return the settings in force here.

    Returns
    -------
    Options
        An immutable record.

    Examples
    --------
    >>> import dawnlight as dl
    >>> dl.get_options().chunk_bytes
    67108864
    """
    return _current or _load_base()


class set_options:  # noqa: N801 - used like a function, as in xarray
    """Change settings, for good or inside a ``with`` block.

    Parameters
    ----------
    **settings
        Names and values of `Options`.

    Raises
    ------
    ConfigError
        A name is unknown or a value cannot be used.

    Examples
    --------
    >>> import dawnlight as dl
    >>> with dl.set_options(chunk_bytes=2**20):
    ...     dl.get_options().chunk_bytes
    1048576
    """

    def __init__(self, **settings: Any) -> None:
        global _current
        self._before = _current
        _current = _merge(get_options(), settings, "set_options")

    def __enter__(self) -> set_options:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        global _current
        _current = self._before


def _merge(options: Options, settings: Mapping[str, Any], origin: str) -> Options:
    unknown = sorted(set(settings) - set(_NAMES))
    if unknown:
        raise ConfigError(f"{origin}: unknown option {unknown[0]!r}; known are {', '.join(sorted(_NAMES))}")
    return replace(options, **settings)


def _load_base() -> Options:
    global _base
    if _base is None:
        options = Options()
        path = _config_file()
        if path is not None:
            options = _merge(options, _read_config(path), str(path))
        _base = _merge(options, _read_environment(), "environment")
    return _base


def _config_file() -> Path | None:
    named = os.environ.get("DAWNLIGHT_CONFIG")
    if named:
        if not Path(named).is_file():
            raise ConfigError(f"DAWNLIGHT_CONFIG={named!r} is not a file")
        return Path(named)
    import platformdirs

    for folder in (Path.cwd(), platformdirs.user_config_path("dawnlight")):
        if (folder / "dawnlight.toml").is_file():
            return folder / "dawnlight.toml"
    return None


def _read_config(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot read the settings in {str(path)!r}: {error}") from error


def _read_environment() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, kind in _NAMES.items():
        value = os.environ.get(f"DAWNLIGHT_{name.upper()}")
        if not value:
            continue
        if kind == "int":
            try:
                found[name] = int(value)
            except ValueError:
                raise ConfigError(f"DAWNLIGHT_{name.upper()}={value!r} must be a whole number") from None
        elif kind == "bool":
            if value.lower() not in _TRUTHS:
                raise ConfigError(f"DAWNLIGHT_{name.upper()}={value!r} must be 1 or 0, true or false")
            found[name] = _TRUTHS[value.lower()]
        else:
            found[name] = value
    return found
