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

    Columns without names are called prefix1, prefix2, ...
    """
    if is_frame(x):
        names = [str(column) for column in x.columns]
        return _numbers(x.to_numpy(), name), names
    if isinstance(x, np.ndarray) and x.dtype.names is not None:
        names = list(x.dtype.names)
        return np.column_stack([_numbers(x[field], name) for field in names]), names
    array = _numbers(x, name)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise InputError(f"{name} has the shape {array.shape}; expected (n, d), one sample per row")
    series_name = getattr(x, "name", None)  # of a pandas series
    if array.shape[1] == 1 and isinstance(series_name, str):
        return array, [series_name]
    return array, [f"{prefix}{i + 1}" for i in range(array.shape[1])]


def _numbers(x: Any, name: str) -> np.ndarray:
    array = np.asarray(x)
    if array.dtype == np.float64 or array.dtype == np.float32:
        return array
    if array.dtype.kind == "c":
        raise InputError(f"{name}: expected real numbers, found complex ones")
    if array.dtype.kind in "mM":
        raise InputError(f"{name}: expected numbers, found times")
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: expected an array of numbers: {error}") from None


def select(x: Any, columns: Sequence[str], name: str) -> Any:
    """Returns the columns of a frame or structured array that a model has; an array as it is."""
    if type(x) is np.ndarray and x.dtype.names is None:
        return x
    if is_frame(x):
        there = [str(column) for column in x.columns]
        missing = [column for column in columns if column not in there]
        if columns and not missing:
            places = [there.index(column) for column in columns]
            return np.asarray(x.to_numpy())[:, places].astype(np.float64)
        if len(missing) < len(columns) or len(there) != len(columns):
            raise InputError(f"{name}: has no column {missing[0]!r}; its columns are {', '.join(there)}" if missing
                             else f"{name}: the model has no column names; pass an array")
        return np.asarray(x.to_numpy())  # none of the names is the model's: by their order
    if isinstance(x, np.ndarray) and x.dtype.names is not None:
        for column in columns:
            if column not in x.dtype.names:
                raise InputError(f"{name}: has no column {column!r}; its columns are {', '.join(x.dtype.names)}")
        return np.column_stack([x[column] for column in columns])
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
