/* SPDX-License-Identifier: Apache-2.0 */
/* partition.c: partitions instructions into phases, greedily: the first ready instruction opens a phase, each number of
 * items that its leading extents offer is tried, and the one with which the most ready instructions can join (computing
 * their slices from slices of the phase's results) is taken. Cheap work is then sunk to save memory traffic (sink.c),
 * and instructions are ordered (order.c). */
#include <string.h>

#include "base/alloc.h"
#include "graph/cost_model.h"
#include "schedule/loop.h"

/* ---- availability of operands ---- */

static bool operand_fits(const goss__builder *b, uint32_t v, goss__cut cut, goss_extent L) {
    const goss__value *val = &b->p->values[v];
    goss__cut inner[GOSS__MAX_IN];
    if (val->place == GOSS__AT_VIEW || val->place == GOSS__AT_ALIAS) {
        int64_t unused;
        if (val->place == GOSS__AT_ALIAS && b->done[goss__root(b->p, v, &unused)]) return true;
        if (goss__slice_rule(b->p, v, L, inner) != GOSS__LOCAL)
            return cut == GOSS__WHOLE && operand_fits(b, val->in[0], GOSS__WHOLE, L);
        return operand_fits(b, val->in[0], cut == GOSS__CUT ? inner[0] : GOSS__WHOLE, L);
    }
    if (b->done[v]) return true;
    if (goss_extent_is(L, 1)) return b->in_phase[v] != 0;
    return b->in_phase[v] == 1 && cut == GOSS__CUT;
}

/* 0: cannot join; 1: local; 2: partial. */
int goss__joins(goss__builder *b, uint32_t v, goss_extent L) {
    goss__slicing s = goss__slice_rule(b->p, v, L, b->cuts);
    if (s == GOSS__NO_SLICES || (s == GOSS__PARTIAL && b->p->values[v].result_of < 0 &&
                                 !goss__slots_pay(b->p, &b->p->values[v], &b->p->values[v])))
        return 0;
    goss__cut cut[GOSS__MAX_IN];
    memcpy(cut, b->cuts, b->p->values[v].n_in * sizeof *cut);
    for (int i = 0; i < b->p->values[v].n_in; i++)
        if (!operand_fits(b, b->p->values[v].in[i], cut[i], L)) return 0;
    return s == GOSS__PARTIAL ? 2 : 1;
}

/* ---- ready instructions ---- */

/* An instruction is ready when its operands are computed by phases. `ready` are those not in a phase, in order; `newly`
 * those that become ready as a phase is extended. */
/* The next ready instruction in order; *at counts the ones taken of `ready`. False: none is left. */
static bool next_ready(goss__builder *b, uint32_t *at, uint32_t *v) {
    if (*at == b->n_ready && b->newly.n == 0) return false;
    const bool listed = *at < b->n_ready && (b->newly.n == 0 || b->ready[*at] < b->newly.at[0]);
    *v = listed ? b->ready[(*at)++] : goss__heap_pop(&b->newly);
    return true;
}

/* v becomes available; take_back: v is unavailable (again). */
static void provide(goss__builder *b, uint32_t v) {
    for (uint32_t i = b->readers_from[v]; i < b->readers_from[v + 1]; i++) {
        const uint32_t r = b->readers[i];
        if (--b->missing[r] == 0 && !b->done[r] && goss__is_instr(&b->p->values[r])) goss__heap_push(&b->newly, r);
    }
}
static void take_back(goss__builder *b, uint32_t v) {
    for (uint32_t i = b->readers_from[v]; i < b->readers_from[v + 1]; i++) b->missing[b->readers[i]]++;
}

/* Removes instructions that are in a phase now from the ready list and merges those that it made ready. */
static void update_ready(goss__builder *b) {
    uint32_t n = 0, at = 0, v, *kept = b->ready_before;
    while (next_ready(b, &at, &v))
        if (!b->done[v]) kept[n++] = v;
    b->ready_before = b->ready, b->ready = kept, b->n_ready = n;
}

/* ---- building one phase ---- */

/* Extends a phase of L items from instruction `first` by everything that can join; returns its score. */
static double extend(goss__builder *b, uint32_t first, goss_extent L, uint32_t *order, uint32_t *n_order) {
    goss_schedule *p = b->p;
    bool serial = goss_extent_is(L, 1), alone = p->options.no_tiles;
    double score = 0;
    uint32_t n = 0, at = 0, v;
    while (next_ready(b, &at, &v)) {
        const bool comes_along = p->values[v].result_of >= 0 && b->in_phase[p->values[v].result_of];
        if (v != first && !comes_along && (alone || (serial && b->cost[v] > GOSS__COST_SMALL))) continue;
        int how = goss__joins(b, v, L);
        if (how == 0) {
            if (v == first) break;
            continue;
        }
        b->in_phase[v] = (uint8_t)how;
        if (how == 1) provide(b, v);
        order[n++] = v;
        score += b->cost[v] + GOSS__COST_JOINED;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (b->in_phase[order[i]] == 1) take_back(b, order[i]);
        b->in_phase[order[i]] = 0;
    }
    b->newly.n = 0;
    *n_order = n;
    return serial ? GOSS__COST_SERIAL_SHARE * score : score;
}

/* ---- choosing the instructions of a phase ---- */

static void open_phase(goss__builder *b, goss_extent L, const uint32_t *order, uint32_t n) {
    goss_schedule *p = b->p;
    for (uint32_t i = 0; i < n; i++) {
        goss__value *v = &p->values[order[i]];
        v->partial = goss__slice_rule(p, order[i], L, b->cuts) == GOSS__PARTIAL;
        v->phase = (int32_t)p->n_phases;
        b->done[order[i]] = 1;
    }
    for (uint32_t i = 0; i < n; i++) provide(b, order[i]);
    update_ready(b);
    p->phases[p->n_phases++] = (goss__phase){.items = L};
}

/* An operation that divides into parts (a wide product) is better alone than sliced into few items. */
static bool prefers_parts(const goss__builder *b, uint32_t v, goss_extent L, const int64_t *counts) {
    const goss__value *val = &b->p->values[v];
    if (!val->op->cost.parts || b->cost[v] < GOSS__COST_DIVIDED) return false;
    return goss__extent_eval(L, counts) < GOSS__COST_FEW_ITEMS && val->op->cost.wide;
}

static void build_phase(goss__builder *b, uint32_t first) {
    const goss_shape *s = &b->p->values[first].node->shape;
    int64_t counts[GOSS__MAX_SYMBOLS];
    goss__symbol_maxima(&b->p->symbols, counts);
    goss_extent best_L = goss_n(1), prefix = goss_n(1);
    double best = extend(b, first, best_L, b->best, &b->n_order);
    uint32_t n_best = b->n_order, n_candidates = 0;
    if (b->p->options.no_tiles) {
        open_phase(b, best_L, b->best, n_best);
        return;
    }
    goss_extent candidates[(1 + GOSS__MAX_IN) * GOSS_MAX_RANK];
    for (int i = 0; i < s->rank; i++) {
        prefix = goss_extent_mul(prefix, s->dim[i]);
        candidates[n_candidates++] = prefix;
    }
    /* A reduction's result has lost the reduced dims; its items are those of the first operand. A scan has none. */
    for (int j = 0; j < b->p->values[first].n_in && (j == 0 || b->p->values[first].loop); j++) {
        const goss_shape *in = &b->p->values[b->p->values[first].in[j]].node->shape;
        prefix = goss_n(1);
        for (int i = 0; i < in->rank; i++) candidates[n_candidates++] = prefix = goss_extent_mul(prefix, in->dim[i]);
    }
    for (uint32_t i = 0; i < n_candidates; i++) {
        goss_extent L = candidates[i];
        bool seen = goss_extent_is(L, 1) || goss__extent_eval(L, counts) < 2;
        for (uint32_t j = 0; j < i && !seen; j++) seen = goss_extent_equal(L, candidates[j]);
        if (seen || prefers_parts(b, first, L, counts)) continue;
        uint32_t n;
        double items = (double)goss__extent_eval(L, counts), score = extend(b, first, L, b->order, &n);
        if (n == 0) continue;
        score *= items < GOSS__COST_FEW_ITEMS ? 1 - 0.5 / items : 1; /* few items occupy few threads */
        if (score > best * GOSS__COST_TIE) {
            best = score, best_L = L, n_best = n;
            memcpy(b->best, b->order, n * sizeof *b->best);
        }
    }
    /* An expensive instruction that divides into parts is alone in its serial phase. */
    if (goss_extent_is(best_L, 1) && b->p->values[first].op->cost.parts && b->cost[first] > GOSS__COST_SMALL)
        n_best = 1;
    open_phase(b, best_L, b->best, n_best);
}

/* ---- all phases ---- */

static void value_cost(const goss_schedule *p, uint32_t v, double *cost, double *setup) {
    int64_t counts[GOSS__MAX_SYMBOLS];
    goss__tensor t[GOSS__MAX_IN + 1];
    goss__symbol_maxima(&p->symbols, counts);
    const goss__value *val = &p->values[v];
    goss__resolve(p, v, counts, goss_n(1), 0, &t[0]);
    for (int i = 0; i < val->n_in; i++) goss__resolve(p, val->in[i], counts, goss_n(1), 0, &t[i + 1]);
    goss__shapes s = {
        .op = val->op, .attr = val->node->attr, .off = p->off, .n_in = val->n_in, .out = &t[0], .in = &t[1]};
    *cost = val->loop             ? goss__loop_cost(val->loop, counts)
            : val->op->cost.flops ? val->op->cost.flops(&s)
                                  : (double)t[0].numel;
    *setup = val->op->cost.setup ? val->op->cost.setup(&s) : 0;
}

goss_status goss__measure(goss__builder *b, goss_error *err) {
    goss_schedule *p = b->p;
    int64_t counts[GOSS__MAX_SYMBOLS];
    goss__symbol_maxima(&p->symbols, counts);
    for (uint32_t i = 0; i < p->n_values; i++) {
        goss__value *v = &p->values[i];
        goss_extent n = goss__shape_product(&v->node->shape, 0, v->node->shape.rank);
        v->bytes = (size_t)goss__extent_eval(n, counts) * goss__elem_size(p, v); /* at most 2^44 elements */
        if (v->bytes > (size_t)1 << 46) {
            char text[GOSS__SHAPE_TEXT];
            return goss_error_set(err, GOSS_E_SHAPE, "%s%s%s: %s: too large at the planned maxima", v->node->scope,
                                  v->node->scope[0] ? ": " : "", v->op->name,
                                  goss__shape_text(&p->symbols, &v->node->shape, text, sizeof text));
        }
    }
    for (uint32_t i = 0; i < p->n_values; i++)
        if (goss__is_instr(&p->values[i])) value_cost(p, i, &b->cost[i], &b->setup[i]);
    return GOSS_OK;
}

goss_status goss__list_constants(goss__builder *b, goss_error *err) {
    goss_schedule *p = b->p;
    for (uint32_t v = 0; v < p->n_values; v++) {
        if (p->values[v].place != GOSS__AT_CONST) continue;
        goss__cut *cut = goss__arena_alloc(&p->arena, (size_t)p->values[v].n_in * sizeof *cut);
        if (!cut) return goss_error_set(err, GOSS_E_NOMEM, "compile: out of memory");
        p->values[v].instr = p->n_instrs;
        p->instrs[p->n_instrs++] = (goss__instr){.value = v, .cut = cut}; /* zeroed: all whole */
    }
    p->n_const = p->n_instrs;
    return GOSS_OK;
}

/* Counts the missing operands of every instruction; those with none are ready. */
static void find_ready(goss__builder *b) {
    const goss_schedule *p = b->p;
    for (uint32_t v = 0; v < p->n_values; v++) b->done[v] = !goss__is_instr(&p->values[v]);
    for (uint32_t v = 0; v < p->n_values; v++)
        if (!b->done[v]) take_back(b, v);
    for (uint32_t v = 0; v < p->n_values; v++)
        if (!b->done[v] && b->missing[v] == 0) b->ready[b->n_ready++] = v;
}

bool goss__partition(goss__builder *b) {
    const size_t n = b->p->n_values + 1u;
    b->missing = goss__calloc(n, sizeof *b->missing), b->newly.at = goss__calloc(n, sizeof *b->newly.at);
    b->ready = goss__calloc(n, sizeof *b->ready), b->ready_before = goss__calloc(n, sizeof *b->ready_before);
    const bool ok = b->missing && b->newly.at && b->ready && b->ready_before;
    if (ok) find_ready(b);
    while (ok && b->n_ready) build_phase(b, b->ready[0]); /* in topological order */
    goss__free(b->missing), goss__free(b->newly.at), goss__free(b->ready), goss__free(b->ready_before);
    return ok;
}
