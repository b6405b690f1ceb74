# SPDX-License-Identifier: Apache-2.0
"""Workload (3) in JAX: the inner gradient of one task, vmapped."""
import with_jax

options = with_jax.start(["jit-vmap"], ["maml-1", "maml-5"])

import jax
import jax.numpy as jnp

import numbers_of as n

T, N, RATE, SIZES = 25, 10, 0.01, [(1, 40), (40, 40), (40, 1)]
STEPS = 5 if options.workload == "maml-5" else 1
LAYERS = ["dense1", "dense2", "head"]


def weights():
    p = {}
    for name, size in zip(LAYERS, SIZES):
        p[f"{name}.w"] = (n.lecun if name == "head" else n.he)(f"{name}.w", size)
        p[f"{name}.b"] = n.small(f"{name}.b", size[1:])
    return p


def single(p, x):
    for name in LAYERS:
        x = x @ p[f"{name}.w"] + p[f"{name}.b"]
        x = x if name == "head" else jax.nn.relu(x)
    return x


def error(p, x, y):
    return jnp.mean(jnp.square(single(p, x) - y))


def adapted_loss(p, x, y, query, answer):
    for _ in range(STEPS):
        p = jax.tree.map(lambda v, g: v - RATE * g, p, jax.grad(error)(p, x, y))
    return error(p, query, answer)


def loss(p, data):
    return jnp.mean(jax.vmap(adapted_loss, in_axes=(None, 0, 0, 0, 0))(p, *data))


data = [n.reals(name, (T, N, 1), scale) for name, scale in (("x", 5), ("y", 1), ("query", 5), ("answer", 1))]
with_jax.train(options, weights(), loss, data)
