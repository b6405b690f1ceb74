/* SPDX-License-Identifier: Apache-2.0 */
/* program_retired.h: retired operations, which occur in programs of earlier versions. Texts and files with them stay
 * readable: the parser expands them to current operations, bit-identically. */
#ifndef GOSS_IR_PROGRAM_RETIRED_H
#define GOSS_IR_PROGRAM_RETIRED_H

#include "ir/program.h"

enum { GOSS__RETIRED_STEPS = 4 };

/* Elementwise: operands and results have one shape. Operand i < operands of a step is the operation's, beyond that the
 * result of an earlier step. */
typedef struct goss__retired {
    const char *name;
    int operands, steps;
    struct {
        enum goss__ew_op op;
        int n_in, in[3];
    } step[GOSS__RETIRED_STEPS];
} goss__retired;

/* NULL: unknown. */
const goss__retired *goss__retired_find(const char *name);
/* That of its last step. */
const goss__op *goss__retired_op(const goss__retired *r);
/* Whether an operation of version 1 that is still in use read the results of another one packed in one value, where it
 * has an operand for each now. */
bool goss__retired_reads_packed(const goss__op *op, const goss__op *made_by);
/* Appends its steps: o is the retired operation, with its operands and its one result. False: out of memory. */
bool goss__retired_add(goss_program *p, const goss__retired *r, const goss__operation_proto *o);
#endif
