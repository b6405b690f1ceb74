/* SPDX-License-Identifier: Apache-2.0 */
/* many_tasks.c: what ties related tasks best? Linear tasks in groups, 12 noisy samples of 16 features each: no
 * penalty, each task by itself, all tasks near their mean, neighbours in the graph of the groups, and a low rank for
 * all. Each penalty is attached from outside, by the name under which the model publishes its weights. Its strength is
 * chosen from the same list on samples of its own; then the error on new ones. Public headers only. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/regularizer.h"
#include "gossamer/step.h"

enum {
    TASKS = 24,
    GROUPS = 4,
    FEATURES = 16,
    SAMPLES = 12,
    JUDGED = 50,
    STEPS = 250,
    DRAWS = 5,
    KINDS = 5,
    STRENGTHS = 7
};
static const char *const kinds[KINDS] = {NULL, "l2", "difference", "laplacian", "nuclear"};
static const char *const meaning[KINDS] = {"nothing", "small weights", "tasks near their mean",
                                           "neighbours near each other", "a low rank for all tasks"};
static const float strengths[STRENGTHS] = {0.01f, 0.03f, 0.1f, 0.3f, 1, 3, 10};

typedef struct samples {
    float x[TASKS * JUDGED * FEATURES], y[TASKS * JUDGED];
    int n; /* of each task */
} samples;
static samples train = {.n = SAMPLES}, choose = {.n = SAMPLES}, test = {.n = JUDGED};
static float truth[TASKS * FEATURES], adjacency[TASKS * TASKS], strength;
static goss_error err;

static void must(goss_status status) {
    if (status == GOSS_OK) return;
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

static float normal(void) {
    double u = (rand() + 1.0) / (RAND_MAX + 2.0), v = (rand() + 1.0) / (RAND_MAX + 2.0);
    return (float)(sqrt(-2 * log(u)) * cos(2 * M_PI * v));
}

/* Tasks of a group have its weights and some of their own. */
static void draw_tasks(void) {
    float group[GROUPS * FEATURES];
    for (int i = 0; i < GROUPS * FEATURES; i++) group[i] = normal();
    for (int i = 0; i < TASKS * FEATURES; i++)
        truth[i] = group[i / FEATURES % GROUPS * FEATURES + i % FEATURES] + 0.4f * normal();
}

static void draw_samples(samples *s) {
    for (int i = 0; i < TASKS * s->n; i++) {
        s->y[i] = 2 * normal();
        for (int d = 0; d < FEATURES; d++) {
            float *x = &s->x[i * FEATURES + d];
            s->y[i] += (*x = normal()) * truth[i / s->n * FEATURES + d];
        }
    }
}

/* The graph of the groups: who is in one is tied, with a weight that makes its tasks weigh as much as with a mean. */
static void make_graph(void) {
    static goss_edge edges[TASKS * TASKS];
    int n = 0;
    for (int a = 0; a < TASKS; a++)
        for (int b = a + 1; b < TASKS; b++)
            if (a % GROUPS == b % GROUPS) edges[n++] = (goss_edge){a, b, 0.5 * GROUPS / TASKS};
    must(goss_edges_matrix(edges, n, TASKS, adjacency, &err));
}

/* Mean squared error over samples. */
static double error_of(const float *w, const samples *s) {
    double sum = 0;
    for (int i = 0; i < TASKS * s->n; i++) {
        double off = s->y[i];
        for (int d = 0; d < FEATURES; d++) off -= s->x[i * FEATURES + d] * w[i / s->n * FEATURES + d];
        sum += off * off;
    }
    return sum / (TASKS * s->n);
}

/* ---- the model: it publishes its weights, and knows of no penalty ---- */

/* All tasks' weights are one parameter. */
static goss_layout *weights;

static goss_status build_loss(void *context, goss_graph *g, int64_t tasks, goss_step_loss *out, goss_error *e) {
    const goss_extent T = goss_n(tasks), F = goss_n(FEATURES); /* always all of them: each has its weights */
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(T, goss_n(SAMPLES), F));
    goss_val y = goss_input(g, "y", GOSS_REAL, GOSS_SHAPE(T, goss_n(SAMPLES), goss_n(1)));
    goss_val slab = goss_param(g, "w", GOSS_SHAPE(goss_n(TASKS * FEATURES)));
    goss_val w = goss_publish(g, "weights/w", goss_reshape(slab, GOSS_SHAPE(T, F, goss_n(1))));
    goss_val off = goss_sub(goss_matmul(x, w, false, false), y);
    *out = (goss_step_loss){.loss = goss_scale(goss_norm2(off), 0.5 / TASKS), .n_params = 1};
    out->param[0] = (goss_step_param){.name = "w", .layout = weights, .param = slab};
    return goss_graph_status(g, e);
}

static goss_status bind(void *kind, goss_exec *run, int64_t first, int64_t tasks, goss_error *e) {
    must(goss_exec_bind(run, "x", train.x, e));
    must(goss_exec_bind(run, "y", train.y, e));
    if (kind) must(goss_exec_bind(run, "strength", &strength, e));
    if (kind && strcmp(kind, "laplacian") == 0) must(goss_exec_bind(run, "graph", adjacency, e));
    return GOSS_OK;
}

/* ---- the penalty: it knows a name, and of no model ---- */

static goss_val penalty(void *kind, goss_graph *g, goss_step_loss *loss) {
    goss_val w = goss_published_get(g, "weights/w");
    goss_reg_options o = goss_reg_defaults();
    if (strcmp(kind, "laplacian") == 0)
        o.adjacency = goss_input(g, "graph", GOSS_REAL, GOSS_SHAPE(goss_n(TASKS), goss_n(TASKS)));
    goss_val sum = goss_sum_all(goss_reg_build(kind, &w, 1, &o));
    return goss_mul(goss_scale(sum, 1.0 / TASKS), goss_input(g, "strength", GOSS_REAL, (goss_shape){0}));
}

/* ---- training ---- */

static goss_step *make_step(const char *kind, goss_threads *threads) {
    goss_step *step;
    goss_step_options o = goss_step_defaults();
    o.tasks = TASKS;
    o.optimizer.kind = GOSS_ADAM;
    if (kind) o.penalty = penalty, o.penalty_context = (void *)kind;
    must(goss_step_new(&(goss_step_source){build_loss, bind, (void *)kind}, &o, threads, &step, &err));
    return step;
}

/* The weights after training from 0. */
static const float *trained(goss_step *step) {
    goss_params *p = goss_step_params(step);
    goss_step_result r;
    for (int i = 0; i < goss_params_count(p); i++)
        memset(goss_params_data(p, i), 0, (size_t)goss_params_numel(p, i) * sizeof(float));
    for (int i = 0; i < STEPS; i++) must(goss_step_run(step, TASKS, 0.1 * (1 - (double)i / STEPS), 1, i, &r, &err));
    return goss_params_data(p, goss_params_find(p, "w"));
}

int main(void) {
    goss_threads *threads;
    goss_step *step[KINDS];
    double sum[KINDS] = {0}, squares[KINDS] = {0};
    make_graph();
    must(goss_threads_new(1, &threads, &err));
    must(goss_layout_new(&weights, &err));
    must(goss_layout_add(weights, &(goss_entry){.name = "w", .rank = 2, .dim = {TASKS, FEATURES}}, &err));
    for (int k = 0; k < KINDS; k++) step[k] = make_step(kinds[k], threads);
    for (int draw = 0; draw < DRAWS; draw++) {
        draw_tasks(), draw_samples(&train), draw_samples(&choose), draw_samples(&test);
        for (int k = 0; k < KINDS; k++) {
            double least = INFINITY, error = 0;
            for (int s = 0; s < (kinds[k] ? STRENGTHS : 1); s++) {
                strength = strengths[s];
                const float *w = trained(step[k]);
                if (error_of(w, &choose) < least) least = error_of(w, &choose), error = error_of(w, &test);
            }
            sum[k] += error / DRAWS, squares[k] += error * error / DRAWS;
        }
    }
    printf("mean squared error on new samples, %d draws of %d tasks (noise alone makes 4)\n", DRAWS, TASKS);
    for (int k = 0; k < KINDS; k++)
        printf("%-12s %7.2f +- %.2f   %s\n", kinds[k] ? kinds[k] : "none", sum[k],
               sqrt((squares[k] - sum[k] * sum[k]) / (DRAWS - 1)), meaning[k]);
    for (int k = 0; k < KINDS; k++) goss_step_free(step[k]);
    goss_layout_free(weights);
    goss_threads_free(threads);
    return 0;
}
