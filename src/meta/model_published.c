/* SPDX-License-Identifier: Apache-2.0 */
/* model_published.c: values that a model publishes, by name and shape: what regularisers can attach to. */
#include "base/alloc.h"
#include "base/str.h"
#include "graph/node.h"
#include "meta/model.h"

/* The graph of a training step's loss; of a method that trains nothing, of its outputs. */
static goss_status build(const goss_model *m, goss_graph *g, goss_error *err) {
    goss_task_spec spec = m->data.of.task;
    if (spec.outputs < 1) spec.outputs = 2; /* tasks have classes of their own: W */
    spec.supports = spec.queries = 2;       /* any number of them: S, Q */
    const goss_task_batch b = goss_task_batch_declare(g, &spec, 2);
    if (goss_method_trains(m->method))
        (void)goss_method_train(m->method, g, &b);
    else
        (void)goss_method_outputs(m->method, g, &b, 0);
    return goss_graph_status(g, err);
}

static void add_shape(goss__str *s, const goss_graph *g, goss_shape shape) {
    for (int i = 0; i < shape.rank; i++) {
        const goss_extent e = shape.dim[i];
        const bool number = e.count != 1 || !e.symbols;
        goss__str_add(s, i ? " x " : "");
        if (number) goss__str_addf(s, "%lld", (long long)e.count);
        for (uint64_t k = e.symbols; k & 0xff; k >>= 8)
            goss__str_addf(s, "%s%s", number || k != e.symbols ? "*" : "", g->symbols.symbol[(k & 0xff) - 1].name);
    }
    if (shape.rank == 0) goss__str_add(s, "one number");
}

char *goss__published_shape(const goss_graph *g, goss_shape shape) {
    goss__str s = {0};
    add_shape(&s, g, shape);
    if (!s.failed) return s.data;
    goss__str_free(&s);
    return NULL;
}

static goss_status tell_all(const goss_graph *g, void (*found)(void *context, const char *name, const char *shape),
                            void *context, goss_error *err) {
    for (int i = 0; i < g->n_published; i++) {
        char *shape = goss__published_shape(g, goss_shape_of(g->published[i].value));
        if (!shape) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a shape");
        found(context, g->published[i].name, shape);
        goss__free(shape);
    }
    return GOSS_OK;
}

goss_status goss_model_published(const goss_model *m, void (*found)(void *context, const char *name, const char *shape),
                                 void *context, goss_error *err) {
    goss_graph *g = goss_graph_new();
    goss_status s = g ? build(m, g, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    if (s == GOSS_OK) s = tell_all(g, found, context, err);
    goss_graph_free(g);
    return s;
}
