/* SPDX-License-Identifier: Apache-2.0 */
/* target_compact.c: the smaller network that equals a masked one, or one of those that a text with choices leaves open.
 *
 * A dead unit is 0 after its site and stays 0 through activations, pools and sums, so that its readers can omit it. The
 * smaller network has the same text with smaller widths and kernels and without the parts that are not chosen; its
 * weights are the rows and columns of live units and the inner taps of kernels. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/target.h"

/* What is left: masks of 0 and 1 or NULL per unit group (or NULL), a structure or NULL for a text without choices. */
typedef struct left {
    const goss_target *t;
    const float *const *masks;
    const float *structure;
    goss_target small; /* with the layers that are there */
} left;

static bool chosen(const left *k, int group, int64_t unit) {
    const goss__unit_choice *c = &k->t->unit_choice[group];
    const int64_t place = c->count ? unit % c->per - c->core : -1;
    return place < 0 || k->structure[c->gate + place / c->step] != 0;
}

static bool alive(const left *k, int group, int64_t channel) {
    if (group < 0) return true;
    const int64_t unit = channel % goss_target_units_count(k->t, group);
    if (k->masks && k->masks[group] && k->masks[group][unit] == 0) return false;
    return !k->structure || chosen(k, group, unit);
}

/* Heads stay of equal width. */
static goss_status check_heads(const goss_target *t, int group, const float *mask, goss_error *err) {
    const goss__layer *l = &t->layers[t->unit_layer[group]];
    const int64_t width = l->inner == group ? goss__layer_head_width(l) : 1;
    for (int64_t i = 0; mask && i < t->unit_count[group]; i++)
        if (mask[i] != mask[i / width * width])
            return goss_error_set(err, GOSS_E_UNSUPPORTED, "compact: head %lld of %s is masked in part",
                                  (long long)(i / width), l->name);
    return GOSS_OK;
}

static goss_status check_masks(const goss_target *t, const float *const *masks, goss_error *err) {
    for (int g = 0; g < t->n_units; g++) {
        int64_t living = 0, n = goss_target_units_count(t, g);
        for (int64_t i = 0; masks[g] && i < n; i++) {
            if (masks[g][i] != 0 && masks[g][i] != 1)
                return goss_error_set(err, GOSS_E_ARGUMENT, "compact: %s: the mask of unit %lld is %g, neither 0 nor 1",
                                      goss_target_units_name(t, g), (long long)i, (double)masks[g][i]);
            living += masks[g][i] != 0;
        }
        GOSS_TRY(check_heads(t, g, masks[g], err));
        if (masks[g] && living == 0)
            return goss_error_set(err, GOSS_E_ARGUMENT, "compact: %s: no unit is left", goss_target_units_name(t, g));
    }
    return GOSS_OK;
}

static int64_t count_living(const left *k, int group, int64_t from, int64_t to) {
    int64_t n = 0;
    for (int64_t i = from; i < to; i++) n += alive(k, group, i);
    return n;
}

/* A group norm keeps its number of groups, so that each must lose the same number of units. */
static goss_status check_groups(const left *k, const goss__layer *l, goss_error *err) {
    if (!goss__layer_is(l, "norm") || l->norm != GOSS__NORM_GROUP) return GOSS_OK;
    int64_t per_group = goss__flow_channels(&l->out_flow) / l->groups;
    int64_t first = count_living(k, l->units, 0, per_group);
    for (int g = 1; g < l->groups; g++)
        if (count_living(k, l->units, g * per_group, (g + 1) * per_group) != first)
            return goss_error_set(err, GOSS_E_UNSUPPORTED,
                                  "compact: the groups of %s are left with unequal numbers of units", l->name);
    return GOSS_OK;
}

/* ---- the smaller network's layers ---- */

/* The number of rings that are left of a layer's kernel. */
static int kernel_left(const left *k, const goss__layer *l) {
    int n = 0;
    while (k->structure && n < l->n_kernels - 1 && k->structure[l->gate + n] != 0) n++;
    return n;
}

static void shrink_kernel(const left *k, goss__layer *l) {
    memcpy(l->kernel, l->kernels[kernel_left(k, l)], sizeof l->kernel);
    for (int i = 0; i < 2; i++) l->pad[i] = l->dilation[i] * (l->kernel[i] - 1) / 2;
    l->n_kernels = 0;
}

/* Those that are left, by number. */
static void shrink_columns(const left *k, goss__layer *l) {
    const int64_t all = goss__flow_channels(&l->out_flow);
    l->low = l->out = 0;
    for (int64_t i = 0; i < all; i++)
        if (alive(k, l->units, i)) l->columns[i / 64] |= (uint64_t)1 << i % 64, l->out++;
}

static void shrink_heads(const left *k, goss__layer *l) {
    l->width = goss__layer_head_width(l);
    l->heads = (int)(count_living(k, l->inner, 0, goss__layer_heads_width(l)) / l->width);
    l->low = l->step = 0;
    l->nested = false;
}

/* Whether a layer is in the smaller network, as what *l becomes. */
static bool shrink_layer(const left *k, goss__layer *l) {
    if (!goss__structure_has(k->t, k->structure, l->inside)) return false;
    if (goss__layer_columns_open(l)) shrink_columns(k, l);
    if (l->n_kernels) shrink_kernel(k, l);
    if (l->inner >= 0) shrink_heads(k, l);
    if (!l->kind->product || l->units < 0) return true;
    l->out = count_living(k, l->units, 0, l->out);
    l->low = l->step = 0;
    l->nested = false;
    if (l->groups > 1) l->groups = (int)l->out; /* depthwise: others cannot be masked */
    return true;
}

static goss_status shrink_layers(left *k, goss_error *err) {
    const goss__layer *opener[GOSS__TARGET_DEPTH + 2];
    int depth = 0;
    goss_target *s = &k->small;
    for (int i = 0; i < k->t->n_layers; i++) {
        const goss__layer *l = &k->t->layers[i];
        if (l->kind->marks == GOSS__OPENS) opener[depth++] = l;
        /* Braces of what was chosen go, those of sums and of what stands beside its input stay. */
        const bool braces = !l->kind->marks || goss__layer_keeps_input(opener[depth - 1]);
        if (l->kind->marks == GOSS__CLOSES) depth--;
        s->layers[s->n_layers] = *l;
        if (!braces || !shrink_layer(k, &s->layers[s->n_layers])) continue;
        GOSS_TRY(check_groups(k, l, err));
        s->n_layers++;
    }
    for (int i = 0; i < s->n_layers; i++)
        s->layers[i].has_bias = s->layers[i].bias && i + 1 < s->n_layers && goss__layer_is(&s->layers[i + 1], "norm");
    return GOSS_OK;
}

/* ---- numbers ---- */

/* Copies the rows and columns of live units and the inner taps of the kernel. */
static void copy_entry(const left *k, const goss__layer *l, const goss_entry *e, const float *from, float *to) {
    const int64_t out = e->dim[e->rank - 1], in = e->rank > 1 ? e->dim[e->rank - 2] : 1;
    const int64_t width = e->rank == 4 ? e->dim[1] : 1, outer = e->numel / (in * out);
    const int64_t width_left = l->kind->by_width ? count_living(k, e->in_units, 0, in) : in;
    const float factor = width_left == in ? 1 : (float)sqrt((double)width_left / (double)in);
    int edge[2] = {0, 0};
    for (int i = 0; e->rank == 4 && l->n_kernels && i < 2; i++)
        edge[i] = (l->kernel[i] - l->kernels[kernel_left(k, l)][i]) / 2;
    for (int64_t o = 0; o < outer; o++) {
        const int64_t y = o / width, x = o % width;
        const bool inner = y >= edge[0] && y < outer / width - edge[0] && x >= edge[1] && x < width - edge[1];
        for (int64_t i = 0; i < in; i++)
            for (int64_t j = 0; j < out; j++, from++)
                if (inner && alive(k, e->in_units, i) && alive(k, e->out_units, j)) *to++ = factor * *from;
    }
}

/* The tensors of the layers that are there, in their order: of the weights, or of the statistics. */
static goss_status copy_numbers(const left *k, bool statistics, const goss_layout *fresh, const float *from,
                                float **out, goss_error *err) {
    const goss_layout *old = statistics ? k->t->statistics : k->t->layout;
    int next = 0;
    *out = goss__alloc((size_t)goss_layout_total(fresh) * sizeof **out);
    if (!*out) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for weights");
    for (int i = 0; i < k->t->n_layers; i++) {
        const goss__layer *l = &k->t->layers[i];
        const int first = statistics ? 2 * l->batch_norm : l->entries_from;
        const int n = !statistics ? l->entries : l->batch_norm >= 0 ? 2 : 0;
        for (int j = 0; j < n && goss__structure_has(k->t, k->structure, l->inside); j++) {
            const goss_entry *e = goss_layout_entry(old, first + j);
            copy_entry(k, l, e, from + e->offset, *out + goss_layout_offset(fresh, next++));
        }
    }
    return GOSS_OK;
}

/* ---- both ---- */

static goss_status write_smaller(left *k, goss__str *text, goss_error *err) {
    k->small = (goss_target){.layers = goss__alloc((size_t)(k->t->n_layers + 1) * sizeof *k->small.layers)};
    goss_status status = k->small.layers ? shrink_layers(k, err) : GOSS_E_NOMEM;
    if (status == GOSS_OK) status = goss__target_write(&k->small, text);
    goss__free(k->small.layers);
    return status == GOSS_E_NOMEM ? goss_error_set(err, status, "out of memory for a network") : status;
}

static goss_status compact(left *k, const float *slab, const float *statistics, goss_target **out, float **out_slab,
                           float **out_statistics, goss_error *err) {
    const goss_target *t = k->t;
    goss__str text = {0};
    goss_status status = write_smaller(k, &text, err);
    if (status == GOSS_OK) status = goss_target_parse(text.data, t->input.dim, t->input.rank, t->outputs, out, err);
    goss__str_free(&text);
    if (status == GOSS_OK && slab && out_slab) status = copy_numbers(k, false, (*out)->layout, slab, out_slab, err);
    if (status == GOSS_OK && statistics && out_statistics)
        status = copy_numbers(k, true, (*out)->statistics, statistics, out_statistics, err);
    return status;
}

/* Of a text with choices the network as it is without gates: everything, and first alternatives. */
static float *largest(const goss_target *t) {
    float *structure = goss__alloc((size_t)t->n_gates * sizeof *structure);
    for (int i = 0; structure && i < t->n_gates; i++) structure[i] = 1;
    for (int i = 0; structure && i < t->n_groups; i++) {
        const goss_space_group_info *g = &t->groups[i].info;
        for (int k = 1; g->rule == GOSS_RULE_ONE && k < g->count; k++) structure[g->first + k] = 0;
    }
    return structure;
}

goss_status goss__target_shrink(const goss_target *t, const float *const *masks, const float *structure,
                                const float *slab, const float *statistics, goss_target **out, float **out_slab,
                                float **out_statistics, goss_error *err) {
    left k = {.t = t, .masks = masks, .structure = structure};
    goss_target *made = NULL;
    float *new_slab = NULL, *new_statistics = NULL;
    goss_status status =
        compact(&k, slab, statistics, &made, out_slab ? &new_slab : NULL, out_statistics ? &new_statistics : NULL, err);
    if (status != GOSS_OK) {
        goss_target_free(made);
        goss__free(new_slab);
        goss__free(new_statistics);
        return status;
    }
    *out = made;
    if (out_slab) *out_slab = new_slab;
    if (out_statistics) *out_statistics = new_statistics;
    return GOSS_OK;
}

goss_status goss_target_compact(const goss_target *t, const float *const *masks, const float *slab,
                                const float *statistics, goss_target **out, float **out_slab, float **out_statistics,
                                goss_error *err) {
    GOSS_TRY(check_masks(t, masks, err));
    float *structure = t->n_gates ? largest(t) : NULL;
    if (t->n_gates && !structure) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for a network");
    goss_status s = goss__target_shrink(t, masks, structure, slab, statistics, out, out_slab, out_statistics, err);
    goss__free(structure);
    return s;
}

void goss_numbers_free(float *numbers) { goss__free(numbers); }
