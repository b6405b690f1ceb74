# SPDX-License-Identifier: Apache-2.0
"""Workload (1) in PyTorch: all tasks at once by baddbmm, or one task written down and vmapped."""
import with_torch

options = with_torch.start(["compile-bmm", "eager-bmm", "eager-vmap", "compile-vmap"], ["hyper-mlp", "hyper-mlp-clip"])

import torch
import torch.nn.functional as F

import numbers_of as n

T, N, SIZES = 32, 25, [(20, 64), (64, 64), (64, 5)]
TOTAL = sum(i * o + o for i, o in SIZES)
p = with_torch.parameters(n.hypernetwork(T, TOTAL, 0.02, 0.2))
x = torch.from_numpy(n.reals("x", (T, N, 20), 1.7))
y = torch.from_numpy(n.labels("y", (T, N), 5))


def generate(p):
    h = torch.relu(torch.addmm(p["hidden1.b"], p["embedding"], p["hidden1.w"]))
    h = torch.relu(torch.addmm(p["hidden2.b"], h, p["hidden2.w"]))
    return torch.addmm(p["generator.b"], h, p["generator.w"])


def batched(slab, x):
    at = 0
    for k, (i, o) in enumerate(SIZES):
        w, b = slab[:, at:at + i * o].view(-1, i, o), slab[:, at + i * o:at + i * o + o].unsqueeze(1)
        at += i * o + o
        x = torch.baddbmm(b, x, w)
        x = torch.relu(x) if k < 2 else x
    return x


def single(slab, x):
    at = 0
    for k, (i, o) in enumerate(SIZES):
        x = torch.addmm(slab[at + i * o:at + i * o + o], x, slab[at:at + i * o].view(i, o))
        at += i * o + o
        x = torch.relu(x) if k < 2 else x
    return x


def loss(p, x, y):
    apply = torch.func.vmap(single) if "vmap" in options.variant else batched
    return F.cross_entropy(apply(generate(p), x).flatten(0, 1), y.flatten())


step = with_torch.maybe_compiled(options, loss)
with_torch.train(options, p, lambda: step(p, x, y), 1.0 if options.workload == "hyper-mlp-clip" else 0.0)
