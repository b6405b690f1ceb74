/* SPDX-License-Identifier: Apache-2.0 */
/* publish.c: names by which values of a graph are found from outside. A list beside the nodes: publishing adds none,
 * and a value that nobody looks up is not computed for having a name. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "graph/node.h"

static int find(const goss_graph *g, const char *name) {
    for (int i = 0; i < g->n_published; i++)
        if (strcmp(g->published[i].name, name) == 0) return i;
    return -1;
}

static bool grow(goss_graph *g) {
    if (g->n_published < g->published_room) return true;
    const int room = g->published_room ? 2 * g->published_room : 64;
    goss_published_value *grown = goss__realloc(g->published, (size_t)room * sizeof *grown);
    if (!grown) return false;
    g->published = grown, g->published_room = room;
    return true;
}

/* NAME, or the first of NAME#2, NAME#3, ... that is free; NULL without memory. *there: v has that name already. */
static const char *free_name(goss_graph *g, const char *name, goss_val v, bool *there) {
    const char *own = name;
    for (int k = 2, at; own && (at = find(g, own)) >= 0; k++) {
        *there = g->published[at].value.id == v.id;
        if (*there) return own;
        own = goss__arena_printf(&g->arena, "%s#%d", name, k);
    }
    return own == name ? goss__arena_strdup(&g->arena, name) : own;
}

goss_val goss_publish(goss_graph *g, const char *name, goss_val v) {
    bool there = false;
    if (!goss_valid(v)) return v;
    if (!*name || strpbrk(name, "*?,"))
        return goss_graph_fail(g, GOSS_E_ARGUMENT, "a value cannot be published as \"%s\"", name);
    const char *own = free_name(g, name, v, &there);
    if (there) return v;
    if (!own || !grow(g)) return goss_graph_fail(g, GOSS_E_NOMEM, "out of memory for the name %s", name);
    g->published[g->n_published++] = (goss_published_value){own, v};
    return v;
}

/* "no value is published as X; did you mean Y?" */
static goss_status none_matches(const goss_graph *g, const char *pattern, goss_error *err) {
    goss__str text = {0};
    const char **names = goss__alloc(((size_t)g->n_published + 1) * sizeof *names);
    for (int i = 0; names && i < g->n_published; i++) names[i] = g->published[i].name;
    if (names) goss__near_names(&text, pattern, names, g->n_published);
    const bool failed = !names || text.failed;
    goss_status s = failed ? goss_error_set(err, GOSS_E_NOMEM, "out of memory for names")
                           : goss_error_set(err, GOSS_E_ARGUMENT, "no value is published as %s%.900s", pattern,
                                            g->n_published ? text.data : "; none is in this graph");
    goss__str_free(&text);
    goss__free(names);
    return s;
}

goss_status goss_published(const goss_graph *g, const char *pattern, goss_published_value *out, int room, int *n,
                           goss_error *err) {
    int count = 0;
    for (int i = 0; i < g->n_published; i++) count += goss__name_matches(g->published[i].name, pattern);
    *n = count;
    if (count == 0) return none_matches(g, pattern, err);
    if (!out) return GOSS_OK;
    if (count > room)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%d values are published as %s, more than %d", count, pattern,
                              room);
    for (int i = 0, k = 0; i < g->n_published; i++)
        if (goss__name_matches(g->published[i].name, pattern)) out[k++] = g->published[i];
    return GOSS_OK;
}

goss_val goss_published_get(goss_graph *g, const char *name) {
    goss_error err;
    const int at = find(g, name);
    if (at >= 0) return g->published[at].value;
    const goss_status s = none_matches(g, name, &err);
    return goss_graph_fail(g, s, "%s", err.text);
}
