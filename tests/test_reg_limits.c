/* SPDX-License-Identifier: Apache-2.0 */
/* What regularizers lead to: proximal operators, infinite strength, closed forms. */
#include "gossamer/optimizer.h"
#include "reg_check.h"

static goss_error err;

/* ---- proximal operators ---- */

static bool has_prox(const reg_case *c) {
    const goss_reg_kind *k = NULL;
    return goss_reg_find(c->kind, &k, &err) == GOSS_OK && k->has_prox && c->o.epsilon == 0 && c->o.power != 1 &&
           !c->o.branches && !c->o.normalized;
}

/* The input x0 of a case, and what its options are with the graph that it needs. */
static goss_val prox_input(world *w, const reg_case *c, goss_reg_options *o) {
    goss_val x[REG_TENSORS];
    reg_build(w, c, x);
    *o = reg_options(c);
    if (c->with == WITH_GRAPH) { /* declared by reg_build: the input of that name is the same node */
        o->adjacency = goss_input(w->g, "graph", GOSS_REAL, GOSS_SHAPE(goss_n(4), goss_n(4)));
    }
    return x[0];
}

/* step penalty(x + s d) + ||x + s d - w||^2 / 2 for some s d. */
static goss_val objective(goss_val at, goss_val w, double step, const char *kind, const goss_reg_options *o) {
    goss_val penalty = goss_scale(goss_sum_all(goss_reg_build(kind, &at, 1, o)), step);
    return goss_add(penalty, goss_scale(goss_norm2(goss_sub(at, w)), 0.5));
}

/* These penalties are convex, so the minimum is where nothing near by is less, in any of many directions. */
TEST(proximal_operators_are_minima) {
    enum { DIRECTIONS = 12 };
    int checked = 0;
    for (int i = 0; i < REG_CASES; i++) {
        const reg_case *c = &reg_cases[i];
        if (!has_prox(c)) continue;
        for (double step = 0.1; step < 4; step *= 6) {
            world w = world_new();
            goss_reg_options o;
            goss_val x = prox_input(&w, c, &o), out[1 + 2 * DIRECTIONS];
            goss_val least = goss_reg_prox(c->kind, x, goss_const(w.g, step), &o);
            out[0] = objective(least, x, step, c->kind, &o);
            for (int d = 0; d < DIRECTIONS; d++) {
                char name[16];
                snprintf(name, sizeof name, "d%d", d);
                goss_val along = world_normal(&w, name, goss_shape_of(x));
                out[1 + d] = objective(goss_add(least, goss_scale(along, 1e-4)), x, step, c->kind, &o);
                out[1 + DIRECTIONS + d] = objective(goss_add(least, goss_scale(along, 0.1)), x, step, c->kind, &o);
            }
            if (world_compute(&w, GOSS_F64, out, 1 + 2 * DIRECTIONS) != GOSS_OK) T_FAIL("%s: %s", c->kind, w.err.text);
            for (int d = 1; d <= 2 * DIRECTIONS; d++)
                if (!(w.out[d][0] >= w.out[0][0])) T_FAIL("%s, %s, step %g: not least", c->kind, c->name, step);
            checked++;
            world_free(&w);
        }
    }
    T_CHECK(checked >= 20);
}

/* Singular value thresholding, of a matrix made of known vectors: tall, flat, both precisions. */
TEST(nuclear_prox_is_singular_value_thresholding) {
    static const double u[3][2] = {{0.6, 0}, {0.8, 0}, {0, 1}}, v[2][2] = {{0.28, 0.96}, {-0.96, 0.28}},
                        sigma[2] = {3, 0.5};
    for (int i = 0; i < 4; i++) {
        bool flat = i & 1;
        double m[6], expected[6];
        for (int r = 0; r < 3; r++)
            for (int c = 0; c < 2; c++) {
                int at = flat ? c * 3 + r : r * 2 + c;
                m[at] = expected[at] = 0;
                for (int k = 0; k < 2; k++) {
                    m[at] += u[r][k] * sigma[k] * v[c][k];
                    expected[at] += u[r][k] * fmax(sigma[k] - 1.2, 0) * v[c][k];
                }
            }
        world w = world_new();
        goss_val x = world_input(&w, "w", GOSS_REAL,
                                 flat ? GOSS_SHAPE(goss_n(2), goss_n(3)) : GOSS_SHAPE(goss_n(3), goss_n(2)), m);
        goss_reg_options o = goss_reg_defaults();
        o.strength = 4;
        goss_val out[2] = {goss_reg_prox("nuclear", x, goss_const(w.g, 0.3), &o)};
        out[1] = goss_singular_values(out[0]);
        T_OK(world_compute(&w, i & 2 ? GOSS_F32 : GOSS_F64, out, 2));
        T_CHECK(world_gap(w.out[0], expected, 6) < (i & 2 ? 1e-6 : 1e-12));
        T_NEAR(w.out[1][1], 0, 1e-6); /* its rank is 1 */
        world_free(&w);
    }
}

/* ---- infinite strength ---- */

/* By the proximal operator with a step of 1e9. */
static goss_status far_prox(const char *kind, const goss_reg_options *o, const reg_case *c, double *out, int64_t *n) {
    world w = world_new();
    goss_reg_options own;
    goss_val x = prox_input(&w, c, &own);
    goss_reg_options used = o ? *o : goss_reg_defaults();
    used.adjacency = own.adjacency;
    goss_val y = goss_reg_prox(kind, x, goss_const(w.g, 1e9), &used);
    goss_status s = world_compute(&w, GOSS_F64, &y, 1);
    err = w.err;
    for (int64_t i = 0; s == GOSS_OK && i < (*n = w.numel[0]); i++) out[i] = w.out[0][i];
    for (int64_t i = 0; s == GOSS_OK && i < *n; i++) out[*n + i] = world_numbers(&w, "x0")[i];
    world_free(&w);
    return s;
}

TEST(infinite_strength_zeroes_sizes) {
    static const char *const kinds[] = {"l1", "l2", "elastic", "group", "l21", "nuclear"};
    static const reg_case c = {"l1", "", ONE_OF(4, 3, 2)};
    double v[100];
    int64_t n;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        T_OK(far_prox(kinds[i], NULL, &c, v, &n));
        for (int64_t k = 0; k < n; k++)
            if (!(fabs(v[k]) < 1e-8)) T_FAIL("%s leaves %g", kinds[i], v[k]);
    }
}

TEST(infinite_strength_bounds_norms) {
    static const reg_case c = {"max_norm", "", ONE_OF(4, 3, 2)};
    goss_reg_options o = goss_reg_defaults();
    double v[100];
    int64_t n;
    o.bound = 0.5;
    T_OK(far_prox("max_norm", &o, &c, v, &n));
    for (int t = 0; t < 4; t++)
        for (int k = 0; k < 2; k++) {
            double sum = 0, before = 0;
            for (int r = 0; r < 3; r++) sum += pow(v[t * 6 + r * 2 + k], 2), before += pow(v[n + t * 6 + r * 2 + k], 2);
            T_NEAR(sqrt(sum), fmin(0.5, sqrt(before)), 1e-8);
        }
}

/* All tasks their mean; on the graph of reg_edges, which is connected, too; without edge 0-1 and 1-2, task 1 stays. */
TEST(infinite_strength_makes_tasks_equal) {
    static const reg_case plain = {"difference", "", ONE_OF(4, 3)},
                          graph = {"laplacian", "", ONE_OF(4, 3), .with = WITH_GRAPH};
    double v[100];
    int64_t n;
    for (int i = 0; i < 3; i++) {
        T_OK(far_prox(i == 2 ? "laplacian" : "difference", NULL, i ? &graph : &plain, v, &n));
        for (int d = 0; d < 3; d++) {
            double mean = 0;
            for (int t = 0; t < 4; t++) mean += v[n + t * 3 + d] / 4;
            for (int t = 0; t < 4; t++) T_NEAR(v[t * 3 + d], mean, 1e-6);
        }
    }
    world w = world_new();
    static const double apart[16] = {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0};
    goss_reg_options o = goss_reg_defaults();
    goss_val x = world_normal(&w, "x0", GOSS_SHAPE(goss_n(4), goss_n(1))), y;
    o.adjacency = world_input(&w, "graph", GOSS_REAL, GOSS_SHAPE(goss_n(4), goss_n(4)), apart);
    y = goss_reg_prox("laplacian", x, goss_const(w.g, 1e9), &o);
    T_OK(world_compute(&w, GOSS_F64, &y, 1));
    const double *from = world_numbers(&w, "x0"), mean = (from[0] + from[2] + from[3]) / 3;
    T_NEAR(w.out[0][1], from[1], 1e-12);
    for (int t = 0; t < 4; t++) T_NEAR(w.out[0][t], t == 1 ? from[1] : mean, 1e-6);
    world_free(&w);
}

/* Without a proximal operator: Adam on the penalty alone. Its value at the end, and the tensors in v. */
static goss_status minimise(const reg_case *c, int steps, double *value, double *v) {
    world w = world_new();
    goss_val x[REG_TENSORS], grad[REG_TENSORS], rate = goss_input(w.g, "rate", GOSS_REAL, (goss_shape){0});
    goss_reg_options o = reg_options(c);
    goss_optimizer_param p[REG_TENSORS] = {0};
    o.strength = 1;
    for (int i = 0; i < c->n; i++) {
        char name[16];
        goss_shape s = {.rank = c->rank[i]};
        for (int k = 0; k < s.rank; k++) s.dim[k] = goss_n(c->shape[i][k]);
        snprintf(name, sizeof name, "p%d", i);
        x[i] = goss_param(w.g, name, s);
    }
    goss_val penalty = goss_sum_all(goss_reg_build(c->kind, x, c->n, &o));
    goss_grad(penalty, x, c->n, grad);
    for (int i = 0; i < c->n; i++) p[i] = (goss_optimizer_param){.param = x[i], .gradient = grad[i], .rate = 1};
    goss_optimizer_options adam = goss_optimizer_defaults();
    adam.kind = GOSS_ADAM;
    goss_optimizer_result step = goss_optimizer_build(&adam, p, c->n, rate);
    goss_status s = world_open(&w, GOSS_F64, &penalty, 1, step.updates, step.n_updates);
    double now;
    if (s == GOSS_OK) s = goss_exec_bind(w.exec, "rate", &now, &w.err);
    goss__rng r = goss__rng_make(5, 0);
    for (int i = 0; s == GOSS_OK && i < c->n; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        int at = goss_params_find(w.params, name);
        for (int64_t k = 0; k < goss_params_numel(w.params, at); k++)
            ((double *)goss_params_data(w.params, at))[k] = goss__rng_normal(&r);
    }
    for (int i = 0; s == GOSS_OK && i < steps; i++) now = 0.05 * (1 - (double)i / steps), s = world_run(&w);
    if (s == GOSS_OK) {
        *value = w.out[0][0];
        int at = goss_params_find(w.params, "p0");
        memcpy(v, goss_params_data(w.params, at), (size_t)goss_params_numel(w.params, at) * sizeof *v);
    }
    err = w.err;
    world_free(&w);
    return s;
}

TEST(infinite_strength_without_proximal_operator) {
    const struct {
        reg_case c;
        double least;
    } cases[] = {
        {{"spectral", "", ONE_OF(4, 3)}, 0},
        {{"orthogonal", "", ONE_OF(3, 5)}, 0},
        {{"activity", "", ONE_OF(2, 5, 2)}, 0},
        {{"exclusive", "", ONE_OF(4, 3)}, 0},
        {{"coactivation", "", TWO_OF(2, 5, 2)}, 0},
        {{"cross", "", TWO_OF(2, 5, 2)}, 0},
        {{"variance", "", ONE_OF(2, 5, 3)}, 0},
        {{"variance", "", ONE_OF(2, 5, 3), .o = {.target = 2}}, 0},
        {{"decorrelation", "", ONE_OF(2, 6, 3)}, 0},
        {{"state_change", "", ONE_OF(2, 3, 4, 2)}, 0},
        {{"state_norm", "", ONE_OF(2, 3, 4, 2)}, 0},
        {{"norm_hyper", "", NETWORK}, 0},
        /* both tasks at log(2 pi e ridge) / 2 */
        {{"entropy_gaussian", "", ONE_OF(2, 5, 2), .o = {.ridge = 0.01}}, 2 * 0.5 * (log(2 * M_PI * M_E * 0.01))}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = NAN, v[64];
        if (minimise(&cases[i].c, 1500, &value, v) != GOSS_OK) T_FAIL("%s: %s", cases[i].c.kind, err.text);
        if (!(fabs(value - cases[i].least) < 2e-3)) T_FAIL("%s ends at %g", cases[i].c.kind, value);
        if (strcmp(cases[i].c.kind, "orthogonal") == 0)
            for (int r = 0; r < 3; r++)
                for (int s = 0; s < 3; s++) {
                    double sum = 0;
                    for (int k = 0; k < 5; k++) sum += v[r * 5 + k] * v[s * 5 + k];
                    T_NEAR(sum, r == s, 0.02);
                }
    }
}

TEST(kinds_without_a_proximal_operator_say_so) {
    for (int i = 0; goss_reg_kind_at(i); i++) {
        const goss_reg_kind *k = goss_reg_kind_at(i);
        if (k->has_prox) continue;
        goss_graph *g = goss_graph_new();
        goss_val w = goss_input(g, "w", GOSS_REAL, GOSS_SHAPE(goss_n(4), goss_n(3)));
        T_CHECK(!goss_valid(goss_reg_prox(k->name, w, goss_const(g, 1), NULL)));
        T_ERR(goss_graph_status(g, &err), GOSS_E_UNSUPPORTED, "it has no proximal operator in closed form");
        goss_graph_free(g);
    }
}

/* ---- a closed form ---- */

enum { TASKS = 4, SAMPLES = 6, FEATURES = 3, UNKNOWNS = TASKS * FEATURES };

/* a x = b by elimination with pivots. */
static void solve(double a[UNKNOWNS][UNKNOWNS], double b[UNKNOWNS]) {
    for (int k = 0; k < UNKNOWNS; k++) {
        int pivot = k;
        for (int i = k + 1; i < UNKNOWNS; i++) pivot = fabs(a[i][k]) > fabs(a[pivot][k]) ? i : pivot;
        for (int j = 0; j < UNKNOWNS; j++) {
            double t = a[k][j];
            a[k][j] = a[pivot][j], a[pivot][j] = t;
        }
        double t = b[k];
        b[k] = b[pivot], b[pivot] = t;
        for (int i = 0; i < UNKNOWNS; i++) {
            double f = i == k ? 0 : a[i][k] / a[k][k];
            for (int j = 0; f != 0 && j < UNKNOWNS; j++) a[i][j] -= f * a[k][j];
            b[i] -= f * b[k];
        }
    }
    for (int k = 0; k < UNKNOWNS; k++) b[k] /= a[k][k];
}

/* (X_t' X_t + between (I - 1/T) + plain I) w = X' y over all tasks at once. */
static void mean_ridge(const double *x, const double *y, double between, double plain, double *w) {
    static double a[UNKNOWNS][UNKNOWNS];
    memset(a, 0, sizeof a);
    for (int t = 0; t < TASKS; t++)
        for (int d = 0; d < FEATURES; d++) {
            int row = t * FEATURES + d;
            w[row] = 0;
            for (int n = 0; n < SAMPLES; n++) {
                const double *at = x + (t * SAMPLES + n) * FEATURES;
                w[row] += at[d] * y[t * SAMPLES + n];
                for (int e = 0; e < FEATURES; e++) a[row][t * FEATURES + e] += at[d] * at[e];
            }
            a[row][row] += plain + between;
            for (int s = 0; s < TASKS; s++) a[row][s * FEATURES + d] -= between / TASKS;
        }
    solve(a, w);
}

TEST(mean_regularised_ridge_is_its_closed_form) {
    world w = world_new();
    goss_val x = world_normal(&w, "x", GOSS_SHAPE(goss_n(TASKS), goss_n(SAMPLES), goss_n(FEATURES)));
    goss_val y = world_normal(&w, "y", GOSS_SHAPE(goss_n(TASKS), goss_n(SAMPLES), goss_n(1)));
    goss_val p = goss_param(w.g, "w", GOSS_SHAPE(goss_n(TASKS), goss_n(FEATURES), goss_n(1))), grad;
    goss_reg_options between = goss_reg_defaults(), plain = between;
    between.strength = 3, plain.strength = 0.1;
    goss_val loss = goss_scale(goss_norm2(goss_sub(goss_matmul(x, p, false, false), y)), 0.5);
    loss = goss_add(loss, goss_reg_build("difference", &p, 1, &between));
    loss = goss_add(loss, goss_sum_all(goss_reg_build("l2", &p, 1, &plain)));
    T_OK(goss_grad(loss, &p, 1, &grad));
    goss_val update = goss_assign(p, goss_sub(p, goss_scale(grad, 0.03)));
    T_OK(world_open(&w, GOSS_F64, &loss, 1, &update, 1));
    for (int i = 0; i < 3000; i++) T_OK(world_run(&w));
    double exact[UNKNOWNS], found[UNKNOWNS];
    mean_ridge(world_numbers(&w, "x"), world_numbers(&w, "y"), 3, 0.1, exact);
    for (int i = 0; i < UNKNOWNS; i++) found[i] = world_param(&w, "w", i);
    T_CHECK(world_gap(found, exact, UNKNOWNS) < 1e-9);
    world_free(&w);
}

TEST_MAIN()
