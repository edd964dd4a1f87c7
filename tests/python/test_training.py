"""Training: what it takes, what it refuses, how it reports and how it is stopped."""
import io
import math
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

import pathline

from conftest import start_interruptible

QUICK = {"iterations": 10, "progress": False}


def test_a_correlated_gaussian_is_learned():
    rng = np.random.default_rng(0)
    root = np.array([[2.0, 0.0], [1.0, 0.5]])
    x = rng.normal(size=(4000, 2)) @ root.T
    flow = pathline.train(x, iterations=300, progress=False)
    entropy = 1 + np.log(2 * np.pi) + np.log(np.linalg.det(root))
    assert flow.result.test.nll == pytest.approx(entropy, abs=5 * flow.result.test.nll_error + 0.03)
    np.testing.assert_allclose(np.cov(flow.sample(4000).T), root @ root.T, atol=0.4)


def test_weights_change_the_density():
    x = np.random.default_rng(0).uniform(-3, 3, 4000)
    flow = pathline.train(x, weights=np.where(x > 0, 1.0, 0.0), iterations=200, progress=False)
    assert (flow.sample(1000) > -0.3).mean() > 0.97
    assert any("weight" in note for note in flow.result.notes)


def test_bounds_and_periods_hold():
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.exponential(size=500) + 60, rng.uniform(-np.pi, np.pi, 500), rng.normal(size=500)])
    flow = pathline.train(x, columns=["mass", "phi", "z"], bounds={"mass": (60, np.inf)},
                          periods={"phi": (-np.pi, np.pi)}, **QUICK)
    drawn = flow.sample(2000)
    assert drawn[:, 0].min() >= 60 and np.abs(drawn[:, 1]).max() <= np.pi
    assert flow.log_prob([59.9, 0.0, 0.0]) == -np.inf
    np.testing.assert_allclose(flow.log_prob([61.0, -3.0, 0.0]), flow.log_prob([61.0, -3.0 + 2 * np.pi, 0.0]), atol=1e-4)
    text = flow.info["recipe"]
    assert "mass=60" in text and "phi=-3.14" in text
    again = pathline.train(x, columns=["mass", "phi", "z"], bounds={"mass": "60:"}, periods={"phi": "-pi:pi"}, **QUICK)
    np.testing.assert_array_equal(again.log_prob(x), flow.log_prob(x))


@pytest.mark.parametrize("arguments, words", [
    ({"bounds": {"x3": (0, 1)}}, "x3"), ({"bounds": {"x1": (1, 0)}}, "x1"), ({"bounds": {"x1": 3}}, "pair"),
    ({"bounds": {"x1": (0, 1, 2)}}, "pair"), ({"bounds": ["x1"]}, "dictionary"), ({"bounds": {"x1": (object(), 1)}}, "number"),
    ({"bounds": {"x1": (np.inf, None)}}, "x1"), ({"bounds": {"x1": (np.nan, None)}}, "x1"),
    ({"bounds": {"x1": (3.0, 3.5)}}, "x1"), ({"periods": {"x1": -1}}, "x1"), ({"periods": {"x1": "long"}}, "x1"),
    ({"periods": {"x1": np.nan}}, "x1"), ({"periods": {"x9": 1}}, "x9"), ({"periods": 3}, "dictionary"),
])
def test_wrong_bounds_and_periods_are_input_errors(blob, arguments, words):
    with pytest.raises(pathline.InputError, match=words):
        pathline.train(blob, **arguments, **QUICK)


def test_a_single_column_and_lists_are_taken():
    x = list(np.random.default_rng(0).normal(size=100))
    assert pathline.train(x, **QUICK).dim == 1
    assert pathline.train([[value, value**2] for value in x], **QUICK).columns == ["x1", "x2"]
    assert pathline.train((np.array(x) * 100).astype(int), **QUICK).dim == 1


def test_names_of_frames_and_structured_arrays_are_kept(blob):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(blob, columns=["energy", "theta"])
    flow = pathline.train(frame, **QUICK)
    assert flow.columns == ["energy", "theta"]
    assert pathline.train(np.rec.fromarrays(blob.T, names="energy,theta"), **QUICK).columns == ["energy", "theta"]
    assert pathline.train(frame["theta"], **QUICK).columns == ["theta"]
    assert pathline.train(frame, columns=["theta"], **QUICK).columns == ["theta"]
    given = pathline.train(frame, condition="theta", **QUICK)
    assert (given.columns, given.condition_columns) == (["energy"], ["theta"])
    given = pathline.train(frame["energy"], condition=frame["theta"], **QUICK)
    assert (given.columns, given.condition_columns) == (["energy"], ["theta"])
    np.testing.assert_array_equal(given.log_prob(frame), given.log_prob(blob[:, 0], blob[:, 1]))


def test_what_is_masked_or_missing_is_refused_and_not_read_from_behind_the_mask(blob):
    masked = np.ma.array(np.where(blob > 2, -999, blob), mask=blob > 2)
    assert masked.mask.any()
    with pytest.raises(pathline.InputError, match="nan: must be finite; data.drop_missing leaves such rows out"):
        pathline.train(masked, **QUICK)
    settings = {**QUICK, "settings": {**QUICK.get("settings", {}), "data.drop_missing": True}}
    flow = pathline.train(masked, **settings)
    whole = blob[~masked.mask.any(axis=1)]
    np.testing.assert_array_equal(flow.log_prob(blob), pathline.train(whole, **QUICK).log_prob(blob))
    with pytest.raises(pathline.InputError, match="nan: must be finite"):
        flow.log_prob(masked)
    np.testing.assert_array_equal(flow.log_prob(np.ma.array(blob)), flow.log_prob(blob))
    pandas = pytest.importorskip("pandas")
    counts = pandas.DataFrame({"n": pandas.array([1, 2, None] * 100, dtype="Int64"), "x": blob[:, 0]})
    with pytest.raises(pathline.InputError, match="row 3, column 1: nan"):
        pathline.train(counts, **QUICK)


def test_vectors_in_records_are_columns(blob):
    records = np.zeros(len(blob), dtype=[("t", "f8"), ("z", "f8", (2,)), ("name", "U3")])
    records["t"], records["z"] = blob[:, 0] ** 2, blob
    flow = pathline.train(records, **QUICK)
    assert flow.columns == ["t", "z_0", "z_1"]
    expected = flow.log_prob(np.column_stack([blob[:, 0] ** 2, blob]))
    np.testing.assert_array_equal(flow.log_prob(records), expected)


def test_fields_without_numbers_are_left_out_as_of_a_file(blob, tmp_path):
    records = np.zeros(len(blob), dtype=[("x", "f8"), ("name", "U3"), ("img", "f8", (2, 2)), ("when", "M8[s]"), ("c", "c16"),
                                         ("r", [("p", "f8")]), ("text", "U30"), ("v", "V3"), ("y", "f8")])
    records["x"], records["y"], records["name"], records["text"] = blob[:, 0], blob[:, 1], "abc", blob[:, 0] ** 2
    flow = pathline.train(records, **QUICK)  # was refused for the first of them
    assert flow.columns == ["x", "text", "y"]
    assert "fields without numbers are left out: name, img, when, c, r, v" in flow.result.notes
    rest = records[["x", "name", "img", "when", "c", "r", "v", "y"]]
    np.save(tmp_path / "a.npy", rest)
    from_file = pathline.train(tmp_path / "a.npy", **QUICK)
    assert any("fields without numbers are left out: name, img, when, c, r, v" in note for note in from_file.result.notes)
    np.testing.assert_array_equal(from_file.log_prob(blob), pathline.train(rest, **QUICK).log_prob(rest))
    with pytest.raises(pathline.InputError, match=r"x\['name'\]: expected an array of numbers"):
        pathline.train(records[["name", "img"]], **QUICK)
    with pytest.raises(pathline.InputError, match=r"x\['name'\]: expected an array of numbers"):
        pathline.train(records, columns=["x", "name"], **QUICK)


def test_a_field_that_the_model_does_not_use_may_hold_anything(blob):
    records = np.zeros(len(blob), dtype=[("x", "f8"), ("y", "f8"), ("img", "f8", (2, 2)), ("s", "U3", (2,)), ("z", "f4", (2,)),
                                         ("r", [("p", "f8")]), ("id", "i8")])
    records["x"], records["y"], records["z"], records["id"] = blob[:, 0], blob[:, 1], blob, 2**60 + 1
    flow = pathline.train(records, columns=["x", "y"], **QUICK)  # the image alone refused the array
    np.testing.assert_array_equal(flow.log_prob(records), flow.log_prob(blob))
    vectors = pathline.train(records, columns=["z_1", "x"], **QUICK)
    expected = vectors.log_prob(np.column_stack([records["z"][:, 1], blob[:, 0]]))
    np.testing.assert_array_equal(vectors.log_prob(records), expected)
    for used, words in [("img", r"x\['img'\] has the shape"), ("s_1", r"x\['s_1'\]: expected an array of numbers"),
                        ("r", "'r' holds records"), ("id", r"x\['id'\]: holds integers of 2\^53"), ("q", "'q'")]:
        with pytest.raises(pathline.InputError, match=words):
            pathline.train(records, columns=["x", used], **QUICK)
    given = pathline.train(records, columns=["x"], condition="y", **QUICK)
    assert (given.columns, given.condition_columns) == (["x"], ["y"])
    with pytest.raises(pathline.InputError, match=r"x\['id'\]: holds integers"):
        pathline.train(records, columns=["x"], condition="id", **QUICK)
    with pytest.raises(pathline.InputError, match=r"x\['id'\]: holds integers"):
        pathline.train(records, columns=["x"], weights="id", **QUICK)
    with pytest.raises(pathline.InputError, match="no column 'z'; its columns are x, z_0, z_1"):
        flow_of_z = pathline.train(records["y"], columns=["z"], **QUICK)
        flow_of_z.log_prob(records[["x", "z"]])


def test_wide_integers_are_refused_in_whatever_they_are(blob):
    wide, words = 2**60 + 1, "integers of 2\\^53 or more"
    objects = blob.astype(object)
    objects[7, 1] = wide
    rows = blob.tolist()
    rows[7][1] = wide
    texts = blob.astype("U32")
    texts[7, 1] = str(wide)
    flow = pathline.train(blob, **QUICK)
    for x in [objects, rows, texts, np.ma.array(objects, mask=blob > 1e9)]:  # were rounded
        with pytest.raises(pathline.InputError, match=words):
            pathline.train(x, **QUICK)
        with pytest.raises(pathline.InputError, match=words):
            flow.log_prob(x)
    with pytest.raises(pathline.InputError, match=words):
        flow.log_prob(np.full((2, 2), wide))
    large = blob.copy()
    large[7, 1] = 2.0**60  # is no integer in its type
    assert pathline.train(large.tolist(), **QUICK).dim == 2
    behind = np.ma.array(np.full(blob.shape, wide), mask=True)
    with pytest.raises(pathline.InputError, match="nan: must be finite"):  # and not what is behind the mask
        pathline.train(behind, **QUICK)


def test_each_column_of_a_frame_is_looked_at_in_its_own_type(blob):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"id": np.full(len(blob), 2**60 + 1), "x": blob[:, 0], "name": "a", "y": blob[:, 1],
                              "n": pandas.array([2**60 + 1, None] * (len(blob) // 2), dtype="Int64"),
                              "t": pandas.to_datetime(["2024-01-01"] * len(blob))})
    for used in ["id", "n"]:
        with pytest.raises(pathline.InputError, match=rf"x\['{used}'\]: holds integers of 2\^53"):
            pathline.train(frame[[used, "x"]], **QUICK)
    with pytest.raises(pathline.InputError, match=r"x\['t'\]: expected numbers, found times"):
        pathline.train(frame, columns=["x", "t"], **QUICK)
    flow = pathline.train(frame, columns=["x", "y"], **QUICK)
    np.testing.assert_array_equal(flow.log_prob(frame), flow.log_prob(blob))
    np.testing.assert_array_equal(flow.log_prob(blob), pathline.train(frame[["x", "y"]], **QUICK).log_prob(blob))
    given = pathline.train(blob[:, :1], condition=frame[["y"]], **QUICK)
    with pytest.raises(pathline.InputError, match="condition: holds integers"):
        given.log_prob(blob[:, :1], {"y": 2**60 + 1})


def test_the_progress_begins_without_a_loss_and_goes_on_with_one():
    from pathline.progress import ProgressBar

    out = io.StringIO()
    bar = ProgressBar(out)
    state = {"stage": 0, "stages": 1, "kind": "likelihood", "iterations": 9, "seconds_left": 3, "validation": {"nll": 2.5}}
    bar({**state, "iteration": 0, "loss": math.nan})
    bar({**state, "iteration": 3, "loss": 2.25})
    assert out.getvalue() == "start  validation 2.5000\n3 of 9  NLL 2.2500  validation 2.5000  0:03 left\n"


def test_other_layouts_train_the_same_flow(blob):
    expected = pathline.train(blob, **QUICK).log_prob(blob)
    wide = np.zeros((300, 4))
    wide[:, ::2] = blob
    for same in [np.asfortranarray(blob), wide[:, ::2], blob.astype(np.longdouble)]:
        np.testing.assert_array_equal(pathline.train(same, **QUICK).log_prob(blob), expected)
    narrow = blob.astype(np.float32)
    np.testing.assert_array_equal(pathline.train(narrow, **QUICK).log_prob(blob),
                                  pathline.train(narrow.astype(float), **QUICK).log_prob(blob))


def test_a_hundred_columns_are_trained():
    x = np.random.default_rng(0).normal(size=(200, 100))
    flow = pathline.train(x, iterations=3, recipe={"model.hidden": [8]}, progress=False)
    assert flow.log_prob(x).shape == (200,) and np.isfinite(flow.log_prob(x)).all()


def test_a_toy_and_a_recipe_without_data_are_trained():
    assert pathline.train("moons", iterations=2, progress=False, settings={"data.test_size": 100}).result.test.points == 100
    target = pathline.train(recipe={"objective": [{"kind": "reverse_kl", "target": "funnel"}], "data.test_size": 500},
                            iterations=2, progress=False)
    assert 0 < target.result.test.ess <= 1


@pytest.mark.parametrize("arguments, words", [
    ({"x": np.zeros((3, 2, 2))}, "shape"),
    ({"x": np.zeros((0, 2))}, "no rows"),
    ({"x": np.zeros((1, 2))}, "row"),
    ({"x": np.zeros((50, 0))}, "no columns"),
    ({"x": np.ones((50, 2))}, "constant"),
    ({"x": [["a", "b"]]}, "numbers"),
    ({"x": np.zeros((50, 2), dtype=complex)}, "real"),
    ({"x": np.arange(100).reshape(50, 2) + 2**53}, "integers of 2\\^53 or more"),
    ({"x": [[1, 2], [3]]}, "x: expected an array of numbers"),
    ({"x": np.zeros(50, dtype=[("a", [("b", "f8")])])}, "'a' holds records"),
    ({"x": "no_such_toy"}, "no_such_toy"),
    ({"x": "no/such/file.csv"}, "no/such/file.csv"),
    ({}, "data.source"),
    ({"weights": np.ones(3)}, "weights has 3 rows"),
    ({"weights": -np.ones(300)}, "weight"),
    ({"weights": np.zeros(300)}, "every weight"),
    ({"weights": np.ones((300, 2))}, "weights have the shape"),
    ({"condition": np.ones((3, 1))}, "condition has 3 rows"),
    ({"condition": ["c"]}, "'c'"),
    ({"columns": ["a"]}, "1 names"),
    ({"columns": ["a", "a"]}, "both named 'a'"),
    ({"recipe": {"model.hiden": [3]}}, "hidden"),
    ({"recipe": {"train": {"iterations": -1}}}, "iterations"),
    ({"recipe": "no_such_recipe.toml"}, "no_such_recipe.toml"),
    ({"recipe": {"model.hidden": object()}}, "not a value"),
    ({"settings": {"solver.rtol": 0}}, "rtol"),
    ({"seed": -1}, "seed"),
    ({"threads": -1}, "threads"),
    ({"progress": "yes"}, "progress"),
    ({"resume": True}, "directory"),
])
def test_what_cannot_be_trained_on_is_an_input_error(blob, arguments, words):
    no_data = arguments == {}
    arguments = {"iterations": 2, "progress": False, **({} if no_data or "x" in arguments else {"x": blob}), **arguments}
    with pytest.raises(pathline.InputError, match=words):
        pathline.train(**arguments)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_number_that_is_not_finite_names_its_row(blob, bad):
    blob[123, 1] = bad
    with pytest.raises(pathline.InputError, match="array: row 124, column 2") as caught:
        pathline.train(blob, **QUICK)
    assert caught.value.row == 123


def test_a_bad_weight_names_its_row(blob):
    weights = np.ones(300)
    weights[42] = -1
    with pytest.raises(pathline.InputError) as caught:
        pathline.train(blob, weights, **QUICK)
    assert caught.value.row == 42


def test_a_diverging_training_is_a_numerical_error(blob):
    with pytest.raises(pathline.NumericalError, match="learning rate"):
        pathline.train(blob, iterations=100, progress=False, settings={"optimizer.learning_rate": 1e9,
                                                                       "optimizer.warmup": 0, "optimizer.clip": 0})


def test_progress_is_a_function_of_ones_own(blob):
    seen = []
    pathline.train(blob, iterations=30, progress=seen.append, settings={"train.evaluate_every": 10})
    validated = [state for state in seen if state["validation"] is not None]
    assert [state["iteration"] for state in validated] == [10, 20, 30]
    assert validated[-1]["iterations"] == 30 and validated[-1]["validation"]["nll"] > 0


def test_what_a_progress_function_raises_is_raised(blob, tmp_path):
    def stop(state):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        pathline.train(blob, iterations=10**6, progress=stop, directory=tmp_path / "run")
    resumed = pathline.train(blob, iterations=30, progress=False, directory=tmp_path / "run", resume=True)
    assert resumed.result.iterations == 30


def test_a_table_alone_is_trained_in_the_time_that_is_given(blob):
    begin = time.monotonic()
    flow = pathline.train(blob, time=4, seed=1, progress=False)
    assert 'base = "full_mixture"' in flow.info["recipe"] and flow.info["base"] == "full_mixture"
    assert time.monotonic() - begin < 60  # seconds on a quiet machine
    entropy = 1 + np.log(2 * np.pi) + np.log(2.0)  # of the 300 rows' distribution: its root has the determinant 2
    assert -flow.log_prob(blob).mean() == pytest.approx(entropy, abs=0.3)


def test_an_ensemble_is_the_mean_of_the_densities_of_its_members(blob, tmp_path):
    flow = pathline.train(blob, time=4, seed=1, ensemble=2, progress=False, directory=tmp_path / "run")
    assert flow.info["members"] == 2 and flow.info["base"] == "flow_mixture"
    members = [pathline.load(tmp_path / "run" / f"member-{k}" / "model.h5").log_prob(blob) for k in (1, 2)]
    np.testing.assert_allclose(flow.log_prob(blob), np.logaddexp(*members) - np.log(2), atol=1e-9)
    assert np.isfinite(flow.score(blob[:5])).all() and flow.sample(7).shape == (7, 2)
    with pytest.raises(pathline.InputError, match="flow.members"):
        flow.transform(blob[:5])
    for member, log_prob in zip(flow.members, members):
        np.testing.assert_allclose(member.log_prob(blob), log_prob, atol=1e-9)
        np.testing.assert_allclose(member.inverse_transform(member.transform(blob[:5])), blob[:5], atol=1e-3)
        assert member.info["members"] == 1 and "member = " in member.info["recipe"]
    flow.members[1].save(tmp_path / "second.h5")
    np.testing.assert_array_equal(pathline.load(tmp_path / "second.h5").log_prob(blob), flow.members[1].log_prob(blob))
    assert len(flow.members[0].members) == 1


def test_settings_hold_where_no_argument_says_otherwise(blob):
    settings = {"train.iterations": 3, "train.seed": 5, "data.condition": ["x2"]}
    flow = pathline.train(blob, settings=settings, progress=False)
    assert flow.result.iterations == 3 and flow.condition_columns == ["x2"] and "seed = 5" in flow.info["recipe"]
    assert pathline.train(blob, settings=settings, iterations=2, progress=False).result.iterations == 2


def test_the_bar_is_lines_in_a_file(blob, monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    pathline.train(blob, iterations=20, settings={"train.evaluate_every": 10})
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("note: array: 300 rows (240 train, 30 validation, 30 test)")
    assert lines[-1].startswith("20 of 20  NLL") and "validation" in lines[-1] and "\r" not in out.getvalue()


def test_the_bar_is_drawn_anew_on_a_terminal(blob, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    out = Terminal()
    monkeypatch.setattr(sys, "stderr", out)
    pathline.train(blob, iterations=20)
    assert "\r[====================] 20 of 20" in out.getvalue() and out.getvalue().endswith("\n")


def test_the_gil_is_free_while_training(blob):
    counted = 0
    thread = threading.Thread(target=pathline.train, args=(blob,), kwargs={"iterations": 200, "progress": False})
    thread.start()
    while thread.is_alive():
        counted += 1
        time.sleep(0.001)
    assert counted > 50


def test_two_threads_may_train_at_once(blob):
    expected = pathline.train(blob, **QUICK).log_prob(blob)
    got = [None, None]

    def train(place):
        got[place] = pathline.train(blob, **QUICK).log_prob(blob)

    threads = [threading.Thread(target=train, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for log_p in got:
        np.testing.assert_array_equal(log_p, expected)


def test_a_run_is_kept_and_replaced(blob, tmp_path):
    run = tmp_path / "run"
    first = pathline.train(blob, directory=run, **QUICK)
    np.testing.assert_array_equal(pathline.load(run).log_prob(blob), first.log_prob(blob))
    assert first.result.directory == str(run)
    with pytest.raises(pathline.InputError, match="run"):
        pathline.train(blob, directory=run, **QUICK)
    pathline.train(blob, directory=run, replace=True, seed=3, **QUICK)
    with pytest.raises(pathline.InputError):
        pathline.train(blob + 1, directory=run, resume=True, progress=False)  # other data


def test_a_run_without_iterations_gives_the_untrained_flow(blob):
    flow = pathline.train(blob, iterations=0, progress=False)
    assert flow.result.best_iteration == 0 and np.isfinite(flow.log_prob(blob)).all()


INTERRUPTED = """
import sys, numpy as np, pathline
x = np.random.default_rng(0).normal(size=(2000, 2))
def first(state):
    print("begun", flush=True)
try:
    pathline.train(x, iterations=10**6, progress=first, directory=sys.argv[1] or None,
                   settings={"train.evaluate_every": 5, "optimizer.schedule": "constant"})
except pathline.Interrupted as error:
    print(error)
    print(error.directory, error.flow.log_prob([0.0, 0.0]) > -10, isinstance(error, KeyboardInterrupt))
"""


@pytest.mark.parametrize("keep", [True, False])
def test_ctrl_c_stops_and_saves(tmp_path, keep):
    run = str(tmp_path / "run") if keep else ""
    child = start_interruptible(INTERRUPTED, run)
    while child.stdout.readline() != "begun\n":
        assert child.poll() is None
    time.sleep(1)
    os.kill(child.pid, signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    lines = [line for line in out.splitlines() if line != "begun"]
    assert lines[1] == f"{run or None} True True"
    if keep:
        assert "resume=True" in lines[0]
        done = pathline.load(run).info["metrics"][-1]["iteration"]
        x = np.random.default_rng(0).normal(size=(2000, 2))
        flow = pathline.train(x, iterations=done + 50, directory=run, resume=True, progress=False)
        assert flow.result.iterations == done + 50


def test_a_signal_ends_the_wait_for_a_pipe_that_nobody_writes(tmp_path):
    class Alarm(Exception):
        pass

    def ring(*_):
        raise Alarm

    os.mkfifo(tmp_path / "pipe.csv")
    before = signal.signal(signal.SIGALRM, ring)
    try:
        for seconds in (0.2, 1.3):  # before and after the second in which nothing is said
            signal.setitimer(signal.ITIMER_REAL, seconds)
            with pytest.raises(Alarm):
                pathline.train(str(tmp_path / "pipe.csv"))
    finally:
        signal.signal(signal.SIGALRM, before)
