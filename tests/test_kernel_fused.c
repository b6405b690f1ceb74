/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of elementwise ops as one loop: each row of fused.def against its ops one after the other, bit for bit, on
 * every variant. */
#include "kernel/fused.h"
#include "kernel_check.h"

static const struct {
    const goss__fused_op *op;
    int n;
    const char *name;
} rows[] = {
#define FUSED(name, ...) {goss__fused_##name, GOSS__FUSED_OPS(name), #name},
#include "kernel/fused.def"
#undef FUSED
};

enum { ROWS = 3 };

/* A row's ops on ROWS x n elements. A result that is kept lies where the op's first array did, as in place. */
typedef struct operands {
    guarded array[GOSS__FUSED_MOST][3], result[GOSS__FUSED_MOST];
    float number[GOSS__FUSED_MOST][3];
    goss__ew e[GOSS__FUSED_MOST];
} operands;

static void make(operands *o, int row, int64_t n, float zero) {
    check_seed = (uint32_t)(row + 7 * n);
    for (int k = 0; k < rows[row].n; k++) {
        const goss__fused_op *op = &rows[row].op[k];
        o->result[k] = guarded_new(ROWS * n);
        o->e[k] = (goss__ew){.out = o->result[k].v, .outer = ROWS, .inner = n};
        for (int j = 0; j < 3; j++) {
            const int from = op->in[j];
            o->array[k][j] = guarded_new(from == GOSS__FUSED_ARRAY ? ROWS * n : from == GOSS__FUSED_ROW ? n : 0);
            for (int64_t i = 0; i < o->array[k][j].n; i++) o->array[k][j].v[i] = fabsf(o->array[k][j].v[i]);
            o->number[k][j] = op->op == GOSS__EW_select ? zero : 0.5f + 0.5f * check_random();
            o->e[k].in[j] = from >= 0 ? o->result[from].v : o->array[k][j].n ? o->array[k][j].v : &o->number[k][j];
            if (from == GOSS__FUSED_ARRAY && op->kept) o->e[k].out = o->array[k][j].v;
            o->e[k].in_inner[j] = from != GOSS__FUSED_NUMBER;
            o->e[k].in_outer[j] = from == GOSS__FUSED_NUMBER || from == GOSS__FUSED_ROW ? 0 : n;
        }
    }
    for (int k = 0; k < rows[row].n; k++)
        for (int j = 0; j < 3; j++)
            if (rows[row].op[k].in[j] >= 0) o->e[k].in[j] = o->e[rows[row].op[k].in[j]].out;
}

static bool intact(const operands *o, int n) {
    bool all = true;
    for (int k = 0; k < n; k++) {
        all &= guarded_intact(&o->result[k]);
        for (int j = 0; j < 3; j++) all &= guarded_intact(&o->array[k][j]);
    }
    return all;
}

static void drop(operands *o, int n) {
    for (int k = 0; k < n; k++) {
        guarded_free(&o->result[k]);
        for (int j = 0; j < 3; j++) guarded_free(&o->array[k][j]);
    }
}

static void one_row(const goss__kernels *k, int row, int64_t n, float zero) {
    operands apart, at_once;
    bool same = true;
    make(&apart, row, n, zero), make(&at_once, row, n, zero);
    for (int i = 0; i < rows[row].n; i++) k->ew[rows[row].op[i].op](&apart.e[i]);
    k->fused[row](at_once.e);
    for (int i = 0; i < rows[row].n; i++)
        if (rows[row].op[i].kept) same &= first_difference(apart.e[i].out, at_once.e[i].out, ROWS * n) < 0;
    const bool kept = intact(&at_once, rows[row].n);
    drop(&apart, rows[row].n), drop(&at_once, rows[row].n);
    if (!same || !kept)
        T_FAIL("%s %s of %lld:%s%s", k->name, rows[row].name, (long long)n, same ? "" : " other bits",
               kept ? "" : " wrote outside");
}

static void check_rows(const goss__kernels *k) {
    for (int row = 0; row < GOSS__FUSED_COUNT; row++)
        for (int64_t n = 0; n < 70; n++) one_row(k, row, n, 0), one_row(k, row, n, 1);
}
EACH_VARIANT(fused_rows, check_rows)

TEST_MAIN()
