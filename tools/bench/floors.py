#!/usr/bin/python3
"""The held-out NLL of a full-covariance Gaussian and of a 20-component mixture of them (scikit-learn, by EM), on the rows
that `pathline data split RECIPE -o SPLIT.h5` writes: the floor for a flow on the same rows. Both see what the flow's chain
sees, the logit of the data where there is one, and are told in the data's own units, nats. The ridge on the covariances is
the best of a few by the validation rows.

Example: pathline data split models/diamonds.toml -o split.h5 && tools/bench/floors.py split.h5
"""
import argparse
import warnings

import h5py
import numpy as np
from sklearn.mixture import GaussianMixture


def transformed(x, alpha):
    """Rows as the flow sees them, and what the log-density gains by it."""
    if alpha == 0:
        return x, np.zeros(len(x))
    t = alpha + (1 - 2 * alpha) * x
    return np.log(t) - np.log1p(-t), (np.log(1 - 2 * alpha) - np.log(t) - np.log1p(-t)).sum(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("split")
    parser.add_argument("--logit", type=float, default=0, help="data.logit of the recipe")
    parser.add_argument("--width", type=float, default=0, help="data.dequantize of the recipe: adds bits/dim")
    options = parser.parse_args()
    with h5py.File(options.split) as file:
        parts = {name: transformed(file[name][()], options.logit) for name in ("train", "validation", "test")}
    mean, scale = parts["train"][0].mean(0), parts["train"][0].std(0)
    z = {name: (x - mean) / scale for name, (x, _) in parts.items()}
    gain = {name: g - np.log(scale).sum() for name, (_, g) in parts.items()}
    warnings.simplefilter("ignore")
    for components in (1, 20):
        tried = []
        for ridge in (1e-6, 1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1):
            model = GaussianMixture(components, reg_covar=ridge, random_state=0, max_iter=200).fit(z["train"])
            nll = {name: -(model.score_samples(z[name]) + gain[name]) for name in z}
            tried.append((nll["validation"].mean(), ridge, nll["test"]))
        _, ridge, test = min(tried, key=lambda t: t[0])
        line = f"{components:2d} full-covariance Gaussian{'s' if components > 1 else ' '}  test NLL {test.mean():.4f} +- " \
               f"{test.std() / np.sqrt(len(test)):.4f} nats (ridge {ridge:g})"
        if options.width:
            line += f", bits/dim {test.mean() / z['test'].shape[1] / np.log(2) - np.log2(options.width):.4f}"
        print(line)


if __name__ == "__main__":
    main()
