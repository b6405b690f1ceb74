# SPDX-License-Identifier: Apache-2.0
"""Workload (2b) in PyTorch, channels last. few-shot uses the library's own batch norm over all images; few-shot-support
normalises each episode with the statistics of its support set."""
import with_torch

options = with_torch.start(["eager", "compile"], ["few-shot", "few-shot-support"])

import torch
import torch.nn.functional as F

import numbers_of as n

T, WAYS, QUERIES, C, INPUTS = 4, 20, 5, 64, [1, 64, 64, 64]
IMAGES = WAYS * (1 + QUERIES)


def weights():
    p = with_torch.conv4_weights(INPUTS, C)
    he = (6 / C) ** 0.5
    p.update(with_torch.parameters({"head1.w": n.reals("head1.w", (C, C), he), "head1.b": n.small("head1.b", (C,)),
                                    "head2.w": n.reals("head2.w", (C, C), 0.1 * he),
                                    "head2.b": n.small("head2.b", (C,))}))
    return p


def norm_support(x, gain, shift):
    """x [T * IMAGES, C, H, W]; the first WAYS images of an episode are its support set."""
    e = x.unflatten(0, (T, IMAGES))
    var, mean = torch.var_mean(e[:, :WAYS], dim=(1, 3, 4), correction=0, keepdim=True)
    scale = torch.rsqrt(var + 1e-5) * gain.view(1, 1, C, 1, 1)
    return ((e - mean) * scale + shift.view(1, 1, C, 1, 1)).flatten(0, 1)


def norm_all(x, gain, shift):
    return F.batch_norm(x, None, None, gain, shift, training=True, eps=1e-5)


norm = norm_support if options.workload == "few-shot-support" else norm_all


def loss(p, x, y):
    for k in range(1, 5):
        x = F.conv2d(x, p[f"conv{k}.w"], padding=1)
        x = F.max_pool2d(torch.relu(norm(x, p[f"norm{k}.gain"], p[f"norm{k}.shift"])), 2)
    f = x.reshape(T, IMAGES, C)
    means, query = f[:, :WAYS], f[:, WAYS:]
    h = torch.relu(F.linear(means, p["head1.w"].t(), p["head1.b"]))
    rows = means + F.linear(h, p["head2.w"].t(), p["head2.b"])
    squares = query.square().sum(-1, keepdim=True) + rows.square().sum(-1).unsqueeze(1)
    distance = squares - 2 * torch.bmm(query, rows.transpose(1, 2))
    return F.cross_entropy(-distance.flatten(0, 1), y.flatten())


p = weights()
x = torch.from_numpy(n.reals("x", (T * IMAGES, 28, 28, 1), 0.5, 0.5)).permute(0, 3, 1, 2)
y = torch.from_numpy(n.labels("y", (T, WAYS * QUERIES), WAYS))
step = with_torch.maybe_compiled(options, loss)
with_torch.train(options, p, lambda: step(p, x, y))
