# SPDX-License-Identifier: Apache-2.0
"""Workload (1) in JAX: one task written down and vmapped, or all tasks at once by einsum."""
import with_jax

options = with_jax.start(["jit-vmap", "jit-einsum"], ["hyper-mlp", "hyper-mlp-clip"])

import jax
import jax.numpy as jnp

import numbers_of as n

T, N, SIZES = 32, 25, [(20, 64), (64, 64), (64, 5)]
TOTAL = sum(i * o + o for i, o in SIZES)
data = {"x": n.reals("x", (T, N, 20), 1.7), "y": n.labels("y", (T, N), 5)}


def generate(p):
    h = jax.nn.relu(p["embedding"] @ p["hidden1.w"] + p["hidden1.b"])
    h = jax.nn.relu(h @ p["hidden2.w"] + p["hidden2.b"])
    return h @ p["generator.w"] + p["generator.b"]


def single(slab, x):
    at = 0
    for k, (i, o) in enumerate(SIZES):
        x = x @ slab[at:at + i * o].reshape(i, o) + slab[at + i * o:at + i * o + o]
        at += i * o + o
        x = jax.nn.relu(x) if k < 2 else x
    return x


def batched(slab, x):
    at = 0
    for k, (i, o) in enumerate(SIZES):
        w, b = slab[:, at:at + i * o].reshape(-1, i, o), slab[:, None, at + i * o:at + i * o + o]
        x = jnp.einsum("tni,tio->tno", x, w) + b
        at += i * o + o
        x = jax.nn.relu(x) if k < 2 else x
    return x


def loss(p, data):
    apply = jax.vmap(single) if options.variant == "jit-vmap" else batched
    log_p = jax.nn.log_softmax(apply(generate(p), data["x"]))
    return -jnp.mean(jnp.take_along_axis(log_p, data["y"][..., None], -1))


with_jax.train(options, n.hypernetwork(T, TOTAL, 0.02, 0.2), loss, data,
               1.0 if options.workload == "hyper-mlp-clip" else 0.0)
