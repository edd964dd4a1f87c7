#!/usr/bin/env python3
"""What whole commands take: the time to FFJORD's last NLL, one density from start to end, the memory of training.

usage: tools/bench/whole.py [build/pathline]
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

root = pathlib.Path(__file__).resolve().parents[2]
program = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else root / "build" / "pathline").resolve()
# FFJORD's own run of 10,000 iterations ends at 2.839 (design, section 6), 0.007 above the entropy, after 30 minutes.
FFJORD_KL, FFJORD_SECONDS, FFJORD_DENSITY_SECONDS = 0.007, 1800, 1.3


def run(*arguments):
    """Runs the program; gives the wall time in seconds and the peak memory in MB."""
    begin = time.monotonic()
    process = subprocess.Popen([program, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{program} {' '.join(map(str, arguments))}: failed")
    return time.monotonic() - begin, usage.ru_maxrss / 1024


def main():
    print("| work | measured | FFJORD | ratio |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        run("train", root / "models/8gaussians_small.toml", "-o", scratch / "run", "--set", "train.evaluate_every=100")
        lines = [json.loads(line) for line in (scratch / "run/metrics.jsonl").read_text().splitlines()]
        there = [line for line in lines if line["validation_kl"] <= FFJORD_KL]
        if there:
            seconds = there[0]["seconds"]
            print(f"| training `models/8gaussians_small.toml` until KL(data \\|\\| model) <= {FFJORD_KL} on 10,000 held-out points, "
                  f"{len(lines)} validations counted | {seconds:.1f} s, {there[0]['iteration']} iterations | "
                  f"{FFJORD_SECONDS} s | {FFJORD_SECONDS / seconds:.0f} |")
        (scratch / "point.csv").write_text("0.5,1\n")
        times = [run("density", root / "models/8gaussians_small.h5", scratch / "point.csv")[0] for _ in range(30)]
        print(f"| `pathline density` of one point, process start to end: median of 30 | {1e3 * statistics.median(times):.0f} ms "
              f"| {FFJORD_DENSITY_SECONDS} s | {FFJORD_DENSITY_SECONDS / statistics.median(times):.0f} |")
        for tolerance in ("1e-5", "1e-9"):
            memory = run("train", root / "models/ffjord_8gaussians.toml", "-o", scratch / f"memory{tolerance}", "--iterations", 20,
                         "--precision", "double", "--rtol", tolerance, "--atol", tolerance, "--set", "solver.adjoint=backsolve")[1]
            print(f"| peak memory of training by backsolve at {tolerance} | {memory:.0f} MB | | |")


if __name__ == "__main__":
    main()
