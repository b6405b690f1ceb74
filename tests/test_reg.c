/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind of regularizer: gradients of two orders against differences, values by hand, shapes, strength 0, f32
 * against f64, and what bad input is told. */
#include "reg_check.h"

static goss_error err;

/* ---- gradients ---- */

static const double H = 5e-4, TOLERANCE = 3e-8;

/* phi[0] = sum of c times the penalties, phi[k + 1] the derivative of phi[k] along random numbers. */
static goss_status gradients(world *w, const reg_case *c, goss_val phi[3]) {
    goss_val x[REG_TENSORS], grad[REG_TENSORS], v = reg_build(w, c, x);
    GOSS_TRY(goss_graph_status(w->g, &err));
    phi[0] = goss_sum_all(goss_mul(v, world_normal(w, "c", goss_shape_of(v))));
    for (int order = 0; order < 2; order++) {
        if (goss_grad(phi[order], x, c->n, grad) != GOSS_OK) return goss_graph_status(w->g, &err);
        phi[order + 1] = goss_const(w->g, 0);
        for (int i = 0; i < c->n; i++) {
            char name[32];
            snprintf(name, sizeof name, "d%d_%d", order, i);
            goss_val d = world_normal(w, name, goss_shape_of(x[i]));
            phi[order + 1] = goss_add(phi[order + 1], goss_sum_all(goss_mul(grad[i], d)));
        }
    }
    return world_open(w, GOSS_F64, phi, 3, NULL, 0);
}

/* All phi at x + s d of that order. */
static goss_status phi_at(world *w, const reg_case *c, double s, int order, double *phi) {
    for (int i = 0; i < c->n; i++) {
        char x[16], d[16];
        snprintf(x, sizeof x, "x%d", i), snprintf(d, sizeof d, "d%d_%d", order, i);
        double *at = world_numbers(w, x), *along = world_numbers(w, d);
        int64_t n = 1;
        for (int k = 0; k < c->rank[i]; k++) n *= c->shape[i][k];
        for (int64_t k = 0; k < n; k++) at[k] += s * along[k];
    }
    GOSS_TRY(world_run(w));
    for (int i = 0; i < 3; i++) phi[i] = w->out[i][0];
    for (int i = 0; i < c->n; i++) {
        char x[16], d[16];
        snprintf(x, sizeof x, "x%d", i), snprintf(d, sizeof d, "d%d_%d", order, i);
        double *at = world_numbers(w, x), *along = world_numbers(w, d);
        int64_t n = 1;
        for (int k = 0; k < c->rank[i]; k++) n *= c->shape[i][k];
        for (int64_t k = 0; k < n; k++) at[k] -= s * along[k];
    }
    return GOSS_OK;
}

static goss_status check_gradients(const reg_case *c) {
    world w = world_new();
    goss_val phi[3];
    double at[3], v[4][3];
    static const double step[4] = {-2, -1, 1, 2};
    goss_status s = gradients(&w, c, phi);
    if (s == GOSS_OK) s = phi_at(&w, c, 0, 0, at);
    for (int o = 0; s == GOSS_OK && o < 2; o++) {
        for (int i = 0; s == GOSS_OK && i < 4; i++) s = phi_at(&w, c, step[i] * H, o, v[i]);
        double difference = (v[0][o] - 8 * v[1][o] + 8 * v[2][o] - v[3][o]) / (12 * H);
        if (s == GOSS_OK && !(fabs(at[o + 1] - difference) <= TOLERANCE * (1 + fabs(difference) + fabs(at[o]))))
            s = goss_error_set(&err, GOSS_E_NUMERIC, "order %d: %.12g, by differences %.12g", o + 1, at[o + 1],
                               difference);
    }
    if (w.err.text[0]) err = w.err;
    world_free(&w);
    return s;
}

TEST(gradients_of_two_orders) {
    for (int i = 0; i < REG_CASES; i++)
        if (check_gradients(&reg_cases[i]) != GOSS_OK)
            T_FAIL("%s, %s: %s", reg_cases[i].kind, reg_cases[i].name, err.text);
}

TEST(every_kind_has_a_case) {
    for (int i = 0; goss_reg_kind_at(i); i++) {
        const goss_reg_kind *k = goss_reg_kind_at(i), *found;
        bool has = false;
        for (int j = 0; j < REG_CASES; j++) has |= strcmp(reg_cases[j].kind, k->name) == 0;
        if (!has) T_FAIL("no case of %s", k->name);
        if (!k->formula[0] || !k->limit[0] || !k->source[0]) T_FAIL("%s has an empty column", k->name);
        T_OK(goss_reg_find(k->name, &found, &err));
        T_CHECK(found == k);
    }
    T_CHECK(!goss_reg_kind_at(-1) && !goss_reg_kind_at(1000));
}

/* ---- values ---- */

/* f32 agrees with f64, and the number of values is one a task or one. */
TEST(values_in_f32) {
    for (int i = 0; i < REG_CASES; i++) {
        const reg_case *c = &reg_cases[i];
        double exact[8];
        for (int p = 0; p < 2; p++) {
            world w = world_new();
            goss_val x[REG_TENSORS], v = reg_build(&w, c, x);
            if (world_compute(&w, p ? GOSS_F32 : GOSS_F64, &v, 1) != GOSS_OK) T_FAIL("%s: %s", c->kind, w.err.text);
            T_CHECK(goss_rank(v) == 0 || (goss_rank(v) == 1 && w.numel[0] == c->shape[0][0]));
            if (p == 0) memcpy(exact, w.out[0], (size_t)w.numel[0] * sizeof *exact);
            double gap = world_gap(w.out[0], exact, w.numel[0]);
            if (!(gap < 2e-6)) T_FAIL("%s, %s: f32 is %.3g from f64", c->kind, c->name, gap);
            world_free(&w);
        }
    }
}

static goss_shape shape_of(int rank, const int64_t *dim) {
    goss_shape s = {.rank = rank};
    for (int i = 0; i < rank; i++) s.dim[i] = goss_n(dim[i]);
    return s;
}

/* The penalty of one tensor with these numbers, summed. NAN: an error, left in err. */
static double value_of(const char *kind, const goss_reg_options *o, int rank, const int64_t *dim,
                       const double *numbers) {
    world w = world_new();
    goss_val v = world_input(&w, "w", GOSS_REAL, shape_of(rank, dim), numbers);
    v = goss_sum_all(goss_reg_build(kind, &v, 1, o));
    double value = NAN;
    goss_status s = world_compute(&w, GOSS_F64, &v, 1);
    if (s == GOSS_OK) value = w.out[0][0];
    err = w.err;
    world_free(&w);
    return value;
}

TEST(values_by_hand) {
    static const double w[6] = {3, -4, 0, 0, 12, 5};
    static const int64_t flat[2] = {2, 3}, deep[3] = {1, 3, 2}, tall[3] = {3, 1, 2};
    goss_reg_options o = goss_reg_defaults();
    T_NEAR(value_of("l1", NULL, 2, flat, w), 24, 1e-12);
    T_NEAR(value_of("l2", NULL, 2, flat, w), 97, 1e-12);
    o.mix = 0.25;
    T_NEAR(value_of("elastic", &o, 2, flat, w), 6 + 72.75, 1e-12);
    o = goss_reg_defaults();
    T_NEAR(value_of("l21", NULL, 2, flat, w), 3 + sqrt(160) + 5, 1e-12);
    T_NEAR(value_of("group", NULL, 3, deep, w), sqrt(3) * (sqrt(9 + 144) + sqrt(16 + 25)), 1e-12);
    o.axis = 1;
    T_NEAR(value_of("group", &o, 3, deep, w), sqrt(2) * (5 + 0 + 13), 1e-12);
    T_NEAR(value_of("l21", &o, 3, deep, w), 5 + 0 + 13, 1e-12);
    o.bound = 5, o.axis = 0;
    T_NEAR(value_of("max_norm", &o, 3, deep, w), 0.5 * (pow(sqrt(153) - 5, 2) + pow(sqrt(41) - 5, 2)), 1e-12);
    /* rows (3, -4), (0, 0), (12, 5): singular values by the 2 x 2 inner products [[153, 48], [48, 41]] */
    double mean = 97, off = sqrt(56 * 56 + 48 * 48), s1 = sqrt(mean + off), s2 = sqrt(mean - off);
    T_NEAR(value_of("nuclear", NULL, 3, tall, w), s1 + s2, 1e-10);
    T_NEAR(value_of("spectral", NULL, 3, tall, w), s1, 1e-10);
    T_NEAR(value_of("orthogonal", NULL, 3, tall, w), 0.5 * (152 * 152 + 40 * 40 + 2 * 48 * 48), 1e-9);
    T_NEAR(value_of("exclusive", NULL, 2, flat, w), 0.5 * (9 + 256 + 25), 1e-12);
    T_NEAR(value_of("difference", NULL, 2, flat, w), 0.25 * (9 + 256 + 25), 1e-12);
    o = goss_reg_defaults(), o.power = 1;
    T_NEAR(value_of("difference", &o, 2, flat, w), sqrt(9 + 256 + 25), 1e-12);
}

TEST(spectral_norm_of_known_matrices) {
    static const int64_t square[2] = {3, 3};
    static const double turn[9] = {0, -2, 0, 2, 0, 0, 0, 0, 2}, ones[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    static const double triangle[9] = {1, 1, 0, 0, 1, 0, 0, 0, 0}; /* golden ratio */
    T_NEAR(value_of("spectral", NULL, 2, square, turn), 2, 1e-12);
    T_NEAR(value_of("spectral", NULL, 2, square, ones), 3, 1e-12);
    T_NEAR(value_of("spectral", NULL, 2, square, triangle), (1 + sqrt(5)) / 2, 1e-12);
    T_NEAR(value_of("nuclear", NULL, 2, square, turn), 6, 1e-12);
}

/* tr(R' L R) with all weights 1 / (2 T) is the difference from the mean. */
TEST(laplacian_of_the_complete_graph_is_the_difference) {
    world w = world_new();
    goss_val r = world_normal(&w, "r", GOSS_SHAPE(goss_n(6), goss_n(4), goss_n(2))), out[3];
    goss_reg_options o = goss_reg_defaults();
    o.adjacency = goss_full(w.g, GOSS_SHAPE(goss_n(6), goss_n(6)), 1.0 / 12);
    out[0] = goss_reg_build("laplacian", &r, 1, &o);
    out[1] = goss_reg_build("difference", &r, 1, NULL);
    o.adjacency = goss_full(w.g, GOSS_SHAPE(goss_n(6), goss_n(6)), 1.0 / 6);
    out[2] = goss_reg_build("difference", &r, 1, &o);
    T_OK(world_compute(&w, GOSS_F64, out, 3));
    T_CHECK(w.out[1][0] > 1);
    T_NEAR(w.out[0][0], w.out[1][0], 1e-12 * w.out[1][0]);
    T_NEAR(w.out[2][0], w.out[1][0], 1e-12 * w.out[1][0]);
    world_free(&w);
}

/* Far from 0 and nearly equal: what all share must not eat the differences' digits in f32. */
TEST(differences_of_large_and_nearly_equal_rows) {
    world w = world_new();
    static const double rows[6] = {1000, 2000, 1000.5, 2000, 1000, 2000.25};
    goss_val r = world_input(&w, "r", GOSS_REAL, GOSS_SHAPE(goss_n(3), goss_n(2)), rows), out;
    goss_reg_options o = goss_reg_defaults();
    o.adjacency = goss_full(w.g, GOSS_SHAPE(goss_n(3), goss_n(3)), 1);
    out = goss_reg_build("laplacian", &r, 1, &o);
    T_OK(world_compute(&w, GOSS_F32, &out, 1));
    T_NEAR(w.out[0][0], 0.25 + 0.0625 + 0.3125, 1e-4);
    world_free(&w);
}

/* Entropies of 4,000 normal numbers: of one dimension log sigma + 1.4189, and by D of independent ones. */
TEST(entropies_are_those_of_normal_numbers) {
    enum { N = 4000 };
    world w = world_new();
    goss_val z = world_normal(&w, "z", GOSS_SHAPE(goss_n(1), goss_n(N), goss_n(2))), out[2];
    double *v = world_numbers(&w, "z"), truth = 0.5 * log(2 * M_PI * M_E) + 0.5 * log(3.0);
    for (int i = 0; i < N; i++) v[2 * i] *= 3; /* deviations 3 and 1 */
    goss_reg_options o = goss_reg_defaults();
    o.ridge = 1e-9;
    out[0] = goss_reg_build("entropy_gaussian", &z, 1, &o);
    out[1] = goss_reg_build("entropy_histogram", &z, 1, NULL);
    T_OK(world_compute(&w, GOSS_F64, out, 2));
    T_NEAR(w.out[0][0], truth, 0.03);
    T_NEAR(w.out[1][0], truth, 0.03);
    /* two values with equal share have less than normal numbers of their deviation */
    for (int i = 0; i < 2 * N; i++) v[i] = i / 2 % 2 ? 1 : -1;
    T_OK(world_run(&w));
    T_CHECK(w.out[0][0] < -3); /* perfectly correlated */
    T_CHECK(w.out[1][0] < 0.5);
    world_free(&w);
}

/* Padding: what samples of weight 0 hold, and how many there are, changes nothing. */
TEST(samples_of_weight_0_take_no_part) {
    for (int i = 0; i < REG_CASES; i++) {
        const reg_case *c = &reg_cases[i];
        if (c->with != WITH_WEIGHT) continue;
        world w = world_new();
        goss_val x[REG_TENSORS], v = reg_build(&w, c, x);
        T_OK(world_compute(&w, GOSS_F64, &v, 1));
        double before[8];
        memcpy(before, w.out[0], (size_t)w.numel[0] * sizeof *before);
        for (int k = 0; k < c->n; k++) {
            char name[16];
            snprintf(name, sizeof name, "x%d", k);
            int64_t row = 1;
            for (int d = 2; d < c->rank[k]; d++) row *= c->shape[k][d];
            for (int64_t s = 0; s < c->shape[k][0] * 5; s++)
                for (int64_t d = 0; reg_weights[s] == 0 && d < row; d++) world_numbers(&w, name)[s * row + d] = 77;
        }
        T_OK(world_run(&w));
        if (memcmp(before, w.out[0], (size_t)w.numel[0] * sizeof *before) != 0) T_FAIL("%s, %s", c->kind, c->name);
        world_free(&w);
    }
}

/* ---- extents that are counted at run time ---- */

/* The case with a symbol of at most 9 as extent `axis` of its tensors, run at the case's own count: value and first
 * gradient. */
static goss_status counted(const reg_case *c, int axis, bool symbol, double *out, int64_t *n) {
    world w = world_new();
    goss_val x[REG_TENSORS], grad[REG_TENSORS];
    int64_t count = c->shape[0][axis];
    bool network = strcmp(c->kind, "norm_hyper") == 0; /* tensors 2 to 5 have neither tasks nor samples */
    goss_extent T = symbol ? world_tasks(&w, 9) : goss_n(count);
    goss_reg_options o = reg_options(c);
    for (int i = 0; i < c->n; i++) {
        char name[16];
        goss_shape s = {.rank = c->rank[i]};
        for (int k = 0; k < s.rank; k++) s.dim[k] = k == axis && (i == 0 || !network) ? T : goss_n(c->shape[i][k]);
        snprintf(name, sizeof name, "x%d", i);
        x[i] = world_normal(&w, name, s);
    }
    if (c->with == WITH_GRAPH) o.adjacency = goss_full(w.g, GOSS_SHAPE(T, T), 0.7);
    goss_val v = goss_reg_build(c->kind, x, c->n, &o);
    goss_grad(v, x, c->n, grad);
    goss_val both[2] = {v, grad[0]};
    goss_status s = world_open(&w, GOSS_F64, both, 2, NULL, 0);
    if (s == GOSS_OK && symbol) s = goss_exec_count(w.exec, "T", count, &w.err);
    if (s == GOSS_OK) s = world_run(&w);
    *n = 0;
    for (int i = 0; s == GOSS_OK && i < 2; i++)
        for (int64_t k = 0; k < w.numel[i]; k++) out[(*n)++] = w.out[i][k];
    err = w.err;
    world_free(&w);
    return s;
}

static bool is_of_samples(const char *kind) {
    static const char *const kinds[] = {"activity",          "coactivation",  "cross",
                                        "variance",          "decorrelation", "entropy_gaussian",
                                        "entropy_histogram", "state_change",  "state_norm"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i], kind) == 0) return true;
    return false;
}

TEST(tasks_and_samples_may_be_counted_at_run_time) {
    int checked = 0;
    for (int i = 0; i < REG_CASES; i++) {
        const reg_case *c = &reg_cases[i];
        for (int axis = 0; axis <= is_of_samples(c->kind); axis++) {
            double fixed[300], symbolic[300];
            int64_t n, m;
            if (c->with == WITH_WEIGHT || (c->o.branches && c->with == WITH_GRAPH)) continue; /* of a given size */
            if (counted(c, axis, false, fixed, &n) != GOSS_OK || counted(c, axis, true, symbolic, &m) != GOSS_OK)
                T_FAIL("%s, %s, axis %d: %s", c->kind, c->name, axis, err.text);
            T_EQ(n, m);
            double gap = world_gap(symbolic, fixed, n);
            if (!(gap < 1e-9)) T_FAIL("%s, %s, axis %d: %.3g apart", c->kind, c->name, axis, gap);
            checked++;
        }
    }
    T_CHECK(checked > 40);
}

/* ---- strength 0 ---- */

/* A loss plus a penalty of strength 0 is the same node as the loss alone, so that programs and bits are the same. */
TEST(strength_0_is_off) {
    for (int i = 0; i < REG_CASES; i++) {
        const reg_case *c = &reg_cases[i];
        world w = world_new();
        goss_val x[REG_TENSORS];
        reg_build(&w, c, x);
        goss_reg_options o = reg_options(c);
        o.strength = 0;
        if (c->with == WITH_GRAPH) o.adjacency = goss_full(w.g, GOSS_SHAPE(goss_n(4), goss_n(4)), 1);
        goss_val loss = goss_sum_all(goss_sin(x[0])), v = goss_sum_all(goss_reg_build(c->kind, x, c->n, &o));
        T_OK(goss_graph_status(w.g, &err));
        T_EQ(goss_add(loss, v).id, loss.id);
        world_free(&w);
    }
}

/* At 0 the norms have a kink: their gradients and those of their gradients are finite and 0. */
TEST(gradients_at_zero_are_finite) {
    for (int i = 0; i < REG_CASES; i++) {
        const reg_case *c = &reg_cases[i];
        if (strncmp(c->kind, "entropy", 7) == 0) continue; /* minus infinity but for its ridge */
        world w = world_new();
        goss_val x[REG_TENSORS], grad[REG_TENSORS], again[REG_TENSORS], v = reg_build(&w, c, x),
                                                                        sum = goss_const(w.g, 0);
        goss_status s = goss_grad(v, x, c->n, grad);
        for (int k = 0; s == GOSS_OK && k < c->n; k++)
            sum = goss_add(sum, goss_sum_all(goss_sin(goss_shift(grad[k], 0.3))));
        if (s == GOSS_OK) s = goss_grad(sum, x, c->n, again);
        goss_val out[2] = {grad[0], again[0]};
        if (s == GOSS_OK) s = world_open(&w, GOSS_F32, out, 2, NULL, 0);
        for (int k = 0; k < w.n_in; k++)
            if (w.name[k][0] == 'x') memset(w.in[k], 0, (size_t)w.in_numel[k] * sizeof(double));
        if (s == GOSS_OK) s = world_run(&w);
        if (s != GOSS_OK) T_FAIL("%s, %s: %s", c->kind, c->name, w.err.text);
        for (int k = 0; k < 2; k++)
            for (int64_t j = 0; j < w.numel[k]; j++) {
                if (!isfinite(w.out[k][j])) T_FAIL("%s, %s: order %d is not finite", c->kind, c->name, k + 1);
                if (k == 0 && w.out[0][j] != 0) T_FAIL("%s, %s: a gradient at 0 is %g", c->kind, c->name, w.out[0][j]);
            }
        world_free(&w);
    }
}

/* ---- bad input ---- */

static goss_reg_options with_strength(double s) {
    goss_reg_options o = goss_reg_defaults();
    o.strength = s;
    return o;
}

TEST(bad_input_is_told) {
    goss_reg_options each = goss_reg_defaults(), negative = with_strength(-1), nan = with_strength(NAN), bins = each,
                     both = each;
    goss_reg_options far = each, power = each, weight = each, graph = each, mix = each;
    each.each = true, bins.bins = 1, both.branches = true, far.axis = 5, power.power = 3, mix.mix = 2;
    const struct {
        const char *kind;
        goss_reg_options *o;
        int rank, n;
        const char *says;
    } cases[] = {
        {"l1", &negative, 2, 1, "regularizer l1: strength -1 is not a finite number of at least 0"},
        {"l1", &nan, 2, 1, "regularizer l1: strength nan"},
        {"l1", &each, 3, 1, "regularizer l1: it has no setting each; it takes strength, epsilon"},
        {"l1", NULL, 2, 2, "regularizer l1: 2 tensors; it takes 1"},
        {"nuclaer", NULL, 2, 1, "there is no regularizer \"nuclaer\"; did you mean nuclear?"},
        {"zzz", NULL, 2, 1, "there is no regularizer \"zzz\"; there are l1, l2, elastic"},
        {"nuclear", &each, 2, 1, "regularizer nuclear: each task's own matrix takes"},
        {"group", &far, 3, 1, "regularizer group: axis 5 is not one of 1 to 2"},
        {"group", NULL, 1, 1, "regularizer group: units are wanted: [T, ...] of at least two axes"},
        {"entropy_histogram", &bins, 3, 1, "regularizer entropy_histogram: bins 1 is not between 4 and 256"},
        {"difference", &power, 2, 1, "regularizer difference: power 3 is not 1 or 2"},
        {"difference", NULL, 2, 2, "regularizer difference: tasks are tied in one tensor, 2 are given"},
        {"difference", &both, 2, 1, "regularizer difference: branches are at least two tensors"},
        {"laplacian", NULL, 2, 1, "regularizer laplacian: a graph is needed"},
        {"laplacian", &graph, 2, 1, "regularizer laplacian: the adjacency is [K, K]"},
        {"activity", NULL, 1, 1, "regularizer activity: samples are wanted: [T, N, ...]"},
        {"activity", &weight, 3, 1, "regularizer activity: the weight of samples is [T, N]"},
        {"elastic", &mix, 2, 1, "regularizer elastic: mix 2 is not between 0 and 1"},
        {"coactivation", NULL, 3, 1, "regularizer coactivation: 1 tensors; it takes 2 to 64"},
        {"norm_hyper", NULL, 2, 5, "regularizer norm_hyper: its network is A [D, H], a [H]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        goss_graph *g = goss_graph_new();
        goss_val x[5];
        int64_t dim[3] = {4, 3, 2};
        for (int k = 0; k < 5; k++)
            x[k] = goss_input(g, (char[]){(char)('a' + k), 0}, GOSS_REAL, shape_of(cases[i].rank, dim));
        weight.weight = x[1];
        graph.adjacency = goss_full(g, GOSS_SHAPE(goss_n(3), goss_n(3)), 1);
        if (goss_valid(goss_reg_build(cases[i].kind, x, cases[i].n, cases[i].o)))
            T_FAIL("went through: %s", cases[i].says);
        T_CHECK(goss_graph_status(g, &err) != GOSS_OK);
        if (!strstr(err.text, cases[i].says)) T_FAIL("\"%s\" does not say \"%s\"", err.text, cases[i].says);
        goss_graph_free(g);
    }
}

TEST(invalid_values_pass_through) {
    goss_graph *g = goss_graph_new();
    goss_val bad = goss_graph_fail(g, GOSS_E_ARGUMENT, "made to fail"), none = GOSS_NONE, x[REG_TENSORS];
    for (int i = 0; i < REG_TENSORS; i++) x[i] = bad;
    for (int i = 0; goss_reg_kind_at(i); i++) {
        const goss_reg_kind *k = goss_reg_kind_at(i);
        goss_reg_options o = goss_reg_defaults();
        if (k->settings & GOSS_REG_ADJACENCY) o.adjacency = bad;
        T_CHECK(!goss_valid(goss_reg_build(k->name, x, k->min_tensors, &o)));
        T_CHECK(!goss_valid(goss_reg_build(k->name, &none, 1, &o)));
        T_CHECK(!goss_valid(goss_reg_prox(k->name, bad, bad, &o)));
    }
    T_CHECK(!goss_valid(goss_reg_adjacency(bad)) && !goss_valid(goss_reg_graph_prior(bad, 1, 1, 1)));
    T_ERR(goss_graph_status(g, &err), GOSS_E_ARGUMENT, "made to fail");
    goss_graph_free(g);
}

TEST(bad_edges_are_told) {
    float out[9];
    const struct {
        goss_edge e[2];
        const char *says;
    } cases[] = {{{{0, 1, 1}, {0, 3, 1}}, "edge 2 (0, 3): there are 3 nodes, 0 to 2"},
                 {{{-1, 1, 1}, {0, 1, 1}}, "edge 1 (-1, 1): there are 3 nodes"},
                 {{{1, 1, 1}, {0, 1, 1}}, "edge 1 (1, 1, weight 1): a loop"},
                 {{{0, 1, 1}, {1, 2, -2}}, "edge 2 (1, 2, weight -2): a weight is a finite number"},
                 {{{0, 1, NAN}, {1, 2, 1}}, "edge 1 (0, 1, weight nan): a weight"},
                 {{{0, 1, 1}, {1, 0, 1}}, "edge 2 (1, 0, weight 1): these two nodes have an edge already"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        T_ERR(goss_edges_matrix(cases[i].e, 2, 3, out, &err), GOSS_E_ARGUMENT, cases[i].says);
    T_OK(goss_edges_matrix((goss_edge[]){{0, 2, 0.5}, {2, 1, 3}}, 2, 3, out, &err));
    static const float expected[9] = {0, 0, 0.5f, 0, 0, 3, 0.5f, 3, 0};
    T_CHECK(memcmp(out, expected, sizeof out) == 0);
}

TEST_MAIN()
