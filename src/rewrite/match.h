/* SPDX-License-Identifier: Apache-2.0 */
/* match.h: pattern matching for rules. All operands are valid values. */
#ifndef GOSS_REWRITE_MATCH_H
#define GOSS_REWRITE_MATCH_H

#include "ops/ops.h"

/* y = op(a[0], ...): the n operands of an elementwise op. */
bool goss__match_ew(goss_val y, enum goss__ew_op op, goss_val *a, int n);
/* y = x * k, k a constant. */
bool goss__match_scaled(goss_val y, goss_val *x, double *k);
/* y = x * broadcast(s), in either order. */
bool goss__match_spread(goss_val y, goss_val *x, goss_val *s);
/* ---- elementwise maps ---- */

/* x = f(u, s, t ...), elementwise, where all operands but one are broadcast. */
typedef struct goss__map {
    const goss__op *f;
    int n, full;                     /* operands; index of u */
    goss_val u, small[GOSS__MAX_IN]; /* sources of the broadcast operands */
} goss__map;
bool goss__match_map(goss_val x, goss__map *m);
/* v rewritten. The engine applies the rules, so that these reach it through the graph: files do not refer to each other
 * in a cycle. */
static inline goss_val goss__normal_form(goss_val v) { return v.graph->normal_form(v); }
/* v has a single reader, without which v is dead. (Readers built after v was first rewritten, by a gradient, are not
 * counted.) */
static inline bool goss__has_one_reader(goss_val v) { return goss__node_of(v)->readers <= 1; }
/* f(v, s, t ...): the same map of another value to whose shape s, t ... broadcast. */
goss_val goss__map_of(const goss__map *m, goss_val v);
/* f is non-decreasing in u, and finite wherever u is. */
bool goss__map_rises(const goss__map *m);

/* ---- moving factors from operand i to the result ---- */

/* s, which broadcasts to operand i of y, varies along batch axes of operand i only (graph/op.h): it can be applied to y
 * instead. */
bool goss__meets_result(goss_val y, int i, goss_val s);
bool goss__map_meets_result(goss_val y, int i, const goss__map *m);
/* At the symbols' maxima y has at most 1 / `times` as many elements as its operand i. */
bool goss__is_smaller(goss_val y, int i, int64_t times);
/* y's operation with another operand i, of the old one's shape. */
goss_val goss__with_operand(goss_val y, int i, goss_val v);

/* Known to be positive: a constant, the inverse of a root, a product of such. */
bool goss__is_positive(goss_val v);
/* A constant that may be multiplied with another factor first: the product overflows or underflows only if the product
 * with x would have, too, except for numbers beyond 2^60 times the largest or smallest ones. */
bool goss__is_moderate(double k);
#endif
