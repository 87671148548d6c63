"""`.dl` on a `DataArray`."""

from __future__ import annotations

from typing import Any

import xarray as xr

from dawnlight.accessor._asking import Asking
from dawnlight.accessor._computing import Computing
from dawnlight.accessor._finishing import Finishing
from dawnlight.accessor._looking import Looking
from dawnlight.accessor._placing import Placing

__all__ = ["DataArrayAccessor"]


@xr.register_dataarray_accessor("dl")  # type: ignore[no-untyped-call]  # xarray gives it no types
class DataArrayAccessor(
    Asking[xr.DataArray],
    Computing[xr.DataArray],
    Placing[xr.DataArray],
    Looking[xr.DataArray],
    Finishing[xr.DataArray],
):
    """What Dawnlight can do with a `DataArray`: one it loaded, or any other that has a CRS.

    Parameters
    ----------
    obj : xarray.DataArray
        The array; xarray passes it.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import dawnlight
    >>> array = xr.DataArray(np.zeros((2, 2)), {"y": [3.0, 1.0], "x": [0.0, 2.0]})
    >>> array.attrs["crs"] = "EPSG:32631"
    >>> array.dl.geobox.bounds
    (-1.0, 0.0, 3.0, 4.0)
    """

    def __init__(self, obj: xr.DataArray) -> None:
        self._obj = obj

    def __repr__(self) -> str:
        from dawnlight.accessor._summaries import summary_text

        return summary_text(self._obj)

    def _repr_html_(self) -> str:
        from dawnlight.accessor._summaries import summary_html

        return summary_html(self._obj)

    def ndarray(self) -> Any:
        """Compute the values and return them as the reference platform does: in the files' own type.

        Returns
        -------
        numpy.ma.MaskedArray or numpy.ndarray
            Dims as they are. Values that were loaded with masks come as a masked array in the type they had
            before NaN had to fit in (``data_type``), with 0 under the mask. After arithmetic there is no such
            type, and floats stay floats. Loaded without any mask: a plain array.

        Examples
        --------
        >>> import numpy as np, xarray as xr
        >>> xr.DataArray([1.5, np.nan]).dl.ndarray()
        masked_array(data=[1.5, --],
                     mask=[False,  True],
               fill_value=1e+20)
        """
        from dawnlight.accessor._native import to_native

        return to_native(self._obj)

    def to_dataset(self, dim: str = "band") -> xr.Dataset:
        """Make a variable of each band, in the band's own type and with its CF attributes.

        Parameters
        ----------
        dim : str, default "band"
            The dim to take apart; any other is taken apart as `xarray.DataArray.to_dataset` does it.

        Returns
        -------
        xarray.Dataset
            Lazy if the array is. Each variable has ``long_name``, for classes ``flag_values`` and
            ``flag_meanings``, and in ``encoding`` the type and nodata value of its own band. Values that can
            be missing stay floats with NaN, as narrow as the band allows.

        Raises
        ------
        ParameterError
            The array has no such dim.
        BandError
            A band is there twice.

        Examples
        --------
        >>> import numpy as np, xarray as xr
        >>> array = xr.DataArray(np.zeros((2, 2, 3)), {"band": ["red", "nir"]}, ("band", "y", "x"))
        >>> list(array.dl.to_dataset())
        ['red', 'nir']
        """
        from dawnlight.accessor._variables import to_dataset

        return to_dataset(self._obj, dim)
