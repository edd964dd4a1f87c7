"""Initial value problems dz/dt = f(t, z), and the derivatives of their solutions."""
from __future__ import annotations

import dataclasses
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from . import _core
from .arrays import MOST_SEED, integer, real_numbers, widths
from .errors import InputError

__all__ = ["Mlp", "OdeintGradient", "odeint", "odeint_vjp"]

Function = Callable[[float, np.ndarray], Any]
_TILE = 64


class Mlp:
    """A multilayer network f(t, z; condition) as a vector field, in double precision.

    Args:
        dim: d, the number of components of z.
        hidden: widths of the hidden layers; none gives a field that is linear in z.
        condition_dim: number of columns of a condition, which enters every layer.
        layer: how time enters a layer, by FFJORD's names: "concatsquash", "concat", "ignore", ...
        activation: "tanh", "softplus", "swish", "sin", ...
        residual: hidden layers of equal width add their input to their output.
        time_features: number of pairs (cos, sin) of the time as input; 0 for the time itself.
        seed: of the initial weights, which are uniform in +-1/sqrt(fan-in).

    >>> import numpy as np, pathline
    >>> field = pathline.Mlp(2, hidden=[16], seed=1)
    >>> field(0.0, np.zeros((5, 2))).shape, field.theta.shape
    ((5, 2), (136,))
    """

    def __init__(self, dim: int, hidden: Sequence[int] = (64, 64, 64), *, condition_dim: int = 0,
                 layer: str = "concatsquash", activation: str = "tanh", residual: bool = False,
                 time_features: int = 0, seed: int = 0) -> None:
        self._core = _core.mlp(integer(dim, "dim", 1), widths(hidden, "hidden"), integer(condition_dim, "condition_dim"),
                               layer, activation, residual, integer(time_features, "time_features"),
                               integer(seed, "seed", most=MOST_SEED))

    @property
    def dim(self) -> int:
        """The number of components of z, d."""
        return self._core.dim

    @property
    def condition_dim(self) -> int:
        """The number of columns of the condition, dc."""
        return self._core.condition_dim

    @property
    def theta(self) -> np.ndarray:
        """The parameters as one array (P,). Reading gives a copy; assigning changes the field."""
        return self._core.theta

    @theta.setter
    def theta(self, value: Any) -> None:
        self._core.theta = value

    @property
    def parameters(self) -> List[Tuple[str, Tuple[int, int], int]]:
        """Name, shape and offset of each array in ``theta``; a matrix is stored row by row."""
        return self._core.parameters

    def copy(self) -> Mlp:
        """Returns a field of its own with the same parameters."""
        out = Mlp.__new__(Mlp)
        out._core = self._core.clone()
        return out

    def __call__(self, t: float, z: Any, condition: Any = None) -> np.ndarray:
        """Returns f(t, z; condition), of the shape of z, which is (n, d) or (d,)."""
        return self._core(t, z, condition)


@dataclasses.dataclass(frozen=True)
class OdeintGradient:
    """The derivatives of a loss by what the solution of an initial value problem depends on.

    Attributes:
        z0: of the shape of z0.
        theta: (P,), by the parameters of the field.
        times: (T,), by the times; that of the first one is at fixed z0.
        condition: (n, dc), by the condition.
    """

    z0: np.ndarray
    theta: np.ndarray
    times: np.ndarray
    condition: np.ndarray


def odeint(field: Union[Mlp, Function], z0: Any, times: Any, condition: Any = None, *, stepper: str = "dopri5",
           rtol: float = 1e-6, atol: float = 1e-6, steps: int = 0, max_steps: int = 10000,
           tile: Optional[int] = None, threads: Optional[int] = None) -> np.ndarray:
    """Solves dz/dt = f(t, z) from z0 at times[0], and returns the states at all times.

    Args:
        field: an ``Mlp``, or a function f(t, z) that takes and returns arrays (n, d). A function of Python is called
            some dozen times for each unit of time and holds the GIL: it is slow, the fewer rows the more so.
        z0: states (n, d), or (d,) for one.
        times: (T,), finite numbers that increase or that decrease.
        condition: (n, dc), or (dc,) for all rows, of a field with one.
        stepper: "dopri5", "rk4", "fehlberg78", ...
        rtol, atol: tolerances of the adaptive steps; every row keeps them.
        steps: number of equal steps between two times, in place of adaptive ones; 0 for adaptive ones.
        max_steps: limit of the steps between two times.
        tile: rows solved together, which share their steps: 64 by default, and all rows of a function of Python.
        threads: number of threads; None or 0 for one per core. The results do not depend on it, bit for bit.

    Returns:
        An array (T, n, d), or (T, d) for one state.

    Raises:
        InputError: for shapes that do not fit and for numbers that are not finite.
        NumericalError: if the solve fails; the message says what to try.
        Whatever the function raises is raised.

    >>> import numpy as np, pathline
    >>> states = pathline.odeint(lambda t, z: -z, [[1.0], [2.0]], [0.0, 1.0], rtol=1e-9, atol=1e-9)
    >>> np.round(states[1, :, 0] / np.exp(-1), 6)
    array([1., 2.])
    """
    options = {"stepper": stepper, "rtol": rtol, "atol": atol, "steps": steps, "max_steps": max_steps,
               "adjoint": "backsolve"}  # which keeps no steps
    states, _, one = _solve(field, None, 0, z0, times, condition, options, tile, threads)
    return states[:, 0] if one else states


def odeint_vjp(field: Union[Mlp, Function], z0: Any, times: Any, condition: Any = None, *,
               vjp: Optional[Callable[[float, np.ndarray, np.ndarray], Any]] = None, parameters: int = 0,
               stepper: str = "dopri5", rtol: float = 1e-6, atol: float = 1e-6, steps: int = 0,
               max_steps: int = 10000, adjoint: str = "discrete", tile: Optional[int] = None,
               threads: Optional[int] = None) -> Tuple[np.ndarray, Callable[[Any], OdeintGradient]]:
    """Solves as ``odeint``, and returns with the states the function that differentiates any loss of them.

    Args:
        vjp: for a function of Python, vjp(t, z, f_bar), which returns z_bar = f_bar^T df/dz, (n, d); or a tuple of
            z_bar, theta_bar = f_bar^T df/dtheta summed over the rows, (parameters,), and f_bar^T df/dt summed over all.
            What the tuple lacks counts as zero.
        parameters: P, for a function of Python.
        adjoint: "discrete" for the exact gradient of the accepted steps, "checkpointed" or "backsolve" for less memory.

    The other arguments are those of ``odeint``.

    Returns:
        The states, and pullback(states_bar), which takes the derivative of the loss by the states, of their shape, and
        returns an ``OdeintGradient``. It belongs to one thread at a time.

    >>> import numpy as np, pathline
    >>> field = pathline.Mlp(2, hidden=[8], seed=1)
    >>> states, pullback = pathline.odeint_vjp(field, np.ones((3, 2)), [0.0, 1.0])
    >>> gradient = pullback(2 * states)  # of the sum of squares
    >>> gradient.z0.shape, gradient.theta.shape, gradient.times.shape
    ((3, 2), (72,), (2,))
    """
    options = {"stepper": stepper, "rtol": rtol, "atol": atol, "steps": steps, "max_steps": max_steps,
               "adjoint": adjoint}
    states, ode, one = _solve(field, vjp, parameters, z0, times, condition, options, tile, threads)

    def pullback(states_bar: Any) -> OdeintGradient:
        bar = np.asarray(states_bar)
        gradient = ode.pullback(bar[:, None] if one and bar.ndim == 2 else bar)
        if one:
            gradient["z0"] = gradient["z0"][0]
        return OdeintGradient(**gradient)

    return (states[:, 0] if one else states), pullback


def _solve(field: Any, vjp: Any, parameters: int, z0: Any, times: Any, condition: Any, options: Dict[str, Any],
           tile: Optional[int], threads: Optional[int]) -> Tuple[np.ndarray, _core.Odeint, bool]:
    start = real_numbers(z0, "z0").astype(np.float64)
    one = start.ndim == 1
    start = start[None, :] if one else start
    if start.ndim != 2 or start.size == 0:
        raise InputError(f"z0 has the shape {np.shape(z0)}; expected (n, d), or (d,) for one state")
    if isinstance(field, Mlp):
        if vjp is not None or parameters:
            raise InputError("vjp and parameters are those of a function of Python; an Mlp has its own")
        core, tile = field._core, _TILE if tile is None else tile
    elif callable(field):
        pullback = None if vjp is None else _real(vjp, "vjp")
        core = _core.python_field(start.shape[1], _real(field, "field"), pullback, parameters)
        tile = len(start) if tile is None else tile
        threads = 1
    else:
        raise InputError(f"field = {field!r}: expected an Mlp or a function f(t, z)")
    at = real_numbers(times, "times")
    if at.ndim != 1:
        raise InputError(f"times have the shape {at.shape}; expected (T,)")
    counts = {"tile": tile, "threads": threads, "steps": options["steps"], "max_steps": options["max_steps"]}
    counts = {name: None if value is None else integer(value, name) for name, value in counts.items()}
    ode = _core.Odeint({**options, **counts})
    return ode.solve(core, start, at.tolist(), condition), ode, one


# What a field or its vjp returns, if that is real: NumPy would discard the imaginary part.
def _real(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        out = function(*arguments)
        if any(np.iscomplexobj(part) for part in (out if isinstance(out, tuple) else (out,))):
            raise InputError(f"{name}: expected to return real numbers, found complex ones")
        return out

    return call
