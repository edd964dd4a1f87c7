"""Trains p(x | c), and evaluates and samples it at one condition."""
import sys

import numpy as np

import pathline

rng = np.random.default_rng(0)
mass = rng.uniform(0, 4, 4000)
x = mass + 0.5 * rng.normal(size=4000)  # a measurement of the mass

flow = pathline.train(x, condition=mass, columns=["measured"], iterations=400, seed=1, progress=sys.stderr.isatty())
drawn = flow.sample(4000, condition=[3.0], seed=2)
print(f"at mass 3: mean {drawn.mean():.1f}, width {drawn.std():.1f}")

grid = np.linspace(0, 6, 601)
density = np.exp(flow.log_prob(grid, condition=[3.0]))
print(f"integral of p(x | 3): {np.trapz(density, grid):.2f}")
