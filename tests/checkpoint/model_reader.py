#!/usr/bin/python3
"""log p(x) of a pathline model file, from the file and models/README.md alone: h5py, NumPy and SciPy.

    model_reader.py MODEL.h5 POINTS.h5      # data sets x (N, d) and, for a condition, c (N, dc); prints nats, one a line
"""
import itertools
import sys

import h5py
import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import erfc, log_ndtr, logsumexp

STEP = 1e-30  # Im f(z + i STEP e_j) / STEP is df/dz_j to the last digit (complex step)


def sigmoid(a):
    return np.exp(-softplus(-a))


def softplus(a):
    return np.where(a.real > 0, a, 0) + np.log1p(np.exp(np.where(a.real > 0, -a, a)))


def activation(name, beta):
    return {"tanh": np.tanh, "softplus": softplus, "swish": lambda a: a * sigmoid(beta * a), "sin": np.sin,
            "elu": lambda a: np.where(a.real < 0, np.exp(np.where(a.real < 0, a, 0)) - 1, a),
            "relu": lambda a: np.where(a.real < 0, 0, a), "square": lambda a: a * a, "identity": lambda a: a,
            "gelu": lambda a: a * 0.5 * erfc(-a / np.sqrt(2))}[name]


def layer(kind, p, u, t, h, c):
    """One layer before its activation. p(name): its array; u: time features; h: in x B; c: dc x B."""
    condition = p("_condition.weight") @ c if len(c) else 0
    if kind == "hyper":
        both = p("_hypernet.2.weight") @ np.tanh(p("_hypernet.0.weight") @ u + p("_hypernet.0.bias")) + p("_hypernet.2.bias")
        out = len(both) // (len(h) + 1)
        return both[out:].reshape(out, len(h)) @ h + condition + both[:out, None]
    if kind == "blend":
        weight, bias = ((1 - t) * p("_layer0." + n) + t * p("_layer1." + n) for n in ("weight", "bias"))
        return weight @ h + condition + bias[:, None]
    if kind == "concat":
        h = np.vstack([np.repeat(u[:, None], h.shape[1], 1), h])
    a = p("_layer.weight") @ h + condition + p("_layer.bias")[:, None]
    if kind in ("squash", "concatsquash"):
        gate = "_hyper" if kind == "squash" else "_hyper_gate"
        a = a * sigmoid(p(gate + ".weight") @ u + p(gate + ".bias"))[:, None]
    if kind in ("concat_v2", "concatsquash"):
        a = a + (p("_hyper_bias.weight") @ u)[:, None]
    return a


def mlp(attributes, parameters):
    beta = parameters["activation_fns.0.beta"][()] if "activation_fns.0.beta" in parameters else 1
    s, depth = activation(attributes["activation"], beta), len(attributes["hidden"]) + 1

    def f(t, h, c):
        j = 2 * np.pi * np.arange(1, attributes["time_frequencies"] + 1)
        u = np.concatenate([[t], np.stack([np.sin(j * t), np.cos(j * t)], 1).ravel()])
        for l in range(depth):
            y = layer(attributes["layer"], lambda name: parameters[f"layers.{l}.{name}"], u, t, h, c)
            if l + 1 == depth:
                return y
            h = s(y) + h if attributes["residual"] and l > 0 and len(y) == len(h) else s(y)

    return f


def potential(attributes, p):
    layers = range(attributes["layers"])
    K, b = [p[f"layers.{l}.weight"] for l in layers], [p[f"layers.{l}.bias"][:, None] for l in layers]
    step = [1] + [1 / (len(K) - 1)] * (len(K) - 1) if len(K) > 1 else [1]

    def f(t, z, c):
        s = np.vstack([z, np.full((1, z.shape[1]), t), c])
        u, slope = 0, []
        for l in layers:
            a = K[l] @ (u if l else s) + b[l]
            slope.append(step[l] * np.tanh(a))
            size = np.where(a.real < 0, -a, a)
            u = u + step[l] * (size + np.log1p(np.exp(-2 * size)))
        g = np.repeat(p["output"][:, None], z.shape[1], 1)
        for l in layers[:0:-1]:
            g = g + K[l].T @ (slope[l] * g)
        A = p["quadratic.weight"]
        return -(K[0].T @ (slope[0] * g) + A.T @ (A @ s) + p["linear"][:, None])[:len(z)]

    return f


def to_base(block, parameters, z, c):
    """z (d x B) from the data's side of a block to the base's, and the integral of the trace on that way."""
    d, batch = z.shape
    f = {"mlp": mlp, "potential": potential}[block["field"]](block, parameters)
    ends = (block["end_time"], 0) if block["clock"] == "base_to_data" else (0, block["end_time"])
    ones, wide = np.repeat(np.eye(d), batch, 1), np.tile(c, d)

    def rates(t, state):
        z = state[:d * batch].reshape(d, batch)
        both = f(t, np.tile(z, d) + 1j * STEP * ones, wide)  # column j B + i: point i, along axis j
        return np.concatenate([both.real[:, :batch].ravel(), (both.imag * ones).sum(0).reshape(d, batch).sum(0) / STEP])

    end = solve_ivp(rates, ends, np.concatenate([z.ravel(), np.zeros(batch)]), "DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
    return end[:d * batch].reshape(d, batch), end[d * batch:]


def network(attributes, p, x):
    """The conditioner of a coupling layer: x (in, B)."""
    s, h, depth = activation(attributes["activation"], 1), x, len(attributes["hidden"]) + 1
    for l in range(depth):
        weight = p.get(f"layers.{l}.weight", np.zeros((len(p[f"layers.{l}.bias"]), 0)))  # of no inputs
        y = weight @ h + p[f"layers.{l}.bias"][:, None]
        h = y if l + 1 == depth else s(y) + (h if attributes["residual"] and l > 0 and len(y) == len(h) else 0)
    return h


def bin_to_base(y, left, low, w, h, d0, d1):
    """z with y = g(z), and log g'(z), in a bin of a spline from (left, low) over w and h with slopes d0 and d1."""
    s, r = h / w, y - low
    A, B, C = h * (s - d0) + r * (d0 + d1 - 2 * s), h * d0 - r * (d0 + d1 - 2 * s), -s * r
    t = 2 * C / (-B - np.sqrt(B * B - 4 * A * C))
    below = s + (d0 + d1 - 2 * s) * t * (1 - t)
    return left + t * w, np.log(s**2 * (d1 * t**2 + 2 * s * t * (1 - t) + d0 * (1 - t)**2) / below**2)


def spline_to_base(y, a, bins, box):
    """z with y = g(z), and log g'(z), for columns y (m, B) and the outputs a of the network."""
    m, least = len(y), 1e-3
    softmax = lambda v: np.exp(v - logsumexp(v, 1, keepdims=True))
    widths, heights = (2 * box * (least + (1 - bins * least) * softmax(v.reshape(m, bins, -1)))
                       for v in (a[:m * bins], a[m * bins:2 * m * bins]))
    edge = np.zeros((m, 1, y.shape[1]))
    raw = a[2 * m * bins:].reshape(m, bins - 1, -1) + np.log(np.expm1(1 - least))
    slopes = np.concatenate([edge + 1, least + np.logaddexp(0, raw), edge + 1], 1)
    left, low = (np.concatenate([edge, np.cumsum(v, 1)[:, :-1]], 1) - box for v in (widths, heights))
    z, log_slope = y.copy(), np.zeros_like(y)
    for j, b in np.argwhere(abs(y) < box):
        k = np.searchsorted(low[j, :, b], y[j, b], "right") - 1
        z[j, b], log_slope[j, b] = bin_to_base(y[j, b], left[j, k, b], low[j, k, b], widths[j, k, b], heights[j, k, b],
                                               slopes[j, k, b], slopes[j, k + 1, b])
    return z, log_slope


def affine_to_base(y, s, t, c, box):
    """As spline_to_base, of an affine map with log-scale s and shift t that ends where z or y leaves [-c, c]."""
    z, log_slope = y.copy(), np.zeros_like(y)
    for at in np.argwhere(abs(y) < box):
        at = tuple(at)
        z[at], log_slope[at] = (y[at] - t[at]) * np.exp(-s[at]), s[at]
        for side in (1, -1):
            high = min(c, c * np.exp(s[at]) + side * t[at])
            if side * y[at] > high:
                left = (high - side * t[at]) * np.exp(-s[at])
                z[at], log_slope[at] = bin_to_base(side * y[at], left, high, box - left, box - high, np.exp(s[at]), 1)
                z[at] *= side
    return z, log_slope


def scalar_root(w_u, target):
    """a with a + w_u tanh(a) = target, by bisection."""
    low, high = target - abs(w_u), target + abs(w_u)
    for _ in range(200):
        a = (low + high) / 2
        below = a + w_u * np.tanh(a) < target
        low, high = np.where(below, a, low), np.where(below, high, a)
    return (low + high) / 2


def transform_to_base(attributes, p, y, c):
    """y (d, B) from the data's side of a transform to the base's, and log |det dz/dy|."""
    kind = attributes["kind"]
    if kind == "planar":
        w, u, b = p["w"], p["u"], p["b"].item()
        w_u = np.log1p(np.exp(w @ u)) - 1
        u = u + (w_u - w @ u) * w / (w @ w)
        a = scalar_root(w_u, w @ y + b)
        return y - u[:, None] * np.tanh(a), -np.log1p(w_u * (1 - np.tanh(a)**2))
    if kind == "radial":
        alpha, beta = np.exp(p["a"].item()), np.log1p(np.exp(p["b"].item())) - np.exp(p["a"].item())
        rho = np.linalg.norm(y - p["center"][:, None], axis=0)
        half = (rho - alpha - beta) / 2
        r = half + np.sqrt(half**2 + alpha * rho)
        stretch = 1 + beta / (alpha + r)
        z = p["center"][:, None] + (y - p["center"][:, None]) / stretch
        return z, -(len(y) - 1) * np.log(stretch) - np.log1p(alpha * beta / (alpha + r)**2)
    moved, box = attributes["moved"], attributes["box"]
    kept = [i for i in range(len(y)) if i not in moved]
    a = network(attributes, p, np.clip(np.vstack([y[kept], c[:attributes["condition_dim"]]]), -box, box))
    z = y.copy()
    if kind == "affine_coupling":
        log_slope, inner = 3 * np.tanh(a[:len(moved)] / 3), attributes["affine_within"]
        z[moved], log_slope = affine_to_base(y[moved], log_slope, inner * np.tanh(a[len(moved):] / inner), inner, box)
    else:
        z[moved], log_slope = spline_to_base(y[moved], a, attributes["bins"], box)
    return z, -log_slope.sum(0)


def log_base(kind, p, z, c):
    normal = lambda e: -0.5 * (e**2).sum(0) - 0.5 * len(e) * np.log(2 * np.pi)
    if kind == "normal":
        return normal(z)
    if kind == "uniform":
        return np.where(abs(z).max(0) <= np.sqrt(3), -len(z) * np.log(2 * np.sqrt(3)), -np.inf)
    if kind == "diagonal":
        return normal((z - p["mean"][:, None]) / np.exp(p["log_scale"])[:, None]) - p["log_scale"].sum()
    if kind == "full":
        raw = p["log_cholesky"].reshape(len(z), len(z))
        factor = np.tril(raw, -1) + np.diag(np.exp(np.diag(raw)))
        return normal(np.linalg.solve(factor, z - p["mean"][:, None])) - np.trace(raw)
    if kind == "conditional_mixture":
        both, dc = np.vstack([c, z]), len(c)
        first = {"logits": p["logits"], "mean": p["mean"].reshape(-1, len(both))[:, :dc],
                 "log_cholesky": p["log_cholesky"].reshape(len(p["logits"]), -1)[:, :dc * (dc + 1) // 2]}
        return log_base("full_mixture", p, both, None) - log_base("full_mixture", first, c, None)
    if kind == "full_mixture":
        mean, packed = p["mean"].reshape(-1, len(z), 1), p["log_cholesky"].reshape(len(p["logits"]), -1)
        each, (i, j) = [], np.tril_indices(len(z))
        for m, row in zip(mean, packed):
            factor = np.zeros((len(z), len(z)))
            factor[i, j] = np.where(i == j, np.exp(row), row)
            each.append(normal(np.linalg.solve(factor, z - m)) - row[i == j].sum())
        return logsumexp(p["logits"][:, None] - logsumexp(p["logits"]) + np.array(each), 0)
    mean, log_scale = (p[name].reshape(-1, len(z), 1) for name in ("mean", "log_scale"))
    each = [normal((z - m) / np.exp(s)) - s.sum() for m, s in zip(mean, log_scale)]
    return logsumexp(p["logits"][:, None] - logsumexp(p["logits"]) + np.array(each), 0)


def within_bounds(x, low, high, inset):
    """The unbounded y of x (N, d), and log |dy/dx|: -inf outside."""
    y, log_slope = x.copy(), np.zeros(len(x))
    for j, (lo, hi) in enumerate(zip(low, high)):
        if np.isinf(lo) and np.isinf(hi):
            continue
        v = np.where(x[:, j] == lo, lo + inset[j], np.where(x[:, j] == hi, hi - inset[j], x[:, j]))
        inside = (lo < v) & (v < hi)
        below = np.log(v[inside] - lo) if np.isfinite(lo) else 0
        above = np.log(hi - v[inside]) if np.isfinite(hi) else 0
        y[:, j] = 0
        y[inside, j] = below - above
        log_slope[~inside] = -np.inf
        log_slope[inside] += (np.log(hi - lo) if np.isfinite(hi - lo) else 0) - below - above
    return y, log_slope


def log_upper(z):
    """The logarithm of the share of the normal distribution above z."""
    return log_ndtr(-z)


def upper_quantile(log_share):
    """The z above which this share lies: bisection, then Newton's method."""
    low, high = np.full_like(log_share, -40), np.full_like(log_share, 1e3)
    for _ in range(100):
        middle = (low + high) / 2
        above = log_upper(middle) > log_share
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return (low + high) / 2


def mills(z):
    return np.exp(log_upper(z) + 0.5 * z**2 + 0.5 * np.log(2 * np.pi))


def beyond(u, knot, shape, scale):
    """z and log dz/du at the exceedance u > 0 over the last knot."""
    log_share = -np.log1p(shape * u / scale) / shape if shape > 0 else -u / scale
    z = upper_quantile(log_upper(knot) + log_share)
    return z, np.log(mills(z) / (scale + shape * u))


def marginal(m, x):
    """z and log dz/dx of one column."""
    k, y, a = m["x"][:], m["z"][:], m.attrs
    side, width = np.diff(y) / np.diff(k), np.diff(k)
    slope = np.empty(len(k))
    before, after = width[:-1], width[1:]
    slope[1:-1] = np.exp((after * np.log(side[:-1]) + before * np.log(side[1:])) / (before + after))
    slope[0], slope[-1] = mills(-y[0]) / a["low_scale"], mills(y[-1]) / a["high_scale"]
    i = np.clip(np.searchsorted(k, x, "right") - 1, 0, len(k) - 2)
    t, s, d0, d1 = (np.clip(x, k[0], k[-1]) - k[i]) / width[i], side[i], slope[i], slope[i + 1]
    below = s + (d0 + d1 - 2 * s) * t * (1 - t)
    z = y[i] + width[i] * s * (s * t**2 + d0 * t * (1 - t)) / below
    log_slope = np.log(s**2 * (d1 * t**2 + 2 * s * t * (1 - t) + d0 * (1 - t) ** 2) / below**2)
    high, low = x > k[-1], x < k[0]
    z[high], log_slope[high] = beyond(x[high] - k[-1], y[-1], a["high_shape"], a["high_scale"])
    z[low], log_slope[low] = beyond(k[0] - x[low], -y[0], a["low_shape"], a["low_scale"])
    z[low] *= -1
    return z, log_slope


def log_prob(model, x, c):
    """model: an open h5py.File, or a group of its members. x: (N, d), c: (N, dc). Gives (N,)."""
    if "members" in model:
        each = [log_prob(model[f"members/{k}"], x, c) for k in range(model["base"].attrs["components"])]
        return logsumexp(np.log(model["base/weights"][:])[:, None] + np.array(each), 0)
    if "period" not in model:
        return log_prob_on_the_line(model, x, c)
    low, length = model["bounds/low"][:], model["period/length"][:]
    repeats = np.flatnonzero(length)
    x = x.copy()
    x[:, repeats] = low[repeats] + np.mod(x[:, repeats] - low[repeats], length[repeats])
    images = []
    for k in itertools.product([0, 1], repeat=len(repeats)):
        shift = np.zeros(len(length))
        shift[repeats] = k * length[repeats]
        images.append(log_prob_on_the_line(model, x + shift, c))
    return logsumexp(images, 0)


def log_prob_on_the_line(model, x, c):
    def arrays(path):
        found = {}
        if path in model:
            model[path].visititems(lambda name, o: found.update({name.replace("/", "."): o[()].astype(float)})
                                   if isinstance(o, h5py.Dataset) else None)
        return found

    if "bounds" in model:
        x, outer = within_bounds(x, *(model["bounds"][name][:] for name in ("low", "high", "inset")))
    else:
        outer = np.zeros(len(x))
    alpha = model.attrs["logit"]
    squeezed = alpha + (1 - 2 * alpha) * x
    y = np.log(squeezed / (1 - squeezed)) if alpha > 0 else x.copy()
    for j in range(len(model.get("marginals", []))):
        y[:, j], log_slope = marginal(model[f"marginals/{j}"], y[:, j])
        outer = outer + log_slope
    z = ((y - model["mean"][:]) / model["scale"][:]).T
    log_p = outer - np.log(model["scale"][:]).sum()
    if "linear" in model:
        z = np.linalg.solve(np.tril(model["linear"][:]), z)
        log_p -= np.log(np.diag(model["linear"][:])).sum()
    if alpha > 0:
        log_p -= np.log(squeezed * (1 - squeezed) / (1 - 2 * alpha)).sum(1)
    c = ((c - model["condition_mean"][:]) / model["condition_scale"][:]).T

    names = {"planar": "planar", "radial": "radial"}  # of their parameters; all others are couplings
    groups = [model[f"transforms/{i}"].attrs for i in range(len(model.get("transforms", [])))]
    prefixes = [names.get(g["kind"], "couplings") for g in groups]
    for i in range(len(groups) - 1, -1, -1):
        p = arrays(f"parameters/{prefixes[i]}/{prefixes[:i].count(prefixes[i])}")
        z, log_det = transform_to_base(groups[i], p, z, c)
        log_p = log_p + log_det
    for i in range(len(model.get("blocks", [])), -1, -1):  # norm n, block n - 1, norm n - 1, ..., block 0, norm 0
        if f"norms/{i}" in model:
            norm, p = model[f"norms/{i}"], arrays(f"parameters/norms/{i}")
            log_slope = p["weight"].ravel() - 0.5 * np.log(norm["variance"][:] + norm.attrs["epsilon"])
            z = (z.T - norm["mean"][:]) * np.exp(log_slope) + p["bias"]
            z, log_p = z.T, log_p + log_slope.sum()
        if i > 0:
            z, trace = to_base(dict(model[f"blocks/{i - 1}"].attrs), arrays(f"parameters/blocks/{i - 1}"), z, c)
            log_p = log_p + trace
    return log_p + log_base(model["base"].attrs["kind"], arrays("parameters/base"), z, c)


if __name__ == "__main__":
    with h5py.File(sys.argv[1]) as model, h5py.File(sys.argv[2]) as points:
        x = points["x"][:]
        c = points["c"][:] if "c" in points else np.zeros((len(x), 0))
        print("\n".join(f"{value:.17g}" for value in log_prob(model, x, c)))
