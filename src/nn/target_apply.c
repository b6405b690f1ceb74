/* SPDX-License-Identifier: Apache-2.0 */
/* target_apply.c: building a target network in a graph.
 *
 * Each modulation site is followed by FiLM and the unit mask, in that order, so that a dead unit is 0 whatever its
 * shift; activations keep it 0. Masks multiply: a mask that is not 0/1 is a gate with a gradient. */
#include <stdio.h>
#include <string.h>

#include "nn/target.h"

struct goss__apply {
    const goss_target *t;
    const goss_weights *w;
    goss_target_context c;
    goss_graph *g;
    goss_val lengths; /* [T,N] live steps at this point, or GOSS_NONE */
    struct {
        goss_val before, body, lengths;
        bool shortcut;
    } stack[GOSS__TARGET_DEPTH + 2];
    int depth;
    int views;  /* copies of each sample, itself included */
    int blocks; /* published so far */
    bool in_block;
};

goss_target_context goss_target_context_defaults(void) { return (goss_target_context){.norm = GOSS_NORM_BATCH}; }

static goss_val weight(const goss__apply *a, const goss__layer *l, int i) {
    return goss__weights_at(a->w, l->first_entry + i);
}

goss_graph *goss__apply_graph(const goss__apply *a) { return a->g; }
goss_val goss__apply_lengths(const goss__apply *a) { return a->lengths; }
void goss__apply_set_lengths(goss__apply *a, goss_val lengths) { a->lengths = lengths; }

goss_val goss__apply_tensor(const goss__apply *a, const goss__layer *l, const char *suffix) {
    char name[64];
    snprintf(name, sizeof name, "%s.%s", l->name, suffix);
    const int i = goss_layout_find(a->t->layout, name);
    return i < 0 ? GOSS_NONE : goss__weights_at(a->w, i);
}

goss_val goss__layer_mask(const goss__layer *l, const goss_val *unit_mask) {
    goss_val m = unit_mask && l->units >= 0 ? unit_mask[l->units] : GOSS_NONE;
    if (!goss_valid(m) || l->repeat == 1) return m;
    goss_extent lead = goss_dim(m, 0), units = goss_dim(m, 1);
    m = goss_broadcast(goss_unsqueeze(m, 1), GOSS_SHAPE(lead, goss_n(l->repeat), units));
    return goss_reshape(m, GOSS_SHAPE(lead, goss_extent_mul(units, goss_n(l->repeat))));
}

static goss_val modulate(const goss__apply *a, const goss__layer *l, goss_val x) {
    goss_val scale = a->c.film_scale ? a->c.film_scale[l->site] : GOSS_NONE;
    goss_val shift = a->c.film_shift ? a->c.film_shift[l->site] : GOSS_NONE;
    return goss_affine(goss_affine(x, scale, shift), goss__layer_mask(l, a->c.unit_mask), GOSS_NONE);
}

goss_val goss__apply_conv(goss__apply *a, const goss__layer *l, goss_val x) {
    goss_conv_options o = {.stride_h = l->stride[0],
                           .stride_w = l->stride[1],
                           .dilation_h = l->dilation[0],
                           .dilation_w = l->dilation[1],
                           .groups = l->groups,
                           .pad_top = l->pad[0],
                           .pad_bottom = l->pad[0],
                           .pad_left = l->pad[1],
                           .pad_right = l->pad[1]};
    return goss_conv_bias(x, weight(a, l, 0), l->bias ? weight(a, l, 1) : GOSS_NONE, o);
}

goss_val goss__apply_dense(goss__apply *a, const goss__layer *l, goss_val x) {
    return goss_linear(x, weight(a, l, 0), l->bias ? weight(a, l, 1) : GOSS_NONE);
}

/* ---- norms ---- */

static bool batch_statistics(goss__apply *a, const goss__layer *l, goss_val x, goss_val *mean, goss_val *var) {
    goss_norm_statistics *s = a->c.statistics;
    goss_val weight = a->c.sample_weight;
    int i = l->batch_norm;
    goss__fold_steps(a, &x, &weight);
    *mean = *var = GOSS_NONE;
    if (a->c.norm == GOSS_NORM_GIVEN) {
        if (s) *mean = s->mean[i], *var = s->var[i];
    } else if (a->c.norm == GOSS_NORM_RUNNING) {
        *mean = goss__weights_at(a->c.running, 2 * i), *var = goss__weights_at(a->c.running, 2 * i + 1);
    } else if (a->c.norm == GOSS_NORM_SHARED) {
        goss_batch_stats_shared(x, weight, mean, var);
    } else {
        goss_batch_stats(x, weight, mean, var);
    }
    if (!mean->graph || !var->graph) {
        goss_graph_fail(a->g, GOSS_E_ARGUMENT, "batch norm: no statistics were given to normalise with");
        return false;
    }
    if (s && (a->c.norm == GOSS_NORM_BATCH || a->c.norm == GOSS_NORM_SHARED)) s->mean[i] = *mean, s->var[i] = *var;
    return true;
}

static goss_val batch_norm(goss__apply *a, const goss__layer *l, goss_val x) {
    goss_val mean, var;
    if (!batch_statistics(a, l, x, &mean, &var)) return (goss_val){a->g, 0};
    return goss_affine(goss_normalize(x, mean, var, GOSS__NORM_EPS), weight(a, l, 0), weight(a, l, 1));
}

static goss_val layer_norm(goss__apply *a, const goss__layer *l, goss_val x) {
    return goss_layer_norm(x, GOSS__NORM_EPS, goss__layer_mask(l, a->c.unit_mask));
}

static goss_val instance_norm(goss__apply *a, const goss__layer *l, goss_val x) {
    if (goss_valid(a->lengths)) return goss__group_norm_steps(a, x, (int)goss__flow_channels(&l->out_flow), GOSS_NONE);
    return goss_instance_norm(x, GOSS__NORM_EPS);
}

static goss_val group_norm(goss__apply *a, const goss__layer *l, goss_val x) {
    const goss_val units = goss__layer_mask(l, a->c.unit_mask);
    if (goss_valid(a->lengths)) return goss__group_norm_steps(a, x, l->groups, units);
    return goss_group_norm(x, l->groups, GOSS__NORM_EPS, units);
}

goss_val goss__apply_norm(goss__apply *a, const goss__layer *l, goss_val x) {
    static goss_val (*const by_kind[])(goss__apply *, const goss__layer *, goss_val) = {batch_norm, layer_norm,
                                                                                        instance_norm, group_norm};
    x = by_kind[l->norm](a, l, x);
    return l->batch_norm < 0 ? goss_affine(x, weight(a, l, 0), weight(a, l, 1)) : x;
}

/* ---- other layers ---- */

goss_val goss__apply_pool(goss__apply *a, const goss__layer *l, goss_val x) {
    if (l->pool == GOSS__POOL_GLOBAL) return goss_global_avg_pool(x);
    goss_pool_options o = {
        .size_h = l->kernel[0], .size_w = l->kernel[1], .stride_h = l->stride[0], .stride_w = l->stride[1]};
    return l->pool == GOSS__POOL_MAX ? goss_max_pool(x, o) : goss_avg_pool(x, o);
}

goss_val goss__apply_flatten(goss__apply *a, const goss__layer *l, goss_val x) { return goss_flatten(x); }

goss_val goss__apply_dropout(goss__apply *a, const goss__layer *l, goss_val x) {
    if (!goss_valid(a->c.dropout_task)) return x;
    return (l->channels ? goss_dropout_channels : goss_dropout)(x, l->rate, a->c.dropout_task);
}

/* ---- shifts ---- */

/* x shifted by `by` pixels along the axis, with the border repeated. */
static goss_val moved(goss_val x, int axis, int by) {
    const int64_t extent = goss_dim(x, axis).count, kept = extent - (by < 0 ? -by : by);
    goss_val border = goss_slice(x, axis, by > 0 ? 0 : extent - 1, 1),
             inside = goss_slice(x, axis, by > 0 ? 0 : -by, kept);
    goss_shape s = goss_shape_of(border);
    s.dim[axis] = goss_n(extent - kept);
    border = goss_broadcast(border, s);
    return goss_concat(by > 0 ? (goss_val[]){border, inside} : (goss_val[]){inside, border}, 2, axis);
}

/* Concatenates parts [T,N,...] to [T, n N, ...]. */
static goss_val side_by_side(const goss_val *parts, int n) {
    goss_val stacked[8];
    goss_shape s = goss_shape_of(parts[0]);
    for (int i = 0; i < n; i++) stacked[i] = goss_unsqueeze(parts[i], 1);
    s.dim[1] = goss_extent_mul(s.dim[1], goss_n(n));
    return goss_reshape(goss_concat(stacked, n, 1), s);
}

/* Copies become samples, so that one pass computes all and batch norms include all. */
goss_val goss__apply_shifts(goss__apply *a, const goss__layer *l, goss_val x) {
    if (a->c.training) return x;
    const goss_val w = a->c.sample_weight;
    a->views = 5;
    if (goss_valid(w)) a->c.sample_weight = side_by_side((goss_val[]){w, w, w, w, w}, a->views);
    return side_by_side((goss_val[]){x, moved(x, 2, l->pixels), moved(x, 2, -l->pixels), moved(x, 3, l->pixels),
                                     moved(x, 3, -l->pixels)},
                        a->views);
}

/* [T, views N, ...] -> [T, N, ...] */
static goss_val mean_of_views(const goss__apply *a, goss_val features, goss_extent samples) {
    goss_shape s = goss_shape_of(features), apart = {.rank = s.rank + 1, .dim = {s.dim[0], goss_n(a->views), samples}};
    for (int i = 2; i < s.rank; i++) apart.dim[i + 1] = s.dim[i];
    return a->views == 1 ? features : goss_mean(goss_reshape(features, apart), GOSS_AXIS(1), false);
}

goss_val goss__apply_relu(goss__apply *a, const goss__layer *l, goss_val x) { return goss_relu(x); }
goss_val goss__apply_gelu(goss__apply *a, const goss__layer *l, goss_val x) { return goss_gelu(x); }
goss_val goss__apply_silu(goss__apply *a, const goss__layer *l, goss_val x) { return goss_silu(x); }
goss_val goss__apply_tanh(goss__apply *a, const goss__layer *l, goss_val x) { return goss_tanh(x); }
goss_val goss__apply_elu(goss__apply *a, const goss__layer *l, goss_val x) { return goss_elu(x); }
goss_val goss__apply_leaky(goss__apply *a, const goss__layer *l, goss_val x) { return goss_leaky_relu(x, 0.01); }

/* residual, shortcut and end: save, exchange and add the two paths. */
static goss_val apply_marker(goss__apply *a, const goss__layer *l, goss_val x) {
    int top = a->depth - 1;
    if (goss__layer_is(l, "residual")) {
        a->stack[a->depth].before = x;
        a->stack[a->depth].lengths = a->lengths;
        a->stack[a->depth++].shortcut = false;
        return x;
    }
    if (goss__layer_is(l, "shortcut")) {
        a->stack[top].body = x;
        a->stack[top].shortcut = true;
        a->lengths = a->stack[top].lengths;
        return a->stack[top].before;
    }
    a->depth--;
    return a->stack[top].shortcut ? goss_add(a->stack[top].body, x) : goss_add(x, a->stack[top].before);
}

/* ---- published values ---- */

static void publish(const goss__apply *a, const char *role, const char *name, goss_val x) {
    char full[160];
    if (!a->c.publish) return;
    snprintf(full, sizeof full, "%s/%.100s%s", role, a->c.publish, name);
    goss_publish(a->g, full, x);
}

/* A block is a product layer, or a residual block, with the layers up to the next one or to the layer that turns maps
 * into features. x: the input of layer l (NULL: the output of the last one). */
static void follow_blocks(goss__apply *a, const goss__layer *l, goss_val x) {
    if (!a->c.publish || a->depth > 0) return;
    const bool begins = l && (l->kind->product || goss__layer_is(l, "residual"));
    if (a->in_block && (!l || begins || goss__layer_is(l, "flatten"))) {
        char name[24];
        snprintf(name, sizeof name, "block%d", ++a->blocks);
        publish(a, "features", name, x);
        a->in_block = false;
    }
    a->in_block |= begins;
}

/* ---- all layers ---- */

static goss_val apply_layer(goss__apply *a, const goss__layer *l, goss_val x) {
    if (!l->kind->apply) return apply_marker(a, l, x);
    goss_scope_push(a->g, l->name[0] ? l->name : l->kind->word);
    x = l->kind->apply(a, l, x);
    if (l->site >= 0) x = modulate(a, l, x);
    if (l->out_flow.rank == 2 && !l->kind->keeps_padding) x = goss__mask_steps(a, x);
    goss_scope_pop(a->g);
    if (l->name[0]) publish(a, "hidden", l->name, x);
    return x;
}

/* Checks that x and the weights fit this network; else a sticky error. */
static bool fits(const goss__apply *a, goss_val x) {
    const goss_target *t = a->t;
    if (!goss_valid(x) || !a->w) return false;
    bool same = goss_rank(x) == t->input.rank + 2;
    for (int i = 0; same && i < t->input.rank; i++) same = goss_extent_is(goss_dim(x, i + 2), t->input.dim[i]);
    if (!same) goss_graph_fail(a->g, GOSS_E_SHAPE, "target: the input does not have the network's extents");
    const goss_val lengths = a->lengths;
    if (lengths.graph) {
        const bool fit = goss_valid(lengths) && goss_rank(lengths) == 2 && t->input.rank == 2 && same &&
                         goss_extent_equal(goss_dim(lengths, 0), goss_dim(x, 0)) &&
                         goss_extent_equal(goss_dim(lengths, 1), goss_dim(x, 1));
        if (!fit) goss_graph_fail(a->g, GOSS_E_SHAPE, "target: lengths are [T,N], of the sequences that are its input");
        same &= fit;
    }
    bool known = goss__layout_same(goss_weights_layout(a->w), t->layout);
    if (!known) goss_graph_fail(a->g, GOSS_E_ARGUMENT, "target: the weights have another layout");
    bool running = a->c.norm != GOSS_NORM_RUNNING ||
                   (a->c.running && goss__layout_same(goss_weights_layout(a->c.running), t->statistics));
    if (!running) goss_graph_fail(a->g, GOSS_E_ARGUMENT, "target: running statistics are missing or of another layout");
    return same && known && running;
}

static goss_target_output apply(const goss_target *t, goss_val x, const goss_weights *w, const goss_target_context *c,
                                bool head) {
    goss__apply a = {.t = t, .w = w, .c = c ? *c : goss_target_context_defaults(), .g = x.graph, .views = 1};
    goss_target_output out = {{x.graph, 0}, GOSS_NONE, GOSS_NONE};
    a.lengths = a.c.lengths;
    if (!fits(&a, x)) return out;
    goss_extent samples = goss_dim(x, 1);
    goss_scope_push(a.g, "target");
    int n = t->n_layers - (t->outputs > 0);
    x = goss__mask_steps(&a, x);
    for (int i = 0; i < n; i++) {
        follow_blocks(&a, &t->layers[i], x);
        x = apply_layer(&a, &t->layers[i], x);
    }
    follow_blocks(&a, NULL, x);
    out.features = mean_of_views(&a, x, samples);
    publish(&a, "features", "out", out.features);
    if (t->features.rank == 2) out.lengths = a.lengths;
    if (head && t->outputs > 0) out.logits = apply_layer(&a, &t->layers[n], out.features);
    goss_scope_pop(a.g);
    return out;
}

goss_target_output goss_target_apply(const goss_target *t, goss_val x, const goss_weights *w,
                                     const goss_target_context *c) {
    return apply(t, x, w, c, true);
}

goss_val goss_target_features(const goss_target *t, goss_val x, const goss_weights *w, const goss_target_context *c) {
    return apply(t, x, w, c, false).features;
}

void goss_target_apply_episode(const goss_target *t, goss_val support, goss_val query, const goss_weights *w,
                               const goss_target_context *c, goss_target_output *support_out,
                               goss_target_output *query_out) {
    goss_norm_statistics recorded;
    memset(&recorded, 0, sizeof recorded);
    goss_target_context s = c ? *c : goss_target_context_defaults();
    if (s.norm == GOSS_NORM_GIVEN) s.norm = GOSS_NORM_BATCH;
    s.statistics = &recorded;
    *support_out = goss_target_apply(t, support, w, &s);
    if (s.norm != GOSS_NORM_RUNNING) s.norm = GOSS_NORM_GIVEN;
    *query_out = goss_target_apply(t, query, w, &s);
    if (c && c->statistics) *c->statistics = recorded;
}

goss_val goss_target_running_update(const goss_target *t, const goss_weights *running,
                                    const goss_norm_statistics *recorded, double momentum) {
    goss_graph *g = goss__weights_graph(running);
    goss_val slab = goss_weights_slab(running), parts[2 * GOSS_TARGET_MAX_NORMS];
    if (!goss_valid(slab) || goss_rank(slab) != 1 || !goss__layout_same(goss_weights_layout(running), t->statistics))
        return goss_graph_fail(g, GOSS_E_ARGUMENT,
                               "running statistics: the weights are not a parameter of this network's statistics");
    for (int i = 0; i < 2 * t->n_norms; i++) {
        goss_val v = i % 2 ? recorded->var[i / 2] : recorded->mean[i / 2];
        goss_extent c = goss_n(goss_layout_entry(t->statistics, i)->numel);
        if (!goss_valid(v) || !goss_shape_equal(goss_shape_of(v), GOSS_SHAPE(goss_n(1), c)))
            return goss_graph_fail(g, GOSS_E_SHAPE, "running statistics: norm %d was not recorded over all tasks",
                                   i / 2 + 1);
        parts[i] = goss_reshape(v, GOSS_SHAPE(c));
    }
    goss_val fresh = goss_detach(goss__concat_many(parts, 2 * t->n_norms, 0));
    return goss_add(slab, goss_scale(goss_sub(fresh, slab), momentum));
}
