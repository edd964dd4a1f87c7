"""odeint inside a program of PyTorch."""
import numpy as np
import pytest

torch = pytest.importorskip("torch")

import pathline  # noqa: E402
from pathline.torch import odeint  # noqa: E402

TIGHT = {"rtol": 1e-10, "atol": 1e-10}


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2)).double()

    def forward(self, t, z):
        return self.layers(torch.cat([z, t.expand(len(z), 1)], dim=1))


def rk4(f, z, times, steps=200):
    """The classical method in tensors, which PyTorch differentiates by itself."""
    states = [z]
    for k in range(len(times) - 1):
        h, t = (times[k + 1] - times[k]) / steps, times[k]
        for _ in range(steps):
            k1 = f(t, z)
            k2 = f(t + h / 2, z + h / 2 * k1)
            k3 = f(t + h / 2, z + h / 2 * k2)
            k4 = f(t + h, z + h * k3)
            z, t = z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), t + h
        states.append(z)
    return torch.stack(states)


def test_the_gradient_of_a_module_is_that_of_the_unrolled_solve():
    net = Net()
    gradients = []
    for solve in [lambda *a: odeint(net, *a, **TIGHT), lambda *a: rk4(net, *a)]:
        z0 = torch.tensor([[0.3, -0.5], [1.0, 0.2], [0.0, 0.0]], dtype=torch.float64, requires_grad=True)
        times = torch.tensor([0.1, 0.6, 1.2], dtype=torch.float64, requires_grad=True)
        net.zero_grad()
        states = solve(z0, times)
        (states * torch.arange(states.numel()).reshape(states.shape)).sum().backward()
        gradients.append([states, z0.grad, times.grad, *(p.grad.clone() for p in net.parameters())])
    for ours, theirs in zip(*gradients):
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-7)  # RK4 with 200 steps: h^4 = 1e-10 times its constant


def test_gradcheck_of_pytorch_passes():
    field = pathline.Mlp(2, hidden=[4], seed=1)
    theta = torch.tensor(field.theta, requires_grad=True)
    z0 = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    times = torch.tensor([0.0, 0.4, 1.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z, t, p: odeint(field, z, t, p, steps=10), (z0, times, theta))
    np.testing.assert_array_equal(field.theta, pathline.Mlp(2, hidden=[4], seed=1).theta)  # the field is as it was


def test_a_training_loop_learns_a_rotation():
    field = pathline.Mlp(2, hidden=[], layer="ignore", seed=1)
    theta = torch.nn.Parameter(torch.tensor(field.theta))
    z0 = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    turned = torch.stack([z0, z0 @ torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)])
    optimizer = torch.optim.Adam([theta], lr=0.05)
    for _ in range(600):
        optimizer.zero_grad()
        loss = ((odeint(field, z0, [0.0, 1.0], theta) - turned) ** 2).mean()
        loss.backward()
        optimizer.step()
    assert loss.item() < 1e-4


def test_single_precision_and_one_state_are_taken():
    net = Net().float()
    z0 = torch.tensor([0.1, 0.2], requires_grad=True)
    states = odeint(lambda t, z: -z * (1 + 0 * t), z0, torch.tensor([0.0, 1.0]))
    assert states.shape == (2, 2) and states.dtype == torch.float32
    states[1].sum().backward()
    torch.testing.assert_close(z0.grad, torch.full((2,), float(np.exp(-1))), rtol=1e-5, atol=1e-5)
    assert odeint(net, torch.zeros(4, 2), torch.tensor([0.0, 1.0])).dtype == torch.float32


def test_what_cannot_be_solved_is_an_input_error():
    z0, times = torch.zeros(2, 2, dtype=torch.float64), torch.tensor([0.0, 1.0])
    for arguments, words in [((lambda t, z: z[:1], z0, times), "returned"), ((lambda t, z: 3, z0, times), "returned"),
                             ((3, z0, times), "Module"), ((lambda t, z: z, np.zeros((2, 2)), times), "tensor"),
                             ((lambda t, z: z, z0, times, z0), "theta"),
                             ((pathline.Mlp(2), z0, times, torch.zeros(3)), "theta"),
                             ((lambda t, z: z, z0 * float("nan"), times), "finite")]:
        with pytest.raises(pathline.InputError, match=words):
            odeint(*arguments)
