# SPDX-License-Identifier: Apache-2.0
"""The training of configs/omniglot.ini in PyTorch (channels last): the same episodes' shape, warps, Conv4-64, generated
class head, AdamW with cosine, average of the weights; validated as `gossamer train` does. One line of JSON a
validation: step, seconds of training (validations and compilation left out; compilation beside it), accuracy. Images: a
.npz of time_to.py's."""
import argparse
import copy
import json
import math
import os
import time

p = argparse.ArgumentParser()
p.add_argument("images")
p.add_argument("--seed", type=int, default=1)
p.add_argument("--steps", type=int, default=1500)
p.add_argument("--every", type=int, default=50)
p.add_argument("--target", type=float, default=0.95)
p.add_argument("--threads", type=int, default=2)
p.add_argument("--variant", choices=["compile", "eager"], default="compile")
o = p.parse_args()
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(o.threads)

import numpy as np
import torch
import torch.nn.functional as F

WAYS, SHOTS, QUERIES, C, HIDDEN, HEADS, SIDE = 80, (1, 2), 2, 64, 128, 4, 28
VAL_WAYS, VAL_QUERIES, VAL_EPISODES = 20, 5, 200
RATE, DECAY, CLIP, AVERAGE, WARMUP = 0.003, 0.0005, 5.0, 0.999, 0.02
torch.set_num_threads(o.threads)
torch.set_flush_denormal(True)
torch.manual_seed(o.seed)
draw = np.random.default_rng(o.seed)


# ---- episodes ----

def turned(images):
    """Copies by 90, 180, 270 degrees are classes of their own."""
    return torch.cat([torch.rot90(images, k, (2, 3)) for k in range(4)])


def episode(images, ways, shots, queries, draw):
    """[ways * (shots + queries), 1, SIDE, SIDE]: drawings of a class side by side."""
    classes = draw.choice(len(images), ways, replace=False)
    drawings = np.argsort(draw.random((ways, images.shape[1])), 1)[:, :shots + queries]
    return images[classes[:, None], drawings].flatten(0, 1)[:, None]


def elastic_weights(points=5):
    """[SIDE, points]: a field's values along an axis from those at its points, blended smoothly."""
    g = torch.arange(SIDE) * (points - 1) / (SIDE - 1)
    cell = g.floor().clamp(max=points - 2).long()
    t = (g - cell)
    t = t * t * (3 - 2 * t)
    w = torch.zeros(SIDE, points)
    w[torch.arange(SIDE), cell] = 1 - t
    w[torch.arange(SIDE), cell + 1] = t
    return w


BLEND, AT = elastic_weights(), torch.arange(SIDE) - (SIDE - 1) / 2


def warped(x):
    n = len(x)
    angle, slant = math.radians(10) * torch.randn(n), 0.1 * torch.randn(n)
    sx, sy = torch.exp(-0.1 * torch.randn(n)), torch.exp(-0.1 * torch.randn(n))
    co, si = torch.cos(angle), torch.sin(angle)
    m = torch.stack([sx * co, sx * (co * slant - si), sy * si, sy * (si * slant + co)]).view(2, 2, n, 1, 1)
    px, py, shift = AT.view(1, 1, -1), AT.view(1, -1, 1), 2 * (2 * torch.rand(2, n, 1, 1) - 1)
    field = BLEND @ torch.randn(2, n, 5, 5) @ BLEND.T
    at = (m[:, 0] * px + m[:, 1] * py + shift + field) / ((SIDE - 1) / 2)
    return F.grid_sample(x, at.permute(1, 2, 3, 0), align_corners=True)


# ---- the network and its head ----

def normal(*shape, fan_in, gain=1.0):
    return (torch.randn(*shape) * math.sqrt(gain / fan_in)).requires_grad_()


def weights():
    p = {}
    for k, i in enumerate([1, C, C, C], 1):
        w = normal(C, i, 3, 3, fan_in=9 * i, gain=2.0).detach().contiguous(memory_format=torch.channels_last)
        p[f"conv{k}.w"] = w.requires_grad_()
        p[f"norm{k}.gain"], p[f"norm{k}.shift"] = torch.ones(C).requires_grad_(), torch.zeros(C).requires_grad_()
    for part in "qkv":
        p[f"{part}.w"] = normal(C, C, fan_in=C)
    p["hidden.w"] = normal(4 * C + 1, HIDDEN, fan_in=4 * C + 1, gain=2.0)
    p["hidden.b"] = torch.zeros(HIDDEN).requires_grad_()
    for name, width in (("delta", C), ("bias", 1), ("metric", C + 1)):
        p[f"{name}.w"] = torch.zeros(HIDDEN, width).requires_grad_()
        p[f"{name}.b"] = torch.zeros(width).requires_grad_()
    p["temperature"] = torch.zeros(()).requires_grad_()
    return p


running = {k: (torch.zeros(C), torch.ones(C)) for k in range(1, 5)}


def features(p, x, training):
    for k in range(1, 5):
        x = F.conv2d(x, p[f"conv{k}.w"], padding=1)
        mean, var = running[k]
        x = F.batch_norm(x, mean, var, p[f"norm{k}.gain"], p[f"norm{k}.shift"], training, 0.025)
        x = F.max_pool2d(torch.relu(x), *((2, 2) if k < 3 else (3, 2) if k == 3 else (3, 3)))
    return x.flatten(1)


def attend(p, x):
    q, k, v = ((x @ p[f"{part}.w"]).view(len(x), HEADS, -1).transpose(0, 1) for part in "qkv")
    return F.scaled_dot_product_attention(q, k, v).transpose(0, 1).reshape(len(x), C)


def logits(p, support, query):
    """support [ways, shots, C], query [n, C]"""
    mean = support.mean(1)
    size = torch.sqrt(mean.square().mean() + 1e-6)
    x, spread = mean / size, torch.relu(support.square().mean(1) - mean.square()) / size.square()
    shots = torch.full_like(mean[:, :1], 1 / support.shape[1])
    h = torch.cat([x, spread, x.mean(0, keepdim=True).expand_as(x), shots, attend(p, x)], 1)
    h = torch.relu(h @ p["hidden.w"] + p["hidden.b"])
    last = lambda name, z: (z @ p[f"{name}.w"] + p[f"{name}.b"]) / math.sqrt(HIDDEN)
    row, task, bias = mean + last("delta", h) * size, last("metric", h.mean(0)), last("bias", h)[:, 0]
    g = torch.exp(torch.tanh(task[:C]))
    t = torch.exp(p["temperature"]) * torch.exp(torch.tanh(task[C])) / math.sqrt(C)
    return 2 * t * query @ (g * row).T - t * (g * row * row).sum(1) + bias


def loss_of(p, support, query, shots):
    fs, fq = features(p, support, True).view(WAYS, shots, C), features(p, query, True)
    return F.cross_entropy(logits(p, fs, fq), torch.arange(WAYS).repeat_interleave(QUERIES))


def split(x, ways, shots):
    x = x.view(ways, -1, *x.shape[1:])
    return (part.flatten(0, 1).contiguous(memory_format=torch.channels_last) for part in (x[:, :shots], x[:, shots:]))


@torch.inference_mode()
def validate(p, images):
    draw, right = np.random.default_rng(12345), 0.0
    for _ in range(VAL_EPISODES):
        support, query = split(episode(images, VAL_WAYS, 1, VAL_QUERIES, draw), VAL_WAYS, 1)
        f = features(p, torch.cat([support, query]), False)
        answer = logits(p, f[:VAL_WAYS, None], f[VAL_WAYS:]).argmax(1)
        right += (answer == torch.arange(VAL_WAYS).repeat_interleave(VAL_QUERIES)).float().mean().item()
    return right / VAL_EPISODES


# ---- training ----

def rate_at(part):
    if part < WARMUP:
        return RATE * part / WARMUP
    return RATE * 0.5 * (1 + math.cos(math.pi * (part - WARMUP) / (1 - WARMUP)))


data = np.load(o.images)
train, held_out = (turned(torch.from_numpy(data[k])) for k in ("train", "held_out"))
p = weights()
average = {k: v.detach().clone() for k, v in p.items()}
products = [v for k, v in p.items() if k.endswith(".w")]
others = [v for k, v in p.items() if not k.endswith(".w")]
groups = [{"params": products, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
adam = torch.optim.AdamW(groups, lr=RATE, fused=True)
loss_fn = torch.compile(loss_of, dynamic=False) if o.variant == "compile" else loss_of
seconds, compiling = 0.0, 0.0

if o.variant == "compile":  # both shapes, before the clock
    start, kept = time.perf_counter(), copy.deepcopy(running)
    for shots in SHOTS:
        loss_fn(p, *split(warped(episode(train, WAYS, shots, QUERIES, draw)), WAYS, shots), shots).backward()
    for k in running:
        for a, b in zip(running[k], kept[k]):
            a.copy_(b)
    compiling = time.perf_counter() - start

for step in range(1, o.steps + 1):
    start = time.perf_counter()
    shots = int(draw.integers(SHOTS[0], SHOTS[1] + 1))
    x = warped(episode(train, WAYS, shots, QUERIES, draw))
    for group in adam.param_groups:
        group["lr"] = rate_at(step / o.steps)
    adam.zero_grad(set_to_none=True)
    loss_fn(p, *split(x, WAYS, shots), shots).backward()
    torch.nn.utils.clip_grad_norm_(list(p.values()), CLIP)
    adam.step()
    with torch.no_grad():
        decay = min(AVERAGE, (step - 1) / (step + 9))
        torch._foreach_lerp_(list(average.values()), [v.detach() for v in p.values()], 1 - decay)
    seconds += time.perf_counter() - start
    if step % o.every == 0:
        accuracy = validate(average, held_out)
        print(json.dumps({"step": step, "seconds": round(seconds, 2), "compiling": round(compiling, 2),
                          "accuracy": round(accuracy, 5)}),
              flush=True)
        if accuracy >= o.target:
            break
