/* SPDX-License-Identifier: Apache-2.0 */
/* space_cost.c: what a structure costs, as terms: a number times live units of two groups, the area of a kernel and the
 * gates around the layer. The same terms are evaluated on numbers here and as values of a graph in space_graph.c. */
#include <string.h>

#include "base/alloc.h"
#include "space/space.h"

enum { NUMBER = 4 }; /* bytes of a float */

typedef struct build {
    goss_space *s;
    goss_status status;
    int views;                               /* copies of a sample from here on */
    goss__term kept[GOSS__TARGET_DEPTH + 2]; /* what open residual parts keep */
    bool keeps[GOSS__TARGET_DEPTH + 2];
    int depth;
} build;

static const goss__term none = {.in = -1, .out = -1, .kernel = -1, .inside = -1};

static void add(build *b, goss__term t) {
    goss_space *s = b->s;
    if (s->n_terms == s->capacity) {
        const int capacity = s->capacity ? 2 * s->capacity : 64;
        goss__term *grown = goss__realloc(s->terms, (size_t)capacity * sizeof *grown);
        if (!grown) {
            b->status = GOSS_E_NOMEM;
            return;
        }
        s->terms = grown;
        s->capacity = capacity;
    }
    s->terms[s->n_terms++] = t;
}

/* The channels of `repeat` times a group's units: a group if they vary, else a number. */
static int channels(const goss_target *t, int group, int repeat, int64_t all, double *coef) {
    const bool varies = group >= 0 && t->unit_choice[group].count > 0;
    *coef *= varies ? (double)repeat : (double)all;
    return varies ? group : -1;
}

/* ---- weights and multiplications ---- */

/* The numbers of a tensor, in live units of its two groups and in taps. */
static goss__term tensor_term(const build *b, int layer, const goss_entry *e) {
    const goss_target *t = b->s->t;
    const goss__layer *l = &t->layers[layer];
    goss__term w = none;
    w.coef = (double)e->numel, w.layer = layer, w.inside = l->inside;
    w.in = e->in_units >= 0 && t->unit_choice[e->in_units].count ? e->in_units : -1;
    w.out = e->out_units >= 0 && t->unit_choice[e->out_units].count ? e->out_units : -1;
    if (w.in >= 0) w.coef /= (double)goss_target_units_count(t, w.in);
    if (w.out >= 0) w.coef /= (double)goss_target_units_count(t, w.out);
    if (!l->n_kernels || e->rank != 4) return w;
    w.kernel = layer;
    w.coef /= (double)l->kernel[0] * l->kernel[1];
    return w;
}

/* Bytes of a tensor: of its numbers, and of scales, which are one an output. */
static void count_bytes(build *b, int layer, const goss_entry *e) {
    goss__term w = tensor_term(b, layer, e), scales = w;
    const int64_t n = b->s->stored == GOSS_WEIGHTS_INT8 ? goss_entry_scales(e) : 0;
    w.coef *= n ? 1 : NUMBER;
    add(b, w);
    if (n == 0) return;
    scales.coef = NUMBER * (double)n, scales.in = scales.kernel = -1;
    if (scales.out >= 0) scales.coef /= (double)goss_target_units_count(b->s->t, scales.out);
    add(b, scales);
}

/* How often each weight of a product is multiplied. */
static double times_used(const build *b, const goss__layer *l) {
    if (l->kind->looks_up) return 0;
    const int64_t positions = goss__flow_positions(l->kind->declare ? &l->in_flow : &l->out_flow);
    return (double)positions * (goss__layer_is(l, "head") ? 1 : b->views);
}

/* Products of queries and keys, and of shares and values. */
static void count_scores(build *b, int layer) {
    const goss__layer *l = &b->s->t->layers[layer];
    goss__term m = none;
    if (l->heads == 0) return;
    m.measure = GOSS__MACS, m.layer = layer, m.inside = l->inside;
    m.coef = 2.0 * (double)(l->in_flow.dim[0] * l->in_flow.dim[0]);
    m.out = channels(b->s->t, l->inner, 1, goss__layer_heads_width(l), &m.coef);
    add(b, m);
}

static void count_tensors(build *b, int layer) {
    const goss_target *t = b->s->t;
    const goss__layer *l = &t->layers[layer];
    for (int i = 0; i < l->entries; i++) {
        const goss_entry *e = goss_layout_entry(t->layout, l->entries_from + i);
        goss__term macs = tensor_term(b, layer, e);
        count_bytes(b, layer, e);
        macs.measure = GOSS__MACS;
        macs.coef *= times_used(b, l);
        if (e->role == GOSS_ROLE_WEIGHT && macs.coef > 0) add(b, macs);
    }
    for (int i = 0; l->batch_norm >= 0 && i < 2; i++) {
        count_bytes(b, layer, goss_layout_entry(t->statistics, 2 * l->batch_norm + i));
    }
    count_scores(b, layer);
}

/* ---- activations ---- */

/* The bytes of what flows before or behind a layer. */
static goss__term flow_term(const build *b, int layer, bool before) {
    const goss_target *t = b->s->t;
    const goss__layer *l = &t->layers[layer];
    const goss__flow *f = before ? &l->in_flow : &l->out_flow;
    goss__term v = none;
    v.measure = GOSS__RAM, v.layer = layer, v.inside = l->inside;
    v.coef = NUMBER * b->views;
    for (int i = 0; i < f->rank - 1; i++) v.coef *= (double)f->dim[i];
    v.out = channels(t, before ? l->in_units : l->units, before ? l->in_repeat : l->repeat, goss__flow_channels(f),
                     &v.coef);
    return v;
}

/* A moment at which these are alive, beside what open parts keep. */
static void add_stage(build *b, const goss__term *alive, int n) {
    const int stage = b->s->n_stages++;
    for (int i = 0; i < n + b->depth; i++) {
        if (i >= n && !b->keeps[i - n]) continue;
        goss__term v = i < n ? alive[i] : b->kept[i - n];
        v.stage = stage, v.layer = alive[0].layer, v.inside = alive[0].inside;
        add(b, v);
    }
}

static void follow_marker(build *b, int layer) {
    const goss__layer *l = &b->s->t->layers[layer];
    const bool turns = l->kind->marks == GOSS__TURNS;
    const goss__term now = flow_term(b, layer, !turns); /* behind a turn it is what the other path begins with */
    if (goss__layer_is(l, "or")) return;                /* which leads to another network */
    if (l->kind->marks == GOSS__OPENS) {
        b->keeps[b->depth] = goss__layer_keeps_input(l);
        b->kept[b->depth++] = now;
    } else if (turns) {
        b->kept[b->depth - 1] = flow_term(b, layer - 1, false); /* the body's result waits for the shortcut's */
    }
    add_stage(b, &now, 1);
    if (l->kind->marks == GOSS__CLOSES) b->depth--;
}

static int64_t flow_numbers(const goss__flow *f) { return goss__flow_positions(f) * goss__flow_channels(f); }

static bool writes_elsewhere(const goss__layer *l) {
    return l->kind->product || goss__layer_is(l, "pool") || goss__layer_is(l, "columns") ||
           flow_numbers(&l->in_flow) != flow_numbers(&l->out_flow);
}

static void follow(build *b, int layer) {
    const goss__layer *l = &b->s->t->layers[layer];
    if (l->kind->marks) {
        follow_marker(b, layer);
        return;
    }
    if (goss__layer_is(l, "shifts")) b->views = 5; /* target_apply.c */
    if (goss__layer_is(l, "head")) b->views = 1;   /* their mean */
    if (writes_elsewhere(l)) add_stage(b, (goss__term[]){flow_term(b, layer, true), flow_term(b, layer, false)}, 2);
}

/* The head that a target without one is given: so many classes of the features. */
static void count_head(build *b) {
    const goss_target *t = b->s->t;
    const goss__layer *last = t->n_layers ? &t->layers[t->n_layers - 1] : NULL;
    goss__term f = none, bias = none, stage[2];
    b->views = 1;
    f.layer = bias.layer = t->n_layers;
    f.per_class = bias.per_class = true;
    const bool steps = t->features.rank == 2; /* an answer to each, of the same weights */
    f.coef = steps ? 1 : (double)goss__flow_positions(&t->features);
    f.in = channels(t, last ? last->units : -1, last ? last->repeat : 1, goss__flow_channels(&t->features), &f.coef);
    goss__term macs = f;
    const double positions = steps ? (double)t->features.dim[0] : 1;
    macs.measure = GOSS__MACS;
    macs.coef *= positions;
    add(b, macs);
    stage[0] = stage[1] = f;
    const bool int8 = b->s->stored == GOSS_WEIGHTS_INT8;
    f.coef *= int8 ? 1 : NUMBER;
    add(b, f);
    bias.coef = int8 ? 2 * NUMBER : NUMBER; /* and a scale */
    add(b, bias);
    stage[0].measure = stage[1].measure = GOSS__RAM;
    stage[0].coef *= NUMBER * positions, stage[0].per_class = false;
    stage[1].coef = NUMBER * positions, stage[1].in = -1;
    add_stage(b, stage, 2);
}

goss_status goss__space_terms(goss_space *s, goss_error *err) {
    build b = {.s = s, .status = GOSS_OK, .views = 1};
    for (int i = 0; i < s->t->n_layers; i++) {
        const goss__layer *l = &s->t->layers[i];
        count_tensors(&b, i);
        follow(&b, i);
        if (goss__layer_is(l, "shifts")) add_stage(&b, (goss__term[]){flow_term(&b, i, false)}, 1);
    }
    if (!s->t->outputs) count_head(&b);
    return b.status == GOSS_OK ? GOSS_OK : goss_error_set(err, b.status, "out of memory for a space");
}

/* ---- on numbers ---- */

static double live(const goss_target *t, int group, const float *structure) {
    if (group < 0) return 1;
    const goss__unit_choice *c = &t->unit_choice[group];
    int64_t places = c->core;
    for (int i = 0; i < c->count; i++)
        if (structure[c->gate + i] != 0) places += c->step;
    return (double)(places * (goss_target_units_count(t, group) / c->per));
}

static double area(const goss_target *t, int layer, const float *structure) {
    if (layer < 0) return 1;
    const goss__layer *l = &t->layers[layer];
    int n = 0;
    while (n < l->n_kernels - 1 && structure[l->gate + n] != 0) n++;
    return (double)l->kernels[n][0] * l->kernels[n][1];
}

static double value_of(const goss_space *s, const goss__term *m, const float *structure, int64_t outputs) {
    if (m->layer == s->t->n_layers && outputs == 0) return 0;
    if (!goss__structure_has(s->t, structure, m->inside)) return 0;
    return m->coef * live(s->t, m->in, structure) * live(s->t, m->out, structure) * area(s->t, m->kernel, structure) *
           (m->per_class ? (double)outputs : 1);
}

goss_space_figures goss_space_cost_of(const goss_space *s, const float *structure, int64_t outputs) {
    double sum[2] = {0, 0}, peak = 0, now = 0;
    int stage = -1;
    for (int i = 0; i < s->n_terms; i++) {
        const goss__term *m = &s->terms[i];
        const double v = value_of(s, m, structure, outputs);
        if (m->measure != GOSS__RAM) {
            sum[m->measure] += v;
            continue;
        }
        if (m->stage != stage) now = 0, stage = m->stage;
        now += v;
        if (now > peak) peak = now;
    }
    return (goss_space_figures){(int64_t)sum[GOSS__BYTES], (int64_t)sum[GOSS__MACS], (int64_t)peak};
}

void goss__space_layer_cost(const goss_space *s, const float *structure, int64_t outputs, int layer, int64_t *bytes,
                            int64_t *macs) {
    double sum[2] = {0, 0};
    for (int i = 0; i < s->n_terms; i++) {
        const goss__term *m = &s->terms[i];
        if (m->measure != GOSS__RAM && m->layer == layer) sum[m->measure] += value_of(s, m, structure, outputs);
    }
    *bytes = (int64_t)sum[GOSS__BYTES], *macs = (int64_t)sum[GOSS__MACS];
}

bool goss__space_within(const goss_space_figures *f, const goss_space_budget *b) {
    return (b->bytes <= 0 || f->bytes <= b->bytes) && (b->macs <= 0 || f->macs <= b->macs) &&
           (b->ram <= 0 || f->ram <= b->ram);
}
