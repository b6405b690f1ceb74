/* SPDX-License-Identifier: Apache-2.0 */
/* space_flow.c: the graph of operations of a structure: which layers are there, what they are, and which reads which.
 *
 * A node stands for a layer of the text, so that the same node is the same layer in every structure; braces have none,
 * but the sum at the end of a residual part has. */
#include <math.h>
#include <string.h>

#include "space/space.h"

/* Numbers of a node behind those of its kind. */
enum { NORMS = 4, POOLS = 3, SIZES = 6, ENDS = 2 };

static bool has_node(const goss__layer *l, const goss__layer *opener) {
    return l->kind->marks == GOSS__PLAIN ||
           (l->kind->marks == GOSS__CLOSES && opener && goss__layer_is(opener, "residual"));
}

/* ---- a walk over the text ---- */

/* What values flow at a point of the text: the nodes in front of the part that is open and at the end of its paths. */
typedef struct place {
    const goss__layer *opener;
    int before, ended; /* ended: the end of an earlier path; -1: none */
} place;

typedef struct walk {
    const goss_space *s;
    const float *structure;
    float *nodes, *edges; /* NULL: nodes are counted alone */
    int V, numbers;
    int node, tip; /* the next node; the one whose value flows */
    place stack[GOSS__TARGET_DEPTH + 2];
    int depth;
} walk;

static bool is_there(const walk *w, const goss__layer *l) {
    return goss__structure_has(w->s->t, w->s->t->n_gates ? w->structure : NULL, l->inside);
}

static void read_from(walk *w, int node, int from, float share) {
    if (w->edges) w->edges[(size_t)node * (size_t)w->V + (size_t)from] += share;
}

/* ---- what a node is ---- */

/* Live channels of a group's units, which a flattened map repeats; without choices `all`. */
static double live_units(const walk *w, int group, int64_t all) {
    const goss_target *t = w->s->t;
    const goss__unit_choice *c = group < 0 ? NULL : &t->unit_choice[group];
    if (!c || !c->count) return (double)all;
    int64_t places = c->core;
    for (int i = 0; i < c->count; i++) places += w->structure[c->gate + i] != 0 ? c->step : 0;
    const double units = (double)goss_target_units_count(t, group);
    return (double)all * (double)(places * (goss_target_units_count(t, group) / c->per)) / units;
}

static double taps_of(const walk *w, const goss__layer *l) {
    const int *size = l->kernel;
    for (int i = 0; l->n_kernels && i < w->s->t->n_groups; i++) {
        const goss__gate_group *g = &w->s->t->groups[i];
        if (g->info.of == GOSS_GATE_KERNEL && &w->s->t->layers[g->layer] == l)
            size = l->kernels[goss__structure_open(w->structure, &g->info)];
    }
    return size[0] > 0 ? (double)size[0] * (size[1] > 0 ? size[1] : 1) : 1;
}

/* Of a depthwise convolution as many as it has channels; of attention its heads. */
static double groups_of(const walk *w, const goss__layer *l) {
    if (l->heads > 0) return live_units(w, l->inner, l->heads);
    const bool each = l->kind->product && l->groups > 1 && l->units >= 0 && w->s->t->unit_choice[l->units].count > 0;
    return each ? live_units(w, l->units, l->groups) : l->groups > 0 ? l->groups : 1;
}

/* Logarithms, so that a factor of two is the same step everywhere, at a scale of about 1. */
static void say_sizes(const walk *w, const goss__layer *l, float *out) {
    const double sizes[SIZES] = {live_units(w, l->in_units, goss__flow_channels(&l->in_flow)),
                                 live_units(w, l->units, goss__flow_channels(&l->out_flow)),
                                 taps_of(w, l),
                                 l->stride[0] > 0 ? l->stride[0] : 1,
                                 (double)goss__flow_positions(&l->out_flow),
                                 groups_of(w, l)};
    for (int i = 0; i < SIZES; i++) out[i] = (float)(log2(sizes[i] > 0 ? sizes[i] : 1) / 4);
}

static void say(const walk *w, const goss__layer *l, int node) {
    if (!w->nodes) return;
    float *x = w->nodes + (size_t)node * (size_t)w->numbers;
    x[0] = 1, x++;
    x[goss__layer_kind_number(l->kind)] = 1, x += goss__layer_kinds();
    if (goss__layer_is(l, "norm")) x[l->norm] = 1;
    x += NORMS;
    if (goss__layer_is(l, "pool") || goss__layer_is(l, "pool1d")) x[l->pool] = 1;
    say_sizes(w, l, x + POOLS);
}

/* The input and the embedding, which are no layers. */
static void say_end(const walk *w, int node, int end) {
    if (!w->nodes) return;
    float *x = w->nodes + (size_t)node * (size_t)w->numbers;
    x[0] = x[w->numbers - ENDS + end] = 1;
}

/* ---- layers and braces ---- */

static void pass_layer(walk *w, const goss__layer *l) {
    const int node = w->node++;
    if (!w->nodes || !is_there(w, l)) return;
    say(w, l, node);
    read_from(w, node, w->tip, 1);
    w->tip = node;
}

/* Of alternatives only one has nodes that are there; an empty one passes on what is in front. */
static void end_path(walk *w) {
    place *p = &w->stack[w->depth - 1];
    if (goss__layer_is(p->opener, "residual") || w->tip != p->before) p->ended = w->tip;
    w->tip = p->before;
}

static void pass_sum(walk *w, const goss__layer *l, const place *p) {
    const int node = w->node++;
    if (!w->nodes || !is_there(w, l)) return;
    say(w, l, node);
    read_from(w, node, w->tip, .5f);
    read_from(w, node, p->ended >= 0 ? p->ended : p->before, .5f);
    w->tip = node;
}

static void close_part(walk *w, const goss__layer *l) {
    const place *p = &w->stack[--w->depth];
    if (has_node(l, p->opener))
        pass_sum(w, l, p);
    else if (goss__layer_is(p->opener, "choose") && w->tip == p->before && p->ended >= 0)
        w->tip = p->ended;
}

static void run(walk *w) {
    const goss_target *t = w->s->t;
    w->node = 1, w->tip = 0;
    say_end(w, 0, 0);
    for (int i = 0; i < t->n_layers; i++) {
        const goss__layer *l = &t->layers[i];
        switch (l->kind->marks) {
        case GOSS__PLAIN:
            pass_layer(w, l);
            break;
        case GOSS__OPENS:
            w->stack[w->depth++] = (place){l, w->tip, -1};
            break;
        case GOSS__TURNS:
            end_path(w);
            break;
        case GOSS__CLOSES:
            close_part(w, l);
            break;
        }
    }
}

/* ---- the public functions ---- */

int goss_space_nodes(const goss_space *s) {
    walk w = {.s = s};
    run(&w);
    return w.node + 1;
}

int goss_space_node_numbers(const goss_space *s) {
    (void)s;
    return 1 + goss__layer_kinds() + NORMS + POOLS + SIZES + ENDS;
}

int goss_space_node_of(const goss_space *s, int layer) {
    const goss_target *t = s->t;
    const goss__layer *opener[GOSS__TARGET_DEPTH + 2];
    int node = 1, depth = 0;
    for (int i = 0; i < t->n_layers; i++) {
        const goss__layer *l = &t->layers[i], *of = NULL;
        if (l->kind->product && l->product == layer) return node;
        if (l->kind->marks == GOSS__OPENS) opener[depth++] = l;
        if (l->kind->marks == GOSS__CLOSES) of = opener[--depth];
        node += has_node(l, of);
    }
    return 0;
}

void goss_space_graph(const goss_space *s, const float *structure, float *nodes, float *edges) {
    walk w = {.s = s, .structure = structure, .nodes = nodes, .edges = edges};
    w.V = goss_space_nodes(s), w.numbers = goss_space_node_numbers(s);
    memset(nodes, 0, (size_t)w.V * (size_t)w.numbers * sizeof *nodes);
    memset(edges, 0, (size_t)w.V * (size_t)w.V * sizeof *edges);
    run(&w);
    say_end(&w, w.V - 1, 1);
    read_from(&w, w.V - 1, w.tip, 1);
}
