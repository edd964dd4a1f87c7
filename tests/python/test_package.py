"""The package as a whole: docstrings, the programs of the documentation, speed, the wheel."""
import doctest
import importlib
import importlib.util
import inspect
import os
import pkgutil
import re
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest

import pathline

from conftest import MOONS, SOURCE

HAS_TORCH = importlib.util.find_spec("torch") is not None
MODULES = ["pathline", *(f"pathline.{module.name}" for module in pkgutil.iter_modules(pathline.__path__)
                         if module.name != "_core" and (HAS_TORCH or module.name != "torch"))]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_docstrings_run(name, monkeypatch):
    monkeypatch.chdir(SOURCE)
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert failed == 0
    assert tried > 0 or name not in ("pathline", "pathline.flow", "pathline.training", "pathline.sklearn")


def test_everything_public_has_a_docstring():
    for name in MODULES:
        module = importlib.import_module(name)
        assert module.__doc__, name
        for public in module.__all__:
            item = getattr(module, public)
            assert item.__doc__, f"{name}.{public}"
            for member, value in vars(item).items() if inspect.isclass(item) else ():
                if not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
                    assert value.__doc__, f"{name}.{public}.{member}"


def test_the_programs_of_the_documentation_run(monkeypatch, tmp_path):
    """Every program in README.md and docs/python.md, with trainings cut to two iterations."""
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 2))
    frame = pandas.DataFrame({"a": x[:, 0], "mass": np.abs(x[:, 1]), "phi": rng.uniform(-3, 3, 500),
                              "weight": rng.uniform(size=500)})
    train = pathline.train

    def short(*arguments, **options):
        if "recipe" in options:  # the first of its two stages has its own number of iterations
            options["settings"] = {**options.get("settings", {}), "objective.1.iterations": 1}
        options.pop("time", None)
        return train(*arguments, **{**options, "iterations": 2, "progress": False})

    monkeypatch.setattr(pathline, "train", short)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").symlink_to(SOURCE / "models")
    (tmp_path / "chains").mkdir()
    (tmp_path / "chains" / "run.paramnames").write_text("a\nb\n")
    np.savetxt(tmp_path / "chains" / "run_1.txt", np.column_stack([np.ones(500), np.zeros(500), x]))
    programs = 0
    for page in ["README.md", "docs/python.md"]:
        scope = {"x": x, "frame": frame, "pathline": pathline}
        for program in re.findall(r"```python\n(.*?)```", (SOURCE / page).read_text(), re.S):
            exec(compile(program, page, "exec"), scope)
            programs += 1
    assert programs >= 4


def fastest(function, repeats, times):
    """The least CPU time of one call, in seconds."""
    best = float("inf")
    for _ in range(repeats):
        begin = time.process_time()
        for _ in range(times):
            function()
        best = min(best, (time.process_time() - begin) / times)
    return best


def test_a_call_costs_little_above_the_core():
    """One point, in one step of Euler's method: all but the field's one evaluation is the way from Python and back."""
    flow = pathline.load(MOONS).with_options(stepper="euler", steps=1, threads=1)
    x = np.array([[0.5, 1.0]])
    assert fastest(lambda: flow.log_prob(x), 20, 200) < 100e-6  # 50 us above the core's own, of which one step is a part


def test_a_wheel_is_built_without_network_and_is_whole(tmp_path):
    build = os.environ["PATHLINE_BUILD"]
    done = subprocess.run([sys.executable, "-m", "pip", "wheel", str(SOURCE), "--no-index", "--wheel-dir", str(tmp_path),
                           "--config-settings", f"build-dir={build}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("pathline-*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        archive.extractall(site)
    names = {path.name for path in (site / "pathline").iterdir()}
    assert {"__init__.py", "py.typed", "_core.pyi", "sklearn.py"} <= names and "__pycache__" not in names
    program = f"import pathline; print(pathline.__file__, pathline.load({MOONS!r}).dim)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path,
                         env={**os.environ, "PYTHONPATH": str(site)})
    assert ran.stdout.split() == [str(site / "pathline" / "__init__.py"), "2"], ran.stderr
    installed = subprocess.run([sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--target",
                                str(tmp_path / "installed"), str(wheel)], capture_output=True, text=True)
    assert installed.returncode == 0, installed.stderr
