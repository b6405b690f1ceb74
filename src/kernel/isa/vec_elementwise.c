/* SPDX-License-Identifier: Apache-2.0 */
/* vec_elementwise.c: the rows of elementwise.def as loops over floats.
 *
 * The inner loop is instantiated for each combination of inner strides (0: one number per row, 1: dense) together with
 * the outer loop, so that many short rows (a bias, a norm) do not cost a call each. */
#include "kernel/isa/isa.h"
#include "kernel/isa/vformula.h"

typedef vf (*formula)(vf a, vf b, vf c);

/* Merges contiguous rows into one; a column (inner 1) becomes a row. */
static goss__ew flatten(const goss__ew *e, int arity) {
    goss__ew f = *e;
    bool joined = true;
    if (f.inner == 1) {
        for (int j = 0; j < arity; j++) f.in_inner[j] = 0;
        for (int j = 0; j < arity; j++) joined &= f.in_outer[j] == 0 || f.in_outer[j] == 1;
        if (!joined) return f;
        for (int j = 0; j < arity; j++) f.in_inner[j] = f.in_outer[j];
    } else {
        for (int j = 0; j < arity; j++) joined &= f.in_outer[j] == f.in_inner[j] * f.inner;
        if (!joined) return f;
    }
    f.inner *= f.outer, f.outer = 1;
    return f;
}

ALWAYS vf operand(const float *p, int64_t i, int64_t left, int dense, vf one) {
    if (!dense) return one;
    return left >= W ? vload(p + i) : vload_part(p + i, vfirst(left));
}

/* dense: bit j is set if operand j has inner stride 1. */
ALWAYS void rows(const goss__ew *e, formula f, const int arity, const int dense) {
    const float *a = e->in[0], *b = arity > 1 ? e->in[1] : a, *c = arity > 2 ? e->in[2] : a;
    const int64_t inner = e->inner;
    float *out = e->out;
    const vf none = {0};
    for (int64_t o = 0; o < e->outer; o++, out += inner) {
        const vf a1 = dense & 1 ? none : vset(*a);
        const vf b1 = arity < 2 || dense & 2 ? none : vset(*b);
        const vf c1 = arity < 3 || dense & 4 ? none : vset(*c);
        int64_t i = 0;
        _Pragma("GCC unroll 4") for (; i + W <= inner; i += W)
            vstore(out + i, f(operand(a, i, W, dense & 1, a1), operand(b, i, W, arity > 1 && dense & 2, b1),
                              operand(c, i, W, arity > 2 && dense & 4, c1)));
        if (i < inner)
            vstore_part(out + i,
                        f(operand(a, i, inner - i, dense & 1, a1), operand(b, i, inner - i, arity > 1 && dense & 2, b1),
                          operand(c, i, inner - i, arity > 2 && dense & 4, c1)),
                        vfirst(inner - i));
        a += e->in_outer[0];
        if (arity > 1) b += e->in_outer[1];
        if (arity > 2) c += e->in_outer[2];
    }
}

ALWAYS void apply(const goss__ew *given, formula f, const int arity) {
    const goss__ew *e = given;
    goss__ew flat;
    if (e->outer != 1 || e->inner == 1) flat = flatten(given, arity), e = &flat;
    if (e->outer <= 0 || e->inner <= 0) return;
    int dense = 0;
    for (int j = 0; j < arity; j++) dense |= (e->in_inner[j] != 0) << j;
    switch (dense) {
    case 0:
        rows(e, f, arity, 0);
        break;
    case 1:
        rows(e, f, arity, 1);
        break;
    case 2:
        rows(e, f, arity, arity > 1 ? 2 : 0);
        break;
    case 3:
        rows(e, f, arity, arity > 1 ? 3 : 0);
        break;
    case 4:
        rows(e, f, arity, arity > 2 ? 4 : 0);
        break;
    case 5:
        rows(e, f, arity, arity > 2 ? 5 : 0);
        break;
    case 6:
        rows(e, f, arity, arity > 2 ? 6 : 0);
        break;
    default:
        rows(e, f, arity, arity > 2 ? 7 : 0);
        break;
    }
}

#define ROW(name, arity, formula_, va, vb, vc, ...)                                                                    \
    void GOSS_FN(ew_##name)(const goss__ew *e) { apply(e, f_##name, arity); }
#include "kernel/elementwise.def"
#undef ROW
