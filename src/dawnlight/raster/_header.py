"""What a raster file says about itself: everything needed to plan a read, and no pixel.

A header is read once, kept in the catalog beside the image, and shipped with the work. So a task can plan its
reads and open the file at the right overview without looking at the file first, and can tell that the file is
still the one that was registered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from dawnlight.errors import ParameterError
from dawnlight.geo import GeoBox, normalize_crs, spell_crs
from dawnlight.search import number_to_wire

__all__ = ["BandHeader", "FileHeader", "FileRef", "MaskKind"]

MaskKind = Literal["none", "internal", "alpha"]

_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BandHeader:
    """One band of a raster file."""

    dtype: str
    """numpy name of the samples, native byte order: ``"uint16"``."""
    nodata: float | None = None
    """Value of pixels without data, one that `dtype` can hold; NaN is a value, None means there is none."""
    mask: MaskKind = "none"
    """The file's own mask: ``"internal"`` (a mask band, in it or beside it), ``"alpha"`` or ``"none"``."""
    description: str | None = None
    """The band's name in the file."""
    color: str = "undefined"
    """GDAL's colour interpretation in lower case: ``"red"``, ``"alpha"``, ``"palette"``, ``"gray"`` ..."""
    scale: float = 1.0
    """Physical value = sample * scale + offset."""
    offset: float = 0.0
    """See `scale`."""
    unit: str | None = None
    """Unit of the physical value."""

    def __post_init__(self) -> None:
        if self.nodata is not None and math.isnan(self.nodata):
            # The one NaN that is compared by identity, so that equal headers are equal.
            object.__setattr__(self, "nodata", math.nan)

    def __reduce__(self) -> tuple[Any, ...]:
        return _band_from_dict, (_band_to_dict(self),)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRef:
    """What a task needs to open a file, and to notice that it is no longer the one registered."""

    href: str
    """Absolute path or URL."""
    size_bytes: int | None = None
    """Expected size in bytes; None is not checked."""
    modified_ns: int | None = None
    """Expected modification time in nanoseconds since 1970; None is not checked."""
    shape: tuple[int, int]
    """Expected (height, width) at full resolution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileHeader:
    """One raster file without its pixels."""

    href: str
    """Absolute path or URL."""
    driver: str
    """GDAL's short name of the format: ``"GTiff"`` or ``"JP2OpenJPEG"``."""
    size_bytes: int | None = None
    """Size in bytes when the header was read; None where a server does not say."""
    modified_ns: int | None = None
    """Modification time, nanoseconds since 1970, when the header was read; None where it is not known."""
    geobox: GeoBox
    """The full-resolution pixel grid; any affine, so rotated and south-up files keep their own."""
    bands: tuple[BandHeader, ...]
    """Band 1 of the file is ``bands[0]``."""
    overviews: tuple[tuple[int, int], ...] = ()
    """(height, width) of each overview, finest first; level k of a read is ``overviews[k - 1]``."""
    block: tuple[int, int]
    """(height, width) of the file's own blocks at full resolution."""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Short metadata items of the file; long ones are left out."""
    names: tuple[str | None, ...] = ()
    """Catalog band that each raster band serves; None leaves it to the band's index."""
    notes: tuple[str, ...] = ()
    """What was ignored in the file, in words for the user."""

    def __post_init__(self) -> None:
        if not self.names:
            object.__setattr__(self, "names", (None,) * len(self.bands))
        if len(self.names) != len(self.bands):
            raise ParameterError(f"{self.href}: {len(self.names)} names for {len(self.bands)} bands")

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) at full resolution."""
        height, width = self.geobox.shape
        return height, width

    @property
    def ref(self) -> FileRef:
        """What a task needs of this file."""
        return FileRef(
            href=self.href, size_bytes=self.size_bytes, modified_ns=self.modified_ns, shape=self.geobox.shape
        )

    def patch(self, **changes: Any) -> Self:  # Any: the fields differ in type
        """Return a copy in which some fields differ.

        Parameters
        ----------
        **changes
            Fields and their new values.

        Returns
        -------
        FileHeader
        """
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the header as plain JSON values; fields at their default are left out.

        Returns
        -------
        dict
            `from_dict` makes an equal header of it.
        """
        found: dict[str, Any] = {
            "version": _VERSION,
            "href": self.href,
            "driver": self.driver,
            "shape": list(self.geobox.shape),
            "geotrans": list(self.geobox.geotrans),
            "crs": spell_crs(self.geobox.crs),
            "block": list(self.block),
            "bands": [_band_to_dict(band) for band in self.bands],
        }
        optional = {
            "size_bytes": self.size_bytes,
            "modified_ns": self.modified_ns,
            "overviews": [list(shape) for shape in self.overviews],
            "tags": dict(self.tags),
            "names": list(self.names) if any(self.names) else [],
            "notes": list(self.notes),
        }
        found.update({key: value for key, value in optional.items() if value is not None and value != []})
        if not self.tags:
            del found["tags"]
        return found

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Make a header of what `to_dict` returned.

        Parameters
        ----------
        record : mapping
            JSON values.

        Returns
        -------
        FileHeader

        Raises
        ------
        ParameterError
            The record was written by a newer version, or a field is missing.
        """
        if record.get("version") != _VERSION:
            raise ParameterError(
                f"file header of {record.get('href')!r} has version {record.get('version')!r}, and this "
                f"Dawnlight reads {_VERSION}: add the file again, or use the version that wrote it"
            )
        try:
            return cls(
                href=record["href"],
                driver=record["driver"],
                size_bytes=record.get("size_bytes"),
                modified_ns=record.get("modified_ns"),
                geobox=GeoBox.from_geotrans(
                    tuple(record["geotrans"]), tuple(record["shape"]), normalize_crs(record["crs"])
                ),
                bands=tuple(_band_from_dict(band) for band in record["bands"]),
                overviews=tuple((int(h), int(w)) for h, w in record.get("overviews", ())),
                block=(int(record["block"][0]), int(record["block"][1])),
                tags=dict(record.get("tags", {})),
                names=tuple(record.get("names", ())),
                notes=tuple(record.get("notes", ())),
            )
        except (KeyError, TypeError) as error:
            raise ParameterError(f"file header of {record.get('href')!r} is incomplete: {error}") from error


def _band_to_dict(band: BandHeader) -> dict[str, Any]:
    found: dict[str, Any] = {"dtype": band.dtype}
    if band.nodata is not None:
        found["nodata"] = number_to_wire(band.nodata)
    for name, default in (
        ("mask", "none"),
        ("description", None),
        ("color", "undefined"),
        ("scale", 1.0),
        ("offset", 0.0),
        ("unit", None),
    ):
        value = getattr(band, name)
        if value != default:
            found[name] = value
    return found


def _band_from_dict(record: Mapping[str, Any]) -> BandHeader:
    nodata = record.get("nodata")
    return BandHeader(
        dtype=record["dtype"],
        nodata=None if nodata is None else float(nodata),
        mask=record.get("mask", "none"),
        description=record.get("description"),
        color=record.get("color", "undefined"),
        scale=float(record.get("scale", 1.0)),
        offset=float(record.get("offset", 0.0)),
        unit=record.get("unit"),
    )
