# SPDX-License-Identifier: Apache-2.0
"""A transformer in PyTorch, with its own attention; with a generated low-rank delta of each task's queries and values,
of all tasks at once by bmm."""
import with_torch

options = with_torch.start(["eager", "compile"], ["transformer", "transformer-lowrank"])

import torch
import torch.nn.functional as F

import numbers_of as n
import transformer_weights as t

GENERATED = options.workload == "transformer-lowrank"
T, N = (16, 4) if GENERATED else (1, 64)


def linear(p, name, x):
    return torch.addmm(p[name + ".b"], x, p[name + ".w"])


def norm(p, name, x):
    return F.layer_norm(x, (t.WIDTH,), 1 + p[name + ".gain"], p[name + ".shift"], 1e-5)


def delta(slab, layer, which, h):
    at, half = (2 * layer + which) * t.DELTA, t.DELTA // 2
    a = slab[:, at:at + half].view(T, t.WIDTH, t.RANK)
    b = slab[:, at + half:at + t.DELTA].view(T, t.RANK, t.WIDTH)
    return torch.bmm(torch.bmm(h.view(T, -1, t.WIDTH), a), b).view(-1, t.WIDTH)


def block(p, slab, layer, x):
    name = f"block{layer + 1}."
    h = norm(p, name + "norm1", x)
    q, k, v = linear(p, name + "qkv", h).split(t.WIDTH, 1)
    if GENERATED:
        q, v = q + delta(slab, layer, 0, h), v + delta(slab, layer, 1, h)
    q, k, v = (a.view(T * N, t.LENGTH, t.HEADS, -1).transpose(1, 2) for a in (q, k, v))
    y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(-1, t.WIDTH)
    x = x + linear(p, name + "o", y)
    h = F.gelu(linear(p, name + "in", norm(p, name + "norm2", x)), approximate="tanh")
    return x + linear(p, name + "out", h)


def slab_of(p):
    h = torch.relu(torch.addmm(p["hidden1.b"], p["embedding"], p["hidden1.w"]))
    h = torch.relu(torch.addmm(p["hidden2.b"], h, p["hidden2.w"]))
    return torch.addmm(p["generator.b"], h, p["generator.w"])


def loss_of(p, x, y):
    slab = slab_of(p) if GENERATED else None
    for i in range(t.LAYERS):
        x = block(p, slab, i, x)
    h = norm(p, f"block{t.LAYERS + 1}.norm", x).view(-1, t.LENGTH, t.WIDTH).mean(1)
    return F.cross_entropy(linear(p, "head", h), y)


p = with_torch.parameters(t.weights(GENERATED))
x = torch.from_numpy(n.reals("x", (T * N * t.LENGTH, t.WIDTH), 1.7))
y = torch.from_numpy(n.labels("y", (T * N,), t.CLASSES))
step = with_torch.maybe_compiled(options, loss_of)
with_torch.train(options, p, lambda: step(p, x, y))
