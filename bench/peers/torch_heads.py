# SPDX-License-Identifier: Apache-2.0
"""50 tasks with a shared trunk and a head each, tied by a Laplacian, in PyTorch."""
import with_torch

options = with_torch.start(["compile", "eager"], ["laplacian-heads"])

import torch

import numbers_of as n

T, N, D, H = 50, 32, 64, 128
p = with_torch.parameters({"hidden1.w": n.he("hidden1.w", (D, H)), "hidden1.b": n.small("hidden1.b", (H,)),
                           "hidden2.w": n.he("hidden2.w", (H, H)), "hidden2.b": n.small("hidden2.b", (H,)),
                           "heads": n.reals("heads", (T, H, 1), (3.0 / H) ** 0.5)})
x, y = (torch.from_numpy(n.reals(name, shape, 1.7)) for name, shape in (("x", (T * N, D)), ("y", (T, N, 1))))
a = torch.from_numpy(n.reals("adjacency", (T, T), 0.5, 0.5))
a = (a + a.T) / 2 * (1 - torch.eye(T))
laplacian = torch.diag(a.sum(1)) - a


def loss(p, x, y):
    h = torch.relu(torch.addmm(p["hidden1.b"], x, p["hidden1.w"]))
    h = torch.relu(torch.addmm(p["hidden2.b"], h, p["hidden2.w"]))
    heads = p["heads"].squeeze(2)
    return (torch.bmm(h.view(T, N, H), p["heads"]) - y).square().mean() + 0.01 * (heads * (laplacian @ heads)).sum()


step = with_torch.maybe_compiled(options, loss)
with_torch.train(options, p, lambda: step(p, x, y))
