/* SPDX-License-Identifier: Apache-2.0 */
/* share_plan.c: which tensors the parts of a target's weights need, by name, shape and starting values.
 *
 * Variances: a sum of K tensors with codes 1 / sqrt(K) has the variance of one; so has a product of cores whose later
 * ones have variance 1 / R. */
#include <stdio.h>
#include <string.h>

#include "share/share.h"

int goss__share_layer_size(const char *tensor) {
    const char *dot = strrchr(tensor, '.');
    return (int)(dot ? dot - tensor : (long)strlen(tensor));
}

bool goss__share_is_constant(const goss_entry *e) { return !(goss_entry_deviation(e) > 0); }

/* ---- entries ---- */

/* Adds the entry, or finds the one of that name, which is of the same shape by its name. */
static goss_status add(goss_share *s, goss_entry e, const char *name, int *at, goss_error *err) {
    *at = goss_layout_find(s->layout, name);
    if (*at >= 0) return GOSS_OK;
    e.name = name, e.out_units = e.in_units = -1;
    GOSS_TRY(goss_layout_add(s->layout, &e, err));
    *at = goss_layout_count(s->layout) - 1;
    return GOSS_OK;
}

/* Learned numbers a task and column: codes, logits. No weight decay. */
static goss_status add_rows(goss_share *s, int64_t columns, const char *name, int *at, goss_error *err) {
    const goss_entry e = {
        .rank = 2, .dim = {s->options.tasks, columns}, .init = GOSS_INIT_NORMAL, .role = GOSS_ROLE_BIAS, .layer = -1};
    return add(s, e, name, at, err);
}

/* The tensor with an axis of `rows` in front; 0: as it is. */
static goss_entry stacked(const goss_entry *of, int64_t rows) {
    goss_entry e = *of;
    if (rows == 0) return e;
    e.rank++;
    memmove(e.dim + 1, e.dim, (size_t)of->rank * sizeof *e.dim);
    e.dim[0] = rows;
    return e;
}

/* ---- parts ---- */

/* Cores [n_1, R], [R, n_2, R], .. [R, n_d, R] of the tensor's axes; constants have a single one over all numbers. */
static goss_status plan_train(goss_share *s, const goss_entry *of, goss__part *part, const char *base,
                              goss_error *err) {
    const bool one = goss__share_is_constant(of) || of->rank == 1;
    char name[200];
    part->matrices = one ? 1 : of->rank;
    for (int i = 0; i < part->matrices; i++) {
        const int64_t n = one ? of->numel : of->dim[i];
        goss_entry e = {.rank = 2,
                        .dim = {n, part->K},
                        .init = of->init,
                        .value = of->value,
                        .fan_in = of->fan_in,
                        .role = of->role};
        if (i > 0)
            e = (goss_entry){
                .rank = 3, .dim = {part->K, n, part->K}, .init = GOSS_INIT_LECUN, .fan_in = part->K, .role = of->role};
        e.layer = of->layer, e.fan_out = part->K;
        int at;
        snprintf(name, sizeof name, "%s%d", base, i + 1);
        GOSS_TRY(add(s, e, name, &at, err));
        if (i == 0) part->matrix = at;
    }
    return GOSS_OK;
}

/* "bank4.3x3x8x8.w": gains and shifts of one shape are no layers of each other's. */
static void bank_name(char *out, size_t size, const goss_entry *of, int64_t K) {
    int n = snprintf(out, size, "bank%lld.", (long long)K);
    for (int i = 0; i < of->rank && n < (int)size; i++)
        n += snprintf(out + n, size - (size_t)n, "%s%lld", i ? "x" : "", (long long)of->dim[i]);
    if (n < (int)size) snprintf(out + n, size - (size_t)n, "%s", of->name + goss__share_layer_size(of->name));
}

/* Where a later part's codes begin at 0 its tensors must not be 0, too: there would be no gradient. */
static goss_entry like(const goss_entry *of, int p, const goss__part *part) {
    goss_entry e = *of;
    const bool random = p > 0 && part->kind->codes == GOSS__CODES_FREE && !part->kind->square;
    if (random && goss__share_is_constant(of)) e.init = GOSS_INIT_LECUN;
    return e;
}

static goss_status plan_matrix(goss_share *s, const goss_entry *tensor, int p, goss__part *part, goss_error *err) {
    char name[200], place[8] = "";
    const goss_entry e = like(tensor, p, part), *of = &e;
    if (p > 0) snprintf(place, sizeof place, "%d", p + 1);
    if (part->kind->train) {
        snprintf(name, sizeof name, "%s.train%s%s", of->name, place, p > 0 ? "." : "");
        return plan_train(s, of, part, name, err);
    }
    part->matrices = 1;
    if (part->kind->bank)
        bank_name(name, sizeof name - 8, of, part->K);
    else
        snprintf(name, sizeof name, "%s.%s", of->name, part->kind->word);
    strcat(name, place);
    return add(s, stacked(of, part->kind->codes == GOSS__CODES_NONE ? 0 : part->K), name, &part->matrix, err);
}

/* One row of coefficients a task for all tensors of a layer that are mixed in the same way. */
static goss_status plan_codes(goss_share *s, const goss_entry *of, int p, goss__part *part, goss_error *err) {
    char name[200];
    int n;
    if (part->kind->codes <= GOSS__CODES_TASK) return GOSS_OK; /* none is learned */
    n = snprintf(name, sizeof name, "%.*s.%s%lld", goss__share_layer_size(of->name), of->name, part->kind->word,
                 (long long)part->K);
    if (p > 0 && n < (int)sizeof name) snprintf(name + n, sizeof name - (size_t)n, "_%d", p + 1);
    return add_rows(s, part->kind->codes == GOSS__CODES_MERGED ? 1 : part->K, name, &part->codes, err);
}

static goss_status plan_tensor(goss_share *s, int i, goss_error *err) {
    const goss_entry *of = goss_layout_entry(goss_target_layout(s->target), i);
    goss__parts *t = &s->tensor[i];
    char name[200];
    for (int p = 0; p < t->n; p++) {
        GOSS_TRY(plan_matrix(s, of, p, &t->part[p], err));
        GOSS_TRY(plan_codes(s, of, p, &t->part[p], err));
    }
    if (!s->options.gates || t->n == 1) return GOSS_OK;
    snprintf(name, sizeof name, "%.*s.gates%d", goss__share_layer_size(of->name), of->name, t->n);
    return add_rows(s, t->n, name, &t->gates, err);
}

goss_status goss__share_plan(goss_share *s, goss_error *err) {
    GOSS_TRY(goss_layout_new(&s->layout, err));
    for (int i = 0; i < goss_layout_count(goss_target_layout(s->target)); i++) GOSS_TRY(plan_tensor(s, i, err));
    return GOSS_OK;
}
