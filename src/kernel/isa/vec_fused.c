/* SPDX-License-Identifier: Apache-2.0 */
/* vec_fused.c: the rows of fused.def as loops. A row is a compile-time constant: the compiler unrolls its operations
 * and keeps their results in registers. */
#include "kernel/fused.h"
#include "kernel/isa/isa.h"
#include "kernel/isa/vformula.h"

/* The operands and results of a row. */
typedef struct lines {
    const float *in[GOSS__FUSED_MOST][3];
    vf number[GOSS__FUSED_MOST][3];
    float *out[GOSS__FUSED_MOST];
} lines;

ALWAYS vf value_of(const enum goss__ew_op op, vf a, vf b, vf c) {
    switch (op) {
#define ROW(name, arity, formula, va, vb, vc, ...)                                                                     \
    case GOSS__EW_##name:                                                                                              \
        return f_##name(a, b, c);
#include "kernel/elementwise.def"
#undef ROW
    default:
        return a;
    }
}

/* The addresses for elements from `column` on, of the row that begins at element `row`. */
ALWAYS vf operand(const lines *l, const vf *result, const int from, int k, int j, int64_t row, int64_t column,
                  int64_t left) {
    if (from >= 0) return result[from];
    if (from == GOSS__FUSED_NUMBER || from == GOSS__FUSED_NONE) return l->number[k][j];
    return vload_n(l->in[k][j] + (from == GOSS__FUSED_ARRAY ? row + column : column), left);
}

/* W elements, or the `left` last ones of a row. All reads precede all writes: outputs may alias operands. */
ALWAYS void some(const lines *l, const goss__fused_op *op, const int n, int64_t row, int64_t column, int64_t left) {
    vf result[GOSS__FUSED_MOST];
    UNROLL for (int k = 0; k < n; k++) {
        vf in[3] = {{0}};
        UNROLL for (int j = 0; j < 3; j++) in[j] = operand(l, result, op[k].in[j], k, j, row, column, left);
        result[k] = value_of(op[k].op, in[0], in[1], in[2]);
    }
    UNROLL for (int k = 0; k < n; k++) if (op[k].kept) vstore_n(l->out[k] + row + column, result[k], left);
}

ALWAYS void fused(const goss__ew *e, const goss__fused_op *op, const int n) {
    bool by_rows = false;
    lines l = {0};
    UNROLL for (int k = 0; k < n; k++) {
        l.out[k] = e[k].out;
        UNROLL for (int j = 0; j < 3; j++) {
            by_rows |= op[k].in[j] == GOSS__FUSED_ROW;
            if (op[k].in[j] == GOSS__FUSED_ARRAY || op[k].in[j] == GOSS__FUSED_ROW) l.in[k][j] = e[k].in[j];
            if (op[k].in[j] == GOSS__FUSED_NUMBER) l.number[k][j] = vset(*(const float *)e[k].in[j]);
        }
    }
    const int64_t rows = by_rows ? e->outer : 1, columns = by_rows ? e->inner : e->outer * e->inner;
    for (int64_t r = 0; r < rows; r++) {
        int64_t i = 0;
        for (; i + W <= columns; i += W) some(&l, op, n, r * columns, i, W);
        if (i < columns) some(&l, op, n, r * columns, i, columns - i);
    }
}

#define FUSED(name, ...)                                                                                               \
    _Static_assert(GOSS__FUSED_OPS(name) <= GOSS__FUSED_MOST, "more ops than a row may have");                         \
    void GOSS_FN(fused_##name)(const goss__ew *e) { fused(e, goss__fused_##name, GOSS__FUSED_OPS(name)); }
#include "kernel/fused.def"
#undef FUSED
