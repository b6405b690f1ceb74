/* SPDX-License-Identifier: Apache-2.0 */
/* method_adapt.c: one task's solution as a network of its own: a target with a head, its slab and its statistics.
 *
 * FiLM is folded into the tensors before its site, so that the result is a plain network of the same text plus a head.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "meta/method.h"
#include "nn/nn.h"

/* Row 0 along axis 0, as an extent of exactly 1: the file holds one task. */
static goss_val first_task(goss_val v) {
    if (!goss_valid(v) || goss_extent_is(goss_dim(v, 0), 1)) return v;
    return goss_gather(v, goss_iota(v.graph, goss_n(1)));
}

/* The first `ways` of an axis that counts classes: [.., W] -> [.., ways]. v has rank 2 or 3. */
static goss_val exact_ways(goss_val v, int ways) {
    bool matrix = goss_valid(v) && goss_rank(v) == 3;
    if (!goss_valid(v) || goss_extent_is(goss_dim(v, matrix ? 2 : 1), ways)) return v;
    v = goss_permute(v, matrix ? (int[]){2, 0, 1} : (int[]){1, 0});
    v = goss_gather(v, goss_iota(v.graph, goss_n(ways)));
    return goss_permute(v, matrix ? (int[]){1, 2, 0} : (int[]){1, 0});
}

static goss_status parse_with_head(const goss_method *m, int ways, goss_target **out, goss_error *err) {
    static const char *const ends[] = {"\nhead\n", "\nflatten\nhead\n"};
    const goss_target *t = m->target;
    if (m->fixed)
        return goss_target_parse(goss_target_text(t), goss_target_input(t), goss_target_input_rank(t),
                                 goss_target_outputs(t), out, err);
    size_t size = strlen(goss_target_text(t)) + 32;
    char *text = goss__alloc(size);
    if (!text) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for a network's text");
    goss_status status = GOSS_E_ARGUMENT;
    for (int i = 0; i < 2 && status == GOSS_E_ARGUMENT; i++) {
        snprintf(text, size, "%s%s", goss_target_text(t), ends[i]);
        status = goss_target_parse(text, goss_target_input(t), goss_target_input_rank(t), ways, out, err);
    }
    goss__free(text);
    return status;
}

/* ---- FiLM ---- */

/* value [Tw, ..., C] times scale [Tw, C]. */
static goss_val times_channels(goss_val value, goss_val scale) {
    if (!goss_valid(value) || !goss_valid(scale)) return value;
    goss_shape s = goss_shape_of(value);
    s.dim[0] = goss_dim(scale, 0);
    for (int i = 1; i < s.rank - 1; i++) s.dim[i] = goss_n(1);
    return goss_mul(value, goss_reshape(scale, s));
}

/* The site's layer has a factor (gain or w) and a term (shift or b): factor scale, term scale + shift. */
static void fold_site(const goss_method *m, goss__solution *s, int i, goss_weights *w) {
    static const char *const pair[2][2] = {{"gain", "shift"}, {"w", "b"}};
    if (!goss_valid(s->film_scale[i])) return;
    char name[2][64];
    const goss_layout *l = goss_target_layout(m->target);
    for (int k = 0; k < 2; k++) {
        for (int j = 0; j < 2; j++)
            snprintf(name[j], sizeof name[j], "%s.%s", goss_target_site_name(m->target, i), pair[k][j]);
        if (goss_layout_find(l, name[0]) < 0) continue;
        goss_weights_set(w, name[0], times_channels(goss_weights_get(w, name[0]), s->film_scale[i]));
        goss_val term = goss_mul(goss_weights_get(w, name[1]), s->film_scale[i]);
        goss_weights_set(w, name[1], goss_add(term, s->film_shift[i]));
    }
}

/* ---- the network ---- */

static goss_val pack_slab(const goss_method *m, goss__solution *s, const goss_target *with_head) {
    const int columns = (int)goss_target_outputs(with_head);
    const goss_layout *from = goss_target_layout(m->target);
    goss_weights *folded = goss_weights_copy(s->weights),
                 *w = goss_weights_empty(s->graph, goss_target_layout(with_head));
    goss_val slab = GOSS_NONE;
    if (folded && w) {
        for (int i = 0; i < goss_target_sites(m->target); i++) fold_site(m, s, i, folded);
        for (int i = 0; i < goss_layout_count(from); i++) {
            const char *name = goss_layout_entry(from, i)->name;
            goss_weights_set(w, name, first_task(goss_weights_get(folded, name)));
        }
        goss_weights_set(w, "head.w", first_task(exact_ways(s->head_w, columns)));
        goss_weights_set(w, "head.b", first_task(exact_ways(s->head_b, columns)));
        slab = goss_weights_pack(w);
    }
    goss_weights_free(folded);
    goss_weights_free(w);
    return slab;
}

static goss_val pack_statistics(const goss_method *m, goss__solution *s) {
    if (!m->batch_norm) return GOSS_NONE;
    goss_val slab = GOSS_NONE;
    if (s->running) {
        slab = goss_weights_slab(s->running);
        return goss_valid(slab) ? goss_unsqueeze(slab, 0) : slab;
    }
    const goss_layout *l = goss_target_statistics(m->target);
    goss_weights *w = goss_weights_empty(s->graph, l);
    for (int i = 0; w && i < goss_layout_count(l); i++)
        goss_weights_set(w, goss_layout_entry(l, i)->name,
                         first_task(i % 2 ? s->given.var[i / 2] : s->given.mean[i / 2]));
    slab = goss_weights_pack(w);
    goss_weights_free(w);
    return slab;
}

static goss_status check(const goss_method *m, int ways, int networks, goss_error *err) {
    if (!m->kind->solve) return goss_error_set(err, GOSS_E_UNSUPPORTED, "method %s makes no network", m->kind->name);
    if (ways < 1) return goss_error_set(err, GOSS_E_ARGUMENT, "adapt: %d ways", ways);
    if (m->hyper && goss_hyper_settings(m->hyper)->conditioner & GOSS_CONDITION_INPUT)
        return goss_error_set(
            err, GOSS_E_UNSUPPORTED,
            "this model is conditioned on inputs (hyper.condition): every row has weights of its own, "
            "and no single network comes out");
    if (networks < 0 || networks > GOSS_METHOD_MAX_NETWORKS)
        return goss_error_set(err, GOSS_E_ARGUMENT, "adapt: %d networks, not 1 .. %d", networks,
                              GOSS_METHOD_MAX_NETWORKS);
    if (networks > 1 && !(m->hyper && goss_hyper_settings(m->hyper)->noise > 0))
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "this model draws no noise (hyper.noise when it was trained): its %d networks would all "
                              "be the same",
                              networks);
    return GOSS_OK;
}

/* Slabs and statistics of all networks, one below the other. */
static void pack_networks(const goss_method *m, const goss_task_batch *b, int fine_tune, int networks,
                          goss__solution *s, goss_adapted *out) {
    goss_val slab[GOSS_METHOD_MAX_NETWORKS], statistics[GOSS_METHOD_MAX_NETWORKS];
    for (int i = 0; i < networks; i++) {
        if (i > 0) goss__solution_again(m, s);
        m->kind->solve(m, b, fine_tune, s);
        slab[i] = pack_slab(m, s, out->target);
        statistics[i] = pack_statistics(m, s);
    }
    out->slab = goss_concat(slab, networks, 0);
    out->statistics = m->batch_norm ? goss_concat(statistics, networks, 0) : GOSS_NONE;
}

goss_status goss_method_adapt(const goss_method *m, goss_graph *g, const goss_task_batch *batch, int ways,
                              int fine_tune, int networks, goss_adapted *out, goss_error *err) {
    memset(out, 0, sizeof *out);
    GOSS_TRY(check(m, ways, networks, err));
    if (networks == 0) networks = m->options.networks > 1 ? m->options.networks : 1;
    GOSS_TRY(parse_with_head(m, ways, &out->target, err));
    goss__solution s;
    goss_scope_push(g, m->kind->name);
    goss__solution_begin(m, g, false, &s);
    pack_networks(m, batch, fine_tune, networks, &s, out);
    goss__solution_free(&s);
    goss_scope_pop(g);
    goss_status status = goss_graph_status(g, err);
    if (status != GOSS_OK) {
        goss_target_free(out->target);
        out->target = NULL;
    }
    return status;
}
