# SPDX-License-Identifier: Apache-2.0
"""Workload (3b) in PyTorch, channels last: the tasks in a loop with a graph of the inner gradients, or torch.func
(grad of one task) in a loop or vmapped, which makes grouped convolutions."""
import with_torch

options = with_torch.start(["eager-loop", "compile-func", "eager-func"], ["maml-conv4-1", "maml-conv4-5"])

import torch
import torch.nn.functional as F

import numbers_of as n

T, SUPPORT, QUERY, WAYS, C, INPUTS, RATE = 4, 5, 75, 5, 64, [1, 64, 64, 64], 0.01
STEPS = 5 if options.workload.endswith("5") else 1


def weights():
    p = with_torch.conv4_weights(INPUTS, C)
    p.update(with_torch.parameters({"head.w": n.lecun("head.w", (C, WAYS)), "head.b": n.small("head.b", (WAYS,))}))
    return p


def data():
    images = [torch.from_numpy(n.reals(name, (T, count, 28, 28, 1), 0.5, 0.5)).permute(0, 1, 4, 2, 3)
              for name, count in (("x", SUPPORT), ("query", QUERY))]
    classes = [torch.from_numpy(n.labels(name, (T, count), WAYS))
               for name, count in (("y", SUPPORT), ("answer", QUERY))]
    return images[0], classes[0], images[1], classes[1]


def error(p, x, y):
    for k in range(1, 5):
        x = F.conv2d(x, p[f"conv{k}.w"], padding=1)
        x = F.batch_norm(x, None, None, p[f"norm{k}.gain"], p[f"norm{k}.shift"], training=True, eps=1e-5)
        x = F.max_pool2d(torch.relu(x), 2)
    return F.cross_entropy(torch.addmm(p["head.b"], x.flatten(1), p["head.w"]), y)


def adapted_graph(p, x, y, query, answer):
    """One task, by autograd."""
    for _ in range(STEPS):
        gradient = torch.autograd.grad(error(p, x, y), list(p.values()), create_graph=True)
        p = {k: v - RATE * g for (k, v), g in zip(p.items(), gradient)}
    return error(p, query, answer)


def adapted_func(p, x, y, query, answer):
    """One task, by torch.func."""
    for _ in range(STEPS):
        gradient = torch.func.grad(error)(p, x, y)
        p = {k: v - RATE * gradient[k] for k, v in p.items()}
    return error(p, query, answer)


def loop(adapted):
    return lambda p, *task: torch.stack([adapted(p, *(d[t] for d in task)) for t in range(T)]).mean()


def vmapped(p, *task):
    return torch.func.vmap(adapted_func, in_dims=(None, 0, 0, 0, 0))(p, *task).mean()


p, task = weights(), data()
if options.variant == "compile-func":
    with_torch.train(options, p, with_torch.compiled_gradient(loop(adapted_func), p, task))
else:
    loss = loop(adapted_graph) if options.variant == "eager-loop" else vmapped
    with_torch.train(options, p, lambda: loss(p, *task))
