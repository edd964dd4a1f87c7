"""Training a flow from an array or a table."""
from __future__ import annotations

import os
import tempfile
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from . import _core
from .arrays import column_names, integer, is_frame, is_structured, to_table
from .errors import InputError, Interrupted
from .flow import Evaluation, Flow, TrainingResult, load
from .progress import ProgressBar
from .recipes import Recipe, to_core

__all__ = ["train"]

Progress = Union[bool, Callable[[Dict[str, Any]], object]]


def train(x: Any = None, weights: Any = None, condition: Any = None, *, columns: Optional[Sequence[str]] = None,
          bounds: Optional[Mapping[str, Any]] = None, periods: Optional[Mapping[str, Any]] = None,
          recipe: Recipe = None, time: Optional[float] = None, iterations: Optional[int] = None,
          batch: Optional[int] = None, seed: Optional[int] = None, ensemble: Optional[int] = None,
          settings: Optional[Mapping[str, Any]] = None,
          directory: Union[str, "os.PathLike[str]", None] = None, resume: bool = False, replace: bool = False,
          threads: Optional[int] = None, progress: Progress = True) -> Flow:
    """Trains a density p(x), or p(x | condition), by maximum likelihood unless the recipe says otherwise.

    A tenth of the rows is held out for validation and a tenth for the test; the columns are standardized, and the density
    is in your units. The result is the flow with the best validation. It is bit for bit that of the command
    ``pathline train`` on a file with the same values, names and seed, on any number of threads.

    Args:
        x: samples (n, d), one per row; an array, a structured array or a pandas frame, whose column names are kept. Or
            the name of a table (a CSV, NPY or HDF5 file, a GetDist chain) or of a toy, or None if the recipe has it.
        weights: (n,), the weight of each row, >= 0; or the name of the column that holds it.
        condition: (n, dc), what the density is conditioned on; or the names of the columns of x that are.
        columns: the names of an array's columns, or those columns of a table that are used.
        bounds: columns outside of whose bounds the density is 0: {"mass": (60, None), "efficiency": (0, 1)}.
        periods: columns that repeat, by their period or one period from its start to its end: {"phi": 2 * np.pi},
            {"phi": (-np.pi, np.pi)}. A number may be a text, too: "2pi".
        recipe: a file NAME.toml, the text of one, or a dictionary: {"model.hidden": [64, 64]} and
            {"model": {"hidden": [64, 64]}} are the same. ``recipe_keys()`` lists the keys.
        time: seconds in which the training ends. Where no recipe, settings, iterations or batch are given, the model and
            the training are chosen by the data within this time, 60 by default. How far it gets depends on the machine;
            ``flow.info["recipe"]`` has what was chosen, and a run of it is bit for bit the same. The choice may be an
            ensemble: then the recipe of each of ``flow.members`` gives that member.
        iterations, batch, seed: shorthand for train.iterations, train.batch and train.seed.
        ensemble: number of flows that are trained independently, one after the other; the density is their mixture with
            equal weights. The time is that of all together. Best for few rows; see the documentation for what it gains.
        settings: more keys, which take precedence over the recipe's: {"solver.rtol": 1e-4}.
        directory: where the run is kept: model.h5, last.h5 to resume from, metrics.jsonl. None keeps nothing.
        resume: continue the run in the directory, bit for bit as if never interrupted, with the same data.
        replace: replace a run that is in the directory.
        threads: number of threads; None or 0 for one per core.
        progress: True for a bar on standard error, False for none, or a function that receives a dictionary with
            iteration, iterations, loss, validation, seconds_left and more, at most ten times a second and at each
            validation. What it raises ends the training and is raised.

    Returns:
        The flow; ``flow.result.test.nll`` is the mean negative log-likelihood of the test rows, in nats.

    Raises:
        InputError: for data, a recipe or an argument that cannot be used; ``error.row`` is the row.
        NumericalError: if the training diverges; the message says what to try.
        Interrupted: after Ctrl-C, with the best flow so far in ``error.flow``; what was done is saved in the directory.

    >>> import numpy as np, pathline
    >>> x = np.random.default_rng(0).normal(size=(500, 2)) * [1.0, 3.0]
    >>> flow = pathline.train(x, iterations=20, columns=["a", "b"], progress=False)
    >>> flow.columns, flow.result.test.points
    (['a', 'b'], 50)
    >>> 2 < flow.result.test.nll < 6
    True
    """
    if settings is not None and not isinstance(settings, Mapping):
        raise InputError(f"settings = {settings!r}: expected a dictionary by the names of the keys")
    if threads is not None:
        threads = integer(threads, "threads", most=2**31 - 1)
    keys = {**(settings or {}), **_column_keys(bounds, periods)}
    short = {"train.iterations": iterations, "train.batch": batch, "train.seed": seed, "model.ensemble": ensemble}
    left_out: List[str] = []
    table, names, of_data = _data(x, weights, condition, columns, left_out)
    keys.update({key: value for key, value in {**short, **of_data}.items() if value is not None})
    if not (recipe or settings or resume or iterations is not None or batch is not None) and _is_table(x):
        keys.update({"model.automatic": True, "train.time": 60.0})
    if time is not None:
        keys["train.time"] = _seconds(time)
    if resume and directory is None:
        raise InputError("resume: pass the directory of the run")
    core_recipe = to_core(_stored_recipe(directory) if resume and recipe is None else recipe, keys)
    reporter = _Reporter(progress)
    if left_out:
        reporter.note(f"fields without numbers are left out: {', '.join(left_out)}")
    try:
        if directory is not None:
            return _run(core_recipe, table, names, os.fspath(directory), True, resume, replace, threads, reporter)
        with tempfile.TemporaryDirectory(prefix="pathline-") as temporary:
            run = os.path.join(temporary, "run")
            return _run(core_recipe, table, names, run, False, False, False, threads, reporter)
    finally:
        reporter.close()


def _stored_recipe(directory: Union[str, "os.PathLike[str]", None]) -> str:
    return _core.recipe_of_run(os.fspath(directory or "")).to_toml()


# The table in memory, if x is none of a file, and its names; and the keys that say where the data are.
def _data(x: Any, weights: Any, condition: Any, columns: Optional[Sequence[str]],
          left_out: List[str]) -> Tuple[Optional[np.ndarray], List[str], Dict[str, Any]]:
    if x is None or isinstance(x, (str, os.PathLike)):
        return None, [], _file_keys(x, weights, condition, columns)
    return _table(x, weights, condition, columns, left_out)


def _seconds(time: Any) -> float:
    try:
        return float(time)
    except (TypeError, ValueError):
        raise InputError(f"time = {time!r}: must be a number of seconds") from None


class _Reporter:
    """Passes progress to a bar or a function, and keeps the notes."""

    def __init__(self, progress: Progress) -> None:
        self.bar = ProgressBar() if progress is True else None
        self.progress = self.bar if progress is True else progress or None
        if self.progress is not None and not callable(self.progress):
            raise InputError(f"progress = {progress!r}: must be True, False or a function")
        self.notes: List[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)
        if self.bar:
            self.bar.note(text)

    def close(self) -> None:
        if self.bar:
            self.bar.close()


def _run(recipe: _core.Recipe, table: Optional[np.ndarray], names: Sequence[str], directory: str, keep: bool,
         resume: bool, replace: bool, threads: Optional[int], reporter: _Reporter) -> Flow:
    try:
        result = _core.train(recipe, table, names, directory, resume, replace, threads, reporter.progress,
                             reporter.note)
    except KeyboardInterrupt as error:
        raise _interrupted(directory, keep) from error
    validation, test = Evaluation(**result.pop("validation")), Evaluation(**result.pop("test"))
    outcome = TrainingResult(validation, test, notes=tuple(reporter.notes), directory=directory if keep else None,
                             **result)
    return Flow(_best(directory)._core, outcome)


def _best(directory: str) -> Flow:
    best = os.path.join(directory, "model.h5")
    return load(best if os.path.exists(best) else os.path.join(directory, "last.h5"))


def _interrupted(directory: str, keep: bool) -> Interrupted:
    try:
        flow = _best(directory)
    except InputError:  # before anything was written
        return Interrupted("nothing has been trained yet")
    if keep:
        return Interrupted(f"the run is saved; train(..., directory={directory!r}, resume=True) continues it", flow,
                           directory)
    return Interrupted("the best flow so far is in the attribute `flow` of this exception", flow)


def _file_keys(x: Any, weights: Any, condition: Any, columns: Optional[Sequence[str]]) -> Dict[str, Any]:
    if weights is not None and not isinstance(weights, str):
        raise InputError("weights: expected the name of a column, as x is a file")
    if condition is not None and not _is_names(condition):
        raise InputError("condition: expected names of columns, as x is a file")
    return {"data.source": None if x is None else os.fspath(x), "data.weights": weights,
            "data.condition": column_names(condition) or None, "data.columns": column_names(columns) or None}


def _column_keys(bounds: Optional[Mapping[str, Any]], periods: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    keys: Dict[str, Any] = {}
    for key, name, given in ("data.bounds", "bounds", bounds), ("data.period", "periods", periods):
        if given is None:
            continue
        if not isinstance(given, Mapping):
            raise InputError(f"{name} = {given!r}: expected a dictionary by the names of the columns")
        keys[key] = [f"{column}={_range_text(name, column, value)}" for column, value in given.items()]
    return keys


# "60:", "-1:1" or "2pi", as in a recipe.
def _range_text(name: str, column: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if name == "periods" and np.ndim(value) == 0:
        return _number_text(name, column, value)
    if np.ndim(value) != 1 and not isinstance(value, (list, tuple)) or len(value) != 2:
        raise InputError(f"{name}[{column!r}] = {value!r}: expected a pair (low, high)")
    low, high = value
    if name == "bounds":  # an infinite end is none
        low = None if low == -np.inf else low
        high = None if high == np.inf else high
    return f"{_number_text(name, column, low)}:{_number_text(name, column, high)}"


def _number_text(name: str, column: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    try:
        return repr(float(value))
    except (TypeError, ValueError):
        raise InputError(f"{name}[{column!r}]: {value!r} is not a number") from None


# Whether x is data of the user's own: neither a toy nor nothing.
def _is_table(x: Any) -> bool:
    return x is not None and not (isinstance(x, str) and _core.is_toy(x))


def _is_names(value: Any) -> bool:
    if isinstance(value, str):
        return True
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(isinstance(item, str) for item in value)


# The columns of x, then those of the condition, then the weights, as one table; and the keys that say which is which.
# left_out: receives the fields that are left out.
def _table(x: Any, weights: Any, condition: Any, columns: Optional[Sequence[str]],
           left_out: List[str]) -> Tuple[np.ndarray, List[str], Dict[str, Any]]:
    has_names = is_frame(x) or is_structured(x)
    used = None  # every column
    if columns is not None and has_names:
        used = column_names(columns) + [column for given in (condition, weights) if _is_names(given)
                                        for column in column_names(given)]
    values, names = to_table(x, "x", "x", used, left_out)
    keys: Dict[str, Any] = {"data.source": "array"}
    parts = [values]
    if columns is not None and has_names:
        keys["data.columns"] = column_names(columns)
    elif columns is not None:
        names = column_names(columns)
        if len(names) != values.shape[1]:
            raise InputError(f"columns: {len(names)} names; x has {values.shape[1]} columns")
    if _is_names(condition):
        keys["data.condition"] = column_names(condition)
    elif condition is not None:
        given, given_names = to_table(condition, "condition", "c", None, left_out)
        _check_rows("condition", given, values)
        parts.append(given)
        names = names + given_names
        keys["data.condition"] = given_names
    if isinstance(weights, str):
        keys["data.weights"] = weights
    elif weights is not None:
        try:
            shape = np.shape(weights)
        except ValueError:  # lists of different lengths, which to_table refuses
            shape = (0,)
        if len(shape) not in (1, 2):
            raise InputError(f"weights have the shape {shape}; expected (n,)")
        given, _ = to_table(weights, "weights", "weight")
        _check_rows("weights", given, values)
        if given.shape[1] != 1:
            raise InputError(f"weights have the shape {np.shape(weights)}; expected (n,)")
        name = "weight"
        while name in names:
            name += "_"
        parts.append(given)
        names = names + [name]
        keys["data.weights"] = name
    table = values if len(parts) == 1 else np.column_stack(parts)
    return np.ascontiguousarray(table, dtype=np.float64), names, keys


def _check_rows(name: str, part: np.ndarray, values: np.ndarray) -> None:
    if len(part) != len(values):
        raise InputError(f"{name} has {len(part)} rows; x has {len(values)}")
