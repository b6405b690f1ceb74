/* SPDX-License-Identifier: Apache-2.0 */
/* resolve.c: resolves extents to numbers, for a whole tensor or a slice of k items. */
#include "schedule/schedule.h"

static void dense_strides(goss__tensor *t) {
    t->numel = 1;
    for (int i = t->rank; i-- > 0;) {
        t->stride[i] = t->numel;
        t->numel *= t->dim[i];
    }
}

static int64_t count_of(const goss_shape *s, const int64_t *counts) {
    return goss__extent_eval(goss__shape_product(s, 0, s->rank), counts);
}

/* Items that alias ranges of a larger array's items have its stride from one to the next. */
static void stride_items(const goss_schedule *p, uint32_t v, const int64_t *counts, goss_extent L, int axis,
                         goss__tensor *out) {
    int64_t offset;
    const uint32_t own = goss__root(p, v, &offset), memory = goss__memory_of(p, v, &offset);
    if (memory == own) return;
    out->stride[axis] = count_of(&p->values[memory].node->shape, counts) / goss__extent_eval(L, counts);
}

void goss__resolve(const goss_schedule *p, uint32_t v, const int64_t *counts, goss_extent L, int64_t tile_items,
                   goss__tensor *out) {
    const goss_shape *s = &p->values[v].node->shape;
    goss_extent rest;
    out->rank = s->rank, out->symbolic = 0;
    for (int i = 0; i < s->rank; i++) {
        out->dim[i] = goss__extent_eval(s->dim[i], counts);
        if (s->dim[i].symbols) out->symbolic |= GOSS_AXIS(i);
    }
    int prefix = tile_items > 0 ? goss__cut_prefix(s, L, &rest) : 0;
    for (int i = 0; i < prefix; i++) out->dim[i] = i + 1 < prefix ? 1 : tile_items * goss__extent_eval(rest, counts);
    dense_strides(out);
    if (prefix > 0 && out->dim[prefix - 1] > 1) stride_items(p, v, counts, L, prefix - 1, out);
}

void goss__resolve_operand(const goss_schedule *p, uint32_t v, goss__cut cut, const int64_t *counts, goss_extent L,
                           int64_t tile_items, goss__tensor *out, uint32_t *source, goss__cut *source_cut) {
    const goss__value *val = &p->values[v];
    int64_t tile = cut == GOSS__CUT ? tile_items : 0;
    goss__resolve(p, v, counts, L, tile, out);
    *source = v, *source_cut = cut;
    if (val->place != GOSS__AT_VIEW) return;
    goss__cut inner = GOSS__WHOLE;
    if (tile > 0) {
        goss__site site;
        goss__value_site(&site, p, v);
        val->op->slicing.slice(&site, L, &inner);
    }
    goss__tensor src;
    goss__resolve(p, val->in[0], counts, L, inner == GOSS__CUT ? tile : 0, &src);
    for (int i = 0; i < out->rank; i++) out->stride[i] = src.rank == 0 || src.dim[i] == 1 ? 0 : src.stride[i];
    *source = val->in[0], *source_cut = inner;
}

void goss__largest_call(const goss_schedule *p, const goss__instr *in, goss_extent L, const goss__phase *ph,
                        goss__tensor *t, goss__shapes *out) {
    const goss__value *v = &p->values[in->value];
    int64_t counts[GOSS__MAX_SYMBOLS];
    if (in->whole) L = goss_n(1), ph = NULL;
    goss__symbol_maxima(&p->symbols, counts);
    const int64_t items = goss__extent_eval(L, counts);
    const int64_t tile = !ph ? 0 : in->batched ? goss__tile_bound(ph, items) : goss__unit_items(ph, items);
    goss__resolve(p, in->value, counts, v->partial || in->addend ? goss_n(1) : L, tile, &t[0]);
    for (int i = 0; i < v->n_in; i++) {
        uint32_t source;
        goss__cut cut;
        goss__resolve_operand(p, v->in[i], in->cut[i], counts, L, tile, &t[i + 1], &source, &cut);
    }
    *out =
        (goss__shapes){.op = v->op, .attr = v->node->attr, .off = p->off, .n_in = v->n_in, .out = &t[0], .in = &t[1]};
}
