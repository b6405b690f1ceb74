# SPDX-License-Identifier: Apache-2.0
"""An LSTM in JAX: a lax.scan, with generated weights of one task vmapped, or of all tasks by einsum."""
import with_jax

options = with_jax.start(["jit-scan", "jit-scan-unroll", "jit-vmap", "jit-einsum"],
                         ["lstm-64", "lstm-256", "lstm-generated"])

import jax
import jax.numpy as jnp

import numbers_of as n

CLASSES = 10
UNROLL = 10 if "unroll" in options.variant else 1


def scan(z, u, product):
    """The last state from z[L, ..., 4H] = x w + b."""
    def cell(state, z):
        h, c = state
        i, f, g, o = jnp.split(z + product(h, u), 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None
    zero = jnp.zeros(z.shape[1:-1] + (z.shape[-1] // 4,))
    return jax.lax.scan(cell, (zero, zero), z, unroll=UNROLL)[0][0]


def cross_entropy(logits, y):
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[..., None], -1))


def shared():
    hidden = 64 if options.workload == "lstm-64" else 256
    scale = (3 / hidden) ** 0.5
    p = {"w": n.reals("lstm.w", (hidden, 4 * hidden), scale), "u": n.reals("lstm.u", (hidden, 4 * hidden), scale),
         "b": n.reals("lstm.b", (4 * hidden,), 0.1), "head.w": n.reals("head.w", (hidden, CLASSES), scale),
         "head.b": n.reals("head.b", (CLASSES,), 0.1)}
    data = {"x": n.reals("x", (64, 100, hidden), 1.7), "y": n.labels("y", (64,), CLASSES)}

    def loss(p, data):
        z = jnp.swapaxes(data["x"] @ p["w"] + p["b"], 0, 1)
        return cross_entropy(scan(z, p["u"], jnp.matmul) @ p["head.w"] + p["head.b"], data["y"])
    return p, loss, data


T, N, STEPS, IN, HIDDEN = 32, 8, 50, 16, 64
SHAPES = [(IN, 4 * HIDDEN), (HIDDEN, 4 * HIDDEN), (4 * HIDDEN,), (HIDDEN, CLASSES), (CLASSES,)]


def size(shape):
    return shape[0] * (shape[1] if len(shape) > 1 else 1)


def parts(slab):
    at, out = 0, []
    for s in SHAPES:
        out.append(slab[..., at:at + size(s)].reshape(slab.shape[:-1] + s))
        at += size(s)
    return out


def single(slab, x):
    w, u, b, head, head_b = parts(slab)
    return scan(jnp.swapaxes(x @ w + b, 0, 1), u, jnp.matmul) @ head + head_b


def batched(slab, x):
    w, u, b, head, head_b = parts(slab)
    z = jnp.einsum("tnli,tig->ltng", x, w) + b[None, :, None]
    h = scan(z, u, lambda h, u: jnp.einsum("tnh,thg->tng", h, u))
    return jnp.einsum("tnh,thc->tnc", h, head) + head_b[:, None]


def generated():
    p = n.hypernetwork(T, sum(size(s) for s in SHAPES), 0.02, 0.2)
    data = {"x": n.reals("x", (T, N, STEPS, IN), 1.7), "y": n.labels("y", (T, N), CLASSES)}

    def loss(p, data):
        h = jax.nn.relu(p["embedding"] @ p["hidden1.w"] + p["hidden1.b"])
        h = jax.nn.relu(h @ p["hidden2.w"] + p["hidden2.b"])
        slab = h @ p["generator.w"] + p["generator.b"]
        apply = jax.vmap(single) if options.variant == "jit-vmap" else batched
        return cross_entropy(apply(slab, data["x"]), data["y"])
    return p, loss, data


with_jax.train(options, *(generated() if options.workload == "lstm-generated" else shared()))
