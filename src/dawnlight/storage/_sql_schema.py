"""The tables of a SQL catalog, for SQLite and PostgreSQL alike.

One table per kind of document. Attributes that can be filtered or sorted by are columns, the rest is one JSON
text. A column holds NULL where the attribute is not set.

=============  =====================================================================================
column type    holds
=============  =====================================================================================
time           the sort key of `dawnlight.search.time_to_key`, so that text order is time order
resolution     metres, derived; the attribute itself stays in ``body``
footprint      WKB of the geometry within [-180, 180], used for exact tests
bbox           ``minx, miny, maxx, maxy`` of the footprint; ``minx > maxx`` where it crosses the antimeridian
body           JSON object of all attributes that have no column of their own
=============  =====================================================================================

`image_tag` repeats the tags of images, one row per tag, because membership in a list needs an index of its
own. It is derived: the list itself, with its order, is in ``body``.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from dawnlight.search import Kind

__all__ = ["IMAGE_TAG", "META", "METADATA", "SCHEMA_VERSION", "TABLES", "UPLOAD_JOB"]

SCHEMA_VERSION = 3
"""Number of the newest migration; kept in the file as ``user_version``."""

METADATA = MetaData()

# Text compares by code point everywhere, as Python's does.
_TEXT = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_FLOAT: TypeEngine[Any] = Double().with_variant(REAL(), "sqlite")
_INT = BigInteger().with_variant(Integer(), "sqlite")


def _texts(*names: str) -> list[Column[Any]]:
    return [Column(name, _TEXT) for name in names]


def _floats(*names: str) -> list[Column[Any]]:
    return [Column(name, _FLOAT) for name in names]


def _head() -> list[Column[Any]]:
    """Make the columns that every kind has in front."""
    return [
        Column("key", _INT, primary_key=True),
        Column("id", _TEXT, nullable=False, unique=True),
        Column("version", _INT, nullable=False),
        Column("created", _TEXT, nullable=False),
        Column("modified", _TEXT, nullable=False),
    ]


def _body() -> list[Column[Any] | CheckConstraint]:
    """Make the last column: long, and so read only where it is asked for."""
    return [Column("body", _TEXT, nullable=False), CheckConstraint("json_valid(body)")]


def _product_id(*, nullable: bool) -> Column[Any]:
    return Column("product_id", _TEXT, ForeignKey("product.id"), nullable=nullable)


META = Table(
    "meta", METADATA, Column("name", _TEXT, primary_key=True), Column("value", _TEXT, nullable=False)
)

_PRODUCT = Table(
    "product",
    METADATA,
    *_head(),
    *_texts("name", "image_index_name", "product_tier", "start_datetime", "end_datetime"),
    Column("is_core", _INT),
    *_floats("revisit_period_minutes_min", "revisit_period_minutes_max", "resolution_min", "resolution_max"),
    *_body(),
)

_BAND = Table(
    "band",
    METADATA,
    *_head(),
    _product_id(nullable=False),
    *_texts("name", "type"),
    Column("sort_order", _INT),
    *_floats(
        "resolution",
        "wavelength_nm_center",
        "wavelength_nm_min",
        "wavelength_nm_max",
        "wavelength_nm_fwhm",
        "frequency",
        "bandwidth",
    ),
    *_body(),
    Index("band_by_product", "product_id", "sort_order"),
)

_IMAGE = Table(
    "image",
    METADATA,
    *_head(),
    _product_id(nullable=False),
    *_texts("name", "acquired", "acquired_end", "published", "storage_state"),
    *_texts("processing_pipeline_id", "satellite_id", "provider_id"),
    *_floats(
        "area",
        "azimuth_angle",
        "bright_fraction",
        "cloud_fraction",
        "confidence_dlsr",
        "alt_cloud_fraction",
        "fill_fraction",
        "incidence_angle",
        "roll_angle",
        "solar_azimuth_angle",
        "solar_elevation_angle",
        "view_angle",
    ),
    Column("size_bytes", _INT, nullable=False),
    *_floats("minx", "miny", "maxx", "maxy"),
    Column("footprint", LargeBinary),
    *_body(),
    Index("image_by_product", "product_id", "acquired", "cloud_fraction"),
    Index("image_by_time", "acquired"),
)

IMAGE_TAG = Table(
    "image_tag",
    METADATA,
    Column("tag", _TEXT, primary_key=True),
    Column("image_key", _INT, ForeignKey("image.key", ondelete="CASCADE"), primary_key=True),
    Index("image_tag_by_image", "image_key"),
    sqlite_with_rowid=False,
)

_UPLOAD = Table(
    "upload",
    METADATA,
    *_head(),
    _product_id(nullable=True),
    *_texts("image_id", "user", "status"),
    *_body(),
    Index("upload_by_product", "product_id"),
)

UPLOAD_JOB = Table(
    "upload_job",
    METADATA,
    Column("id", _TEXT, ForeignKey("upload.id", ondelete="CASCADE"), primary_key=True),
    Column("due", _FLOAT, nullable=False),
    Column("fence", _INT, nullable=False),
    Column("attempts", _INT, nullable=False),
    Column("worker", _TEXT),
    Column("payload", _TEXT, nullable=False),
    CheckConstraint("json_valid(payload)"),
    Index("upload_job_by_due", "due"),
)
"""Uploads that are not done: the queue of the workers. ``due`` is in seconds since 1970."""

TABLES: dict[Kind, Table] = {"product": _PRODUCT, "band": _BAND, "image": _IMAGE, "image_upload": _UPLOAD}
"""The table that holds each kind of document."""
