from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dawnlight.catalog import BandType, DataType, GenericBand, Image, Product, SpectralBand, StorageState
from dawnlight.catalog._scalars import (
    BooleanAttribute,
    EnumAttribute,
    FloatAttribute,
    IntegerAttribute,
    NumberAttribute,
    StringAttribute,
    TimeAttribute,
)
from dawnlight.errors import AttributeValidationError

NINE = datetime(2023, 6, 1, 9, tzinfo=UTC)

ACCEPTED = [
    (StringAttribute(), "a", "a"),
    (StringAttribute(), StorageState.REMOTE, "remote"),
    (StringAttribute(), np.str_("a"), "a"),
    (IntegerAttribute(), 3, 3),
    (IntegerAttribute(), True, 1),
    (IntegerAttribute(), np.int16(-3), -3),
    (IntegerAttribute(), np.uint64(2**63), 2**63),
    (FloatAttribute(), 3, 3.0),
    (FloatAttribute(), "0.5", 0.5),
    (FloatAttribute(), np.float32(0.5), 0.5),
    (NumberAttribute(), 3, 3),
    (NumberAttribute(), 0.5, 0.5),
    (NumberAttribute(), np.uint8(255), 255),
    (NumberAttribute(), np.float32(-1.5), -1.5),
    (NumberAttribute(), float("-inf"), float("-inf")),
    (BooleanAttribute(), True, True),
    (BooleanAttribute(), 0, False),
    (BooleanAttribute(), np.bool_(True), True),
    (BooleanAttribute(), "True", True),
    (BooleanAttribute(), "FALSE", False),
    (TimeAttribute(), "2023-06-01T09:00:00Z", NINE),
    (TimeAttribute(), "2023-06-01 11:00+02:00", NINE),
    (TimeAttribute(), "2023-06-01", NINE.replace(hour=0)),
    (TimeAttribute(), datetime(2023, 6, 1, 9), NINE),
    (TimeAttribute(), NINE.astimezone(timezone(timedelta(hours=5))), NINE),
    (TimeAttribute(), date(2023, 6, 1), NINE.replace(hour=0)),
    (TimeAttribute(), np.datetime64("2023-06-01T09:00"), NINE),
    (TimeAttribute(), pd.Timestamp("2023-06-01T09"), NINE),
    (EnumAttribute(DataType), "UInt16", "UInt16"),
    (EnumAttribute(DataType), DataType.BYTE, "Byte"),
]

REJECTED: list[tuple[Any, Any]] = [
    (StringAttribute(), 1),
    (StringAttribute(), b"a"),
    (StringAttribute(), "\ud800"),
    (IntegerAttribute(), 1.0),
    (IntegerAttribute(), "1"),
    (FloatAttribute(), "half"),
    (FloatAttribute(), [1]),
    (FloatAttribute(), float("nan")),
    (FloatAttribute(), np.inf),
    (FloatAttribute(), 10**400),
    (NumberAttribute(), "1"),
    (NumberAttribute(), True),
    (NumberAttribute(), [1]),
    (BooleanAttribute(), "no"),
    (BooleanAttribute(), "0"),
    (BooleanAttribute(), ""),
    (BooleanAttribute(), b"True"),
    (BooleanAttribute(), np.array([1, 2])),
    (TimeAttribute(), "yesterday"),
    (TimeAttribute(), 12345),
    (TimeAttribute(), pd.NaT),
    (EnumAttribute(DataType), "uint16"),
    (EnumAttribute(DataType), 1),
    (EnumAttribute(DataType), BandType.MASK),
]


@pytest.mark.parametrize(("kind", "value", "native"), ACCEPTED, ids=repr)
def test_accepted_values_have_one_native_form(kind: Any, value: Any, native: Any) -> None:
    found = kind.normalize(value)
    assert found == native
    assert type(found) is type(native)


@pytest.mark.parametrize(("kind", "value"), REJECTED, ids=repr)
def test_other_values_are_rejected(kind: Any, value: Any) -> None:
    with pytest.raises(AttributeValidationError, match="must be"):
        kind.normalize(value)


def test_messages_name_the_attribute_and_the_value() -> None:
    with pytest.raises(AttributeValidationError, match=r"Image\.cloud_fraction='much' must be a number"):
        Image(cloud_fraction="much")


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [
        (Image, "cloud_fraction", 0.5),
        (Image, "acquired", "2023-01-01"),
        (Image, "x_pixels", 3),
        (Image, "storage_state", "remote"),
        (Image, "geotrans", range(6)),
        (Image, "geometry", (0, 0, 1, 1)),
        (Image, "tags", ["a"]),
        (Image, "extra_properties", {"a": 1}),
        (Product, "is_core", True),
        (SpectralBand, "resolution", "10m"),
        (SpectralBand, "data_type", "Byte"),
    ],
)
def test_none_clears_every_kind(model: Any, name: str, value: Any) -> None:
    obj = model(**{name: value})
    assert getattr(obj, name) is not None
    setattr(obj, name, None)
    assert getattr(obj, name) is None
    assert name not in obj.serialize()


def test_the_kinds_of_nothing_in_nodata_have_a_json_spelling() -> None:
    for text in ("nan", "inf", "-inf"):
        assert GenericBand(nodata=float(text)).serialize()["nodata"] == text
        assert repr(GenericBand(nodata=text, _saved=True).nodata) == text
    assert GenericBand(nodata=-9999).serialize()["nodata"] == -9999


@pytest.mark.parametrize(
    ("wire", "native"),
    [
        ("2023-06-01T09:00:00Z", NINE),
        ("2023-06-01T09:00:00.5Z", NINE.replace(microsecond=500000)),
        ("2023-06-01T11:00:00+02:00", NINE),
        ("garbage", "garbage"),
    ],
)
def test_times_of_documents_are_read_and_the_unreadable_kept(wire: str, native: Any) -> None:
    assert Image(id="p:a", acquired=wire, _saved=True).acquired == native


def test_nanoseconds_are_kept() -> None:
    text = "2023-06-01T09:00:00.123456789Z"
    image = Image(acquired=text)
    assert isinstance(image.acquired, datetime)
    assert image.acquired == pd.Timestamp(text)
    assert image.serialize()["acquired"] == text


def test_unknown_enum_values_of_documents_are_kept() -> None:
    image = Image(id="p:a", storage_state="frozen", _saved=True)
    assert image.storage_state == "frozen"
    assert not image.is_modified
