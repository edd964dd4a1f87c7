"""Continuous normalizing flows on a CPU: train a density from samples, evaluate it, draw from it.

Arrays are (n, d), one sample per row. Densities are those of the data in its own units, and log-densities are in nats.

>>> import pathline
>>> moons = pathline.load("models/moons.h5")
>>> x = moons.sample(1000, seed=1)
>>> x.shape
(1000, 2)
>>> moons.log_prob(x).shape
(1000,)

A flow of your own takes one call, ``flow = pathline.train(x)``; see ``help(pathline.train)``.
"""

from . import _core
from .errors import InputError, Interrupted, NumericalError
from .flow import Evaluation, Flow, TrainingResult, load
from .neural_ode import NeuralOde
from .ode import Mlp, OdeintGradient, odeint, odeint_vjp
from .recipes import recipe_keys
from .training import train
from .verification import Check, Verification

__version__: str = _core.__version__
__all__ = ["Check", "Evaluation", "Flow", "InputError", "Interrupted", "Mlp", "NeuralOde", "NumericalError",
           "OdeintGradient", "TrainingResult", "Verification", "load", "odeint", "odeint_vjp", "recipe_keys", "train"]
