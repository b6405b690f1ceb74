/* SPDX-License-Identifier: Apache-2.0 */
/* span.h: rows in coordinates of an orthonormal basis of what they span, where that has fewer numbers: n rows of more
 * than n inputs. Penalties on |v|^2 are the same there, and whatever is fitted to the rows lies in their span, so that
 * linear models of n rows need n coefficients, however many inputs there are.
 *
 * With X X' = L L' (pivoted Cholesky, so that rows may repeat) L's rows are the coordinates; the basis Q = X_p' C'^-1
 * is known by some of the rows, X_p, and their coordinates C, a triangle. */
#ifndef GOSS_BASELINE_SPAN_H
#define GOSS_BASELINE_SPAN_H

#include "baseline/dense.h"

typedef struct goss__span {
    const double *x; /* [n, width], borrowed */
    int n, width;
    int rank;        /* coordinates a row; width where the rows are taken as they are */
    const double *z; /* [n, rank] the rows' coordinates: x itself where the rows are taken as they are */
    double *corner;  /* [rank, rank] C; NULL: the rows are taken as they are */
    int *pivot;      /* [rank] which rows are X_p */
    double *memory;
} goss__span;

GOSS_MUST_USE goss_status goss__span_open(goss__span *s, const goss__dense *d, const double *x, int n, int width,
                                          goss_error *err);
void goss__span_close(goss__span *s);
/* Coordinates z [n, rank] of other rows x [n, width]: of their part in the span. Where rows are taken as they are z
 * must be x, or other memory to copy them to. */
GOSS_MUST_USE goss_status goss__span_place(const goss__span *s, const goss__dense *d, const double *x, int n, double *z,
                                           goss_error *err);
/* slopes [k, width] += those of coordinates v [k, rank], which are overwritten; rows are v_row and slopes_row apart. */
void goss__span_back(const goss__span *s, double *v, int k, int v_row, double *slopes, int slopes_row);
#endif
