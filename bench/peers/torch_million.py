# SPDX-License-Identifier: Apache-2.0
"""Workload (6) in PyTorch: all tasks at once by baddbmm."""
import with_torch

options = with_torch.start(["compile", "eager"], ["chunked-1m", "lowrank-1m"])

import torch
import torch.nn.functional as F

import million_weights as m

p = with_torch.parameters(m.weights(options.workload))
x, y = map(torch.from_numpy, m.samples())


def code(p):
    return torch.addmm(p["code.b"], p["embedding"], p["code.w"])[:, None]


def chunked(p, x):
    h = torch.relu(code(p) + p["places"] @ p["place.w"])
    slab, at = (h @ p["generator.w"] + p["generator.b"]).view(m.T, -1), 0
    for k, (i, o) in enumerate(m.SIZES):
        w, b = slab[:, at:at + i * o].view(-1, i, o), slab[:, at + i * o:at + i * o + o].unsqueeze(1)
        at += i * o + o
        x = torch.baddbmm(b, x, w)
        x = torch.relu(x) if k < 2 else x
    return x


def low_rank(p, x):
    h = torch.relu(code(p))
    for k, (i, o) in enumerate(m.SIZES, 1):
        u = (h @ p[f"u{k}.w"] + p[f"u{k}.b"]).view(-1, i, m.RANK)
        v = (h @ p[f"v{k}.w"] + p[f"v{k}.b"]).view(-1, m.RANK, o)
        shared = torch.addmm(p[f"base{k}.b"], x.flatten(0, 1), p[f"base{k}.w"]).view(m.T, m.N, o)
        x = torch.baddbmm(shared, torch.bmm(x, u), v)
        x = torch.relu(x) if k < 3 else x
    return x


def loss(p, x, y):
    apply = chunked if options.workload == "chunked-1m" else low_rank
    return F.cross_entropy(apply(p, x).flatten(0, 1), y.flatten())


step = with_torch.maybe_compiled(options, loss)
with_torch.train(options, p, lambda: step(p, x, y))
