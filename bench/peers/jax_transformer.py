# SPDX-License-Identifier: Apache-2.0
"""A transformer in JAX, by einsum; with a generated low-rank delta of each task's queries and values."""
import with_jax

options = with_jax.start(["jit"], ["transformer", "transformer-lowrank"])

import jax
import jax.numpy as jnp

import numbers_of as n
import transformer_weights as t

GENERATED = options.workload == "transformer-lowrank"
T, N = (16, 4) if GENERATED else (1, 64)


def linear(p, name, x):
    return x @ p[name + ".w"] + p[name + ".b"]


def norm(p, name, x):
    mean = x.mean(-1, keepdims=True)
    var = jnp.square(x - mean).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(var + 1e-5) * (1 + p[name + ".gain"]) + p[name + ".shift"]


def delta(slab, layer, which, h):
    at, half = (2 * layer + which) * t.DELTA, t.DELTA // 2
    a = slab[:, at:at + half].reshape(T, t.WIDTH, t.RANK)
    b = slab[:, at + half:at + t.DELTA].reshape(T, t.RANK, t.WIDTH)
    low = jnp.einsum("trd,tdk->trk", h.reshape(T, -1, t.WIDTH), a)
    return jnp.einsum("trk,tkd->trd", low, b).reshape(-1, t.WIDTH)


def attention(q, k, v):
    q, k, v = (a.reshape(T * N, t.LENGTH, t.HEADS, -1) for a in (q, k, v))
    scores = jnp.einsum("nqhd,nkhd->nhqk", q, k) / (t.WIDTH // t.HEADS) ** 0.5
    return jnp.einsum("nhqk,nkhd->nqhd", jax.nn.softmax(scores), v).reshape(-1, t.WIDTH)


def block(p, slab, layer, x):
    name = f"block{layer + 1}."
    h = norm(p, name + "norm1", x)
    q, k, v = jnp.split(linear(p, name + "qkv", h), 3, 1)
    if GENERATED:
        q, v = q + delta(slab, layer, 0, h), v + delta(slab, layer, 1, h)
    x = x + linear(p, name + "o", attention(q, k, v))
    h = jax.nn.gelu(linear(p, name + "in", norm(p, name + "norm2", x)), approximate=True)
    return x + linear(p, name + "out", h)


def loss(p, data):
    slab, x = None, data["x"]
    if GENERATED:
        h = jax.nn.relu(p["embedding"] @ p["hidden1.w"] + p["hidden1.b"])
        h = jax.nn.relu(h @ p["hidden2.w"] + p["hidden2.b"])
        slab = h @ p["generator.w"] + p["generator.b"]
    for i in range(t.LAYERS):
        x = block(p, slab, i, x)
    h = norm(p, f"block{t.LAYERS + 1}.norm", x).reshape(-1, t.LENGTH, t.WIDTH).mean(1)
    logits = linear(p, "head", h)
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), data["y"][:, None], -1))


data = {"x": n.reals("x", (T * N * t.LENGTH, t.WIDTH), 1.7), "y": n.labels("y", (T * N,), t.CLASSES)}
with_jax.train(options, t.weights(GENERATED), loss, data)
