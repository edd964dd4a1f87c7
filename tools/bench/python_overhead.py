#!/usr/bin/python3
"""What the Python package costs above the core library, in one run.

    PYTHONPATH=build/python tools/bench/python_overhead.py build [--points 1000000] [--rounds 3]

One point: the median of log_prob from Python less that of Density::log_prob in C++ (build/tools/bench/bench_latency),
both by one step of Euler's method. Many points: log_prob of an array from Python against `pathline density` on the same
points in an NPY file, both on one thread, with loading, reading and writing: the least CPU seconds of the rounds, which
other work on the machine does not change much.
"""
import argparse
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

import pathline

MODEL = str(pathlib.Path(__file__).resolve().parents[2] / "models" / "moons.h5")


def median_of_one_point():
    """The median and the 99th percentile in microseconds, of 5,000 calls."""
    flow = pathline.load(MODEL).with_options(stepper="euler", steps=1, threads=1)
    x = flow.sample(5000, seed=1)
    times = []
    for point in x:
        begin = time.perf_counter()
        flow.log_prob(point)
        times.append(1e6 * (time.perf_counter() - begin))
    return np.quantile(times, 0.5), np.quantile(times, 0.99)


def core_of_one_point(build):
    printed = subprocess.run([build / "tools" / "bench" / "bench_latency", MODEL], check=True, capture_output=True,
                             text=True).stdout
    return tuple(float(figure) for figure in re.search(r"Euler's method *\| *([\d.]+) *\| *([\d.]+)", printed).groups())


def cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def many_points(build, points, rounds):
    """The CPU seconds of Python and of the command."""
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        np.save(directory / "x.npy", pathline.load(MODEL).sample(points, seed=2))
        python, command = [], []
        for _ in range(rounds):
            begin = cpu_of_children()
            subprocess.run([build / "pathline", "density", MODEL, directory / "x.npy", "-o", directory / "tool.npy",
                            "--threads", "1", "--quiet"], check=True)
            command.append(cpu_of_children() - begin)
            begin = time.process_time()
            flow = pathline.load(MODEL).with_options(threads=1)
            np.save(directory / "python.npy", flow.log_prob(np.load(directory / "x.npy")))
            python.append(time.process_time() - begin)
        same = np.array_equal(np.load(directory / "tool.npy"), np.load(directory / "python.npy"))
    return min(python), min(command), same


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    ours, core = median_of_one_point(), core_of_one_point(arguments.build)
    print(f"one point: Python {ours[0]:.1f} us (p99 {ours[1]:.1f}), C++ {core[0]:.1f} us (p99 {core[1]:.1f}): "
          f"{ours[0] - core[0]:.1f} us above the core")
    python, command, same = many_points(arguments.build, arguments.points, arguments.rounds)
    print(f"{arguments.points} points on one thread: Python {python:.2f} s of CPU, command {command:.2f} s: "
          f"{100 * (python / command - 1):+.1f} %; {'the same bits' if same else 'OTHER BITS'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
