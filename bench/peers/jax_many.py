# SPDX-License-Identifier: Apache-2.0
"""Workload (5) in JAX: all tasks at once, or some hundred at a time in a loop that XLA compiles."""
import with_jax

options = with_jax.start(["jit-map", "jit"], ["adapt-10000"])

import jax
import jax.numpy as jnp

import numbers_of as n
import protocol

T, SIZES, TOTAL, CHUNK = 10000, [(20, 64), (64, 64), (64, 5)], 5829, 250


def predict(p, embedding, x):
    h = jax.nn.relu(embedding @ p["hidden1.w"] + p["hidden1.b"])
    h = jax.nn.relu(h @ p["hidden2.w"] + p["hidden2.b"])
    slab, at = h @ p["generator.w"] + p["generator.b"], 0
    for i, o in SIZES:
        w = slab[:, at:at + i * o].reshape(-1, i, o)
        at += i * o + o
        x = jnp.einsum("tni,tio->tno", x, w) + slab[:, None, at - o:at]
        x = jax.nn.relu(x) if o > 5 else x
    return jax.nn.softmax(x)


@jax.jit
def run(p, x):
    if options.variant == "jit":
        return predict(p, p["embedding"], x)
    parts = (p["embedding"].reshape(-1, CHUNK, 32), x.reshape(-1, CHUNK, 1, 20))
    return jax.lax.map(lambda part: predict(p, *part), parts).reshape(T, 1, 5)


p = jax.tree.map(jnp.asarray, n.hypernetwork(T, TOTAL, 0.02, 0.2))
x = jnp.asarray(n.reals("x", (T, 1, 20), 1.7))


def check():
    q = run(p, x)
    return {"probability": float(jnp.mean(q[..., 0])), "squares": float(jnp.mean(jnp.square(q)))}


protocol.serve("jax", options, check, lambda: run(p, x).block_until_ready())
