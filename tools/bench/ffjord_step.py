#!/usr/bin/env python3
"""Times FFJORD's own training step and density evaluation: the peer's row of tools/bench/README.md.

usage: ffjord_step.py FFJORD TORCHDIFFEQ PARAMETERS.json [--threads N] [--points N]

FFJORD, TORCHDIFFEQ: checkouts of rtqichen/ffjord and of a torchdiffeq of its time (README.md names the commits).
PARAMETERS.json: the network, points, and the reference of the gradient, made of tests/fixtures/ffjord_8gaussians.h5 by
--export with a Python that has h5py:  ffjord_step.py --export tests/fixtures/ffjord_8gaussians.h5 parameters.json
"""
import json
import sys
import time


def export(source, target):
    import h5py

    with h5py.File(source) as f, h5py.File(source.replace("ffjord_", "gradient_")) as g:
        values = {name: f["parameters"][name][()].tolist() for name in f["parameters"]}
        exact = {name: g["gradient"][name][()].tolist() for name in values if name != "sqrt_end_time"}
        json.dump({"parameters": values, "gradient": exact, "points": f["points"][:].tolist()}, open(target, "w"))


def build(layers, torch, parameters):
    net = layers.ODEnet(hidden_dims=(64, 64, 64), input_shape=(2,), strides=None, conv=False,
                        layer_type="concatsquash", nonlinearity="tanh")
    function = layers.ODEfunc(diffeq=net, divergence_fn="brute_force", residual=False, rademacher=False)
    cnf = layers.CNF(odefunc=function, T=0.5, train_T=True, solver="dopri5")
    state = cnf.state_dict()
    for name, value in parameters.items():
        key = name if name == "sqrt_end_time" else "odefunc.diffeq." + name
        state[key] = torch.tensor(value).reshape(state[key].shape)
    cnf.load_state_dict(state)
    return layers.SequentialFlow([cnf]), function


def normal(torch, z):
    return (-0.5 * z ** 2 - 0.9189385332046727).sum(1, keepdim=True)


def best_of(n, work):
    times = []
    for _ in range(n):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main(arguments):
    if arguments[0] == "--export":
        return export(arguments[1], arguments[2])
    threads = int(arguments[arguments.index("--threads") + 1]) if "--threads" in arguments else 1
    count = int(arguments[arguments.index("--points") + 1]) if "--points" in arguments else 10000
    sys.path[:0] = arguments[:2]
    import torch

    torch.set_num_threads(threads)
    import lib.layers as layers

    given = json.load(open(arguments[2]))
    model, function = build(layers, torch, given["parameters"])
    points = torch.tensor(given["points"])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x = points[:100]
    nfe = {}

    def step():
        optimizer.zero_grad()
        z, change = model(x, torch.zeros(100, 1))
        nfe["forward"] = function.num_evals()
        loss = -torch.mean(normal(torch, z) - change)
        loss.backward()
        nfe["backward"] = function.num_evals() - nfe["forward"]
        # The step is taken with learning rate 0, so that each has the same work.
        optimizer.param_groups[0]["lr"] = 0.0
        optimizer.step()

    step()
    named = dict(model.named_parameters())
    off = whole = 0.0
    for name, value in given["gradient"].items():
        expected = torch.tensor(value)
        found = named["chain.0.odefunc.diffeq." + name].grad.reshape(expected.shape)
        off, whole = off + float(((found - expected) ** 2).sum()), whole + float((expected ** 2).sum())
    print(f"gradient error {(off / whole) ** 0.5:.1e}, of the reference that tests/fixtures/reference_gradient.py makes")
    print(f"training step, batch 100, {threads} threads: {1e3 * best_of(10, step):.1f} ms, NFE {nfe['forward']:.0f} + {nfe['backward']:.0f}")

    many = points.repeat((count + len(points) - 1) // len(points), 1)[:count]
    model.eval()

    def density():
        z, change = model(many, torch.zeros(count, 1))
        return normal(torch, z) - change

    # FFJORD has no no_grad here: its divergence needs the graph.
    seconds = best_of(2, density)
    print(f"density of {count} points, {threads} threads: {count / seconds:.0f} a second, NFE {function.num_evals():.0f}")

    def sample():
        return model(torch.randn(count, 2), reverse=True)

    seconds = best_of(2, sample)
    print(f"samples, {count}, {threads} threads: {count / seconds:.0f} a second, NFE {function.num_evals():.0f}")


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        sys.exit(0 if "-h" in sys.argv or "--help" in sys.argv else 2)
    main(sys.argv[1:])
