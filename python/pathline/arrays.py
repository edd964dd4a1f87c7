"""Tables of data as users have them: arrays, structured arrays, pandas frames."""
from __future__ import annotations

import operator
from numbers import Integral
from typing import Any, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from .errors import InputError

__all__: List[str] = []


def is_frame(x: Any) -> bool:
    """Tells whether x is a table with named columns, as those of pandas and polars are."""
    return hasattr(x, "columns") and hasattr(x, "to_numpy")


def is_row(x: Any) -> bool:
    """Tells whether x is a series, as a row of a pandas frame is, whose labels may be names of columns."""
    return hasattr(x, "index") and hasattr(x, "to_numpy") and not is_frame(x)


def is_structured(x: Any) -> bool:
    """Tells whether x is an array of records, whose fields have names."""
    return isinstance(x, np.ndarray) and x.dtype.names is not None


def to_table(x: Any, name: str, prefix: str, used: Optional[Sequence[str]] = None,
             left_out: Optional[List[str]] = None) -> Tuple[np.ndarray, List[str]]:
    """Returns x as an array (n, d) of float64 or float32 and the names of its columns.

    Columns without names are called prefix1, prefix2, ... Masked and missing values are NaN. used: the names of the columns
    that matter, if not all do; another one that does not hold numbers is NaN. left_out: if all matter, receives the fields
    of a structured array that are left out because their type is text, a time, a record or an image, as in a file.
    """
    if is_frame(x) or is_structured(x):
        columns = _columns(x)
        if is_structured(x) and used is None and left_out is not None:
            others = [column for column, values in columns if _is_without_numbers(values)]
            if len(others) < len(columns):  # otherwise the first of them is refused
                left_out += others
                columns = [(column, values) for column, values in columns if column not in others]
        values = [_numbers_or_nan(column, values, name, used is None or column in used) for column, values in columns]
        if not values:
            raise InputError(f"{name} has no columns")
        return np.column_stack(values), [column for column, _ in columns]
    array = real_numbers(x, name)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise InputError(f"{name} has the shape {array.shape}; expected (n, d), one sample per row")
    series_name = getattr(x, "name", None)  # of a pandas series
    if array.shape[1] == 1 and isinstance(series_name, str):
        return array, [series_name]
    return array, [f"{prefix}{i + 1}" for i in range(array.shape[1])]


# The columns of a frame or structured array by name, each of its own type. A field that is an array with one axis gives the
# columns field_0, field_1, ..., as it does in HDF5.
def _columns(x: Any) -> List[Tuple[str, Any]]:
    if is_frame(x):
        return [(str(label), x.iloc[:, i] if hasattr(x, "iloc") else x[label]) for i, label in enumerate(x.columns)]
    out: List[Tuple[str, Any]] = []
    for field in x.dtype.names:
        values = x[field]
        if x.ndim == 1 and values.ndim == 2 and values.dtype.names is None:
            out += [(f"{field}_{i}", values[:, i]) for i in range(values.shape[1])]
        else:
            out.append((field, values))
    return out


# By its type, which alone tells how NumPy's files and HDF5 are read; text may be that of numbers.
def _is_without_numbers(values: np.ndarray) -> bool:
    if values.ndim != 1 or values.dtype.kind in "mMcV":
        return True
    if values.dtype.kind not in "SU":
        return False
    try:
        values.astype(np.float64)
    except ValueError:
        return True
    return False


def _column_numbers(column: str, values: Any, name: str) -> np.ndarray:
    if is_structured(values):
        raise InputError(f"{name}: the field {column!r} holds records; make each of their fields one of the array")
    numbers = real_numbers(values, f"{name}[{column!r}]")
    if numbers.ndim != 1:
        raise InputError(f"{name}[{column!r}] has the shape {numbers.shape}; expected one number or vector per sample")
    return numbers


def _numbers_or_nan(column: str, values: Any, name: str, used: bool) -> np.ndarray:
    try:
        return _column_numbers(column, values, name)
    except InputError:
        if used:
            raise
        return np.full(len(values), np.nan)


def real_numbers(x: Any, name: str) -> np.ndarray:
    """Returns x as an array of float64 or float32. What is masked or missing is NaN."""
    if isinstance(x, np.ma.MaskedArray):  # numpy.asarray would take what is behind the mask
        return np.where(np.ma.getmaskarray(x), np.nan, real_numbers(x.filled(0), name))
    try:
        array = np.asarray(x)
    except Exception as error:  # rows of different lengths; what a tensor raises
        raise InputError(f"{name}: expected an array of numbers: {error}") from None
    if array.dtype == object and hasattr(x, "isna"):  # pandas.NA is no number
        array = np.where(np.asarray(x.isna()), np.nan, array)
    if array.dtype.kind == "c":
        raise InputError(f"{name}: expected real numbers, found complex ones")
    if array.dtype.kind in "mM":
        raise InputError(f"{name}: expected numbers, found times")
    is_real = array.dtype == np.float64 or array.dtype == np.float32
    try:
        numbers = array if is_real else array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{name}: expected an array of numbers: {error}") from None
    if isinstance(x, (list, tuple)) or array.dtype.kind in "iuOSU":
        _refuse_inexact(x if is_real else array, numbers, name)
    return numbers


# NumPy rounds integers beside fractions in a list, and those in an array of objects, without a word.
def _refuse_inexact(x: Any, numbers: np.ndarray, name: str) -> None:
    large = np.abs(numbers) >= 2.0**53
    if not large.any():
        return
    values = x if isinstance(x, np.ndarray) else np.asarray(x, dtype=object)
    if any(_is_integer(value) for value in values[large].ravel()):
        raise InputError(f"{name}: holds integers of 2^53 or more, which double precision cannot represent; subtract an "
                         "offset from them, or leave them out")


def _is_integer(value: Any) -> bool:
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    return isinstance(value, Integral) or isinstance(text, str) and text.strip().lstrip("+-").isdigit()


def select(x: Any, columns: Sequence[str], name: str, by_order: bool = True) -> Any:
    """Returns the columns of a frame or structured array that a model has; an array as it is.

    by_order: of a frame none of whose names is the model's, take the columns by their order.
    """
    if is_frame(x) or is_structured(x):
        chosen = _chosen(_columns(x), columns, name, by_order and is_frame(x))
        return np.column_stack([_column_numbers(column, values, name) for column, values in chosen])
    if is_row(x) and any(column in x.index for column in columns):
        return real_numbers([value for _, value in _chosen(list(x.items()), columns, name, by_order=False)], name)
    if not isinstance(x, np.ndarray) or isinstance(x, np.ma.MaskedArray) or x.dtype.kind in "iuOSU":
        return real_numbers(x, name)
    return x


# The columns that a model has.
def _chosen(there: List[Tuple[str, Any]], columns: Sequence[str], name: str, by_order: bool) -> List[Tuple[str, Any]]:
    names = [column for column, _ in there]
    missing = [column for column in columns if column not in names]
    for column in columns:
        if names.count(column) > 1:
            raise InputError(f"{name}: has {names.count(column)} columns {column!r}; expected one")
    if columns and not missing:
        return [there[names.index(column)] for column in columns]
    if columns and by_order and len(missing) == len(columns) == len(there):
        return there
    raise InputError(f"{name}: has no column {missing[0]!r}; its columns are {', '.join(names)}" if missing
                     else f"{name}: the model has no column names; pass an array")


def condition_of(condition: Any, x: Any, columns: Sequence[str]) -> Any:
    """Returns a condition as an array, by the names of its columns where there are names.

    A frame of points, or a row of one, that has the columns of the condition, too, gives the condition if none is passed.
    """
    if condition is None:
        if is_frame(x) and columns and set(columns) <= {str(column) for column in x.columns}:
            return select(x, columns, "condition")
        if is_row(x) and columns and all(column in x.index for column in columns):
            return select(x, columns, "condition")
        return None
    if isinstance(condition, Mapping) and not is_frame(condition):
        for key in condition:
            if key not in columns:
                raise InputError(f"condition: the model has no condition {key!r}; it has {', '.join(columns)}")
        for column in columns:
            if column not in condition:
                raise InputError(f"condition: {column!r} is missing; the model needs {', '.join(columns)}")
        return real_numbers([condition[column] for column in columns], "condition")
    return select(condition, columns, "condition")


MOST_SEED = 2**64 - 1


def integer(value: Any, name: str, least: int = 0, most: int = 2**63 - 1) -> int:
    """Returns an argument as an integer of Python.

    Raises:
        InputError: for what is no integer, and for one that is not in [least, most].
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise InputError(f"{name} = {value!r}: must be an integer") from None
    if number < least:
        raise InputError(f"{name} = {number}: must be >= {least}")
    if number > most:
        raise InputError(f"{name} = {number}: must be <= {most}")
    return number


def widths(values: Any, name: str) -> List[int]:
    """Returns the widths of layers as integers of Python.

    Raises:
        InputError: for what is no list of integers of at least 1.
    """
    try:
        listed = list(values)
    except TypeError:
        raise InputError(f"{name} = {values!r}: must be a list of integers") from None
    return [integer(width, name, 1) for width in listed]


def column_names(columns: Optional[Sequence[str]]) -> List[str]:
    """Returns the names in a list; one name may stand alone."""
    if columns is None:
        return []
    return [columns] if isinstance(columns, str) else [str(column) for column in columns]
