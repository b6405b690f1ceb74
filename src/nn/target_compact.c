/* SPDX-License-Identifier: Apache-2.0 */
/* target_compact.c: the smaller network that equals a masked one.
 *
 * A dead unit is 0 after its site and stays 0 through activations, pools and sums, so that its readers can omit it. The
 * smaller network has the same text with smaller widths; its weights are the rows and columns of live units. */
#include "base/alloc.h"
#include "nn/target.h"

static bool alive(const goss_target *t, const float *const *masks, int group, int64_t channel) {
    return group < 0 || !masks[group] || masks[group][channel % goss_target_units_count(t, group)] != 0;
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
        if (masks[g] && living == 0)
            return goss_error_set(err, GOSS_E_ARGUMENT, "compact: %s: no unit is left", goss_target_units_name(t, g));
    }
    return GOSS_OK;
}

static int64_t count_living(const goss_target *t, const float *const *masks, int group, int64_t from, int64_t to) {
    int64_t n = 0;
    for (int64_t i = from; i < to; i++) n += alive(t, masks, group, i);
    return n;
}

/* A group norm keeps its number of groups, so that each must lose the same number of units. */
static goss_status check_groups(const goss_target *t, const float *const *masks, const goss__layer *l,
                                goss_error *err) {
    if (!goss__layer_is(l, "norm") || l->norm != GOSS__NORM_GROUP) return GOSS_OK;
    int64_t per_group = goss__flow_channels(&l->out_flow) / l->groups;
    int64_t first = count_living(t, masks, l->units, 0, per_group);
    for (int g = 1; g < l->groups; g++)
        if (count_living(t, masks, l->units, g * per_group, (g + 1) * per_group) != first)
            return goss_error_set(err, GOSS_E_UNSUPPORTED,
                                  "compact: the groups of %s are left with unequal numbers of units", l->name);
    return GOSS_OK;
}

/* The text of the network with the remaining widths. */
static goss_status write_smaller(const goss_target *t, const float *const *masks, goss__str *text, goss_error *err) {
    goss_target small = *t;
    small.layers = goss__alloc((size_t)t->n_layers * sizeof *small.layers);
    goss_status status = small.layers ? GOSS_OK : GOSS_E_NOMEM;
    for (int i = 0; status == GOSS_OK && i < t->n_layers; i++) {
        const goss__layer *l = &t->layers[i];
        small.layers[i] = *l;
        status = check_groups(t, masks, l, err);
        if (!l->kind->product || l->units < 0) continue;
        small.layers[i].out = count_living(t, masks, l->units, 0, l->out);
        if (l->groups > 1) small.layers[i].groups = (int)small.layers[i].out; /* depthwise: others cannot be masked */
    }
    if (status == GOSS_OK) status = goss__target_write(&small, text);
    goss__free(small.layers);
    return status == GOSS_E_NOMEM ? goss_error_set(err, status, "out of memory for a network") : status;
}

/* Copies the rows and columns of live units. */
static void copy_entry(const goss_target *t, const float *const *masks, const goss_entry *e, const float *from,
                       float *to) {
    int64_t out = e->dim[e->rank - 1], in = e->rank > 1 ? e->dim[e->rank - 2] : 1, outer = e->numel / (in * out);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < in; i++)
            for (int64_t j = 0; j < out; j++, from++)
                if (alive(t, masks, e->in_units, i) && alive(t, masks, e->out_units, j)) *to++ = *from;
}

static goss_status copy_numbers(const goss_target *t, const float *const *masks, const goss_layout *old,
                                const goss_layout *fresh, const float *from, float **out, goss_error *err) {
    *out = goss__alloc((size_t)goss_layout_total(fresh) * sizeof **out);
    if (!*out) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for weights");
    for (int i = 0; i < goss_layout_count(old); i++) {
        const goss_entry *e = goss_layout_entry(old, i);
        copy_entry(t, masks, e, from + e->offset, *out + goss_layout_offset(fresh, i));
    }
    return GOSS_OK;
}

static goss_status compact(const goss_target *t, const float *const *masks, const float *slab, const float *statistics,
                           goss_target **out, float **out_slab, float **out_statistics, goss_error *err) {
    goss__str text = {0};
    goss_status status = write_smaller(t, masks, &text, err);
    if (status == GOSS_OK) status = goss_target_parse(text.data, t->input.dim, t->input.rank, t->outputs, out, err);
    goss__str_free(&text);
    if (status == GOSS_OK && slab && out_slab)
        status = copy_numbers(t, masks, t->layout, (*out)->layout, slab, out_slab, err);
    if (status == GOSS_OK && statistics && out_statistics)
        status = copy_numbers(t, masks, t->statistics, (*out)->statistics, statistics, out_statistics, err);
    return status;
}

goss_status goss_target_compact(const goss_target *t, const float *const *masks, const float *slab,
                                const float *statistics, goss_target **out, float **out_slab, float **out_statistics,
                                goss_error *err) {
    goss_target *made = NULL;
    float *new_slab = NULL, *new_statistics = NULL;
    GOSS_TRY(check_masks(t, masks, err));
    goss_status status = compact(t, masks, slab, statistics, &made, out_slab ? &new_slab : NULL,
                                 out_statistics ? &new_statistics : NULL, err);
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

void goss_numbers_free(float *numbers) { goss__free(numbers); }
