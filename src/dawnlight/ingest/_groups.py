"""Which files make up an image."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dawnlight.errors import ParameterError, RasterError
from dawnlight.ingest._names import stem_of
from dawnlight.ingest._pattern import NamePattern, PatternMatch
from dawnlight.ingest._report import FileResult
from dawnlight.raster._href import normalize_href
from dawnlight.storage._names import make_valid_name

__all__ = ["FileGroup", "expand_files", "group_files"]

_SUFFIXES = frozenset((".tif", ".tiff", ".jp2", ".j2k", ".jpx"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileGroup:
    """The files of one image."""

    name: str
    """The image's name, made valid."""
    hrefs: tuple[str, ...]
    """Normalised, in the order of their bands."""
    matches: tuple[PatternMatch | None, ...]
    """What the pattern found in each."""


def expand_files(files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[str]:
    """Return what was given, with folders replaced by the rasters in them and wildcards by what they match.

    Parameters
    ----------
    files : path, URL, or iterable of them
        Folders are searched at every depth for ``.tif``, ``.tiff``, ``.jp2``, ``.j2k`` and ``.jpx``. A path
        that holds ``*``, ``?`` or ``[`` and does not exist is a wildcard.

    Returns
    -------
    list of str
        Each once.
    """
    given = [files] if isinstance(files, (str, os.PathLike)) else files
    found: dict[str, None] = {}
    for file in given:
        text = str(os.fspath(file))
        if os.path.isdir(text):
            inside = (path for path in Path(text).rglob("*") if path.suffix.lower() in _SUFFIXES)
            found.update(dict.fromkeys(map(str, sorted(inside))))
        elif glob.has_magic(text) and "://" not in text and not os.path.exists(text):
            found.update(dict.fromkeys(sorted(glob.glob(text, recursive=True)) or [text]))
        else:
            found[text] = None
    return list(found)


def group_files(
    files: Sequence[str], pattern: NamePattern | None, bands: Sequence[str] = ()
) -> tuple[list[FileGroup], list[FileResult]]:
    """Sort files into images.

    Parameters
    ----------
    files : sequence of str
        Paths and URLs.
    pattern : NamePattern or None
        None makes an image of each file.
    bands : sequence of str
        Where the pattern names bands: the ones wanted, in their order. Files of others are left out.

    Returns
    -------
    groups : list of FileGroup
        In the order of their first files.
    refused : list of FileResult
        Files that cannot be part of an image.
    """
    members: dict[str, list[tuple[str, PatternMatch | None]]] = {}
    refused: list[FileResult] = []
    seen: set[str] = set()
    for file in files:
        try:
            href = normalize_href(file)
            match = pattern.match(href) if pattern else None
        except (RasterError, ParameterError) as error:
            refused.append(FileResult(href=file, status="refused", reason=str(error)))
            continue
        if href in seen:
            continue
        seen.add(href)
        if pattern and match is None:
            reason = f"its name does not fit the pattern {pattern.text!r}"
            refused.append(FileResult(href=href, status="refused", reason=reason))
        elif match and match.band is not None and bands and make_valid_name(match.band) not in bands:
            continue
        else:
            name = make_valid_name(match.name if match else stem_of(href))
            members.setdefault(name, []).append((href, match))
    groups = []
    for name, found in members.items():
        found = _in_order(found, bands)
        if pattern is None or not pattern.has_band:
            # A file is an image, and a second one of the same name is another image.
            reason = (
                f"{found[0][0]} has the same name, and so would be the same image {name!r}; a pattern with "
                "the folder in it, such as --pattern '{name}/*', tells them apart"
            )
            refused.extend(FileResult(href=href, status="refused", reason=reason) for href, _ in found[1:])
            found = found[:1]
        hrefs, matches = zip(*found, strict=True)
        groups.append(FileGroup(name=name, hrefs=hrefs, matches=matches))
    return groups, refused


def _in_order(
    found: list[tuple[str, PatternMatch | None]], bands: Sequence[str]
) -> list[tuple[str, PatternMatch | None]]:
    """Order files by their bands: as asked for, else B2 before B10."""

    def key(item: tuple[str, PatternMatch | None]) -> tuple[int, list[tuple[int, str]]]:
        band = item[1].band if item[1] else None
        if band is None:
            return 0, []
        name = make_valid_name(band)
        parts = re.split(r"(\d+)", name.lower())
        order = bands.index(name) if name in bands else len(bands)
        return order, [(int(part), "") if part.isdigit() else (-1, part) for part in parts]

    return sorted(found, key=key)
