/* SPDX-License-Identifier: Apache-2.0 */
/* chain_fused.c: fuses steps of a chain that match a row of kernel/fused.def into one call, bit-identically. */
#include "runtime/exec.h"
#include "kernel/fused.h"
#include "ops/elementwise.h"

/* Whether operand i of step k of a sequence from step `first` on matches the row. */
static bool fits_operand(const goss_exec *e, uint32_t first, uint32_t k, int i, int wanted) {
    const goss_schedule *p = e->schedule;
    const goss__step *s = &e->steps[first + k];
    const goss__ew *block = &s->link.block;
    const bool number = !block->in_inner[i], row = !number && block->in_outer[i] == 0, dense = !number && !row;
    const uint32_t source = goss__source(p, s->value->in[i]);
    if (wanted >= 0) return dense && source == p->instrs[first + (uint32_t)wanted].value;
    for (uint32_t j = first; j < first + k; j++)
        if (source == p->instrs[j].value) return false;
    return wanted == GOSS__FUSED_ARRAY ? dense : wanted == GOSS__FUSED_ROW ? row : number;
}

static bool fits(const goss_exec *e, uint32_t first, const goss__fused_op *op, uint32_t n) {
    for (uint32_t k = 0; k < n; k++) {
        const goss__value *v = e->steps[first + k].value;
        if (v->op != &goss__op_ew[op[k].op]) return false;
        for (int i = 0; i < v->n_in; i++)
            if (!fits_operand(e, first, k, i, op[k].in[i])) return false;
    }
    for (uint32_t k = 0; k < n; k++)
        if (!op[k].kept && goss__leaves(e->schedule, first + k, first, n)) return false;
    return true;
}

/* The row that matches from step `first` on, with at most `left` steps; returns its number of steps, 0: none. */
static uint32_t find_row(const goss_exec *e, uint32_t first, uint32_t left, int *row) {
    static const struct {
        const goss__fused_op *op;
        uint32_t n;
    } rows[] = {
#define FUSED(name, ...) {goss__fused_##name, GOSS__FUSED_OPS(name)},
#include "kernel/fused.def"
#undef FUSED
    };
    for (*row = 0; *row < GOSS__FUSED_COUNT; ++*row)
        if (rows[*row].n <= left && fits(e, first, rows[*row].op, rows[*row].n)) return rows[*row].n;
    return 0;
}

void goss__fuse_chain(goss_exec *e, uint32_t first, uint32_t count) {
    if (e->schedule->precision != GOSS_F32 || goss__has_pass(e->schedule->off, GOSS__PASS_FUSE_CHAIN)) return;
    for (uint32_t k = first, n; k < first + count; k += n ? n : 1) {
        int row;
        n = find_row(e, k, first + count - k, &row);
        if (n == 0) continue;
        for (uint32_t j = k; j < k + n; j++) e->steps[j].link.ops = 0;
        e->steps[k].link.fn = e->kernels->fused[row], e->steps[k].link.ops = (int)n;
    }
}
