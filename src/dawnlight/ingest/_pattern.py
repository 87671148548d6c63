"""Patterns of file names: which files make up an image, which band each holds, and when it was taken.

::

    {name}_{band}.tif                            LC08_013032_B4.tif: image LC08_013032, band B4
    {name}_{band:B?|B1?|QA_*}.tif                bands spelled out, where "_" occurs in them
    {name}/{band}.jp2                            one folder for each image
    {band}/*_{date:%Y%m%d}_{end:%Y%m%d}.tif      one folder for each band, images named by time

==================  ================================================================================
``{name}``          the image's name: the longest text that fits, but the shortest before ``{band:...}``
``{band}``          the band's name
``{date}``          when it was acquired: ISO, YYYYMMDD, or year and day of year, with time or without
``{date:FORMAT}``   the same in a format of ``strptime`` made of %Y %y %m %d %j %H %M %S %f %b %B
``{end}``           when the acquisition ended, written like ``{date}``
``{name:A|B}``      one of several texts, in which ``*`` and ``?`` are wildcards; so for ``{band:...}``
``*``, ``?``        any text (none, too), and any one character
``{{``, ``}}``      the braces themselves
==================  ================================================================================

None of these matches a ``/``. A pattern with slashes is compared with as many last parts of the path as it
has itself; one without an extension is compared with the name without its extension. Upper and lower case
differ, except in the extension. A field used twice must be the same text twice.

All fields but the band, joined by ``_``, are the image's name, and files with the same one are one image.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from dawnlight.errors import ParameterError
from dawnlight.ingest._times import parse_compact
from dawnlight.raster._href import is_remote

__all__ = ["NamePattern", "PatternMatch", "path_of"]

_FIELDS = ("name", "band", "date", "end")
_PIECE = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}:]*)(?::(?P<spec>[^{}]*))?\}|(?P<bad>[{}])|[^{}]")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]+\Z")
_ANY, _ONE, _TEXT = r"[^/]*", r"[^/]", r"[^/]+"
_DATE = r"\d{4}(?:-\d\d-\d\d|\d{3,4})(?:[T_ -]?\d\d[:-]?\d\d[:-]?\d\d)?"
_DIRECTIVES = {
    "Y": r"\d{4}",
    "y": r"\d\d",
    "m": r"\d\d",
    "d": r"\d\d",
    "j": r"\d{3}",
    "H": r"\d\d",
    "M": r"\d\d",
    "S": r"\d\d",
    "f": r"\d{1,6}",
    "b": r"[A-Za-z]{3}",
    "B": r"[A-Za-z]+",
    "%": "%",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternMatch:
    """What a pattern found in the path of a file."""

    name: str
    """The image's name, as it stands in the path."""
    band: str | None
    """The band's name."""
    date: datetime | None
    """When the image was acquired."""
    end: datetime | None
    """When the acquisition ended."""


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A pattern, read and checked.

    Parameters
    ----------
    text : str
        As the module describes.

    Raises
    ------
    ParameterError
        The pattern cannot be read, or does not tell one image from another.

    Examples
    --------
    >>> found = NamePattern("{name}_{band}.tif").match("/data/LC08_20180131_B4.TIF")
    >>> found.name, found.band
    ('LC08_20180131', 'B4')
    """

    text: str
    _regex: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _formats: dict[str, str | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        extension = _EXTENSION.search(self.text)
        stem = self.text[: extension.start()] if extension else self.text
        formats: dict[str, str | None] = {}
        regex = _to_regex(self.text, stem, formats)
        if extension:
            regex += f"(?i:{re.escape(extension[0])})"
        if not formats.keys() & {"name", "date"}:
            raise ParameterError(
                f"pattern {self.text!r} needs {{name}} or {{date}}, to tell one image's files from another's"
            )
        object.__setattr__(self, "_regex", re.compile(regex))
        object.__setattr__(self, "_formats", formats)

    @property
    def has_band(self) -> bool:
        """Whether the pattern names the band that a file holds."""
        return "band" in self._formats

    def match(self, href: str) -> PatternMatch | None:
        """Compare the pattern with a file's path.

        Parameters
        ----------
        href : str
            Path or URL.

        Returns
        -------
        PatternMatch or None
            None if it does not fit.

        Raises
        ------
        ParameterError
            It fits, but the text in the place of a date is none.
        """
        path = path_of(href)
        if not _EXTENSION.search(self.text):
            path = _EXTENSION.sub("", path)
        parts = self.text.strip("/").count("/") + 1
        found = self._regex.fullmatch("/".join(path.split("/")[-parts:]))
        if found is None:
            return None
        texts = {name: found[name] for name in self._formats}
        return PatternMatch(
            name="_".join(text for name, text in texts.items() if name != "band"),
            band=texts.get("band"),
            date=self._read_date(texts, "date"),
            end=self._read_date(texts, "end"),
        )

    def _read_date(self, texts: dict[str, str], name: str) -> datetime | None:
        if name not in texts:
            return None
        format = self._formats[name]
        if format is None:
            return parse_compact(texts[name])
        try:
            return datetime.strptime(texts[name], format).replace(tzinfo=UTC)
        except ValueError:
            raise ParameterError(f"{texts[name]!r} is no date of the form {format}") from None


def path_of(href: str) -> str:
    """Return the path of a file with ``/`` between its parts, for a URL without host and query."""
    return unquote(urlsplit(href).path) if is_remote(href) else href.replace("\\", "/")


def _to_regex(whole: str, text: str, formats: dict[str, str | None]) -> str:
    """Translate part of a pattern; the fields found are added to `formats`, with their date formats."""
    regex = ""
    for piece in _PIECE.finditer(text.lstrip("/")):
        if piece["bad"]:
            raise ParameterError(
                f"pattern {whole!r}: {piece['bad']!r} has no counterpart; double it to mean itself"
            )
        if piece["name"] is None:
            regex += _glob(piece[0]) if len(piece[0]) == 1 else re.escape(piece[0][0])
        elif piece["name"] in formats:
            regex += f"(?P={piece['name']})"
        elif piece["name"] in ("name", "band"):
            # Bands that are spelled out may hold what separates them from the name.
            text = _TEXT if piece["name"] == "band" or "{band:" not in whole else _TEXT + "?"
            options = (piece["spec"] or "").split("|")
            body = "|".join("".join(map(_glob, option)) for option in options) if piece["spec"] else text
            regex += f"(?P<{piece['name']}>{body})"
            formats[piece["name"]] = None
        elif piece["name"] in ("date", "end"):
            body = _strptime_regex(whole, piece["spec"]) if piece["spec"] else _DATE
            regex += f"(?P<{piece['name']}>{body})"
            formats[piece["name"]] = piece["spec"] or None
        else:
            raise ParameterError(
                f"pattern {whole!r}: {piece[0]} is unknown; known are "
                f"{', '.join('{' + name + '}' for name in _FIELDS)}, * and ?"
            )
    return regex


def _glob(character: str) -> str:
    return {"*": _ANY, "?": _ONE}.get(character) or re.escape(character)


def _strptime_regex(whole: str, format: str) -> str:
    regex = ""
    for piece in re.finditer(r"%(.?)|[^%]", format):
        if piece[1] is None:
            regex += re.escape(piece[0])
        elif piece[1] in _DIRECTIVES:
            regex += _DIRECTIVES[piece[1]]
        else:
            raise ParameterError(
                f"pattern {whole!r}: {piece[0]!r} is not a part of a date; known are "
                f"{' '.join('%' + name for name in _DIRECTIVES)}"
            )
    return regex
