"""Trains a vector field by a loop of PyTorch, through the solution of its initial value problem."""
import torch

import pathline
from pathline.torch import odeint

torch.manual_seed(0)
z0 = torch.randn(200, 2, dtype=torch.float64)
turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
observed = torch.stack([z0, z0 @ torch.matrix_exp(-0.5 * turn), z0 @ torch.matrix_exp(-turn)])  # a rotation, at three times

field = pathline.Mlp(2, hidden=[32], seed=1)  # solved and differentiated in C++; a torch.nn.Module works, too, slowly
theta = torch.nn.Parameter(torch.tensor(field.theta))
optimizer = torch.optim.Adam([theta], lr=0.02)
for _ in range(300):
    optimizer.zero_grad()
    states = odeint(field, z0, [0.0, 0.5, 1.0], theta, rtol=1e-4, atol=1e-4)
    loss = ((states - observed) ** 2).mean()
    loss.backward()
    optimizer.step()
print(f"loss: {loss.item():.4f}")

field.theta = theta.detach().numpy()
quarter = pathline.odeint(field, [1.0, 0.0], [0.0, 1.0])[1]
print(f"(1, 0) after one unit of time: ({quarter[0]:.1f}, {quarter[1]:.1f}); exact: (0.5, -0.8)")
