"""The corner figure of a flow."""
from __future__ import annotations

from typing import Any, List, Optional, Tuple

import numpy as np

from .arrays import select
from .errors import InputError

__all__ = ["corner"]


def corner(flow: Any, n: int, data: Any, condition: Any, seed: int, bins: int) -> Any:
    """Draws n samples of the flow, and data beside them: the histogram of each column and of each pair.

    Returns:
        The ``matplotlib.figure.Figure``, with d x d axes of which the upper triangle is empty.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("Flow.plot needs matplotlib (Debian: python3-matplotlib)") from error
    if n < 2 or bins < 1:
        raise InputError(f"n = {n}, bins = {bins}: must be >= 2 and >= 1")
    drawn = flow.sample(n, condition, seed)
    points = None if data is None else _points(data, flow)
    names = flow.columns or [f"x{i + 1}" for i in range(flow.dim)]
    ranges = [_range(drawn[:, i] if points is None else np.concatenate([drawn[:, i], points[:, i]]))
              for i in range(flow.dim)]
    size = 2.2 * flow.dim + 1.2
    figure = Figure(figsize=(size, size))
    FigureCanvasAgg(figure)
    axes = figure.subplots(flow.dim, flow.dim, squeeze=False)
    for row in range(flow.dim):
        for column in range(flow.dim):
            axis = axes[row, column]
            if column > row:
                axis.set_axis_off()
            elif column == row:
                _draw_column(axis, drawn[:, row], None if points is None else points[:, row], ranges[row], bins)
            else:
                pair = [column, row]
                _draw_pair(axis, drawn[:, pair], None if points is None else points[:, pair],
                           [ranges[column], ranges[row]], bins)
            _label(axis, row, column, flow.dim, names)
    if points is not None:
        axes[0, 0].legend(loc="upper right", fontsize="small")
    return figure


def _points(data: Any, flow: Any) -> np.ndarray:
    points = np.asarray(select(data, flow.columns, "data"), dtype=np.float64)
    points = points[:, None] if points.ndim == 1 else points
    if points.ndim != 2 or points.shape[1] != flow.dim:
        raise InputError(f"data has the shape {points.shape}; expected (m, {flow.dim})")
    if not np.isfinite(points).all():
        row = int(np.argmin(np.isfinite(points).all(axis=1)))
        raise InputError(f"data: row {row + 1} is not finite", row)
    return points


def _range(values: np.ndarray) -> Tuple[float, float]:
    low, high = np.quantile(values, [0.001, 0.999])
    margin = 0.05 * (high - low) if high > low else 1.0
    return float(low - margin), float(high + margin)


def _draw_column(axis: Any, drawn: np.ndarray, points: Optional[np.ndarray], limits: Tuple[float, float],
                 bins: int) -> None:
    axis.hist(drawn, bins=bins, range=limits, density=True, histtype="stepfilled", alpha=0.5, label="flow")
    if points is not None:
        axis.hist(points, bins=bins, range=limits, density=True, histtype="step", color="black", label="data")
    axis.set_xlim(limits)
    axis.set_yticks([])


def _draw_pair(axis: Any, drawn: np.ndarray, points: Optional[np.ndarray], limits: List[Tuple[float, float]],
               bins: int) -> None:
    axis.hist2d(drawn[:, 0], drawn[:, 1], bins=bins, range=limits, density=True, cmap="Blues")
    if points is not None:
        shown = points[:: max(1, len(points) // 2000)]
        axis.plot(shown[:, 0], shown[:, 1], ",", color="black", alpha=0.6)
    axis.set_xlim(limits[0])
    axis.set_ylim(limits[1])


def _label(axis: Any, row: int, column: int, dim: int, names: List[str]) -> None:
    if row == dim - 1:
        axis.set_xlabel(names[column])
    else:
        axis.set_xticklabels([])
    if column == 0 and row > 0:
        axis.set_ylabel(names[row])
    elif column != row:
        axis.set_yticklabels([])
