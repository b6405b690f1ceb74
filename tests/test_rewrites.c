/* SPDX-License-Identifier: Apache-2.0 */
/* test_rewrites.c: what the rules make of an expression against the expression as it was written
 * (GOSSAMER_DISABLE=rewrite), on random expressions and on Inf, NaN, huge and tiny numbers. docs/architecture.md lists
 * what may differ; nothing else does. */
#include "base/rng.h"
#include "graph_check.h"
#include "ops/ops.h"
#include "rewrite/rewriter.h"

enum { A = 3, B = 4, C = 5, INPUTS = 5, DEEP = 14, OUT = 3 };
static goss_extent n(int64_t count) { return goss_n(count); }

/* One world for each way to build. */
typedef struct pair {
    world w[2]; /* 0: as written, 1: rewritten */
} pair;

/* The second without the rules that `off` names. */
static pair pair_without(const char *off) {
    pair p;
    setenv("GOSSAMER_DISABLE", "rewrite", 1);
    p.w[0] = world_new();
    setenv("GOSSAMER_DISABLE", off, 1);
    p.w[1] = world_new();
    unsetenv("GOSSAMER_DISABLE");
    return p;
}
static pair pair_new(void) { return pair_without(""); }
static void pair_free(pair *p) { world_free(&p->w[0]), world_free(&p->w[1]); }

/* ---- numbers ---- */

typedef double (*number)(goss__rng *r);

static double sign(goss__rng *r) { return goss__rng_below(r, 2) ? 1 : -1; }
static double moderate(goss__rng *r) {
    static const double all[] = {0, 0.5, 1, 1.25, 1.75, 2, 3};
    return sign(r) * all[goss__rng_below(r, 7)];
}
/* One in eight is no number. */
static double special(goss__rng *r) {
    static const double all[] = {INFINITY, -INFINITY, NAN};
    return goss__rng_below(r, 8) ? moderate(r) : all[goss__rng_below(r, 3)];
}
/* All that f32 has, but for denormal numbers, which are flushed. */
static double any(goss__rng *r) {
    static const double all[] = {INFINITY, -INFINITY, NAN, 0, 3e38, 2e-38};
    if (goss__rng_below(r, 4) == 0) return sign(r) * all[goss__rng_below(r, 6)];
    return sign(r) * (double)(float)pow(10, goss__rng_uniform(r) * 74 - 37);
}

/* x [A,B,C], y [A,B,C], and numbers that repeat: [A,1,1], [1,1,C], [1,B,C]. */
static void make_inputs(world *w, uint64_t seed, number draw, goss_val *v) {
    const int64_t shape[INPUTS][3] = {{A, B, C}, {A, B, C}, {A, 1, 1}, {1, 1, C}, {1, B, C}};
    for (int i = 0; i < INPUTS; i++) {
        double numbers[A * B * C];
        char name[] = {(char)('a' + i), 0};
        goss__rng r = goss__rng_make(seed, (uint64_t)i);
        for (int k = 0; k < A * B * C; k++) numbers[k] = draw(&r);
        v[i] = world_input(w, name, GOSS_REAL, GOSS_SHAPE(n(shape[i][0]), n(shape[i][1]), n(shape[i][2])), numbers);
    }
}

/* ---- expressions ---- */

typedef goss_val (*step)(goss__rng *r, const goss_val *v, int count);

static goss_val pick(goss__rng *r, const goss_val *v, int count) { return v[goss__rng_below(r, (uint32_t)count)]; }

/* Operations that keep what is not finite so: whatever is rewritten, an element is finite in both or in neither. */
static goss_val any_step(goss__rng *r, const goss_val *v, int count) {
    static const double factors[] = {0, 1, -1, 0.5, 2, -3, 1e-3};
    const goss_val a = pick(r, v, count), b = pick(r, v, count);
    switch (goss__rng_below(r, 10)) {
    case 0:
        return goss_add(a, b);
    case 1:
        return goss_sub(a, b);
    case 2:
    case 3:
        return goss_mul(a, b);
    case 4:
        return goss_neg(a);
    case 5:
    case 6:
        return goss_scale(a, factors[goss__rng_below(r, 7)]);
    case 7:
        return goss_shift(a, factors[goss__rng_below(r, 7)]);
    case 8:
        return goss_sum(a, goss__rng_below(r, 8), true);
    }
    const uint32_t axes = goss__rng_below(r, 8);
    const goss_val mean = goss_mean(a, axes, true), d = goss_sub(a, mean);
    switch (goss__rng_below(r, 4)) {
    case 0:
        return goss_sum(d, axes, true);
    case 1: /* a variance, of a mean over more axes than those */
        return goss_mean(goss_square(d), axes & goss__rng_below(r, 8), true);
    }
    return mean;
}

/* Operations all of whose rewrites are exact, but for the sign of a zero. */
static goss_val exact_step(goss__rng *r, const goss_val *v, int count) {
    const goss_val a = pick(r, v, count), b = pick(r, v, count), leaf = pick(r, v, INPUTS),
                   zero = goss_const(a.graph, 0);
    switch (goss__rng_below(r, 10)) {
    case 0:
        return goss_add(a, b);
    case 1:
        return goss_sub(a, b);
    case 2:
        return goss_neg(a);
    case 3:
        return goss_scale(a, sign(r));
    case 4:
        return goss_add(a, zero);
    case 5:
        return goss__rng_below(r, 2) ? goss_sub(a, zero) : goss_sub(zero, a);
    case 6:
        return goss__rng_below(r, 2) ? goss_neg(goss_scale(leaf, 1e30)) : goss_scale(goss_neg(leaf), 1e-30);
    case 7:
        return goss_div(a, goss_const(a.graph, 1));
    case 8:
        return goss_select(goss_const(a.graph, goss__rng_below(r, 2)), a, b);
    }
    return goss_mul(leaf, leaf);
}

/* The same expressions in both worlds. */
static void make(world *w, uint64_t seed, number draw, step next, int deep, goss_val *v) {
    make_inputs(w, seed, draw, v);
    goss__rng r = goss__rng_make(seed, 1000);
    for (int i = INPUTS; i < INPUTS + deep; i++) v[i] = next(&r, v, i);
}

static void print_both(const pair *p) {
    for (int i = 0; i < 2; i++) {
        char *text = goss_graph_text(p->w[i].g);
        printf("%s:\n%s", i ? "rewritten" : "as written", text);
        goss_text_free(text);
    }
}

/* ---- properties ---- */

enum { TRIALS = 400 };

static double largest(const double *v, int64_t count) {
    double most = 1;
    for (int64_t i = 0; i < count; i++) most = fabs(v[i]) > most ? fabs(v[i]) : most;
    return most;
}

/* Moderate numbers: the values, and gradients of their sum, but for rounding (f64: sums may cancel). */
static void check_values(uint64_t seed, const char *off) {
    pair p = pair_without(off);
    for (int i = 0; i < 2; i++) {
        goss_val v[INPUTS + DEEP], out[OUT + INPUTS];
        make(&p.w[i], seed, moderate, any_step, 8, v);
        for (int k = 0; k < OUT; k++) out[k] = v[INPUTS + 8 - 1 - k];
        T_CHECK(goss_grad(goss_sum_all(out[0]), v, INPUTS, out + OUT) == GOSS_OK);
        if (world_compute(&p.w[i], GOSS_F64, out, OUT + INPUTS) != GOSS_OK) T_FAIL("%s", p.w[i].err.text);
    }
    for (int k = 0; k < OUT + INPUTS; k++) {
        T_EQ(p.w[0].numel[k], p.w[1].numel[k]);
        const double most = largest(p.w[0].out[k], p.w[0].numel[k]);
        for (int64_t j = 0; j < p.w[0].numel[k]; j++)
            if (!(fabs(p.w[0].out[k][j] - p.w[1].out[k][j]) <= 1e-9 * most)) {
                print_both(&p);
                T_FAIL("seed %d without \"%s\", output %d: %g is %g when rewritten", (int)seed, off, k,
                       p.w[0].out[k][j], p.w[1].out[k][j]);
            }
    }
    pair_free(&p);
}

TEST(rewritten_expressions_have_the_values_as_written) {
    for (uint64_t seed = 0; seed < TRIALS; seed++) check_values(seed, "");
}

TEST(so_they_have_without_any_single_rule) {
    for (int i = 0; goss__rule_name(i); i++)
        for (uint64_t seed = 0; seed < TRIALS / 10; seed++) check_values(seed, goss__rule_name(i));
}

TEST(what_is_not_finite_stays_so_and_nothing_else_becomes_so) {
    int seen[2] = {0};
    for (uint64_t seed = 0; seed < TRIALS; seed++) {
        pair p = pair_new();
        for (int i = 0; i < 2; i++) {
            goss_val v[INPUTS + DEEP];
            make(&p.w[i], seed, special, any_step, 8, v);
            if (world_compute(&p.w[i], GOSS_F64, v + INPUTS, 8) != GOSS_OK) T_FAIL("%s", p.w[i].err.text);
        }
        for (int k = 0; k < 8; k++)
            for (int64_t j = 0; j < p.w[0].numel[k]; j++) {
                const double a = p.w[0].out[k][j], b = p.w[1].out[k][j];
                seen[isfinite(a) != 0]++;
                if (isfinite(a) == isfinite(b)) continue;
                print_both(&p);
                T_FAIL("seed %d, output %d: %g is %g when rewritten", (int)seed, k, a, b);
            }
        pair_free(&p);
    }
    T_CHECK(seen[0] > 1000 && seen[1] > 1000);
}

TEST(exact_rewrites_are_exact_on_all_numbers) {
    for (uint64_t seed = 0; seed < TRIALS; seed++) {
        pair p = pair_new();
        for (int i = 0; i < 2; i++) {
            goss_val v[INPUTS + DEEP];
            make(&p.w[i], seed, any, exact_step, DEEP, v);
            if (world_compute(&p.w[i], GOSS_F32, v + INPUTS, DEEP) != GOSS_OK) T_FAIL("%s", p.w[i].err.text);
        }
        for (int k = 0; k < DEEP; k++)
            for (int64_t j = 0; j < p.w[0].numel[k]; j++) {
                const double a = p.w[0].out[k][j], b = p.w[1].out[k][j];
                if (a == b || (isnan(a) && isnan(b))) continue;
                print_both(&p);
                T_FAIL("seed %d, output %d: %g is %g when rewritten", (int)seed, k, a, b);
            }
        pair_free(&p);
    }
}

/* ---- named cases ---- */

/* x (k l) is (x k) l wherever that has a number of its own. */
TEST(constants_join_only_where_no_number_is_lost) {
    static const double cases[][3] = {{1e-20, 1e25, 1e25}, {1e20, 1e30, 1e-30}, {1e30, 1e-30, 1e-30},
                                      {1e-30, 1e30, 1e30}, {1, 1e-30, 1e30},    {3, 0.5, 4},
                                      {INFINITY, 2, 0.5},  {NAN, 2, 0.5},       {INFINITY, 1e30, 1e30},
                                      {2, 0, 1e30},        {INFINITY, 0, 3}};
    enum { CASES = sizeof cases / sizeof *cases };
    pair p = pair_new();
    for (int i = 0; i < 2; i++) {
        goss_val out[CASES];
        for (int k = 0; k < CASES; k++) {
            char name[16];
            snprintf(name, sizeof name, "x%d", k);
            goss_val x = world_input(&p.w[i], name, GOSS_REAL, GOSS_SHAPE(n(1)), &cases[k][0]);
            out[k] = goss_scale(goss_scale(x, cases[k][1]), cases[k][2]);
        }
        if (world_compute(&p.w[i], GOSS_F32, out, CASES) != GOSS_OK) T_FAIL("%s", p.w[i].err.text);
    }
    for (int k = 0; k < CASES; k++) {
        const double a = p.w[0].out[k][0], b = p.w[1].out[k][0];
        if (!(isnan(a) ? isnan(b) : a == b || fabs(a - b) <= 2e-7 * fabs(a)))
            T_FAIL("%g * %g * %g is %g, not %g", cases[k][0], cases[k][1], cases[k][2], b, a);
    }
    double k;
    goss_val x = goss_input(p.w[1].g, "y", GOSS_REAL, GOSS_SHAPE(n(1))),
             y = goss__rewrite(goss_scale(goss_scale(x, 0.5), 3));
    T_CHECK(goss__is_full(goss__val(p.w[1].g, goss__node_of(y)->in[1]), &k) && k == 1.5);
    pair_free(&p);
}

/* A constant does not go to what repeats where it would overflow there. */
TEST(constants_meet_what_repeats_only_where_no_number_is_lost) {
    pair p = pair_new();
    for (int i = 0; i < 2; i++) {
        goss_val x = world_input(&p.w[i], "x", GOSS_REAL, GOSS_SHAPE(n(1), n(2)), (double[]){1e-20, 1e-15});
        goss_val s = world_input(&p.w[i], "s", GOSS_REAL, GOSS_SHAPE(n(1), n(1)), (double[]){1e20});
        goss_val y = goss_scale(goss_mul(x, s), 1e25);
        if (world_compute(&p.w[i], GOSS_F32, &y, 1) != GOSS_OK) T_FAIL("%s", p.w[i].err.text);
        T_NEAR(p.w[i].out[0][0], 1e25, 1e19);
        T_NEAR(p.w[i].out[0][1], 1e30, 1e24);
    }
    pair_free(&p);
}

TEST(differences_from_a_mean_that_is_not_finite_do_not_sum_to_zero) {
    static const double rows[4][3] = {{1, 2, 6}, {1, INFINITY, 2}, {-INFINITY, 0, INFINITY}, {NAN, 1, 1}};
    for (int f64 = 0; f64 < 2; f64++) {
        pair p = pair_new();
        for (int i = 0; i < 2; i++) {
            goss_val x = world_input(&p.w[i], "x", GOSS_REAL, GOSS_SHAPE(n(4), n(3)), &rows[0][0]);
            goss_val y = goss_sum(goss_sub(x, goss_mean(x, GOSS_AXIS(1), true)), GOSS_AXIS(1), false), d;
            /* And so of the gradient that leaves such a sum out. */
            goss_val m = goss_mean(x, GOSS_AXIS(1), true),
                     var = goss_mean(goss_square(goss_sub(x, m)), GOSS_AXIS(1), true);
            T_CHECK(goss_grad(goss_sum_all(var), &x, 1, &d) == GOSS_OK);
            if (world_compute(&p.w[i], f64 ? GOSS_F64 : GOSS_F32, (goss_val[]){y, d}, 2) != GOSS_OK)
                T_FAIL("%s", p.w[i].err.text);
            T_NEAR(p.w[i].out[0][0], 0, 1e-6);
            for (int k = 1; k < 4; k++) T_CHECK(isnan(p.w[i].out[0][k]));
            for (int k = 0; k < 3; k++) T_NEAR(p.w[i].out[1][k], 2 * (rows[0][k] - 3) / 3, 1e-6);
            for (int k = 3; k < 12; k++) T_CHECK(!isfinite(p.w[i].out[1][k]));
        }
        pair_free(&p);
    }
}

/* ---- what is chosen from mapped numbers ---- */

enum { CHOSEN = 7, LARGEST = 5 }; /* the first are largest elements, the others are rows by an index */

static void choose(world *w, uint64_t seed, number draw, goss_val *out) {
    goss_val v[INPUTS];
    make_inputs(w, seed, draw, v);
    const goss_val x = v[0], task = v[2], channel = v[3];
    const goss_val at = world_input(w, "at", GOSS_INDEX, GOSS_SHAPE(n(2)), (double[]){A - 1, 0});
    out[0] = goss_reduce_max(goss_relu(goss_add(x, task)), GOSS_AXIS(1) | GOSS_AXIS(2), false);
    out[1] = goss_reduce_max(goss_sub(goss_scale(v[1], 0.3), channel), GOSS_AXIS(1), true);
    out[2] = goss_reduce_max(goss_max(goss_div(x, goss_const(w->g, 7)), task), GOSS_AXIS(2), true);
    out[3] = goss_reduce_max(goss_floor(goss_min(v[1], channel)), GOSS_AXIS(0), true);
    out[4] = goss_reduce_max(goss_tanh(goss_shift(v[4], 1)), GOSS_AXIS(1), true);
    out[5] = goss_gather(goss_exp(goss_mul(goss_sub(x, channel), v[3])), at);
    out[6] = goss_gather(goss_select(goss_less(v[1], channel), v[1], channel), at);
}

/* To the bit, whatever the numbers are; a largest element, as long as what is the same for all is finite. */
TEST(choices_give_what_they_give_as_written) {
    int rewritten = 0;
    for (uint64_t seed = 0; seed < TRIALS; seed++)
        for (int which = 0; which < 3; which++) {
            static const number numbers[] = {moderate, special, any};
            pair p = pair_new();
            for (int i = 0; i < 2; i++) {
                goss_val out[CHOSEN];
                choose(&p.w[i], seed, numbers[which], out);
                for (int k = 0; k < CHOSEN && i; k++) rewritten += goss__rewrite(out[k]).id != out[k].id;
                if (world_compute(&p.w[i], GOSS_F32, out, CHOSEN) != GOSS_OK) T_FAIL("%s", p.w[i].err.text);
            }
            for (int k = 0; k < CHOSEN; k++)
                for (int64_t j = 0; j < p.w[0].numel[k]; j++) {
                    const double a = p.w[0].out[k][j], b = p.w[1].out[k][j];
                    const bool same = a == b || (isnan(a) && isnan(b));
                    if (same || (which > 0 && k < LARGEST && isnan(a) && !isfinite(b))) continue;
                    print_both(&p);
                    T_FAIL("seed %d, numbers %d, output %d: %g is %g when rewritten", (int)seed, which, k, a, b);
                }
            pair_free(&p);
        }
    T_EQ(rewritten, (CHOSEN - 1) * 3 * TRIALS); /* all but the last, which has two numbers that differ */
}

/* ---- pools ---- */

/* A pool behind affine maps and a relu, with factors of either sign and one that is known to be positive. What is the
 * same all over an image is finite. */
static goss_val pooled(world *w, uint64_t seed, number draw) {
    double numbers[2 * 4 * 4 * 3];
    goss__rng r = goss__rng_make(seed, 0);
    for (int k = 0; k < 2 * 4 * 4 * 3; k++) numbers[k] = draw(&r);
    goss_val x = world_input(w, "x", GOSS_REAL, GOSS_SHAPE(n(1), n(2), n(4), n(4), n(3)), numbers);
    goss_shape channels = GOSS_SHAPE(n(1), n(1), n(1), n(1), n(3));
    goss_val gain = world_input(w, "gain", GOSS_REAL, channels, (double[]){moderate(&r), moderate(&r), moderate(&r)});
    goss_val shift = world_input(w, "shift", GOSS_REAL, channels, (double[]){moderate(&r), moderate(&r), moderate(&r)});
    goss_val var = world_input(w, "var", GOSS_REAL, channels,
                               (double[]){fabs(moderate(&r)), fabs(moderate(&r)), fabs(moderate(&r))});
    if (goss__rng_below(&r, 2)) x = goss_sub(x, shift);
    if (goss__rng_below(&r, 2)) x = goss_mul(x, goss_rsqrt(goss_shift(var, 1e-5)));
    if (goss__rng_below(&r, 2)) x = goss_mul(x, gain);
    if (goss__rng_below(&r, 2)) x = goss_scale(x, 0.5);
    if (goss__rng_below(&r, 2)) x = goss_add(x, shift);
    if (goss__rng_below(&r, 2)) x = goss_relu(x);
    return goss_max_pool(x, goss_pool_defaults(2));
}

TEST(pools_give_what_they_give_as_written) {
    for (uint64_t seed = 0; seed < TRIALS; seed++)
        for (int f64 = 0; f64 < 2; f64++)
            for (int which = 0; which < 2; which++) {
                pair p = pair_new();
                for (int i = 0; i < 2; i++) {
                    goss_val y = pooled(&p.w[i], seed, which ? special : moderate);
                    if (world_compute(&p.w[i], f64 ? GOSS_F64 : GOSS_F32, &y, 1) != GOSS_OK)
                        T_FAIL("%s", p.w[i].err.text);
                }
                for (int64_t j = 0; j < p.w[0].numel[0]; j++) {
                    const double a = p.w[0].out[0][j], b = p.w[1].out[0][j];
                    const bool same = which ? isfinite(a) == isfinite(b) : fabs(a - b) <= 1e-5 * (1 + fabs(a));
                    if (!same) {
                        print_both(&p);
                        T_FAIL("seed %d, f%d: %g is %g when rewritten", (int)seed, f64 ? 64 : 32, a, b);
                    }
                }
                pair_free(&p);
            }
}

/* A NaN shows, wherever in its window it is and in either precision. */
TEST(a_pool_shows_what_is_no_number) {
    for (int f64 = 0; f64 < 2; f64++)
        for (int at = 0; at < 4; at++) {
            world w = world_new();
            double numbers[4] = {5, 7, -2, 6};
            numbers[at] = NAN;
            goss_val y =
                goss_max_pool(world_input(&w, "x", GOSS_REAL, GOSS_SHAPE(n(1), n(1), n(2), n(2), n(1)), numbers),
                              goss_pool_defaults(2));
            if (world_compute(&w, f64 ? GOSS_F64 : GOSS_F32, &y, 1) != GOSS_OK) T_FAIL("%s", w.err.text);
            T_CHECK(isnan(w.out[0][0]));
            world_free(&w);
        }
}

/* The same in both precisions. */
TEST(what_is_no_number_is_neither_larger_nor_smaller) {
    for (int f64 = 0; f64 < 2; f64++)
        for (int first = 0; first < 2; first++) {
            world w = world_new();
            goss_val a = world_input(&w, "a", GOSS_REAL, GOSS_SHAPE(n(2)), (double[]){first ? NAN : 1, 2});
            goss_val b = world_input(&w, "b", GOSS_REAL, GOSS_SHAPE(n(2)), (double[]){first ? 1 : NAN, 3});
            goss_val out[4] = {goss_max(a, b), goss_min(a, b), goss_relu(goss_add(a, b)),
                               goss_reduce_max(goss_add(a, b), GOSS_AXIS(0), false)};
            if (world_compute(&w, f64 ? GOSS_F64 : GOSS_F32, out, 4) != GOSS_OK) T_FAIL("%s", w.err.text);
            for (int k = 0; k < 4; k++) T_CHECK(isnan(w.out[k][0]));
            T_CHECK(w.out[0][1] == 3 && w.out[1][1] == 2 && w.out[2][1] == 5);
            world_free(&w);
        }
}

TEST_MAIN()
