"""Bringing files in: what a raster file is, when and where it was taken, and its documents in the catalog."""

from dawnlight.ingest._complete import complete_image_document
from dawnlight.ingest._files_check import LostFile, find_lost_files
from dawnlight.ingest._pattern import NamePattern
from dawnlight.ingest._register import add_files
from dawnlight.ingest._report import AddReport, FileResult
from dawnlight.ingest._sweep import Sweep, find_damaged_files, sweep

__all__ = [
    "AddReport",
    "FileResult",
    "LostFile",
    "NamePattern",
    "Sweep",
    "add_files",
    "complete_image_document",
    "find_damaged_files",
    "find_lost_files",
    "sweep",
]
