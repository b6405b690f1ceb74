/* SPDX-License-Identifier: Apache-2.0 */
/* share_create.c: creation of a sharing: settings, layout, and the interpretation of its learned numbers. */
#include <math.h>

#include "base/alloc.h"
#include "share/share.h"

static goss_status check_options(const goss_share_options *o, goss_error *err) {
    if (o->tasks < 1 || o->tasks > 1 << 20)
        return goss_error_set(err, GOSS_E_ARGUMENT, "sharing: %lld tasks, not 1 .. 1048576", (long long)o->tasks);
    if (o->size < 1 || o->size > 4096)
        return goss_error_set(err, GOSS_E_ARGUMENT, "sharing: size %d is not in 1 .. 4096", o->size);
    if (!(o->temperature > 0) || (o->gates && !(o->gates->temperature > 0)))
        return goss_error_set(err, GOSS_E_ARGUMENT, "sharing: a temperature is not positive");
    if (!(o->anneal > 0) || o->anneal_steps < 1)
        return goss_error_set(err, GOSS_E_ARGUMENT, "sharing: anneal %g is not positive, or anneal_steps %lld below 1",
                              o->anneal, (long long)o->anneal_steps);
    return GOSS_OK;
}

static goss_status build(goss_share *s, const goss_share_options *o, goss_error *err) {
    GOSS_TRY(check_options(o, err));
    s->options = *o;
    if (o->gates) s->gates = *o->gates, s->options.gates = &s->gates;
    s->tensor = goss__calloc((size_t)goss_layout_count(goss_target_layout(s->target)) + 1, sizeof *s->tensor);
    if (!s->tensor) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for sharing");
    GOSS_TRY(goss__share_read_rules(s, err));
    return goss__share_plan(s, err);
}

goss_status goss_share_create(const goss_target *target, const goss_share_options *options, goss_share **out,
                              goss_error *err) {
    const goss_share_options defaults = goss_share_defaults();
    goss_share *s = goss__calloc(1, sizeof *s);
    *out = NULL;
    if (!s) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for sharing");
    s->target = target;
    goss_status status = build(s, options ? options : &defaults, err);
    if (status != GOSS_OK) {
        goss_share_free(s);
        return status;
    }
    *out = s;
    return GOSS_OK;
}

void goss_share_free(goss_share *s) {
    if (!s) return;
    goss_layout_free(s->layout);
    goss__free(s->tensor);
    goss__free(s->rules);
    goss__free(s);
}

const goss_target *goss_share_target(const goss_share *s) { return s->target; }
const goss_share_options *goss_share_settings(const goss_share *s) { return &s->options; }
const char *goss_share_rules(const goss_share *s) { return s->rules; }
const goss_layout *goss_share_layout(const goss_share *s) { return s->layout; }

/* ---- what was learned ---- */

/* The kind of codes that an entry holds; NONE: it holds none. */
static goss__codes codes_of(const goss_share *s, int entry, bool *gates) {
    *gates = false;
    for (int i = 0; i < goss_layout_count(goss_target_layout(s->target)); i++) {
        const goss__parts *t = &s->tensor[i];
        if (t->gates == entry) return *gates = true, GOSS__CODES_SOFTMAX;
        for (int p = 0; p < t->n; p++)
            if (t->part[p].codes == entry) return t->part[p].kind->codes;
    }
    return GOSS__CODES_NONE;
}

bool goss_share_gates_are_shares(const goss_share *s) {
    const goss_gate_options *g = s->options.gates;
    return g && (g->kind == GOSS_GATE_SOFTMAX || g->kind == GOSS_GATE_GUMBEL);
}

bool goss_share_is_mixing(const goss_share *s, int entry) {
    bool gates;
    return codes_of(s, entry, &gates) != GOSS__CODES_NONE;
}

static void softmax(const float *v, int64_t n, double by, float *out) {
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, (double)v[i] * by);
    for (int64_t i = 0; i < n; i++) sum += exp((double)v[i] * by - most);
    for (int64_t i = 0; i < n; i++) out[i] = (float)(exp((double)v[i] * by - most) / sum);
}

static double each(double logit, const goss_share *s) {
    if (s->gates.kind == GOSS_GATE_SIGMOID) return 1 / (1 + exp(-logit / (s->gates.temperature * s->options.anneal)));
    return fmin(1, fmax(0, 1.2 / (1 + exp(-logit)) - 0.1));
}

void goss_share_mixing(const goss_share *s, int entry, const float *values, float *out) {
    bool gates;
    const goss__codes codes = codes_of(s, entry, &gates);
    const goss_entry *e = goss_layout_entry(s->layout, entry);
    const float *v = values + e->offset;
    const int64_t K = e->dim[1];
    const bool one_of = gates ? goss_share_gates_are_shares(s) : codes >= GOSS__CODES_SOFTMAX;
    for (int64_t t = 0; t < e->dim[0]; t++)
        for (int64_t k = 0; k < K; k++)
            out[t * K + k] = gates && !one_of              ? (float)each((double)v[t * K + k], s)
                             : codes == GOSS__CODES_MERGED ? (float)(1 / (1 + exp(-(double)v[t * K + k])))
                                                           : v[t * K + k];
    const double temperature = s->options.anneal * (gates ? s->gates.temperature : s->options.temperature);
    for (int64_t t = 0; one_of && t < e->dim[0]; t++) softmax(v + t * K, K, 1 / temperature, out + t * K);
}
