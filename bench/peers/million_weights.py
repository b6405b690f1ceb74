# SPDX-License-Identifier: Apache-2.0
"""Weights and data of workload (6), for both frameworks."""
import numpy as np

import numbers_of as n

T, N, SIZES, WAYS = 32, 25, [(20, 1000), (1000, 980), (980, 5)], 5
CODE, HIDDEN, CHUNK, PLACE, RANK = 32, 128, 8192, 16, 8
TOTAL = sum(i * o + o for i, o in SIZES)
CHUNKS = -(-TOTAL // CHUNK)


def weights(workload):
    p = {"embedding": n.reals("embedding", (T, CODE), 3 ** 0.5), "code.w": n.he("code.w", (CODE, HIDDEN)),
         "code.b": n.small("code.b", (HIDDEN,))}
    if workload == "chunked-1m":
        return {**p, "places": n.reals("places", (CHUNKS, PLACE), 3 ** 0.5),
                "place.w": n.he("place.w", (PLACE, HIDDEN)),
                "generator.w": n.reals("generator.w", (HIDDEN, CHUNK), 0.004),
                "generator.b": n.reals("generator.b", (CHUNK,), 0.004)}
    for k, (i, o) in enumerate(SIZES, 1):
        for name, numbers in ((f"u{k}", i * RANK), (f"v{k}", RANK * o)):
            p[f"{name}.w"] = n.reals(f"{name}.w", (HIDDEN, numbers), 0.02)
            p[f"{name}.b"] = n.small(f"{name}.b", (numbers,))
        p[f"base{k}.w"], p[f"base{k}.b"] = n.he(f"base{k}.w", (i, o)), n.small(f"base{k}.b", (o,))
    return p


def samples():
    return n.reals("x", (T, N, SIZES[0][0]), 1.7), n.labels("y", (T, N), WAYS)
