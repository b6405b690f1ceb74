/* SPDX-License-Identifier: Apache-2.0 */
/* Representations: matrices whose figures are known, and models whose weights are set so that they make such. */
#include <math.h>

#include "gossamer/representation.h"
#include "meta/model.h"
#include "test.h"

enum { TASKS = 3, D = 4, Q = 8 };

static goss_error err;

/* ---- matrices ---- */

TEST(figures_of_a_matrix_of_one_direction) {
    float x[6 * 5];
    goss_matrix_figures f;
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 5; j++) x[i * 5 + j] = (float)((i + 1) * (j == 3 ? 0 : j + 1));
    T_OK(goss_matrix_measure(x, 6, 5, &f, &err));
    T_EQ(f.rows, 6);
    T_EQ(f.columns, 5);
    T_NEAR(f.effective_rank, 1, 1e-6);
    T_NEAR(f.centred_rank, 1, 1e-6);
    T_NEAR(f.stable_rank, 1, 1e-12);
    T_NEAR(f.dead, 0.2, 1e-12);
    T_NEAR(f.norm, 3.5 * sqrt(1 + 4 + 9 + 25), 1e-9);
    /* one row has no deviations */
    T_OK(goss_matrix_measure(x, 1, 5, &f, &err));
    T_NEAR(f.effective_rank, 1, 1e-9);
    T_CHECK(isnan(f.centred_rank) && isnan(f.entropy) && isnan(f.dead));
    /* of equal rows nothing is alive */
    for (int i = 0; i < 30; i++) x[i] = 2;
    T_OK(goss_matrix_measure(x, 6, 5, &f, &err));
    T_CHECK(f.dead == 1 && isnan(f.centred_rank));
}

TEST(figures_of_orthogonal_rows) {
    const float rows[4 * 4] = {2, 2, 2, 2, 2, -2, 2, -2, 2, 2, -2, -2, 2, -2, -2, 2};
    goss_matrix_figures f;
    T_OK(goss_matrix_measure(rows, 4, 4, &f, &err));
    T_NEAR(f.effective_rank, 4, 1e-9);
    T_NEAR(f.stable_rank, 4, 1e-9);
    T_NEAR(f.centred_rank, 3, 1e-6); /* the first column is the mean's direction */
    T_NEAR(f.norm, 4, 1e-9);
    T_NEAR(f.dead, 0.25, 1e-12);
    float bad[4] = {1, 2, NAN, 4};
    T_ERR(goss_matrix_measure(bad, 2, 2, &f, &err), GOSS_E_NUMERIC, "not finite");
}

TEST(numbers_that_are_not_finite_have_no_rank_and_no_similarity) {
    static const float good[6] = {1, 2, 3, 5, 2, 1};
    for (int kind = 0; kind < 3; kind++)
        for (int whole = 0; whole < 2; whole++) { /* a column of them, or a single one */
            float bad[6] = {1, 2, 3, 5, 2, 1};
            double out;
            for (int i = 0; i < (whole ? 3 : 1); i++) bad[2 * i + 1] = (float[]){NAN, INFINITY, -INFINITY}[kind];
            T_ERR(goss_linear_cka(bad, 2, good, 2, 3, &out, &err), GOSS_E_NUMERIC, "not finite");
            T_ERR(goss_effective_rank(bad, 3, 2, true, &out, &err), GOSS_E_NUMERIC, "not finite");
            T_ERR(goss_effective_rank(bad, 3, 2, false, &out, &err), GOSS_E_NUMERIC, "not finite");
        }
}

/* Entropies are those by which the scheme `entropy` weighs. */
static void same_entropy(int rows, int columns) {
    float x[40 * 12];
    double value;
    goss_matrix_figures f;
    goss_reg *r;
    for (int i = 0; i < rows * columns; i++) x[i] = (float)(sin(3.7 * i * i + 1) * (1 + i % columns));
    T_OK(goss_reg_new("entropy_gaussian", NULL, NULL, 0, 1, &r, &err));
    const goss_reg_tensor t = {.data = x, .rank = 3, .shape = {1, rows, columns}};
    T_OK(goss_reg_value_grad(r, &t, 1, &value, NULL, &err));
    T_OK(goss_matrix_measure(x, rows, columns, &f, &err));
    T_NEAR(f.entropy, value, 1e-3); /* of the penalty in f32 */
    T_CHECK(fabs(value) > 0.05);
    goss_reg_free(r);
}

TEST(entropy_is_that_of_the_penalty) {
    same_entropy(40, 7);
    same_entropy(5, 12);
}

/* QL iterations did not end, or divided by what had underflowed, where most eigenvalues are rounding. */
TEST(of_low_rank_in_a_large_matrix) {
    enum { N = 64, C = 192 };
    static float x[N * C];
    for (int rank = 1; rank <= 10; rank++)
        for (int seed = 0; seed < 20; seed++) {
            double value;
            for (int i = 0; i < N; i++)
                for (int j = 0; j < C; j++) {
                    double sum = 0;
                    for (int k = 0; k < rank; k++)
                        sum += pow(.3, k) * sin(1 + 5.1 * i * (k + 1) + seed) * cos(2.3 * j * (k + 2) + k);
                    x[i * C + j] = (float)sum;
                }
            T_OK(goss_effective_rank(x, N, C, false, &value, &err));
            T_CHECK(value > 0.99 && value < rank + 0.01);
        }
}

TEST(similarity_of_known_matrices) {
    enum { N = 6 };
    float x[N * 2], turned[N * 3], other[N] = {1, -1, 0, 0, 0, 0}, flat[N];
    double s;
    for (int i = 0; i < N; i++) {
        x[2 * i] = (float)(i < 2    ? 0
                           : i == 2 ? 1
                           : i == 3 ? -1
                                    : 0),
              x[2 * i + 1] = (float)(i == 4   ? 2
                                     : i == 5 ? -2
                                              : 0);
        flat[i] = 3;
        /* a rotation by 30 degrees, times 5, shifted, beside a column of nothing */
        turned[3 * i] = (float)(5 * (cos(.5) * (double)x[2 * i] - sin(.5) * (double)x[2 * i + 1]) + 7);
        turned[3 * i + 1] = (float)(5 * (sin(.5) * (double)x[2 * i] + cos(.5) * (double)x[2 * i + 1]) - 1);
        turned[3 * i + 2] = 0;
    }
    T_OK(goss_linear_cka(x, 2, x, 2, N, &s, &err));
    T_NEAR(s, 1, 1e-12);
    T_OK(goss_linear_cka(x, 2, turned, 3, N, &s, &err));
    T_NEAR(s, 1, 1e-6);
    T_OK(goss_linear_cka(x, 2, other, 1, N, &s, &err));
    T_NEAR(s, 0, 1e-12);
    /* ||y'x||^2 / (||x'x|| ||y'y||): x'x = diag(2, 8), y its second column: 8^2 / (sqrt(68) 8) */
    float second[N];
    for (int i = 0; i < N; i++) second[i] = x[2 * i + 1];
    T_OK(goss_linear_cka(x, 2, second, 1, N, &s, &err));
    T_NEAR(s, 8 / sqrt(68), 1e-9);
    T_OK(goss_linear_cka(x, 2, flat, 1, N, &s, &err));
    T_CHECK(isnan(s));
    T_ERR(goss_linear_cka(x, 2, x, 2, 1, &s, &err), GOSS_E_ARGUMENT, "two at least");
}

/* ---- models ---- */

/* Rows of orthogonal columns without a mean: figures are those of the weights. Task 2 has two samples fewer. */
static const float inputs[Q * D] = {1, 1, 1, 1,  -1, 1, -1, 1,  1, -1, -1, 1,  -1, -1, 1, 1,
                                    1, 1, 1, -1, -1, 1, -1, -1, 1, -1, -1, -1, -1, -1, 1, -1};

static void draw(const goss_task_source *source, uint64_t k, goss_task *t) {
    (void)source;
    t->id = (int64_t)(k % TASKS), t->supports = 0, t->queries = k % TASKS == 2 ? Q - 2 : Q;
    for (int i = 0; t->query && i < t->queries * D; i++) t->query[i] = inputs[i];
    for (int i = 0; t->query_target && i < t->queries; i++) t->query_target[i] = 0;
}

static const char *name_of(const goss_task_source *source, uint64_t k) {
    static const char *const names[] = {"one", "twin", "other"};
    (void)source;
    return names[k % TASKS];
}

static goss_task_source tasks_of(void) {
    static const float mean = 0, deviation = 1;
    goss_task_source s = {
        .spec = {.input_rank = 1, .input = {D}, .outputs = 1, .queries = Q, .ids = TASKS, .known = true},
        .draw = draw,
        .name = name_of,
        .tasks = TASKS};
    T_OK(goss_objective_find("regression", &s.spec.objective, &err));
    s.spec.scale = (goss_target_scale){&mean, &deviation};
    return s;
}

/* One network for each task, of one layer without a nonlinearity. */
static goss_model *model_of(const goss_task_source *s, const char *method, const char *backbone) {
    goss_model *m;
    goss_config *c;
    int n;
    const goss_key *keys = goss_model_keys(&n);
    const goss_data_spec data = goss_data_spec_tasks("own", &s->spec);
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss_config_set(c, "model.backbone", backbone, &err));
    T_OK(goss_config_set(c, "share.preset", "alone", &err));
    T_OK(goss_config_set(c, "hyper.condition", "id", &err));
    T_OK(goss_config_set(c, "hyper.rules", "*=full", &err));
    T_OK(goss_model_create(method, c, &data, 5, &m, &err));
    goss_config_free(c);
    return m;
}

/* The matrix [tasks, size] of a tensor of the shared weights. */
static float *weights_of(goss_model *m, const char *name) {
    const goss_method *method = goss_model_method(m);
    const goss_layout *l = goss_share_layout(goss_method_share(method));
    for (int p = 0; p < goss_method_params(method); p++)
        for (int i = 0; strcmp(goss_method_param_at(method, p).name, "share") == 0 && i < goss_layout_count(l); i++)
            if (strncmp(goss_layout_entry(l, i)->name, name, strlen(name)) == 0) {
                T_EQ(goss_layout_entry(l, i)->numel, TASKS * D * D);
                return goss_model_values(m, p) + goss_layout_entry(l, i)->offset;
            }
    T_FAIL("no %s", name);
    return NULL;
}

static const goss_representation *value_of(const goss_representations *r, const char *name) {
    for (int i = 0; i < r->n; i++)
        if (strcmp(r->of[i].name, name) == 0) return &r->of[i];
    T_FAIL("no %s", name);
    return NULL;
}

/* The first two tasks keep all four directions, in another order; the third has one. */
static void set_weights(float *w) {
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++) {
            w[0 * D * D + i * D + j] = i == j ? 2 : 0;
            w[1 * D * D + i * D + j] = i == (j + 1) % D ? 1 : 0;
            w[2 * D * D + i * D + j] = i == 0 ? 1 : 0;
        }
}

TEST(a_task_doubled_and_one_of_a_single_direction) {
    const goss_task_source s = tasks_of();
    goss_model *m = model_of(&s, "multitask", "dense 4");
    goss_representations r;
    set_weights(weights_of(m, "dense1.w"));
    const goss_representation_options o = {.tasks = TASKS};
    T_OK(goss_model_representations(m, &s, &o, &r, &err));
    T_EQ(r.tasks, TASKS);
    const goss_representation *h = value_of(&r, "hidden/dense1");
    T_EQ(r.n, 1); /* features/... is the same value */
    T_STR(h->shape, "T x Q x 4");
    T_CHECK(h->measured && h->of_samples && h->every == 1);
    T_EQ(h->all.rows, 2 * Q + Q - 2);
    const double rank[] = {4, 4, 1};
    for (int t = 0; t < TASKS; t++) {
        T_EQ(h->task[t].rows, t == 2 ? Q - 2 : Q);
        T_NEAR(h->task[t].effective_rank, rank[t], 1e-6);
    }
    T_NEAR(h->task[0].norm, 2 * h->task[1].norm, 1e-6);
    T_NEAR(h->task[0].dead, 0, 0);
    /* Similarities are of common samples, as many of each task as its share: 22 in all. The third network sees one of
     * four directions. Twins differ by a rotation and a factor. */
    T_EQ(r.common, 3 * Q - 2);
    float x[(3 * Q - 2) * D], first[3 * Q - 2];
    for (int i = 0; i < 3 * Q - 2; i++) {
        memcpy(x + i * D, inputs + i % Q * D, D * sizeof *x);
        first[i] = x[i * D];
    }
    double to_other;
    T_OK(goss_linear_cka(x, D, first, 1, 3 * Q - 2, &to_other, &err));
    T_CHECK(to_other > 0.4 && to_other < 0.6);
    T_NEAR(h->similar[0], (1 + to_other) / 2, 1e-6);
    T_NEAR(h->similar[1], (1 + to_other) / 2, 1e-6);
    T_NEAR(h->similar[2], to_other, 1e-6);
    T_NEAR(h->similarity, (1 + 2 * to_other) / 3, 1e-6);
    goss_representations_free(&r);
    goss_model_free(m);
}

TEST(only_what_is_asked_for_is_measured) {
    const goss_task_source s = tasks_of();
    goss_model *m = model_of(&s, "multitask", "dense 4; relu");
    float *w = weights_of(m, "dense1.w");
    goss_representations r;
    for (int i = 0; i < TASKS * D * D; i++) w[i] = 0; /* a relu that never fires */
    const goss_representation_options o = {.on = "features/*,weights/dense1.w", .tasks = TASKS, .over_all = true};
    T_OK(goss_model_representations(m, &s, &o, &r, &err));
    const goss_representation *x = value_of(&r, "features/block1");
    T_CHECK(x->all.dead == 1 && x->all.norm == 0 && isnan(x->all.effective_rank) && !x->task && isnan(x->similarity));
    const goss_representation *v = value_of(&r, "weights/dense1.w");
    T_EQ(v->all.rows, TASKS);
    T_CHECK(!v->of_samples);
    goss_representations_free(&r);
    set_weights(w);
    T_OK(goss_model_representations(m, &s, &o, &r, &err));
    double rank;
    T_OK(goss_effective_rank(w, TASKS, D * D, false, &rank, &err));
    T_NEAR(value_of(&r, "weights/dense1.w")->all.effective_rank, rank, 1e-9);
    goss_representations_free(&r);
    w[3] = NAN;
    T_ERR(goss_model_representations(m, &s, &o, &r, &err), GOSS_E_NUMERIC, "dense1.w");
    goss_model_free(m);
}

TEST(of_a_hypernetwork_codes_and_what_is_generated) {
    const goss_task_source s = tasks_of();
    goss_model *m = model_of(&s, "hypernet", "dense 4");
    goss_representations r;
    const goss_representation_options o = {.tasks = TASKS};
    T_OK(goss_model_representations(m, &s, &o, &r, &err));
    static const char *const names[] = {"embedding/task", "generated/dense1.w", "generated/head.w"};
    for (int i = 0; i < 3; i++) {
        const goss_representation *v = value_of(&r, names[i]);
        T_EQ(v->all.rows, TASKS);
        T_CHECK(!v->of_samples && !v->task && !v->similar && !(v->all.effective_rank > TASKS + 1e-6));
    }
    T_CHECK(value_of(&r, "hidden/dense1")->similarity > 0);
    goss_representations_free(&r);
    goss_model_free(m);
}

TEST(what_cannot_be_measured_is_said) {
    const goss_task_source s = tasks_of();
    goss_model *m = model_of(&s, "multitask", "dense 4");
    goss_representations r;
    goss_representation_options o = {.on = "hiden/dense1", .tasks = TASKS};
    T_ERR(goss_model_representations(m, &s, &o, &r, &err), GOSS_E_ARGUMENT, "did you mean hidden/dense1");
    T_ERR(goss_model_represents(m, &s, "feature/out", &err), GOSS_E_ARGUMENT, "no value is published as feature/out");
    T_OK(goss_model_represents(m, &s, NULL, &err));
    o.on = NULL, o.tasks = 0;
    T_ERR(goss_model_representations(m, &s, &o, &r, &err), GOSS_E_ARGUMENT, "of 0 tasks");
    goss_model_free(m);
}

TEST_MAIN()
