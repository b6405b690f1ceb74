/* SPDX-License-Identifier: Apache-2.0 */
/* random_program.h: a program over the public graph builders as data: a list of steps that can be built into a
 * graph any number of times, with other maxima, with parts left out, and cut short while it still shows what is
 * wrong.
 *
 * Extents are those of a graph whose symbols are T, N and S in this order, whatever their maxima are where it is
 * built. */
#ifndef GOSS_RANDOM_PROGRAM_H
#define GOSS_RANDOM_PROGRAM_H

#include "base/rng.h"
#include "gossamer/compose.h"
#include "gossamer/exec.h"
#include "ops/ops.h"
#include "test.h"

enum { RP_STEPS = 220, RP_IN = 6, RP_ATTR = 12, RP_OUT = 10, RP_UPDATES = 8, RP_RUNS = 3, RP_SYMBOLS = 3 };

/* What a step's rows along the first axis T depend on. */
typedef enum rp_tasks {
    RP_SHARED,  /* nothing that has tasks */
    RP_BY_TASK, /* [T, ...]: row t on rows t alone, and on what is shared */
    RP_MIXED
} rp_tasks;

/* How a leaf is filled. */
typedef enum rp_fill {
    RP_UNIFORM,
    RP_COARSE,  /* multiples of 1/2: ties, zeros */
    RP_MASK,    /* 0 or 1 */
    RP_DISTINCT /* index: 0, 1, 2, ... in random order */
} rp_fill;

typedef struct rp_range {
    double lo, hi;
} rp_range;

typedef struct rp_program rp_program;
typedef struct rp_op rp_op;
typedef struct rp_maker rp_maker;

typedef struct rp_step {
    const rp_op *op;
    int in[RP_IN], n_in; /* earlier steps */
    int64_t attr[RP_ATTR];
    double number;
    goss_shape shape; /* of the result */
    bool index;
    rp_range range; /* the result lies within; infinite: unknown (gradients) */
    bool crisp;     /* exactly the same number in f32 and in f64 whatever is rewritten: decisions may hang on it */
    rp_fill fill;
    bool mixes; /* its rows do not follow tasks */
    rp_tasks tasks;
    int scope; /* 0: none */
} rp_step;

struct rp_op {
    const char *name;
    int weight;                            /* how often it is tried; 0: by the generator's own plan alone */
    bool (*make)(rp_maker *m, rp_step *s); /* chooses operands and attributes, or finds none that fit */
    goss_val (*build)(goss_graph *g, const rp_step *s, const goss_val *in, const goss_shape *shape);
    int row; /* of elementwise.def */
};

struct rp_program {
    uint64_t seed;
    rp_step step[RP_STEPS];
    int n_steps;
    int out[RP_OUT], n_out;            /* steps */
    int update[RP_UPDATES], n_updates; /* steps that are assignments */
    int64_t maximum[RP_SYMBOLS], count[RP_RUNS][RP_SYMBOLS];
    int n_runs;
    bool huge;           /* sums have hundreds of thousands of terms, or thousands that are added in sequence */
    bool bf16[RP_STEPS]; /* parameters kept as bfloat16 */
};

#define RP_NO_VALUE (-2) /* row of a step that nothing can read */

static const char *const rp_symbol[RP_SYMBOLS] = {"T", "N", "S"};

/* ---- extents and numbers of elements ---- */

static inline goss_extent rp_extent(int symbol) { return (goss_extent){1, (uint64_t)symbol + 1}; }
static inline bool rp_has(goss_extent e, int symbol) {
    for (uint64_t s = e.symbols; s; s >>= 8)
        if ((s & 255) == (uint64_t)symbol + 1) return true;
    return false;
}
static inline bool rp_is_tasks(goss_extent e) { return goss_extent_equal(e, rp_extent(0)); }
static inline int64_t rp_eval(goss_extent e, const int64_t *counts) {
    int64_t n = e.count;
    for (uint64_t s = e.symbols; s; s >>= 8)
        if (s & 255) n *= counts[(s & 255) - 1];
    return n;
}
static inline int64_t rp_numel(const goss_shape *s, const int64_t *counts) {
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++) n *= rp_eval(s->dim[i], counts);
    return n;
}

/* ---- leaves ---- */

static inline goss_val rp_build_input(goss_graph *g, const rp_step *s, const goss_val *in, const goss_shape *shape) {
    char name[32];
    snprintf(name, sizeof name, "x%d", (int)s->attr[0]);
    return goss_input(g, name, s->index ? GOSS_INDEX : GOSS_REAL, *shape);
}
static inline goss_val rp_build_param(goss_graph *g, const rp_step *s, const goss_val *in, const goss_shape *shape) {
    char name[32];
    snprintf(name, sizeof name, "w%d", (int)s->attr[0]);
    return goss_param(g, name, *shape);
}
static inline goss_val rp_build_full(goss_graph *g, const rp_step *s, const goss_val *in, const goss_shape *shape) {
    return goss_full(g, *shape, s->number);
}
static const rp_op rp_op_input = {.name = "input", .build = rp_build_input};
static const rp_op rp_op_param = {.name = "param", .build = rp_build_param};
static const rp_op rp_op_full = {.name = "full", .build = rp_build_full};

/* ---- building ---- */

/* The extent in a graph whose symbols have those extents (1 where the maximum is). */
static inline goss_extent rp_there(goss_extent e, const goss_extent *symbol) {
    goss_extent out = goss_n(e.count);
    for (uint64_t s = e.symbols; s; s >>= 8)
        if (s & 255) out = goss_extent_mul(out, symbol[(s & 255) - 1]);
    return out;
}

static inline goss_val rp_build_step(goss_graph *g, const rp_step *s, const goss_val *v, const goss_extent *symbol) {
    goss_val in[RP_IN];
    goss_shape shape = s->shape;
    char scope[16];
    for (int i = 0; i < s->n_in; i++) in[i] = v[s->in[i]];
    for (int i = 0; i < shape.rank; i++) shape.dim[i] = rp_there(shape.dim[i], symbol);
    snprintf(scope, sizeof scope, "scope%d", s->scope);
    if (s->scope) goss_scope_push(g, scope);
    goss_val out = s->op->build(g, s, in, &shape);
    if (s->scope) goss_scope_pop(g);
    return out;
}

/* Step i's value with each number x moved by noise (1 + x): as much as rounding would. What is exact in any
 * precision stays. */
static inline goss_val rp_noisy(const rp_program *p, int i, goss_val v, double noise) {
    const rp_step *s = &p->step[i];
    goss_shape shape = goss_shape_of(v);
    char name[16];
    if (s->index || s->crisp || s->op->row == RP_NO_VALUE || s->op->build == rp_build_input ||
        s->op->build == rp_build_param)
        return v;
    for (int k = 0; k + 1 < shape.rank; k++) shape.dim[k] = goss_n(1);
    snprintf(name, sizeof name, "n%d", i);
    const goss_val sign = goss_input(v.graph, name, GOSS_REAL, shape);
    return goss_add(v, goss_mul(goss_scale(sign, noise), goss_shift(v, 1)));
}

/* All steps in a new graph; v: a value for each. noise: 0, or what results are moved by, one number up, one down. */
static inline goss_graph *rp_build(const rp_program *p, const int64_t *maximum, double noise, goss_val *v) {
    goss_graph *g = goss_graph_new();
    goss_extent symbol[RP_SYMBOLS];
    for (int i = 0; i < RP_SYMBOLS; i++) symbol[i] = goss_symbol(g, rp_symbol[i], maximum[i]);
    for (int i = 0; i < p->n_steps; i++) {
        v[i] = rp_build_step(g, &p->step[i], v, symbol);
        if (noise != 0) v[i] = rp_noisy(p, i, v[i], noise);
    }
    return g;
}

/* ---- a leaf's numbers ---- */

/* attr[0] of a leaf is its number: it keeps its name and its numbers when steps before it go. */
static inline bool rp_is_leaf(const rp_step *s) { return s->op == &rp_op_input || s->op == &rp_op_param; }

/* n numbers, exact in f32, or in bfloat16. */
static inline void rp_fill_leaf(const rp_program *p, const rp_step *s, bool bf16, double *v, int64_t n) {
    goss__rng r = goss__rng_make(p->seed, 1000 + (uint64_t)s->attr[0]);
    const uint32_t values =
        s->fill == RP_DISTINCT ? (uint32_t)s->range.hi + 1 : 1; /* at least n of them where they are distinct */
    uint32_t *order = calloc(values, sizeof *order);
    for (uint32_t i = 0; i < values; i++) order[i] = i;
    if (s->fill == RP_DISTINCT) goss__rng_shuffle(&r, order, values, values);
    const bool known = isfinite(s->range.lo) && isfinite(s->range.hi);
    const double lo = known ? s->range.lo : -1, hi = known ? s->range.hi : 1;
    for (int64_t i = 0; i < n; i++) {
        const double u = goss__rng_uniform(&r), x = lo + u * (hi - lo);
        v[i] = s->fill == RP_DISTINCT ? order[i]
               : s->index             ? floor(lo + u * (hi - lo + 1))
               : s->fill == RP_MASK   ? (double)(u < 0.5)
               : s->fill == RP_COARSE ? fmin(fmax(rint(2 * x) / 2, lo), hi)
                                      : (double)(float)x;
        if (bf16) {
            float f = (float)v[i];
            uint32_t bits;
            memcpy(&bits, &f, 4);
            bits &= 0xffff0000u;
            memcpy(&f, &bits, 4);
            v[i] = f;
        }
    }
    free(order);
}
#endif
