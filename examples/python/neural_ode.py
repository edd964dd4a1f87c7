"""Fits y(x) by a Neural ODE, and differentiates the solution of an initial value problem by its start."""
import numpy as np

import pathline

x = np.linspace(-2, 2, 60)
model = pathline.NeuralOde(hidden=[16], augmented=1, iterations=500, seed=1).fit(x, np.sin(2 * x))
print(f"largest error of sin(2 x): {np.abs(model.predict(x) - np.sin(2 * x)).max():.1f}")


def pendulum(t, z):
    return np.column_stack([z[:, 1], -np.sin(z[:, 0])])


def vjp(t, z, f_bar):  # f_bar^T df/dz
    return np.column_stack([-f_bar[:, 1] * np.cos(z[:, 0]), f_bar[:, 0]])


states, pullback = pathline.odeint_vjp(pendulum, [[1.0, 0.0]], [0.0, 5.0], vjp=vjp, rtol=1e-9, atol=1e-9)
energy = 0.5 * states[:, 0, 1] ** 2 - np.cos(states[:, 0, 0])
print(f"change of the energy: {abs(energy[1] - energy[0]):.0e}")
bar = np.zeros_like(states)
bar[1, 0] = np.sin(states[1, 0, 0]), states[1, 0, 1]  # the gradient of the energy at the end ...
gradient = pullback(bar).z0[0]
print(f"... is that at the start: {np.allclose(gradient, [np.sin(1.0), 0.0], atol=1e-6)}")
