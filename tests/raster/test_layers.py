"""Layers travel as columns and come back the same."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawnlight.errors import ParameterError
from dawnlight.raster._columns import pack, unpack
from dawnlight.raster._layers import check_layers, decode_layers, encode_layers, one_by_one


@given(
    st.one_of(
        st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=6),
        st.integers(0, 9).map(lambda count: [[k] for k in range(count)]),
        st.permutations(range(5)).map(lambda order: [[k] for k in order]),
    )
)
def test_layers_come_back(layers):
    found = check_layers(layers, 10)
    assert found == tuple(tuple(members) for members in layers)
    assert decode_layers(unpack(pickle.loads(pickle.dumps(pack(encode_layers(found)))))) == found


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_a_stack_is_known_again(count):
    layers = one_by_one(count)
    assert layers == tuple((k,) for k in range(count))
    assert one_by_one(count) is layers
    assert check_layers(layers, count) is layers
    assert encode_layers(layers) == encode_layers(tuple((k,) for k in range(count)))
    assert decode_layers(encode_layers(layers)) is layers
    for other in range(20, 23):
        one_by_one(other)
    assert one_by_one(count) == layers


def test_layers_of_a_stack_take_no_room():
    assert len(pickle.dumps(pack(encode_layers(one_by_one(10_000))))) < 200


def test_members_become_plain_numbers():
    (members,) = check_layers([[np.int64(1), True]], 2)
    assert list(map(type, members)) == [int, int]


@pytest.mark.parametrize("layers", [[[0], [2]], [[0, -1]], one_by_one(3)])
def test_images_outside_are_refused(layers):
    with pytest.raises(ParameterError, match=r"layer \d names an image outside 0 ... 1"):
        check_layers(layers, 2)
