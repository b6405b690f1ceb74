/* SPDX-License-Identifier: Apache-2.0 */
/* program_rewrite.c: a program by the rules of src/rewrite: in the graph that it is made from, or in one that is made
 * from it. */
#include <string.h>

#include "base/alloc.h"
#include "ir/program.h"
#include "rewrite/rewriter.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "program: out of memory"); }

/* v: outputs, then n - n_outputs values that are kept whether they are needed or not. */
static goss_status rewrite(goss_graph *g, goss_val *v, int n, int n_outputs, const char *const *names,
                           goss_program **out, goss_error *err) {
    uint32_t count;
    GOSS_TRY(goss__rewrite_program(g, v, n) == GOSS_OK ? GOSS_OK : goss_graph_status(g, err));
    uint32_t *list = goss__needed(g, v, n, &count);
    if (!list) return goss_graph_status(g, err);
    const goss_status s = goss__program_of(g, list, count, v, names, n_outputs, out, err);
    goss__free(list);
    return s;
}

goss_status goss__program_rewritten(goss_graph *g, const goss_val *outputs, const char *const *names, int n_outputs,
                                    const goss_val *updates, int n_updates, goss_program **out, goss_error *err) {
    *out = NULL;
    GOSS_TRY(goss__program_check(g, outputs, n_outputs, updates, n_updates, err));
    goss_val *v = goss__calloc((size_t)n_outputs + (size_t)n_updates + 1, sizeof *v);
    if (!v) return no_memory(err);
    if (n_outputs) memcpy(v, outputs, (size_t)n_outputs * sizeof *v);
    if (n_updates) memcpy(v + n_outputs, updates, (size_t)n_updates * sizeof *v);
    const goss_status s = rewrite(g, v, n_outputs + n_updates, n_outputs, names, out, err);
    goss__free(v);
    return s;
}

/* values, updates: of p in g. v: outputs, updates, inputs and parameters; how many. */
static int list_roots(const goss_program *p, const goss_val *values, const goss_val *updates, goss_val *v) {
    int n = 0;
    for (int i = 0; i < p->outputs.n; i++) v[n++] = values[p->outputs.at[i].value];
    for (int i = 0; i < p->n_updates; i++) v[n++] = updates[i];
    for (int i = 0; i < p->inputs.n; i++) v[n++] = values[p->inputs.at[i].value];
    for (int i = 0; i < p->parameters.n; i++) v[n++] = values[p->parameters.at[i].value];
    return n;
}

goss_status goss_program_rewrite(const goss_program *p, goss_program **out, goss_error *err) {
    const size_t roots = (size_t)p->outputs.n + (size_t)p->n_updates + (size_t)p->inputs.n + (size_t)p->parameters.n;
    goss_val *v = goss__calloc(roots + 1, sizeof *v), *values = goss__calloc((size_t)p->n_values + 1, sizeof *values),
             *updates = goss__calloc((size_t)p->n_updates + 1, sizeof *updates);
    const char **names = goss__calloc((size_t)p->outputs.n + 1, sizeof *names);
    goss_graph *g = NULL;
    *out = NULL;
    goss_status s = v && values && updates && names ? goss_program_graph(p, &g, values, updates, err) : no_memory(err);
    if (s == GOSS_OK) {
        for (int i = 0; i < p->outputs.n; i++) names[i] = p->outputs.at[i].name;
        s = rewrite(g, v, list_roots(p, values, updates, v), p->outputs.n, names, out, err);
    }
    goss_graph_free(g);
    goss__free(names), goss__free(updates), goss__free(values), goss__free(v);
    return s;
}
