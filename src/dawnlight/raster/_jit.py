"""The one door to numba: kernels are compiled where it works, and have a NumPy twin where it does not.

::

    jit = Jit(error_model="numpy")

    @jit                        # helper: runs uncompiled without numba
    def _weight(t): ...

    @jit.or_use(numpy_nearest)  # kernel: its twin takes its place without numba
    def nearest(src, out): ...

Compiled kernels are serial and release the GIL, so the threads that read chunks run side by side and start
no threads of their own. The twins give the same values bit for bit (a test compares them), more slowly.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from dawnlight._options import get_options

__all__ = ["Jit", "backend"]

F = TypeVar("F", bound=Callable[..., Any])


class Jit:
    """A decorator that compiles a function when the module is imported, or leaves it as it is.

    Parameters
    ----------
    **options
        For `numba.njit`, besides ``nogil`` and ``cache``.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options

    def __call__(self, function: F) -> F:
        """Compile a function if numba is in use."""
        compiler = _compiler()
        if compiler is None:
            return function
        compiled: F = compiler(nogil=True, cache=True, **self._options)(function)
        return compiled

    def or_use(self, twin: F) -> Callable[[F], F]:
        """Return a decorator that compiles a function, or puts another one in its place."""

        def decorate(function: F) -> F:
            return twin if _compiler() is None else self(function)

        return decorate


def backend() -> str:
    """Return what runs the kernels: ``"numba"`` or ``"numpy"``; numba is not imported to find out."""
    if _compiler.cache_info().currsize:
        return "numpy" if _compiler() is None else "numba"
    return "numba" if get_options().jit and _is_installed() else "numpy"


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec("numba") is not None
    except (ImportError, ValueError):  # somebody blocks it
        return False


@lru_cache(maxsize=1)
def _compiler() -> Any:
    """Return ``numba.njit``, or None where numba is switched off, missing or does not load.

    Asked once a process: compiled and uncompiled kernels are never mixed.
    """
    if not get_options().jit or not _is_installed():
        return None
    try:
        from numba import njit
    except Exception as error:  # a broken installation fails in many ways (NumPy too new, LLVM not found)
        warnings.warn(
            f"numba is installed but does not load ({error}); pixels are resampled with NumPy, which gives "
            "the same values more slowly",
            RuntimeWarning,
            stacklevel=2,
        )
        return None
    return njit
