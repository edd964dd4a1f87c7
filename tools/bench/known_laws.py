#!/usr/bin/python3
"""Trains on tables whose density is known, and prints KL(data || model) on 5,000 fresh points of each, in nats.

  tools/bench/known_laws.py [--pathline build/pathline] [--time SECONDS] [--threads N] [LAW ...]

Every law is a function of the random generator and the number of rows that returns the rows and their log-density.
"""
import argparse
import pathlib
import subprocess
import tempfile

import numpy as np


def normal(x, mean=0.0, scale=1.0):
    return -0.5 * ((x - mean) / scale) ** 2 - np.log(scale) - 0.5 * np.log(2 * np.pi)


def sines(columns, noise):
    """Each column is normal about the sine of twice the one before."""
    def draw(r, n):
        x = r.standard_normal((n, columns))
        log_p = normal(x[:, 0])
        for k in range(1, columns):
            scale = noise[(k - 1) % len(noise)]
            mean = np.sin(2 * x[:, k - 1])
            x[:, k] = mean + scale * x[:, k]
            log_p += normal(x[:, k], mean, scale)
        return x, log_p
    return draw


def funnel(r, n):
    """Neal's funnel: a normal v of scale 1.5, and seven columns of scale exp(v / 2)."""
    v = 1.5 * r.standard_normal(n)
    scale = np.exp(v / 2)[:, None]
    x = np.c_[v, scale * r.standard_normal((n, 7))]
    return x, normal(v, 0, 1.5) + normal(x[:, 1:], 0, scale).sum(1)


def rings(r, n):
    """Three rings of radius 1 and width 0.1, in two columns each."""
    radius, angle = 1 + 0.1 * r.standard_normal((n, 3)), 2 * np.pi * r.random((n, 3))
    x = np.empty((n, 6))
    x[:, ::2], x[:, 1::2] = radius * np.cos(angle), radius * np.sin(angle)
    return x, (normal(radius, 1, 0.1) - np.log(2 * np.pi * np.abs(radius))).sum(1)


def spike(columns, width):
    """Three rows in ten of a narrow normal distribution, the others of a wide one, about the same mean."""
    def draw(r, n):
        scale = np.where(r.random(n) < 0.3, width, 1.0)[:, None]
        x = scale * r.standard_normal((n, columns))
        narrow, wide = normal(x, 0, width).sum(1), normal(x).sum(1)
        return x, np.logaddexp(np.log(0.3) + narrow, np.log(0.7) + wide)
    return draw


LAWS = {
    "ten sines": (sines(10, [0.3, 0.2, 0.1]), 20000),
    "six sines": (sines(6, [0.3, 0.2]), 10000),
    "funnel": (funnel, 20000),
    "three rings": (rings, 20000),
    "spike 1e-4, 1 column": (spike(1, 1e-4), 5000),
    "spike 1e-4, 2 columns": (spike(2, 1e-4), 5000),
    "spike 1e-4, 4 columns": (spike(4, 1e-4), 5000),
}


def write(path, x):
    np.savetxt(path, x, delimiter=",", fmt="%.17g", comments="", header=",".join(f"x{i + 1}" for i in range(x.shape[1])))


def kl_of(law, rows, arguments, directory):
    """Returns the mean and the standard error of log p - log q, where q is trained on `rows` draws of p."""
    train, test, out = (directory / name for name in ("train.csv", "test.csv", "log_q.npy"))
    r = np.random.default_rng(1)
    write(train, law(r, rows)[0])
    x, log_p = law(r, 5000)
    write(test, x)
    common = ["--threads", str(arguments.threads), "--quiet"]
    subprocess.run([arguments.pathline, "train", train, "--time", str(arguments.time), "-o", directory / "run", *common],
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run([arguments.pathline, "density", directory / "run", test, "-o", out, *common], check=True,
                   stdout=subprocess.DEVNULL)
    difference = log_p - np.load(out).ravel()
    return difference.mean(), difference.std() / np.sqrt(len(difference))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("laws", nargs="*", metavar="LAW", help="all by default: " + "; ".join(LAWS))
    parser.add_argument("--pathline", default="build/pathline")
    parser.add_argument("--time", type=float, default=60)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    for name in arguments.laws:
        if name not in LAWS:
            parser.error(f"{name}: unknown; known: " + "; ".join(LAWS))
    for name in arguments.laws or LAWS:
        law, rows = LAWS[name]
        with tempfile.TemporaryDirectory() as directory:
            kl, error = kl_of(law, rows, arguments, pathlib.Path(directory))
        print(f"{name:24} {rows:6} rows  KL {kl:.4f} +- {error:.4f}", flush=True)


if __name__ == "__main__":
    main()
