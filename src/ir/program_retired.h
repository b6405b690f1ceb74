/* SPDX-License-Identifier: Apache-2.0 */
/* program_retired.h: operations that programs of earlier builds hold and that there are no more. Texts and files that
 * have them are read for ever: the parser puts what they are made of in their place, bit for bit. */
#ifndef GOSS_IR_PROGRAM_RETIRED_H
#define GOSS_IR_PROGRAM_RETIRED_H

#include "ir/program.h"

enum { GOSS__RETIRED_STEPS = 4 };

/* Elementwise: operands and results have one shape. A step's operand i < operands is the operation's, from there on the
 * result of an earlier step. */
typedef struct goss__retired {
    const char *name;
    int operands, steps;
    struct {
        enum goss__ew_op op;
        int n_in, in[3];
    } step[GOSS__RETIRED_STEPS];
} goss__retired;

/* NULL: none was called so. */
const goss__retired *goss__retired_find(const char *name);
/* Its last step's. */
const goss__op *goss__retired_op(const goss__retired *r);
/* Appends its steps: o is the operation as it was, with its operands and its one result. False: out of memory. */
bool goss__retired_add(goss_program *p, const goss__retired *r, const goss__operation_proto *o);
#endif
