"""Initial value problems inside a program of PyTorch: gradients flow through the solution.

It needs PyTorch (Debian: python3-torch), and works on the CPU in double precision.
"""
from __future__ import annotations

from typing import Any, Callable, List, Optional, Tuple, Union

import numpy as np
import torch

from .errors import InputError
from .ode import Mlp, odeint_vjp

__all__ = ["odeint"]


def odeint(field: Union[Mlp, "torch.nn.Module", Callable[[Any, Any], Any]], z0: Any, times: Any,
           theta: Any = None, *, stepper: str = "dopri5", rtol: float = 1e-6, atol: float = 1e-6, steps: int = 0,
           max_steps: int = 10000, adjoint: str = "discrete", tile: Optional[int] = None,
           threads: Optional[int] = None) -> Any:
    """Solves dz/dt = f(t, z) from z0 at times[0], differentiably by z0, the times and the parameters.

    Args:
        field: a ``torch.nn.Module`` or a function f(t, z) of tensors, t (), z (n, d), which is called for each stage of
            each step and is slow; or a ``pathline.Mlp``, whose solve and gradient run in C++.
        z0: tensor (n, d), or (d,) for one state.
        times: tensor (T,), increasing or decreasing.
        theta: for a ``pathline.Mlp``, a tensor (P,) of its parameters; by default those that it has, without a gradient.
        stepper, rtol, atol, steps, max_steps, adjoint, tile, threads: as in ``pathline.odeint_vjp``.

    Returns:
        The states as a tensor (T, n, d), or (T, d) for one state, of the type of z0. Second derivatives are refused.

    Raises:
        InputError, NumericalError: as ``pathline.odeint_vjp``. For a function, gradients go to the parameters of a
            Module only: what else it refers to counts as constant.
    """
    options = {"stepper": stepper, "rtol": rtol, "atol": atol, "steps": steps, "max_steps": max_steps,
               "adjoint": adjoint, "tile": tile, "threads": threads}
    if not isinstance(z0, torch.Tensor):
        raise InputError(f"z0: expected a tensor, found {type(z0).__name__}")
    at = times if isinstance(times, torch.Tensor) else torch.as_tensor(times, dtype=torch.float64)
    if isinstance(field, Mlp):
        vector = torch.as_tensor(field.theta) if theta is None else theta
        return _Solve.apply(field, options, z0, at, vector)
    if theta is not None:
        raise InputError("theta: is that of a pathline.Mlp; a Module has its own parameters")
    if not callable(field):
        raise InputError(f"field = {field!r}: expected a Module, a function f(t, z) or a pathline.Mlp")
    parameters = list(field.parameters()) if isinstance(field, torch.nn.Module) else []
    return _Solve.apply(field, options, z0, at, *parameters)


class _Solve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *args: Any, **_: Any) -> Any:
        field, options, z0, times, *parameters = args
        start, at = _to_numpy(z0), _to_numpy(times)
        if isinstance(field, Mlp):
            own = field.copy()
            own.theta = _to_numpy(parameters[0])
            states, ctx.pullback = odeint_vjp(own, start, at, **options)
        else:
            call = _Call(field, parameters, z0.dtype)
            states, ctx.pullback = odeint_vjp(call.value, start, at, vjp=call.vjp, parameters=call.size, **options)
        ctx.like = z0, times, parameters
        return torch.as_tensor(states, dtype=z0.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grad_outputs: Any) -> Tuple[Any, ...]:
        gradient = ctx.pullback(_to_numpy(grad_outputs[0]))
        z0, times, parameters = ctx.like
        out: List[Any] = [None, None, torch.as_tensor(gradient.z0, dtype=z0.dtype),
                          torch.as_tensor(gradient.times, dtype=times.dtype)]
        offset = 0
        for parameter in parameters:
            part = gradient.theta[offset:offset + parameter.numel()]
            out.append(torch.as_tensor(part, dtype=parameter.dtype).reshape(parameter.shape))
            offset += parameter.numel()
        return tuple(out)


class _Call:
    """A function of tensors as one of arrays, with its vector-Jacobian product."""

    def __init__(self, field: Callable[[Any, Any], Any], parameters: List[Any], dtype: Any) -> None:
        self.field = field
        self.parameters = parameters
        self.size = sum(parameter.numel() for parameter in parameters)
        self.dtype = dtype

    def value(self, t: float, z: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return _to_numpy(self._checked(self.field(torch.tensor(t, dtype=self.dtype), self._tensor(z)), z))

    def vjp(self, t: float, z: np.ndarray, f_bar: np.ndarray) -> Tuple[np.ndarray, np.ndarray, float]:
        with torch.enable_grad():
            at, point = torch.tensor(t, dtype=self.dtype, requires_grad=True), self._tensor(z).requires_grad_()
            f = self._checked(self.field(at, point), z)
            wanted = [point, at, *(parameter for parameter in self.parameters if parameter.requires_grad)]
            bars = iter(torch.autograd.grad(f, wanted, self._tensor(f_bar), allow_unused=True)
                        if f.requires_grad else [None] * len(wanted))
            z_bar, t_bar = next(bars), next(bars)
            theta_bar = [next(bars) if parameter.requires_grad else None for parameter in self.parameters]
        parts = [np.zeros(parameter.numel()) if bar is None else _to_numpy(bar).ravel()
                 for parameter, bar in zip(self.parameters, theta_bar)]
        return (np.zeros_like(z) if z_bar is None else _to_numpy(z_bar),
                np.concatenate(parts) if parts else np.zeros(0), 0.0 if t_bar is None else float(t_bar))

    def _tensor(self, x: np.ndarray) -> Any:
        return torch.as_tensor(x, dtype=self.dtype)

    @staticmethod
    def _checked(f: Any, z: np.ndarray) -> Any:
        if not isinstance(f, torch.Tensor) or tuple(f.shape) != z.shape:
            shape = tuple(f.shape) if isinstance(f, torch.Tensor) else type(f).__name__
            raise InputError(f"field: returned {shape}; expected a tensor {z.shape} as z")
        return f


def _to_numpy(tensor: Any) -> np.ndarray:
    return tensor.detach().cpu().numpy().astype(np.float64)
