"""`.dl` on a `Dataset`."""

from __future__ import annotations

from typing import Any

import xarray as xr

from dawnlight.accessor._asking import Asking
from dawnlight.accessor._computing import Computing
from dawnlight.accessor._finishing import Finishing
from dawnlight.accessor._looking import Looking
from dawnlight.accessor._placing import Placing

__all__ = ["DatasetAccessor"]


@xr.register_dataset_accessor("dl")  # type: ignore[no-untyped-call]  # xarray gives it no types
class DatasetAccessor(
    Asking[xr.Dataset], Computing[xr.Dataset], Placing[xr.Dataset], Looking[xr.Dataset], Finishing[xr.Dataset]
):
    """What Dawnlight can do with a `Dataset`: each variable with dims y and x counts as a band.

    Parameters
    ----------
    obj : xarray.Dataset
        The dataset; xarray passes it.
    """

    def __init__(self, obj: xr.Dataset) -> None:
        self._obj = obj

    def __repr__(self) -> str:
        from dawnlight.accessor._summaries import summary_text

        return summary_text(self._obj)

    def _repr_html_(self) -> str:
        from dawnlight.accessor._summaries import summary_html

        return summary_html(self._obj)

    def ndarray(self) -> Any:
        """Compute the variables that have dims y and x and return them as one NumPy array.

        Returns
        -------
        numpy.ma.MaskedArray or numpy.ndarray
            As `DataArrayAccessor.ndarray` of `to_dataarray`: in the common type of the files where all
            variables still have values of files.
        """
        from dawnlight.accessor._native import to_native
        from dawnlight.accessor._variables import to_dataarray

        return to_native(to_dataarray(self._obj))

    def to_dataarray(self) -> xr.DataArray:
        """Join the variables that have dims y and x along a dim ``band``; the opposite of `to_dataset`.

        Returns
        -------
        xarray.DataArray
            (..., band, y, x) in the common type of the variables, lazy if they are. What is known of the
            bands comes along, and the type of the files where all variables know theirs.

        Raises
        ------
        BandError
            No variable has the dims y and x.

        Examples
        --------
        >>> import numpy as np, xarray as xr
        >>> pixels = (("y", "x"), np.zeros((2, 3)))
        >>> xr.Dataset({"red": pixels, "nir": pixels}).dl.to_dataarray().sizes
        Frozen({'band': 2, 'y': 2, 'x': 3})
        """
        from dawnlight.accessor._variables import to_dataarray

        return to_dataarray(self._obj)
