/* SPDX-License-Identifier: Apache-2.0 */
/* elementwise.h: the interface between builders of elementwise operations and their loops. */
#ifndef GOSS_OPS_ELEMENTWISE_H
#define GOSS_OPS_ELEMENTWISE_H

#include "ops/ops.h"

/* The kernel of an operation, a row of elementwise.def, on blocks of floats or doubles. */
goss__ew_fn goss__ew_kernel(const goss__op *op, bool f64, const goss__kernels *k);
/* The operation on one element in double, for constant folding. */
double goss__ew_eval(enum goss__ew_op op, double a, double b, double c);
/* Constant folding and identities of an elementwise operation. */
bool goss__ew_fold(const goss__proto *p, goss_val *out);
#endif
