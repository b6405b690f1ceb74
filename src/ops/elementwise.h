/* SPDX-License-Identifier: Apache-2.0 */
/* elementwise.h: between the builders of elementwise ops and their loops. */
#ifndef GOSS_OPS_ELEMENTWISE_H
#define GOSS_OPS_ELEMENTWISE_H

#include "ops/ops.h"

/* What runs the op, a row of elementwise.def, on blocks of floats, or of doubles. */
goss__ew_fn goss__ew_kernel(const goss__op *op, bool f64, const goss__kernels *k);
/* One element of that op in double: for constants met while building. */
double goss__ew_eval(enum goss__ew_op op, double a, double b, double c);
/* Constants and identities: what an elementwise op comes to without being computed. */
bool goss__ew_fold(const goss__proto *p, goss_val *out);
#endif
