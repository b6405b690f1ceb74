/* SPDX-License-Identifier: Apache-2.0 */
/* scan_segments.c: a scan of L steps as one of L / k segments, each a scan of k steps (Chen et al. 2016, Training deep
 * nets with sublinear memory cost).
 *
 * The gradient of the outer scan keeps only the carries at the start of segments: its body rematerialises a segment and
 * differentiates it. The last segment may have fewer steps than k: slices beyond the end are 0, carries are kept there,
 * and joined results end at L. */
#include "ops/scan.h"

typedef struct segments {
    goss_scan *s, *outer, *inner;
    goss_val *map; /* of each node of s's body: its node in inner's */
    int64_t k;
} segments;

/* The arguments of both scans, in the order of those of s; the inner step is relative to the segment. */
static void add_arguments(segments *m) {
    const goss_scan *s = m->s;
    for (int i = 0; i < s->carry.n; i++)
        m->map[s->carry.inside[i].id] =
            goss__scan_add_carry(m->inner, goss__scan_add_carry(m->outer, s->carry.outside[i]));
    for (int i = 0; i < s->slice.n; i++) {
        const int64_t axis = s->attr.axis.item[i];
        const goss_val piece = goss__scan_add_slice(m->outer, s->slice.outside[i], axis, m->k);
        m->map[s->slice.inside[i].id] = goss__scan_add_slice(m->inner, piece, axis, 0);
    }
    for (int i = 0; i < s->constant.n; i++)
        m->map[s->constant.inside[i].id] =
            goss__scan_add_const(m->inner, goss__scan_add_const(m->outer, s->constant.outside[i]));
    m->map[s->step.id] = goss_add(m->inner->step, goss__scan_add_const(m->inner, m->outer->step));
}

/* Whether the last segment may be shorter than the others. */
static bool ends_early(const segments *m) {
    const goss_extent l = m->s->attr.steps;
    return l.symbols != 0 || l.count % m->k != 0;
}

static void set_next(segments *m) {
    goss_graph *body = m->inner->body;
    const goss_val on = goss_less(m->map[m->s->step.id], goss__extent_value(body, m->s->attr.steps));
    for (int i = 0; i < m->s->carry.n; i++) {
        const goss_val next = m->map[m->s->next[i].id];
        m->inner->next[i] = ends_early(m) ? goss_select(on, next, m->inner->carry.inside[i]) : next;
    }
}

/* The inner scan, a node of the outer one's body. */
static bool close_inner(segments *m) {
    goss_val root[GOSS__MAX_IN];
    const goss_scan *s = m->s;
    for (uint32_t id = 1; id < s->body->n_nodes; id++)
        if (!m->map[id].id) m->map[id] = goss__copy_node(m->inner->body, s->body->nodes[id], m->map);
    set_next(m);
    for (int i = 0; i < s->n_emitted; i++) root[i] = m->map[s->emitted[i].id];
    const bool ok = goss__scan_close(m->inner, root, s->n_emitted);
    goss__scan_drop(m->inner);
    return ok;
}

static bool close_outer(segments *m) {
    goss_scan *s = m->s;
    goss_val root[GOSS__MAX_IN];
    for (int i = 0; i < s->carry.n; i++) m->outer->next[i] = goss__scan_last(m->inner->node, i);
    for (int i = 0; i < s->n_emitted; i++) {
        const int64_t axis = goss__scan_axis(goss_shape_of(s->emitted[i]), s->options.axis);
        root[i] = goss__scan_stack(m->inner->node, m->inner->map[m->map[s->emitted[i].id].id].id, axis, false);
    }
    if (goss_graph_status(m->outer->body, NULL) != GOSS_OK && s->outer->error.status == GOSS_OK)
        s->outer->error = m->outer->body->error;
    if (goss_graph_status(s->outer, NULL) != GOSS_OK || !goss__scan_close(m->outer, root, s->n_emitted)) return false;
    for (int i = 0; i < s->n_emitted; i++) s->stacked[i] = m->outer->map[root[i].id].id;
    s->node = m->outer->node, s->joined = true;
    return true;
}

bool goss__scan_close_segments(goss_scan *s, int64_t k) {
    segments m = {.s = s, .k = k};
    int64_t most;
    goss__extent_most(&goss__root_of(s->outer)->symbols, s->attr.steps, &most);
    m.outer = goss__scan_open(s->outer, goss_n((most + k - 1) / k), s->attr.steps, s->attr.reverse, 0);
    if (!m.outer) return false;
    m.outer->attr.stride = k;
    m.inner = goss__scan_open(m.outer->body, goss_n(k), goss_n(k), s->attr.reverse, 1);
    m.map = goss__arena_alloc(&s->outer->arena, s->body->n_nodes * sizeof *m.map);
    bool ok = m.inner && m.map;
    if (!ok) goss_graph_fail(s->outer, GOSS_E_NOMEM, "out of memory for a scan");
    if (ok) add_arguments(&m);
    ok = ok && close_inner(&m) && close_outer(&m);
    if (m.inner && m.inner->body) goss__scan_drop(m.inner);
    if (!ok && s->outer->error.status == GOSS_OK) s->outer->error = m.outer->body->error;
    goss__scan_drop(m.outer);
    return ok;
}
