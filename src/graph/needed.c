/* SPDX-License-Identifier: Apache-2.0 */
/* needed.c: the nodes that values depend on, in building order. */
#include <stdlib.h>

#include "base/alloc.h"
#include "graph/node.h"

/* A growing list of ids. */
typedef struct list {
    uint32_t *id, n, capacity;
} list;

static bool push(goss_graph *g, list *l, uint32_t id) {
    if (g->nodes[id]->seen == g->traversal) return true;
    if (l->n == l->capacity) {
        const uint32_t more = l->capacity ? 2 * l->capacity : 256;
        uint32_t *grown = goss__realloc(l->id, more * sizeof *grown);
        if (!grown) return false;
        l->id = grown, l->capacity = more;
    }
    g->nodes[id]->seen = g->traversal;
    l->id[l->n++] = id;
    return true;
}

typedef struct place {
    uint32_t order, stamp, id;
} place;

static int by_order(const void *a, const void *b) {
    const place *p = a, *q = b;
    if (p->order != q->order) return p->order < q->order ? -1 : 1;
    return p->stamp < q->stamp ? -1 : p->stamp > q->stamp;
}

static bool sort(const goss_graph *g, list *l) {
    place *all = goss__calloc(l->n + 1u, sizeof *all);
    if (!all) return false;
    for (uint32_t i = 0; i < l->n; i++) {
        const goss__node *n = g->nodes[l->id[i]];
        all[i] = (place){n->order, n->stamp, n->id};
    }
    qsort(all, l->n, sizeof *all, by_order);
    for (uint32_t i = 0; i < l->n; i++) l->id[i] = all[i].id;
    goss__free(all);
    return true;
}

uint32_t *goss__needed(goss_graph *g, const goss_val *v, int n, uint32_t from, uint32_t *count) {
    list l = {.capacity = 256, .id = goss__calloc(256, sizeof *l.id)};
    bool ok = l.id != NULL;
    g->traversal++;
    for (int i = 0; i < n && ok; i++) ok = v[i].id < from || push(g, &l, v[i].id);
    for (uint32_t at = 0; at < l.n && ok; at++) { /* breadth first; the list is the queue */
        const goss__node *node = g->nodes[l.id[at]];
        for (int i = 0; i < node->n_in && ok; i++) ok = node->in[i] < from || push(g, &l, node->in[i]);
    }
    ok = ok && sort(g, &l);
    if (ok) {
        *count = l.n;
        return l.id;
    }
    goss__free(l.id);
    goss_graph_fail(g, GOSS_E_NOMEM, "out of memory");
    return NULL;
}
