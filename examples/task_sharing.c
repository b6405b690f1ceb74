/* SPDX-License-Identifier: Apache-2.0 */
/* task_sharing.c: what should tasks share? Thirty small regression tasks whose truth is a combination of two networks,
 * eight samples each: one network a task, one for all, a body for all with a head for each, and a dictionary of two
 * networks. Only the rules differ (share.h). Public headers only. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "gossamer/share.h"
#include "gossamer/step.h"

enum { TASKS = 30, SAMPLES = 8, JUDGED = 200, FEATURES = 3, STEPS = 600, KINDS = 4 };
static const char *const rules[KINDS] = {"*=own", "*=shared", "head.*=own; *=shared", "*=dictionary 2"};

typedef struct samples {
    float x[TASKS * JUDGED * FEATURES], y[TASKS * JUDGED];
    int n; /* of each task */
} samples;
static samples train = {.n = SAMPLES}, test = {.n = JUDGED};
static double mixing[TASKS]; /* how much of the second network is in a task */
static int32_t ids[TASKS];
static goss_target *net;
static goss_share *share;
static goss_error err;

static void must(goss_status status) {
    if (status == GOSS_OK) return;
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

static double uniform(void) { return 2.0 * rand() / RAND_MAX - 1; }

static void draw_samples(samples *s) {
    for (int i = 0; i < TASKS * s->n; i++) {
        float *x = &s->x[i * FEATURES];
        for (int d = 0; d < FEATURES; d++) x[d] = (float)(2 * uniform());
        const double a = tanh(x[0] + x[1]), b = tanh(2 * x[1] - x[2]), m = mixing[i / s->n];
        s->y[i] = (float)((1 - m) * a + m * b + 0.1 * uniform());
    }
}

/* ---- the loss: weights are asked for by the tasks' numbers ---- */

static goss_val outputs(goss_graph *g, goss_val *target) {
    const goss_extent T = goss_symbol(g, "T", TASKS), N = goss_symbol(g, "N", JUDGED);
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(T, N, goss_n(FEATURES)));
    goss_share_tasks tasks = {.id = goss_input(g, "id", GOSS_INDEX, GOSS_SHAPE(T))};
    goss_weights *w = goss_share_weights(share, g, &tasks);
    goss_val y = goss_target_apply(net, x, w, NULL).logits;
    goss_weights_free(w);
    *target = goss_input(g, "y", GOSS_REAL, GOSS_SHAPE(T, N, goss_n(1)));
    return y;
}

static goss_status build_loss(void *context, goss_graph *g, int64_t tasks, goss_step_loss *out, goss_error *e) {
    goss_val target, y = outputs(g, &target);
    const goss_layout *l = goss_share_layout(share);
    *out = (goss_step_loss){.loss = goss_mean_all(goss_square(goss_sub(y, target))), .n_params = 1};
    out->param[0] = (goss_step_param){
        .name = "share", .layout = l, .param = goss_param(g, "share", GOSS_SHAPE(goss_n(goss_layout_total(l))))};
    return goss_graph_status(g, e);
}

static goss_status bind(void *of, goss_exec *run, int64_t first, int64_t tasks, goss_error *e) {
    samples *s = of;
    must(goss_exec_bind(run, "x", s->x, e)), must(goss_exec_bind(run, "y", s->y, e));
    /* One network for all has no use for numbers, and no such input. */
    if (goss_exec_bind(run, "id", ids, NULL) == GOSS_E_NOMEM) return GOSS_E_NOMEM;
    must(goss_exec_count(run, "T", TASKS, e));
    return goss_exec_count(run, "N", s->n, e);
}

/* ---- training and judging ---- */

/* Mean squared error on new samples. */
static double judge(goss_params *learned, goss_threads *threads) {
    goss_graph *g = goss_graph_new();
    goss_schedule *schedule;
    goss_exec *run;
    goss_val target, y = outputs(g, &target), error = goss_mean_all(goss_square(goss_sub(y, target)));
    must(goss_compile(g, &error, 1, NULL, 0, NULL, &schedule, &err));
    must(goss_exec_new(schedule, learned, threads, &run, &err));
    must(bind(&test, run, 0, TASKS, &err));
    must(goss_exec_run(run, &err));
    const double value = (double)*(const float *)goss_exec_output(run, 0, NULL);
    goss_exec_free(run), goss_schedule_free(schedule), goss_graph_free(g);
    return value;
}

static double train_with(const char *rule, goss_threads *threads) {
    goss_share_options o = goss_share_defaults();
    goss_step_options s = goss_step_defaults();
    goss_step *step;
    goss_step_result r;
    o.tasks = TASKS, o.rules = rule, s.tasks = TASKS;
    must(goss_share_create(net, &o, &share, &err));
    must(goss_step_new(&(goss_step_source){build_loss, bind, &train}, &s, threads, &step, &err));
    goss_params *p = goss_step_params(step);
    goss_share_initialize(share, 1, goss_params_data(p, goss_params_find(p, "share")));
    for (int i = 0; i < STEPS; i++) must(goss_step_run(step, TASKS, 0.02 * (1 - (double)i / STEPS), 1, i, &r, &err));
    const double error = judge(p, threads);
    goss_step_free(step);
    goss_share_free(share);
    return error;
}

int main(void) {
    goss_threads *threads;
    must(goss_threads_new(1, &threads, &err));
    must(goss_target_parse("dense 12; tanh", (int64_t[]){FEATURES}, 1, 1, &net, &err));
    for (int t = 0; t < TASKS; t++) mixing[t] = uniform(), ids[t] = t;
    draw_samples(&train), draw_samples(&test);
    printf("mean squared error on new samples of %d tasks with %d samples each\n", TASKS, SAMPLES);
    for (int k = 0; k < KINDS; k++) printf("%-22s %.4f\n", rules[k], train_with(rules[k], threads));
    goss_target_free(net);
    goss_threads_free(threads);
    return 0;
}
