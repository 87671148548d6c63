from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawnlight.errors import InvalidTileError
from dawnlight.geo._dltile_key import TileKey, zone_of


@pytest.mark.parametrize(
    ("resolution", "text"),
    [
        (75, "75.0"),
        (1.5, "1.5"),
        (10.123456789, "10.123457"),
        (0.1, "0.1"),
        (100, "100.0"),
        (1e-6, "0.000001"),
        (np.float32(2.5), "2.5"),
        (1000000, "1000000.0"),
    ],
)
def test_spelling_of_the_resolution(resolution: float, text: str) -> None:
    key = TileKey(16, 0, resolution, 15, 0, 0)
    assert key.text == f"16:0:{text}:15:0:0"
    assert key.resolution == float(text)


def test_zone_has_two_digits() -> None:
    assert TileKey(16, 0, 1, 1, -2, 3).text == "16:0:1.0:01:-2:3"


@pytest.mark.parametrize("resolution", ["1", ".5", "10", "1.0", "0.5", "10."])
def test_reads_resolutions_that_the_reference_fails_on(resolution: str) -> None:
    assert TileKey.parse(f"16:0:{resolution}:15:0:0").resolution == float(resolution)


@given(
    st.integers(1, 4096),
    st.integers(0, 512),
    st.floats(0.01, 1000),
    st.integers(1, 60),
    st.integers(-20, 20),
    st.integers(-20, 20),
)
def test_round_trip(size: int, pad: int, resolution: float, zone: int, ti: int, tj: int) -> None:
    try:
        key = TileKey(size, pad, resolution, zone, ti, tj)
    except InvalidTileError:
        assert size * resolution * max(abs(ti), abs(tj), 1) > 2.09e7
        return
    assert TileKey.parse(key.text) == key


BAD_KEYS = [
    "",
    "junk",
    "256:0:75.0:15:-5",
    "256:0:75.0:15:-5:230:1",
    "256:0:75.0:15:-5:230 ",
    " 256:0:75.0:15:-5:230",
    "256:0:75.0:15:-5:230\n",
    "256:0:75.0:15:-5:230x",
    "256:0:75.0:15:-5:2.0",
    "256:0::15:-5:230",
    "256:0:.:15:-5:230",
    "256:0:1e3:15:-5:230",
    "256:0:nan:15:-5:230",
    "256:0:-75.0:15:-5:230",
    "0:0:75.0:15:-5:230",
    "-256:0:75.0:15:-5:230",
    "256:-1:75.0:15:-5:230",
    "256:0:0.0:15:-5:230",
    "256:0:0.0000001:15:-5:230",
    "256:0:75.0:0:-5:230",
    "256:0:75.0:61:-5:230",
    "256:0:75.0:015:-5:230",
    "٢٥٦:0:75.0:15:-5:230",
    "9999999999999999999:0:75.0:15:-5:230",
    "256:0:75.0:15:-5:2300000000",
    "99999999:0:75.0:15:0:0",
    "1000000:9000000000:1.0:15:0:0",
]


@pytest.mark.parametrize("text", [*BAD_KEYS, None, 5, b"256:0:75.0:15:-5:230"])
def test_refuses(text: object) -> None:
    with pytest.raises(InvalidTileError):
        TileKey.parse(text)  # type: ignore[arg-type]


@given(st.text(alphabet="0123456789:.-", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        key = TileKey.parse(text)
    except InvalidTileError:
        return
    assert TileKey.parse(key.text) == key


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tilesize": 0}, "tilesize=0"),
        ({"tilesize": "256"}, "tilesize='256'"),
        ({"tilesize": float("nan")}, "tilesize=nan"),
        ({"tilesize": True}, "tilesize=True"),
        ({"pad": -1}, "pad=-1"),
        ({"pad": None}, "pad=None"),
        ({"resolution": 0}, "resolution=0"),
        ({"resolution": -1}, "resolution=-1"),
        ({"resolution": float("inf")}, "resolution=inf"),
        ({"resolution": "10"}, "resolution='10'"),
        ({"resolution": True}, "resolution=True"),
        ({"resolution": 1e-9}, "millionth"),
        ({"zone": 0}, "zone=0"),
        ({"zone": 61}, "zone=61"),
        ({"zone": 15.5}, "zone=15.5"),
        ({"ti": 10**9}, "beyond the Earth"),
        ({"ti": 0.5}, "ti=0.5"),
        ({"tj": -(10**9)}, "beyond the Earth"),
        ({"resolution": 1e6}, "wider than the Earth"),
    ],
)
def test_refuses_parts(changes: dict[str, object], message: str) -> None:
    parts: dict[str, object] = {"tilesize": 256, "pad": 0, "resolution": 10, "zone": 15, "ti": 0, "tj": 0}
    with pytest.raises(InvalidTileError, match=message):
        TileKey(**{**parts, **changes})  # type: ignore[arg-type]


def test_decimals_of_tilesize_and_pad_are_cut_off() -> None:
    assert TileKey(256.7, 1.9, 10, 15, 0, 0).text == "256:1:10.0:15:0:0"  # type: ignore[arg-type]
    assert TileKey(np.int64(256), np.uint8(1), 10, 15.0, 0, 0).text == "256:1:10.0:15:0:0"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lon", "zone"),
    [(-180, 1), (-174.0001, 1), (-174, 2), (0, 31), (-0.001, 30), (5, 31), (179.9, 60), (180, 60)],
)
def test_zones(lon: float, zone: int) -> None:
    assert zone_of(lon) == zone
