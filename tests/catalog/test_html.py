from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from shapely.geometry import MultiPolygon, Point, box

from dawnlight.catalog import (
    CatalogClient,
    ClassBand,
    File,
    GenericBand,
    Image,
    ImageCollection,
    ImageUpload,
    MaskBand,
    MicrowaveBand,
    Product,
    SpectralBand,
)
from dawnlight.catalog import properties as p
from dawnlight.geo._svg import draw_footprints, draw_place, draw_times

EVIL = "<script>alert('x')</script>\"&"


class Checker(HTMLParser):
    """Notes the elements, and that each that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.seen.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check(html: str) -> list[str]:
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    assert set(checker.seen) <= {
        *("style", "div", "span", "code", "table", "tr", "td", "th", "svg", "g", "path", "rect", "circle"),
        *("details", "summary"),
    }
    return checker.seen


def evil_image(index: int = 0) -> Image:
    return Image(
        product_id=EVIL,
        name=EVIL,
        acquired=f"2023-01-{index % 28 + 1:02}",
        geometry=box(index, 0, index + 1, 1),
        tags=[EVIL],
        files=[File(href=EVIL)],
        extra_properties={EVIL: EVIL},
        cloud_fraction=0.5,
        provider_url=EVIL,
        cs_code=EVIL,
    )


EVIL_OBJECTS: list[Any] = [
    Product(id=EVIL, name=EVIL, description=EVIL, tags=[EVIL], owners=[EVIL], extra_properties={EVIL: EVIL}),
    SpectralBand(product_id=EVIL, name=EVIL, physical_range_unit=EVIL, processing_levels={EVIL: EVIL}),
    MicrowaveBand(product_id=EVIL, name=EVIL, description=EVIL),
    MaskBand(product_id=EVIL, name=EVIL, vendor_band_name=EVIL),
    ClassBand(product_id=EVIL, name=EVIL, class_labels=[EVIL]),
    GenericBand(product_id=EVIL, name=EVIL, derived_params={"function": EVIL, "bands": [EVIL]}),
    evil_image(),
    Image(id=f"p:{EVIL}", storage_state=EVIL, acquired=EVIL, geometry=EVIL, _saved=True),
    ImageCollection([evil_image(index) for index in range(12)]),
    Image.search().filter((p.name == EVIL) | (p.tags == EVIL)).intersects(box(0, 0, 1, 1)),
    Product.search().find_text(EVIL),
    ImageUpload(image_id=EVIL, product_id=EVIL),
]


@pytest.mark.parametrize("obj", EVIL_OBJECTS, ids=lambda obj: type(obj).__name__)
def test_every_value_is_escaped(obj: Any) -> None:
    html = obj._repr_html_()
    assert "<script" not in html
    assert "alert(" in html.replace("&#x27;", "'")
    check(html)
    assert "http" not in html


def test_reprs_read_nothing(client: CatalogClient, product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image(product=product, name="a", acquired="2023-06-01", geometry=(0, 0, 1, 1), client=client)
    image.save()
    found = Image.search(client=client).collect()
    client.close()
    for obj in (product, image, *found, found, Image.search(client=client), product.images()):
        repr(obj)
        check(obj._repr_html_())


def test_an_image_shows_its_footprint_and_state() -> None:
    html = Image(id="p:a", geometry=box(0, 0, 1, 1), acquired="2023-06-01T10:00")._repr_html_()
    assert "svg" in check(html)
    assert "(unsaved)" in html
    assert "2023-06-01 10:00:00" in html
    assert "svg" not in check(Image(id="p:a")._repr_html_())


@pytest.mark.parametrize("count", [0, 1, 10, 11])
def test_a_collection_shows_ten(count: int) -> None:
    images = ImageCollection(
        [Image(id=f"p:i{i}", acquired="2023-06-01", geometry=box(i, 0, i + 1, 1)) for i in range(count)]
    )
    html = images._repr_html_()
    assert html.count("<td>i") == min(count, 10)
    assert ("and 1 more" in html) == (count == 11)
    assert check(html).count("svg") == (3 if count else 0)


def test_parts_fold_and_name_themselves() -> None:
    seen = check(ImageCollection([evil_image(index) for index in range(12)])._repr_html_())
    assert seen.count("details") == seen.count("summary") == 2
    many = Product(
        id="p", name="p", description="d", tags=["t"], owners=["o"], readers=["r"], writers=["w"],
        start_datetime="2020-01-01", end_datetime="2021-01-01", revisit_period_minutes_min=1.0,
        revisit_period_minutes_max=2.0, is_core=True, extra_properties={"a": 1},
    )  # fmt: skip
    assert check(many._repr_html_()).count("details") >= 1


def test_a_search_shows_where() -> None:
    html = Image.search().intersects(box(5, 44, 9, 47))._repr_html_()
    assert check(html).count("svg") == 2
    assert "On Earth: 46" in html


def test_footprints_have_coasts_when_they_are_large() -> None:
    assert 'class="land"' in draw_footprints([box(-10, 35, 20, 60)], "x")
    assert 'class="land"' not in draw_footprints([box(5, 45, 6, 46)], "x")
    assert draw_place([box(-170, -80, 170, 80)], "x").count("<svg") == 1
    assert "19\N{DEGREE SIGN}S 178\N{DEGREE SIGN}W" in draw_place([box(181, -20, 183, -18)], "x")
    assert draw_place([], "x") == ""


def test_long_values_are_cut() -> None:
    html = Product(id="p", description="x" * 10_000)._repr_html_()
    assert len(html) < 4000
    assert "…" in html


# -- drawings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "geometry",
    [
        box(0, 0, 1, 1),
        box(0, 0, 10, 10).difference(box(2, 2, 4, 4)),
        MultiPolygon([box(0, 0, 1, 1), box(5, 5, 6, 6)]),
        Point(3, 4),
        Point(3, 4).buffer(2, quad_segs=1000),
        box(0, 89, 10, 90),
        box(-180, -90, 180, 90),
        box(0, 0, 1, 1).boundary,
    ],
    ids=lambda geometry: geometry.geom_type,
)
def test_footprints_fit_the_frame(geometry: Any) -> None:
    svg = draw_footprints([geometry], "x")
    check(svg)
    assert len(svg) < 8000
    numbers = [
        float(n)
        for n in svg.split(' class="here"')[1]
        .split(' d="')[1]
        .split('"')[0]
        .replace("h0.1", "")
        .translate(str.maketrans("MLZ,", "    "))
        .split()
    ]
    assert numbers
    assert all(-0.05 <= number <= 160.05 for number in numbers)


def test_footprints_over_the_antimeridian_are_drawn_together() -> None:
    split = MultiPolygon([box(179, 0, 180, 1), box(-180, 0, -179, 1)])
    whole = draw_footprints([box(179, 0, 181, 1)], "x")
    assert draw_footprints([split], "x").split("<g")[0] == whole.split("<g")[0]


def test_nothing_to_draw() -> None:
    assert draw_footprints([], "x") == ""
    assert draw_times([], "x") == ""


def test_times_share_ticks() -> None:
    image = Image(acquired="2023-06-01")
    assert image.acquired is not None
    assert draw_times([image.acquired] * 1000, "x").count("v12") == 1
    times = [image.acquired.replace(day=day) for day in (1, 2, 3)]
    svg = draw_times(times, "a<b")
    assert svg.count("v12") == 3
    assert "a&lt;b" in svg
