"""F11: hostile ids, names, paths, filters and geometries: our own error or a right answer."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from tests.faults._tracing import ALL

import dawnlight as dl
from dawnlight.cli import main
from dawnlight.errors import DawnlightError
from dawnlight.ingest import add_files

BAIT = (
    "../../outside", "/etc/passwd", "..", ".", "~", "$HOME", "`id`", "a/b", "a\\b", "C:\\x", "\0", "a\0b",
    "'", '"', "'; DROP TABLE image; --", "%s%n", "{0.__class__}", "\ud800", "\u202e", "ａ", "a" * 3000, "",
    " ", "\n", "file:///etc/passwd", "/vsicurl/http://127.0.0.1/x", "<script>", "-rf", "--help", "NaN",
    "1e999", "NULL", "*", "catalog.sqlite", "uploads/../../x", "p:a", ":", "::", "%2e%2e%2f",
)  # fmt: skip
TEXT = st.one_of(st.sampled_from(BAIT), st.text(max_size=30), st.text(string.printable, max_size=30))
JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT, st.binary(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=12,
)
NUMBER = st.one_of(st.floats(-400, 400), st.sampled_from([1e308, -1e308, float("nan"), float("inf")]))
POINT = st.lists(NUMBER, min_size=0, max_size=4)
KINDS = ("Point", "Polygon", "MultiPolygon", "LineString", "GeometryCollection", "Feature", "Nonsense")
GEOMETRY = st.one_of(
    st.fixed_dictionaries({"type": st.sampled_from(KINDS), "coordinates": st.one_of(POINT, JUNK)}),
    st.lists(POINT, max_size=6).map(lambda ring: {"type": "Polygon", "coordinates": [ring]}),
    st.tuples(NUMBER, NUMBER, NUMBER, NUMBER),
    JUNK,
)
some = settings(
    max_examples=2000 if ALL else 50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Scene:
    """A catalog in a folder, and all that is beside it."""

    def __init__(self, folder: Path) -> None:
        self.outside = folder
        self.folder = folder / "inner" / "c"
        self.folder.parent.mkdir()
        (folder / "outside").write_text("not to be touched")
        self.client = dl.open(self.folder)
        self.product = dl.Product(id="p", name="P", client=self.client)
        self.product.save()
        self.image = dl.Image(product=self.product, name="a", acquired="2024-01-01", client=self.client)
        self.image.geometry = {"type": "Point", "coordinates": [1, 2]}
        self.image.save()
        self.before = self.look()

    def look(self) -> dict[str, bytes | None]:
        """Return all files outside the catalog's folder."""
        return {
            str(path): path.read_bytes() if path.is_file() else None
            for path in self.outside.rglob("*")
            if self.folder not in (path, *path.parents)
        }

    def check(self) -> None:
        """See that nothing outside was touched, and what was there is there."""
        assert self.look() == self.before
        assert dl.Image.exists("p:a", client=self.client)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    scene = Scene(tmp_path_factory.mktemp("hostile"))
    yield scene
    assert scene.client.store.doctor(deep=True) == []
    scene.client.close()


def keep(kind: Any, made: Any, client: Any) -> None:
    """Save an object; what was taken is found again under its id, as it is."""
    made.save()
    found = kind.get(made.id, client=client)
    assert found is not None
    assert found.serialize() == made.serialize()
    made.delete()
    assert kind.get(made.id, client=client) is None


@some
@given(id_=TEXT, name=TEXT, value=JUNK)
@example(id_="../../outside", name="../x", value={"a": "\0"})
@example(id_="\ud800", name="a", value=None)
def test_f11_ids_names_and_values(scene: Scene, id_: str, name: str, value: Any) -> None:
    client = scene.client
    with suppress(DawnlightError):
        keep(dl.Product, dl.Product(id=id_, name=name, client=client), client)
    with suppress(DawnlightError):
        image = dl.Image(product=scene.product, name=name, acquired="2024-01-01", client=client)
        assume(image.id != "p:a")
        image.extra_properties = {id_: value}
        keep(dl.Image, image, client)
    for kind in (dl.Product, dl.Image, dl.Band, dl.ImageUpload):
        with suppress(DawnlightError):
            assert kind.get(id_, client=client) is None or id_ in ("p", "p:a")
    scene.check()


@some
@given(
    attribute=st.sampled_from(["tags", "files", "acquired", "cloud_fraction", "geotrans", "owners"]),
    value=JUNK,
)
def test_f11_attributes(scene: Scene, attribute: str, value: Any) -> None:
    image = dl.Image(product=scene.product, name="attribute", acquired="2024-01-01", client=scene.client)
    # Python's own error is right for what is of another type.
    with suppress(DawnlightError, TypeError, AttributeError):
        setattr(image, attribute, value)
        keep(dl.Image, image, scene.client)
    scene.check()


@some
@given(geometry=GEOMETRY)
@example(geometry={"type": "Polygon", "coordinates": [[[1e308, 0], [0, 1e308], [0, 0], [1e308, 0]]]})
def test_f11_geometries(scene: Scene, geometry: Any) -> None:
    with suppress(DawnlightError):
        assert 0 <= dl.Image.search(client=scene.client).intersects(geometry).count() <= 1
    with suppress(DawnlightError):
        image = dl.Image(product=scene.product, name="geometry", acquired="2024-01-01", client=scene.client)
        image.geometry = geometry
        keep(dl.Image, image, scene.client)
    scene.check()


@some
@given(field=TEXT, value=JUNK, text=TEXT)
def test_f11_filters(scene: Scene, field: str, value: Any, text: str) -> None:
    p = dl.properties
    search = dl.Image.search(client=scene.client)
    with suppress(DawnlightError, AttributeError):
        assert search.filter(getattr(p, field) == value).count() in (0, 1)
    for make in (
        lambda: p.name == text,
        lambda: p.name.like(text),
        lambda: p.name.prefix(text),
        lambda: p.acquired >= value,
        lambda: p.cloud_fraction < value,
        lambda: p.extra_properties[field] == value,
        lambda: p.tags.any_of([text]),
    ):
        with suppress(DawnlightError, TypeError, AttributeError):
            assert search.filter(make()).count() in (0, 1)
    with suppress(DawnlightError):
        search.sort(field).limit(3).collect()
    with suppress(DawnlightError):
        assert search.find_text(text).count() in (0, 1)
    scene.check()


@some
@given(path=TEXT, pattern=TEXT)
def test_f11_paths_and_patterns(scene: Scene, path: str, pattern: str) -> None:
    with suppress(DawnlightError):
        report = add_files(
            "p", [path], store=scene.client.store, pattern=pattern or None, acquired="2024-01-01"
        )
        assert all(result.status == "refused" for result in report.files), report
    with suppress(DawnlightError):
        image = dl.Image(product=scene.product, name="path", acquired="2024-01-01", client=scene.client)
        upload = image.upload(path)
        upload.wait_for_completion(timeout=120)
        assert str(upload.status) == "failure", path  # there is no image among the files that it may name
    scene.check()


@some
@given(
    command=st.sampled_from(["get", "ls", "search", "add", "rm", "uploads", "products", "images"]),
    words=st.lists(TEXT, max_size=3),
    option=st.sampled_from(
        ["--bbox", "--geometry", "--from", "--filter", "--sort", "--status", "--pattern", "--kind"]
    ),
    value=st.one_of(TEXT, GEOMETRY.map(lambda each: json.dumps(each, default=str))),
)
def test_f11_the_command_line(scene: Scene, command: str, words: list[str], option: str, value: str) -> None:
    assume(not (command == "rm" and {"p", "p:a"} & set(words)))
    arguments = [command, *words, option, value, "--catalog", str(scene.folder)]
    found = CliRunner().invoke(main, arguments, input="n\n")
    assert found.exit_code in (0, 1, 2), found.exception
    assert found.exception is None or isinstance(found.exception, SystemExit), arguments
    scene.check()
