"""Evaluation: shapes, layouts, memory, errors, options, files."""
import concurrent.futures
import importlib.util
import json
import multiprocessing
import pathlib
import pickle
import signal
import threading
import time

import numpy as np
import pytest

import pathline

from conftest import MOONS


def test_layouts_and_types_give_the_same_bits(moons):
    x = moons.sample(500, seed=1).astype(np.float32).astype(np.float64)
    expected = moons.log_prob(x)
    wide = np.zeros((500, 5))
    wide[:, 1:3] = x
    for same in [x.astype(np.float32), np.asfortranarray(x), wide[:, 1:3], x[::-1][::-1], x.tolist(),
                 x.astype(">f8"), x.astype(np.longdouble), np.ma.array(x)]:
        np.testing.assert_array_equal(moons.log_prob(same), expected)


def test_unaligned_and_read_only_arrays_are_taken(moons):
    x = moons.sample(10)
    unaligned = np.frombuffer(b"\0" + x.tobytes(), dtype=np.uint8)[1:].view(np.float64).reshape(10, 2)
    x.flags.writeable = False
    np.testing.assert_array_equal(moons.log_prob(unaligned), moons.log_prob(x))


def test_points_in_c_order_are_not_copied(moons):
    """The peak of memory is that of the result and one part, for arrays of 16 and 8 MB."""
    import resource

    fast = moons.with_options(stepper="euler", steps=1, threads=1)
    fast.log_prob(np.zeros((1 << 17, 2)))
    for kind in [np.float32, np.float64]:  # the smaller first: what it leaves free would hide a copy
        x = np.zeros((1_000_000, 2), dtype=kind)
        x[:] = 0.5
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        fast.log_prob(x)
        grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        assert grown < 8_000_000 + 6_000_000  # the result has 8 MB, the parts of 65,536 points a few; a copy has 16 MB


def test_one_point_has_no_axis_for_the_rows(moons):
    x = moons.sample(3)
    one = moons.log_prob(x[0])
    assert isinstance(one, float) and one == moons.log_prob(x[:1])[0]
    assert moons.score(x[0]).shape == (2,) and moons.transform(x[0]).shape == (2,)
    assert moons.inverse_transform([0.0, 0.0]).shape == (2,)


def test_no_points_give_empty_arrays(moons):
    assert moons.log_prob(np.zeros((0, 2))).shape == (0,)
    assert moons.score(np.zeros((0, 2))).shape == (0, 2)
    assert moons.transform(np.zeros((0, 2))).shape == (0, 2)
    assert moons.sample(0).shape == (0, 2)


@pytest.mark.parametrize("bad", [np.zeros((3, 3)), np.zeros(3), 1.0, np.zeros((1, 2, 2)), np.zeros((2, 0)), "text",
                                 [["a", "b"]], np.zeros((3, 2), dtype=complex), None, [[1.0, 2.0], [3.0]]])
def test_what_are_no_points_is_an_input_error(moons, bad):
    for function in [moons.log_prob, moons.score, moons.transform, moons.inverse_transform]:
        with pytest.raises(pathline.InputError):
            function(bad)


@pytest.mark.parametrize("function", ["log_prob", "score", "transform", "inverse_transform"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_names_its_row(moons, function, bad):
    x = moons.sample(100)
    x[77, 1] = bad
    with pytest.raises(pathline.InputError, match="point 78, column 2") as caught:
        getattr(moons, function)(x)
    assert caught.value.row == 77
    assert isinstance(caught.value, ValueError)


def test_rows_are_named_beyond_the_first_part(moons):
    x = np.zeros((70_000, 2))
    x[66_000, 0] = np.nan
    with pytest.raises(pathline.InputError) as caught:
        moons.with_options(stepper="euler", steps=1).log_prob(x)
    assert caught.value.row == 66_000


def test_a_failed_solve_names_its_row_and_what_to_try(moons):
    few = moons.with_options(max_steps=2)
    with pytest.raises(pathline.NumericalError, match="step limit") as caught:
        few.log_prob(moons.sample(3))
    assert caught.value.row == 0
    assert isinstance(caught.value, ArithmeticError)


def test_results_own_their_memory():
    flow = pathline.load(MOONS)
    x = flow.sample(1000, seed=1)
    log_p, slope = flow.log_prob(x), flow.score(x)
    copies = x.copy(), log_p.copy(), slope.copy()
    del flow
    np.empty(10_000_000)[:] = 1
    for array, copy in zip((x, log_p, slope), copies):
        assert array.flags.owndata and array.flags.writeable
        np.testing.assert_array_equal(array, copy)


def test_parts_and_threads_do_not_change_a_bit(moons):
    x = np.tile(moons.sample(1000), (70, 1))  # 70,000 points, two parts
    coarse = moons.with_options(rtol=1e-2, atol=1e-2)
    everywhere = coarse.log_prob(x)
    np.testing.assert_array_equal(everywhere[65_536:], coarse.log_prob(x[65_536:]))
    for threads in [1, 2, 3]:
        np.testing.assert_array_equal(coarse.with_options(threads=threads).log_prob(x), everywhere)
    np.testing.assert_array_equal(coarse.sample(70_000, seed=9)[:640], coarse.sample(640, seed=9))


def test_the_score_is_the_gradient_of_log_prob():
    flow = pathline.load(MOONS, precision="double").with_options(rtol=1e-10, atol=1e-10)
    x = flow.sample(20, seed=4)
    step = 1e-4
    for column in range(2):
        shift = step * np.eye(2)[column]
        difference = (flow.log_prob(x + shift) - flow.log_prob(x - shift)) / (2 * step)
        # The error of central differences, h^2 / 6 times the third derivative (1e3 near the edges), and of the solves.
        np.testing.assert_allclose(flow.score(x)[:, column], difference, atol=1e-2, rtol=1e-4)


def test_the_density_is_that_of_the_base_times_the_jacobian():
    flow = pathline.load(MOONS, precision="double").with_options(rtol=1e-10, atol=1e-10)
    x, log_p = flow.sample(50, seed=3, log_prob=True)
    np.testing.assert_allclose(flow.log_prob(x), log_p, atol=1e-6)
    z = flow.transform(x)
    np.testing.assert_allclose(flow.inverse_transform(z), x, atol=1e-7)
    h = 1e-5
    columns = [(flow.transform(x + h * np.eye(2)[i]) - flow.transform(x - h * np.eye(2)[i])) / (2 * h) for i in range(2)]
    jacobian = columns[0][:, 0] * columns[1][:, 1] - columns[0][:, 1] * columns[1][:, 0]
    base = -0.5 * (z**2).sum(axis=1) - np.log(2 * np.pi)
    np.testing.assert_allclose(base + np.log(np.abs(jacobian)), log_p, atol=1e-4)  # differences of second order


def test_conditions_are_arrays_rows_or_names(posterior):
    x = np.linspace(0, 5, 7)
    expected = posterior.log_prob(x, np.full((7, 1), 2.0))
    for same in [[2.0], 2.0, {"c1": 2.0}, np.full(7, 2.0), np.full((7, 1), 2.0, dtype=np.float32)]:
        np.testing.assert_array_equal(posterior.log_prob(x, same), expected)
        np.testing.assert_array_equal(posterior.score(x, same), posterior.score(x, np.full((7, 1), 2.0)))
    assert posterior.sample(5, [1.0]).shape == (5, 1)
    z = posterior.transform(x, [2.0])
    np.testing.assert_allclose(posterior.inverse_transform(z, [2.0])[:, 0], x, atol=1e-3)


@pytest.mark.parametrize("condition, words", [(None, "needs"), (np.zeros((3, 1)), "3 rows"), (np.zeros((7, 2)), "shape"),
                                              ({"mass": 1.0}, "no condition 'mass'"), ({}, "missing"),
                                              ([np.nan], "finite")])
def test_a_wrong_condition_is_refused(posterior, condition, words):
    with pytest.raises(pathline.InputError, match=words):
        posterior.log_prob(np.zeros(7), condition)


def test_a_condition_for_a_flow_without_one_is_refused(moons):
    with pytest.raises(pathline.InputError, match="no condition"):
        moons.log_prob([[0.0, 0.0]], [1.0])


def test_frames_are_taken_by_name(moons, posterior):
    pandas = pytest.importorskip("pandas")
    x = moons.sample(20)
    frame = pandas.DataFrame({"x2": x[:, 1], "label": ["a"] * 20, "x1": x[:, 0]})
    np.testing.assert_array_equal(moons.log_prob(frame), moons.log_prob(x))
    with pytest.raises(pathline.InputError, match="no column 'x1'"):
        moons.log_prob(frame[["x2", "label"]])
    both = pandas.DataFrame({"c1": [1.0, 2.0], "energy": [3.0, 4.0]})
    np.testing.assert_array_equal(posterior.log_prob(both), posterior.log_prob([3.0, 4.0], [[1.0], [2.0]]))


def test_a_row_of_a_frame_is_taken_by_name(moons, posterior):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x2": [1.0, 0.5], "other": 7.0, "x1": [0.0, 2.0]})
    assert moons.log_prob(frame.iloc[1]) == pytest.approx(moons.log_prob([2.0, 0.5]), abs=1e-4)  # the tile's tolerance
    both = pandas.DataFrame({"c1": [1.0, 2.0], "energy": [3.0, 4.0]})
    assert posterior.log_prob(both.iloc[1]) == pytest.approx(posterior.log_prob([4.0], [2.0]), abs=1e-4)
    assert moons.log_prob(pandas.Series([2.0, 0.5])) == moons.log_prob([2.0, 0.5])
    with pytest.raises(pathline.InputError, match="x: has no column 'x1'; its columns are x2, other"):
        moons.log_prob(frame.iloc[1][["x2", "other"]])


def test_a_column_that_is_there_twice_is_refused(moons):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([[0.0, 1.0, 2.0]], columns=["x1", "x2", "x1"])
    with pytest.raises(pathline.InputError, match="x: has 2 columns 'x1'; expected one"):
        moons.log_prob(frame)


def overcommits():
    try:
        return pathlib.Path("/proc/sys/vm/overcommit_memory").read_text().strip() == "1"
    except OSError:
        return False


@pytest.mark.skipif(overcommits(), reason="this system promises any memory")
def test_more_samples_than_the_memory_holds_are_named(moons):
    with pytest.raises(MemoryError, match="^n = 1000000000000: .*fewer samples"):
        moons.sample(10**12)


@pytest.mark.parametrize("evaluate", [pathline.Flow.log_prob, pathline.Flow.score, pathline.Flow.transform])
def test_a_signal_is_seen_during_an_evaluation(moons, evaluate):
    """Signals wait for the interpreter: without a look for them between the parts, a whole evaluation sees but one."""
    fast = moons.with_options(stepper="euler", steps=1, threads=1)
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
    signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
    try:
        result = evaluate(fast, np.zeros((5 * 2**14, 2)))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(seen) >= 5  # after each of the five parts, which take longer than the timer
    np.testing.assert_array_equal(result[-1], result[0])


def test_what_is_behind_a_mask_is_no_point_of_the_base(moons):
    z = np.ma.masked_array([[0.0, 1.0], [2.0, 3.0]], mask=[[0, 0], [0, 1]])
    with pytest.raises(pathline.InputError, match="point 2, column 2: nan") as caught:
        moons.inverse_transform(z)
    assert caught.value.row == 1
    assert np.array_equal(moons.inverse_transform([[0, 1]]), moons.inverse_transform(np.array([[0.0, 1.0]])))


@pytest.mark.parametrize("call, words", [
    (lambda moons: moons.sample(1.5), "n = 1.5: must be an integer"),
    (lambda moons: moons.sample(2**70), "n = 1180591620717411303424: must be <= 576460752303423487"),
    (lambda moons: moons.sample(1, seed=2**64), "seed = 18446744073709551616: must be <= 18446744073709551615"),
    (lambda moons: moons.sample(1, seed=None), "seed = None: must be an integer"),
    (lambda moons: moons.verify(seed=-1), "seed = -1: must be >= 0"),
    (lambda moons: pathline.Mlp(2, hidden=[0]), "hidden = 0: must be >= 1"),
    (lambda moons: pathline.odeint(lambda t, z: -z, [1.0], [0.0, 1.0], steps=0.5), "steps = 0.5: must be an integer"),
    (lambda moons: pathline.train("moons", threads="x"), "threads = 'x': must be an integer"),
    (lambda moons: pathline.train("moons", time="x"), "time = 'x': must be a number of seconds"),
    (lambda moons: pathline.train("moons", recipe=3), "recipe = 3: expected a file, its text or a dictionary"),
    (lambda moons: pathline.train("moons", settings=[1]), "settings = [1]: expected a dictionary by the names"),
    (lambda moons: pathline.train(np.eye(2), weights=1.0), "weights have the shape (); expected (n,)"),
])
def test_an_argument_of_another_type_is_an_input_error_in_one_sentence(moons, call, words):
    with pytest.raises(pathline.InputError) as caught:
        call(moons)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_tensor_that_is_no_array_says_why(moons):
    torch = pytest.importorskip("torch")
    x = torch.zeros((3, 2), requires_grad=True)
    for call in moons.log_prob, moons.score, lambda x: pathline.train(x, iterations=1):
        with pytest.raises(pathline.InputError, match="x: expected an array of numbers: .*detach"):
            call(x)


def test_options_are_checked(moons):
    with pytest.raises(pathline.InputError, match="unknown option 'rtoll'"):
        moons.with_options(rtoll=1)
    with pytest.raises(pathline.InputError, match="rtol"):
        moons.with_options(rtol=-1)
    with pytest.raises(pathline.InputError, match="tile"):
        moons.with_options(tile=0)
    with pytest.raises(pathline.InputError, match="threads"):
        moons.with_options(threads=-1)
    with pytest.raises(pathline.InputError, match="no effect"):
        moons.with_options(steps=10, rtol=1e-3)
    with pytest.raises(pathline.InputError, match="hutchinson"):
        moons.with_options(probes=4)
    with pytest.raises(pathline.InputError, match="stepper"):
        moons.with_options(stepper="dopri6")
    with pytest.raises(pathline.InputError, match="steps"):
        moons.with_options(steps="many")
    with pytest.raises(pathline.InputError, match="must be >= 0"):
        moons.sample(-1)
    with pytest.raises(pathline.InputError, match="seed = -1"):
        moons.sample(5, seed=-1)
    with pytest.raises(pathline.InputError, match="n = 2.5: must be an integer"):
        moons.sample(2.5)


HOSTILE = {
    "float16": lambda x: x.astype(np.float16),
    "big-endian": lambda x: x.astype(">f4"),
    "integers": lambda x: np.round(x).astype(np.int8),
    "booleans": lambda x: x > 0,
    "objects": lambda x: x.astype(object),
    "huge strides": lambda x: np.lib.stride_tricks.as_strided(
        np.repeat(x.ravel(), 1000), shape=x.shape, strides=(16000, 8000)),
    "negative strides": lambda x: x[::-1, ::-1],
    "no stride": lambda x: np.broadcast_to(x[0], x.shape),
    "Fortran order": np.asfortranarray,
    "transposed": lambda x: x.T.copy().T,
    "every other row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "a subclass": np.matrix,
    "masked": np.ma.array,
    "a buffer": lambda x: memoryview(np.ascontiguousarray(x)),
    "tuples": lambda x: tuple(map(tuple, x)),
    "memory-mapped": lambda x: x,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_any_layout_and_type_is_that_of_its_values(moons, kind, tmp_path):
    x = HOSTILE[kind](moons.sample(70, seed=2))
    if kind == "memory-mapped":
        np.save(tmp_path / "x.npy", x)
        x = np.load(tmp_path / "x.npy", mmap_mode="r")
    plain = np.array(np.asarray(x).tolist(), dtype=np.float64)
    for function in [moons.log_prob, moons.score, moons.transform, moons.inverse_transform]:
        np.testing.assert_array_equal(function(x), function(plain))


@pytest.mark.parametrize("bad", [np.array([[None, 1.0]], dtype=object), np.array([["1", "2"]], dtype=object).tolist(),
                                 np.zeros((3, 2), dtype="M8[s]"), np.zeros((2, 2, 0)), np.zeros((2**40, 0)),
                                 np.broadcast_to(np.nan, (3, 2)), {"x1": [1.0], "x2": [2.0]}, object(), [[]], [],
                                 np.zeros((0,)), np.zeros((0, 3)), (value for value in [1.0, 2.0])],
                         ids=lambda bad: type(bad).__name__)
def test_hostile_points_are_refused_or_taken_never_more(moons, bad):
    """Texts of numbers are numbers to NumPy; everything else here is an InputError, and nothing crashes."""
    if isinstance(bad, list) and bad == [["1", "2"]]:
        assert moons.log_prob(bad).shape == (1,)
        return
    for function in [moons.log_prob, moons.score, moons.transform, moons.inverse_transform]:
        with pytest.raises(pathline.InputError):
            function(bad)


def test_an_error_survives_its_way_from_another_process():
    for kind in [pathline.InputError, pathline.NumericalError]:
        again = pickle.loads(pickle.dumps(kind("row 3: is bad", 2)))
        assert type(again) is kind and (str(again), again.row) == ("row 3: is bad", 2)


def test_samples_are_a_chain_of_getdist(moons, tmp_path):
    moons.to_getdist(tmp_path / "moons", n=200, seed=4)
    chain = np.loadtxt(tmp_path / "moons_1.txt")
    x, log_p = moons.sample(200, seed=4, log_prob=True)
    np.testing.assert_array_equal(chain, np.column_stack([np.ones(200), -log_p, x]))
    assert (tmp_path / "moons.paramnames").read_text() == "x1\tx1\nx2\tx2\n"
    with pytest.raises(pathline.InputError, match="cannot write"):
        moons.to_getdist(tmp_path / "no" / "such", n=2)


def test_a_chain_of_getdist_is_read_back(moons, run_tool, tmp_path):
    """By pathline's own reader, and by GetDist where it is there."""
    root = tmp_path / "moons"
    moons.to_getdist(root, n=2000, seed=4)
    x, log_p = moons.sample(2000, seed=4, log_prob=True)
    run_tool("density", MOONS, root, "-o", tmp_path / "p.npy", "--quiet")
    # Both are within the tolerance of 1e-6 of each step, over some ten steps there and back, where slopes are up to 30.
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), log_p, atol=2e-3)
    again = pathline.train(root, weights="weight", iterations=2, progress=False)
    assert again.columns == ["x1", "x2"] and sum("chain of 1 file" in note for note in again.result.notes) == 1
    if importlib.util.find_spec("getdist"):
        from getdist import loadMCSamples

        chain = loadMCSamples(str(root), settings={"ignore_rows": 0})
        assert chain.getParamNames().list()[:2] == ["x1", "x2"]
        np.testing.assert_allclose(chain.getMeans()[:2], x.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(chain.loglikes, -log_p, rtol=1e-6)


def test_verify_passes_for_a_right_model_and_says_what_the_command_says(moons, run_tool, tmp_path):
    seen = []
    found = moons.verify(seed=3, progress=seen.append)
    assert found and found.passed and not found.failed and " passed" in str(found).splitlines()[-1]
    assert [check.name for check in found.checks] == [check.name for check in seen]  # NaN is not NaN
    assert found["integral"].figure < found["integral"].bound
    moons.save(tmp_path / "moons.h5")  # as verify does: its known answers are those of this build
    said = json.loads(run_tool("verify", tmp_path / "moons.h5", "--seed", "3", "--json"))
    assert [check.name for check in found.checks] == [row["name"] for row in said["checks"]]
    for check, row in zip(found.checks, said["checks"]):
        assert check.verdict == row["verdict"], check
        if check.name != "digest" and row["figure"] is not None:
            assert check.figure == row["figure"], check  # bit for bit: JSON keeps every digit
    with pytest.raises(KeyError, match="integral"):
        found["integrul"]


def test_verify_fails_for_data_of_another_distribution(moons):
    found = moons.verify(moons.sample(2000, seed=1) * 1.5, seed=1)
    assert not found and "FAILED" in str(found)
    assert {"energy distance", "coverage"} & {check.name for check in found.failed}
    for bad in [np.zeros((0, 2)), np.zeros((3, 3)), [[np.nan, 0.0]]]:
        with pytest.raises(pathline.InputError):
            moons.verify(bad)
    with pytest.raises(pathline.InputError, match="condition"):
        moons.verify(condition=[1.0])


def test_what_a_progress_function_of_verify_raises_is_raised(moons):
    def stop(check):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        moons.verify(progress=stop)


def test_hutchinson_is_an_estimate_of_the_exact_density(moons):
    x = moons.sample(2000)
    estimate = moons.with_options(trace="hutchinson", probes=2).log_prob(x)
    exact = moons.log_prob(x)
    assert 0 < np.abs(estimate - exact).max()
    spread = np.std(estimate - exact) / np.sqrt(len(x))
    assert abs(np.mean(estimate - exact)) < 5 * spread  # unbiased


def test_a_tile_of_one_does_not_look_at_the_neighbours(moons):
    x = moons.sample(64)
    alone = moons.with_options(tile=1)
    np.testing.assert_array_equal(alone.log_prob(x)[40:41], alone.log_prob(x[40:41]))


def test_saving_loading_and_pickling_keep_every_bit(moons, posterior, tmp_path):
    posterior.save(tmp_path / "given.h5")
    again = pathline.load(tmp_path / "given.h5")
    np.testing.assert_array_equal(again.log_prob([1.0], [2.0]), posterior.log_prob([1.0], [2.0]))
    coarse = moons.with_options(rtol=1e-3, atol=1e-3, threads=1)
    pickled = pickle.loads(pickle.dumps(coarse))
    x = moons.sample(100)
    np.testing.assert_array_equal(pickled.log_prob(x), coarse.log_prob(x))
    assert pickle.loads(pickle.dumps(posterior)).info["digest"] == posterior.info["digest"]
    assert pickle.loads(pickle.dumps(posterior)).result == posterior.result


def test_a_flow_in_double_stays_in_double_when_pickled():
    flow = pathline.load(MOONS, precision="double")
    again = pickle.loads(pickle.dumps(flow))
    assert again.info["precision"] == "double"
    np.testing.assert_array_equal(again.log_prob([[0.5, 1.0]]), flow.log_prob([[0.5, 1.0]]))


def test_files_that_are_no_models_are_refused(tmp_path):
    (tmp_path / "text.h5").write_text("no model")
    for bad in [tmp_path / "text.h5", tmp_path / "missing.h5", tmp_path]:
        with pytest.raises(pathline.InputError, match=str(tmp_path)):
            pathline.load(bad)
    with pytest.raises(pathline.InputError, match="cannot write"):
        pathline.load(MOONS).save(tmp_path / "no" / "such.h5")
    with pytest.raises(pathline.InputError, match="precision"):
        pathline.load(MOONS, precision="half")


def test_the_gil_is_free_while_a_density_is_evaluated(moons):
    flow = moons.with_options(threads=1)
    x = flow.sample(30_000)
    counted = 0
    done = threading.Event()

    def evaluate():
        flow.log_prob(x)
        done.set()

    thread = threading.Thread(target=evaluate)
    thread.start()
    while not done.is_set():
        counted += 1
        time.sleep(0.001)
    thread.join()
    assert counted > 20  # with the GIL held, this thread would have run once or twice


def test_threads_may_share_a_flow(moons):
    x = moons.sample(640)
    expected = moons.log_prob(x)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for got in pool.map(lambda _: moons.log_prob(x), range(32)):
            np.testing.assert_array_equal(got, expected)


def evaluate_in_child(model):
    flow = pathline.load(model)
    return flow.log_prob(flow.sample(200, seed=1))


def test_a_forked_process_does_not_hang(moons):
    expected = moons.log_prob(moons.sample(200, seed=1))  # starts OpenMP's threads
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for got in pool.map_async(evaluate_in_child, [MOONS] * 4).get(timeout=60):
            np.testing.assert_array_equal(got, expected)


def test_info_says_what_the_model_is(moons):
    info = moons.info
    assert info["columns"] == ["x1", "x2"] and info["dim"] == 2 and info["precision"] == "float"
    assert info["parameters"] > 1000 and "[model]" in info["recipe"]
    assert info["metrics"][-1]["validation_nll"] < 3
    assert repr(moons) == "<pathline.Flow of 2 columns: x1, x2>"


def test_the_corner_figure_has_a_panel_for_each_pair(moons, posterior, tmp_path):
    pytest.importorskip("matplotlib")
    figure = moons.plot(2000, data=moons.sample(500, seed=8))
    assert len(figure.axes) == 4
    figure.savefig(tmp_path / "corner.png")
    assert (tmp_path / "corner.png").stat().st_size > 5000
    assert len(posterior.plot(500, condition=[1.0]).axes) == 1
    with pytest.raises(pathline.InputError, match="shape"):
        moons.plot(100, data=np.zeros((5, 3)))


def test_data_that_are_not_finite_are_not_drawn(moons):
    pytest.importorskip("matplotlib")
    with pytest.raises(pathline.InputError, match="data: row 2 is not finite") as caught:
        moons.plot(n=100, data=[[0.0, 1.0], [np.nan, 0.0]])
    assert caught.value.row == 1
