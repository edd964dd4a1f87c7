"""The types of the package, by mypy."""
import subprocess
import sys

import pytest

pytest.importorskip("mypy")


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A directory with mypy's settings, and one cache for all tests. The types of PyTorch alone would take minutes."""
    made = tmp_path_factory.mktemp("types")
    (made / "mypy.ini").write_text(f"[mypy]\nignore_missing_imports = True\ncache_dir = {made}/cache\n"
                                   "[mypy-torch.*,sklearn.*,matplotlib.*,pandas.*,IPython.*]\nfollow_imports = skip\n")
    return made


def run_module(*arguments, cwd):
    return subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, cwd=cwd)


def test_the_stubs_are_those_of_the_module(directory):
    by_metaclass = ["Flow", "Recipe", "Field", "Field.__init__", "Odeint", "Regression"]  # pybind11's
    (directory / "allowed").write_text("".join(f"pathline._core.{name}\n" for name in by_metaclass))
    done = run_module("mypy.stubtest", "pathline._core", "--mypy-config-file", "mypy.ini", "--allowlist", "allowed",
                      cwd=directory)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_types_of_the_package_hold(directory):
    done = run_module("mypy", "--disallow-untyped-defs", "-p", "pathline", cwd=directory)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_types_of_a_program_are_checked(directory):
    (directory / "use.py").write_text("import pathline\nflow = pathline.load(3)\n")
    done = run_module("mypy", "use.py", cwd=directory)
    assert 'Argument 1 to "load" has incompatible type "int"' in done.stdout
