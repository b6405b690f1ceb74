# SPDX-License-Identifier: Apache-2.0
"""Workload (3) in PyTorch: all tasks at once by baddbmm with a graph of the inner gradient, or torch.func (grad of
one task, vmapped)."""
import with_torch

options = with_torch.start(["compile-func", "eager-bmm", "eager-func"], ["maml-1", "maml-5"])

import torch
import torch.nn.functional as F

import numbers_of as n

T, N, RATE, SIZES = 25, 10, 0.01, [(1, 40), (40, 40), (40, 1)]
STEPS = 5 if options.workload == "maml-5" else 1
LAYERS = ["dense1", "dense2", "head"]


def weights():
    p = {}
    for name, size in zip(LAYERS, SIZES):
        p[f"{name}.w"] = (n.lecun if name == "head" else n.he)(f"{name}.w", size)
        p[f"{name}.b"] = n.small(f"{name}.b", size[1:])
    return with_torch.parameters(p)


def data():
    return [torch.from_numpy(n.reals(name, (T, N, 1), scale))
            for name, scale in (("x", 5), ("y", 1), ("query", 5), ("answer", 1))]


def single(p, x):
    for name in LAYERS:
        x = torch.addmm(p[f"{name}.b"], x, p[f"{name}.w"])
        x = x if name == "head" else torch.relu(x)
    return x


def batched(p, x):
    for name in LAYERS:
        x = torch.baddbmm(p[f"{name}.b"].unsqueeze(1), x, p[f"{name}.w"])
        x = x if name == "head" else torch.relu(x)
    return x


def adapted_loss(p, x, y, query, answer):
    """One task."""
    error = torch.func.grad(lambda w: F.mse_loss(single(w, x), y))
    w = p
    for _ in range(STEPS):
        gradient = error(w)
        w = {k: v - RATE * gradient[k] for k, v in w.items()}
    return F.mse_loss(single(w, query), answer)


def loss_func(p, *task):
    return torch.func.vmap(adapted_loss, in_dims=(None, 0, 0, 0, 0))(p, *task).mean()


def loss_bmm(p, x, y, query, answer):
    w = {k: v.expand(T, *v.shape) for k, v in p.items()}
    for _ in range(STEPS):
        error = (batched(w, x) - y).square().mean((1, 2)).sum()
        gradient = torch.autograd.grad(error, list(w.values()), create_graph=True)
        w = {k: v - RATE * g for (k, v), g in zip(w.items(), gradient)}
    return F.mse_loss(batched(w, query), answer)


p, task = weights(), data()
if options.variant == "compile-func":
    with_torch.train(options, p, with_torch.compiled_gradient(loss_func, p, task))
else:
    loss = loss_bmm if options.variant == "eager-bmm" else loss_func
    with_torch.train(options, p, lambda: loss(p, *task))
