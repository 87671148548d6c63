"""What `.dl` computes, lazily: masks, composites, indices, scaling, groups of the calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import xarray as xr

__all__ = ["Computing"]

T = TypeVar("T", xr.DataArray, xr.Dataset)


class Computing(Generic[T]):
    """Calculations on values, the same for arrays and datasets. Lazy arrays stay lazy."""

    _obj: T

    def mask(self, rule: Any, *, dilation: int = 0) -> T:
        """Make pixels missing that a class band, quality bits or a function point out.

        Parameters
        ----------
        rule : mapping or callable
            A mapping of class band to what hides a pixel: a value or label of the band or a list of them,
            ``{"scl": [3, "cloud"]}``; or a mapping with ``"values"`` (the same), ``"keep"`` (everything else
            hides) and ``"bits"`` (numbers, or names from the band's labels, or those known for Landsat's
            ``qa_pixel`` and Sentinel-2's ``qa60``), ``{"qa_pixel": {"bits": ["cloud", "cloud_shadow"]}}``.
            Or a function that takes the array (of a dataset: its variables joined along ``band``) and returns
            booleans, True where hidden.
        dilation : int, default 0
            Hide also what lies within so many pixels.

        Returns
        -------
        same as the object
            Missing pixels are NaN; the type of the files stays noted. The bands that the rule looks at stay
            whole. Where such a band is itself missing, the pixel is not known to be clear and is hidden.

        Raises
        ------
        BandError
            A band of the rule is not there.
        ParameterError, ParameterTypeError
            A label or bit is unknown, or the rule or `dilation` cannot be used.

        Examples
        --------
        >>> import numpy as np, xarray as xr
        >>> array = xr.DataArray([[[1.0, 2.0]], [[0.0, 8.0]]], {"band": ["red", "scl"]}, ("band", "y", "x"))
        >>> array.dl.mask({"scl": 8}).sel(band="red").values
        array([[ 1., nan]])
        """
        from dawnlight.accessor._masks import mask
        from dawnlight.accessor._variables import through_array

        return through_array(self._obj, lambda array: mask(array, rule, dilation=dilation))  # type: ignore[no-any-return]

    def composite(
        self,
        bands: str | Sequence[str] | None = None,
        method: str = "median",
        *,
        mask: Any = None,
        q: float | None = None,
        dilation: int = 0,
    ) -> T:
        """Reduce the time slots to one picture, pixel by pixel, without the missing and the hidden.

        Parameters
        ----------
        bands : str or sequence of str, optional
            Names. By default all that the mask does not look at, without classes where values are blended.
        method : str, default "median"
            ``"median"``, ``"mean"``, ``"min"``, ``"max"``, ``"first"`` or ``"last"`` in the order of the
            array, ``"count"`` of values, or ``"percentile"``.
        mask : mapping or callable, optional
            What to hide first, as for `mask`.
        q : float, optional
            For ``"percentile"``: from 0 to 100.
        dilation : int, default 0
            For `mask`: hide also what lies within so many pixels.

        Returns
        -------
        same as the object
            Without the dim ``time``; NaN where no value is left, and ``count`` 0. Coordinates ``id``,
            ``time_first`` and ``time_last`` as a mosaic has them.

        Raises
        ------
        ParameterError
            There is no dim ``time``, or an argument cannot be used.
        BandError
            A band is not there, or holds classes, which cannot be blended.

        Examples
        --------
        >>> import numpy as np, xarray as xr
        >>> array = xr.DataArray([[[1.0]], [[3.0]], [[np.nan]]], dims=("time", "y", "x"))
        >>> array.dl.composite().values, array.dl.composite(method="count").values
        (array([[2.]]), array([[2]]))
        """
        from dawnlight.accessor._composites import composite
        from dawnlight.accessor._variables import through_array

        return through_array(  # type: ignore[no-any-return]
            self._obj, lambda array: composite(array, bands, method, mask=mask, q=q, dilation=dilation)
        )

    def index(
        self,
        name: str | Sequence[str],
        *,
        bands: Mapping[str, str] | None = None,
        factor: float | None = None,
        **constants: float,
    ) -> Any:
        """Calculate a spectral index such as NDVI, from bands found by their name or wavelength.

        The formulas are those of the library spyndex (more than 200). Names are those of colours (``"red"``,
        ``"nir"``, ``"swir16"``), or what Sentinel-2, Landsat, MODIS and NAIP call their bands (``"B04"``,
        ``"SR_B5"``, ``"sur_refl_b01"``); which of them it is follows from platform and product, or from the
        names where only one sensor has such.

        Parameters
        ----------
        name : str or sequence of str
            Short name, such as ``"NDVI"``, ``"EVI"`` or ``"NDWI"``; several give a dataset.
        bands : mapping of str, optional
            Band for a symbol of the formula where it cannot be told: ``{"N": "nir08"}``.
        factor : float, optional
            Turns values into reflectance. By default what the catalog knows (``physical_range``); values that
            were calculated with are taken as they are.
        **constants : float
            Constants of the formula, such as ``L=0.5``; by default those of spyndex.

        Returns
        -------
        xarray.DataArray or xarray.Dataset
            Without the dim ``band``; NaN where a band is missing or the formula divides by zero.

        Raises
        ------
        MissingExtraError
            spyndex is not installed (extra ``indices``).
        BandError
            No band fits a symbol of the formula.
        ParameterError
            The index or a constant is unknown, or it needs reflectance that cannot be told.

        Examples
        --------
        >>> import xarray as xr
        >>> array = xr.DataArray([[[0.1]], [[0.3]]], {"band": ["red", "nir"]}, ("band", "y", "x"))
        >>> array.dl.index("NDVI").values.round(3)  # doctest: +SKIP
        array([[0.5]])
        """
        from dawnlight.accessor._indices import index
        from dawnlight.accessor._variables import as_array

        array = as_array(self._obj)
        if isinstance(name, str):
            return index(array, name, bands, factor, constants)
        return xr.Dataset({each: index(array, each, bands, factor, constants) for each in name})

    def scale(self, scaling: Any = "physical", data_type: str | None = None) -> T:
        """Scale values by what the catalog knows of the bands, as loading with ``scaling=`` does.

        Parameters
        ----------
        scaling : str, list or mapping, default "physical"
            ``"physical"``, ``"display"``, ``"auto"``, ``"raw"``, or ranges, for all bands or for each; see
            `ImageCollection.scaling_parameters`. ``"auto"`` stretches each time slot from its least to its
            greatest value.
        data_type : str, optional
            Output type such as ``"Float32"``; by default it follows from the scaling.

        Returns
        -------
        same as the object
            Missing pixels are NaN; the output type is noted for storing and for `ndarray`.

        Raises
        ------
        BandError
            The ranges of a band are not known.
        ParameterError
            The array was calculated with, or an argument cannot be used.

        Examples
        --------
        >>> reflectance = stack.dl.scale("physical", "Float32")  # doctest: +SKIP
        """
        from dawnlight.accessor._scales import scale
        from dawnlight.accessor._variables import through_array

        return through_array(self._obj, lambda array: scale(array, scaling, data_type))  # type: ignore[no-any-return]

    def groupby_calendar(self, period: str) -> Any:
        """Group the time slots by periods of the calendar.

        Parameters
        ----------
        period : str
            ``"1D"``, ``"1W"`` (from Monday), ``"1M"``, ``"1Y"``, any number of these, or ``"season"`` (from
            December, March, June and September).

        Returns
        -------
        xarray DataArrayGroupBy or DatasetGroupBy
            Its reductions have the dim ``period``, the first day of each. Slots without a date are left out.

        Raises
        ------
        ParameterError
            There is no dim ``time`` with dates, or the period is unknown.

        Examples
        --------
        >>> import numpy as np, pandas as pd, xarray as xr
        >>> times = pd.to_datetime(["2023-01-05", "2023-01-25", "2023-02-03"])
        >>> array = xr.DataArray([1.0, 3.0, 5.0], {"time": times})
        >>> array.dl.groupby_calendar("1M").mean().values
        array([2., 5.])

        Each group can be made a composite, with a mask::

            stack.dl.groupby_calendar("season").map(lambda part: part.dl.composite(mask={"scl": [3, 8, 9]}))
        """
        from dawnlight.accessor._calendar import group_by_calendar

        return group_by_calendar(self._obj, period)
