"""Samples a density by Hamiltonian Monte Carlo, which needs its score."""
import numpy as np

import pathline

flow = pathline.load("models/moons.h5")
rng = np.random.default_rng(0)


def leapfrog(q, p, step, steps):
    """Follows the Hamiltonian flow of -log p(q) + p^2 / 2."""
    p = p + 0.5 * step * flow.score(q)
    for i in range(steps):
        q = q + step * p
        p = p + (1.0 if i < steps - 1 else 0.5) * step * flow.score(q)
    return q, p


chains = flow.sample(256, seed=1)  # 256 chains at once
log_p = flow.log_prob(chains)
accepted = []
for _ in range(10):
    momentum = rng.normal(size=chains.shape)
    proposal, end = leapfrog(chains, momentum, step=0.1, steps=5)
    log_p_proposal = flow.log_prob(proposal)
    log_ratio = log_p_proposal - log_p - 0.5 * (end**2 - momentum**2).sum(axis=1)
    accept = np.log(rng.uniform(size=len(chains))) < log_ratio
    chains[accept], log_p[accept] = proposal[accept], log_p_proposal[accept]
    accepted.append(accept.mean())

print(f"acceptance: {np.mean(accepted):.1f}")
print(f"mean log p of the chains: {log_p.mean():.1f} nats; of the flow's own samples: "
      f"{flow.log_prob(flow.sample(4000, seed=2)).mean():.1f}")
