"""F8 and F9: files made to exhaust, to loop or to pass for others are refused; nothing else is touched."""

from __future__ import annotations

import json
import resource
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.faults._uploads import make_source

import dawnlight as dl
from dawnlight.cli import main
from dawnlight.errors import DawnlightError

_LONG, _SHORT, _BYTE, _ASCII, _DOUBLE = 4, 3, 1, 2, 12
_SIZES = {_LONG: 4, _SHORT: 2, _BYTE: 1, _ASCII: 1, _DOUBLE: 8}
_CODES = {_LONG: "I", _SHORT: "H", _DOUBLE: "d"}
_GEO: dict[int, tuple[int, list[Any]]] = {
    33550: (_DOUBLE, [10.0, 10.0, 0.0]),
    33922: (_DOUBLE, [0.0, 0.0, 0.0, 500000.0, 4600000.0, 0.0]),
    34735: (_SHORT, [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32615]),
}


def tiff(
    *,
    side: int = 16,
    tile: int = 16,
    bands: int = 1,
    following: int | None = None,
    claims: dict[int, tuple[int, int, int]] | None = None,
    **extra: tuple[int, list[Any]],
) -> bytes:
    """Write a GeoTIFF by hand; `claims` are entries with type, count and offset, and nothing behind."""
    count = (-(-side // tile)) ** 2 if side < 10_000 else 1
    entries: dict[int, tuple[int, list[Any]]] = {
        256: (_LONG, [side]),
        257: (_LONG, [side]),
        258: (_SHORT, [8] * bands),
        259: (_SHORT, [1]),
        262: (_SHORT, [1]),
        277: (_SHORT, [bands]),
        322: (_LONG, [tile]),
        323: (_LONG, [tile]),
        324: (_LONG, [8] * count),
        325: (_LONG, [min(tile * tile * bands, 2**32 - 1)] * count),
        **_GEO,
        **{int(name[1:]): value for name, value in extra.items()},
    }
    if bands > 1:
        entries[338] = (_SHORT, [0] * (bands - 1))
    start = 8 + 4096
    data = bytearray()
    rows = []
    after = start + 2 + 12 * len({**entries, **(claims or {})}) + 4
    for tag in sorted({**entries, **(claims or {})}):
        if claims and tag in claims:
            kind, number, value = claims[tag]
            rows.append(struct.pack("<HHII", tag, kind, number, value))
            continue
        kind, values = entries[tag]
        packed = (
            bytes(values)
            if kind in (_BYTE, _ASCII)
            else struct.pack(f"<{len(values)}{_CODES[kind]}", *values)
        )
        if len(packed) <= 4:
            rows.append(struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0"))
        else:
            rows.append(struct.pack("<HHII", tag, kind, len(values), after + len(data)))
            data += packed
    following = start if following == -1 else following or 0
    ifd = struct.pack("<H", len(rows)) + b"".join(rows) + struct.pack("<I", following)
    return struct.pack("<2sHI", b"II", 42, start) + bytes(4096) + ifd + bytes(data)


BOMBS: dict[str, Callable[[], bytes]] = {
    "a directory that follows as noise": lambda: tiff(following=9),
    "65,535 bands": lambda: tiff(bands=65_535),
    "one giant tile": lambda: tiff(side=2_000_000_000, tile=2_000_000_000 // 16 * 16),
    "a tile of 1 GiB": lambda: tiff(side=32_768, tile=32_768),
    "huge dimensions": lambda: tiff(side=2**31 - 1),
    "a geotransform of 2**31 numbers": lambda: tiff(claims={33922: (_DOUBLE, 2**31, 8)}),
}
DUDS: dict[str, Callable[[], bytes]] = {
    "a directory that follows itself": lambda: tiff(following=-1),
    "a sub-directory that is the directory": lambda: tiff(t330=(_LONG, [8 + 4096])),
    "a tag of 4 GiB": lambda: tiff(claims={42112: (_ASCII, 2**32 - 1, 8)}),
    "offsets of 2**31 tiles": lambda: tiff(claims={324: (_LONG, 2**31, 8)}),
    "metadata nested 100,000 deep": lambda: tiff(t42112=(_ASCII, list(b"<GDALMetadata>" * 100_000 + b"\0"))),
}
"""Bombs that do not go off: what they claim plays no part for their pixels, which may be taken."""
LIMITS = {
    "65,535 bands": "1 to 1024",
    "one giant tile": "longer than 1000000",
    "a tile of 1 GiB": "up to 64 MiB",
}
_COMMAND = "from dawnlight.cli import main; main()"
SECRET = "secret.tif"
DISGUISES = {
    "a list of sources": b'<VRTDataset rasterXSize="16" rasterYSize="16">'
    b'<VRTRasterBand dataType="Byte" band="1">'
    b"<SimpleSource><SourceFilename>%b</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>",
    "a map service": b'<GDAL_WMS><Service name="TMS">'
    b"<ServerUrl>http://127.0.0.1:9/%b</ServerUrl></Service></GDAL_WMS>",
    "a header of another": b"ENVI\ndata file = %b\n",
    "a path": b"/vsicurl/http://127.0.0.1:9/%b",
    "a picture": b"\x89PNG\r\n\x1a\n%b",
    "an archive": b"PK\x03\x04%b",
    "a data cube": b"\x89HDF\r\n\x1a\n%b",
    "nothing": b"",
}


def add(folder: Path, catalog: Path) -> dict[str, dict[str, Any]]:
    """Add a folder of files as copies; return what became of each."""
    command = [
        "add",
        "p",
        str(folder),
        "--copy",
        "--acquired",
        "2024-01-01",
        "--json",
        "--catalog",
        str(catalog),
    ]
    found = CliRunner().invoke(main, command)
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return {Path(row["href"]).stem: row for row in json.loads(found.stdout)["results"]}


@pytest.mark.slow
def test_f8_bombs_are_refused(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    (given / "sound.tif").write_bytes(tiff() + bytes(4096))
    for name, make in {**BOMBS, **DUDS}.items():
        (given / f"{name}.tif").write_bytes(make())
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = add(given, tmp_path / "c")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert found["sound"]["status"] == "added", found["sound"]
    for name in BOMBS:
        assert found[name]["status"] == "refused", name
        assert LIMITS.get(name, "") in found[name]["reason"]
    with dl.open(tmp_path / "c") as client:
        for image in dl.Image.search(client=client):
            pixels = image.ndarray("band_1")
            assert not pixels.any() or "offsets" in image.id, image.id
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent < 10 * len(found)
    assert after.ru_maxrss < 2**20, "more than 1 GiB of memory"


@pytest.mark.slow
def test_f9_disguises_are_refused_and_nothing_else_is_opened(tmp_path: Path, strace: str) -> None:
    given = tmp_path / "given"
    given.mkdir()
    secret = make_source(tmp_path).rename(tmp_path / SECRET)
    for name, text in DISGUISES.items():
        (given / f"{name}.tif").write_bytes(text.replace(b"%b", bytes(secret)))
    log = tmp_path / "log"
    command = [
        strace,
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-e",
        "trace=%file,connect",
        "-o",
        str(log),
        sys.executable,
        "-c",
        _COMMAND,
    ]
    arguments = ["add", "p", str(given), "--copy", "--json", "--catalog", str(tmp_path / "c")]
    done = subprocess.run([*command, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    results = json.loads(done.stdout)["results"]
    assert len(results) == len(DISGUISES)
    assert {row["status"] for row in results} == {"refused"}
    text = log.read_text(errors="replace")
    assert "a picture.tif" in text
    assert SECRET not in text
    assert "AF_INET" not in text
    assert not list((tmp_path / "c").rglob("*.tif"))


def nested(depth: int, *, as_list: bool) -> Any:
    """Return a value inside a value inside a value ..."""
    found: Any = 1.0
    for _ in range(depth):
        found = [found] if as_list else {"a": found}
    return found


@pytest.mark.parametrize("depth", [100, 5_000])
@pytest.mark.parametrize("as_list", [True, False])
def test_f8_nested_json_is_refused(tmp_path: Path, depth: int, as_list: bool) -> None:
    deep = nested(depth, as_list=as_list)
    with dl.open(tmp_path / "c") as client:
        dl.Product(id="p", name="P", client=client).save()
        image = {"product_id": "p", "name": "a", "acquired": "2024-01-01", "client": client}
        for attributes in (
            {"extra_properties": {"deep": deep}},
            {"geometry": {"type": "Polygon", "coordinates": deep}},
            {"geometry": {"type": "GeometryCollection", "geometries": [deep]}},
            {"geometry": {"type": "Feature", "geometry": deep}},
            {"files": [deep]},
            {"tags": deep},
        ):
            with pytest.raises((DawnlightError, AttributeError)):
                dl.Image(**image, **attributes).save()
        for geometry in ({"type": "Polygon", "coordinates": deep}, {"type": "Feature", "geometry": deep}):
            with pytest.raises(DawnlightError):
                dl.Image.search(client=client).intersects(geometry)
            with pytest.raises(DawnlightError):
                dl.AOI(geometry=geometry)
        assert dl.Image.search(client=client).count() == 0


@pytest.mark.parametrize("option", ["--filter", "--geometry", "--bbox"])
def test_f8_nested_json_on_the_command_line_is_refused(tmp_path: Path, option: str) -> None:
    dl.open(tmp_path / "c").close()
    for text in ("[" * 50_000 + "]" * 50_000, '{"and": [' * 20_000 + "]}" * 20_000):
        found = CliRunner().invoke(main, ["search", option, text, "--catalog", str(tmp_path / "c")])
        assert found.exit_code == 2
        assert isinstance(found.exception, SystemExit), found.exception
