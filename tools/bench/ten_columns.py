#!/usr/bin/python3
"""Writes a table of ten columns for `pathline distill`: three Gaussians, mixed linearly, bent, and one heavy column.

    ten_columns.py FILE.csv
"""
import sys

import numpy as np

draws = np.random.default_rng(0)
n = 30000
component = draws.integers(0, 3, n)
z = draws.normal(size=(n, 10))
centres = draws.normal(size=(3, 10)) * 1.2
x = (z * 0.7 + centres[component]) @ (draws.normal(size=(10, 10)) / np.sqrt(10)).T
for i in range(9):
    x[:, i + 1] += (0.4 if i % 2 else -0.4) * x[:, i]**2 / (1 + 0.3 * abs(x[:, i]))
x[:, 3] = np.sinh(0.7 * x[:, 3])
np.savetxt(sys.argv[1], x, delimiter=",", header=",".join("abcdefghij"), comments="")
