/* SPDX-License-Identifier: Apache-2.0 */
/* program_rewrite.c: the table of passes over programs. They run in graph form: on the graph that a program is created
 * from, or on one created from a program. */
#include <string.h>

#include "base/alloc.h"
#include "ir/program.h"
#include "rewrite/rewriter.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "program: out of memory"); }

/* ---- the table ---- */

enum { ALWAYS = -1 }; /* each rule has its own switch */

static const goss__program_pass passes[] = {
    {"rewrite", goss__rewrite_values, ALWAYS, "rewriter.c: rules, tried on every node"},
    {"merge-taps", goss__merge_taps, GOSS__RULE_merge_taps,
     "merge_taps.c: a max pool and the index of its taps in one"},
};

const goss__program_pass *goss__program_pass_at(int i) {
    return i < (int)(sizeof passes / sizeof *passes) ? &passes[i] : NULL;
}

/* ---- running it ---- */

/* The values that are rewritten: outputs, then others that are kept unconditionally. */
typedef struct roots {
    goss_graph *g;
    goss_val *v;
    int n, n_outputs;
    const char *const *names; /* of outputs; NULL: by position */
} roots;

static goss_status program_of(const roots *r, goss_program **out, goss_error *err) {
    uint32_t count;
    uint32_t *list = goss__needed(r->g, r->v, r->n, 0, &count);
    if (!list) return goss_graph_status(r->g, err);
    const goss_status s = goss__program_of(r->g, list, count, r->v, r->names, r->n_outputs, out, err);
    goss__free(list);
    return s;
}

static goss_status show(const roots *r, const goss__program_pass *pass, goss__after_pass after, void *ctx,
                        goss_error *err) {
    goss_program *p;
    GOSS_TRY(program_of(r, &p, err));
    const goss_status s = after(ctx, pass, p, err);
    goss_program_free(p);
    return s;
}

static goss_status rewrite(const roots *r, goss__after_pass after, void *ctx, goss_program **out, goss_error *err) {
    for (const goss__program_pass *pass = passes; pass < passes + sizeof passes / sizeof *passes; pass++) {
        if (pass->off != ALWAYS && !goss__rule_is_on(r->g, (goss__rule_id)pass->off)) continue;
        pass->run(r->g, r->v, r->n);
        GOSS_TRY(goss_graph_status(r->g, err));
        if (after) GOSS_TRY(show(r, pass, after, ctx, err));
    }
    return program_of(r, out, err);
}

goss_status goss__program_rewritten(goss_graph *g, const goss_val *outputs, int n_outputs, const goss_val *updates,
                                    int n_updates, goss__after_pass after, void *ctx, goss_program **out,
                                    goss_error *err) {
    *out = NULL;
    GOSS_TRY(goss__program_check(g, outputs, n_outputs, updates, n_updates, err));
    const roots r = {.g = g,
                     .v = goss__calloc((size_t)n_outputs + (size_t)n_updates + 1, sizeof *r.v),
                     .n = n_outputs + n_updates,
                     .n_outputs = n_outputs};
    if (!r.v) return no_memory(err);
    if (n_outputs) memcpy(r.v, outputs, (size_t)n_outputs * sizeof *r.v);
    if (n_updates) memcpy(r.v + n_outputs, updates, (size_t)n_updates * sizeof *r.v);
    const goss_status s = rewrite(&r, after, ctx, out, err);
    goss__free(r.v);
    return s;
}

/* values, updates: those of p in g. v receives outputs, updates, inputs and parameters; returns their number. */
static int list_roots(const goss_program *p, const goss_val *values, const goss_val *updates, goss_val *v) {
    int n = 0;
    for (int i = 0; i < p->outputs.n; i++) v[n++] = values[p->outputs.at[i].value];
    for (int i = 0; i < p->n_updates; i++) v[n++] = updates[i];
    for (int i = 0; i < p->inputs.n; i++) v[n++] = values[p->inputs.at[i].value];
    for (int i = 0; i < p->parameters.n; i++) v[n++] = values[p->parameters.at[i].value];
    return n;
}

goss_status goss__program_rewrite(const goss_program *p, const char *disable, goss__after_pass after, void *ctx,
                                  goss_program **out, goss_error *err) {
    const size_t room = (size_t)p->outputs.n + (size_t)p->n_updates + (size_t)p->inputs.n + (size_t)p->parameters.n;
    goss_val *v = goss__calloc(room + 1, sizeof *v), *values = goss__calloc((size_t)p->n_values + 1, sizeof *values),
             *updates = goss__calloc((size_t)p->n_updates + 1, sizeof *updates);
    const char **names = goss__calloc((size_t)p->outputs.n + 1, sizeof *names);
    goss_graph *g = NULL;
    *out = NULL;
    goss_status s =
        v && values && updates && names ? goss__program_graph(p, disable, &g, values, updates, err) : no_memory(err);
    if (s == GOSS_OK) {
        for (int i = 0; i < p->outputs.n; i++) names[i] = p->outputs.at[i].name;
        const roots r = {g, v, list_roots(p, values, updates, v), p->outputs.n, names};
        s = rewrite(&r, after, ctx, out, err);
    }
    goss_graph_free(g);
    goss__free(names), goss__free(updates), goss__free(values), goss__free(v);
    return s;
}

goss_status goss_program_rewrite(const goss_program *p, goss_program **out, goss_error *err) {
    return goss__program_rewrite(p, NULL, NULL, NULL, out, err);
}
