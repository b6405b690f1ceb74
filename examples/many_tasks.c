/* SPDX-License-Identifier: Apache-2.0 */
/* many_tasks.c: what ties related tasks best? Linear tasks in groups, 12 noisy samples of 16 features each: no
 * penalty, each task by itself, all tasks near their mean, neighbours in the graph of the groups, and a low rank for
 * all. Each penalty's strength is chosen from the same list on samples of its own; then the error on new ones. Public
 * headers only. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/exec.h"
#include "gossamer/optimizer.h"
#include "gossamer/regularizer.h"

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
static float truth[TASKS * FEATURES], adjacency[TASKS * TASKS], strength, rate;
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

/* A training step of all tasks with one penalty: 1/2 sum of squares + strength penalty, Adam. */
typedef struct trainer {
    goss_schedule *program;
    goss_params *params;
    goss_exec *run;
} trainer;

static trainer make_trainer(const char *kind, goss_threads *threads) {
    trainer t;
    goss_graph *g = goss_graph_new();
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(TASKS), goss_n(SAMPLES), goss_n(FEATURES)));
    goss_val y = goss_input(g, "y", GOSS_REAL, GOSS_SHAPE(goss_n(TASKS), goss_n(SAMPLES), goss_n(1)));
    goss_val w = goss_param(g, "w", GOSS_SHAPE(goss_n(TASKS), goss_n(FEATURES), goss_n(1))), grad;
    goss_val loss = goss_scale(goss_norm2(goss_sub(goss_matmul(x, w, false, false), y)), 0.5);
    if (kind) {
        goss_reg_options o = goss_reg_defaults();
        if (strcmp(kind, "laplacian") == 0)
            o.adjacency = goss_input(g, "graph", GOSS_REAL, GOSS_SHAPE(goss_n(TASKS), goss_n(TASKS)));
        goss_val penalty = goss_sum_all(goss_reg_build(kind, &w, 1, &o));
        loss = goss_add(loss, goss_mul(penalty, goss_input(g, "strength", GOSS_REAL, (goss_shape){0})));
    }
    if (goss_grad(loss, &w, 1, &grad) != GOSS_OK) must(goss_graph_status(g, &err));
    goss_optimizer_options adam = goss_optimizer_defaults();
    adam.kind = GOSS_ADAM;
    goss_optimizer_param learnt = {.param = w, .gradient = grad};
    goss_optimizer_result step =
        goss_optimizer_build(&adam, &learnt, 1, goss_input(g, "rate", GOSS_REAL, (goss_shape){0}));
    must(goss_compile(g, &loss, 1, step.updates, step.n_updates, NULL, &t.program, &err));
    must(goss_params_new(GOSS_F32, &t.params, &err));
    must(goss_params_add(t.params, t.program, &err));
    must(goss_exec_new(t.program, t.params, threads, &t.run, &err));
    const struct {
        const char *name;
        float *data;
    } inputs[] = {{"x", train.x}, {"y", train.y}, {"rate", &rate}, {"strength", &strength}, {"graph", adjacency}};
    int n_inputs = !kind ? 3 : strcmp(kind, "laplacian") == 0 ? 5 : 4;
    for (int i = 0; i < n_inputs; i++) must(goss_exec_bind(t.run, inputs[i].name, inputs[i].data, &err));
    goss_graph_free(g);
    return t;
}

/* The weights after training from 0. */
static const float *trained(trainer *t) {
    for (int i = 0; i < goss_params_count(t->params); i++)
        for (int64_t k = 0; k < goss_params_numel(t->params, i); k++) ((float *)goss_params_data(t->params, i))[k] = 0;
    for (int i = 0; i < STEPS; i++) {
        rate = 0.1f * (1 - (float)i / STEPS);
        must(goss_exec_run(t->run, &err));
    }
    return goss_params_data(t->params, goss_params_find(t->params, "w"));
}

int main(void) {
    goss_threads *threads;
    trainer t[KINDS];
    double sum[KINDS] = {0}, squares[KINDS] = {0};
    make_graph();
    must(goss_threads_new(1, &threads, &err));
    for (int k = 0; k < KINDS; k++) t[k] = make_trainer(kinds[k], threads);
    for (int draw = 0; draw < DRAWS; draw++) {
        draw_tasks(), draw_samples(&train), draw_samples(&choose), draw_samples(&test);
        for (int k = 0; k < KINDS; k++) {
            double least = INFINITY, error = 0;
            for (int s = 0; s < (kinds[k] ? STRENGTHS : 1); s++) {
                strength = strengths[s];
                const float *w = trained(&t[k]);
                if (error_of(w, &choose) < least) least = error_of(w, &choose), error = error_of(w, &test);
            }
            sum[k] += error / DRAWS, squares[k] += error * error / DRAWS;
        }
    }
    printf("mean squared error on new samples, %d draws of %d tasks (noise alone makes 4)\n", DRAWS, TASKS);
    for (int k = 0; k < KINDS; k++)
        printf("%-12s %7.2f +- %.2f   %s\n", kinds[k] ? kinds[k] : "none", sum[k],
               sqrt((squares[k] - sum[k] * sum[k]) / (DRAWS - 1)), meaning[k]);
    for (int k = 0; k < KINDS; k++)
        goss_exec_free(t[k].run), goss_params_free(t[k].params), goss_schedule_free(t[k].program);
    goss_threads_free(threads);
    return 0;
}
