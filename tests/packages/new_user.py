import numpy as np
import pathline

rng = np.random.default_rng(0)
x = rng.normal(size=(2000, 2)) @ [[1.0, 0.4], [0.0, 2.0]]
flow = pathline.train(x, columns=["energy", "theta"], time=5)
flow.plot(data=x).savefig("corner.png")
y = flow.sample(1000, seed=1)
print(f"{-flow.log_prob(x).mean():.1f} nats, {flow.score(y).shape[0]} scores, width of theta {y[:, 1].std():.0f}")
flow.save("flow.h5")
