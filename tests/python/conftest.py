"""What the tests of the Python package share."""
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
MOONS = str(SOURCE / "models" / "moons.h5")


def start_interruptible(program, *arguments):
    """Starts a program of Python that Ctrl-C ends, even where these tests run in the background of a shell that ignores it."""
    return subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


@pytest.fixture
def moons():
    import pathline

    return pathline.load(MOONS)


@pytest.fixture
def run_tool():
    """Runs the command line; gives its standard output."""

    def run(*arguments):
        return subprocess.run([os.environ["PATHLINE_TOOL"], *map(str, arguments)], check=True, capture_output=True,
                              text=True).stdout

    return run


@pytest.fixture
def blob():
    """A correlated table (300, 2)."""
    x = np.random.default_rng(5).normal(size=(300, 2))
    return x @ [[1.0, 0.4], [0.0, 2.0]] + [3.0, -1.0]


@pytest.fixture
def posterior(blob):
    """A small conditional flow, p(x | mass)."""
    import pathline

    return pathline.train(blob[:, :1], condition=blob[:, 1:], iterations=20, columns=["energy"], progress=False)
