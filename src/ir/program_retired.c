/* SPDX-License-Identifier: Apache-2.0 */
/* program_retired.c: the table of retired operations. Rows are never removed. */
#include "ir/program_retired.h"

#include <string.h>

#include "ops/ops.h"

static const goss__retired retired[] = {
    /* a + c (b^2 - a) and a / (sqrt(b) + c), which Adam consisted of. */
    {"lerp_square", 3, 2, {{GOSS__EW_square, 1, {1}}, {GOSS__EW_lerp, 3, {0, 3, 2}}}},
    {"over_root", 3, 3, {{GOSS__EW_sqrt, 1, {1}}, {GOSS__EW_add, 2, {3, 2}}, {GOSS__EW_div, 2, {0, 4}}}},
};

const goss__retired *goss__retired_find(const char *name) {
    for (size_t i = 0; i < sizeof retired / sizeof *retired; i++)
        if (strcmp(retired[i].name, name) == 0) return &retired[i];
    return NULL;
}

bool goss__retired_reads_packed(const goss__op *op, const goss__op *made_by) {
    return made_by == &goss__op_singular && (op == &goss__op_gram_root || op == &goss__op_lyapunov);
}

const goss__op *goss__retired_op(const goss__retired *r) { return &goss__op_ew[r->step[r->steps - 1].op]; }

bool goss__retired_add(goss_program *p, const goss__retired *r, const goss__operation_proto *o) {
    int value[3 + GOSS__RETIRED_STEPS], in[3];
    memcpy(value, o->operands, (size_t)r->operands * sizeof *value);
    for (int k = 0; k < r->steps; k++) {
        goss__operation_proto step = *o;
        for (int i = 0; i < r->step[k].n_in; i++) in[i] = value[r->step[k].in[i]];
        step.op = &goss__op_ew[r->step[k].op], step.n_operands = r->step[k].n_in, step.operands = in;
        if (k + 1 < r->steps) step.name = NULL;
        value[r->operands + k] = p->n_values;
        if (!goss__program_add(p, &step)) return false;
    }
    return true;
}
