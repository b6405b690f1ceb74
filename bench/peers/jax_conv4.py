# SPDX-License-Identifier: Apache-2.0
"""Workload (2) in JAX, NHWC: the tasks unrolled, as a scan, or vmapped (which XLA turns into a grouped convolution)."""
import with_jax

options = with_jax.start(["jit-unrolled", "jit-scan", "jit-vmap"], ["generated-conv4"])

import jax
import jax.numpy as jnp

import numbers_of as n

T, N, INPUTS, C, WAYS = 32, 25, [1, 64, 64, 64], 64, 5
TOTAL = sum(9 * i * C + C for i in INPUTS) + C * WAYS + WAYS
data = {"x": n.reals("x", (T, N, 28, 28, 1), 0.5, 0.5), "y": n.labels("y", (T, N), WAYS)}


def generate(p):
    h = jax.nn.relu(p["embedding"] @ p["hidden1.w"] + p["hidden1.b"])
    h = jax.nn.relu(h @ p["hidden2.w"] + p["hidden2.b"])
    return h @ p["generator.w"] + p["generator.b"]


def single(slab, x):
    at = 0
    for i in INPUTS:
        w = slab[at:at + 9 * i * C].reshape(3, 3, i, C)
        at += 9 * i * C + C
        x = jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x + slab[at - C:at])
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return x.reshape(N, C) @ slab[at:at + C * WAYS].reshape(C, WAYS) + slab[at + C * WAYS:]


def apply(slab, x):
    if options.variant == "jit-vmap":
        return jax.vmap(single)(slab, x)
    if options.variant == "jit-scan":
        return jax.lax.scan(lambda _, each: (None, single(*each)), None, (slab, x))[1]
    return jnp.stack([single(slab[t], x[t]) for t in range(T)])


def loss(p, data):
    log_p = jax.nn.log_softmax(apply(generate(p), data["x"]))
    return -jnp.mean(jnp.take_along_axis(log_p, data["y"][..., None], -1))


with_jax.train(options, n.hypernetwork(T, TOTAL, 0.009, 0.1), loss, data)
