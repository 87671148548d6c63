"""Bytes of local files, and the buffers that they are read into."""

import os
import threading

import numpy as np
import pytest

from dawnlight.errors import RasterReadError
from dawnlight.raster._buffers import scratch
from dawnlight.raster._header import FileRef
from dawnlight.raster._local_file import LocalFile


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "bytes.tif"
    path.write_bytes(bytes(range(100)))
    return LocalFile(FileRef(href=str(path), shape=(1, 1)))


@pytest.mark.parametrize("at_once", [True, False])
def test_a_buffer_is_filled_up_to_the_end_of_the_file(file, monkeypatch, at_once):
    if not at_once:
        monkeypatch.delattr(os, "preadv")
    buffer = memoryview(bytearray(30))
    assert bytes(file.read_into(10, buffer)) == bytes(range(10, 40)) == file.read(10, 30)
    assert bytes(file.read_into(90, buffer)) == bytes(range(90, 100)) == file.read(90, 30)
    assert bytes(file.read_into(200, buffer)) == b""


def test_a_system_that_gives_less_than_was_asked_for_is_asked_again(file, monkeypatch):
    whole = os.preadv
    monkeypatch.setattr(os, "preadv", lambda fd, buffers, at: whole(fd, [buffers[0][:7]], at))
    assert bytes(file.read_into(10, memoryview(bytearray(30)))) == bytes(range(10, 40))


def test_an_error_of_the_system_names_the_file(file, monkeypatch):
    def broken(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "preadv", broken)
    with pytest.raises(RasterReadError, match=r"bytes\.tif: cannot be read \(Input/output error\)"):
        file.read_into(0, memoryview(bytearray(5)))


def test_buffers_are_used_again_by_the_same_thread_for_the_same_use_only():
    first = scratch(1000)
    assert np.shares_memory(first, scratch(500))
    assert not np.shares_memory(first, scratch(500, "packed"))
    others = []
    thread = threading.Thread(target=lambda: others.append(scratch(500)))
    thread.start()
    thread.join()
    assert not np.shares_memory(first, others[0])
    assert scratch(5000).size == 5000
