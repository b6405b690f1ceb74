# SPDX-License-Identifier: Apache-2.0
"""JAX's side of a training step: threads, Adam inside the jitted step with donated state, clipping, and the check."""
import os

import protocol


def start(variants, workloads):
    """Options; XLA's pool has as many threads as the process may use cores, so that is what is limited."""
    options = protocol.arguments(variants, workloads)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["NPROC"] = str(options.threads)
    import jax
    jax.numpy.zeros(1).block_until_ready()
    protocol.START_MB = protocol.peak_mb()
    return options


def conv4_weights(inputs, channels):
    """Filters, gains and shifts of a Conv4."""
    import numbers_of as n
    p = {}
    for k, i in enumerate(inputs, 1):
        p[f"conv{k}.w"] = n.he(f"conv{k}.w", (3, 3, i, channels))
        p[f"norm{k}.gain"] = n.reals(f"norm{k}.gain", (channels,), 0.1, 1.0)
        p[f"norm{k}.shift"] = n.small(f"norm{k}.shift", (channels,))
    return p


def adam(p, gradient, m, v, t, rate):
    import jax
    import jax.numpy as jnp
    b1, b2 = 0.9, 0.999
    c1, c2 = 1 - b1 ** t, 1 - b2 ** t
    m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, m, gradient)
    v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, v, gradient)
    p = jax.tree.map(lambda p, m, v: p - rate * (m / c1) / (jnp.sqrt(v / c2) + 1e-8), p, m, v)
    return p, m, v


def train(options, p, loss_of, data, clip=0.0):
    """Serves the training step of loss_of(p, data)."""
    import jax
    import jax.numpy as jnp

    def body(p, m, v, t, rate, data):
        loss, gradient = jax.value_and_grad(loss_of)(p, data)
        norm = jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(gradient)))
        if clip:
            factor = jnp.minimum(1.0, clip / norm)
            gradient = jax.tree.map(lambda g: factor * g, gradient)
        t = t + 1
        p, m, v = adam(p, gradient, m, v, t, rate)
        return p, m, v, t, loss, norm

    step_of = jax.jit(body, donate_argnums=(0, 1, 2))
    data = jax.tree.map(jnp.asarray, data)
    p = jax.tree.map(jnp.asarray, p)
    state = [p, jax.tree.map(jnp.zeros_like, p), jax.tree.map(jnp.zeros_like, p), jnp.float32(0)]
    rate = [jnp.float32(protocol.RATE_CHECKED)]

    def step():
        *state[:], loss, norm = step_of(*state, rate[0], data)
        jax.block_until_ready(state)
        return loss, norm

    def check():
        loss, norm = step()
        figures = {"loss": float(loss), "gradient_norm": float(norm), "next_loss": float(step()[0])}
        rate[0] = jnp.float32(protocol.RATE_TIMED)
        return figures

    protocol.serve("jax", options, check, step)
