/* SPDX-License-Identifier: Apache-2.0 */
/* match.h: what rules recognise. All look at valid values. */
#ifndef GOSS_REWRITE_MATCH_H
#define GOSS_REWRITE_MATCH_H

#include "ops/ops.h"

/* y = op(a[0], ...): the n operands of an elementwise op. */
bool goss__match_ew(goss_val y, enum goss__ew_op op, goss_val *a, int n);
/* y = x * k, k a constant. */
bool goss__match_scaled(goss_val y, goss_val *x, double *k);
/* y = x * broadcast(s), in either order. */
bool goss__match_spread(goss_val y, goss_val *x, goss_val *s);
/* A constant that another factor may be multiplied with first: what such a product loses to overflow or underflow, the
 * product with x would have lost, too, but for numbers beyond 2^60 times the largest, or the smallest, that there are.
 */
bool goss__is_moderate(double k);
#endif
