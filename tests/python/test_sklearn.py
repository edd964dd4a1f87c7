"""FlowDensity in scikit-learn."""
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from pathline.sklearn import FlowDensity


@parametrize_with_checks([FlowDensity(max_iter=10, n_jobs=1, tile=1)])
def test_every_check_of_scikit_learn_passes(estimator, check):
    check(estimator)


def test_check_estimator_passes_with_the_default_tile():
    check_estimator(FlowDensity(max_iter=10, n_jobs=1))


def test_it_finds_the_better_model():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(-2, 0.5, (200, 2)), rng.normal(2, 0.5, (200, 2))]) * [1, 10]
    estimator = make_pipeline(StandardScaler(), FlowDensity(max_iter=300, batch_size=64, random_state=0))
    search = GridSearchCV(estimator, {"flowdensity__max_iter": [1, 300]}, cv=2).fit(X)
    assert search.best_params_ == {"flowdensity__max_iter": 300}
    scores = cross_val_score(estimator, X, cv=3)
    assert scores.shape == (3,) and np.all(scores > -2.6)  # the standard normal has -2.84, two blobs -0.70


def test_samples_scores_and_pickles():
    X = np.random.default_rng(0).normal(size=(100, 3))
    density = FlowDensity(max_iter=20, random_state=1).fit(X)
    assert density.n_features_in_ == 3 and density.sample(7, random_state=2).shape == (7, 3)
    np.testing.assert_array_equal(density.sample(7, random_state=2), density.sample(7, random_state=2))
    assert density.score(X) == pytest.approx(density.score_samples(X).mean())
    again = pickle.loads(pickle.dumps(density))
    np.testing.assert_array_equal(again.score_samples(X), density.score_samples(X))
    same = clone(density).fit(X)
    np.testing.assert_array_equal(same.score_samples(X), density.score_samples(X))


def test_weights_and_frames_are_taken():
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame({"a": np.linspace(-1, 1, 200), "b": np.random.default_rng(0).normal(size=200)})
    density = FlowDensity(max_iter=100, random_state=0).fit(X, sample_weight=(X["a"] > 0).to_numpy(float))
    assert list(density.feature_names_in_) == ["a", "b"]
    assert (density.sample(300, random_state=0)[:, 0] > -0.2).mean() > 0.9


def test_a_training_that_does_not_improve_ends():
    X = np.random.default_rng(0).normal(size=(60, 2))
    density = FlowDensity(max_iter=3000, n_iter_no_change=2, random_state=0).fit(X)
    assert density.n_iter_ < 3000
