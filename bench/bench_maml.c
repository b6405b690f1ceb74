/* SPDX-License-Identifier: Apache-2.0 */
/* bench_maml: a training step of second-order MAML (Finn et al. 2017), one inner step or five, Adam.
 * maml-1, -5: the sine tasks' shapes: 25 tasks, 10 + 10 points, 1-40-40-1; tiny products in long chains: what is
 * measured is the engine's overhead. maml-conv4-1, -5: Omniglot's: 4 tasks, 5 ways, 1 shot, 15 queries a class,
 * Conv4-64 normalised by the batch that it sees, as the paper has it. */
#include <stdio.h>
#include <stdlib.h>

#include "workload.h"

typedef struct setting {
    const char *target;
    int rank, inner_steps;
    int64_t input[3], outputs, tasks, support, query;
    double products; /* of one sample's forward pass, without padding taps */
} setting;

#define SINE                                                                                                           \
    .target = "mlp 40 40", .rank = 1, .input = {1}, .outputs = 1, .tasks = 25, .support = 10, .query = 10,             \
    .products = 40 + 40 * 40 + 40
/* 3 * side - 2 taps along an axis of each of four maps: 28, 14, 7, 3 */
#define CONV4                                                                                                          \
    .target = "conv4 64", .rank = 3, .input = {28, 28, 1}, .outputs = 5, .tasks = 4, .support = 5, .query = 75,        \
    .products = 64 * (82 * 82 + 64 * (40 * 40 + 19 * 19 + 7 * 7)) + 64 * 5

static const char *const names[] = {"maml-1", "maml-5", "maml-conv4-1", "maml-conv4-5", NULL};
static const setting settings[] = {
    {SINE, .inner_steps = 1}, {SINE, .inner_steps = 5}, {CONV4, .inner_steps = 1}, {CONV4, .inner_steps = 5}};

enum { MAX_TENSORS = 32 };
static const double rate = 0.01; /* of the inner steps */

typedef struct workload {
    bench b;
    const setting *is;
    goss_target *target;
    goss_weights *shared;
    int n;                        /* tensors */
    goss_val tensor[MAX_TENSORS]; /* of each task, as the inner steps have left them */
} workload;

static const char *name_of(const workload *w, int i) {
    return goss_layout_entry(goss_weights_layout(w->shared), i)->name;
}

/* One set of weights for each task, equal at first. */
static void spread(workload *w, goss_extent tasks) {
    w->n = goss_layout_count(goss_weights_layout(w->shared));
    if (w->n > MAX_TENSORS) {
        fprintf(stderr, "%s: more than %d tensors\n", w->b.run.workload, MAX_TENSORS);
        exit(1);
    }
    for (int i = 0; i < w->n; i++) {
        goss_val v = goss_weights_get(w->shared, name_of(w, i));
        goss_shape s = goss_shape_of(v);
        s.dim[0] = tasks;
        w->tensor[i] = goss_broadcast(v, s);
    }
}

/* [T, N] */
static goss_val errors(const workload *w, goss_val x, goss_val y) {
    goss_weights *own = goss_weights_copy(w->shared);
    if (!own) exit(1);
    for (int i = 0; i < w->n; i++) goss_weights_set(own, name_of(w, i), w->tensor[i]);
    goss_val logits = goss_target_apply(w->target, x, own, NULL).logits;
    goss_weights_free(own);
    if (w->is->rank == 1) return goss_squared_error(logits, y);
    return goss_cross_entropy(logits, goss_one_hot(y, goss_n(w->is->outputs)), 0, GOSS_NONE);
}

static void inner_step(workload *w, goss_val x, goss_val y) {
    goss_val gradient[MAX_TENSORS];
    goss_val loss = goss_sum_all(goss_mean(errors(w, x, y), GOSS_AXIS(1), false));
    if (goss_grad(loss, w->tensor, w->n, gradient) != GOSS_OK) return; /* the graph keeps the error */
    for (int i = 0; i < w->n; i++) w->tensor[i] = goss_sub(w->tensor[i], goss_scale(gradient[i], rate));
}

static void samples(workload *w, const char *x_name, const char *y_name, goss_extent tasks, goss_extent n, goss_val *x,
                    goss_val *y) {
    goss_shape s = {.rank = 2 + w->is->rank, .dim = {tasks, n}};
    for (int i = 0; i < w->is->rank; i++) s.dim[2 + i] = goss_n(w->is->input[i]);
    const bool image = w->is->rank == 3;
    *x = bench_input(&w->b, x_name, s, image ? 0.5 : 5, image ? 0.5 : 0);
    *y = image ? bench_labels(&w->b, y_name, GOSS_SHAPE(tasks, n), (int)w->is->outputs)
               : bench_input(&w->b, y_name, s, 1, 0);
}

/* Forward and backward of the query; forward, backward and the backward of both for each inner step. */
static double flops(const setting *s) {
    return 2.0 * (double)s->tasks * s->products * (3 * (double)s->query + 8 * s->inner_steps * (double)s->support);
}

int main(int argc, char **argv) {
    static workload w;
    goss_val x, y, query, answer;
    bench_open(&w.b, argc, argv, names);
    w.is = &settings[w.b.run.which];
    goss_extent T = bench_symbol(&w.b, "T", w.is->tasks), N = bench_symbol(&w.b, "N", w.is->support),
                Q = bench_symbol(&w.b, "Q", w.is->query);
    w.target = bench_target(&w.b, w.is->target, w.is->input, w.is->rank, w.is->outputs);
    w.shared = bench_target_weights(&w.b, w.target);
    samples(&w, "x", "y", T, N, &x, &y);
    samples(&w, "query", "answer", T, Q, &query, &answer);

    spread(&w, T);
    for (int i = 0; i < w.is->inner_steps; i++) inner_step(&w, x, y);
    bench_train(&w.b, goss_reduce_loss(errors(&w, query, answer), GOSS_NONE), 0);

    goss_weights_free(w.shared);
    const int status = bench_run(&w.b, flops(w.is));
    goss_target_free(w.target);
    return status;
}
