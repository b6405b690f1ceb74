# SPDX-License-Identifier: Apache-2.0
"""Weights and data of workload (4), for both frameworks."""
import numpy as np

import numbers_of as n

PIXELS, WIDTH, WAYS, SHOTS, HIDDEN = 784, 128, 5, 5, 64
TOTAL = PIXELS * HIDDEN + HIDDEN + HIDDEN * WAYS + WAYS


def as_bf16(x):
    """The nearest bfloat16 of each number, as float32."""
    bits = x.view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)).view(np.float32)


def weights(workload):
    generator = n.reals("generator.w", (WIDTH, TOTAL), 0.02)
    return {"image.w": n.he("image.w", (PIXELS, WIDTH)), "image.b": n.small("image.b", (WIDTH,)),
            "set.w": n.he("set.w", (WAYS * WIDTH, WIDTH)), "set.b": n.small("set.b", (WIDTH,)),
            "generator.w": as_bf16(generator) if workload == "adapt-bf16" else generator,
            "generator.b": n.reals("generator.b", (TOTAL,), 0.1)}


def images():
    return (n.reals("support", (WAYS * SHOTS, PIXELS), 0.5, 0.5), n.reals("query", (1, PIXELS), 0.5, 0.5))
