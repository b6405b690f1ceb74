# SPDX-License-Identifier: Apache-2.0
"""Workload speech-adapt in PyTorch: the front end of all recordings at once (torch.stft), inference mode. Variant
compile: all of it in one compiled function, of which the FFT stays PyTorch's own."""
import with_torch

options = with_torch.start(["compile", "eager"], ["speech-adapt"])

import torch
import torch.nn.functional as F

import protocol
import speech_weights as s

INFINITE = float("inf")


def power_of(t, x):
    z = torch.stft(x, s.FFT, s.HOP, s.WINDOW, t["window"], center=True, pad_mode="constant", return_complex=True)
    z = torch.view_as_real(z).square().sum(-1).transpose(1, 2)  # [clips, frames, bins]
    return z @ t["bands"]


def decibels(power):
    return 10 * torch.log10(power.clamp_min(1e-10))


def cut(power):
    """The first frame that is loud, and how many there are up to the last one; [clips]."""
    level = decibels(power.sum(-1))
    loud = (level >= level.amax(1, keepdim=True) - s.TRIM).int()
    first = loud.argmax(1)
    return first, power.shape[1] - loud.flip(1).argmax(1) - first


def mfcc(t, x):
    power = power_of(t, x)
    first, count = cut(power)
    i = torch.arange(power.shape[1])
    kept = ((i >= first[:, None]) & (i < (first + count)[:, None]))[:, :, None]
    db = decibels(power)
    top = torch.where(kept, db, -INFINITE).amax((1, 2), keepdim=True)
    c = torch.maximum(db, top - s.RANGE) @ t["cosine"]
    n = count[:, None, None].float()
    c = c - torch.where(kept, c, 0).sum(1, keepdim=True) / n
    deviation = (torch.where(kept, c, 0).square().sum(1, keepdim=True) / n).sqrt()
    c = c * torch.where(deviation > 1e-3, 1 / deviation, 0)
    at = torch.arange(s.FRAMES) * ((count - 1)[:, None] / (s.FRAMES - 1))
    low = torch.minimum(at.long(), (count - 2)[:, None])
    row = (first[:, None] + low)[:, :, None].expand(-1, -1, s.COEFFICIENTS)
    share = (at - low)[:, :, None]
    return c.gather(1, row) * (1 - share) + c.gather(1, row + 1) * share


def embed(p, x):
    h = x[:, None]  # [clips, 1, frames, coefficients]
    for i in range(1, len(s.CHANNELS)):
        h = F.conv2d(h, p[f"conv{i}.w"], padding=1)
        h = F.batch_norm(h, p[f"norm{i}.mean"], p[f"norm{i}.var"], p[f"norm{i}.gain"], p[f"norm{i}.shift"], False, 0,
                         s.EPSILON)
        h = F.max_pool2d(F.relu(h), 2)
    return h.permute(0, 2, 3, 1).flatten(1)


def adapt(t, p, y, x):
    f = embed(p, mfcc(t, x))
    a = f @ f.T + s.RIDGE * torch.eye(len(f))
    return s.SCALE * (f.T @ torch.cholesky_solve(y, torch.linalg.cholesky(a)))


t = {k: torch.from_numpy(v) for k, v in s.tables().items()}
p = {k: torch.from_numpy(v) for k, v in s.weights().items()}
for name, v in p.items():
    if v.dim() == 4:
        p[name] = v.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
y = torch.from_numpy(s.labels())
support, query = map(torch.from_numpy, s.clips())
run = with_torch.maybe_compiled(options, adapt)


def check():
    answer = torch.softmax(embed(p, mfcc(t, query)) @ run(t, p, y, support), -1)
    return s.figures(decibels(power_of(t, support)).numpy(), mfcc(t, support).numpy(), answer.numpy())


with torch.inference_mode():
    protocol.serve("torch", options, check, lambda: run(t, p, y, support))
