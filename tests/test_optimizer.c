/* SPDX-License-Identifier: Apache-2.0 */
/* Optimisers as nodes against the same formulas in a loop of doubles, dense and by rows; learning rates. */
#include "gossamer/optimizer.h"
#include "graph_check.h"

#define S(...) GOSS_SHAPE(__VA_ARGS__)
#define n(x) goss_n(x)

static goss_error err;
static const goss_shape scalar = {.rank = 0};

/* ---- the same in doubles ---- */

typedef struct reference {
    double w[8], m[8], v[8], ema[8];
    double t;
} reference;

/* One step on `count` numbers with these gradients; mirrors the papers, not the implementation. */
static void reference_step(const goss_optimizer_options *o, reference *r, const double *gradient, int count, double lr,
                           double clip, const double *rate, const double *decay) {
    r->t += 1;
    for (int i = 0; i < count; i++) {
        double g = gradient[i] * clip, wd = o->weight_decay * (decay ? decay[i] : 1), step,
               lri = lr * (rate ? rate[i] : 1);
        if (o->kind != GOSS_ADAMW) g += wd * r->w[i];
        if (o->kind == GOSS_SGD) {
            r->m[i] = o->momentum * r->m[i] + g;
            step = r->m[i];
        } else {
            r->m[i] = o->beta1 * r->m[i] + (1 - o->beta1) * g;
            r->v[i] = o->beta2 * r->v[i] + (1 - o->beta2) * g * g;
            step = r->m[i] / (1 - pow(o->beta1, r->t)) / (sqrt(r->v[i] / (1 - pow(o->beta2, r->t))) + o->eps);
        }
        if (o->kind == GOSS_ADAMW) r->w[i] *= 1 - lri * wd;
        r->w[i] -= lri * step;
        double d = fmin(o->ema_decay, (r->t - 1) / (r->t + 9));
        r->ema[i] = d * r->ema[i] + (1 - d) * r->w[i];
    }
}

/* ---- dense ---- */

typedef struct pair {
    goss_val w, b, loss;
    goss_optimizer_result step;
} pair;

/* Parameters w [3] and b [1, 2]; loss = sum(c w^2 / 2) + sum(d b), so the gradients are c w and d. */
static pair build_pair(world *k, const goss_optimizer_options *o, bool scaled) {
    const double c[] = {1, 2, -0.5}, d[] = {0.3, -4}, lr[] = {0}, rate[] = {1, 0.5, 2}, decay[] = {1, 0, 0.5};
    pair p = {.w = goss_param(k->g, "w", S(n(3))), .b = goss_param(k->g, "b", S(n(1), n(2)))};
    goss_val quadratic = goss_mul(goss_square(p.w), world_input(k, "c", GOSS_REAL, S(n(3)), c));
    goss_val linear = goss_mul(p.b, world_input(k, "d", GOSS_REAL, S(n(1), n(2)), d));
    p.loss = goss_add(goss_scale(goss_sum_all(quadratic), 0.5), goss_sum_all(linear));
    goss_val wrt[2] = {p.w, p.b}, grad[2];
    if (goss_grad(p.loss, wrt, 2, grad) != GOSS_OK) return p;
    goss_optimizer_param params[2] = {{.param = p.w, .gradient = grad[0]},
                                      {.param = p.b, .gradient = grad[1], .rate = 0.1}};
    if (scaled) {
        params[0].rate_scale = world_input(k, "rate", GOSS_REAL, S(n(3)), rate);
        params[0].decay_scale = world_input(k, "decay", GOSS_REAL, S(n(3)), decay);
    }
    p.step = goss_optimizer_build(o, params, 2, world_input(k, "lr", GOSS_REAL, scalar, lr));
    return p;
}

static void run_trajectory(goss_optimizer_options o, goss_precision precision, double tol, bool scaled) {
    const double c[] = {1, 2, -0.5}, d[] = {0.3, -4}, w0[] = {1, -2, 3}, b0[] = {0.5, 0.25}, rate[] = {1, 0.5, 2},
                 decay[] = {1, 0, 0.5};
    world k = world_new();
    pair p = build_pair(&k, &o, scaled);
    goss_val norm = p.step.gradient_norm;
    if (world_open(&k, precision, &norm, 1, p.step.updates, p.step.n_updates) != GOSS_OK) T_FAIL("%s", k.err.text);
    world_set_param(&k, "w", w0);
    world_set_param(&k, "b", b0);
    reference rw = {.w = {1, -2, 3}}, rb = {.w = {0.5, 0.25}};
    for (int step = 0; step < 200; step++) {
        double lr = 0.05 / (1 + 0.1 * step), gw[3], sum = d[0] * d[0] + d[1] * d[1];
        for (int i = 0; i < 3; i++) gw[i] = c[i] * rw.w[i], sum += gw[i] * gw[i];
        double clip = o.clip_norm > 0 && sqrt(sum) > o.clip_norm ? o.clip_norm / sqrt(sum) : 1;
        reference_step(&o, &rw, gw, 3, lr, clip, scaled ? rate : NULL, scaled ? decay : NULL);
        reference_step(&o, &rb, d, 2, 0.1 * lr, clip, NULL, NULL);
        *world_numbers(&k, "lr") = lr;
        if (world_run(&k) != GOSS_OK) T_FAIL("%s", k.err.text);
        T_NEAR(k.out[0][0], sqrt(sum), tol * (1 + sqrt(sum)));
        for (int i = 0; i < 3; i++) T_NEAR(world_param(&k, "w", i), rw.w[i], tol * (1 + fabs(rw.w[i])));
        for (int i = 0; i < 2; i++) T_NEAR(world_param(&k, "b", i), rb.w[i], tol * (1 + fabs(rb.w[i])));
        for (int i = 0; o.ema_decay > 0 && i < 3; i++)
            T_NEAR(world_param(&k, "ema.w", i), rw.ema[i], tol * (1 + fabs(rw.ema[i])));
    }
    T_NEAR(world_param(&k, "optimizer.step", 0), 200, 0);
    T_NEAR(world_param(&k, "optimizer.skipped", 0), 0, 0);
    world_free(&k);
}

TEST(trajectories_follow_the_papers) {
    for (int kind = GOSS_SGD; kind <= GOSS_ADAMW; kind++)
        for (int variant = 0; variant < 16; variant++) {
            goss_optimizer_options o = goss_optimizer_defaults();
            o.kind = (goss_optimizer_kind)kind;
            if (variant & 1) o.weight_decay = 0.1;
            if (variant & 2) o.clip_norm = 2;
            if (variant & 4) o.ema_decay = 0.9;
            if (variant & 8) o.momentum = o.beta1 = 0;
            T_NOTE("f64, kind %d, variant %d", kind, variant);
            run_trajectory(o, GOSS_F64, 1e-10, variant & 1);
        }
}

TEST(trajectories_hold_in_f32) {
    for (int kind = GOSS_SGD; kind <= GOSS_ADAMW; kind++) {
        goss_optimizer_options o = goss_optimizer_defaults();
        o.kind = (goss_optimizer_kind)kind;
        o.clip_norm = 2;
        o.ema_decay = 0.99;
        run_trajectory(o, GOSS_F32, 2e-5, false);
    }
}

/* The first step of Adam is the learning rate exactly: what a badly rounded bias correction would spoil. */
TEST(the_first_step_of_adam_is_exact_in_f32) {
    goss_optimizer_options o = goss_optimizer_defaults();
    world k = world_new();
    pair p = build_pair(&k, &o, false);
    if (world_open(&k, GOSS_F32, &p.loss, 1, p.step.updates, p.step.n_updates) != GOSS_OK) T_FAIL("%s", k.err.text);
    *world_numbers(&k, "lr") = 1;
    T_EQ(world_run(&k), GOSS_OK);
    T_NEAR(world_param(&k, "b", 0), -0.1, 1e-7); /* b starts at 0 with rate 0.1 */
    T_NEAR(world_param(&k, "b", 1), 0.1, 1e-7);
    world_free(&k);
}

/* All parameters and state but the count of skipped steps, one after another. */
static int copy_state(const world *k, double *to) {
    int n_numbers = 0;
    for (int i = 0; i < goss_params_count(k->params); i++) {
        const char *name = goss_params_name(k->params, i);
        if (strcmp(name, "optimizer.skipped") == 0) continue;
        for (int64_t j = 0; j < goss_params_numel(k->params, i); j++) to[n_numbers++] = world_param(k, name, j);
    }
    return n_numbers;
}

TEST(a_step_that_is_not_finite_changes_nothing_but_its_count) {
    goss_optimizer_options o = goss_optimizer_defaults();
    o.clip_norm = 1;
    o.ema_decay = 0.9;
    const double bad[] = {NAN, INFINITY, 1e30, -INFINITY}, w0[] = {1, -2, 3};
    double before[64], after[64];
    world k = world_new();
    pair p = build_pair(&k, &o, false);
    goss_val out[] = {p.step.gradient_norm, p.step.applied};
    if (world_open(&k, GOSS_F32, out, 2, p.step.updates, p.step.n_updates) != GOSS_OK) T_FAIL("%s", k.err.text);
    world_set_param(&k, "w", w0);
    *world_numbers(&k, "lr") = 0.1;
    for (int i = 0; i < 3; i++) T_EQ(world_run(&k), GOSS_OK);
    int count = copy_state(&k, before);
    T_EQ(count, 4 * 5 + 1); /* weights, two moments and an average of 5 numbers, and the step */
    for (int round = 0; round < 4; round++) {
        world_numbers(&k, "d")[1] = bad[round];
        T_EQ(world_run(&k), GOSS_OK);
        T_CHECK(k.out[1][0] == 0);
        copy_state(&k, after);
        T_CHECK(memcmp(before, after, (size_t)count * sizeof *before) == 0);
        T_NEAR(world_param(&k, "optimizer.skipped", 0), round + 1, 0);
    }
    world_numbers(&k, "d")[1] = 1;
    T_EQ(world_run(&k), GOSS_OK);
    T_CHECK(k.out[1][0] == 1 && world_param(&k, "optimizer.step", 0) == 4);
    T_CHECK(isfinite(world_param(&k, "w", 0)) && world_param(&k, "w", 0) != before[0]);
    world_free(&k);
}

/* ---- rows ---- */

enum { V = 6, D = 3, R = 2 };

TEST(rows_have_a_trajectory_of_their_own) {
    for (int kind = GOSS_SGD; kind <= GOSS_ADAMW; kind++) {
        goss_optimizer_options o = goss_optimizer_defaults();
        o.kind = (goss_optimizer_kind)kind;
        o.weight_decay = 0.05;
        o.ema_decay = 0.8;
        const double zero[] = {0}, rows[] = {0, 1};
        world k = world_new();
        goss_val table = goss_param(k.g, "table", S(n(V), n(D))),
                 index = world_input(&k, "rows", GOSS_INDEX, S(n(R)), rows);
        goss_val seen = goss_gather(table, index), c = world_normal(&k, "c", S(n(R), n(D))), grad;
        goss_val loss = goss_scale(goss_sum_all(goss_mul(goss_square(seen), c)), 0.5);
        T_EQ(goss_grad(loss, &seen, 1, &grad), GOSS_OK);
        goss_optimizer_param p = {.param = table, .gradient = grad, .rows = index};
        goss_optimizer_result step = goss_optimizer_build(&o, &p, 1, world_input(&k, "lr", GOSS_REAL, scalar, zero));
        if (world_open(&k, GOSS_F64, &loss, 1, step.updates, step.n_updates) != GOSS_OK) T_FAIL("%s", k.err.text);
        double start[V * D];
        reference r[V];
        memset(r, 0, sizeof r);
        for (int i = 0; i < V * D; i++) start[i] = r[i / D].w[i % D] = 1 + 0.1 * i;
        world_set_param(&k, "table", start);
        *world_numbers(&k, "lr") = 0.05;
        for (int s = 0; s < 60; s++) {
            int touched[R] = {s % 5, (s / 2 + 1 + s % 5) % 5}; /* row 5 never */
            if (touched[0] == touched[1]) touched[1] = (touched[1] + 1) % 5;
            for (int i = 0; i < R; i++) {
                double g[D];
                for (int d = 0; d < D; d++) g[d] = world_numbers(&k, "c")[i * D + d] * r[touched[i]].w[d];
                world_numbers(&k, "rows")[i] = touched[i];
                reference_step(&o, &r[touched[i]], g, D, 0.05, 1, NULL, NULL);
            }
            if (world_run(&k) != GOSS_OK) T_FAIL("%s", k.err.text);
        }
        for (int i = 0; i < V * D; i++) {
            T_NEAR(world_param(&k, "table", i), r[i / D].w[i % D], 1e-10);
            T_NEAR(world_param(&k, "ema.table", i), r[i / D].ema[i % D], 1e-10);
        }
        for (int v = 0; v < V; v++) T_NEAR(world_param(&k, "optimizer.t.table", v), r[v].t, 0);
        T_CHECK(world_param(&k, "table", 5 * D) == start[5 * D] && r[5].t == 0);
        world_free(&k);
    }
}

/* ---- a whole network ---- */

TEST(a_network_in_one_slab_learns_exclusive_or) {
    const double x[] = {0, 0, 0, 1, 1, 0, 1, 1}, y[] = {1, 0, 0, 1, 0, 1, 1, 0}, lr[] = {0.05};
    goss_target *t = NULL;
    T_OK(goss_target_parse("dense 8; tanh; head", (int64_t[]){2}, 1, 2, &t, &err));
    world k = world_new();
    goss_weights *v = goss_weights_from_params(k.g, goss_target_layout(t), "target");
    goss_val slab = goss_weights_slab(v), target = world_input(&k, "y", GOSS_REAL, S(n(1), n(4), n(2)), y), grad;
    goss_val logits = goss_target_apply(t, world_input(&k, "x", GOSS_REAL, S(n(1), n(4), n(2)), x), v, NULL).logits;
    goss_val loss = goss_reduce_loss(goss_cross_entropy(logits, target, 0, GOSS_NONE), GOSS_NONE);
    T_EQ(goss_grad(loss, &slab, 1, &grad), GOSS_OK);
    goss_optimizer_options o = goss_optimizer_defaults();
    goss_optimizer_param p = {.param = slab, .gradient = grad};
    goss_optimizer_result step = goss_optimizer_build(&o, &p, 1, world_input(&k, "lr", GOSS_REAL, scalar, lr));
    goss_val out[] = {loss, goss_mean_all(goss_correct(logits, target))};
    if (world_open(&k, GOSS_F32, out, 2, step.updates, step.n_updates) != GOSS_OK) T_FAIL("%s", k.err.text);
    int slot = goss_params_find(k.params, "target");
    T_CHECK(slot >= 0 && goss_params_numel(k.params, slot) == goss_layout_total(goss_target_layout(t)));
    goss_layout_initialize(goss_target_layout(t), 3, goss_params_data(k.params, slot));
    T_EQ(world_run(&k), GOSS_OK);
    T_CHECK(k.out[0][0] > 0.5);
    for (int i = 0; i < 300; i++) T_EQ(world_run(&k), GOSS_OK);
    T_CHECK(k.out[0][0] < 0.05 && k.out[1][0] == 1);
    goss_weights_free(v);
    goss_target_free(t);
    world_free(&k);
}

/* ---- multipliers, errors ---- */

TEST(multipliers_by_name) {
    goss_target *t = NULL;
    T_OK(goss_target_parse("conv 2 1; norm batch; relu; flatten; head", (int64_t[]){1, 1, 3}, 3, 2, &t, &err));
    const goss_layout *l = goss_target_layout(t); /* conv1.w 6, norm1.gain 2, norm1.shift 2, head.w 4, head.b 2 */
    const goss_scale_rule rules[] = {{"*", 0.5}, {"norm1.*,*.b", 0}, {"head.w", 3}}, nothing[] = {{"tail.*", 2}};
    const double want[] = {.5, .5, .5, .5, .5, .5, 0, 0, 0, 0, 3, 3, 3, 3, 0, 0};
    world k = world_new();
    goss_val v = goss_layout_scales(k.g, l, rules, 3);
    T_CHECK(!goss_valid(goss_layout_scales(k.g, l, nothing, 1)));
    if (world_compute(&k, GOSS_F64, &v, 1) != GOSS_OK) T_FAIL("%s", k.err.text);
    T_EQ(k.numel[0], 16);
    T_CHECK(world_gap(k.out[0], want, 16) == 0);
    world_free(&k);
    goss_target_free(t);
}

TEST(what_can_not_be_optimised_is_a_sticky_error) {
    static const char *const says[] = {"is not a parameter", "shape does not fit", "0 parameters"};
    for (int i = 0; i < 3; i++) {
        goss_graph *g = goss_graph_new();
        goss_optimizer_options o = goss_optimizer_defaults();
        goss_val p = goss_param(g, "p", S(n(3))), rate = goss_const(g, 1);
        goss_optimizer_param param = {.param = i == 0 ? goss_scale(p, 2) : p, .gradient = i == 1 ? rate : p};
        goss_optimizer_build(&o, &param, i == 2 ? 0 : 1, rate);
        T_CHECK(goss_graph_status(g, &err) != GOSS_OK);
        if (!strstr(err.text, says[i])) T_FAIL("\"%s\" does not say \"%s\"", err.text, says[i]);
        goss_graph_free(g);
    }
}

/* ---- learning rates ---- */

TEST(learning_rates_along_the_progress) {
    goss_rate_schedule s = goss_rate_defaults();
    s.base = 2, s.warmup = 0.1, s.floor = 0.25;
    T_NEAR(goss_rate_at(&s, 0, NULL, 0), 0, 0);
    T_NEAR(goss_rate_at(&s, 0.05, NULL, 0), 1, 1e-12);
    T_NEAR(goss_rate_at(&s, 0.1, NULL, 0), 2, 1e-12);
    T_NEAR(goss_rate_at(&s, 0.55, NULL, 0), 2 * 0.625, 1e-12);
    T_NEAR(goss_rate_at(&s, 1, NULL, 0), 0.5, 1e-12);
    T_NEAR(goss_rate_at(&s, 7, NULL, 0), 0.5, 1e-12);
    s.kind = GOSS_RATE_CONSTANT;
    T_NEAR(goss_rate_at(&s, 0.9, NULL, 0), 2, 0);
    s.kind = GOSS_RATE_STEP, s.n_at = 2, s.at[0] = 0.5, s.at[1] = 0.75;
    T_OK(goss_rate_check(&s, &err));
    T_NEAR(goss_rate_at(&s, 0.49, NULL, 0), 2, 0);
    T_NEAR(goss_rate_at(&s, 0.5, NULL, 0), 0.2, 1e-15);
    T_NEAR(goss_rate_at(&s, 0.8, NULL, 0), 0.02, 1e-15);
}

TEST(a_plateau_lowers_the_rate) {
    goss_rate_schedule s = goss_rate_defaults();
    s.kind = GOSS_RATE_PLATEAU, s.base = 1, s.warmup = 0, s.patience = 2, s.floor = 0.005;
    const double accuracy[] = {0.5, 0.6, 0.6, 0.55, 0.61, 0.1, NAN, 0.2, 0.2, 0.2, 0.2};
    const double want[] = {1, 1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.005, 0.005, 0.005};
    for (int i = 0; i <= 11; i++) T_NEAR(goss_rate_at(&s, 0.5, accuracy, i), want[i], 1e-15);
    s.smaller_better = true;
    T_NEAR(goss_rate_at(&s, 0.5, (double[]){3, 2, 1}, 3), 1, 0);
    T_NEAR(goss_rate_at(&s, 0.5, (double[]){1, 2, 3}, 3), 0.1, 1e-15);
    s.threshold = 0.5;
    T_NEAR(goss_rate_at(&s, 0.5, (double[]){3, 2.8, 2.6}, 3), 0.1, 1e-15);
}

TEST(settings_out_of_range_are_named) {
    goss_rate_schedule s = goss_rate_defaults();
    s.warmup = 1;
    T_ERR(goss_rate_check(&s, &err), GOSS_E_ARGUMENT, "warmup is 1");
    s = goss_rate_defaults(), s.base = NAN;
    T_ERR(goss_rate_check(&s, &err), GOSS_E_ARGUMENT, "base");
    s = goss_rate_defaults(), s.n_at = 2, s.at[0] = 0.5, s.at[1] = 0.4;
    T_ERR(goss_rate_check(&s, &err), GOSS_E_ARGUMENT, "ascending");
    goss_optimizer_kind kind;
    goss_rate_kind rate;
    T_OK(goss_optimizer_kind_parse("adam", &kind, &err));
    T_EQ(kind, GOSS_ADAM);
    T_OK(goss_rate_kind_parse("plateau", &rate, &err));
    T_EQ(rate, GOSS_RATE_PLATEAU);
    T_ERR(goss_optimizer_kind_parse("lion", &kind, &err), GOSS_E_ARGUMENT, "\"lion\"; there are sgd, adam, adamw");
}
TEST_MAIN()
