# SPDX-License-Identifier: Apache-2.0
"""Workload (5) in PyTorch: all tasks at once, or some hundred at a time, whose weights stay nearer."""
import with_torch

options = with_torch.start(["eager-chunks", "eager", "compile"], ["adapt-10000"])

import torch

import numbers_of as n
import protocol

T, SIZES, TOTAL = 10000, [(20, 64), (64, 64), (64, 5)], 5829
CHUNK = 250 if options.variant == "eager-chunks" else T
p = {k: torch.from_numpy(v.copy()) for k, v in n.hypernetwork(T, TOTAL, 0.02, 0.2).items()}
x = torch.from_numpy(n.reals("x", (T, 1, 20), 1.7))


def predict(embedding, x):
    h = torch.relu(torch.addmm(p["hidden1.b"], embedding, p["hidden1.w"]))
    h = torch.relu(torch.addmm(p["hidden2.b"], h, p["hidden2.w"]))
    slab, at = torch.addmm(p["generator.b"], h, p["generator.w"]), 0
    for i, o in SIZES:
        w = slab[:, at:at + i * o].view(-1, i, o)
        at += i * o + o
        x = torch.baddbmm(slab[:, None, at - o:at], x, w)
        x = torch.relu(x) if o > 5 else x
    return torch.softmax(x, -1)


one = with_torch.maybe_compiled(options, predict)


@torch.inference_mode()
def step():
    return torch.cat([one(p["embedding"][i:i + CHUNK], x[i:i + CHUNK]) for i in range(0, T, CHUNK)])


def check():
    q = step()
    return {"probability": q[..., 0].double().mean().item(), "squares": q.double().square().mean().item()}


protocol.serve("torch", options, check, step)
