"""Regression by a Neural ODE."""
from __future__ import annotations

import os
import tempfile
from typing import Any, Callable, Dict, List, Optional, Sequence, Union

import numpy as np

from . import _core
from .arrays import column_names, is_frame, select, to_table, widths
from .errors import InputError

__all__ = ["NeuralOde"]


class NeuralOde:
    """Predicts y from x by y = W h(1) + b, dh/dt = f(t, h), h(0) = (x, 0, ..., 0) (Chen et al. 2018, Dupont et al. 2019).

    A trained model is bit for bit that of the command ``pathline fit`` on a table with the same values and options.

    Args:
        hidden: widths of the hidden layers of f.
        augmented: dimensions of h beyond those of x.
        activation: "tanh", "softplus", "swish", ...
        model: "neural_ode", or "resnet" for a residual network, which is Euler's method.
        blocks: blocks of the residual network.
        readout: "linear", or "first" for the first components of h(1).
        iterations, learning_rate, batch, seed: of the training; a batch of 0 takes every row.
        optimizer: "adam" or "gradient_descent".
        schedule: of the learning rate, "cosine", which falls to 0, or "constant".
        weight_decay, clip: decoupled weight decay, and the largest norm of the gradient (0 for no limit).
        standardize: whether the network sees standardized columns.
        rtol, atol, steps, stepper, adjoint: of the solves, as in ``odeint_vjp``.
        threads: number of threads; None or 0 for one per core. The results do not depend on it.

    >>> import numpy as np, pathline
    >>> x = np.linspace(-1, 1, 50)
    >>> model = pathline.NeuralOde(hidden=[8], iterations=2000).fit(x, x**3)
    >>> model.predict(x).shape, bool(np.abs(model.predict(x) - x**3).max() < 0.3)
    ((50,), True)
    """

    def __init__(self, hidden: Sequence[int] = (32,), *, augmented: int = 0, activation: str = "tanh",
                 model: str = "neural_ode", blocks: int = 3, readout: str = "linear", iterations: int = 1000,
                 learning_rate: float = 1e-2, batch: int = 0, seed: int = 0, optimizer: str = "adam",
                 schedule: str = "cosine", weight_decay: float = 0.0, clip: float = 0.0, standardize: bool = True,
                 rtol: float = 1e-4, atol: float = 1e-4, steps: int = 0, stepper: str = "dopri5",
                 adjoint: str = "discrete", threads: Optional[int] = None) -> None:
        self._options: Dict[str, Any] = {
            "hidden": widths(hidden, "hidden"), "augmented": augmented, "activation": activation, "model": model,
            "blocks": blocks, "readout": readout, "iterations": iterations, "learning_rate": learning_rate,
            "batch": batch, "seed": seed, "optimizer": optimizer, "schedule": schedule,
            "weight_decay": weight_decay, "clip": clip, "standardize": standardize, "rtol": rtol, "atol": atol,
            "steps": steps, "stepper": stepper, "adjoint": adjoint, "threads": threads}
        self._threads = threads
        self._core: Optional[_core.Regression] = None
        self._one_target = False

    def fit(self, x: Any, y: Any, *, inputs: Optional[Sequence[str]] = None, targets: Optional[Sequence[str]] = None,
            progress: Optional[Callable[[Dict[str, Any]], object]] = None) -> NeuralOde:
        """Trains on pairs (x, y) by the mean squared error, and returns itself.

        Args:
            x: (n, d) or (n,), an array or a frame, whose column names are kept.
            y: (n, m) or (n,).
            inputs, targets: names of the columns of arrays; by default x1, x2, ... and y1, y2, ...
            progress: a function that receives {"iteration", "iterations", "loss"}, at most ten times a second.

        Raises:
            InputError: for data and options that cannot be used.
            NumericalError: if the training diverges.
            KeyboardInterrupt: after Ctrl-C.
        """
        x_values, x_names = to_table(x, "x", "x")
        y_values, y_names = to_table(y, "y", "y")
        if len(x_values) != len(y_values):
            raise InputError(f"x has {len(x_values)} rows; y has {len(y_values)}")
        names = _names("inputs", inputs, x_names), _names("targets", targets, y_names)
        self._core = _core.fit_regression(x_values, y_values, x_values.shape[1], y_values.shape[1], *names,
                                          self._options, progress)
        self._one_target = np.ndim(y) == 1
        return self

    def predict(self, x: Any) -> np.ndarray:
        """Returns y, (n, m), or (n,) if the model was trained on such a y.

        Args:
            x: (n, d), or (n,) for a model of one input; a frame is taken by its column names.

        Raises:
            InputError: before ``fit``, and for other shapes and numbers that are not finite.
            NumericalError: if a solve fails.
        """
        core = self._trained()
        if is_frame(x):
            x = select(x, core.inputs, "x", by_order=False)
        values, _ = to_table(x, "x", "x")
        if values.shape[1] != len(core.inputs):
            raise InputError(f"x has the shape {values.shape}; expected (n, {len(core.inputs)})")
        y = core.predict(values, self._threads)
        return y[:, 0] if self._one_target else y

    def save(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Writes the model to a file, which ``NeuralOde.load`` and ``pathline predict`` read."""
        self._trained().save(os.fspath(path))

    @staticmethod
    def load(path: Union[str, "os.PathLike[str]"], *, threads: Optional[int] = None) -> NeuralOde:
        """Reads a model that ``save`` or ``pathline fit`` wrote. Its predictions are (n, m)."""
        out = NeuralOde(threads=threads)
        out._core = _core.Regression(os.fspath(path))
        return out

    @property
    def theta(self) -> np.ndarray:
        """The parameters as one array, (P,); a copy."""
        return self._trained().theta

    @property
    def inputs(self) -> List[str]:
        """The names of the columns of x."""
        return self._trained().inputs

    @property
    def targets(self) -> List[str]:
        """The names of the columns of y."""
        return self._trained().targets

    def _trained(self) -> _core.Regression:
        if self._core is None:
            raise InputError("the model is not trained; call fit first")
        return self._core

    def __getstate__(self) -> Dict[str, Any]:
        state = dict(self.__dict__)
        if self._core is not None:
            with tempfile.TemporaryDirectory(prefix="pathline-") as directory:
                path = os.path.join(directory, "model.h5")
                self._core.save(path)
                with open(path, "rb") as file:
                    state["_core"] = file.read()
        return state

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state)
        if isinstance(self._core, bytes):
            with tempfile.TemporaryDirectory(prefix="pathline-") as directory:
                path = os.path.join(directory, "model.h5")
                with open(path, "wb") as file:
                    file.write(self._core)
                self._core = _core.Regression(path)


def _names(what: str, given: Optional[Sequence[str]], otherwise: List[str]) -> List[str]:
    names = column_names(given) or otherwise
    if len(names) != len(otherwise):
        raise InputError(f"{what}: {len(names)} names for {len(otherwise)} columns")
    if len(set(names)) != len(names):
        raise InputError(f"{what}: two columns have the same name")
    return names
