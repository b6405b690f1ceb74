# SPDX-License-Identifier: Apache-2.0
"""The nuclear norm and its gradient in JAX: through its singular values, or by hand from one decomposition."""
import with_jax

options = with_jax.start(["jit-direct", "jit-grad"], ["trace-139x28", "trace-50x4096"])

import jax
import jax.numpy as jnp

import numbers_of as n
import protocol

SHAPE = tuple(int(v) for v in options.workload.split("-")[1].split("x"))
w, probe = (jnp.asarray(n.reals(name, SHAPE, 1.0)) for name in ("w", "probe"))


def direct(w):
    u, s, vh = jnp.linalg.svd(w, full_matrices=False)
    return jnp.sum(s), u @ vh


through = jax.value_and_grad(lambda w: jnp.sum(jnp.linalg.svd(w, full_matrices=False, compute_uv=False)))
run = jax.jit(direct if options.variant == "jit-direct" else through)


def check():
    value, grad = run(w)
    return {"value": float(value), "squares": float(jnp.sum(jnp.square(grad))), "along": float(jnp.sum(grad * probe))}


protocol.serve("jax", options, check, lambda: jax.block_until_ready(run(w)))
