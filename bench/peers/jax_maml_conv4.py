# SPDX-License-Identifier: Apache-2.0
"""Workload (3b) in JAX, NHWC: the inner gradient of one task; the tasks unrolled or vmapped (grouped convolutions)."""
import with_jax

options = with_jax.start(["jit-unrolled", "jit-vmap"], ["maml-conv4-1", "maml-conv4-5"])

import jax
import jax.numpy as jnp

import numbers_of as n

T, SUPPORT, QUERY, WAYS, C, INPUTS, RATE = 4, 5, 75, 5, 64, [1, 64, 64, 64], 0.01
STEPS = 5 if options.workload.endswith("5") else 1


def weights():
    return {**with_jax.conv4_weights(INPUTS, C), "head.w": n.lecun("head.w", (C, WAYS)),
            "head.b": n.small("head.b", (WAYS,))}


def error(p, x, y):
    for k in range(1, 5):
        x = jax.lax.conv_general_dilated(x, p[f"conv{k}.w"], (1, 1), "SAME",
                                         dimension_numbers=("NHWC", "HWIO", "NHWC"))
        mean = jnp.mean(x, (0, 1, 2))
        var = jnp.mean(jnp.square(x - mean), (0, 1, 2))
        x = (x - mean) * (jax.lax.rsqrt(var + 1e-5) * p[f"norm{k}.gain"]) + p[f"norm{k}.shift"]
        x = jax.lax.reduce_window(jax.nn.relu(x), -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    log_p = jax.nn.log_softmax(x.reshape(-1, C) @ p["head.w"] + p["head.b"])
    return -jnp.mean(jnp.take_along_axis(log_p, y[:, None], -1))


def adapted_loss(p, x, y, query, answer):
    for _ in range(STEPS):
        p = jax.tree.map(lambda v, g: v - RATE * g, p, jax.grad(error)(p, x, y))
    return error(p, query, answer)


def loss(p, data):
    if options.variant == "jit-vmap":
        return jnp.mean(jax.vmap(adapted_loss, in_axes=(None, 0, 0, 0, 0))(p, *data))
    return jnp.mean(jnp.stack([adapted_loss(p, *(d[t] for d in data)) for t in range(T)]))


data = [n.reals("x", (T, SUPPORT, 28, 28, 1), 0.5, 0.5), n.labels("y", (T, SUPPORT), WAYS),
        n.reals("query", (T, QUERY, 28, 28, 1), 0.5, 0.5), n.labels("answer", (T, QUERY), WAYS)]
with_jax.train(options, weights(), loss, data)
