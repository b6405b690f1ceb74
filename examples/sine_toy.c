/* SPDX-License-Identifier: Apache-2.0 */
/* sine_toy.c: the whole idea on a problem that fits a screen; docs/toy.md walks through it.
 *
 * A task is a sine wave. A hypernetwork is trained to turn any 1 to 20 points of a wave into the weights of a network
 * for that wave. It is then judged on 200 new waves against what one does without: the base network as it is, and
 * gradient steps from it on the same points; and the wave of the first of them is drawn. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/hyper.h"
#include "gossamer/optimizer.h"

enum { TRAIN = 32, TEST = 200, POINTS = 20, QUERIES = 61, STEPS = 1500, INNER = 20 };
static const double INNER_RATE = 0.02;

/* The tensors of a program, for up to `tasks` waves and POINTS points each. */
typedef struct problem {
    int tasks;
    goss_graph *graph;
    goss_val seen_x, seen_y, asked_x, asked_y;
    float *data[4]; /* of those, in that order */
    goss_schedule *schedule;
    goss_exec *run;
} problem;

typedef struct toy {
    goss_target *target;
    goss_hyper *hyper;
    goss_params *params; /* shared by both programs */
    goss_threads *threads;
    float rate;
} toy;

static goss_error err;
static const char *const names[4] = {"seen x", "seen y", "asked x", "asked y"};

static void must(goss_status status) {
    if (status == GOSS_OK) return;
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

/* ---- waves ---- */

static double between(double low, double high) { return low + (high - low) * rand() / RAND_MAX; }

/* New waves; queries lie evenly on [-3, 3]. */
static void draw(problem *p, int points) {
    for (int t = 0; t < p->tasks; t++) {
        double amplitude = between(0.1, 2), phase = between(0, M_PI);
        for (int i = 0; i < points + QUERIES; i++) {
            double x = i < points ? between(-3, 3) : -3 + 6.0 * (i - points) / (QUERIES - 1);
            int at = i < points ? t * points + i : t * QUERIES + i - points, which = i < points ? 0 : 2;
            p->data[which][at] = (float)x;
            p->data[which + 1][at] = (float)(amplitude * sin(x + phase));
        }
    }
}

/* ---- graphs ---- */

static void declare(problem *p, int tasks) {
    p->tasks = tasks;
    p->graph = goss_graph_new();
    if (!p->graph) exit(1);
    goss_extent T = goss_n(tasks), S = goss_symbol(p->graph, "points", POINTS), one = goss_n(1);
    goss_val *v[4] = {&p->seen_x, &p->seen_y, &p->asked_x, &p->asked_y};
    for (int i = 0; i < 4; i++) {
        *v[i] = goss_input(p->graph, names[i], GOSS_REAL, GOSS_SHAPE(T, i < 2 ? S : goss_n(QUERIES), one));
        p->data[i] = calloc((size_t)tasks * QUERIES, sizeof(float));
        if (!p->data[i]) exit(1);
    }
}

/* What the hypernetwork sees of x: sines and cosines, whose size is the same for every x. */
static goss_condition condition(const problem *p) {
    goss_val wave[6];
    for (int k = 0; k < 6; k++) wave[k] = (k % 2 ? goss_sin : goss_cos)(goss_scale(p->seen_x, 0.5 * (1 + k / 2)));
    return (goss_condition){.features = goss_concat(wave, 6, 2), .targets = p->seen_y};
}

static goss_val answers(const toy *a, goss_val slab, goss_val x) {
    goss_weights *w = goss_weights_from_slab(goss_target_layout(a->target), slab);
    goss_val y = goss_target_apply(a->target, x, w, NULL).logits;
    goss_weights_free(w);
    return y;
}

/* INNER steps down the error on the seen points, a slab a task: a gradient is a part of the graph. */
static goss_val descend(const toy *a, const problem *p, goss_val slab) {
    slab = goss_variable(slab);
    for (int i = 0; i < INNER; i++) {
        goss_val each = goss_mean(goss_squared_error(answers(a, slab, p->seen_x), p->seen_y), GOSS_AXIS(1), false);
        goss_val grad;
        if (goss_grad(goss_sum_all(each), &slab, 1, &grad) != GOSS_OK) must(goss_graph_status(p->graph, &err));
        slab = goss_variable(goss_sub(slab, goss_scale(grad, INNER_RATE)));
    }
    return slab;
}

static goss_val error_of(const problem *p, goss_val y) { return goss_mean_all(goss_squared_error(y, p->asked_y)); }

/* ---- programs ---- */

static void open_problem(toy *a, problem *p, const goss_val *outputs, int n, const goss_optimizer_result *step) {
    must(goss_compile(p->graph, outputs, n, step ? step->updates : NULL, step ? step->n_updates : 0, NULL, &p->schedule,
                      &err));
    must(goss_params_add(a->params, p->schedule, &err));
    must(goss_exec_new(p->schedule, a->params, a->threads, &p->run, &err));
    for (int i = 0; i < 4; i++) must(goss_exec_bind(p->run, names[i], p->data[i], &err));
}

static void close_problem(problem *p) {
    goss_exec_free(p->run);
    goss_schedule_free(p->schedule);
    goss_graph_free(p->graph);
    for (int i = 0; i < 4; i++) free(p->data[i]);
}

/* The error of generated networks, and a step of AdamW that lowers it. */
static void build_training(toy *a, problem *p) {
    goss_condition c = condition(p);
    goss_generated net;
    goss_hyper_generate(a->hyper, p->graph, &c, &net);
    goss_val loss = error_of(p, goss_hyper_apply(a->hyper, &net, p->asked_x, NULL).logits), grad[2];
    goss_generated_free(&net);
    goss_extent n[2] = {goss_n(goss_layout_total(goss_target_layout(a->target))),
                        goss_n(goss_layout_total(goss_hyper_layout(a->hyper)))};
    goss_val w[2] = {goss_param(p->graph, "target", GOSS_SHAPE(n[0])), goss_param(p->graph, "hyper", GOSS_SHAPE(n[1]))};
    if (goss_grad(loss, w, 2, grad) != GOSS_OK) must(goss_graph_status(p->graph, &err));
    goss_optimizer_options o = goss_optimizer_defaults();
    goss_optimizer_param learnt[2] = {{.param = w[0], .gradient = grad[0]}, {.param = w[1], .gradient = grad[1]}};
    goss_val rate = goss_input(p->graph, "rate", GOSS_REAL, (goss_shape){0});
    goss_optimizer_result step = goss_optimizer_build(&o, learnt, 2, rate);
    open_problem(a, p, &loss, 1, &step);
    must(goss_exec_bind(p->run, "rate", &a->rate, &err));
}

/* Outputs: errors of base, base and steps, generated, generated and steps; the third's answers. */
static void build_contest(toy *a, problem *p) {
    goss_condition c = condition(p);
    goss_generated net;
    goss_hyper_generate(a->hyper, p->graph, &c, &net);
    goss_weights *base = goss_hyper_base(a->hyper, p->graph);
    goss_val made = goss_weights_pack(net.net.weights), start = goss_weights_pack(base);
    goss_val shared = goss_broadcast(start, goss_shape_of(made)); /* the base, once for every wave */
    goss_val way[4] = {shared, descend(a, p, shared), made, descend(a, p, made)}, out[5];
    for (int i = 0; i < 4; i++) out[i] = error_of(p, answers(a, way[i], p->asked_x));
    out[4] = answers(a, made, p->asked_x);
    goss_weights_free(base);
    goss_generated_free(&net);
    open_problem(a, p, out, 5, NULL);
}

/* ---- what is shown ---- */

static void train(toy *a, problem *p) {
    double sum = 0;
    for (int i = 1; i <= STEPS; i++) {
        int points = 1 + rand() % POINTS;
        draw(p, points);
        a->rate = (float)(0.005 * (1 - (double)i / STEPS));
        must(goss_exec_count(p->run, "points", points, &err));
        must(goss_exec_run(p->run, &err));
        sum += *(const float *)goss_exec_output(p->run, 0, NULL);
        if (i % 300 == 0) printf("step %4d  error %.4f\n", i, sum / 300), sum = 0;
    }
}

static void compare(const problem *p, int points) {
    must(goss_exec_count(p->run, "points", points, &err));
    must(goss_exec_run(p->run, &err));
    printf("%6d", points);
    for (int i = 0; i < 4; i++) printf("  %13.4f", *(const float *)goss_exec_output(p->run, i, NULL));
    printf("\n");
}

/* The first wave: '.' as it is, 'o' what its network says, 'x' the points that the network was made from. */
static void plot(const problem *p, int points) {
    enum { ROWS = 17 };
    char at[ROWS][QUERIES + 1];
    const float *said = goss_exec_output(p->run, 4, NULL);
    for (int r = 0; r < ROWS; r++) memset(at[r], ' ', QUERIES), at[r][QUERIES] = 0;
#define ROW_OF(y) ((y) > 2 ? 0 : (y) < -2 ? ROWS - 1 : (int)lrint((2 - (double)(y)) * (ROWS - 1) / 4))
    for (int i = 0; i < QUERIES; i++) at[ROW_OF(p->data[3][i])][i] = '.';
    for (int i = 0; i < QUERIES; i++) at[ROW_OF(said[i])][i] = 'o';
    for (int i = 0; i < points; i++)
        at[ROW_OF(p->data[1][i])][lrint(((double)p->data[0][i] + 3) * (QUERIES - 1) / 6)] = 'x';
    for (int r = 0; r < ROWS; r++) printf("%s\n", at[r]);
}

int main(void) {
    toy a = {0};
    problem training = {0}, contest = {0};
    goss_hyper_options o = goss_hyper_defaults();
    o.rules = "*=full", o.features = 6, o.targets = 1;
    must(goss_target_parse("dense 40; tanh; dense 40; tanh; head", (int64_t[]){1}, 1, 1, &a.target, &err));
    must(goss_hyper_create(a.target, &o, &a.hyper, &err));
    must(goss_params_new(GOSS_F32, &a.params, &err));
    must(goss_threads_new(1, &a.threads, &err));
    declare(&training, TRAIN), build_training(&a, &training);
    declare(&contest, TEST), build_contest(&a, &contest);
    const goss_layout *layout[2] = {goss_target_layout(a.target), goss_hyper_layout(a.hyper)};
    for (int i = 0; i < 2; i++) {
        int at = goss_params_find(a.params, i ? "hyper" : "target");
        goss_layout_initialize(layout[i], 1, goss_params_data(a.params, at));
    }
    printf("network: %lld weights; hypernetwork: %lld\n", (long long)goss_layout_total(layout[0]),
           (long long)goss_layout_total(layout[1]));

    train(&a, &training);
    printf("\n%6s  %13s  %13s  %13s  %13s\n", "points", "base", "base+steps", "generated", "gen.+steps");
    for (int i = 0; i < 5; i++) {
        static const int points[5] = {1, 2, 5, 10, 20};
        draw(&contest, points[i]);
        compare(&contest, points[i]);
    }
    draw(&contest, 4);
    printf("\n");
    compare(&contest, 4);
    plot(&contest, 4);

    close_problem(&training), close_problem(&contest);
    goss_threads_free(a.threads), goss_params_free(a.params);
    goss_hyper_free(a.hyper), goss_target_free(a.target);
    return 0;
}
