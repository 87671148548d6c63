"""Integer rectangles of pixels."""

from __future__ import annotations

import operator
from dataclasses import dataclass

from dawnlight.errors import ParameterError, ParameterTypeError

__all__ = ["Window"]


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A rectangle of pixels, rows ``y`` to ``stop_y - 1`` and columns ``x`` to ``stop_x - 1``.

    It may lie outside any array (negative ``y`` and ``x``) and may be empty (``height`` or ``width`` 0).

    Parameters
    ----------
    y, x : int
        First row and first column.
    height, width : int
        Numbers of rows and columns, 0 or more.

    Raises
    ------
    ParameterTypeError
        A number is not whole.
    ParameterError
        A size is negative.

    Examples
    --------
    >>> Window(0, 0, 10, 20).intersect(Window(5, 15, 10, 10))
    Window(y=5, x=15, height=5, width=5)
    """

    y: int
    x: int
    height: int
    width: int

    def __post_init__(self) -> None:
        for name in ("y", "x", "height", "width"):
            value = getattr(self, name)
            if type(value) is not int:
                object.__setattr__(self, name, _to_int(name, value))
        if self.height < 0 or self.width < 0:
            raise ParameterError(f"Window height={self.height} and width={self.width} must be 0 or more")

    @property
    def stop_y(self) -> int:
        """Row after the last."""
        return self.y + self.height

    @property
    def stop_x(self) -> int:
        """Column after the last."""
        return self.x + self.width

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.height, self.width

    @property
    def size(self) -> int:
        """Number of pixels."""
        return self.height * self.width

    @property
    def is_empty(self) -> bool:
        """Whether there is no pixel."""
        return self.height == 0 or self.width == 0

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the rectangle in an array ``(y, x)``; the window must not start before the array."""
        if self.y < 0 or self.x < 0:
            raise ParameterError(f"{self} starts before the array; clip it to the array's shape first")
        return slice(self.y, self.stop_y), slice(self.x, self.stop_x)

    def intersect(self, other: Window) -> Window | None:
        """Return the pixels in both windows, or None where there are none.

        Parameters
        ----------
        other : Window
            In the same pixel coordinates.

        Returns
        -------
        Window or None
            Never empty.

        Examples
        --------
        >>> Window(0, 0, 2, 2).intersect(Window(2, 0, 2, 2)) is None
        True
        """
        y, x = max(self.y, other.y), max(self.x, other.x)
        height = min(self.stop_y, other.stop_y) - y
        width = min(self.stop_x, other.stop_x) - x
        if height <= 0 or width <= 0:
            return None
        return Window(y, x, height, width)

    def contains(self, other: Window) -> bool:
        """Return whether every pixel of ``other`` is in this window.

        Examples
        --------
        >>> Window(0, 0, 4, 4).contains(Window(1, 1, 3, 3))
        True
        """
        return other.is_empty or self.intersect(other) == other

    def shift(self, dy: int, dx: int) -> Window:
        """Return the window moved by whole pixels.

        Examples
        --------
        >>> Window(1, 1, 2, 2).shift(-1, 3)
        Window(y=0, x=4, height=2, width=2)
        """
        return Window(self.y + dy, self.x + dx, self.height, self.width)

    def pad(self, n: int) -> Window:
        """Return the window grown by ``n`` pixels on each side.

        A negative ``n`` shrinks it, at most to nothing.

        Examples
        --------
        >>> Window(5, 5, 2, 2).pad(2)
        Window(y=3, x=3, height=6, width=6)
        """
        return Window(self.y - n, self.x - n, max(0, self.height + 2 * n), max(0, self.width + 2 * n))

    def clip(self, shape: tuple[int, int]) -> Window:
        """Return the part inside an array of a shape.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns of the array.

        Returns
        -------
        Window
            Empty where nothing is inside, and then still a valid index.

        Examples
        --------
        >>> Window(-2, 3, 4, 4).clip((5, 5))
        Window(y=0, x=3, height=2, width=2)
        """
        y, stop_y = _clip(self.y, self.stop_y, shape[0])
        x, stop_x = _clip(self.x, self.stop_x, shape[1])
        return Window(y, x, stop_y - y, stop_x - x)


def _clip(start: int, stop: int, size: int) -> tuple[int, int]:
    start = min(max(start, 0), size)
    return start, max(start, min(stop, size))


def _to_int(name: str, value: object) -> int:
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ParameterTypeError(f"Window {name}={value!r} must be a whole number") from None
