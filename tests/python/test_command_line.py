"""The package and the command line give the same bits."""
import h5py
import numpy as np
import pytest

import pathline

from conftest import MOONS


def everything(file):
    """Every array and attribute of a model that decides its density, and the metrics."""
    found = {}
    with h5py.File(file) as model:
        def visit(name, node):
            if isinstance(node, h5py.Dataset) and name not in ("recipe", "metrics"):
                found[name] = node[()]
            found.update({f"{name}@{key}": value for key, value in node.attrs.items()})

        model.visititems(visit)
    return found


def assert_same_model(a, b):
    first, second = everything(a), everything(b)
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


@pytest.fixture
def table(blob, tmp_path):
    """A file (300, 4) with columns a, b, given and weight; and its parts as arrays."""
    rng = np.random.default_rng(1)
    rows = np.column_stack([blob, rng.uniform(size=300), rng.uniform(size=300)])
    np.savetxt(tmp_path / "table.csv", rows, delimiter=",", header="a,b,given,weight", comments="", fmt="%.17g")
    return tmp_path / "table.csv", rows


def test_training_on_an_array_is_that_on_a_file(run_tool, table, tmp_path):
    file, rows = table
    run_tool("train", file, "--columns", "a,b", "--iterations", "30", "--seed", "7", "-o", tmp_path / "tool", "--quiet")
    pathline.train(rows[:, :2], columns=["a", "b"], iterations=30, seed=7, directory=tmp_path / "python", progress=False)
    assert_same_model(tmp_path / "tool" / "model.h5", tmp_path / "python" / "model.h5")


def test_training_without_names_is_that_on_an_npy_file(run_tool, blob, tmp_path):
    np.save(tmp_path / "x.npy", blob)
    run_tool("train", tmp_path / "x.npy", "--iterations", "30", "-o", tmp_path / "tool", "--quiet")
    flow = pathline.train(blob, iterations=30, progress=False)
    flow.save(tmp_path / "python.h5")
    assert_same_model(tmp_path / "tool" / "model.h5", tmp_path / "python.h5")


def test_weights_and_conditions_are_those_of_the_file(run_tool, table, tmp_path):
    file, rows = table
    run_tool("train", file, "--condition", "given", "--weights", "weight", "--iterations", "30", "-o",
             tmp_path / "tool", "--quiet")
    by_array = pathline.train(rows[:, :2], rows[:, 3], columns=["a", "b"], iterations=30, progress=False,
                              condition=np.rec.fromarrays([rows[:, 2]], names="given"))
    by_array.save(tmp_path / "array.h5")
    assert_same_model(tmp_path / "tool" / "model.h5", tmp_path / "array.h5")
    by_path = pathline.train(file, "weight", "given", iterations=30, progress=False)
    by_path.save(tmp_path / "path.h5")
    assert_same_model(tmp_path / "tool" / "model.h5", tmp_path / "path.h5")


def test_a_recipe_is_that_of_the_file(run_tool, table, tmp_path):
    file, rows = table
    (tmp_path / "r.toml").write_text('[model]\nhidden = [16]\nactivation = "tanh"\nprecision = "double"\n'
                                     '[[objective]]\nkind = "flow_matching"\niterations = 10\n[[objective]]\n'
                                     '[train]\niterations = 20\nseed = 3\n')
    run_tool("train", tmp_path / "r.toml", "--data", file, "--columns", "a,b", "-o", tmp_path / "tool", "--quiet")
    nested = {"model": {"hidden": [16], "activation": "tanh", "precision": "double"},
              "objective": [{"kind": "flow_matching", "iterations": 10}, {}],
              "train.iterations": 20, "train": {"seed": 3}}
    for name, recipe in [("file", tmp_path / "r.toml"), ("text", (tmp_path / "r.toml").read_text()), ("dict", nested)]:
        pathline.train(rows[:, :2], columns=["a", "b"], recipe=recipe, progress=False).save(tmp_path / f"{name}.h5")
        assert_same_model(tmp_path / "tool" / "model.h5", tmp_path / f"{name}.h5")


def test_densities_and_samples_are_those_of_the_command(run_tool, moons, tmp_path):
    run_tool("sample", MOONS, "-n", "3000", "--seed", "5", "-o", tmp_path / "s.h5", "--log-density", "--quiet")
    with h5py.File(tmp_path / "s.h5") as file:
        samples, log_density = file["samples"][:], file["log_density"][:]
    x, log_p = moons.sample(3000, seed=5, log_prob=True)
    np.testing.assert_array_equal(x, samples)
    np.testing.assert_array_equal(log_p, log_density)
    run_tool("sample", MOONS, "-n", "3000", "--seed", "5", "-o", tmp_path / "plain.npy", "--quiet")
    np.testing.assert_array_equal(moons.sample(3000, seed=5), np.load(tmp_path / "plain.npy"))
    np.save(tmp_path / "x.npy", x)
    run_tool("density", MOONS, tmp_path / "x.npy", "-o", tmp_path / "p.npy", "--quiet")
    np.testing.assert_array_equal(moons.log_prob(x), np.load(tmp_path / "p.npy"))
    run_tool("density", MOONS, tmp_path / "x.npy", "-o", tmp_path / "e.npy", "--rtol", "1e-4", "--atol", "1e-4", "--quiet")
    np.testing.assert_array_equal(moons.with_options(rtol=1e-4, atol=1e-4).log_prob(x), np.load(tmp_path / "e.npy"))


def test_conditional_samples_are_those_of_the_command(run_tool, posterior, tmp_path):
    posterior.save(tmp_path / "given.h5")
    run_tool("sample", tmp_path / "given.h5", "-n", "100", "--condition", "1.5", "-o", tmp_path / "s.npy", "--quiet")
    np.testing.assert_array_equal(posterior.sample(100, [1.5])[:, 0], np.load(tmp_path / "s.npy"))


def test_a_model_of_the_package_is_one_for_the_command(run_tool, posterior, tmp_path):
    posterior.save(tmp_path / "given.h5")
    shown = run_tool("info", tmp_path / "given.h5")
    assert "dimension    1 (energy)" in shown and "condition    1 (c1)" in shown
