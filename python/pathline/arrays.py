"""Tables of data as users have them: arrays, structured arrays, pandas frames."""
from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from .errors import InputError

__all__: List[str] = []


def is_frame(x: Any) -> bool:
    """Tells whether x is a table with named columns, as those of pandas and polars are."""
    return hasattr(x, "columns") and hasattr(x, "to_numpy")


def to_table(x: Any, name: str, prefix: str) -> Tuple[np.ndarray, List[str]]:
    """Returns x as an array (n, d) of float64 or float32 and the names of its columns.

    Columns without names are called prefix1, prefix2, ... Masked and missing values are NaN.
    """
    if is_frame(x):
        names = [str(column) for column in x.columns]
        return _numbers(_frame_values(x), name), names
    if isinstance(x, np.ndarray) and x.dtype.names is not None:
        return _fields(x, name)
    array = _numbers(x, name)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise InputError(f"{name} has the shape {array.shape}; expected (n, d), one sample per row")
    series_name = getattr(x, "name", None)  # of a pandas series
    if array.shape[1] == 1 and isinstance(series_name, str):
        return array, [series_name]
    return array, [f"{prefix}{i + 1}" for i in range(array.shape[1])]


# A field that is an array with one axis gives the columns field_0, field_1, ..., as it does in HDF5.
def _fields(x: np.ndarray, name: str) -> Tuple[np.ndarray, List[str]]:
    names: List[str] = []
    parts = []
    for field in x.dtype.names or ():
        if x[field].dtype.names is not None:
            raise InputError(f"{name}: the field {field!r} holds records; make each of their fields one of the array")
        part = _numbers(x[field], f"{name}[{field!r}]")
        if part.ndim == 1:
            names.append(field)
        elif part.ndim == 2 and x.ndim == 1:
            names += [f"{field}_{i}" for i in range(part.shape[1])]
        else:
            raise InputError(f"{name}[{field!r}] has the shape {part.shape}; expected one number or vector per sample")
        parts.append(part)
    if not parts:
        raise InputError(f"{name} has no fields")
    return np.column_stack(parts), names


# pandas.NA is no number.
def _frame_values(x: Any) -> np.ndarray:
    values = np.asarray(x.to_numpy())
    if values.dtype == object and hasattr(x, "isna"):
        values = np.where(np.asarray(x.isna()), np.nan, values)
    return values


def _numbers(x: Any, name: str) -> np.ndarray:
    if isinstance(x, np.ma.MaskedArray):  # numpy.asarray would take what is behind the mask
        return np.where(np.ma.getmaskarray(x), np.nan, _numbers(x.data, name))
    try:
        array = np.asarray(x)
    except ValueError as error:  # rows of different lengths
        raise InputError(f"{name}: expected an array of numbers: {error}") from None
    if array.dtype == np.float64 or array.dtype == np.float32:
        return array
    if array.dtype.kind == "c":
        raise InputError(f"{name}: expected real numbers, found complex ones")
    if array.dtype.kind in "mM":
        raise InputError(f"{name}: expected numbers, found times")
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: expected an array of numbers: {error}") from None
    if array.dtype.kind in "iu" and array.size > 0 and np.abs(numbers).max() >= 2.0**53:
        raise InputError(f"{name}: holds integers of 2^53 or more, which double precision cannot represent; subtract an "
                         "offset from them, or leave them out")
    return numbers


def select(x: Any, columns: Sequence[str], name: str) -> Any:
    """Returns the columns of a frame or structured array that a model has; an array as it is."""
    if type(x) is np.ndarray and x.dtype.names is None:
        return x
    if isinstance(x, np.ma.MaskedArray) and x.dtype.names is None:
        return _numbers(x, name)
    if is_frame(x):
        there = [str(column) for column in x.columns]
        missing = [column for column in columns if column not in there]
        if columns and not missing:
            places = [there.index(column) for column in columns]
            return _numbers(_frame_values(x)[:, places], name)
        if len(missing) < len(columns) or len(there) != len(columns):
            raise InputError(f"{name}: has no column {missing[0]!r}; its columns are {', '.join(there)}" if missing
                             else f"{name}: the model has no column names; pass an array")
        return _frame_values(x)  # none of the names is the model's: by their order
    if isinstance(x, np.ndarray) and x.dtype.names is not None:
        wanted = [field for field in x.dtype.names if field in columns or x.dtype[field].shape]
        values, there = _fields(x[wanted], name) if wanted else (x, list(x.dtype.names))
        for column in columns:
            if column not in there:
                raise InputError(f"{name}: has no column {column!r}; its columns are {', '.join(x.dtype.names)}")
        return values[:, [there.index(column) for column in columns]]
    return x


def condition_of(condition: Any, x: Any, columns: Sequence[str]) -> Any:
    """Returns a condition as an array, by the names of its columns where there are names.

    A frame of points that has the columns of the condition, too, gives the condition if none is passed.
    """
    if condition is None:
        if columns and x is not None and is_frame(x) and set(columns) <= {str(column) for column in x.columns}:
            return select(x, columns, "condition")
        return None
    if isinstance(condition, Mapping) and not is_frame(condition):
        for key in condition:
            if key not in columns:
                raise InputError(f"condition: the model has no condition {key!r}; it has {', '.join(columns)}")
        for column in columns:
            if column not in condition:
                raise InputError(f"condition: {column!r} is missing; the model needs {', '.join(columns)}")
        return np.array([condition[column] for column in columns], dtype=np.float64)
    return select(condition, columns, "condition")


def column_names(columns: Optional[Sequence[str]]) -> List[str]:
    """Returns the names in a list; one name may stand alone."""
    if columns is None:
        return []
    return [columns] if isinstance(columns, str) else [str(column) for column in columns]
