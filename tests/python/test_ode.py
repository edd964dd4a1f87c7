"""Initial value problems: solutions, gradients, functions of Python, PyTorch, regression."""
import pickle
import signal
import threading
import time

import h5py
import numpy as np
import pytest

import pathline

from conftest import start_interruptible

TIGHT = {"rtol": 1e-10, "atol": 1e-10}
EQUAL = {"steps": 40}  # whose error, h^5, changes smoothly, so that differences see none of it


def field_in_numpy(field):
    """The formula of concatsquash layers in NumPy, from the parameters' names (Grathwohl et al. 2019, appendix)."""
    arrays = {name: field.theta[offset:offset + rows * cols].reshape(rows, cols)
              for name, (rows, cols), offset in field.parameters}
    layers = 1 + max(int(name.split(".")[1]) for name in arrays)

    def value(t, z):
        for i in range(layers):
            part = {name.split(".", 2)[2]: array for name, array in arrays.items() if name.split(".")[1] == str(i)}
            gate = 1 / (1 + np.exp(-(part["_hyper_gate.weight"] * t + part["_hyper_gate.bias"])))
            z = (z @ part["_layer.weight"].T + part["_layer.bias"].T) * gate.T + (part["_hyper_bias.weight"] * t).T
            z = np.tanh(z) if i + 1 < layers else z
        return z

    return value


def test_an_mlp_is_its_formula():
    field = pathline.Mlp(3, hidden=[7, 5], seed=4)
    z = np.random.default_rng(0).normal(size=(6, 3))
    np.testing.assert_allclose(field(0.7, z), field_in_numpy(field)(0.7, z), rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(field(0.7, z[0]), field(0.7, z[:1])[0])
    assert not np.array_equal(field(0.7, z), pathline.Mlp(3, hidden=[7, 5], seed=5)(0.7, z))
    assert np.array_equal(field.theta, pathline.Mlp(3, hidden=[7, 5], seed=4).theta)


def test_a_library_field_and_a_function_have_one_solution():
    field = pathline.Mlp(2, hidden=[8], seed=1)
    z0, times = np.random.default_rng(1).normal(size=(5, 2)), [0.0, 0.4, 1.5]
    states = pathline.odeint(field, z0, times, **TIGHT)
    assert states.shape == (3, 5, 2)
    np.testing.assert_array_equal(states[0], z0)
    np.testing.assert_allclose(states, pathline.odeint(field_in_numpy(field), z0, times, **TIGHT), atol=1e-8)
    back = pathline.odeint(field, states[-1], times[::-1], **TIGHT)
    np.testing.assert_allclose(back[-1], z0, atol=1e-8)  # a decreasing time


def test_one_state_has_no_axis_for_the_rows():
    turn = pathline.odeint(lambda t, z: z[:, ::-1] * [1, -1], [1.0, 0.0], [0, np.pi / 2], **TIGHT)
    assert turn.shape == (2, 2)
    np.testing.assert_allclose(turn[1], [0, -1], atol=1e-8)


def test_threads_and_layouts_do_not_change_a_bit():
    field, times = pathline.Mlp(2, seed=1), [0.0, 1.0]
    z0 = np.random.default_rng(1).normal(size=(300, 2)).astype(np.float32).astype(float)
    expected = pathline.odeint(field, z0, times, threads=1)
    for threads in [2, 3, None]:
        np.testing.assert_array_equal(pathline.odeint(field, z0, times, threads=threads), expected)
    for same in [np.asfortranarray(z0), z0.astype(np.float32), np.repeat(z0, 2, axis=0)[::2], z0.tolist()]:
        np.testing.assert_array_equal(pathline.odeint(field, same, np.array(times, dtype=np.float32)), expected)


def difference(loss, x, step=1e-5):
    """Central differences of a loss by an array, whose error is of the order step^2."""
    out = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        high, low = x.copy(), x.copy()
        high[i] += step
        low[i] -= step
        out[i] = (loss(high) - loss(low)) / (2 * step)
    return out


@pytest.mark.parametrize("adjoint", ["discrete", "checkpointed", "backsolve"])
def test_the_gradient_of_a_library_field_is_that_of_differences(adjoint):
    field = pathline.Mlp(2, hidden=[4], condition_dim=1, seed=1)
    rng = np.random.default_rng(2)
    z0, c, times, weight = rng.normal(size=(3, 2)), rng.normal(size=(3, 1)), np.array([0.0, 0.3, 0.8]), rng.normal(size=(3, 3, 2))

    def loss(z0=z0, c=c, times=times, theta=field.theta):
        other = pathline.Mlp(2, hidden=[4], condition_dim=1)
        other.theta = theta
        return (weight * pathline.odeint(other, z0, times, c, **EQUAL)).sum()

    _, pullback = pathline.odeint_vjp(field, z0, times, c, adjoint=adjoint, **EQUAL)
    gradient = pullback(weight)
    tolerance = {"rtol": 1e-6, "atol": 1e-7}  # of the differences: step^2 and rounding over the step
    np.testing.assert_allclose(gradient.z0, difference(lambda x: loss(z0=x), z0), **tolerance)
    np.testing.assert_allclose(gradient.condition, difference(lambda x: loss(c=x), c), **tolerance)
    np.testing.assert_allclose(gradient.theta, difference(lambda x: loss(theta=x), field.theta), **tolerance)
    # By the first time at fixed z(t0), and the sum over all times is that of a shift of an autonomous field only.
    np.testing.assert_allclose(gradient.times, difference(lambda x: loss(times=x), times), **tolerance)


def test_the_gradient_of_a_function_has_its_parameters_and_times():
    """dz/dt = a z cos(t): z(t) = z0 exp(a (sin t - sin t0))."""
    a, t0, t1 = 0.7, 0.2, 1.3
    z0 = np.array([[1.0], [2.0]])

    def vjp(t, z, f_bar):
        return f_bar * a * np.cos(t), [(f_bar * z * np.cos(t)).sum()], (-f_bar * a * z * np.sin(t)).sum()

    for extra in [{"parameters": 1}, {}]:
        def here(t, z, f_bar):
            z_bar, theta_bar, t_bar = vjp(t, z, f_bar)
            return z_bar, theta_bar if extra else None, t_bar

        states, pullback = pathline.odeint_vjp(lambda t, z: a * z * np.cos(t), z0, [t0, t1], vjp=here, **extra, **TIGHT)
        np.testing.assert_allclose(states[1], z0 * np.exp(a * (np.sin(t1) - np.sin(t0))), rtol=1e-8)
        gradient = pullback(np.array([[[0.0], [0.0]], [[1.0], [1.0]]]))
        growth = np.exp(a * (np.sin(t1) - np.sin(t0)))
        np.testing.assert_allclose(gradient.z0, np.full((2, 1), growth), rtol=1e-8)
        np.testing.assert_allclose(gradient.times, [-3 * growth * a * np.cos(t0), 3 * growth * a * np.cos(t1)], rtol=1e-7)
        if extra:
            np.testing.assert_allclose(gradient.theta, [3 * growth * (np.sin(t1) - np.sin(t0))], rtol=1e-8)
        else:
            assert gradient.theta.shape == (0,)


def test_a_field_that_changes_after_the_solve_does_no_harm():
    field = pathline.Mlp(2, hidden=[4], seed=1)
    _, pullback = pathline.odeint_vjp(field, np.ones((2, 2)), [0.0, 1.0])
    expected = pullback(np.ones((2, 2, 2))).theta
    field.theta = np.zeros_like(field.theta)
    np.testing.assert_array_equal(pullback(np.ones((2, 2, 2))).theta, expected)


@pytest.mark.parametrize("arguments, words", [
    ({"z0": np.zeros((0, 2))}, "shape"),
    ({"z0": np.zeros((2, 3))}, "shape"),
    ({"z0": np.zeros((1, 2, 2))}, "shape"),
    ({"z0": 1.0}, "shape"),
    ({"z0": [["a", "b"]]}, "numbers"),
    ({"z0": np.zeros((2, 2), dtype=complex)}, "real"),
    ({"z0": [[0.0, np.nan]]}, "row 1, column 2"),
    ({"times": []}, "times"),
    ({"times": [0.0, np.nan]}, "finite"),
    ({"times": [0.0, 0.0]}, r"times\[1\]"),
    ({"times": [[0.0], [1.0]]}, "times"),
    ({"times": "now"}, "times"),
    ({"condition": [[1.0]]}, "no condition"),
    ({"stepper": "dopri6"}, "stepper"),
    ({"rtol": -1}, "rtol"),
    ({"tile": 0}, "tile"),
    ({"threads": -1}, "threads"),
    ({"steps": "many"}, "steps"),
    ({"field": 3}, "expected an Mlp"),
])
def test_what_cannot_be_solved_is_an_input_error(arguments, words):
    given = {"field": pathline.Mlp(2, hidden=[4]), "z0": np.zeros((2, 2)), "times": [0.0, 1.0], **arguments}
    with pytest.raises(pathline.InputError, match=words):
        pathline.odeint(**given)
    with pytest.raises(pathline.InputError, match=words):
        pathline.odeint_vjp(**given)


@pytest.mark.parametrize("returned, words", [(None, "field"), ("text", "numbers"), (np.zeros((3, 2)), "shape"),
                                             (np.zeros(2), "shape")])
def test_what_a_function_may_not_return_is_an_input_error(returned, words):
    with pytest.raises(pathline.InputError, match=words):
        pathline.odeint(lambda t, z: returned, np.zeros((2, 2)), [0.0, 1.0])


def test_what_a_function_raises_is_raised():
    def fail(t, z):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        pathline.odeint(fail, np.zeros((2, 2)), [0.0, 1.0])
    with pytest.raises(KeyError, match="mine"):
        pathline.odeint_vjp(lambda t, z: z, np.zeros((2, 2)), [0.0, 1.0], vjp=lambda *_: fail(0, 0))[1](np.zeros((2, 2, 2)))
    with pytest.raises(pathline.InputError, match="vjp"):
        pathline.odeint_vjp(lambda t, z: z, np.zeros((2, 2)), [0.0, 1.0])[1](np.zeros((2, 2, 2)))
    with pytest.raises(pathline.InputError, match="states_bar"):
        pathline.odeint_vjp(pathline.Mlp(2), np.zeros((2, 2)), [0.0, 1.0])[1](np.zeros((2, 2)))


def test_a_solve_that_fails_is_a_numerical_error():
    with pytest.raises(pathline.NumericalError):
        pathline.odeint(lambda t, z: z**2, [[1.0]], [0.0, 2.0], max_steps=1000)  # z = 1 / (1 - t) has a pole at 1
    with pytest.raises(pathline.NumericalError):
        pathline.odeint(lambda t, z: z * np.nan, [[1.0]], [0.0, 2.0])


def test_wrong_parameters_are_refused():
    field = pathline.Mlp(2, hidden=[4])
    for bad in [np.zeros(3), "text", np.zeros((1, len(field.theta))), np.full(len(field.theta), np.nan)]:
        with pytest.raises(pathline.InputError, match="theta"):
            field.theta = bad
    for arguments in [{"dim": 0}, {"dim": 2, "hidden": [0]}, {"dim": 2, "hidden": 3}, {"dim": 2, "layer": "none"}, {"dim": 2, "activation": "x"},
                      {"dim": 2, "seed": -1}]:
        with pytest.raises(pathline.InputError):
            pathline.Mlp(**arguments)


def test_the_gil_is_free_while_a_library_field_is_solved():
    field, z0 = pathline.Mlp(2, seed=1), np.random.default_rng(0).normal(size=(20_000, 2))
    done = threading.Event()

    def solve():
        pathline.odeint(field, z0, [0.0, 1.0], threads=1)
        done.set()

    thread = threading.Thread(target=solve)
    thread.start()
    counted = 0
    while not done.is_set():
        counted += 1
        time.sleep(0.001)
    thread.join()
    assert counted > 20


ENDLESS = """
import numpy as np, pathline
def f(t, z):
    print("begun", flush=True)
    return np.sin(1e6 * t) * z
pathline.odeint(f, [[1.0]], [0.0, 1e9], max_steps=10**9)
"""


def test_ctrl_c_ends_a_solve_of_a_function():
    child = start_interruptible(ENDLESS)
    assert child.stdout.readline() == "begun\n"
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode != 0 and "KeyboardInterrupt" in err


# --- regression ---


def cubic(n=40):
    x = np.linspace(-2, 2, n)
    return x, x**3 - x


def test_a_neural_ode_is_that_of_the_command(run_tool, tmp_path):
    x, y = cubic()
    np.savetxt(tmp_path / "t.csv", np.column_stack([x, y]), delimiter=",", header="x,y", comments="", fmt="%.17g")
    run_tool("fit", tmp_path / "t.csv", "--target", "y", "--hidden", "8", "--iterations", "40", "--seed", "3",
             "--augmented", "1", "-o", tmp_path / "tool.h5", "--quiet")
    model = pathline.NeuralOde(hidden=[8], iterations=40, seed=3, augmented=1).fit(x, y, inputs=["x"], targets=["y"])
    model.save(tmp_path / "python.h5")
    with h5py.File(tmp_path / "tool.h5") as tool, h5py.File(tmp_path / "python.h5") as python:
        assert set(tool) == set(python) and dict(tool.attrs).keys() == dict(python.attrs).keys()
        for name in tool:
            np.testing.assert_array_equal(tool[name][()], python[name][()], err_msg=name)
    run_tool("predict", tmp_path / "python.h5", tmp_path / "t.csv", "-o", tmp_path / "p.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy")[:, 1], model.predict(x))
    np.testing.assert_array_equal(pathline.NeuralOde.load(tmp_path / "tool.h5").predict(x)[:, 0], model.predict(x))


def test_a_neural_ode_learns_and_is_pickled():
    x, y = cubic()
    model = pathline.NeuralOde(hidden=[16], augmented=1, iterations=400, seed=1).fit(x, y)
    assert np.mean((model.predict(x) - y) ** 2) < 0.05 * np.var(y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert (model.inputs, model.targets) == (["x1"], ["y1"]) and model.theta.ndim == 1
    np.testing.assert_array_equal(pathline.NeuralOde(hidden=[16], augmented=1, iterations=400, seed=1, threads=2)
                                  .fit(x[:, None], y[:, None]).predict(x)[:, 0], model.predict(x))


def test_a_frame_is_predicted_by_the_names_of_its_columns():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame({"a": rng.normal(size=50), "b": rng.normal(size=50)})
    model = pathline.NeuralOde(hidden=[4], iterations=5).fit(frame, frame["a"] - frame["b"])
    assert model.inputs == ["a", "b"]
    np.testing.assert_array_equal(model.predict(frame[["b", "a"]]), model.predict(frame))
    with pytest.raises(pathline.InputError, match="'b'"):
        model.predict(frame[["a"]])


@pytest.mark.parametrize("x, y, options, words", [
    (np.zeros((0, 1)), np.zeros(0), {}, "rows"),
    (np.zeros(3), np.zeros(4), {}, "rows"),
    ([0.0, np.nan], [0.0, 1.0], {}, "row 2"),
    ([0.0, 1.0], [np.inf, 1.0], {}, "row 1"),
    ([0.0, 1.0], [0.0, 1.0], {"hidden": [0]}, "hidden"),
    ([0.0, 1.0], [0.0, 1.0], {"activation": "none"}, "activation"),
    ([0.0, 1.0], [0.0, 1.0], {"model": "mlp"}, "mlp"),
    ([0.0, 1.0], [0.0, 1.0], {"readout": "last"}, "readout"),
    ([0.0, 1.0], [0.0, 1.0], {"iterations": -1}, "iterations"),
    ([0.0, 1.0], [0.0, 1.0], {"learning_rate": "fast"}, "learning_rate"),
    ([0.0, 1.0], [0.0, 1.0], {"rtol": 0.0}, "rtol"),
    ([0.0, 1.0], [0.0, 1.0], {"seed": -1}, "seed"),
])
def test_what_cannot_be_fitted_is_an_input_error(x, y, options, words):
    with pytest.raises(pathline.InputError, match=words):
        pathline.NeuralOde(**{"iterations": 2, **options}).fit(x, y)


def test_a_model_that_is_not_trained_predicts_nothing(tmp_path):
    for use in [lambda m: m.predict([1.0]), lambda m: m.save(tmp_path / "m.h5"), lambda m: m.theta]:
        with pytest.raises(pathline.InputError, match="fit"):
            use(pathline.NeuralOde())
    with pytest.raises(pathline.InputError):
        pathline.NeuralOde.load(tmp_path / "missing.h5")
    model = pathline.NeuralOde(hidden=[4], iterations=1).fit([0.0, 1.0], [1.0, 2.0])
    for bad in [np.zeros((2, 2)), [np.nan], [["a"]]]:
        with pytest.raises(pathline.InputError):
            model.predict(bad)
    assert model.predict(np.zeros((0, 1))).shape == (0,)


def test_progress_of_a_fit_is_reported_and_may_end_it():
    x, y = cubic()
    seen = []
    pathline.NeuralOde(hidden=[4], iterations=20).fit(x, y, progress=seen.append)
    assert seen[-1]["iteration"] == 20 and seen[-1]["loss"] > 0

    def stop(state):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        pathline.NeuralOde(hidden=[4], iterations=10**7).fit(x, y, progress=stop)


def test_what_is_masked_and_what_is_complex_is_refused():
    with pytest.raises(pathline.InputError, match="z0: row 1, column 2 is not finite"):
        pathline.odeint(lambda t, z: -z, np.ma.masked_array([1.0, 5.0], mask=[0, 1]), [0.0, 1.0])
    with pytest.raises(pathline.InputError, match="field: expected to return real numbers, found complex ones"):
        pathline.odeint(lambda t, z: 1j * z, [1.0], [0.0, 1.0])
    states, pullback = pathline.odeint_vjp(lambda t, z: -z, [1.0], [0.0, 1.0], vjp=lambda t, z, f_bar: (-1j * f_bar,))
    with pytest.raises(pathline.InputError, match="vjp: expected to return real numbers, found complex ones"):
        pullback(np.ones_like(states))
