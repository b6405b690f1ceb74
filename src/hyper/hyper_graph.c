/* SPDX-License-Identifier: Apache-2.0 */
/* hyper_graph.c: the graph of a network's operations as a condition (graph hypernetworks: Zhang, Ren and Urtasun 2019).
 *
 * Node v has a state h_v, at first silu(W x_v + b) of its numbers x_v. In each round it receives messages along the
 * edges and against them, m = A h W_f + A' h W_b, and moves by a gated step (Cho et al. 2014; Li et al. 2016):
 *     z, r = sigmoid([h; m] W_g + b_g),  n = tanh([r h; m] W_n + b_n),  h <- h + z (n - h)
 * What a layer generates depends on its node's state, and all of them on the mean over nodes. A node that is not there
 * has state 0. */
#include "base/alloc.h"
#include "hyper/hyper.h"

static goss_status plan_map(goss_hyper *h, const char *name, int64_t from, int64_t to, goss_error *err) {
    GOSS_TRY(goss__hyper_add(h, from, to, GOSS_INIT_LECUN, from, err, "%s.w", name));
    return goss__hyper_add(h, 0, to, GOSS_INIT_ZEROS, from, err, "%s.b", name);
}

goss_status goss__hyper_plan_graph(goss_hyper *h, goss_error *err) {
    const int64_t E = h->options.embedding;
    GOSS_TRY(plan_map(h, "graph.node", h->options.node_numbers, E, err));
    GOSS_TRY(goss__hyper_add(h, E, E, GOSS_INIT_LECUN, E, err, "graph.forward"));
    GOSS_TRY(goss__hyper_add(h, E, E, GOSS_INIT_LECUN, E, err, "graph.backward"));
    GOSS_TRY(plan_map(h, "graph.gates", 2 * E, 2 * E, err));
    GOSS_TRY(plan_map(h, "graph.next", 2 * E, E, err));
    return plan_map(h, "graph.mean", E, E, err);
}

static goss_val joined(goss_val a, goss_val b) { return goss_concat((goss_val[]){a, b}, 2, 2); }

static goss_val messages(const goss_weights *own, goss_val h, goss_val edges) {
    const goss_val to = goss_linear(h, goss__hyper_weight(own, "graph.forward"), GOSS_NONE),
                   from = goss_linear(h, goss__hyper_weight(own, "graph.backward"), GOSS_NONE);
    return goss_add(goss_matmul(edges, to, false, false), goss_matmul(edges, from, true, false));
}

static goss_val step(const goss_hyper *hyper, const goss_weights *own, goss_val h, goss_val edges) {
    const int64_t E = hyper->options.embedding;
    const goss_val m = messages(own, h, edges);
    const goss_val gates = goss_sigmoid(goss__hyper_linear(own, "graph.gates", joined(h, m)));
    const goss_val z = goss_slice(gates, 2, 0, E), r = goss_slice(gates, 2, E, E);
    const goss_val next = goss_tanh(goss__hyper_linear(own, "graph.next", joined(goss_mul(r, h), m)));
    return goss_lerp(h, next, z);
}

goss_val goss__hyper_graph(const goss_hyper *h, const goss_weights *own, const goss_condition *c, goss_val *mean) {
    *mean = GOSS_NONE;
    if (!goss_valid(c->nodes) || !goss_valid(c->edges)) return GOSS_NONE;
    const goss_val there = goss_slice(c->nodes, 2, 0, 1); /* [T,V,1] */
    goss_val state = goss_silu(goss__hyper_linear(own, "graph.node", c->nodes));
    for (int i = 0; i < h->options.rounds; i++) state = step(h, own, state, c->edges);
    state = goss_mul(state, there);
    const goss_val sum = goss_sum(state, GOSS_AXIS(1), true), n = goss_sum(there, GOSS_AXIS(1), true);
    *mean = goss_squeeze(goss__hyper_linear(own, "graph.mean", goss__hyper_unit(goss_div(sum, n))), 1);
    return state;
}

goss_val goss__hyper_of_layers(const goss_hyper *h, goss_val state) {
    const int layers = goss_target_layers(h->target);
    if (!goss_valid(state) || !h->node_of || layers == 0) return GOSS_NONE;
    goss_val *part = goss__calloc((size_t)layers, sizeof *part);
    if (!part) return goss_graph_fail(state.graph, GOSS_E_NOMEM, "hyper: no memory for %d layers", layers);
    for (int i = 0; i < layers; i++) part[i] = goss_slice(state, 1, h->node_of[i], 1);
    const goss_val all = goss_concat(part, layers, 1);
    goss__free(part);
    return all;
}
