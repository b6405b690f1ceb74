# SPDX-License-Identifier: Apache-2.0
"""Workload (2b) in JAX, NHWC."""
import with_jax

options = with_jax.start(["jit"], ["few-shot", "few-shot-support"])

import jax
import jax.numpy as jnp

import numbers_of as n

T, WAYS, QUERIES, C, INPUTS = 4, 20, 5, 64, [1, 64, 64, 64]
IMAGES = WAYS * (1 + QUERIES)


def weights():
    he = (6 / C) ** 0.5
    return {**with_jax.conv4_weights(INPUTS, C), "head1.w": n.reals("head1.w", (C, C), he),
            "head1.b": n.small("head1.b", (C,)),
            "head2.w": n.reals("head2.w", (C, C), 0.1 * he), "head2.b": n.small("head2.b", (C,))}


def norm(x, gain, shift):
    support = options.workload == "few-shot-support"
    e = x.reshape(T, IMAGES, *x.shape[1:]) if support else x
    seen, axes = (e[:, :WAYS], (1, 2, 3)) if support else (e, (0, 1, 2))
    mean = jnp.mean(seen, axes, keepdims=True)
    var = jnp.mean(jnp.square(seen - mean), axes, keepdims=True)
    return ((e - mean) * (jax.lax.rsqrt(var + 1e-5) * gain) + shift).reshape(x.shape)


def loss(p, data):
    x = data["x"]
    for k in range(1, 5):
        x = jax.lax.conv_general_dilated(x, p[f"conv{k}.w"], (1, 1), "SAME",
                                         dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(norm(x, p[f"norm{k}.gain"], p[f"norm{k}.shift"]))
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    f = x.reshape(T, IMAGES, C)
    means, query = f[:, :WAYS], f[:, WAYS:]
    h = jax.nn.relu(means @ p["head1.w"] + p["head1.b"])
    rows = means + h @ p["head2.w"] + p["head2.b"]
    squares = jnp.sum(query * query, -1, keepdims=True) + jnp.sum(rows * rows, -1)[:, None]
    log_p = jax.nn.log_softmax(2 * jnp.einsum("tqd,twd->tqw", query, rows) - squares)
    return -jnp.mean(jnp.take_along_axis(log_p, data["y"][..., None], -1))


data = {"x": n.reals("x", (T * IMAGES, 28, 28, 1), 0.5, 0.5), "y": n.labels("y", (T, WAYS * QUERIES), WAYS)}
with_jax.train(options, weights(), loss, data)
