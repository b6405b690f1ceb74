/* SPDX-License-Identifier: Apache-2.0 */
/* elementwise_run.c: the rows of elementwise.def as descriptors: their loops and their gradients.
 *
 * f32 goes through the kernel of the variant in use, f64 through a plain loop over the same formula. Operands may be
 * broadcast views; strided_loop.h turns them into runs of rows. */
#include <math.h>

#include "graph/cost_model.h"
#include "ops/elementwise.h"
#include "ops/strided_loop.h"

/* ---- the formulas in double ---- */
#define EXP(x) exp(x)
#define LOG(x) log(x)
#define SQRT(x) sqrt(x)
#define TANH(x) tanh(x)
#define SIN(x) sin(x)
#define COS(x) cos(x)
#define ABS(x) fabs(x)
#define FLOOR(x) floor(x)
#define MAX(x, y) ((x) > (y) || (x) != (x) ? (x) : (y)) /* NaN if either is NaN, as in the kernels */
#define MIN(x, y) ((x) < (y) || (x) != (x) ? (x) : (y))
#define LESS(x, y) ((x) < (y) ? 1.0 : 0.0)
#define SELECT(m, x, y) ((m) != 0 ? (x) : (y))
#define K(x) ((double)(x))
#define FMA(x, y, z) fma(x, y, z)

#define ROW(name, arity, formula, va, vb, vc, ...)                                                                     \
    static double eval_##name(double a, double b, double c) {                                                          \
        (void)b, (void)c;                                                                                              \
        return formula;                                                                                                \
    }                                                                                                                  \
    static void loop_##name(const goss__ew *e) {                                                                       \
        enum { B = arity > 1 ? 1 : 0, C = arity > 2 ? 2 : 0 }; /* missing operands alias the first */                  \
        for (int64_t o = 0; o < e->outer; o++) {                                                                       \
            double *out = (double *)e->out + o * e->inner;                                                             \
            const double *a = (const double *)e->in[0] + o * e->in_outer[0];                                           \
            const double *b = (const double *)e->in[B] + o * e->in_outer[B];                                           \
            const double *c = (const double *)e->in[C] + o * e->in_outer[C];                                           \
            for (int64_t i = 0; i < e->inner; i++)                                                                     \
                out[i] = eval_##name(a[i * e->in_inner[0]], b[i * e->in_inner[B]], c[i * e->in_inner[C]]);             \
        }                                                                                                              \
    }

#include "kernel/elementwise.def"
#undef ROW

double goss__ew_eval(enum goss__ew_op op, double a, double b, double c) {
    static double (*const eval[GOSS__EW_COUNT])(double, double, double) = {
#define ROW(name, arity, formula, va, vb, vc, ...) [GOSS__EW_##name] = eval_##name,
#include "kernel/elementwise.def"
#undef ROW
    };
    return eval[op](a, b, c);
}

goss__ew_fn goss__ew_kernel(const goss__op *op, bool f64, const goss__kernels *k) {
    static const goss__ew_fn loop[GOSS__EW_COUNT] = {
#define ROW(name, arity, formula, va, vb, vc, ...) [GOSS__EW_##name] = loop_##name,
#include "kernel/elementwise.def"
#undef ROW
    };
    const int64_t i = op - goss__op_ew;
    return f64 ? loop[i] : k->ew[i];
}

/* ---- running ---- */

static void ew_plan(const goss__shapes *s, void *out) { goss__loop_make(out, s->out, s->in, s->n_in); }

/* A call's loop nest and the rows of its part. A single long row is divided by columns instead. */
typedef struct ew_share {
    goss__loop nest;
    int64_t row, end, skip; /* skip: elements of the inner axis before a part by columns */
} ew_share;

static void share_make(ew_share *p, const goss__call *c) {
    p->nest = *(const goss__loop *)c->shapes->plan;
    p->skip = 0;
    if (c->parts > 1 && p->nest.rows == 1) {
        int axis = p->nest.rank - 1;
        int64_t from, to, blocks = (p->nest.dim[axis] + 63) / 64;
        goss__share(blocks, c->part, c->parts, &from, &to);
        p->skip = from * 64;
        to = to * 64 < p->nest.dim[axis] ? to * 64 : p->nest.dim[axis];
        p->nest.dim[axis] = to - p->skip;
        p->row = 0, p->end = to > p->skip;
    } else {
        goss__share(p->nest.rows, c->part, c->parts, &p->row, &p->end);
    }
}

/* The common case: a nest that one kernel call covers. */
static void run_at_once(const goss__call *c, const goss__loop *n, goss__ew_fn fn) {
    goss__ew e = {.out = c->out, .outer = n->dim[0], .inner = n->dim[1]};
    for (int j = 0; j < n->n_in; j++) e.in[j] = c->in[j], e.in_outer[j] = n->step[0][j], e.in_inner[j] = n->step[1][j];
    fn(&e);
}

/* size: bytes of an element. */
static void run(const goss__call *c, goss__ew_fn fn, int64_t size) {
    const goss__loop *whole = c->shapes->plan;
    if (whole->rank == 2 && c->parts <= 1) {
        run_at_once(c, whole, fn);
        return;
    }
    ew_share p;
    share_make(&p, c);
    const goss__loop *n = &p.nest;
    int n_in = n->n_in, last = n->rank - 1;
    goss__ew e = {.inner = n->dim[last]};
    for (int j = 0; j < n_in; j++) e.in_outer[j] = n->step[last - 1][j], e.in_inner[j] = n->step[last][j];
    goss__rows r;
    while (goss__loop_next(n, &p.row, p.end, &r)) {
        e.outer = r.outer;
        e.out = (char *)c->out + (r.row * e.inner + p.skip) * size;
        for (int j = 0; j < n_in; j++) e.in[j] = (const char *)c->in[j] + (r.offset[j] + p.skip * e.in_inner[j]) * size;
        fn(&e);
    }
}

/* The number of parts that are worth a dispatch. */
static int ew_parts(const goss__shapes *s, int threads) {
    int64_t parts = s->out->numel / GOSS__COST_PART_ELEMENTS;
    return parts < 1 ? 1 : parts > GOSS__COST_PARTS_MOST ? GOSS__COST_PARTS_MOST : (int)parts;
}

/* ---- gradients and descriptors ---- */
#define ZERO goss_const(g.graph, 0)
#define NONE ((goss_val){g.graph, 0})
#define ROW(name, arity, formula, va, vb, vc, ...)                                                                     \
    static void run32_##name(const goss__call *call) { run(call, call->kernels->ew[GOSS__EW_##name], 4); }             \
    static void run64_##name(const goss__call *call) { run(call, loop_##name, 8); }                                    \
    static void vjp_##name(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {              \
        goss_val a = in[0], b = in[arity > 1 ? 1 : 0], c = in[arity > 2 ? 2 : 0];                                      \
        (void)a, (void)b, (void)c;                                                                                     \
        if (want[0]) cot[0] = va;                                                                                      \
        if (arity > 1 && want[arity > 1 ? 1 : 0]) cot[arity > 1 ? 1 : 0] = vb;                                         \
        if (arity > 2 && want[arity > 2 ? 2 : 0]) cot[arity > 2 ? 2 : 0] = vc;                                         \
    }
#include "kernel/elementwise.def"
#undef ROW

enum { IN_A = GOSS__OPERAND(0), IN_B = GOSS__OPERAND(1), IN_C = GOSS__OPERAND(2) };
#define IS_NONE(v) (__builtin_strcmp(#v, "NONE") == 0)
const goss__op goss__op_ew[GOSS__EW_COUNT] = {
#define ROW(name_, arity, formula, va, vb, vc, ...)                                                                    \
    [GOSS__EW_##name_] = {.name = #name_,                                                                              \
                          .elementwise = true,                                                                         \
                          .commutative = GOSS__EW_##name_ == GOSS__EW_add || GOSS__EW_##name_ == GOSS__EW_mul,         \
                          .fold = goss__ew_fold,                                                                       \
                          .no_gradient = IS_NONE(va) && IS_NONE(vb) && IS_NONE(vc),                                    \
                          .vjp = vjp_##name_,                                                                          \
                          .slicing = {.slice = goss__slice_same},                                                      \
                          .cost = {.parts = ew_parts},                                                                 \
                          .kernel = {.views = true,                                                                    \
                                     .plan_size = sizeof(goss__loop),                                                  \
                                     .plan = ew_plan,                                                                  \
                                     .run_f32 = run32_##name_,                                                         \
                                     .run_f64 = run64_##name_},                                                        \
                          __VA_ARGS__},
#include "kernel/elementwise.def"
#undef ROW
};
