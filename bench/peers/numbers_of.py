# SPDX-License-Identifier: Apache-2.0
"""The numbers of bench/workload.h: every tensor's elements follow from its name, so that peers start from the same
weights and data without a file."""
import numpy as np


def _hash(name, count):
    key = 2166136261
    for byte in name.encode():
        key = ((key ^ byte) * 16777619) & 0xFFFFFFFF
    h = np.uint32(key) ^ (np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9))
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))


def reals(name, shape, scale, offset=0.0):
    u = (_hash(name, int(np.prod(shape))) >> np.uint32(8)).astype(np.float64) / 16777216
    return (offset + scale * (2 * u - 1)).astype(np.float32).reshape(shape)


def labels(name, shape, ways):
    return (_hash(name, int(np.prod(shape))) % np.uint32(ways)).astype(np.int64).reshape(shape)


def he(name, shape):
    """Weights of a target's layer before a ReLU: shape [..., in, out]."""
    return reals(name, shape, (6.0 / np.prod(shape[:-1])) ** 0.5)


def lecun(name, shape):
    """The same where no ReLU follows (a head)."""
    return reals(name, shape, (3.0 / np.prod(shape[:-1])) ** 0.5)


def small(name, shape):
    """Biases and shifts."""
    return reals(name, shape, 0.1)


def hypernetwork(tasks, total, scale, bias_scale, order=None):
    """Weights of bench_hypernetwork: 32 numbers a task -> 128 -> 128 -> total. order: a permutation of the generated
    weights, so that a peer can have them in the layout it likes best, for nothing."""
    generator = {"generator.w": reals("generator.w", (128, total), scale),
                 "generator.b": reals("generator.b", (total,), bias_scale)}
    if order is not None:
        generator = {k: np.ascontiguousarray(v[..., order]) for k, v in generator.items()}
    return {"embedding": reals("embedding", (tasks, 32), 3 ** 0.5),
            "hidden1.w": he("hidden1.w", (32, 128)), "hidden1.b": small("hidden1.b", (128,)),
            "hidden2.w": he("hidden2.w", (128, 128)), "hidden2.b": small("hidden2.b", (128,)), **generator}
