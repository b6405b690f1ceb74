/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h: loops over a run-time length, for recurrent networks, filters, integrators.
 *
 * A scan applies a body step by step to carries and to slices of arrays along a time axis (as jax.lax.scan does):
 *
 *     (c[t+1], y[t]) = body(c[t], x[t], w)        t = 0 .. L-1, or L-1 .. 0
 *
 * Its results are the last carries and all y[t], stacked along the time axis. It is one node whatever its length:
 * building, differentiating and compiling 1,000 steps takes as long as 10. Its gradient is a scan in the opposite
 * direction, of any order (goss_grad).
 *
 *     goss_scan *s = goss_scan_begin(g, steps, goss_scan_defaults());
 *     goss_val h = goss_scan_carry(s, h0);             // [T,N,D] inside the body
 *     goss_val xt = goss_scan_slice(s, x);             // [T,N,L,E] outside, [T,N,E] inside
 *     goss_val wh = goss_scan_const(s, w);             // the same at every step
 *     goss_val h1 = goss_tanh(goss_add(xt, goss_matmul(h, wh, false, false)));
 *     goss_scan_next(s, h, h1);
 *     goss_scan_emit(s, h1);
 *     goss_scan_end(s);
 *     goss_val last = goss_scan_last(s, h);            // [T,N,D]
 *     goss_val ys = goss_scan_stacked(s, h1);          // [T,N,L,D]
 *
 * Values inside the body belong to a graph of its own: outside values enter by the three functions above, and only the
 * results of a finished scan leave. A body may contain any operation except inputs, parameters, assignments and random
 * draws; scans may be nested. Errors are sticky errors of the graph that contains the scan. Threads: the graph's. */
#ifndef GOSSAMER_SCAN_H
#define GOSSAMER_SCAN_H

#include "gossamer/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A scan under construction. Owned by its graph. */
typedef struct goss_scan goss_scan;

/* Settings of a scan. */
typedef struct goss_scan_options {
    bool reverse; /* from the last step to the first */
    int axis;     /* the time axis of slices and stacked results; 2: [T,N,L,...] */
    /* What the gradient reads of the forward pass. 1: the carries of every step, and what is expensive to recompute
     * (products, exponentials). k > 1: the carries of every k-th step; the k steps between are rematerialised, so that
     * memory is that of L / k carries and k steps. 0: k is the square root of the maximal number of steps (Chen et al.
     * 2016, "Training deep nets with sublinear memory cost"). Values are the same. */
    int64_t keep_every;
    /* The number of steps of each sample, a real [T,N]; {0}: all. Beyond it carries keep their values, y is 0, and real
     * slices are read as 0 (indices are read as they are), so that padding never affects a result. In a reverse scan
     * these steps come first. */
    goss_val length;
} goss_scan_options;
/* Forward, axis 2, keep_every 1, no lengths. */
GOSS_API goss_scan_options goss_scan_defaults(void);

/* Begins a scan of that many steps: a number, or a symbol whose count is set for each run. Returns NULL if memory is
 * exhausted, which the functions below accept. */
GOSS_API goss_scan *goss_scan_begin(goss_graph *g, goss_extent steps, goss_scan_options options);
/* A carry with the initial value `init`, a real value outside. Returns its value at the beginning of a step, inside, of
 * the same shape. */
GOSS_API goss_val goss_scan_carry(goss_scan *s, goss_val init);
/* Returns the slice of the step, inside, of x[..., L, ...] outside, without the time axis. Real or index. */
GOSS_API goss_val goss_scan_slice(goss_scan *s, goss_val x);
/* Returns an outside value for use inside: the same at every step. */
GOSS_API goss_val goss_scan_const(goss_scan *s, goss_val a);
/* The step's position on the time axis as a real of rank 0, in a reverse scan too. */
GOSS_API goss_val goss_scan_step(goss_scan *s);
/* Sets the value of a carry for the next step, of its shape. Exactly once per carry. */
GOSS_API void goss_scan_next(goss_scan *s, goss_val carry, goss_val next);
/* Requests that the real value y of each step be stacked. */
GOSS_API void goss_scan_emit(goss_scan *s, goss_val y);
/* Ends the body. From here on its values only identify results. */
GOSS_API void goss_scan_end(goss_scan *s);
/* The value of a carry after the last step, outside. */
GOSS_API goss_val goss_scan_last(const goss_scan *s, goss_val carry);
/* The emitted y of all steps, outside, with the time axis inserted at options.axis (at the end if y has lower rank).
 * Results without readers are not computed. */
GOSS_API goss_val goss_scan_stacked(const goss_scan *s, goss_val y);

#ifdef __cplusplus
}
#endif
#endif
