"""Folders: what they are made of, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dawnlight.errors import CatalogAccessError, CatalogNotFoundError, ConfigError
from dawnlight.storage._filesystem import network_filesystem, prepare_folder

_MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /data rw,relatime - nfs4 server:/data rw
31 30 0:27 / /data/fast rw,relatime - ext4 /dev/vdb rw
32 22 0:28 / /my\\040share rw - cifs //server/share rw
33 22 0:29 / /buckets rw - fuse.s3fs s3fs rw
34 22 0:30 / /sync rw - fuse.something else rw
not a line
"""


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/home/me", None),
        ("/data", "nfs4"),
        ("/data/deep/er", "nfs4"),
        ("/database", None),
        ("/data/fast/x", None),
        ("/my share/x", "cifs"),
        ("/buckets/b", "fuse.s3fs"),
        ("/sync", None),
    ],
)
def test_network_file_systems_are_known_by_their_mount(folder: str, expected: str | None) -> None:
    assert network_filesystem(Path(folder), _MOUNTS) == expected


def test_this_folder_is_local(tmp_path: Path) -> None:
    assert network_filesystem(tmp_path) is None


def test_missing_folders_are_made_where_asked(tmp_path: Path) -> None:
    prepare_folder(tmp_path / "a" / "b", create=True, read_only=False)
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize(("create", "read_only"), [(False, False), (True, True)])
def test_missing_folders_are_named(tmp_path: Path, create: bool, read_only: bool) -> None:
    with pytest.raises(CatalogNotFoundError, match=r"no folder '.*gone'.*create=True"):
        prepare_folder(tmp_path / "gone", create=create, read_only=read_only)
    assert not (tmp_path / "gone").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is a file; give the folder"):
        prepare_folder(tmp_path / "file", create=True, read_only=False)
    with pytest.raises(CatalogAccessError, match="cannot use the folder"):
        prepare_folder(tmp_path / "file" / "below", create=True, read_only=False)
