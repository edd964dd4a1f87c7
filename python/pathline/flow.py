"""A trained density."""
from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, Union

import numpy as np

from . import _core
from .arrays import MOST_SEED, condition_of, integer, is_frame, select
from .errors import InputError
from .verification import Check, Verification, run_checks

__all__ = ["Evaluation", "Flow", "TrainingResult", "load"]


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """How well a flow fits points that it was not trained on.

    Attributes:
        nll: the mean of -log p, in nats.
        nll_error: its standard error.
        points: the number of points.
        nfe: evaluations of the vector field for one solve, on average.
        kl: KL(data || model) in nats where the density of the data is known, else None.
        kl_error: its standard error.
        ess: the effective sample size over the number of draws, where a target takes the place of data.
        log_z: the logarithm of the target's normalization.
        log_z_error: its standard error; NaN if the weights' tail is too heavy for one.
        pareto_k: the shape of the weights' tail.
    """

    nll: float
    nll_error: float
    points: int
    nfe: float
    kl: Optional[float] = None
    kl_error: Optional[float] = None
    ess: Optional[float] = None
    log_z: Optional[float] = None
    log_z_error: Optional[float] = None
    pareto_k: Optional[float] = None


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """What came of a training.

    Attributes:
        validation, test: the best model on the points that were held out; ``points`` is 0 where there were none.
        iterations: the iterations that were done.
        best_iteration: the iteration with the best validation, whose model is kept; 0 if none was validated.
        stopped_early: whether ``train.patience`` ended the run.
        seconds: spent on training and validation.
        entropy: of the data in nats, where it is known.
        notes: what was found in the data, one sentence each.
        directory: the directory of the run; None if it was not kept.
    """

    validation: Evaluation
    test: Evaluation
    iterations: int
    best_iteration: int
    stopped_early: bool
    seconds: float
    entropy: Optional[float] = None
    notes: Tuple[str, ...] = ()
    directory: Optional[str] = None


def load(path: Union[str, "os.PathLike[str]"], *, precision: Optional[str] = None) -> Flow:
    """Reads a flow from a model file, or from the directory of a run.

    Args:
        path: a file of ``pathline train``, ``Flow.save`` or ``tools/ffjord_to_hdf5.py``, or a directory with model.h5.
        precision: "float" or "double", the arithmetic of evaluations; by default that of the file.

    Raises:
        InputError: if the file cannot be read, is damaged or is not a model.

    >>> import pathline
    >>> pathline.load("models/moons.h5").columns
    ['x1', 'x2']
    """
    name = os.fspath(path)
    if os.path.isdir(name):
        name = os.path.join(name, "model.h5")
    return Flow(_core.Flow(name, precision or ""))


class Flow:
    """A density log p(x), or log p(x | c), which is evaluated and drawn from. It does not change.

    ``train`` and ``load`` make one. Points are arrays (n, d), or (d,) for one point; float64 and float32 arrays in C
    order are used where they are, others are converted. A pandas frame is taken by the names of its columns. Results are
    new arrays of float64. Evaluations use every core unless ``with_options(threads=...)`` says otherwise, and their
    results do not depend on the number of threads, bit for bit. The GIL is free while they run.
    """

    def __init__(self, core: _core.Flow, result: Optional[TrainingResult] = None,
                 options: Optional[Mapping[str, Any]] = None) -> None:
        self._core = core
        self._result = result
        self._options: Dict[str, Any] = dict(options or {})
        self._columns: List[str] = core.columns
        self._condition_columns: List[str] = core.condition_columns

    @property
    def dim(self) -> int:
        """The number of columns, d."""
        return self._core.dim

    @property
    def condition_dim(self) -> int:
        """The number of columns of the condition; 0 for a density without one."""
        return self._core.condition_dim

    @property
    def columns(self) -> List[str]:
        """The names of the columns; empty for an imported network."""
        return list(self._columns)

    @property
    def members(self) -> List["Flow"]:
        """The flows of an ensemble, whose densities are averaged, each with its own map; of another model, itself alone.

        ``info["members"]`` is their number. ``train`` makes an ensemble where that is better within the time.
        """
        return [Flow(core, None, self._options) for core in self._core.members()]

    @property
    def condition_columns(self) -> List[str]:
        """The names of the condition's columns."""
        return list(self._condition_columns)

    @property
    def result(self) -> Optional[TrainingResult]:
        """What came of the training, for a flow that ``train`` returned; else None. See ``info["metrics"]``, too."""
        return self._result

    @property
    def info(self) -> Dict[str, Any]:
        """What the model contains and how it was trained.

        ``recipe`` is the text of its recipe, ``metrics`` the list of its validations, ``evaluation`` how it is solved.

        >>> import pathline
        >>> info = pathline.load("models/moons.h5").info
        >>> info["dim"], info["base"], info["evaluation"]["stepper"]
        (2, 'normal', 'dopri5')
        """
        info = self._core.info()
        info["metrics"] = [json.loads(line) for line in info["metrics"]]
        return info

    def log_prob(self, x: Any, condition: Any = None) -> Any:
        """Evaluates log p(x | condition), in nats.

        Args:
            x: points (n, d), or (d,) for one point.
            condition: (n, dc), or (dc,) for all points, or a mapping {name: value}; None for a flow without one.

        Returns:
            An array (n,), or a number for one point.

        Raises:
            InputError: for another shape and for a number that is not finite; ``error.row`` is the row.
            NumericalError: if a solve fails; ``error.row`` is the row, and the message says what to try.

        >>> import numpy as np, pathline
        >>> moons = pathline.load("models/moons.h5")
        >>> np.round(moons.log_prob([[0.0, 2.0], [0.0, -5.0]]))
        array([ -4., -75.])
        """
        return self._core.log_prob(select(x, self._columns, "x"), condition_of(condition, x, self._condition_columns))

    def score(self, x: Any, condition: Any = None) -> np.ndarray:
        """Evaluates the gradient of log p(x | condition) by x, which Hamiltonian Monte Carlo needs.

        Args:
            x: points (n, d), or (d,) for one point.
            condition: as in ``log_prob``.

        Returns:
            An array of the shape of x, in nats per unit of the column.

        Raises:
            InputError, NumericalError: as ``log_prob``.

        >>> import pathline
        >>> pathline.load("models/moons.h5").score([[0.0, 2.0], [1.0, 1.0]]).shape
        (2, 2)
        """
        return self._core.score(select(x, self._columns, "x"), condition_of(condition, x, self._condition_columns))

    def sample(self, n: int = 1, condition: Any = None, seed: int = 0, *, log_prob: bool = False) -> Any:
        """Draws n samples, which are a function of the seed alone.

        Args:
            n: the number of samples.
            condition: (dc,) or {name: value} for all samples, or (n, dc) with one for each.
            seed: an integer >= 0. The same seed gives the same samples.
            log_prob: also return the log-density of each sample.

        Returns:
            An array (n, d), or with ``log_prob`` the pair of it and an array (n,) in nats. The samples with and without
            ``log_prob`` differ by about the tolerance of the solver.

        >>> import pathline
        >>> x, log_p = pathline.load("models/moons.h5").sample(10, seed=3, log_prob=True)
        >>> x.shape, log_p.shape
        ((10, 2), (10,))
        """
        count = integer(n, "n", most=(2**63 - 1) // (8 * self.dim))  # bytes that an array may have
        stream = integer(seed, "seed", most=MOST_SEED)
        given = condition_of(condition, None, self._condition_columns)
        try:
            return self._core.sample(count, stream, given, log_prob)
        except MemoryError as error:
            raise MemoryError(f"n = {count}: {error}; draw fewer samples at a time, each part with another seed") from None

    def transform(self, x: Any, condition: Any = None) -> np.ndarray:
        """Maps points of the data to the base, where they follow its distribution (a standard normal by default).

        Args:
            x: points (n, d), or (d,) for one point.
            condition: as in ``log_prob``.

        Returns:
            An array of the shape of x.

        >>> import numpy as np, pathline
        >>> moons = pathline.load("models/moons.h5")
        >>> z = moons.transform(moons.sample(4000))
        >>> bool(np.all(np.abs(z.mean(axis=0)) < 0.1) and np.all(np.abs(z.std(axis=0) - 1) < 0.1))
        True
        """
        return self._core.to_base(select(x, self._columns, "x"), condition_of(condition, x, self._condition_columns))

    def inverse_transform(self, z: Any, condition: Any = None) -> np.ndarray:
        """Maps points of the base to the data: the inverse of ``transform``, up to the tolerance of the solver.

        Args:
            z: points (n, d), or (d,) for one point.
            condition: as in ``log_prob``.

        Returns:
            An array of the shape of z, in the units of the data.

        >>> import numpy as np, pathline
        >>> moons = pathline.load("models/moons.h5")
        >>> x = moons.sample(5)
        >>> bool(np.allclose(moons.inverse_transform(moons.transform(x)), x, atol=1e-3))
        True
        """
        z = select(z.to_numpy() if is_frame(z) else z, (), "z")
        return self._core.to_data(z, condition_of(condition, None, self._condition_columns))

    def with_options(self, **options: Any) -> Flow:
        """Returns the same density, evaluated in another way. The models share their memory.

        Args:
            threads: number of threads; None or 0 for one per core.
            rtol, atol: tolerances of the adaptive steps, per sample.
            stepper: "dopri5", "rk4", ...
            steps: number of equal steps instead of adaptive ones; 0 for adaptive ones.
            max_steps: limit of the steps of a solve.
            trace: "exact", or "hutchinson" for an unbiased estimate from random probes.
            probes, seed: number of probes per sample, and the seed of the probes.
            tile: samples solved together, which share their steps. With 1 the density of a point does not depend, not
                even by the tolerance, on the points beside it; that is several times slower.

        Raises:
            InputError: for an option that does not exist or is out of its range.

        >>> import numpy as np, pathline
        >>> moons = pathline.load("models/moons.h5")
        >>> exact = moons.with_options(rtol=1e-7, atol=1e-7)
        >>> x = moons.sample(100)
        >>> bool(np.abs(moons.log_prob(x) - exact.log_prob(x)).max() < 1e-3)
        True
        """
        return Flow(self._core.with_options(options), self._result, {**self._options, **options})

    def save(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Writes the model to a file, which ``load`` and the command ``pathline`` read. An older file is replaced whole.

        Raises:
            InputError: if the file cannot be written.
        """
        self._core.save(os.fspath(path))

    def to_getdist(self, root: Union[str, "os.PathLike[str]"], n: int = 10000, condition: Any = None,
                   seed: int = 0) -> None:
        """Writes samples as a chain of GetDist: ROOT_1.txt (weight, -log p, columns) and ROOT.paramnames.

        The arguments are those of ``sample``. A blank in a column's name becomes an underscore, and the name stays the label.

        Raises:
            InputError: as ``sample``, and if a file cannot be written.

        >>> import tempfile, pathline
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     pathline.load("models/moons.h5").to_getdist(f"{directory}/moons", n=100)
        ...     open(f"{directory}/moons.paramnames").read().split()
        ['x1', 'x1', 'x2', 'x2']
        """
        points, log_p = self.sample(n, condition, seed, log_prob=True)
        labels = self._columns or [f"x{i + 1}" for i in range(self.dim)]
        names = ["_".join(label.split()) for label in labels]
        name = os.fspath(root)
        try:
            np.savetxt(f"{name}_1.txt", np.column_stack([np.ones(len(points)), -log_p, points]), fmt="%.17g")
            with open(f"{name}.paramnames", "w", encoding="utf-8") as file:
                file.writelines(f"{column}\t{label}\n" for column, label in zip(names, labels))
        except OSError as error:
            raise InputError(f"{name}: cannot write: {error.strerror}") from None

    def verify(self, x: Any = None, condition: Any = None, *, seed: int = 0,
               progress: Optional[Callable[[Check], object]] = None) -> Verification:
        """Checks that the model is the density that it claims to be, as the command ``pathline verify`` does.

        The map and its inverse, the log-determinant against differences, the integral, the tails, the
        gradient, and the model's draws against data. It takes some seconds to a minute.

        Args:
            x: data (n, d) to compare the model with, which it was not trained on; None for fresh draws of the toy, or
                the target, that it was trained on, if there is one, and for no comparison otherwise.
            condition: as in ``log_prob``, of x.
            seed: of all draws. The same seed gives the same figures.
            progress: a function that receives each ``Check`` when it is done. What it raises ends the checks.

        Returns:
            A ``Verification``: true if no check failed, and a table if printed. A right model fails by chance with a
            probability below 1e-4.

        Raises:
            InputError: for data of another shape.
        """
        points = None if x is None else select(x, self._columns, "x")
        given = condition_of(condition, x, self._condition_columns)
        return run_checks(self, points, given, integer(seed, "seed", most=MOST_SEED), progress)

    def plot(self, n: int = 10000, *, data: Any = None, condition: Any = None, seed: int = 0, bins: int = 60) -> Any:
        """Draws a corner figure of samples: every column, and every pair of columns. It needs matplotlib.

        Args:
            n: the number of samples.
            data: points (m, d) to draw beside them, for comparison.
            condition: as in ``sample``.
            seed: of the samples.
            bins: bins of the histograms along a column.

        Returns:
            The ``matplotlib.figure.Figure``.

        Raises:
            ImportError: without matplotlib.
        """
        from .plotting import corner

        return corner(self, n, data, condition, seed, bins)

    def __repr__(self) -> str:
        given = f" given {', '.join(self._condition_columns)}" if self.condition_dim else ""
        names = self._columns if len(self._columns) <= 6 else [*self._columns[:5], "..."]
        return f"<pathline.Flow of {self.dim} column{'s'[:self.dim > 1]}{': ' * bool(names)}{', '.join(names)}{given}>"

    def __reduce__(self) -> Any:
        with tempfile.TemporaryDirectory(prefix="pathline-") as directory:
            path = os.path.join(directory, "model.h5")
            self.save(path)
            with open(path, "rb") as file:
                return _from_bytes, (file.read(), self._options, self._result)


def _from_bytes(model: bytes, options: Mapping[str, Any], result: Optional[TrainingResult]) -> Flow:
    with tempfile.TemporaryDirectory(prefix="pathline-") as directory:
        path = os.path.join(directory, "model.h5")
        with open(path, "wb") as file:
            file.write(model)
        core = _core.Flow(path)
    return Flow(core.with_options(dict(options)) if options else core, result, options)
