from __future__ import annotations

import pytest

from dawnlight.search import Document, text_matches, text_words

PRODUCT = Document(
    kind="product",
    id="p",
    attributes={
        "name": "Landsat 8 OLI",
        "description": "Oberflächen-Reflexion,\nGroße Straße",
        "tags": ["hidden"],
    },
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("landsat", True),
        ("LANDSAT", True),
        ("land", True),
        ("landsat oli", True),
        ("oli landsat", True),
        ("landsat reflexion", True),
        ("sat 8", True),
        ("landsat sentinel", False),
        ("OBERFLÄCHEN", True),
        ("strasse", True),
        ("STRASSE", True),
        ("hidden", False),
        ("%", False),
        ("", True),
        ("  \n ", True),
        ("landsat\tgroße", True),
    ],
)
def test_every_word_must_occur_in_some_text_field(text, found):
    assert text_matches(text, PRODUCT) is found


def test_names_of_bands_are_no_text_but_descriptions_are():
    band = Document(
        kind="band", id="p:red", attributes={"name": "red", "product_id": "p", "description": "visible"}
    )
    assert not text_matches("red", band)
    assert text_matches("VISIBLE", band)


@pytest.mark.parametrize("attributes", [{}, {"name": None}, {"name": 5, "description": ["landsat"]}])
def test_missing_text_matches_no_word(attributes):
    document = Document(kind="product", id="p", attributes=attributes)
    assert not text_matches("landsat", document)
    assert text_matches("", document)


def test_words_are_folded_and_unique():
    assert text_words(" Straße  strasse A ") == ("strasse", "a")
