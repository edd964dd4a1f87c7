#!/usr/bin/env python3
"""One training step of a Neural ODE in pathline and in torchdiffeq, on one core, in one run: a table in Markdown.

    git clone https://github.com/rtqichen/torchdiffeq
    tools/bench/odeint_step.py build/tools/bench/bench_odeint torchdiffeq

Both programs have the same network, weights, data, tolerance and method (dopri5). torchdiffeq is timed with
backpropagation through the solver (odeint) and with the adjoint method (odeint_adjoint); the ratio is to the faster.
The gradients are compared, so that both are known to do the same work.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time


def load(arguments):
    sys.path.insert(0, arguments.torchdiffeq)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch
    import torchdiffeq

    torch.set_num_threads(1)
    return torch, torchdiffeq


def median_seconds(step, seconds=3.0):
    for _ in range(3):
        step()
    times = []
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        before = time.perf_counter()
        step()
        times.append(time.perf_counter() - before)
    return statistics.median(times)


def network(torch, inputs, hidden, outputs, theta):
    """Linear, tanh, linear, with the weights of pathline: each matrix row by row, then its bias."""
    layers = [torch.nn.Linear(inputs, hidden), torch.nn.Linear(hidden, outputs)]
    at = 0
    with torch.no_grad():
        for layer in layers:
            for p in (layer.weight, layer.bias):
                p.copy_(torch.tensor(theta[at : at + p.numel()]).reshape(p.shape))
                at += p.numel()
    assert at == len(theta), "the programs have networks of other sizes"
    return torch.nn.Sequential(layers[0], torch.nn.Tanh(), layers[1])


def field_class(torch, sees_time):
    class Field(torch.nn.Module):
        def __init__(self, net):
            super().__init__()
            self.net = net
            self.evaluations = 0

        def forward(self, t, z):
            self.evaluations += 1
            if sees_time:
                z = torch.cat([torch.ones_like(z[:, :1]) * t, z], 1)
            return self.net(z)

    return Field


def run(torch, odeint, field, z0, times, target, loss, optimizer, given):
    weights = [p.detach().clone() for p in field.parameters()]

    def step():
        with torch.no_grad():
            for p, w in zip(field.parameters(), weights):
                p.copy_(w)
        optimizer.zero_grad()
        states = odeint(field, z0, times, rtol=given["rtol"], atol=given["atol"], method="dopri5")
        loss(states, target).backward()
        optimizer.step()

    field.evaluations = 0
    step()
    evaluations = field.evaluations
    gradient = torch.cat([p.grad.flatten() for p in field.parameters()])
    ours = torch.tensor(given["gradient"], dtype=gradient.dtype)
    return median_seconds(step), evaluations, float((gradient - ours).norm() / gradient.norm())


def spiral(torch, odeint, given):
    field = field_class(torch, False)(network(torch, 2, 50, 2, given["theta"]))
    times = torch.tensor(given["times"], dtype=torch.float32)
    observed = torch.tensor(given["observed"]).reshape(len(given["times"]), -1, 2)
    optimizer = torch.optim.Adam(field.parameters(), lr=1e-3)
    loss = lambda states, target: (states - target).abs().mean()
    return run(torch, odeint, field, observed[0], times, observed, loss, optimizer, given)


def tutorial(torch, odeint, given):
    field = field_class(torch, True)(network(torch, 2, 20, 1, given["theta"]))
    x, y = (torch.tensor(given[name]).reshape(-1, 1) for name in ("x", "y"))
    optimizer = torch.optim.SGD(field.parameters(), lr=0.01)
    loss = lambda states, target: (states[-1] - target).square().mean()
    return run(torch, odeint, field, x, torch.tensor([0.0, 1.0]), y, loss, optimizer, given)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="bench_odeint")
    parser.add_argument("torchdiffeq", help="the directory of a clone of torchdiffeq")
    arguments = parser.parse_args()
    ours = json.loads(subprocess.run([arguments.program], check=True, capture_output=True, text=True).stdout)
    torch, torchdiffeq = load(arguments)
    print("| step | rtol, atol | pathline | its NFE | torchdiffeq, odeint | odeint_adjoint | its NFE | gradients differ | ratio |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, step in (("spiral", spiral), ("tutorial", tutorial)):
        for given in ours[name]:
            direct, nfe, differ = step(torch, torchdiffeq.odeint, given)
            adjoint, _, _ = step(torch, torchdiffeq.odeint_adjoint, given)
            print(
                f"| {name} | {given['rtol']:g}, {given['atol']:g} | {1e6 * given['seconds']:.0f} us | {given['nfe']} | "
                f"{1e3 * direct:.2f} ms | {1e3 * adjoint:.2f} ms | {nfe} | {differ:.1e} | "
                f"{min(direct, adjoint) / given['seconds']:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
