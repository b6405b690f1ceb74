/* SPDX-License-Identifier: Apache-2.0 */
/* dump.c: a graph as text, one node per line, and as Graphviz DOT. */
#include "base/alloc.h"
#include "base/str.h"
#include "graph/region.h"

static void put_label(goss__str *s, const goss_graph *g, const goss__node *n) {
    char shape[GOSS__SHAPE_TEXT];
    goss__str_addf(s, "%s", n->op->name);
    if (n->name) goss__str_addf(s, " '%s'", n->name);
    goss__str_addf(s, " %s%s", goss__shape_text(&g->symbols, &n->shape, shape, sizeof shape),
                   n->type == GOSS_INDEX ? " index" : "");
}

static char *finish(goss__str *s) {
    if (!s->failed && s->data) return s->data;
    goss__str_free(s);
    return NULL;
}

static void put_nodes(goss__str *s, const goss_graph *g, int depth);

/* A body, indented by two columns; its arguments are its first nodes. */
static void put_region(goss__str *s, const goss__region *r, int depth) {
    goss__str_addf(s, "%*sbody:\n", 2 * depth + 2, "");
    put_nodes(s, r->body, depth + 2);
    goss__str_addf(s, "%*snext:", 2 * depth + 4, "");
    for (int i = 0; i < r->n_yields; i++) goss__str_addf(s, " %%%u", r->yield[i]);
    goss__str_add(s, "\n");
}

static void put_nodes(goss__str *s, const goss_graph *g, int depth) {
    for (uint32_t id = 1; id < g->n_nodes; id++) {
        const goss__node *n = g->nodes[id];
        goss__str_addf(s, "%*s%%%u = ", 2 * depth, "", id);
        put_label(s, g, n);
        for (int i = 0; i < n->n_in; i++) goss__str_addf(s, "%s%%%u", i ? ", " : " (", n->in[i]);
        if (n->n_in) goss__str_add(s, ")");
        if (n->op->attrs) goss__str_add(s, " ");
        goss__attrs_text(s, n->op->attrs, n->attr, &g->symbols);
        goss__str_addf(s, "%s%s\n", n->scope[0] ? "  # " : "", n->scope);
        if (n->region) put_region(s, n->region, depth);
    }
}

char *goss_graph_text(const goss_graph *g) {
    goss__str s = {0};
    goss__str_add(&s, "");
    put_nodes(&s, g, 0);
    return finish(&s);
}

char *goss_graph_dot(const goss_graph *g) {
    goss__str s = {0};
    goss__str_add(&s, "digraph gossamer {\n  node [shape=box fontname=\"sans\"];\n");
    for (uint32_t id = 1; id < g->n_nodes; id++) {
        const goss__node *n = g->nodes[id];
        goss__str_addf(&s, "  n%u [label=\"", id);
        put_label(&s, g, n);
        goss__str_addf(&s, "\" tooltip=\"%s\"];\n", n->scope);
        for (int i = 0; i < n->n_in; i++) goss__str_addf(&s, "  n%u -> n%u;\n", n->in[i], id);
    }
    goss__str_add(&s, "}\n");
    return finish(&s);
}
