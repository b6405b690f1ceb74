# SPDX-License-Identifier: Apache-2.0
"""Workload (4) in JAX. Variant jit-bf16: the generator's last weights as bfloat16, sums in float32."""
import with_jax

options = with_jax.start(["jit", "jit-bf16"], ["adapt", "adapt-bf16"])

import jax
import jax.numpy as jnp

import adapt_weights as a
import protocol


def generate(p, h):
    w = p["generator.w"]
    return jnp.dot(h.astype(w.dtype), w, preferred_element_type=jnp.float32) + p["generator.b"]


@jax.jit
def adapt(p, support, query):
    h = jax.nn.relu(support @ p["image.w"] + p["image.b"])
    h = h.reshape(a.WAYS, a.SHOTS, a.WIDTH).mean(1).reshape(1, -1)
    h = jax.nn.relu(h @ p["set.w"] + p["set.b"])
    w = generate(p, h).reshape(-1)
    w1, b1, w2, b2 = jnp.split(w, [a.PIXELS * a.HIDDEN, (a.PIXELS + 1) * a.HIDDEN, a.TOTAL - a.WAYS])
    h = jax.nn.relu(query @ w1.reshape(a.PIXELS, a.HIDDEN) + b1)
    return jax.nn.softmax(h @ w2.reshape(a.HIDDEN, a.WAYS) + b2)


p = jax.tree.map(jnp.asarray, a.weights(options.workload))
if options.variant.endswith("bf16"):
    p["generator.w"] = p["generator.w"].astype(jnp.bfloat16)
support, query = map(jnp.asarray, a.images())


def check():
    probability = adapt(p, support, query)
    return {"probability": float(probability[0, 0]), "squares": float(jnp.sum(jnp.square(probability)))}


protocol.serve("jax", options, check, lambda: adapt(p, support, query).block_until_ready())
