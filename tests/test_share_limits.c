/* SPDX-License-Identifier: Apache-2.0 */
/* Sharing of weights in its limits, where it is another model: gates that are one-hot, own weights tied infinitely or
 * merged, a stitch of the identity, temperatures near 0. */
#include "gossamer/regularizer.h"
#include "share_check.h"

/* Gates that are one-hot leave the part alone; open sigmoid gates the sum. */
TEST(gates_that_are_one_hot_leave_a_part_alone) {
    for (int k = 0; k <= GOSS_GATE_HARD_CONCRETE; k++) {
        shared s;
        goss_share_options o = options("*=shared+own+dictionary");
        const goss_gate_options gates = goss_gate_defaults((goss_gate_kind)k);
        o.gates = &gates;
        begin(&s, net, &o, false);
        double *values = start(&s);
        goss__rng r = goss__rng_make(8, (uint64_t)k);
        for (int64_t i = 0; i < total(&s); i++) values[i] = goss__rng_normal(&r);
        goss_val v[4] = {goss_weights_get(s.weights, "dense2.w")};
        for (int p = 0; p < 3; p++) {
            char name[40];
            snprintf(name, sizeof name, "parts/%d/dense2.w", p + 1);
            v[1 + p] = goss_published_get(s.w.g, name);
        }
        double *g = entry(&s, values, "dense2.gates3");
        for (int t = 0; t < N; t++)
            for (int p = 0; p < 3; p++) g[t * 3 + p] = t % 3 == p ? 60 : -60;
        compute(&s, v, 4, values);
        for (int t = 0; t < T; t++) {
            const int p = (int)ids[t] % 3;
            const double *part = s.w.out[1 + p] + (p ? t * 9 : 0); /* the shared one has no task axis */
            T_NOTE("%s, task %d", goss_gate_kind_name((goss_gate_kind)k), t);
            T_NEAR(world_gap(s.w.out[0] + t * 9, part, 9), 0, 1e-12);
        }
        free(values);
        end(&s);
    }
}

/* A quadratic loss of theta [n], its minimum by one step of Newton from the graph's own second derivatives. */
static void minimum(shared *s, goss_val loss, double *theta) {
    const int n = (int)total(s);
    goss_val p = param(s), g, d = world_normal(&s->w, "direction", GOSS_SHAPE(goss_n(n))), out[2];
    T_CHECK(goss_grad(loss, &p, 1, &g) == GOSS_OK);
    T_CHECK(goss_grad(goss_sum_all(goss_mul(g, d)), &p, 1, &out[1]) == GOSS_OK);
    out[0] = g;
    double *a = calloc((size_t)n * (size_t)(n + 1), sizeof *a), *zero = calloc((size_t)n, sizeof *zero);
    if (world_open(&s->w, GOSS_F64, out, 2, NULL, 0) != GOSS_OK) T_FAIL("%s", s->w.err.text);
    world_set_param(&s->w, "share", zero);
    for (int k = 0; k < n; k++) {
        for (int i = 0; i < n; i++) world_numbers(&s->w, "direction")[i] = i == k;
        T_CHECK(world_run(&s->w) == GOSS_OK);
        for (int i = 0; i < n; i++) a[i * (n + 1) + k] = s->w.out[1][i], a[i * (n + 1) + n] = -s->w.out[0][i];
    }
    for (int k = 0; k < n; k++) { /* elimination with pivots */
        int best = k;
        for (int i = k; i < n; i++)
            if (fabs(a[i * (n + 1) + k]) > fabs(a[best * (n + 1) + k])) best = i;
        for (int j = 0; j <= n; j++) {
            const double swap = a[k * (n + 1) + j];
            a[k * (n + 1) + j] = a[best * (n + 1) + j], a[best * (n + 1) + j] = swap;
        }
        for (int i = 0; i < n; i++)
            for (int j = n; i != k && j >= k; j--)
                a[i * (n + 1) + j] -= a[i * (n + 1) + k] / a[k * (n + 1) + k] * a[k * (n + 1) + j];
    }
    for (int i = 0; i < n; i++) theta[i] = a[i * (n + 1) + n] / a[i * (n + 1) + i];
    free(a), free(zero);
}

/* Least squares of a linear network on T tasks, with a penalty of strength: 0 none, else tasks' differences from their
 * mean (way 0), or the square of part 2 (way 1). weights [T, 6] are those at the minimum. */
static void least_squares(const char *rules, double strength, int way, double *weights) {
    shared s;
    goss_share_options o = options(rules);
    o.tasks = T;
    s = (shared){.w = world_new()};
    T_OK(goss_target_parse("", (const int64_t[]){2}, 1, 2, &s.target, &err));
    T_OK(goss_share_create(s.target, &o, &s.share, &err));
    goss_extent tasks = world_tasks(&s.w, T);
    s.id = world_input(&s.w, "id", GOSS_INDEX, GOSS_SHAPE(tasks), (const double[]){0, 1, 2});
    s.x = world_normal(&s.w, "x", GOSS_SHAPE(tasks, goss_n(SAMPLES), goss_n(2)));
    goss_val y = world_normal(&s.w, "y", GOSS_SHAPE(tasks, goss_n(SAMPLES), goss_n(2)));
    s.weights = goss_share_weights(s.share, s.w.g, &(goss_share_tasks){.id = s.id});
    goss_val out = goss_target_apply(s.target, s.x, s.weights, NULL).logits;
    goss_val loss = goss_sum_all(goss_square(goss_sub(out, y)));
    for (int i = 0; i < 2 && strength > 0; i++) {
        const char *name = i ? "head.b" : "head.w";
        char part[40];
        snprintf(part, sizeof part, "parts/2/%s", name);
        goss_val w = way ? goss_published_get(s.w.g, part) : goss_weights_get(s.weights, name);
        if (!way) w = goss_sub(w, goss_mean(w, GOSS_AXIS(0), true));
        loss = goss_add(loss, goss_scale(goss_sum_all(goss_square(w)), strength));
    }
    double *theta = calloc((size_t)total(&s), sizeof *theta);
    minimum(&s, loss, theta);
    goss_val v[2] = {goss_weights_get(s.weights, "head.w"), goss_weights_get(s.weights, "head.b")};
    compute(&s, v, 2, theta);
    const bool one = s.w.numel[0] == 4;
    for (int t = 0; t < T; t++) {
        memcpy(weights + t * 6, s.w.out[0] + (one ? 0 : t * 4), 4 * sizeof(double));
        memcpy(weights + t * 6 + 4, s.w.out[1] + (one ? 0 : t * 2), 2 * sizeof(double));
    }
    free(theta);
    end(&s);
}

/* Mean-regularised networks: at infinite strength one network for all, at 0 each its own; and a shared part with own
 * deviations is the same in other words. */
TEST(own_weights_tied_infinitely_are_one_joint_network) {
    double joint[T * 6], alone[T * 6], tied[T * 6], deviating[T * 6];
    least_squares("*=shared", 0, 0, joint);
    least_squares("*=own", 0, 0, alone);
    least_squares("*=own", 1e9, 0, tied);
    T_NEAR(world_gap(tied, joint, T * 6), 0, 1e-6);
    T_CHECK(world_gap(alone, joint, T * 6) > 0.05);
    least_squares("*=own", 0.7, 0, tied);
    least_squares("*=shared+own", 0.7, 1, deviating);
    T_NEAR(world_gap(tied, deviating, T * 6), 0, 1e-9);
    T_CHECK(world_gap(tied, joint, T * 6) > 0.01 && world_gap(tied, alone, T * 6) > 0.01);
    least_squares("*=shared+own", 1e9, 1, deviating);
    T_NEAR(world_gap(deviating, joint, T * 6), 0, 1e-6);
}

/* Merged not at all tasks have networks of their own, altogether the same one: the mean of these. */
TEST(what_is_merged_lies_between_own_networks_and_their_mean) {
    for (int k = 0; k < 3; k++) {
        shared s;
        goss_share_options o = options("*=merged");
        begin(&s, "", &o, false);
        double *values = start(&s);
        float degree[N];
        for (int t = 0; t < N; t++) entry(&s, values, "head.merged4")[t] = 60 * (k - 1);
        for (int i = 0; i < N * 4; i++) entry(&s, values, "head.w.merged")[i] = i * i + 1;
        goss_val v = goss_weights_get(s.weights, "head.w");
        compute(&s, &v, 1, values);
        for (int t = 0; t < T; t++)
            for (int i = 0; i < 4; i++) {
                double mean = 0;
                for (int u = 0; u < N; u++) mean += (pow(u * 4 + i, 2) + 1) / N;
                const double own = pow(ids[t] * 4 + i, 2) + 1;
                T_NEAR(s.w.out[0][t * 4 + i], own + 0.5 * k * (mean - own), 1e-9);
            }
        /* what is told of it are the degrees */
        const int at = goss_layout_find(goss_share_layout(s.share), "head.merged4");
        float *single = calloc((size_t)total(&s), sizeof *single);
        for (int64_t i = 0; i < total(&s); i++) single[i] = (float)values[i];
        T_CHECK(goss_share_is_mixing(s.share, at));
        goss_share_mixing(s.share, at, single, degree);
        for (int t = 0; t < N; t++) T_NEAR(degree[t], 0.5 * k, 1e-6);
        free(single), free(values);
        end(&s);
    }
}

/* A stitch that is the identity is one network a task. */
TEST(a_stitch_of_the_identity_is_one_network_a_task) {
    shared s;
    goss_share_options o = options("*=stitch");
    begin(&s, "", &o, false);
    double *values = start(&s);
    for (int t = 0; t < N; t++)
        for (int u = 0; u < N; u++) entry(&s, values, "head.stitch4")[t * N + u] = t == u;
    for (int i = 0; i < N * 4; i++) entry(&s, values, "head.w.stitch")[i] = i * i + 1;
    goss_val v = goss_weights_get(s.weights, "head.w");
    compute(&s, &v, 1, values);
    for (int t = 0; t < T; t++)
        for (int i = 0; i < 4; i++) T_NEAR(s.w.out[0][t * 4 + i], pow(ids[t] * 4 + i, 2) + 1, 1e-12);
    free(values);
    end(&s);
}

/* Temperatures cool along anneal^(step / steps) and stay there; what is learned says so in the end. */
TEST(temperatures_are_annealed) {
    shared s;
    goss_share_options o = options("*=routing 3");
    o.anneal = 0.01, o.anneal_steps = 10, o.temperature = 2;
    begin(&s, net, &o, false);
    double *values = start(&s), step = 0;
    float *single = calloc((size_t)total(&s), sizeof *single), last_row[N * 3];
    for (int i = 0; i < N * 3; i++) entry(&s, values, "dense1.routing3")[i] = i % 3;
    for (int64_t i = 0; i < total(&s); i++) single[i] = (float)values[i];
    goss_val at = world_input(&s.w, "step", GOSS_REAL, (goss_shape){0}, &step);
    goss_weights *hot = goss_share_weights(
        s.share, s.w.g, &(goss_share_tasks){.id = s.id, .heat = goss_share_heat(s.share, s.w.g, at)});
    goss_weights *last = goss_share_weights(
        s.share, s.w.g, &(goss_share_tasks){.id = s.id, .heat = goss_share_heat(s.share, s.w.g, GOSS_NONE)});
    goss_val v[2] = {goss_published_get(s.w.g, "codes/dense1#2"), goss_published_get(s.w.g, "codes/dense1#3")};
    compute(&s, v, 2, values);
    for (int k = 0; k < 4; k++) {
        const double steps[] = {0, 5, 10, 40}, heat[] = {2, 0.2, 0.02, 0.02};
        *world_numbers(&s.w, "step") = steps[k];
        T_CHECK(world_run(&s.w) == GOSS_OK);
        T_NEAR(s.w.out[0][2], 1 / (1 + exp(-1 / heat[k]) + exp(-2 / heat[k])), 1e-9);
    }
    T_NEAR(world_gap(s.w.out[0], s.w.out[1], T * 3), 0, 1e-12);
    goss_share_mixing(s.share, goss_layout_find(goss_share_layout(s.share), "dense1.routing3"), single, last_row);
    T_NEAR((double)last_row[2], s.w.out[1][2], 1e-6);
    free(values), free(single), goss_weights_free(hot), goss_weights_free(last);
    end(&s);
}

TEST_MAIN()
