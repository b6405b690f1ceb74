/* SPDX-License-Identifier: Apache-2.0 */
/* Gates: what each kind gives, its limits, gradients to order 2, rounding that a gradient goes through, noise. */
#include "gossamer/gate.h"
#include "graph_check.h"

enum { T = 3, K = 4 };

static const goss_gate_kind all[] = {GOSS_GATE_SIGMOID, GOSS_GATE_SOFTMAX, GOSS_GATE_GUMBEL, GOSS_GATE_HARD_CONCRETE};
enum { KINDS = sizeof all / sizeof *all };

static goss_val logits_of(world *w, const double *numbers) {
    const goss_shape s = GOSS_SHAPE(world_tasks(w, T), goss_n(K));
    return numbers ? world_input(w, "l", GOSS_REAL, s, numbers) : world_normal(w, "l", s);
}

static goss_val ids_of(world *w) {
    return world_input(w, "ids", GOSS_INDEX, GOSS_SHAPE(world_tasks(w, T)), (const double[]){4, 1, 7});
}

/* The gates of the logits, without noise unless `noisy`. */
static void gates_of(const goss_gate_options *o, const double *logits, bool noisy, double *out) {
    world w = world_new();
    goss_val l = logits_of(&w, logits), y = goss_gate(l, o, noisy ? ids_of(&w) : GOSS_NONE);
    if (world_compute(&w, GOSS_F64, &y, 1) != GOSS_OK) T_FAIL("%s", w.err.text);
    memcpy(out, w.out[0], sizeof(double) * T * K);
    world_free(&w);
}

static const double some[T * K] = {1, -2, 0.5, 0.25, -3, 0, 3, 0.1, 2, 2, -1, 0};

TEST(values_are_those_of_the_formulas) {
    double out[T * K];
    goss_gate_options o = goss_gate_defaults(GOSS_GATE_SIGMOID);
    o.temperature = 0.5;
    gates_of(&o, some, false, out);
    for (int i = 0; i < T * K; i++) T_NEAR(out[i], 1 / (1 + exp(-some[i] / 0.5)), 1e-12);
    for (int k = 1; k < 3; k++) {
        o.kind = all[k];
        gates_of(&o, some, false, out);
        for (int t = 0; t < T; t++) {
            double sum = 0;
            for (int i = 0; i < K; i++) sum += exp(some[t * K + i] / 0.5);
            for (int i = 0; i < K; i++) T_NEAR(out[t * K + i], exp(some[t * K + i] / 0.5) / sum, 1e-12);
        }
    }
    o.kind = GOSS_GATE_HARD_CONCRETE;
    gates_of(&o, some, false, out);
    for (int i = 0; i < T * K; i++) T_NEAR(out[i], fmin(1, fmax(0, 1.2 / (1 + exp(-some[i])) - 0.1)), 1e-12);
    T_NEAR(out[4], 0, 0);
    T_NEAR(out[6], 1, 0);
}

TEST(cold_gates_are_one_hot_and_hard_ones_exactly) {
    for (int k = 0; k < KINDS; k++)
        for (int hard = 0; hard < 2; hard++) {
            double out[T * K];
            goss_gate_options o = goss_gate_defaults(all[k]);
            const bool one_of = all[k] == GOSS_GATE_SOFTMAX || all[k] == GOSS_GATE_GUMBEL;
            if (!hard && all[k] == GOSS_GATE_HARD_CONCRETE) continue; /* without noise it has no temperature */
            o.hard = hard, o.temperature = hard ? 1 : 1e-3;
            gates_of(&o, some, false, out);
            for (int i = 0; i < T * K; i++) {
                /* of the two largest of the last task the first counts where exactly one is chosen */
                const int t = i / K, first[] = {0, 2, 0};
                const bool tie = one_of && !hard && t == 2;
                double want = one_of ? i % K == first[t] : all[k] == GOSS_GATE_SIGMOID ? some[i] > 0 : some[i] > 0;
                if (tie && i % K < 2) want = 0.5;
                if (!one_of && some[i] == 0) want = hard ? 0 : 0.5;
                if (all[k] == GOSS_GATE_HARD_CONCRETE && some[i] == 0) continue; /* 1/2 up to rounding */
                T_NOTE("kind %d, hard %d, number %d", k, hard, i);
                T_NEAR(out[i], want, hard ? 0 : 1e-12);
            }
        }
}

/* sum of y(l) r, its gradient along d, and that along e once more, against differences. */
static void check_gradients(goss_gate_kind kind, bool noisy) {
    world w = world_new();
    goss_gate_options o = goss_gate_defaults(kind);
    o.temperature = 0.8;
    goss_val l = logits_of(&w, NULL), g, h;
    const goss_shape s = goss_shape_of(l);
    goss_val r = world_normal(&w, "r", s), d = world_normal(&w, "d", s), e = world_normal(&w, "e", s);
    goss_val y = goss_gate(l, &o, noisy ? ids_of(&w) : GOSS_NONE);
    goss_val out[3] = {goss_sum_all(goss_mul(goss_square(y), r))};
    T_CHECK(goss_grad(out[0], &l, 1, &g) == GOSS_OK);
    out[1] = goss_sum_all(goss_mul(g, d));
    T_CHECK(goss_grad(out[1], &l, 1, &h) == GOSS_OK);
    out[2] = goss_sum_all(goss_mul(h, e));
    if (world_open(&w, GOSS_F64, out, 3, NULL, 0) != GOSS_OK) T_FAIL("%s", w.err.text);
    double *at = world_numbers(&w, "l"), keep[T * K], side[2][2], eps = 1e-5;
    memcpy(keep, at, sizeof keep);
    goss_exec_seed(w.exec, 3, 1);
    T_CHECK(world_run(&w) == GOSS_OK);
    const double slope = w.out[1][0], curve = w.out[2][0];
    for (int by = 0; by < 2; by++) /* along d the value, along e its slope */
        for (int j = 0; j < 2; j++) {
            for (int i = 0; i < T * K; i++) at[i] = keep[i] + (j ? eps : -eps) * world_numbers(&w, by ? "e" : "d")[i];
            T_CHECK(world_run(&w) == GOSS_OK);
            side[by][j] = w.out[by][0];
        }
    T_NOTE("kind %d, noise %d", (int)kind, noisy);
    T_NEAR(slope, (side[0][1] - side[0][0]) / (2 * eps), 1e-7 * (1 + fabs(slope)));
    T_NEAR(curve, (side[1][1] - side[1][0]) / (2 * eps), 1e-7 * (1 + fabs(curve)));
    T_CHECK(fabs(slope) > 1e-6);
    world_free(&w);
}

TEST(gradients_to_order_2) {
    for (int k = 0; k < KINDS; k++)
        for (int noisy = 0; noisy < 2; noisy++) check_gradients(all[k], noisy);
}

TEST(a_rounded_gate_has_the_gradient_of_what_was_rounded) {
    for (int k = 0; k < KINDS; k++) {
        world w = world_new();
        goss_val out[4], l = logits_of(&w, NULL), r = world_normal(&w, "r", goss_shape_of(l)), ids = ids_of(&w);
        for (int hard = 0; hard < 2; hard++) {
            goss_gate_options o = goss_gate_defaults(all[k]);
            o.hard = hard;
            goss_scope_push(w.g, "same"); /* and the same draws */
            out[hard] = goss_gate(l, &o, all[k] == GOSS_GATE_SIGMOID ? ids : GOSS_NONE);
            goss_scope_pop(w.g);
            T_CHECK(goss_grad(goss_sum_all(goss_mul(out[hard], r)), &l, 1, &out[2 + hard]) == GOSS_OK);
        }
        if (world_compute(&w, GOSS_F64, out, 4) != GOSS_OK) T_FAIL("%s", w.err.text);
        T_NEAR(world_gap(w.out[3], w.out[2], T * K), 0, 1e-12);
        for (int i = 0; i < T * K; i++) T_CHECK(w.out[1][i] == 0 || w.out[1][i] == 1);
        T_CHECK(world_gap(w.out[1], w.out[0], T * K) > 0.01);
        world_free(&w);
    }
}

/* Equal logits: a gumbel gate chooses each of K as often as the others; log u - log(1 - u) + l is above 0 with
 * probability s(l). */
TEST(noise_chooses_as_often_as_the_logits_say) {
    enum { MANY = 4000 };
    for (int k = 2; k < KINDS; k++) {
        world w = world_new();
        goss_gate_options o = goss_gate_defaults(all[k]);
        double ids[MANY], count[K] = {0}, logits[MANY * K];
        const double l[K] = {1, 0, -1, 0.5};
        o.hard = true;
        for (int i = 0; i < MANY; i++) ids[i] = i;
        for (int i = 0; i < MANY * K; i++) logits[i] = l[i % K];
        goss_extent n = world_tasks(&w, MANY);
        goss_val y = goss_gate(world_input(&w, "l", GOSS_REAL, GOSS_SHAPE(n, goss_n(K)), logits), &o,
                               world_input(&w, "ids", GOSS_INDEX, GOSS_SHAPE(n), ids));
        if (world_compute(&w, GOSS_F64, &y, 1) != GOSS_OK) T_FAIL("%s", w.err.text);
        for (int i = 0; i < MANY * K; i++) count[i % K] += w.out[0][i] / MANY;
        double sum = 0;
        for (int i = 0; i < K; i++) sum += exp(l[i]);
        for (int i = 0; i < K; i++)
            T_NEAR(count[i], all[k] == GOSS_GATE_GUMBEL ? exp(l[i]) / sum : 1 / (1 + exp(-l[i])), 0.03);
        world_free(&w);
    }
}

/* The share of hard concrete gates that are not 0, and the same number for the others. */
TEST(how_far_gates_are_open) {
    enum { MANY = 4000 };
    world w = world_new();
    goss_gate_options o = goss_gate_defaults(GOSS_GATE_HARD_CONCRETE);
    double ids[MANY], logits[MANY], open = 0;
    for (int i = 0; i < MANY; i++) ids[i] = i, logits[i] = -0.7;
    goss_extent n = world_tasks(&w, MANY);
    goss_val l = world_input(&w, "l", GOSS_REAL, GOSS_SHAPE(n, goss_n(1)), logits), y[2];
    y[0] = goss_gate(l, &o, world_input(&w, "ids", GOSS_INDEX, GOSS_SHAPE(n), ids));
    y[1] = goss_gate_open(l, &o);
    if (world_compute(&w, GOSS_F64, y, 2) != GOSS_OK) T_FAIL("%s", w.err.text);
    for (int i = 0; i < MANY; i++) open += (w.out[0][i] > 0) / (double)MANY;
    T_NEAR(open, w.out[1][0], 0.03);
    world_free(&w);
}

/* A temperature of a run: the same numbers as the product would give. */
TEST(heat_multiplies_the_temperature) {
    for (int k = 0; k < KINDS; k++) {
        world w = world_new();
        goss_gate_options o = goss_gate_defaults(all[k]);
        goss_val l = logits_of(&w, some), ids = ids_of(&w), out[4];
        const double heat = 0.3;
        for (int hot = 0; hot < 2; hot++) {
            goss_scope_push(w.g, "same");
            if (hot) o.heat = world_input(&w, "heat", GOSS_REAL, (goss_shape){0}, &heat);
            o.temperature = hot ? 2 : 0.6;
            out[hot] = goss_gate(l, &o, k < 2 ? ids : GOSS_NONE), out[2 + hot] = goss_gate_open(l, &o);
            goss_scope_pop(w.g);
        }
        if (world_compute(&w, GOSS_F64, out, 4) != GOSS_OK) T_FAIL("%s", w.err.text);
        T_NEAR(world_gap(w.out[1], w.out[0], T * K), 0, 1e-12);
        T_NEAR(world_gap(w.out[3], w.out[2], T * K), 0, 1e-12);
        world_free(&w);
    }
}

TEST(what_cannot_be_is_refused) {
    goss_error err;
    goss_gate_kind k;
    T_ERR(goss_gate_kind_parse("sofmax", &k, &err), GOSS_E_ARGUMENT, "there are sigmoid, softmax, gumbel");
    for (int i = 0; i < KINDS; i++) {
        T_OK(goss_gate_kind_parse(goss_gate_kind_name(all[i]), &k, &err));
        T_EQ(k, all[i]);
    }
    world w = world_new();
    goss_gate_options o = goss_gate_defaults(GOSS_GATE_SOFTMAX);
    o.temperature = 0;
    goss_gate(logits_of(&w, NULL), &o, GOSS_NONE);
    T_ERR(goss_graph_status(w.g, &err), GOSS_E_ARGUMENT, "temperature 0 is not positive");
    world_free(&w);
    w = world_new();
    o = goss_gate_defaults(GOSS_GATE_SOFTMAX);
    goss_gate(world_normal(&w, "v", GOSS_SHAPE(goss_n(4))), &o, GOSS_NONE);
    T_ERR(goss_graph_status(w.g, &err), GOSS_E_SHAPE, "rank 1");
    world_free(&w);
}

TEST_MAIN()
