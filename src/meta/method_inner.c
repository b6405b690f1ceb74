/* SPDX-License-Identifier: Apache-2.0 */
/* method_inner.c: gradient steps on the support set, as part of the graph (the inner loop of MAML, Finn et al. 2017).
 *
 * Each tensor is first broadcast over tasks, so that the gradient of the summed losses separates by task. Steps are
 * unrolled; the caller's goss_grad differentiates through them. For inference gradients are detached, and no
 * activations are kept for a backward pass. */
#include <string.h>

#include "base/alloc.h"
#include "meta/method.h"
#include "nn/nn.h"

static const double adam_beta1 = 0.9, adam_beta2 = 0.999, adam_eps = 1e-8;

typedef struct inner_state {
    const goss_method *m;
    const goss_task_batch *b;
    const goss__inner *o;
    goss__solution *s;
    int n, n_weights; /* tensors: those of the target but its head, then the head's two */
    goss_val *value, *grad, *first, *second;
    goss_val (*state)[GOSS__LEARNED_STATE]; /* of a learned optimiser */
    goss_val features;                      /* of the support set, where only the head moves */
} inner_state;

/* [1, ...] -> [T, ...] */
static goss_val per_task(goss_val v, goss_extent T) {
    if (!goss_valid(v) || !goss_extent_is(goss_dim(v, 0), 1)) return v;
    goss_shape shape = goss_shape_of(v);
    shape.dim[0] = T;
    return goss_broadcast(v, shape);
}

static const char *tensor_name(const inner_state *a, int i) {
    return goss_layout_entry(goss_target_layout(a->m->target), i)->name;
}

/* Writes the current values back to the solution. */
static void store(inner_state *a) {
    for (int i = 0; i < a->n_weights && !a->o->head_only; i++)
        goss_weights_set(a->s->net.weights, tensor_name(a, i), a->value[i]);
    a->s->net.head_w = a->value[a->n_weights];
    a->s->net.head_b = a->value[a->n_weights + 1];
}

static void load(inner_state *a) {
    for (int i = 0; i < a->n_weights; i++)
        a->value[i] = goss_variable(per_task(goss_weights_get(a->s->net.weights, tensor_name(a, i)), a->b->T));
    a->value[a->n_weights] = goss_variable(per_task(a->s->net.head_w, a->b->T));
    a->value[a->n_weights + 1] = goss_variable(per_task(a->s->net.head_b, a->b->T));
    for (int i = 0; a->o->adam && i < a->n; i++) a->first[i] = a->second[i] = goss_zeros_like(a->value[i]);
}

/* Sum over tasks of each task's mean loss on its support set (or, with use_query, on its queries every second step). */
static goss_val step_loss(inner_state *a, int step) {
    const goss_task_batch *b = a->b;
    bool query = a->o->use_query && step % 2 == 1;
    const goss__labels of = goss__labels_of(b, query);
    goss_val x;
    goss_target_context c = goss__training_context(b, goss__sample_weight(b, query, of.weight));
    c.lengths = b->query_length, c.batch_steps = a->m->objective->steps;
    if (a->o->head_only)
        x = a->features;
    else if (query)
        x = goss__feature_rows(a->m, goss_target_features(a->m->target, b->query, a->s->net.weights, &c));
    else
        x = goss__embed_support(a->m, a->s, b);
    goss_val output = goss_linear(x, a->s->net.head_w, a->s->net.head_b);
    return goss__loss_of_tasks(a->m, b, output, of);
}

/* Kingma and Ba 2015. */
goss_val goss__adam_move(goss_val g, double rate, int step, goss_val *first, goss_val *second) {
    double c1 = 1 - __builtin_pow(adam_beta1, step + 1), c2 = 1 - __builtin_pow(adam_beta2, step + 1);
    *first = goss_add(goss_scale(*first, adam_beta1), goss_scale(g, 1 - adam_beta1));
    *second = goss_add(goss_scale(*second, adam_beta2), goss_scale(goss_square(g), 1 - adam_beta2));
    goss_val deviation = goss_shift(goss_sqrt(goss_scale(*second, 1 / c2)), adam_eps);
    return goss_div(goss_scale(*first, rate / c1), deviation);
}

static void one_step(inner_state *a, int step) {
    int from = a->o->head_only ? a->n_weights : 0;
    goss_val loss = step_loss(a, step);
    goss_status status = goss_grad(loss, a->value + from, a->n - from, a->grad + from);
    if (status != GOSS_OK) {
        goss_graph_fail(a->s->graph, status, "inner step %d: the loss has no gradient", step + 1);
        return;
    }
    for (int i = from; i < a->n; i++) {
        if (a->o->first_order) a->grad[i] = goss_detach(a->grad[i]);
        goss_val move = a->o->learned ? goss__learned_move(a->o->learned, a->grad[i], step == 0, a->state[i])
                        : a->o->adam  ? goss__adam_move(a->grad[i], a->o->rate, step, &a->first[i], &a->second[i])
                                      : goss_scale(a->grad[i], a->o->rate);
        a->value[i] = goss_variable(goss_sub(a->value[i], move));
    }
    store(a);
}

void goss__inner_run(const goss_method *m, const goss_task_batch *b, const goss__inner *o, goss__solution *s) {
    /* A head of the target is its last two tensors, and is moved as a solution's head is. */
    int n_weights = goss_layout_count(goss_target_layout(m->target)) - (m->fixed ? 2 : 0);
    inner_state a = {.m = m, .b = b, .o = o, .s = s, .n = n_weights + 2, .n_weights = n_weights};
    goss_weights *own = goss_weights_copy(s->net.weights);
    goss_val *room = goss__calloc((size_t)a.n * 4, sizeof *room);
    a.state = goss__calloc((size_t)(o->learned ? a.n : 0) + 1, sizeof *a.state);
    if (!own || !room || !a.state) {
        goss_graph_fail(s->graph, GOSS_E_NOMEM, "out of memory for an inner loop");
        goss_weights_free(own);
        goss__free(room), goss__free(a.state);
        return;
    }
    a.value = room, a.grad = room + a.n, a.first = room + 2 * a.n, a.second = room + 3 * a.n;
    goss_weights_free(s->net.weights);
    s->net.weights = own;
    if (o->head_only) a.features = goss__embed_support(m, s, b); /* once: the network stays as it is */
    goss_scope_push(s->graph, "inner");
    load(&a);
    store(&a);
    s->stepping = true;
    for (int i = 0; i < o->steps; i++) one_step(&a, i);
    s->stepping = false;
    /* The last step changed the weights, hence the statistics that normalise the queries. */
    if (!o->head_only && m->support_norm) goss__embed_support(m, s, b);
    goss_scope_pop(s->graph);
    goss__free(room), goss__free(a.state);
}
