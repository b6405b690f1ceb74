/* SPDX-License-Identifier: Apache-2.0 */
/* tiny_waves.c: trains a hypernetwork on sine waves of random amplitude and phase. Shown ten points of a wave that
 * it has never seen, it generates the 1,761 weights of a network for that wave by one forward pass. Public headers
 * only; docs/toy.md explains it and goes on from here. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "gossamer/hyper.h"
#include "gossamer/optimizer.h"

enum { TASKS = 32, POINTS = 10, QUERIES = 20, WAVES = 6, STEPS = 1000 };
static float seen_x[TASKS * POINTS * WAVES], seen_y[TASKS * POINTS], asked_x[TASKS * QUERIES], asked_y[TASKS * QUERIES],
    rate;
static const struct {
    const char *name;
    float *data;
    int samples, numbers;
} inputs[] = {{"seen x", seen_x, POINTS, WAVES},
              {"seen y", seen_y, POINTS, 1},
              {"asked x", asked_x, QUERIES, 1},
              {"asked y", asked_y, QUERIES, 1}};
static goss_error err;

static void must(goss_status status) {
    if (status == GOSS_OK) return;
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}
static float between(double low, double high) { return (float)(low + (high - low) * rand() / RAND_MAX); }

/* New waves, points to adapt from and points to be judged on. A point is seen as sines and cosines of x: a condition
 * must not be larger where x is. */
static void draw_waves(void) {
    for (int t = 0; t < TASKS; t++) {
        float amplitude = between(0.1, 2), phase = between(0, M_PI), x;
        for (int i = t * POINTS; i < (t + 1) * POINTS; i++) {
            seen_y[i] = amplitude * sinf((x = between(-3, 3)) + phase);
            for (int k = 0; k < WAVES; k++)
                seen_x[i * WAVES + k] = (k % 2 ? sinf : cosf)(0.5f * x * (float)(1 + k / 2));
        }
        for (int i = t * QUERIES; i < (t + 1) * QUERIES; i++)
            asked_y[i] = amplitude * sinf((asked_x[i] = between(-3, 3)) + phase);
    }
}

int main(void) {
    goss_target *target; /* the network to be generated, and what generates all of it from points (x, y) */
    goss_hyper *hyper;
    goss_hyper_options o = goss_hyper_defaults();
    o.rules = "*=full", o.features = WAVES, o.targets = 1;
    must(goss_target_parse("dense 40; tanh; dense 40; tanh; head", (int64_t[]){1}, 1, 1, &target, &err));
    must(goss_hyper_create(target, &o, &hyper, &err));

    goss_graph *g = goss_graph_new(); /* points -> weights -> answers -> error, with the base's own error beside it */
    goss_val in[4];
    for (int i = 0; i < 4; i++)
        in[i] = goss_input(g, inputs[i].name, GOSS_REAL,
                           GOSS_SHAPE(goss_n(TASKS), goss_n(inputs[i].samples), goss_n(inputs[i].numbers)));
    goss_generated net;
    goss_hyper_generate(hyper, g, &(goss_condition){.features = in[0], .targets = in[1]}, &net);
    goss_weights *base = goss_hyper_base(hyper, g);
    goss_val loss = goss_mean_all(goss_squared_error(goss_hyper_apply(hyper, &net, in[2], NULL).logits, in[3]));
    goss_val of_base = goss_mean_all(goss_squared_error(goss_target_apply(target, in[2], base, NULL).logits, in[3]));

    goss_shape size = GOSS_SHAPE(goss_n(goss_layout_total(goss_hyper_layout(hyper))));
    goss_val w[2] = {goss_weights_slab(base), goss_param(g, "hyper", size)};
    goss_val grad[2]; /* gradients and AdamW are nodes of the same graph: one run of the program is one step */
    if (goss_grad(loss, w, 2, grad) != GOSS_OK) must(goss_graph_status(g, &err));
    goss_optimizer_options adamw = goss_optimizer_defaults();
    goss_optimizer_param learnt[2] = {{.param = w[0], .gradient = grad[0]}, {.param = w[1], .gradient = grad[1]}};
    goss_optimizer_result step =
        goss_optimizer_build(&adamw, learnt, 2, goss_input(g, "rate", GOSS_REAL, (goss_shape){0}));

    goss_schedule *schedule;
    goss_params *params;
    goss_threads *threads;
    goss_exec *run;
    must(goss_compile(g, (goss_val[]){of_base, loss}, 2, step.updates, step.n_updates, NULL, &schedule, &err));
    must(goss_params_new(GOSS_F32, &params, &err));
    must(goss_params_add(params, schedule, &err));
    must(goss_threads_new(1, &threads, &err));
    must(goss_exec_new(schedule, params, threads, &run, &err));
    for (int i = 0; i < 4; i++) must(goss_exec_bind(run, inputs[i].name, inputs[i].data, &err));
    must(goss_exec_bind(run, "rate", &rate, &err));
    goss_layout_initialize(goss_target_layout(target), 1, goss_params_data(params, goss_params_find(params, "target")));
    goss_layout_initialize(goss_hyper_layout(hyper), 1, goss_params_data(params, goss_params_find(params, "hyper")));

    for (int i = 0; i <= STEPS; i++) {
        draw_waves();
        rate = 0.005f * (1 - (float)i / STEPS);
        must(goss_exec_run(run, &err)); /* the errors are those before this step: of waves not seen until now */
        const float *before = goss_exec_output(run, 0, NULL), *after = goss_exec_output(run, 1, NULL);
        if (i % 250 == 0)
            printf("step %4d: squared error on new waves %.4f without adapting, %.4f adapted\n", i, *before, *after);
    }
    goss_exec_free(run), goss_threads_free(threads), goss_params_free(params), goss_schedule_free(schedule);
    goss_weights_free(base), goss_generated_free(&net), goss_graph_free(g);
    goss_hyper_free(hyper), goss_target_free(target);
    return 0;
}
