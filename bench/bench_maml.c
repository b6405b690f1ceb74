/* bench_maml: a training step of second-order MAML (Finn et al. 2017) on the sine tasks' shapes: 25 tasks, 10 + 10
 * points, 1-40-40-1, one inner step or five, Adam. Tiny products in long chains: what is measured is the engine's
 * overhead. */
#include <stdlib.h>

#include "workload.h"

static const char *const names[] = {"maml-1", "maml-5", NULL};

enum { TASKS = 25, POINTS = 10, TENSORS = 6 };

/* One set of weights for each task, equal at first. */
static void spread(const goss_weights *w, goss_extent T, goss_val *out) {
    const goss_layout *l = goss_weights_layout(w);
    for (int i = 0; i < TENSORS; i++) {
        goss_val v = goss_weights_get(w, goss_layout_entry(l, i)->name);
        goss_shape s = goss_shape_of(v);
        s.dim[0] = T;
        out[i] = goss_broadcast(v, s);
    }
}

static goss_val errors(const goss_target *t, const goss_weights *w, const goss_val *tensor, goss_val x, goss_val y) {
    goss_weights *own = goss_weights_copy(w);
    if (!own) exit(1);
    for (int i = 0; i < TENSORS; i++)
        goss_weights_set(own, goss_layout_entry(goss_weights_layout(w), i)->name, tensor[i]);
    goss_val e = goss_squared_error(goss_target_apply(t, x, own, NULL).logits, y);
    goss_weights_free(own);
    return e;
}

int main(int argc, char **argv) {
    const int64_t input[] = {1};
    bench b;
    bench_open(&b, argc, argv, names);
    goss_extent T = bench_symbol(&b, "T", TASKS), N = bench_symbol(&b, "N", POINTS);
    goss_target *target = bench_target(&b, "mlp 40 40", input, 1, 1);
    goss_weights *w = bench_target_weights(&b, target);
    goss_shape points = GOSS_SHAPE(T, N, goss_n(1));
    goss_val x = bench_input(&b, "x", points, 5, 0), y = bench_input(&b, "y", points, 1, 0);
    goss_val query = bench_input(&b, "query", points, 5, 0), answer = bench_input(&b, "answer", points, 1, 0);

    goss_val tensor[TENSORS], gradient[TENSORS];
    spread(w, T, tensor);
    const int steps = b.which == 0 ? 1 : 5;
    for (int step = 0; step < steps; step++) {
        goss_val loss = goss_sum_all(goss_mean(errors(target, w, tensor, x, y), GOSS_AXIS(1), false));
        if (goss_grad(loss, tensor, TENSORS, gradient) != GOSS_OK) break;
        for (int i = 0; i < TENSORS; i++) tensor[i] = goss_sub(tensor[i], goss_scale(gradient[i], 0.01));
    }
    bench_train(&b, goss_reduce_loss(errors(target, w, tensor, query, answer), GOSS_NONE), 0);

    /* Forward and backward of the query; forward, backward and the backward of both for each inner step. */
    const double forward = 2.0 * TASKS * POINTS * (40 + 40 * 40 + 40);
    goss_weights_free(w);
    const int status = bench_run(&b, forward * (3 + 8 * steps));
    goss_target_free(target);
    return status;
}
