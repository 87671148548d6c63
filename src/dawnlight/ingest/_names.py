"""Names of images and bands, made from what files are called and say."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from dawnlight.errors import ParameterError
from dawnlight.ingest._pattern import path_of
from dawnlight.raster._header import FileHeader
from dawnlight.storage._names import make_valid_name

__all__ = ["check_distinct", "name_bands", "stem_of", "without_alpha"]

# A description longer than this is a sentence.
_MAX_NAME = 40
# Colour interpretations that name a band; the others ("gray", "palette", "undefined") do not.
_COLORS = frozenset(
    ("red", "green", "blue", "alpha", "yellow", "nir", "swir", "mwir", "lwir", "pan", "coastal", "rededge")
)


def stem_of(href: str) -> str:
    """Return the last part of a path or URL without its extension.

    Examples
    --------
    >>> stem_of("https://host/a/B04.tif?key=1")
    'B04'
    """
    name = path_of(href).rstrip("/").rpartition("/")[2]
    return name.rpartition(".")[0] or name


def name_bands(header: FileHeader, *, band: str | None = None) -> tuple[str, ...]:
    """Name the bands of a file.

    Parameters
    ----------
    header : FileHeader
        The file.
    band : str, optional
        What the file's name says: the name of its band, or of its bands in common.

    Returns
    -------
    tuple of str
        One for each raster band, all different. An alpha band is ``"alpha"``. Others have the name given,
        their description in the file, their colour, or ``band_<number>``, whichever comes first.

    Raises
    ------
    ParameterError
        Two bands of the file have the same name.
    """
    numbered = [f"band_{number}" for number in range(1, len(header.bands) + 1)]
    colors = [info.color for info in header.bands]
    colored = [
        color if color in _COLORS and colors.count(color) == 1 else default
        for color, default in zip(colors, numbered, strict=True)
    ]
    named = [_usable(info.description) or color for info, color in zip(header.bands, colored, strict=True)]
    if band is not None:
        others = [index for index, color in enumerate(colors) if color != "alpha"]
        own = make_valid_name(band)
        named = [own if len(others) == 1 else f"{own}_{name}" for name in named]
    names = ["alpha" if color == "alpha" else name for color, name in zip(colors, named, strict=True)]
    check_distinct(names, f"the bands of {header.href}")
    return tuple(names)


def without_alpha(header: FileHeader, masks: Collection[str] = ("alpha",)) -> FileHeader:
    """Return the header of a file whose alpha band is none, because it serves a band that is no mask.

    Many writers mark the fourth of four bands as alpha, whatever it holds: that of aerial images is often
    near infrared.

    Parameters
    ----------
    header : FileHeader
        With the names of the bands.
    masks : collection of str, default: ("alpha",)
        Names of bands that are masks.

    Returns
    -------
    FileHeader
        The same one if the alpha band is one of the masks or has no name, or if there is none.
    """
    bands = list(zip(header.bands, header.names, strict=True))
    if not any(band.color == "alpha" and name is not None and name not in masks for band, name in bands):
        return header
    return header.patch(
        bands=tuple(
            replace(
                band,
                color="undefined" if band.color == "alpha" else band.color,
                mask="none" if band.mask == "alpha" else band.mask,
            )
            for band in header.bands
        )
    )


def check_distinct(names: Sequence[str], what: str) -> None:
    """Raise `ParameterError` where a name occurs twice."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ParameterError(
            f"{what} include {twice!r} twice; name the bands (dawnlight add --bands), or tell them apart by "
            "a {band} in --pattern"
        )


def _usable(description: str | None) -> str | None:
    """Return a description that can serve as a name."""
    text = make_valid_name((description or "").strip()).strip("_")
    return text if 0 < len(text) <= _MAX_NAME else None
