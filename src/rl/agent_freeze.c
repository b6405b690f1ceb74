/* SPDX-License-Identifier: Apache-2.0 */
/* agent_freeze.c: a policy with what it knows fixed is a network of the observation alone, whatever it does with what
 * it knows: of a concatenation it is part of the biases, of FiLM scale and shift of units, and of a hypernetwork it is
 * generated weights. All three become the weights of `concat` that sees nothing. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "rl/agent.h"

static float *tensor(const goss_agent *a, const char *name) {
    return a->weights + goss_layout_offset(a->layout, goss_layout_find(a->layout, name));
}

/* out = b + known w: w [K, n]. b: NULL: zeros. */
static void dense(const float *w, const float *b, const float *known, int64_t K, int64_t n, double *out) {
    for (int64_t i = 0; i < n; i++) {
        out[i] = b ? (double)b[i] : 0;
        for (int64_t k = 0; k < K; k++) out[i] += (double)known[k] * (double)w[k * n + i];
    }
}

/* A layer on [x, known]: its rows for x, and a bias with those for what is known. */
static void fold(const goss_agent *a, const char *w_name, const char *b_name, const float *known, int64_t K,
                 const goss_agent *out, double *work) {
    const int64_t units = a->o.units;
    const float *w = tensor(a, w_name);
    memcpy(tensor(out, w_name), w, (size_t)(a->features * units) * sizeof *w);
    dense(w + a->features * units, tensor(a, b_name), known, K, units, work);
    for (int64_t i = 0; i < units; i++) tensor(out, b_name)[i] = (float)work[i];
}

static void copy(const goss_agent *a, const char *name, const goss_agent *out) {
    const int at = goss_layout_find(out->layout, name);
    memcpy(tensor(out, name), tensor(a, name), (size_t)goss_layout_entry(out->layout, at)->numel * sizeof(float));
}

/* ---- policies ---- */

static void freeze_concat(const goss_agent *a, const float *known, int64_t K, const goss_agent *out, double *work) {
    fold(a, "policy.in.w", "policy.in.b", known, K, out, work);
    copy(a, "policy.out.w", out), copy(a, "policy.out.b", out);
}

static void freeze_film(const goss_agent *a, const float *known, int64_t K, const goss_agent *out, double *work) {
    const int64_t units = a->o.units;
    const float *w = tensor(a, "policy.in.w"), *b = tensor(a, "policy.in.b");
    dense(tensor(a, "film.w"), tensor(a, "film.b"), known, K, 2 * units, work);
    for (int64_t f = 0; f < a->features; f++)
        for (int64_t u = 0; u < units; u++)
            tensor(out, "policy.in.w")[f * units + u] = (float)((double)w[f * units + u] * (1 + work[u]));
    for (int64_t u = 0; u < units; u++)
        tensor(out, "policy.in.b")[u] = (float)((double)b[u] * (1 + work[u]) + work[units + u]);
    copy(a, "policy.out.w", out), copy(a, "policy.out.b", out);
}

static void freeze_hypernet(const goss_agent *a, const float *known, int64_t K, const goss_agent *out, double *work) {
    static const char *const parts[] = {"policy.in.w", "policy.in.b", "policy.out.w", "policy.out.b"};
    const int at = goss_layout_find(a->layout, "hyper.out.w");
    const int64_t code = a->o.code, all = goss_layout_entry(a->layout, at)->numel / code;
    const float *w = tensor(a, "hyper.out.w");
    dense(tensor(a, "hyper.in.w"), tensor(a, "hyper.in.b"), known, K, code, work);
    for (int64_t k = 0; k < code; k++) work[k] = tanh(work[k]);
    int64_t from = 0;
    for (int p = 0; p < 4; p++) {
        const int64_t n = goss_layout_entry(out->layout, goss_layout_find(out->layout, parts[p]))->numel;
        const float *base = tensor(a, parts[p]);
        for (int64_t i = 0; i < n; i++) {
            double v = (double)base[i];
            for (int64_t k = 0; k < code; k++) v += work[k] * (double)w[k * all + from + i];
            tensor(out, parts[p])[i] = (float)v;
        }
        from += n;
    }
}

/* ---- all of it ---- */

static void copy_moments(const goss_agent *a, goss_agent *out) {
    const size_t size = (size_t)a->observations * sizeof *a->mean;
    out->seen = a->seen, out->frames = a->frames;
    out->return_seen = a->return_seen, out->return_mean = a->return_mean, out->return_square = a->return_square;
    if (a->o.normalize) memcpy(out->mean, a->mean, size), memcpy(out->square, a->square, size);
}

goss_status goss__agent_freeze(const goss_agent *a, const float *known, const goss_env_family *family, goss_agent **out,
                               goss_error *err) {
    static void (*const policies[])(const goss_agent *, const float *, int64_t, const goss_agent *,
                                    double *) = {freeze_concat, freeze_film, freeze_hypernet};
    const int64_t K = a->o.sees == GOSS_AGENT_HISTORY ? a->o.memory : a->known;
    const int widest = a->o.code > 2 * a->o.units ? a->o.code : 2 * a->o.units;
    goss_agent_options o = a->o;
    o.sees = GOSS_AGENT_NOTHING, o.policy = GOSS_AGENT_CONCAT;
    double *work = goss__calloc((size_t)widest, sizeof *work);
    goss_status s =
        work ? goss_agent_new(family, &o, 0, out, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for a policy");
    if (s == GOSS_OK) {
        for (int i = 0; i < goss_layout_count((*out)->layout); i++) {
            const char *name = goss_layout_entry((*out)->layout, i)->name;
            if (strncmp(name, "encoder.", 8) == 0 || strcmp(name, "policy.spread") == 0) copy(a, name, *out);
        }
        policies[a->o.policy](a, known, K, *out, work);
        fold(a, "value.in.w", "value.in.b", known, K, *out, work);
        copy(a, "value.out.w", *out), copy(a, "value.out.b", *out);
        copy_moments(a, *out);
    }
    goss__free(work);
    return s;
}

/* The layouts are the same: neither has anything beside the observation. */
goss_status goss__agent_freeze_weights(const goss_agent *a, const float *policy, const goss_env_family *family,
                                       goss_agent **out, goss_error *err) {
    goss_agent_options o = a->o;
    o.sees = GOSS_AGENT_NOTHING;
    GOSS_TRY(goss_agent_new(family, &o, 0, out, err));
    for (int i = 0; i < goss_layout_count(a->layout); i++) {
        const goss_entry *e = goss_layout_entry(a->layout, i);
        const bool stays = strncmp(e->name, "value.", 6) == 0 || strcmp(e->name, "policy.spread") == 0;
        const float *from = stays ? a->weights : policy;
        memcpy((*out)->weights + e->offset, from + e->offset, (size_t)e->numel * sizeof(float));
    }
    copy_moments(a, *out);
    return GOSS_OK;
}

goss_status goss__agent_continue(const goss_agent *a, const float *memory, const float *before,
                                 const goss_env_family *family, goss_agent **out, goss_error *err) {
    const size_t H = (size_t)a->o.memory, B = (size_t)a->before;
    GOSS_TRY(goss_agent_new(family, &a->o, 0, out, err));
    (*out)->start = goss__calloc(H + B, sizeof(float));
    if (!(*out)->start) return goss_error_set(err, GOSS_E_NOMEM, "no memory for an agent");
    memcpy((*out)->start, memory, H * sizeof(float)), memcpy((*out)->start + H, before, B * sizeof(float));
    memcpy((*out)->weights, a->weights, (size_t)goss_layout_total(a->layout) * sizeof(float));
    copy_moments(a, *out);
    return GOSS_OK;
}
