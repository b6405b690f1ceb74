/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation's gradient of orders 1, 2 and 3 against finite differences, in f64.
 *
 * For a case y(x) and a subset S of its active inputs: phi_0 = sum(c * sin(y)) with random c, and phi_k is the
 * derivative of phi_{k-1} along a random direction d_k of the inputs in S, had by goss_grad. It is compared with the
 * central difference of phi_{k-1}: fourth order in h, so that 1e-8 of agreement can be asked. */
#include "base/alloc.h"
#include "op_cases.h"

enum { ORDERS = 3 };
static const double H = 2e-3, TOLERANCE = 2e-8;

static goss_error err;

typedef struct check {
    const op_case *c;
    goss_graph *g;
    goss_val x[CASE_INPUTS], d[ORDERS][CASE_INPUTS], phi[ORDERS + 1];
    goss_shape y;
    double at[CASE_INPUTS][CASE_NUMBERS], dir[ORDERS][CASE_INPUTS][CASE_NUMBERS], moved[CASE_INPUTS][CASE_NUMBERS];
    double weight[CASE_NUMBERS];
    int32_t index[CASE_NUMBERS];
    int64_t n[CASE_INPUTS];
    uint32_t subset;
    goss_schedule *program;
    goss_threads *threads;
    goss_exec *exec;
} check;

static check k;

static goss_val directional(int order) {
    goss_val wrt[CASE_INPUTS], grad[CASE_INPUTS], sum = goss_const(k.g, 0);
    int n = 0, of[CASE_INPUTS];
    char name[32];
    for (int i = 0; i < CASE_INPUTS; i++)
        if (k.subset >> i & 1) of[n] = i, wrt[n++] = k.x[i];
    if (goss_grad(k.phi[order], wrt, n, grad) != GOSS_OK) return (goss_val){k.g, 0};
    for (int j = 0; j < n; j++) {
        snprintf(name, sizeof name, "d%d_%d", order, of[j]);
        k.d[order][of[j]] = goss_input(k.g, name, GOSS_REAL, goss_shape_of(wrt[j]));
        sum = goss_add(sum, goss_sum_all(goss_mul(grad[j], k.d[order][of[j]])));
    }
    return sum;
}

static goss_status build(void) {
    k.g = goss_graph_new();
    goss_val y = case_build(k.g, k.c, k.x);
    if (!goss_valid(y)) return goss_graph_status(k.g, &err);
    k.y = goss_shape_of(y);
    goss_val c = goss_input(k.g, "c", GOSS_REAL, goss_shape_of(y));
    k.phi[0] = goss_sum_all(goss_mul(goss_sin(y), c));
    for (int i = 0; i < ORDERS; i++) k.phi[i + 1] = directional(i);
    goss_schedule_options o = goss_schedule_defaults();
    o.precision = GOSS_F64;
    return goss_compile(k.g, k.phi, ORDERS + 1, NULL, 0, &o, &k.program, &err);
}

/* The same numbers for every subset of a case. */
static void fill(void) {
    goss__rng r = goss__rng_make(7, goss__hash64(k.c->name, strlen(k.c->name), 0));
    for (int i = 0; i < CASE_INPUTS && k.c->in[i].kind; i++) {
        k.n[i] = run_numel(goss_shape_of(k.x[i]));
        case_fill(k.c, i, k.at[i], k.n[i], &r);
        if (k.c->in[i].kind == INDEX)
            for (int64_t j = 0; j < k.n[i]; j++) k.index[j] = (int32_t)k.at[i][j];
        for (int o = 0; o < ORDERS; o++)
            for (int64_t j = 0; j < k.n[i]; j++) k.dir[o][i][j] = 0.3 * goss__rng_normal(&r);
    }
    for (int64_t j = 0; j < run_numel(k.y); j++) k.weight[j] = goss__rng_normal(&r);
}

/* Inputs that no output needs are unknown to the program. */
static goss_status bind(const char *name, const void *data) {
    goss_status s = goss_exec_bind(k.exec, name, data, &err);
    return s != GOSS_OK && strstr(err.text, "no input") ? GOSS_OK : s;
}

static goss_status open_exec(void) {
    char name[32];
    GOSS_TRY(goss_exec_new(k.program, NULL, k.threads, &k.exec, &err));
    GOSS_TRY(bind("c", k.weight));
    for (int i = 0; i < CASE_INPUTS && k.c->in[i].kind; i++) {
        snprintf(name, sizeof name, "x%d", i);
        GOSS_TRY(bind(name, k.c->in[i].kind == INDEX ? (void *)k.index : k.moved[i]));
        for (int o = 0; o < ORDERS; o++) {
            snprintf(name, sizeof name, "d%d_%d", o, i);
            GOSS_TRY(bind(name, k.dir[o][i]));
        }
    }
    GOSS_TRY(goss_exec_count(k.exec, "T", RUN_T, &err));
    return goss_exec_count(k.exec, "N", RUN_N, &err);
}

/* All phi at x + s * d of that order. */
static goss_status phi_at(double s, int order, double phi[ORDERS + 1]) {
    for (int i = 0; i < CASE_INPUTS && k.c->in[i].kind; i++)
        for (int64_t j = 0; j < k.n[i]; j++)
            k.moved[i][j] = k.at[i][j] + (k.subset >> i & 1 ? s * k.dir[order][i][j] : 0);
    GOSS_TRY(goss_exec_run(k.exec, &err));
    for (int i = 0; i <= ORDERS; i++) phi[i] = *(const double *)goss_exec_output(k.exec, i, NULL);
    return GOSS_OK;
}

static goss_status compare(void) {
    double phi[ORDERS + 1], v[4][ORDERS + 1];
    static const double at[4] = {-2, -1, 1, 2};
    GOSS_TRY(phi_at(0, 0, phi));
    for (int o = 0; o < ORDERS; o++) {
        for (int i = 0; i < 4; i++) GOSS_TRY(phi_at(at[i] * H, o, v[i]));
        double difference = (v[0][o] - 8 * v[1][o] + 8 * v[2][o] - v[3][o]) / (12 * H),
               gap = fabs(phi[o + 1] - difference);
        if (!(gap <= TOLERANCE * (1 + fabs(difference) + fabs(phi[o]))))
            return goss_error_set(&err, GOSS_E_NUMERIC, "order %d: %.12g, by differences %.12g", o + 1, phi[o + 1],
                                  difference);
    }
    return GOSS_OK;
}

static goss_status check_subset(const op_case *c, uint32_t subset) {
    k.c = c, k.subset = subset;
    k.program = NULL, k.exec = NULL;
    goss_status s = build();
    if (s == GOSS_OK) {
        fill();
        s = open_exec();
    }
    if (s == GOSS_OK) s = compare();
    goss_exec_free(k.exec);
    goss_schedule_free(k.program);
    goss_graph_free(k.g);
    return goss_error_prefix(&err, s, "case \"%s\", inputs 0x%x", c->name, subset);
}

TEST(every_case_every_subset_three_orders) {
    T_OK(goss_threads_new(1, &k.threads, &err));
    int checked = 0;
    for (int i = 0; i < CASES; i++) {
        op_case c = case_at(i);
        uint32_t active = 0;
        for (int j = 0; j < CASE_INPUTS; j++) active |= (uint32_t)is_active(&c, j) << j;
        for (uint32_t subset = 1; subset < 1u << CASE_INPUTS; subset++) {
            if ((subset & active) != subset) continue;
            T_OK(check_subset(&c, subset));
            checked++;
        }
    }
    goss_threads_free(k.threads);
    T_CHECK(checked > CASES);
}

/* Marks the ops that case c has on the way from its active inputs. */
static void mark_reached(const op_case *c, bool *reached, bool *present) {
    goss_graph *g = goss_graph_new();
    goss_val x[CASE_INPUTS];
    goss_val y = case_build(g, c, x);
    bool *active = calloc(g->n_nodes, 1), *needed = calloc(g->n_nodes, 1);
    for (int i = 0; i < CASE_INPUTS; i++)
        if (is_active(c, i)) active[x[i].id] = true;
    for (uint32_t id = 1; id < g->n_nodes; id++)
        for (int i = 0; i < g->nodes[id]->n_in; i++)
            if (!g->nodes[id]->op->no_gradient) active[id] |= active[g->nodes[id]->in[i]];
    needed[y.id] = true;
    for (uint32_t id = g->n_nodes; id-- > 1;)
        for (int i = 0; needed[id] && i < g->nodes[id]->n_in; i++) needed[g->nodes[id]->in[i]] = true;
    for (uint32_t id = 1; id < g->n_nodes; id++)
        for (int i = 0; goss__op_all[i]; i++)
            if (g->nodes[id]->op == goss__op_all[i] && needed[id]) present[i] = true, reached[i] |= active[id];
    free(active);
    free(needed);
    goss_graph_free(g);
}

TEST(every_operation_has_a_case) {
    bool reached[128] = {0}, present[128] = {0};
    for (int i = 0; i < CASES; i++) {
        op_case c = case_at(i);
        mark_reached(&c, reached, present);
    }
    for (int i = 0; goss__op_all[i]; i++) {
        const goss__op *op = goss__op_all[i];
        if (!present[i] && !goss__is_stateful(op)) T_FAIL("no case holds the operation %s", op->name);
        if (!reached[i] && !op->no_gradient) T_FAIL("no case differentiates through %s", op->name);
        if (!op->vjp && op != &goss__op_scan && !op->is_result && !op->no_gradient) /* a scan's: autodiff/scan_vjp.c */
            T_FAIL("%s has no gradient and does not say so", op->name);
    }
}

/* ---- goss_grad and goss_vjp themselves ---- */

TEST(what_a_value_does_not_depend_on_has_gradient_zero) {
    goss_graph *g = goss_graph_new();
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(3))),
             z = goss_input(g, "z", GOSS_REAL, GOSS_SHAPE(goss_n(2)));
    goss_val wrt[3] = {x, z, goss_exp(goss_exp(z))}, d[3];
    double zero = 1;
    T_OK(goss_grad(goss_sum_all(goss_exp(x)), wrt, 3, d));
    T_CHECK(goss__is_full(d[1], &zero) && zero == 0 && goss_shape_equal(goss_shape_of(d[1]), goss_shape_of(z)));
    T_CHECK(goss__is_full(d[2], &zero) && zero == 0);
    T_CHECK(!goss__is_full(d[0], &zero));
    T_OK(goss_grad(goss_detach(goss_exp(x)), &x, 1, d));
    T_CHECK(goss__is_full(d[0], &zero) && zero == 0);
    T_OK(goss_grad(goss_detach(x), &x, 1, d)); /* of what the gradient is taken by, too */
    T_CHECK(goss__is_full(d[0], &zero) && zero == 0);
    T_OK(goss_grad(goss_floor(x), &x, 1, d));
    T_CHECK(goss__is_full(d[0], &zero) && zero == 0);
    goss_graph_free(g);
}

TEST(a_value_is_its_own_gradient_of_one) {
    goss_graph *g = goss_graph_new();
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(3))), d,
             c = goss_input(g, "c", GOSS_REAL, goss_shape_of(x));
    double one = 0;
    T_OK(goss_grad(x, &x, 1, &d));
    T_CHECK(goss__is_full(d, &one) && one == 1);
    T_OK(goss_vjp(x, c, &x, 1, &d));
    T_EQ(d.id, c.id);
    goss_graph_free(g);
}

/* An inner value counts as free: its gradient and that of what it was made from come out together. */
TEST(inner_values_have_gradients) {
    goss_graph *g = goss_graph_new();
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(3))), y = goss_exp(x), d[2];
    T_OK(goss_grad(goss_sin(y), (goss_val[]){y, x}, 2, d));
    T_EQ(d[0].id, goss_cos(y).id);
    T_EQ(d[1].id, goss_mul(goss_cos(y), y).id);
    goss_graph_free(g);
}

/* Whatever builders would make of what reads it. */
TEST(a_variable_has_its_gradient_whatever_is_simplified) {
    goss_graph *g = goss_graph_new();
    goss_extent t = goss_symbol(g, "T", 4);
    goss_shape one = GOSS_SHAPE(goss_n(1), goss_n(6)), all = GOSS_SHAPE(t, goss_n(6)),
               folded = GOSS_SHAPE(t, goss_n(2), goss_n(3));
    goss_val p = goss_param(g, "p", one), x = goss_input(g, "x", GOSS_REAL, all), v[5], y[5], d;
    v[0] = goss_variable(goss_broadcast(p, all)), y[0] = goss_tanh(v[0]);
    v[1] = goss_variable(goss_reshape(x, folded)),
    y[1] = goss_exp(goss_reshape(v[1], GOSS_SHAPE(t, goss_n(3), goss_n(2))));
    v[2] = goss_variable(goss_scale(x, 2)), y[2] = goss_scale(v[2], 3);
    v[3] = goss_variable(goss_slice(x, 1, 0, 4)), y[3] = goss_slice(v[3], 1, 1, 2);
    v[4] = goss_variable(goss_mul(x, goss_broadcast(p, all))), y[4] = goss_sum(v[4], GOSS_AXIS(1), true);
    for (int i = 0; i < 5; i++) {
        double zero = 1;
        T_OK(goss_grad(y[i], &v[i], 1, &d));
        T_CHECK(goss_shape_equal(goss_shape_of(d), goss_shape_of(v[i])) && !(goss__is_full(d, &zero) && zero == 0));
        T_EQ(goss_variable(v[i]).id, v[i].id);
    }
    T_EQ(goss_variable(p).id, p.id);
    T_EQ(goss_variable(x).id, x.id);
    goss_graph_free(g);
}

TEST(first_and_second_order_differ_by_a_detach) {
    goss_graph *g = goss_graph_new();
    goss_val w = goss_input(g, "w", GOSS_REAL, GOSS_SHAPE(goss_n(1))), inner, full, first;
    T_OK(goss_grad(goss_exp(w), &w, 1, &inner));
    T_OK(goss_grad(goss_exp(goss_sub(w, goss_scale(inner, 0.5))), &w, 1, &full));
    T_OK(goss_grad(goss_exp(goss_sub(w, goss_scale(goss_detach(inner), 0.5))), &w, 1, &first));
    T_CHECK(full.id != first.id);
    goss_schedule *p;
    goss_threads *t;
    goss_exec *e;
    float at = 0.3f;
    T_OK(goss_compile(g, (goss_val[]){full, first}, 2, NULL, 0, NULL, &p, &err));
    T_OK(goss_threads_new(1, &t, &err));
    T_OK(goss_exec_new(p, NULL, t, &e, &err));
    T_OK(goss_exec_bind(e, "w", &at, &err));
    T_OK(goss_exec_run(e, &err));
    double moved = 0.3 - 0.5 * exp(0.3);
    T_NEAR(*(const float *)goss_exec_output(e, 1, NULL), exp(moved), 1e-6);
    T_NEAR(*(const float *)goss_exec_output(e, 0, NULL), exp(moved) * (1 - 0.5 * exp(0.3)), 1e-6);
    goss_exec_free(e);
    goss_threads_free(t);
    goss_schedule_free(p);
    goss_graph_free(g);
}

TEST(bad_operands_are_told) {
    goss_graph *g = goss_graph_new(), *other = goss_graph_new();
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(3))), d;
    T_CHECK(goss_vjp(goss_exp(x), goss_const(g, 1), &x, 1, &d) == GOSS_E_SHAPE && !goss_valid(d));
    T_ERR(goss_graph_status(g, &err), GOSS_E_SHAPE, "cotangent");
    goss_graph_free(g);
    g = goss_graph_new();
    x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(3)));
    goss_val far = goss_input(other, "x", GOSS_REAL, GOSS_SHAPE(goss_n(3)));
    T_CHECK(goss_grad(goss_exp(x), &far, 1, &d) != GOSS_OK);
    T_CHECK(goss_graph_status(g, &err) != GOSS_OK);
    goss_graph_free(g);
    goss_graph_free(other);
    g = goss_graph_new();
    goss_val bad = goss_graph_fail(g, GOSS_E_ARGUMENT, "made to fail");
    T_CHECK(goss_grad(bad, &bad, 1, &d) == GOSS_E_ARGUMENT && !goss_valid(d));
    T_ERR(goss_graph_status(g, &err), GOSS_E_ARGUMENT, "made to fail");
    goss_graph_free(g);
}

TEST(a_gradient_survives_failing_memory) {
    for (uint64_t n = 1; n < 40; n++) {
        goss_graph *g = goss_graph_new();
        goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(3))), y = x, d;
        for (int i = 0; i < 300; i++) y = goss_tanh(y);
        goss__alloc_fail_at(n);
        goss_status s = goss_grad(y, &x, 1, &d);
        goss__alloc_fail_at(0);
        T_EQ(s, goss_graph_status(g, &err));
        T_CHECK((s == GOSS_OK) == goss_valid(d));
        goss_graph_free(g);
    }
}

TEST_MAIN()
