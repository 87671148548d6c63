"""What every catalog store must do, as tests.

A store's test module subclasses `CatalogStoreSuite` and says how to open it::

    class TestMyStore(CatalogStoreSuite):
        @pytest.fixture
        def store(self, tmp_path):
            with MyStore(tmp_path, clock=fixed_clock) as store:
                yield store

Needs the packages ``hypothesis`` and ``pytest``.
"""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dawnlight.errors import (
    BadRequestError,
    CatalogError,
    ConflictError,
    NotFoundError,
    ValidationError,
)
from dawnlight.search import KINDS, Document, Kind, Properties, Query
from dawnlight.storage import CatalogStore
from dawnlight.testing._store_models import PRODUCTS, assert_same_answers, clear, fixed_clock, storable
from dawnlight.testing._strategies import document_lists, queries

__all__ = ["CatalogStoreSuite", "band", "fixed_clock", "image", "product", "square"]

p = Properties()
_NOW = "2024-01-01T00:00:00Z"
_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


def product(id_: str = "p", **attributes: Any) -> Document:
    """Make the document of a product."""
    return Document(kind="product", id=id_, attributes={"name": f"Product {id_}", **attributes})


def band(name: str = "red", product_id: str = "p", **attributes: Any) -> Document:
    """Make the document of a spectral band."""
    base = {"type": "spectral", "data_type": "UInt16", "data_range": [0, 10000], "display_range": [0, 4000]}
    own = {"product_id": product_id, "name": name, "band_index": 0}
    return Document(kind="band", id=f"{product_id}:{name}", attributes={**base, **own, **attributes})


def image(name: str = "a", product_id: str = "p", **attributes: Any) -> Document:
    """Make the document of an image."""
    own = {"product_id": product_id, "name": name}
    return Document(kind="image", id=f"{product_id}:{name}", attributes={**own, **attributes})


def square(west: float, south: float, size: float = 1.0) -> dict[str, Any]:
    """Make the footprint of an image."""
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


_BROKEN: list[tuple[Document, str]] = [
    (Document(kind="product", id="p2", attributes={}), "name is required"),
    (product("p2", name="x" * 2001), "name='xxx"),
    (product("p2", description="x" * 80_001), "description="),
    (product("p2", extra_properties={f"k{i}": i for i in range(51)}), "at most 50"),
    (product("p2", extra_properties={"k": {"nested": 1}}), "extra_properties.k="),
    (product("p2", extra_properties={"k": float("nan")}), "finite"),
    (product("p2", tags=[f"t{i}" for i in range(33)]), "at most 32"),
    (product("p2", tags=["ä" * 501]), "at most 1000 bytes"),
    (product("p2", tags=["a\0b"]), r"tags\[0\]="),
    (product("p2", owners=["me"]), r"owners\[0\]='me'"),
    (product("p2", start_datetime="yesterday"), "start_datetime='yesterday'"),
    (product("p2", start_datetime="2023-02-30T00:00:00Z"), "start_datetime="),
    (product("p2", colour="red"), "no attribute 'colour'"),
    (product(""), "id=''"),
    (product("\ud800"), "id="),
    (band("re d"), "name='re d'"),
    (Document(kind="band", id="p:x", attributes={**band("y").attributes}), "id must be product_id:name"),
    (band(band_index=None), "band_index is required"),
    (band(data_range=None), "data_range is required"),
    (band(nodata="none"), "nodata='none'"),
    (band(data_type="UInt12"), "data_type='UInt12'"),
    (band(data_range=[0, 1, 2]), "data_range="),
    (band(type="ultraviolet"), "type='ultraviolet'"),
    (band(type="mask"), "must be \\(0, 1\\) for a mask"),
    (band(resolution={"value": 10, "unit": "miles"}), "resolution.unit='miles'"),
    (band(processing_levels={"toa": [{"function": "f", "what": 1}]}), r"processing_levels.toa\[0\]="),
    (image("ä"), "name='ä'"),
    (image(storage_state="available"), "at least one file with an href"),
    (image(storage_state="available", files=[{"size_bytes": 1}]), "at least one file with an href"),
    (image(storage_state="remote", files=[{"size_bytes": 1}]), r"files\[0\] needs an href"),
    (image(storage_state="lost"), "storage_state='lost'"),
    (image(files=[{"href": "a.tif", "size_bytes": -1}]), r"files\[0\].size_bytes=-1"),
    (image(files=[{"href": "a.tif", "colour": 1}]), r"files\[0\]='colour'"),
    (image(cloud_fraction="few"), "cloud_fraction='few'"),
    (image(cloud_fraction=float("inf")), "cloud_fraction=inf"),
    (image(geotrans=[1, 2, 3]), "geotrans="),
    (image(geometry={"type": "Point", "coordinates": [0, 91]}), "latitude"),
    (image(geometry={"type": "Point", "coordinates": [0, float("nan")]}), "geometry="),
    (image(geometry="POINT (0 0)"), "geometry="),
    (image(acquired=20230701), "acquired=20230701"),
    (
        Document(
            kind="image_upload", id="u", attributes={"image_upload_options": {"overviews": list(range(17))}}
        ),
        "image_upload_options.overviews=",
    ),
]


class CatalogStoreSuite:
    """The tests. Subclasses define the fixture ``store``: an empty store whose clock is `fixed_clock`."""

    examples = 20
    """How many random sets of documents and queries are tried."""

    @pytest.fixture
    def filled(self, store: CatalogStore) -> CatalogStore:
        """Return the store with a few documents."""
        store.create(
            [
                image("a", acquired="2023-07-01T10:00:00Z", tags=["x"], geometry=square(0, 0)),
                image("b", acquired="2023-08-02T10:00:00.5Z", files=[{"href": "b.tif", "size_bytes": 7}]),
                image("c", "q", acquired="2022-01-01T00:00:00Z", files=[{"href": "c.tif", "size_bytes": 5}]),
                image("d", geometry=square(179.5, 10), cloud_fraction=0.5),
                band("red", resolution={"value": 10.0, "unit": "meters"}),
                product("p", description="Surface reflectance"),
                product("q"),
            ]
        )
        return store

    # -- create and get ------------------------------------------------------------------------------

    def test_created_documents_come_back_whole(self, store: CatalogStore) -> None:
        returned = store.create([product("p", readers=["group:g"], is_core=True, extra_properties={"a": 1})])
        assert returned == [store.get("product", "p")]
        assert returned[0].version == 1
        assert returned[0].attributes == {
            "name": "Product p",
            "readers": ["group:g"],
            "is_core": True,
            "extra_properties": {"a": 1},
            "owners": ["user:local"],
            "created": _NOW,
            "modified": _NOW,
        }

    def test_spellings_become_one(self, store: CatalogStore) -> None:
        given_: dict[str, Any] = {
            "acquired": "2023-07-01 12:00+02:00",
            "geotrans": (1, 0.5, 0, 2, 0, -0.5),
            "cloud_fraction": 1,
        }
        stored = store.create([product(), image(**given_)])[1]
        assert stored.attributes["acquired"] == "2023-07-01T10:00:00Z"
        assert stored.attributes["geotrans"] == [1, 0.5, 0, 2, 0, -0.5]
        assert stored == store.get("image", "p:a")

    def test_what_the_catalog_sets_cannot_be_given(self, store: CatalogStore) -> None:
        given_ = product(created="2001-01-01T00:00:00Z", resolution_min={"value": 1, "unit": "meters"})
        stored = store.create([given_])[0]
        assert stored.attributes["created"] == _NOW
        assert "resolution_min" not in stored.attributes

    def test_get_many_keeps_the_order_asked_for(self, filled: CatalogStore) -> None:
        found = filled.get_many("image", ["p:b", "nothing", "p:a", "p:b"])
        assert [document.id for document in found] == ["p:b", "p:a", "p:b"]
        assert filled.get_many("image", []) == []

    def test_kinds_have_ids_of_their_own(self, store: CatalogStore) -> None:
        store.create([product(), band("x"), image("x")])
        assert store.exists("band", "p:x")
        assert store.exists("image", "p:x")
        assert not store.exists("product", "p:x")
        assert store.get("product", "p:x") is None

    def test_returned_documents_are_the_callers_own(self, filled: CatalogStore) -> None:
        found = filled.get("image", "p:a")
        assert found is not None
        found.attributes["tags"].append("changed")
        again = filled.get("image", "p:a")
        assert again is not None
        assert again.attributes["tags"] == ["x"]

    def test_given_documents_stay_the_callers_own(self, store: CatalogStore) -> None:
        tags = ["x"]
        store.create([product(), image(tags=tags)])
        tags.append("changed")
        assert store.get_many("image", ["p:a"])[0].attributes["tags"] == ["x"]

    def test_an_id_that_exists_is_refused_and_nothing_is_kept(self, filled: CatalogStore) -> None:
        with pytest.raises(ConflictError, match="image 'p:b' exists"):
            filled.create([image("new"), image("b"), image("a")])
        assert not filled.exists("image", "p:new")

    def test_an_id_given_twice_is_refused(self, filled: CatalogStore) -> None:
        with pytest.raises(ConflictError, match="'p:new' is given twice"):
            filled.create([image("new"), image("new")])

    @pytest.mark.parametrize("document", [band("x", "gone"), image("x", "gone")], ids=["band", "image"])
    def test_a_missing_product_is_refused(self, filled: CatalogStore, document: Document) -> None:
        with pytest.raises(NotFoundError, match="there is no product 'gone'; save the product first"):
            filled.create([image("new"), document])
        assert not filled.exists("image", "p:new")

    @pytest.mark.parametrize(("document", "message"), _BROKEN)
    def test_a_broken_rule_is_named_and_nothing_is_kept(
        self, store: CatalogStore, document: Document, message: str
    ) -> None:
        with pytest.raises(ValidationError, match=message):
            store.create([product(), document])
        assert store.count(Query(kind="product")) == 0

    def test_bands_are_numbered_in_the_order_given(self, store: CatalogStore) -> None:
        created = store.create([product(), band("a"), band("b", sort_order=7), band("c")])
        assert [document.get("sort_order") for document in created[1:]] == [1, 7, 8]
        assert store.create([band("d")])[0].get("sort_order") == 9

    def test_mask_bands_have_their_range(self, store: CatalogStore) -> None:
        stored = store.create([product(), band(type="mask", data_range=None, display_range=None)])[1]
        assert stored.get("data_range") == stored.get("display_range") == [0, 1]

    @pytest.mark.parametrize(
        ("given_", "stored"),
        [(-9999, -9999), (0.5, 0.5), (float("nan"), "nan"), (float("-inf"), "-inf"), ("inf", "inf")],
    )
    def test_any_pixel_value_can_be_nodata(self, store: CatalogStore, given_: Any, stored: Any) -> None:
        """JSON has no not-a-number and no infinities: documents hold their names."""
        store.create([product(), band(nodata=given_), band("b")])
        assert store.update("band", "p:b", {"nodata": given_}).get("nodata") == stored
        for found in store.get_many("band", ["p:red", "p:b"]):
            assert found.get("nodata") == stored
            json.dumps(found.get("nodata"), allow_nan=False)

    def test_products_tell_the_resolutions_of_their_bands(self, filled: CatalogStore) -> None:
        def resolutions() -> list[Any]:
            found = filled.get_many("product", ["p"])[0]
            return [found.get("resolution_min"), found.get("resolution_max"), found.version]

        ten, degree = {"value": 10.0, "unit": "meters"}, {"value": 1.0, "unit": "degrees"}
        assert resolutions() == [ten, ten, 1]
        filled.create([band("coarse", resolution=degree)])
        assert resolutions() == [ten, degree, 1]
        filled.update("band", "p:red", {"resolution": None})
        assert resolutions() == [degree, degree, 1]
        filled.delete("band", "p:coarse")
        assert resolutions() == [None, None, 1]

    def test_large_batches_are_like_small_ones(self, store: CatalogStore) -> None:
        """Stores may take another way for many documents."""
        crossing = {"type": "Polygon", "coordinates": [[[179, 0], [181, 0], [181, 2], [179, 2], [179, 0]]]}
        images = [image(f"i{i:04d}", geometry=square(i % 300 - 150, 0), tags=["t"]) for i in range(1500)]
        store.create([product(), image("cross", geometry=crossing), *images, image("nowhere")])
        store.create([image("late", geometry=square(0, 0))])
        assert store.count(Query(kind="image")) == 1503
        assert store.count(Query(kind="image").intersecting((0.2, 0.2, 0.4, 0.4))) == 6
        for west in (-180, 179.5):
            found = store.search(Query(kind="image").intersecting((west, 0, west + 0.5, 1)))
            assert [document.id for document in found] == ["p:cross"]

    # -- update and delete ---------------------------------------------------------------------------

    def test_update_sets_clears_and_counts(self, filled: CatalogStore) -> None:
        returned = filled.update("image", "p:a", {"cloud_fraction": 0.25, "tags": None})
        assert returned == filled.get("image", "p:a")
        assert (returned.version, returned.get("cloud_fraction"), returned.get("tags")) == (2, 0.25, None)
        assert returned.get("acquired") == "2023-07-01T10:00:00Z"

    def test_an_update_is_found_by(self, filled: CatalogStore) -> None:
        filled.update("image", "p:a", {"geometry": square(50, 50), "tags": ["y"]})
        assert filled.count(Query(kind="image").intersecting((0, 0, 1, 1))) == 0
        assert filled.count(Query(kind="image").intersecting((50, 50, 51, 51))) == 1
        assert filled.count(Query(kind="image").filtered(p.tags == "x")) == 0
        assert filled.count(Query(kind="image").filtered(p.tags == "y")) == 1

    def test_an_update_of_an_older_version_is_refused(self, filled: CatalogStore) -> None:
        filled.update("image", "p:a", {"cloud_fraction": 0.1}, version=1)
        with pytest.raises(ConflictError, match="made from version 1, stored is version 2"):
            filled.update("image", "p:a", {"cloud_fraction": 0.2}, version=1)
        assert filled.get_many("image", ["p:a"])[0].get("cloud_fraction") == 0.1

    def test_updates_obey_the_rules(self, filled: CatalogStore) -> None:
        refused: list[tuple[dict[str, Any], str]] = [
            ({"name": "other"}, "name is 'a' and cannot be changed"),
            ({"product_id": "q"}, "product_id is 'p' and cannot be changed"),
            ({"name": None}, "name is 'a' and cannot be changed"),
            ({"created": "2001-01-01"}, "created is set by the catalog"),
            ({"storage_state": "available"}, "at least one file"),
            ({"what": 1}, "no attribute 'what'"),
            ({"cloud_fraction": True}, "cloud_fraction=True"),
        ]
        for changes, message in refused:
            with pytest.raises(ValidationError, match=message):
                filled.update("image", "p:a", changes)
        assert filled.get_many("image", ["p:a"])[0].version == 1

    def test_equal_values_of_immutable_attributes_pass(self, filled: CatalogStore) -> None:
        assert filled.update("image", "p:a", {"name": "a", "product_id": "p", "created": _NOW}).version == 2

    def test_what_does_not_exist_cannot_be_updated(self, store: CatalogStore) -> None:
        with pytest.raises(NotFoundError, match="no image 'p:a'"):
            store.update("image", "p:a", {})

    def test_delete_tells_whether_there_was_one(self, filled: CatalogStore) -> None:
        assert filled.delete("image", "p:a")
        assert not filled.delete("image", "p:a")
        assert not filled.exists("image", "p:a")

    def test_products_in_use_are_kept(self, filled: CatalogStore) -> None:
        with pytest.raises(ConflictError, match=r"1 bands, 3 images and 0 uploads.*delete_related_objects"):
            filled.delete("product", "p")
        assert filled.delete_related("p") == 4
        assert filled.delete("product", "p")
        assert filled.count(Query(kind="image")) == 1

    def test_uploads_keep_their_product(self, store: CatalogStore) -> None:
        store.create([product(), Document(kind="image_upload", id="u", attributes={"product_id": "p"})])
        with pytest.raises(ConflictError, match="1 uploads"):
            store.delete("product", "p")
        assert store.delete_related("p") == 1

    def test_related_documents_of_nothing(self, store: CatalogStore) -> None:
        with pytest.raises(NotFoundError, match="no product 'p'"):
            store.delete_related("p")

    # -- search --------------------------------------------------------------------------------------

    def test_searches_answer_as_the_model(self, store: CatalogStore) -> None:
        @given(data=st.data(), kind=st.sampled_from(KINDS))
        @settings(max_examples=self.examples, deadline=None, suppress_health_check=_QUIET)
        def check(data: st.DataObject, kind: Kind) -> None:
            clear(store)
            given_ = [storable(document) for document in data.draw(document_lists(kind, max_size=6))]
            if kind != "product":
                store.create(PRODUCTS)
            stored = store.create(given_)
            for query in data.draw(st.lists(queries(kind), min_size=1, max_size=3)):
                assert_same_answers(store, query, stored)

        check()

    def test_the_limit_counts_over_all_pages(self, filled: CatalogStore) -> None:
        query = Query(kind="image").limited(3)
        first = filled.page(query, size=2)
        second = filled.page(query, first.continuation, size=2)
        assert (len(first.documents), len(second.documents), second.continuation) == (2, 1, None)
        assert filled.page(query.limited(0)).documents == []
        assert filled.count(query) == 4

    def test_pages_stay_in_step_when_documents_come_and_go(self, filled: CatalogStore) -> None:
        query = Query(kind="image").sorted_by("acquired", ascending=False)
        first = filled.page(query, size=2)
        assert [document.id for document in first.documents] == ["p:b", "p:a"]
        filled.delete("image", "p:a")
        filled.create([image("newest", acquired="2024-01-01")])
        rest = filled.page(query, first.continuation, size=5)
        assert [document.id for document in rest.documents] == ["q:c", "p:d"]

    @pytest.mark.parametrize("token", ["", "x", "e30", "ä", "A" * 200_000, "W10", "WzEsMiwzLDRd"])
    def test_strange_continuations_are_refused(self, filled: CatalogStore, token: str) -> None:
        with pytest.raises(BadRequestError, match="continuation"):
            filled.page(Query(kind="image"), token)

    def test_continuations_belong_to_their_search(self, filled: CatalogStore) -> None:
        token = filled.page(Query(kind="image"), size=1).continuation
        with pytest.raises(BadRequestError, match="another search"):
            filled.page(Query(kind="image").limited(3), token)

    @pytest.mark.parametrize("after", [["a", 1], [2**70, "a"], ["\ud800", "a"], [None], [float("nan"), "a"]])
    def test_forged_continuations_are_refused(self, filled: CatalogStore, after: list[Any]) -> None:
        query = Query(kind="image").sorted_by("cloud_fraction")
        token = filled.page(query, size=1).continuation
        assert token is not None
        content = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        forged = base64.urlsafe_b64encode(json.dumps([*content[:3], after]).encode()).decode()
        with pytest.raises(BadRequestError, match="continuation"):
            filled.page(query, forged)

    @pytest.mark.parametrize("size", [0, -1, 1.5, True, None])
    def test_page_sizes_are_checked(self, store: CatalogStore, size: Any) -> None:
        with pytest.raises(BadRequestError, match="page size"):
            store.page(Query(kind="image"), size=size)

    def test_images_across_the_antimeridian_are_found_from_both_sides(self, filled: CatalogStore) -> None:
        for bounds in [(179.6, 10, 179.9, 11), (-179.9, 10, -179.6, 11), (170, 0, -170, 20)]:
            found = filled.search(Query(kind="image").intersecting(bounds))
            assert [document.id for document in found] == ["p:d"], bounds
        assert filled.count(Query(kind="image").intersecting((-90, 5, 90, 15))) == 0

    # -- sums ----------------------------------------------------------------------------------------

    def test_summaries_add_up(self, filled: CatalogStore) -> None:
        summary = filled.summary(Query(kind="image").limited(1))
        assert (summary.count, summary.bytes, summary.products) == (4, 12, ("p", "q"))

    @pytest.mark.parametrize(
        ("interval", "starts"),
        [
            ("year", ["2022-01-01T00:00:00Z", "2023-01-01T00:00:00Z"]),
            ("quarter", ["2022-01-01T00:00:00Z", "2023-07-01T00:00:00Z"]),
            ("month", ["2022-01-01T00:00:00Z", "2023-07-01T00:00:00Z", "2023-08-01T00:00:00Z"]),
            ("week", ["2021-12-27T00:00:00Z", "2023-06-26T00:00:00Z", "2023-07-31T00:00:00Z"]),
            ("minute", ["2022-01-01T00:00:00Z", "2023-07-01T10:00:00Z", "2023-08-02T10:00:00Z"]),
        ],
    )
    def test_intervals_begin_where_the_calendar_does(
        self, filled: CatalogStore, interval: str, starts: list[str]
    ) -> None:
        found = filled.intervals(Query(kind="image"), "acquired", interval)
        assert [part.start for part in found] == starts
        assert sum(part.bytes for part in found) == 12

    def test_both_ends_of_a_span_count(self, filled: CatalogStore) -> None:
        def counts(start: str | None, end: str | None) -> int:
            parts = filled.intervals(Query(kind="image"), "acquired", "year", start, end)
            return sum(part.count for part in parts)

        assert counts("2023-07-01T10:00:00Z", "2023-08-02T10:00:00.5Z") == 2
        assert counts("2023-07-01T10:00:00.000000001Z", None) == 1
        assert counts(None, "2022") == 1

    def test_sums_refuse_what_they_do_not_know(self, store: CatalogStore) -> None:
        with pytest.raises(BadRequestError, match="only images"):
            store.summary(Query(kind="product"))
        for field, interval, message in [
            ("cloud_fraction", "year", "field"),
            ("acquired", "eon", "interval"),
        ]:
            with pytest.raises(BadRequestError, match=message):
                store.intervals(Query(kind="image"), field, interval)
        with pytest.raises(BadRequestError, match="start_datetime: 'soon'"):
            store.intervals(Query(kind="image"), "acquired", "year", "soon")
        with pytest.raises(BadRequestError, match="start_datetime='2024' is after end_datetime='2023'"):
            store.intervals(Query(kind="image"), "acquired", "year", "2024", "2023")

    # -- use -----------------------------------------------------------------------------------------

    def test_threads_share_a_store(self, store: CatalogStore) -> None:
        store.create([product()])
        errors: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for step in range(20):
                    store.create([image(f"t{number}-{step}", geometry=square(step, number))])
                    assert store.count(Query(kind="image").intersecting((step, number, step + 1, number + 1)))
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert store.count(Query(kind="image")) == 80

    def test_a_closed_store_says_so(self, store: CatalogStore) -> None:
        store.close()
        store.close()
        with pytest.raises(CatalogError, match="closed"):
            store.get("product", "p")
