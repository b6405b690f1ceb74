/* SPDX-License-Identifier: Apache-2.0 */
/* target_apply.c: building a target network in a graph.
 *
 * Each modulation site is followed by FiLM and the unit mask, in that order, so that a dead unit is 0 whatever its
 * shift; activations keep it 0. The units that gates of a structure close are masked where products read them and in
 * the embedding instead (target_gates.c says why); norms take statistics of live units either way. Of alternatives all
 * are computed where gates mix them, without gates only the first. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/target.h"

struct goss__apply {
    const goss_target *t;
    const goss_weights *w;
    goss_target_context c;
    goss_graph *g;
    goss_val lengths; /* [T,N] live steps at this point, or GOSS_NONE */
    struct {
        goss_val before, body; /* body: the paths that ended, together; GOSS_NONE: none did */
        goss_val lengths;      /* in front */
        const goss__layer *opener;
        int path; /* number of the present one */
    } stack[GOSS__TARGET_DEPTH + 2];
    int depth;
    goss_val *live; /* per unit group: what gates leave of it, or GOSS_NONE; NULL: no structure */
    int views;      /* copies of each sample, itself included */
    int blocks;     /* published so far */
    bool in_block;
};

goss_target_context goss_target_context_defaults(void) { return (goss_target_context){.norm = GOSS_NORM_BATCH}; }

static goss_val weight(const goss__apply *a, const goss__layer *l, int i) {
    return goss__weights_at(a->w, l->first_entry + i);
}

goss_graph *goss__apply_graph(const goss__apply *a) { return a->g; }
goss_val goss__apply_dropout_task(const goss__apply *a) { return a->c.dropout_task; }
goss_val goss__apply_lengths(const goss__apply *a) { return a->lengths; }
void goss__apply_set_lengths(goss__apply *a, goss_val lengths) { a->lengths = lengths; }

goss_val goss__state_before(const goss__apply *a, const goss__layer *l, int k) {
    return a->c.carry ? a->c.carry->before[l->first_state + k] : GOSS_NONE;
}

void goss__keep_state(const goss__apply *a, const goss__layer *l, int k, goss_val after) {
    if (a->c.carry) a->c.carry->after[l->first_state + k] = after;
}

goss_val goss__apply_tensor(const goss__apply *a, const goss__layer *l, const char *suffix) {
    char name[64];
    snprintf(name, sizeof name, "%s.%s", l->name, suffix);
    const int i = goss_layout_find(a->t->layout, name);
    return i < 0 ? GOSS_NONE : goss__weights_at(a->w, i);
}

goss_val goss__for_weights(const goss__apply *a, const goss__layer *l, goss_val x) {
    const size_t n = strlen(l->name);
    if (!goss_valid(x) || !goss_extent_is(goss_dim(x, 0), 1)) return x;
    goss_shape s = goss_shape_of(x);
    for (int i = 0; i < goss_layout_count(a->t->layout); i++) {
        const char *name = goss_layout_entry(a->t->layout, i)->name;
        if (strncmp(name, l->name, n) != 0 || name[n] != '.') continue;
        const goss_val w = goss__weights_at(a->w, i);
        if (goss_valid(w) && !goss_extent_is(goss_dim(w, 0), 1)) s.dim[0] = goss_dim(w, 0);
    }
    return goss_broadcast(x, s);
}

/* The mask [Tw, channels] of channels that are `repeat` times the units of a group. */
static goss_val channel_mask(const goss_val *unit_mask, int group, int repeat) {
    goss_val m = unit_mask && group >= 0 ? unit_mask[group] : GOSS_NONE;
    if (!goss_valid(m) || repeat == 1) return m;
    goss_extent lead = goss_dim(m, 0), units = goss_dim(m, 1);
    m = goss_broadcast(goss_unsqueeze(m, 1), GOSS_SHAPE(lead, goss_n(repeat), units));
    return goss_reshape(m, GOSS_SHAPE(lead, goss_extent_mul(units, goss_n(repeat))));
}

goss_val goss__layer_mask(const goss__layer *l, const goss_val *unit_mask) {
    return channel_mask(unit_mask, l->units, l->repeat);
}

/* What a reader of units gets of x. */
static goss_val read_units(const goss__apply *a, goss_val x, int group, int repeat) {
    return goss_affine(x, channel_mask(a->live, group, repeat), GOSS_NONE);
}

static goss_val both(goss_val mask, goss_val live) {
    if (!goss_valid(mask) || !goss_valid(live)) return goss_valid(mask) ? mask : live;
    return goss_mul(mask, live);
}

/* The live units in the statistics of a norm. */
static goss_val norm_mask(const goss__apply *a, const goss__layer *l) {
    return both(goss__layer_mask(l, a->c.unit_mask), goss__layer_mask(l, a->live));
}

goss_val goss__apply_live(const goss__apply *a, const goss__layer *l) {
    const int group = goss__layer_open_units(l);
    return both(channel_mask(a->c.unit_mask, group, 1), channel_mask(a->live, group, 1));
}

static goss_val modulate(const goss__apply *a, const goss__layer *l, goss_val x) {
    goss_val scale = a->c.film_scale ? a->c.film_scale[l->site] : GOSS_NONE;
    goss_val shift = a->c.film_shift ? a->c.film_shift[l->site] : GOSS_NONE;
    return goss_affine(goss_affine(x, scale, shift), goss__layer_mask(l, a->c.unit_mask), GOSS_NONE);
}

goss_val goss__apply_kernel(const goss__apply *a, const goss__layer *l, goss_val w) {
    return l->n_kernels && goss_valid(a->c.structure) ? goss_mul(w, goss__gates_kernel(l, a->c.structure)) : w;
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
    return goss_conv_bias(x, goss__apply_kernel(a, l, weight(a, l, 0)), l->bias ? weight(a, l, 1) : GOSS_NONE, o);
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
    return goss_layer_norm(x, GOSS__NORM_EPS, norm_mask(a, l));
}

static goss_val instance_norm(goss__apply *a, const goss__layer *l, goss_val x) {
    if (goss_valid(a->lengths)) return goss__group_norm_steps(a, x, (int)goss__flow_channels(&l->out_flow), GOSS_NONE);
    return goss_instance_norm(x, GOSS__NORM_EPS);
}

static goss_val group_norm(goss__apply *a, const goss__layer *l, goss_val x) {
    const goss_val units = norm_mask(a, l);
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
    if (goss_rank(x) == 4 && !l->channels) return goss__dropout_steps(l, x, a->c.dropout_task);
    return (l->channels ? goss_dropout_channels : goss_dropout)(x, l->rate, a->c.dropout_task);
}

/* ---- columns ---- */

goss_val goss__apply_columns(goss__apply *a, const goss__layer *l, goss_val x) {
    if (goss__layer_columns_open(l)) return goss_affine(x, goss__layer_mask(l, a->c.unit_mask), GOSS_NONE);
    goss_val run[GOSS__COLUMNS / 2];
    int n = 0;
    for (int64_t i = 0, end; i < GOSS__COLUMNS; i = end + 1) {
        for (end = i; end < GOSS__COLUMNS && goss__layer_has_column(l, end);) end++;
        if (end > i) run[n++] = goss_slice(x, 2, i, end - i);
    }
    return goss__concat_many(run, n, 2);
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

/* ---- parts: residual, beside, optional, choose ---- */

/* A path has ended with x: its share in what the part yields. */
static goss_val path_share(const goss__apply *a, const goss__layer *opener, int path, goss_val x) {
    if (!goss__layer_is(opener, "choose")) return x;
    if (goss_valid(a->c.structure))
        return goss_mul(x, goss__gates_factor(a->c.structure, opener->gate + path, goss_rank(x)));
    return path == 0 ? x : GOSS_NONE;
}

/* Both behind each other; the input may be one for all tasks. */
static goss_val beside(goss_val before, goss_val body) {
    goss_shape s = goss_shape_of(before);
    s.dim[0] = goss_dim(body, 0);
    return goss_concat((goss_val[]){goss_broadcast(before, s), body}, 2, goss_rank(body) - 1);
}

/* What the paths yield together; the last one ended with x. */
static goss_val join_paths(const goss__apply *a, int top, goss_val x) {
    const goss__layer *opener = a->stack[top].opener;
    const goss_val before = a->stack[top].before, body = a->stack[top].body;
    if (goss__layer_is(opener, "optional"))
        return goss_valid(a->c.structure)
                   ? goss_lerp(before, x, goss__gates_factor(a->c.structure, opener->gate, goss_rank(x)))
                   : x;
    const goss_val share = path_share(a, opener, a->stack[top].path, x);
    if (goss__layer_is(opener, "beside")) return beside(before, x);
    if (goss__layer_is(opener, "residual") && a->stack[top].path == 0) return goss_add(x, before);
    return goss_valid(body) && goss_valid(share) ? goss_add(body, share) : goss_valid(body) ? body : share;
}

/* Saves, exchanges and joins the paths. */
static goss_val apply_marker(goss__apply *a, const goss__layer *l, goss_val x) {
    const int top = a->depth - 1;
    if (l->kind->marks == GOSS__OPENS) {
        a->stack[a->depth].before = x;
        a->stack[a->depth].lengths = a->lengths;
        a->stack[a->depth].body = GOSS_NONE;
        a->stack[a->depth].path = 0;
        a->stack[a->depth++].opener = l;
        return x;
    }
    if (l->kind->marks == GOSS__TURNS) {
        const goss_val share = path_share(a, a->stack[top].opener, a->stack[top].path++, x), body = a->stack[top].body;
        a->stack[top].body = goss_valid(body) && goss_valid(share) ? goss_add(body, share)
                             : goss_valid(body)                    ? body
                                                                   : share;
        a->lengths = a->stack[top].lengths;
        return a->stack[top].before;
    }
    x = join_paths(a, top, x);
    a->depth--;
    return x;
}

/* ---- published values ---- */

static void publish(const goss__apply *a, const char *role, const char *name, goss_val x) {
    char full[160];
    if (!a->c.publish) return;
    snprintf(full, sizeof full, "%s/%.100s%s", role, a->c.publish, name);
    goss_publish(a->g, full, x);
}

/* A block is a product layer, or a part in braces, with the layers up to the next one or to the layer that turns maps
 * into features. x: the input of layer l (NULL: the output of the last one). */
static void follow_blocks(goss__apply *a, const goss__layer *l, goss_val x) {
    if (!a->c.publish || a->depth > 0) return;
    const bool begins = l && (l->kind->product || l->kind->marks == GOSS__OPENS);
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
    if (l->kind->product || l->kind->declare) x = read_units(a, x, l->in_units, l->in_repeat);
    x = l->kind->apply(a, l, x);
    if (l->site >= 0) x = modulate(a, l, x);
    if (l->kind->opaque) x = goss_affine(x, goss__layer_mask(l, a->c.unit_mask), GOSS_NONE);
    if (l->out_flow.rank == 2 && !l->kind->keeps_padding) x = goss__mask_steps(a, x);
    if (l->out_flow.rank != 2) a->lengths = GOSS_NONE; /* features are whole */
    goss_scope_pop(a->g);
    if (l->name[0]) publish(a, "hidden", l->name, x);
    return x;
}

/* Checks that x and the weights fit this network; else a sticky error. */
static bool fits(const goss__apply *a, goss_val x) {
    const goss_target *t = a->t;
    if (!goss_valid(x) || !a->w) return false;
    bool same = goss_rank(x) == t->input.rank + 2;
    for (int i = 0; same && i < t->input.rank; i++) {
        const bool any = i == 0 && t->input.rank == 2 && a->lengths.graph; /* samples up to that length */
        same = goss_extent_is(goss_dim(x, i + 2), t->input.dim[i]) || (any && (a->c.carry || goss_dim(x, 2).symbols));
    }
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
    const goss_val gates = a->c.structure;
    bool structure = !gates.graph || (goss_valid(gates) && goss_rank(gates) == 2 && t->n_gates > 0 &&
                                      goss_extent_is(goss_dim(gates, 1), t->n_gates));
    if (!structure) goss_graph_fail(a->g, GOSS_E_SHAPE, "target: a structure has shape [T, %d]", t->n_gates);
    return same && known && running && structure;
}

/* What gates leave of each unit group. Owns: goss__free. */
static bool find_live(goss__apply *a) {
    const goss_target *t = a->t;
    if (!goss_valid(a->c.structure)) return true;
    a->live = goss__calloc((size_t)t->n_units, sizeof *a->live);
    for (int i = 0; a->live && i < t->n_units; i++) a->live[i] = goss__gates_units(t, i, a->c.structure);
    if (!a->live) goss_graph_fail(a->g, GOSS_E_NOMEM, "no memory for a network");
    return a->live != NULL;
}

static goss_target_output apply(const goss_target *t, goss_val x, const goss_weights *w, const goss_target_context *c,
                                bool head) {
    goss__apply a = {.t = t, .w = w, .c = c ? *c : goss_target_context_defaults(), .g = x.graph, .views = 1};
    goss_target_output out = {{x.graph, 0}, GOSS_NONE, GOSS_NONE};
    a.lengths = a.c.lengths;
    if (!fits(&a, x) || !find_live(&a)) return out;
    goss_extent samples = goss_dim(x, 1);
    goss_scope_push(a.g, "target");
    int n = t->n_layers - (t->outputs > 0);
    x = goss__mask_steps(&a, x);
    const goss_val given = x;
    const bool all = t->fixed_steps || (t->features.rank == 2 && !a.c.batch_steps);
    if (all && t->input.rank == 2) x = goss__all_steps(x, t->input.dim[0]);
    for (int i = 0; i < n; i++) {
        follow_blocks(&a, &t->layers[i], x);
        x = apply_layer(&a, &t->layers[i], x);
    }
    follow_blocks(&a, NULL, x);
    if (n > 0) x = read_units(&a, x, t->layers[n - 1].units, t->layers[n - 1].repeat);
    goss__free(a.live);
    a.live = NULL; /* the head reads what is masked */
    out.features = mean_of_views(&a, x, samples);
    if (a.c.batch_steps && t->features.rank == 2) out.features = goss__first_steps(out.features, given);
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
