"""Columns of names and numbers: what goes in comes out, equal ones are equal, regular ones are small."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dawnlight.errors import ParameterError
from dawnlight.raster._columns import Names, decode, digest_of, encode, pack, unpack

WHOLE = st.integers(-(2**63), 2**63 - 1)
SMALL = st.integers(-2, 300)


@given(
    st.one_of(
        arrays(np.int64, st.integers(0, 40), elements=WHOLE),
        arrays(np.int64, st.integers(0, 40), elements=SMALL),
        st.tuples(WHOLE, WHOLE, st.integers(0, 20)).map(
            lambda run: np.int64(run[0]) + np.int64(run[1]) * np.arange(run[2])
        ),
    )
)
def test_numbers_come_back(values):
    code = encode(values)
    assert np.array_equal(decode(code, np.int64), values)
    (again,) = unpack(pickle.loads(pickle.dumps(pack([code]))))
    assert again == code


@given(arrays(np.int32, 12, elements=st.integers(-2, 2)), arrays(np.int32, 12, elements=st.integers(-2, 2)))
def test_codes_are_equal_where_columns_are(a, b):
    assert (encode(a) == encode(b)) == np.array_equal(a, b)
    assert (digest_of([encode(a)]) == digest_of([encode(b)])) == np.array_equal(a, b)
    assert encode(a.astype(np.int64)) == encode(a)


def test_a_column_is_told_from_two():
    whole, parts = encode(np.array([1, 2, 4, 8])), [encode(np.array([1, 2])), encode(np.array([4, 8]))]
    assert digest_of([whole]) != digest_of(parts)


def test_regular_columns_take_no_room():
    many = 100_000
    for values in (np.zeros(many), np.full(many, 2**40), np.arange(many), np.arange(many) * 8 - 5):
        assert len(pickle.dumps(encode(values.astype(np.int64)))) < 100
    assert len(encode(np.arange(many) % 200)[-1]) == many
    times = np.int64(1_700_000_000_000_000_000) + np.random.default_rng(0).integers(0, 2**30, many)
    assert len(pickle.dumps(pack([encode(times)]))) < 5 * many


@given(st.lists(st.text(st.characters(exclude_characters="\0"), max_size=5), max_size=8))
def test_names_come_back(names):
    found = Names(names)
    copy = pickle.loads(pickle.dumps(found))
    for each in (found, copy):
        assert each == tuple(names)
        assert (len(each), list(each), [each[k] for k in range(len(names))]) == (len(names), names, names)
        assert each[1:] == tuple(names[1:])
        assert each[::-2] == tuple(names[::-2])
    assert (copy, copy.digest()) == (found, found.digest())
    if names:
        assert found[-1] == names[-1]
    for wrong in (len(names), -len(names) - 1):
        with pytest.raises(IndexError):
            found[wrong]


@given(
    st.lists(st.text("ab/.", max_size=4), min_size=1, max_size=6),
    st.text("ab/.", max_size=3),
    st.text("ab/.", max_size=3),
)
def test_names_that_differ_in_their_ends(stems, old, new):
    first, second = Names([stem + old for stem in stems]), Names([stem + new for stem in stems])
    other = Names([*(stem + new for stem in stems[:-1]), "b/b/b"])
    for names in (first, second, other):
        change = names.change_from(first)
        assert change is None or first.changed(*change) == names
    assert other == second or other.change_from(first) is None or len(stems) == 1


def test_bands_of_a_scene_share_their_names():
    bands = [Names([f"/archive/{k % 7}/S2_{k:05}/B{band}.tif" for k in range(300)]) for band in (2, 3, 8)]
    assert [names.change_from(bands[0]) for names in bands[1:]] == [
        (b"2.tif\0", b"3.tif\0"),
        (b"2.tif\0", b"8.tif\0"),
    ]
    assert bands[0].change_from(Names([f"/{k}.tif" for k in range(300)])) is None


def test_names_differ():
    assert Names(["a", "b"]) != Names(["ab"])
    assert Names(["", "a"]).digest() != Names(["a", ""]).digest()
    assert Names(["a"]) != ["a"]


def test_the_character_that_ends_names_is_refused():
    with pytest.raises(ParameterError, match=r"name 'b\\x00c' holds the character NUL"):
        Names(["a", "b\0c"])
