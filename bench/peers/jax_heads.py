# SPDX-License-Identifier: Apache-2.0
"""50 tasks with a shared trunk and a head each, tied by a Laplacian, in JAX."""
import with_jax

options = with_jax.start(["jit"], ["laplacian-heads"])

import jax
import jax.numpy as jnp
import numpy as np

import numbers_of as n

T, N, D, H = 50, 32, 64, 128
a = n.reals("adjacency", (T, T), 0.5, 0.5)
a = (a + a.T) / 2 * (1 - np.eye(T, dtype=np.float32))
data = {"x": n.reals("x", (T, N, D), 1.7), "y": n.reals("y", (T, N, 1), 1.7),
        "laplacian": (np.diag(a.sum(1)) - a).astype(np.float32)}
p = {"hidden1.w": n.he("hidden1.w", (D, H)), "hidden1.b": n.small("hidden1.b", (H,)),
     "hidden2.w": n.he("hidden2.w", (H, H)), "hidden2.b": n.small("hidden2.b", (H,)),
     "heads": n.reals("heads", (T, H, 1), (3.0 / H) ** 0.5)}


def loss(p, data):
    h = jax.nn.relu(data["x"] @ p["hidden1.w"] + p["hidden1.b"])
    h = jax.nn.relu(h @ p["hidden2.w"] + p["hidden2.b"])
    heads = p["heads"][..., 0]
    fit = jnp.mean(jnp.square(jnp.einsum("tnh,tho->tno", h, p["heads"]) - data["y"]))
    return fit + 0.01 * jnp.sum(heads * (data["laplacian"] @ heads))


with_jax.train(options, p, loss, data)
