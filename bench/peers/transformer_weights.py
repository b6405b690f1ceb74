# SPDX-License-Identifier: Apache-2.0
"""The weights of bench/bench_transformer.c, by name."""
import numbers_of as n

LAYERS, WIDTH, HEADS, LENGTH, CLASSES, RANK = 4, 128, 4, 64, 10, 4
DELTA = 2 * WIDTH * RANK


# What the parameter "vectors" of a block holds, and that of the last norm and the head, in this order.
VECTORS = {"norm1.gain": WIDTH, "norm1.shift": WIDTH, "qkv.b": 3 * WIDTH, "o.b": WIDTH, "norm2.gain": WIDTH,
           "norm2.shift": WIDTH, "in.b": 4 * WIDTH, "out.b": WIDTH}
LAST = {"norm.gain": WIDTH, "norm.shift": WIDTH, "head.b": CLASSES}
MATRICES = {"qkv.w": (WIDTH, 3 * WIDTH), "o.w": (WIDTH, WIDTH), "in.w": (WIDTH, 4 * WIDTH), "out.w": (4 * WIDTH, WIDTH)}


def vectors(block, sizes):
    """Each by itself, as peers have them."""
    at, all_of = 0, n.small(block + "vectors", (sum(sizes.values()),))
    for name, size in sizes.items():
        yield ("head.b" if name == "head.b" else block + name), all_of[at:at + size].copy()
        at += size


def weights(generated):
    p = n.hypernetwork(16, LAYERS * 2 * DELTA, 0.02, 0.2) if generated else {}
    for i in range(LAYERS):
        name = f"block{i + 1}."
        p.update({name + k: n.lecun(name + k, shape) for k, shape in MATRICES.items()})
        p.update(vectors(name, VECTORS))
    p.update(vectors(f"block{LAYERS + 1}.", LAST))
    return {**p, "head.w": n.lecun("head.w", (WIDTH, CLASSES))}
