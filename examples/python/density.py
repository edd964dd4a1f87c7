"""Trains a density on an array, draws a corner figure, and evaluates it."""
import sys

import numpy as np

import pathline

rng = np.random.default_rng(0)
angle = rng.uniform(0, 2 * np.pi, 4000)
x = np.column_stack([np.cos(angle), np.sin(angle)]) * (2 + 0.2 * rng.normal(size=4000))[:, None]  # a ring

flow = pathline.train(x, columns=["x", "y"], iterations=400, seed=1, progress=sys.stderr.isatty())
print(f"test NLL: {flow.result.test.nll:.2f} nats")

inside, on_the_ring = flow.log_prob([[0.0, 0.0], [2.0, 0.0]])
print(f"log p in the centre: {inside:.1f}; on the ring: {on_the_ring:.1f}")

drawn = flow.sample(2000, seed=2)
print(f"mean radius of the samples: {np.hypot(*drawn.T).mean():.2f}")

try:
    flow.plot(data=x).savefig(sys.argv[1] if len(sys.argv) > 1 else "ring.png")
except ImportError as error:
    print(error)
