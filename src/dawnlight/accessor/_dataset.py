"""`.dl` on a `Dataset`."""

from __future__ import annotations

import xarray as xr

from dawnlight.accessor._asking import Asking

__all__ = ["DatasetAccessor"]


@xr.register_dataset_accessor("dl")  # type: ignore[no-untyped-call]  # xarray gives it no types
class DatasetAccessor(Asking[xr.Dataset]):
    """What Dawnlight can do with a `Dataset`: each variable with dims y and x counts as a band.

    Parameters
    ----------
    obj : xarray.Dataset
        The dataset; xarray passes it.
    """

    def __init__(self, obj: xr.Dataset) -> None:
        self._obj = obj

    def __repr__(self) -> str:
        return f"<.dl of {', '.join(map(str, self._obj.data_vars)) or 'an empty dataset'}>"
