/* SPDX-License-Identifier: Apache-2.0 */
/* share_start.c: starting values: a tensor's first part is the target's own initialisation, equal for all tasks; later
 * parts are 0, with a gradient. */
#include <math.h>
#include <string.h>

#include "nn/nn.h"
#include "share/share.h"

static const double open_logit = 2;   /* sigmoid and hard concrete gates start open, by .88 and .96 */
static const double code_noise = 0.1; /* of a code's size */
static const double stitch_own = 0.9; /* Misra et al. 2016 */

typedef struct starting {
    const goss_share *share;
    uint64_t seed;
    float *out;
} starting;

static const goss_entry *entry_of(const starting *a, int i) { return goss_layout_entry(a->share->layout, i); }
static float *values_of(const starting *a, int i) { return a->out + goss_layout_offset(a->share->layout, i); }

static void scale(float *v, int64_t n, double by) {
    for (int64_t i = 0; i < n; i++) v[i] = (float)((double)v[i] * by);
}

static void fill(float *v, int64_t n, double value) {
    for (int64_t i = 0; i < n; i++) v[i] = (float)value;
}

/* What a part's gate is before anything is learned. */
static double first_gate(const goss_share *s, const goss__parts *t) {
    if (t->gates < 0) return 1;
    switch (s->gates.kind) {
    case GOSS_GATE_SIGMOID:
        return 1 / (1 + exp(-open_logit / s->gates.temperature));
    case GOSS_GATE_HARD_CONCRETE:
        return 1.2 / (1 + exp(-open_logit)) - 0.1;
    default:
        return 1.0 / t->n;
    }
}

/* ---- matrices ---- */

/* A tensor as the target itself begins, in each row. */
static void start_rows(const starting *a, const goss__part *part, const goss_entry *of, double by) {
    float *v = values_of(a, part->matrix);
    const int64_t all = entry_of(a, part->matrix)->numel;
    goss__entry_initialize(of, a->seed, v);
    scale(v, of->numel, by);
    for (int64_t at = of->numel; at < all; at += of->numel) memcpy(v + at, v, (size_t)of->numel * sizeof *v);
}

/* Several tensors that codes mix. `by` makes up for a gate; where shares add up to 1 the root keeps one's variance. */
static void start_mixed(const starting *a, const goss__part *part, const goss_entry *of, double by) {
    const double root = sqrt((double)part->K);
    const bool free = part->kind->codes == GOSS__CODES_FREE;
    float *v = values_of(a, part->matrix);
    const int64_t n = entry_of(a, part->matrix)->numel;
    if (goss__share_is_constant(of))
        fill(v, n, goss__entry_constant(of) * by / (free ? root : 1));
    else
        scale(v, n, part->kind->codes == GOSS__CODES_SOFTMAX ? root * by : by);
}

static void start_matrix(const starting *a, const goss__parts *t, int p, const goss_entry *of) {
    const goss__part *part = &t->part[p];
    const bool rows = part->kind->codes == GOSS__CODES_NONE || part->kind->square;
    const double by = 1 / first_gate(a->share, t);
    for (int i = 0; i < part->matrices; i++) {
        const int at = part->matrix + i;
        goss__entry_initialize(entry_of(a, at), a->seed, values_of(a, at));
    }
    if (p == 0 && rows)
        start_rows(a, part, of, by);
    else if (p == 0)
        start_mixed(a, part, of, by);
    else if (rows || part->kind->codes != GOSS__CODES_FREE) /* else its codes are 0 */
        fill(values_of(a, part->matrix), entry_of(a, part->matrix)->numel, 0);
}

/* ---- codes and gates ---- */

static void start_stitch(float *v, int64_t N) {
    for (int64_t t = 0; t < N; t++)
        for (int64_t u = 0; u < N; u++)
            v[t * N + u] = (float)(N == 1 ? 1 : t == u ? stitch_own : (1 - stitch_own) / (double)(N - 1));
}

static void start_codes(const starting *a, const goss__part *part, bool first) {
    float *v = values_of(a, part->codes);
    const int64_t n = entry_of(a, part->codes)->numel;
    goss__entry_initialize(entry_of(a, part->codes), a->seed, v);
    if (part->kind->codes == GOSS__CODES_MERGED) {
        fill(v, n, 0); /* half way */
    } else if (part->kind->square) {
        start_stitch(v, part->K);
    } else if (first && part->kind->codes == GOSS__CODES_FREE) {
        const double size = 1 / sqrt((double)part->K);
        for (int64_t i = 0; i < n; i++) v[i] = (float)(size * (1 + code_noise * (double)v[i]));
    } else {
        fill(v, n, 0);
    }
}

static void start_gates(const starting *a, int gates) {
    const goss_gate_kind k = a->share->gates.kind;
    const bool each = k == GOSS_GATE_SIGMOID || k == GOSS_GATE_HARD_CONCRETE;
    fill(values_of(a, gates), entry_of(a, gates)->numel, each ? open_logit : 0);
}

/* ---- all ---- */

/* Whether another tensor has set what these two share. */
static bool is_set(const goss_share *s, int tensor, int p, bool codes) {
    const goss__part *part = &s->tensor[tensor].part[p];
    for (int i = 0; i < tensor; i++)
        for (int k = 0; k < s->tensor[i].n; k++) {
            const goss__part *other = &s->tensor[i].part[k];
            if (codes ? other->codes == part->codes : other->matrix == part->matrix) return true;
        }
    return false;
}

void goss_share_initialize(const goss_share *s, uint64_t seed, float *out) {
    const starting a = {s, seed, out};
    const goss_layout *l = goss_target_layout(s->target);
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss__parts *t = &s->tensor[i];
        for (int p = 0; p < t->n; p++) {
            if (!is_set(s, i, p, false)) start_matrix(&a, t, p, goss_layout_entry(l, i));
            if (t->part[p].codes >= 0 && !is_set(s, i, p, true)) start_codes(&a, &t->part[p], p == 0);
        }
        if (t->gates >= 0) start_gates(&a, t->gates);
    }
}
