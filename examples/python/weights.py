"""Trains on weighted samples, as those of an importance sampler or of a nested sampler."""
import sys

import numpy as np

import pathline

rng = np.random.default_rng(0)
x = rng.uniform(-5, 5, 8000)  # drawn uniformly ...
weights = np.exp(-0.5 * ((x - 1) / 0.7) ** 2)  # ... and weighted to a normal of mean 1 and width 0.7

flow = pathline.train(x, weights=weights, iterations=400, seed=1, progress=sys.stderr.isatty())
drawn = flow.sample(10000, seed=2)
print(f"mean {drawn.mean():.1f}, width {drawn.std():.1f}")
for note in flow.result.notes:
    print(note)
