/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h: loops over a length that is known at run time: recurrent networks, filters, integrators.
 *
 * A scan takes carries through a body, step by step, together with slices of arrays along a time axis:
 *
 *     (c[t+1], y[t]) = body(c[t], x[t], w)        t = 0 .. L-1, or L-1 .. 0
 *
 * and gives the last carries and all y[t], stacked along the time axis. It is one node however long it is: building,
 * differentiating and compiling 1,000 steps takes as long as 10. Its gradient is a scan in the other direction, of any
 * order (goss_grad).
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
 * Values inside a body belong to a graph of its own: what is outside comes in by the three functions above, and only
 * the results of an ended scan go out. A body holds any operation but inputs, parameters, assignments and random draws;
 * scans may be nested. Errors are those of the graph that the scan is in (goss_graph_status). */
#ifndef GOSSAMER_SCAN_H
#define GOSSAMER_SCAN_H

#include "gossamer/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A scan that is being built. Owned by its graph. */
typedef struct goss_scan goss_scan;

typedef struct goss_scan_options {
    bool reverse; /* from the last step to the first */
    int axis;     /* of time, in what is scanned and stacked; 2: [T,N,L,...] */
    /* What a gradient reads of the forward steps. 1: of every step the carries, and what is dear to compute (products,
     * exponentials). k > 1: the carries in front of every k-th step; the steps from there on are computed once more, so
     * that memory for L steps is that of L / k carries and k steps. 0: k is the root of the most steps (Chen et al.
     * 2016, Training deep nets with sublinear memory cost). Values are the same. */
    int64_t keep_every;
    /* Steps of each sample, a real [T,N] (GOSS_NONE-like {0}: all). Beyond them a carry stays as it is and y is 0;
     * what is scanned is read as 0 there (indices are read as they are), so that padding never changes a result. In a
     * reverse scan these are the steps that come first. */
    goss_val length;
} goss_scan_options;
/* Forward, axis 2, everything kept, no lengths. */
GOSS_API goss_scan_options goss_scan_defaults(void);

/* Begins a scan of so many steps: a number, or a symbol whose count is set for each run. NULL where memory is out,
 * which all functions below take. */
GOSS_API goss_scan *goss_scan_begin(goss_graph *g, goss_extent steps, goss_scan_options options);
/* A carry that begins as `init`, a real value outside; inside: what it is when a step begins, of the same shape. */
GOSS_API goss_val goss_scan_carry(goss_scan *s, goss_val init);
/* x[..., L, ...] outside; inside: the slice of the step, without the time axis. Reals or indices. */
GOSS_API goss_val goss_scan_slice(goss_scan *s, goss_val x);
/* An outside value inside the body: the same at every step. */
GOSS_API goss_val goss_scan_const(goss_scan *s, goss_val a);
/* The number of the step as a real of rank 0: the place along the time axis, in a reverse scan, too. */
GOSS_API goss_val goss_scan_step(goss_scan *s);
/* What a carry is for the next step: of its shape. Once for each carry. */
GOSS_API void goss_scan_next(goss_scan *s, goss_val carry, goss_val next);
/* Asks for the real y of each step, stacked. */
GOSS_API void goss_scan_emit(goss_scan *s, goss_val y);
/* Ends the body. Afterwards its values serve to name results. */
GOSS_API void goss_scan_end(goss_scan *s);
/* Outside: a carry after the last step. */
GOSS_API goss_val goss_scan_last(const goss_scan *s, goss_val carry);
/* Outside: the emitted y of all steps, with the time axis at its place (behind all others where y has fewer). Results
 * that nothing reads are not computed. */
GOSS_API goss_val goss_scan_stacked(const goss_scan *s, goss_val y);

#ifdef __cplusplus
}
#endif
#endif
