# SPDX-License-Identifier: Apache-2.0
"""Workload (2) in PyTorch: a loop over tasks, or all tasks as the groups of one convolution. Generated filters
come out of the last layer in the memory order that the convolution wants."""
import with_torch

options = with_torch.start(["eager-loop", "compile-loop", "eager-grouped"], ["generated-conv4"])

import numpy as np
import torch
import torch.nn.functional as F

import numbers_of as n

T, N, INPUTS, C, WAYS = 32, 25, [1, 64, 64, 64], 64, 5
GROUPED = options.variant == "eager-grouped"


def order():
    """Places of the generated weights: filters [3, 3, in, out] become [out, 3, 3, in]; grouped: [out, in, 3, 3]."""
    parts, at = [], 0
    for i in INPUTS:
        taps = at + np.arange(9 * i * C).reshape(3, 3, i, C)
        parts.append(taps.transpose((3, 2, 0, 1) if GROUPED else (3, 0, 1, 2)).ravel())
        at += 9 * i * C + C
        parts.append(np.arange(at - C, at))
    parts.append(np.arange(at, at + C * WAYS + WAYS))
    return np.concatenate(parts)


places = order()
p = with_torch.parameters(n.hypernetwork(T, len(places), 0.009, 0.1, places))
x = torch.from_numpy(n.reals("x", (T, N, 28, 28, 1), 0.5, 0.5))
y = torch.from_numpy(n.labels("y", (T, N), WAYS))


def generate(p):
    h = torch.relu(torch.addmm(p["hidden1.b"], p["embedding"], p["hidden1.w"]))
    h = torch.relu(torch.addmm(p["hidden2.b"], h, p["hidden2.w"]))
    return torch.addmm(p["generator.b"], h, p["generator.w"])


def single(slab, x):
    """slab [P], x [N, 1, 28, 28], channels last."""
    at = 0
    for i in INPUTS:
        w = slab[at:at + 9 * i * C].view(C, 3, 3, i).permute(0, 3, 1, 2)
        at += 9 * i * C + C
        x = F.max_pool2d(torch.relu(F.conv2d(x, w, slab[at - C:at], padding=1)), 2)
    return torch.addmm(slab[at + C * WAYS:], x.flatten(1), slab[at:at + C * WAYS].view(C, WAYS))


one = with_torch.maybe_compiled(options, single)


def loop(slab, images):
    return torch.stack([one(w, images[t]) for t, w in enumerate(slab.unbind())])


def grouped(slab, x):
    """x [N, T, 28, 28]: the tasks are groups."""
    at = 0
    for i in INPUTS:
        w = slab[:, at:at + 9 * i * C].reshape(T * C, i, 3, 3)
        at += 9 * i * C + C
        b = slab[:, at - C:at].reshape(-1)
        x = F.max_pool2d(torch.relu(F.conv2d(x, w, b, padding=1, groups=T)), 2)
    x = x.view(N, T, C).transpose(0, 1)
    return torch.baddbmm(slab[:, None, at + C * WAYS:], x, slab[:, at:at + C * WAYS].view(T, C, WAYS))


images = x.squeeze(-1).transpose(0, 1).contiguous() if GROUPED else x.permute(0, 1, 4, 2, 3)


def loss():
    logits = (grouped if GROUPED else loop)(generate(p), images)
    return F.cross_entropy(logits.flatten(0, 1), y.flatten())


with_torch.train(options, p, loss)
