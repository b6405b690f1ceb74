# SPDX-License-Identifier: Apache-2.0
"""An LSTM in PyTorch. Shared weights: its own fused LSTM, also inside a compiled loss. Generated weights: that LSTM
task by task, or all tasks at once by bmm in a loop over the steps."""
import with_torch

options = with_torch.start(["fused", "compile-fused", "eager-bmm", "compile-bmm", "eager-loop"],
                           ["lstm-64", "lstm-256", "lstm-generated"])

import numpy as np
import torch
import torch.nn.functional as F

import numbers_of as n

CLASSES = 10


def lstm(x, w, u, b):
    """The last state of the fused LSTM; weights lie as it wants them, [4H, D], and it has a second bias."""
    state = x.new_zeros(1, x.shape[0], u.shape[1])
    return torch.lstm(x, (state, state), (w, u, b, torch.zeros_like(b)), True, 1, 0.0, True, False, True)[1][0]


def transposed(array):
    return np.ascontiguousarray(array.T)


def shared():
    hidden = 64 if options.workload == "lstm-64" else 256
    scale = (3 / hidden) ** 0.5
    p = with_torch.parameters({"w": transposed(n.reals("lstm.w", (hidden, 4 * hidden), scale)),
                               "u": transposed(n.reals("lstm.u", (hidden, 4 * hidden), scale)),
                               "b": n.reals("lstm.b", (4 * hidden,), 0.1),
                               "head.w": n.reals("head.w", (hidden, CLASSES), scale),
                               "head.b": n.reals("head.b", (CLASSES,), 0.1)})
    x = torch.from_numpy(n.reals("x", (64, 100, hidden), 1.7))
    y = torch.from_numpy(n.labels("y", (64,), CLASSES))

    def loss(p, x, y):
        return F.cross_entropy(torch.addmm(p["head.b"], lstm(x, p["w"], p["u"], p["b"]), p["head.w"]), y)
    return p, loss, x, y


T, N, STEPS, IN, HIDDEN = 32, 8, 50, 16, 64
SHAPES = [(IN, 4 * HIDDEN), (HIDDEN, 4 * HIDDEN), (4 * HIDDEN,), (HIDDEN, CLASSES), (CLASSES,)]


def cell(h, c, z, u):
    i, f, g, o = torch.baddbmm(z, h, u).chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def batched(w, u, b, x):
    z = torch.baddbmm(b.unsqueeze(1), x.flatten(1, 2), w).view(T, N, STEPS, 4 * HIDDEN).unbind(2)
    h = c = x.new_zeros(T, N, HIDDEN)
    for t in range(STEPS):
        h, c = cell(h, c, z[t], u)
    return h


def one_by_one(w, u, b, x):
    return torch.stack([lstm(x[t], w[t].t(), u[t].t(), b[t]) for t in range(T)])


def generated():
    total = sum(int(np.prod(s)) for s in SHAPES)
    p = with_torch.parameters(n.hypernetwork(T, total, 0.02, 0.2))
    x = torch.from_numpy(n.reals("x", (T, N, STEPS, IN), 1.7))
    y = torch.from_numpy(n.labels("y", (T, N), CLASSES))
    apply = batched if "bmm" in options.variant else one_by_one

    def loss(p, x, y):
        h = torch.relu(torch.addmm(p["hidden1.b"], p["embedding"], p["hidden1.w"]))
        h = torch.relu(torch.addmm(p["hidden2.b"], h, p["hidden2.w"]))
        slab = torch.addmm(p["generator.b"], h, p["generator.w"])
        parts = slab.split([int(np.prod(s)) for s in SHAPES], 1)
        w, u, b, head, head_b = (part.view(T, *s) for part, s in zip(parts, SHAPES))
        logits = torch.baddbmm(head_b.unsqueeze(1), apply(w, u, b, x).view(T, N, HIDDEN), head)
        return F.cross_entropy(logits.flatten(0, 1), y.flatten())
    return p, loss, x, y


p, loss, x, y = generated() if options.workload == "lstm-generated" else shared()
step = with_torch.maybe_compiled(options, loss)
with_torch.train(options, p, lambda: step(p, x, y))
