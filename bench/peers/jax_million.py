# SPDX-License-Identifier: Apache-2.0
"""Workload (6) in JAX: one task written down and vmapped, or a task after the other, forgetting its weights (scan)."""
import with_jax

options = with_jax.start(["jit-vmap", "jit-scan"], ["chunked-1m", "lowrank-1m"])

import jax
import jax.numpy as jnp

import million_weights as m


def chunked(p, e, x):
    h = jax.nn.relu(e @ p["code.w"] + p["code.b"] + p["places"] @ p["place.w"])
    slab, at = (h @ p["generator.w"] + p["generator.b"]).reshape(-1), 0
    for k, (i, o) in enumerate(m.SIZES):
        x = x @ slab[at:at + i * o].reshape(i, o) + slab[at + i * o:at + i * o + o]
        at += i * o + o
        x = jax.nn.relu(x) if k < 2 else x
    return x


def low_rank(p, e, x):
    h = jax.nn.relu(e @ p["code.w"] + p["code.b"])
    for k, (i, o) in enumerate(m.SIZES, 1):
        u = (h @ p[f"u{k}.w"] + p[f"u{k}.b"]).reshape(i, m.RANK)
        v = (h @ p[f"v{k}.w"] + p[f"v{k}.b"]).reshape(m.RANK, o)
        x = x @ p[f"base{k}.w"] + p[f"base{k}.b"] + (x @ u) @ v
        x = jax.nn.relu(x) if k < 3 else x
    return x


def task_loss(p, e, x, y):
    apply = chunked if options.workload == "chunked-1m" else low_rank
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(apply(p, e, x)), y[:, None], -1))


def loss(p, data):
    e, (x, y) = p["embedding"], data
    if options.variant == "jit-vmap":
        return jnp.mean(jax.vmap(task_loss, (None, 0, 0, 0))(p, e, x, y))
    body = jax.checkpoint(lambda total, task: (total + task_loss(p, *task), None))
    return jax.lax.scan(body, 0.0, (e, x, y))[0] / m.T


with_jax.train(options, m.weights(options.workload), loss, m.samples())
