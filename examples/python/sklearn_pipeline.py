"""Chooses the width of a flow by cross-validation, in a pipeline of scikit-learn."""
import numpy as np
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pathline.sklearn import FlowDensity

rng = np.random.default_rng(0)
X = np.vstack([rng.normal(-2, 0.5, (300, 2)), rng.normal(2, 0.5, (300, 2))])

pipeline = make_pipeline(StandardScaler(), FlowDensity(max_iter=300, batch_size=64, random_state=0))
widths = [{"model.hidden": [8]}, {"model.hidden": [32, 32]}]
search = GridSearchCV(pipeline, {"flowdensity__recipe": widths}, cv=2).fit(X)
print("chosen:", search.best_params_["flowdensity__recipe"]["model.hidden"])

scores = cross_val_score(search.best_estimator_, X, cv=3)
print(f"mean log-likelihood of the held-out rows: {scores.mean():.1f} nats")
