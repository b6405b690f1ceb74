/* SPDX-License-Identifier: Apache-2.0 */
/* fused.h: the rows of fused.def as data, for those who look for them and for those who run them. */
#ifndef GOSS_KERNEL_FUSED_H
#define GOSS_KERNEL_FUSED_H

#include "kernel/kernel.h"

#define GOSS__FUSED_MOST 16 /* ops of a row */

/* Operands; what is not negative is the place of an op of the row. */
enum { GOSS__FUSED_ARRAY = -1, GOSS__FUSED_ROW = -2, GOSS__FUSED_NUMBER = -3, GOSS__FUSED_NONE = -4 };
enum { GOSS__FUSED_PASSED, GOSS__FUSED_KEPT };

typedef struct goss__fused_op {
    enum goss__ew_op op;
    int in[3];
    bool kept;
} goss__fused_op;

/* The number of a row's ops. */
#define GOSS__FUSED_OPS(name) (int)(sizeof goss__fused_##name / sizeof(goss__fused_op))

#define ARRAY GOSS__FUSED_ARRAY
#define ROW GOSS__FUSED_ROW
#define NUMBER GOSS__FUSED_NUMBER
#define NONE GOSS__FUSED_NONE
#define OP(name, a, b, c, kept)                                                                                        \
    { GOSS__EW_##name, {a, b, c}, GOSS__FUSED_##kept }
#define FUSED(name, ...) static const goss__fused_op goss__fused_##name[] __attribute__((unused)) = {__VA_ARGS__};
#include "kernel/fused.def"
#undef FUSED
#undef OP
#undef NONE
#undef NUMBER
#undef ROW
#undef ARRAY
#endif
