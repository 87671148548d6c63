"""Images in bulk are what they are one by one."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawnlight.errors import CatalogError, ConflictError, NotFoundError, ValidationError
from dawnlight.search import FIELDS, Document, Query
from dawnlight.storage import SqliteStore
from dawnlight.storage._attributes import CHECKS
from dawnlight.storage._checks import Refusal
from dawnlight.storage._image_batches import COLUMN_CHECKS, ImageBatch, prepare_images
from dawnlight.storage._rules import prepare_new
from dawnlight.storage._sql_dialect import key_to_units, keys_to_units
from dawnlight.storage._sql_rows import CODECS
from dawnlight.testing._store_models import storable
from dawnlight.testing._strategies import documents

_NOW = "2024-01-01T00:00:00Z"


def _image(number: int, **attributes: Any) -> Document:
    name = f"i{number}"
    given = {"product_id": "p", "name": name, **attributes}
    return Document(kind="image", id=f"p:{name}", attributes=given)


def _elsewhere(image: Document) -> dict[str, Any]:
    name = image.attributes["name"]
    return {"id": f"nowhere:{name}", "attributes": {"product_id": "nowhere", "name": name}}


def _ring(*positions: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(position) for position in (*positions, positions[0])]]}


_PENTAGRAM = _ring((0, 3), (2, -3), (-3, 1), (3, 1), (-2, -3))
_GEOMETRIES = {
    "square": _ring((0, 0), (1, 0), (1, 1), (0, 1)),
    "whole numbers and floats": _ring((0, 0.5), (1, 0), (1.5, 1), (0, 1)),
    "clockwise": _ring((0, 0), (0, 1), (1, 1), (1, 0)),
    "triangle": _ring((0, 0), (1, 0), (1, 1)),
    "hexagon": _ring((2, 0), (1, 2), (-1, 2), (-2, 0), (-1, -2), (1, -2)),
    "star that turns one way": _PENTAGRAM,
    "bow tie": _ring((0, 0), (1, 1), (1, 0), (0, 1)),
    "dart": _ring((0, 0), (2, 1), (0, 2), (0.5, 1)),
    "corner on an edge": _ring((0, 0), (1, 0), (2, 0), (2, 2), (0, 2)),
    "same corner twice": _ring((0, 0), (2, 0), (2, 0), (2, 2), (0, 2)),
    "across the antimeridian": _ring((170, 0), (190, 0), (190, 10), (170, 10)),
    "world": _ring((-180, -90), (180, -90), (180, 90), (-180, 90)),
    "pairs": {"type": "Polygon", "coordinates": (((0, 0), (1, 0), (1, 1), (0, 0)),)},
    "heights": {"type": "Polygon", "coordinates": [[[0, 0, 5], [1, 0, 5], [1, 1, 5], [0, 0, 5]]]},
    "hole": {
        "type": "Polygon",
        "coordinates": [
            [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]],
            [[1, 1], [2, 1], [2, 2], [1, 1]],
        ],
    },
    "point": {"type": "Point", "coordinates": [1, 2]},
}


def _assert_same(given: list[Document]) -> None:
    batch = prepare_images(given, _NOW)
    single = [prepare_new(document, _NOW) for document in given]
    assert batch is not None
    assert batch.documents == single
    assert [repr(document) for document in batch.documents] == [
        repr(dataclasses.replace(document, attributes=_in_order(document, made)))
        for document, made in zip(single, batch.documents, strict=True)
    ]
    rows = _whole_rows(batch)
    to_row = CODECS["image"].to_row
    for document in single:
        row = rows[document.id]
        assert row == to_row(document, row[0])
        assert CODECS["image"].from_row(row) == document
    assert sorted(row[0] for row in rows.values()) == list(range(1, len(given) + 1))
    assert batch.products == {document.attributes["product_id"] for document in single}


def _whole_rows(batch: ImageBatch) -> dict[str, list[Any]]:
    """Return all columns of all rows, by id: None where no value was given."""
    found = {}
    for names, rows in batch.rows(1):
        assert set(names) <= set(CODECS["image"].names)
        for row in rows:
            values = dict(zip(names, row, strict=True))
            found[values["id"]] = [values.get(name) for name in CODECS["image"].names]
    return found


def _in_order(document: Document, like: Document) -> dict[str, Any]:
    return {name: document.attributes[name] for name in like.attributes}


@settings(deadline=None)
@given(st.lists(documents("image"), min_size=1, max_size=12))
def test_any_images_are_the_same(images: list[Document]) -> None:
    _assert_same(list({image.id: image for image in map(storable, images)}.values()))


@pytest.mark.parametrize("geometry", _GEOMETRIES.values(), ids=_GEOMETRIES)
def test_footprints_are_the_same(geometry: dict[str, Any]) -> None:
    _assert_same([_image(0, geometry=geometry), _image(1, geometry=_GEOMETRIES["square"])])


def test_all_footprints_of_a_batch_are_the_same() -> None:
    _assert_same([_image(number, geometry=geometry) for number, geometry in enumerate(_GEOMETRIES.values())])


def test_nothing_is_shared_with_what_was_given() -> None:
    files = [{"href": "a.tif", "size_bytes": 1}]
    given = _image(0, files=files, tags=["a"], extra_properties={"a": 1}, geotrans=[0, 1, 0, 0, 0, -1])
    batch = prepare_images([given], _NOW)
    assert batch is not None
    before = repr(batch.documents)
    files[0]["href"] = "b.tif"
    for name in ("files", "tags", "geotrans"):
        given.attributes[name].append("more")
    given.attributes["extra_properties"]["b"] = 2
    assert repr(batch.documents) == before


_VALUES: dict[str, list[Any]] = {
    "str": ["", "a", "ä", "a\0", "\ud800", "x" * 80_000, "x" * 80_001, 1, None, True],
    "float": [0.0, -1.5, 1e308, float("nan"), float("inf"), 1, True, "1", None],
    "time": [
        "2024-02-29T01:02:03Z", "2023-02-29T01:02:03Z", "2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00.50Z",
        "2024-01-01", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00Z\n", 5,
    ],
    "name": ["a", "a b", "", "x" * 2001, "a\n", "é"],
    "storage_state": ["available", "remote", "other", 1, ["remote"]],
    "x_pixels": [0, 1, -1, 2**53, 2**53 + 1, 1.0, 1.5, True],
    "geotrans": [
        [0, 1, 0, 0, 0, -1], [0.5, 1.0, 0.0, 0.0, 0.0, -1.0], (0, 1, 0, 0, 0, -1), [1, 2, 3],
        [0, 1, 0, 0, 0, 2**53 + 1], [0, 1, 0, 0, 0, float("nan")], [0, 1, 0, 0, 0, True], "abcdef",
    ],
    "files": [
        [], [{"href": "a"}], [{"href": "a"}, {"href": "b"}], [{"href": ""}],
        [{"href": None, "size_bytes": 1}], [{"size_bytes": -1}], [{"other": 1}],
        [{"href": "a", "size_bytes": 2.0}], ({"href": "a"},), "ab", [1],
    ],
    "tags": [[], ["a", "a"], ["x" * 1001], ["ä" * 500], ["ä" * 501], ["a"] * 33, [1], "a", ("a",)],
    "extra_properties": [
        {}, {"a": 1}, {"a": None}, {"a": 2**63}, {"a": 2**60}, {"a": [1]}, {"": 1}, {1: 1}, {"a\0": 1},
        {"a": "\0"}, {"a": float("inf")}, {"a": True}, {str(number): number for number in range(51)},
    ],
}  # fmt: skip


@settings(deadline=None)
@given(st.data(), st.sampled_from(sorted(COLUMN_CHECKS)))
def test_a_column_is_checked_as_its_values_are(data: st.DataObject, name: str) -> None:
    kinds = _VALUES.get(name) or _VALUES.get(FIELDS["image"][name].type) or _VALUES["x_pixels"]
    values = data.draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4))
    found = COLUMN_CHECKS[name](values)
    if found is None:
        return
    single = [CHECKS["image"][name](value) for value in values]
    assert repr(found) == repr(single)


@pytest.mark.parametrize("name", sorted(COLUMN_CHECKS))
def test_a_column_of_usual_values_takes_the_short_way(name: str) -> None:
    kinds = _VALUES.get(name) or _VALUES.get(FIELDS["image"][name].type) or _VALUES["x_pixels"]
    sound = []
    for value in kinds:
        try:
            sound.append(CHECKS["image"][name](value))
        except Refusal:
            continue
    assert any(COLUMN_CHECKS[name]([value]) == [value] for value in sound)


@pytest.mark.parametrize(
    "images",
    [
        [_image(0), _image(0)],
        [_image(0, cloud_fraction=float("nan"))],
        [_image(0, nothing=1)],
        [_image(0), dataclasses.replace(_image(1), id="p:other")],
        [_image(0, storage_state="available", files=[{"provider_href": "a"}])],
        [_image(0, storage_state="available")],
        [_image(0, storage_state="remote", files=[{"href": "a"}, {"hash": "a"}])],
        [Document(kind="image", id="p:i0", attributes={"name": "i0"})],
        [_image(0), Document(kind="product", id="p", attributes={"name": "P"})],
    ],
    ids=["twice", "NaN", "unknown", "id", "no href", "no files", "remote", "no product", "other kind"],
)
def test_what_is_refused_is_left_to_the_long_way(images: list[Document]) -> None:
    assert prepare_images(images, _NOW) is None


@settings(deadline=None)
@given(st.lists(st.datetimes(), min_size=1, max_size=5))
def test_units_of_many_times_are_those_of_each(moments: list[Any]) -> None:
    keys = [f"{moment.replace(microsecond=0).isoformat()}.000000000Z" for moment in moments]
    assert keys_to_units(keys) == [key_to_units(key) for key in keys]


def _clock() -> datetime:
    return datetime(2024, 1, 1, tzinfo=UTC)


def _fill(store: SqliteStore, images: list[Document], size: int) -> None:
    store.create([Document(kind="product", id="p", attributes={"name": "P"})])
    for start in range(0, len(images), size):
        store.create(images[start : start + size])


def test_the_file_is_the_same_in_bulk_and_by_few(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dawnlight.storage._sqlite._MANY", 20)
    shapes = list(_GEOMETRIES.values())
    images = [
        _image(
            number,
            geometry=shapes[number % len(shapes)],
            tags=[f"t{number % 3}", "all"],
            **({"acquired": f"2024-01-01T00:00:{number:02d}Z"} if number % 4 else {}),
            **({"cloud_fraction": number / 10 - 1} if number % 3 else {}),
        )
        for number in range(2 * len(shapes))
    ]
    contents = []
    for folder, size in (("bulk", len(images)), ("few", 5)):
        with SqliteStore(tmp_path / folder, clock=_clock) as store:
            _fill(store, images, size)
            assert store.doctor() == []
            with store._engine.read("looking") as connection:
                # Numbers differ: images with the same attributes are stored together.
                for_ids = "(SELECT id FROM image WHERE key = {})"
                contents.append(
                    [
                        set(connection.exec_driver_sql(f"SELECT {columns} FROM {table}").all())
                        for columns, table in (
                            (", ".join(CODECS["image"].names[1:]), "image"),
                            (
                                f"{for_ids.format('image_rt.id >> 9')}, id & 511, "
                                "minx, maxx, miny, maxy, mint, maxt",
                                "image_rt",
                            ),
                            (f"tag, {for_ids.format('image_key')}", "image_tag"),
                        )
                    ]
                )
    assert contents[0] == contents[1]
    assert len(contents[0][1]) > len(images)
    assert len({row[1] for row in contents[0][1]}) > 10  # a row tells of the clouds


def test_what_exists_is_named_and_nothing_kept(tmp_path: Any) -> None:
    images = [_image(number) for number in range(500)]
    with SqliteStore(tmp_path) as store:
        _fill(store, images[300:310], 5)
        with pytest.raises(ConflictError, match="p:i300"):
            store.create(images)
        with pytest.raises(NotFoundError, match="nowhere"):
            store.create([dataclasses.replace(image, **_elsewhere(image)) for image in images])
        assert store.count(Query(kind="image")) == 10
        assert store.doctor() == []
        store.create(images[:300])
        assert store.count(Query(kind="image")) == 310


@pytest.mark.parametrize(
    ("spoilt", "error"),
    [
        (_image(450, cloud_fraction=float("nan")), ValidationError),
        (_image(3), ConflictError),
        (_image(450, product_id="nowhere"), ValidationError),
        (dataclasses.replace(_image(1), **_elsewhere(_image(1))), NotFoundError),
        (_image(900), ConflictError),
    ],
    ids=["broken rule", "given twice", "id of another product", "no product", "exists"],
)
@pytest.mark.parametrize("at", [0, 250, 500])
def test_a_batch_in_parts_is_kept_whole_or_not_at_all(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, spoilt: Document, error: type[Exception], at: int
) -> None:
    monkeypatch.setattr("dawnlight.storage._sqlite._PART", 100)
    images = [_image(number, geometry=_GEOMETRIES["square"], tags=["a"]) for number in range(500)]
    with SqliteStore(tmp_path) as store:
        _fill(store, [_image(900)], 1)
        with pytest.raises(error, match=spoilt.id):
            store.create([*images[:at], spoilt, *images[at:]])
        assert store.count(Query(kind="image")) == 1
        assert store.doctor() == []
        assert [image.id for image in store.create(images)] == [image.id for image in images]
        assert store.count(Query(kind="image")) == 501
        assert store.doctor() == []


def test_a_batch_in_parts_with_other_kinds(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dawnlight.storage._sqlite._PART", 100)
    images = [_image(number) for number in range(300)]
    product = Document(kind="product", id="p", attributes={"name": "P"})
    with SqliteStore(tmp_path) as store:
        assert [made.id for made in store.create([*images, product])][-2:] == ["p:i299", "p"]
        assert store.count(Query(kind="image")) == 300


def test_a_full_disk_takes_back_the_whole_batch(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dawnlight.storage._sqlite._PART", 100)
    images = [_image(number, geometry=_GEOMETRIES["square"], tags=["a"]) for number in range(1000)]

    def allow(store: SqliteStore, pages: int) -> int:
        with store._engine.alone("making room") as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            return int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())

    with SqliteStore(tmp_path) as store:
        _fill(store, [_image(5000, geometry=_GEOMETRIES["square"])], 1)
        used = allow(store, 2**30)
        for more in (1, 10, 20, 40):
            allow(store, used + more)
            with pytest.raises(CatalogError, match="full"):
                store.create(images)
            assert store.count(Query(kind="image")) == 1
            assert store.doctor() == []
        allow(store, 2**30)
        store.create(images)
        assert store.count(Query(kind="image")) == 1001
        assert store.doctor() == []


def test_an_error_of_the_other_thread_takes_back_the_whole_batch(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = "INSERT INTO image_rt SELECT nothing FROM image WHERE key IN (?, ?)"
    images = [_image(number, geometry=_GEOMETRIES["square"]) for number in range(300)]
    monkeypatch.setattr("dawnlight.storage._sqlite_schema._FILL_TREE", statement)
    with SqliteStore(tmp_path) as store:
        with pytest.raises(CatalogError, match="nothing"):
            _fill(store, images, 300)
        assert store.count(Query(kind="image")) == 0
        assert store.doctor() == []


def test_without_another_thread_all_is_stored_too(tmp_path: Any) -> None:
    script = """
        import atexit, sys
        from dawnlight.search import Document, Query
        from dawnlight.storage import SqliteStore

        def store_at_the_end():
            with SqliteStore(sys.argv[1]) as store:
                store.create([Document(kind="product", id="p", attributes={"name": "P"})])
                images = [{"product_id": "p", "name": f"i{number}"} for number in range(300)]
                store.create([Document(kind="image", id=f"p:{i['name']}", attributes=i) for i in images])
                print(store.count(Query(kind="image")), len(store.doctor()))

        atexit.register(store_at_the_end)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("300 0\n", "")


_IMPORT = """
import sys
from dawnlight.search import Document
from dawnlight.storage import SqliteStore

with SqliteStore(sys.argv[1]) as store:
    store.create([Document(kind="product", id="p", attributes={"name": "P"})])
    ring = [[0, 0], [1, 0], [1, 1], [0, 0]]
    with store.importing():
        for start in range(0, 500_000, 3_000):
            store.create([
                Document(kind="image", id=f"p:i{number}", attributes={
                    "product_id": "p", "name": f"i{number}", "tags": ["a"],
                    "geometry": {"type": "Polygon", "coordinates": [ring]},
                })
                for number in range(start, start + 3_000)
            ])
            print("ACK", flush=True)
"""


def test_f1_whole_batches_survive_a_kill(tmp_path: Any) -> None:
    for round_, wait in enumerate((0.02, 0.08)):
        folder = tmp_path / str(round_)
        with subprocess.Popen(
            [sys.executable, "-c", _IMPORT, str(folder)], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            for _ in range(2):
                assert child.stdout.readline() == "ACK\n"
            time.sleep(wait)  # into the batch after that, or the next one
            child.kill()
            acknowledged = 2 + child.stdout.read().count("ACK\n")
        with SqliteStore(folder) as store:
            whole, rest = divmod(store.count(Query(kind="image")), 3_000)
            assert rest == 0
            assert whole in (acknowledged, acknowledged + 1)
            assert store.doctor(deep=True) == []


def test_lazy_writes_differ_in_their_settings_only(tmp_path: Any) -> None:
    def settings(connection: Any) -> list[Any]:
        names = ("synchronous", "wal_autocheckpoint", "cache_size")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]

    with SqliteStore(tmp_path) as store:
        with store._engine.write("looking") as connection:
            usual = settings(connection)
        with store._engine.write("looking", lazily=True) as connection:
            lazy = settings(connection)
        assert usual[0] == 2  # FULL
        assert lazy[0] == 1  # NORMAL: never torn, but not on disk at once
        with store._engine.write("looking") as connection:
            assert settings(connection) == usual


def test_an_import_ends_with_a_write_that_waits_for_the_disk(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SqliteStore(tmp_path) as store:
        write, lazy = store._engine.write, []

        def record(action: str, *, lazily: bool = False) -> Any:
            lazy.append(lazily)
            return write(action, lazily=lazily)

        monkeypatch.setattr(store._engine, "write", record)
        log = store.folder / "catalog.sqlite-wal"
        with store.importing():
            _fill(store, [_image(number) for number in range(600)], 300)
            assert lazy == [False, True, True]
            before = log.stat().st_size
        assert lazy == [False, True, True, False]
        assert log.stat().st_size > before
        with pytest.raises(ConflictError), store.importing():
            store.create([_image(number) for number in range(500, 800)])
        assert lazy[-2:] == [True, False]
        store.create([_image(number) for number in range(1000, 1300)])
        assert lazy[-1] is False
        assert store.count(Query(kind="image")) == 900
