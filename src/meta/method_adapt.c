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

static goss_status parse_with_head(const goss_method *m, int ways, goss_target **out, goss_error *err) {
    static const char *const ends[] = {"\nhead\n", "\nflatten\nhead\n"};
    const goss_target *t = m->target;
    if (m->fixed) /* with classes of its own a task's head is the leading columns of the widest one */
        return goss_target_parse(goss_target_text(t), goss_target_input(t), goss_target_input_rank(t),
                                 m->options.task_classes ? ways : goss_target_outputs(t), out, err);
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

/* Slabs and statistics of all members, contiguous. */
static void pack_networks(const goss_method *m, const goss_task_batch *b, int fine_tune, int networks,
                          goss__solution *s, goss_adapted *out) {
    goss_val slab[GOSS_METHOD_MAX_NETWORKS], statistics[GOSS_METHOD_MAX_NETWORKS];
    for (int i = 0; i < networks; i++) {
        if (i > 0) goss__solution_again(m, s);
        m->kind->solve(m, b, fine_tune, s);
        slab[i] = goss_instance_slab(&s->net, m->target, out->target);
        statistics[i] = goss_instance_statistics(&s->net, m->target);
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
