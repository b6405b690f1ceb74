/* SPDX-License-Identifier: Apache-2.0 */
/* sink.c: elementwise and other cheap work moves into the phase that reads its results, where that saves memory
 * traffic.
 *
 * Phases are filled eagerly, so that an optimiser's new moments are computed as soon as the gradient is known, go to
 * memory, and come back once the gradient's norm is. Here the reader's phase takes over what it alone reads, with all
 * elementwise work behind it that nobody else needs, if fewer bytes then pass between phases. */
#include <string.h>

#include "base/alloc.h"
#include "schedule/build.h"

static int32_t phase_of(const goss_schedule *p, uint32_t v) {
    return goss__is_instr(&p->values[v]) ? p->values[v].phase : -1;
}

/* Moving work into one phase after the other. */
typedef struct sinking {
    uint32_t *here, n_here; /* what the phase computes */
    goss__heap next;        /* what it reads, to be looked at */
    goss__heap maybe;       /* what may move with it */
    int32_t *looked_at;     /* of each value: the last phase for which it was */
    uint32_t *reads;        /* of each value, by what the phase computes */
} sinking;

/* Values of b->moved. All are 0 between two tries: only what a try has touched is cleared after it, since programs have
 * tens of thousands of values (unrolled inner steps), phases and tries. */
enum { MOVES = 1, MAYBE = 2, COUNTED = 3 };

static bool is_light(const goss__value *v) { return v->op->elementwise || v->op->cost.sinkable; }

/* A cheap result of an earlier phase: may move to f as far as it alone is concerned. */
static bool is_movable(const goss__builder *b, uint32_t v, int32_t f) {
    const goss__value *val = &b->p->values[v];
    const bool cheap = is_light(val) || val->copy_of >= 0;
    return goss__is_instr(val) && cheap && !val->partial && val->phase < f;
}

/* Only f, or what moves there, reads it. */
static bool can_move(const goss__builder *b, uint32_t v, int32_t f) {
    if (!is_movable(b, v, f) || goss__is_output(b->p, v)) return false;
    for (uint32_t i = b->readers_from[v]; i < b->readers_from[v + 1]; i++)
        if (b->moved[b->readers[i]] != MOVES && phase_of(b->p, b->readers[i]) != f) return false;
    return b->readers_from[v] < b->readers_from[v + 1];
}

/* Of what phase f does not read: whether readers remain in another phase than v's, or behind all of them. */
static bool is_read_elsewhere(const goss__builder *b, uint32_t v) {
    const int32_t home = phase_of(b->p, v);
    for (uint32_t i = b->readers_from[v]; i < b->readers_from[v + 1]; i++) {
        const uint32_t r = b->readers[i];
        const int32_t phase = phase_of(b->p, r);
        if (b->moved[r] != MOVES && (phase < 0 || phase != home)) return true;
    }
    return goss__is_output(b->p, v);
}

static uint32_t operand(const goss__builder *b, uint32_t v, int i) { return goss__source(b->p, b->p->values[v].in[i]); }

/* Bytes that pass from v, which stays, because what reads it moves. */
static double bytes_added(const goss__builder *b, const sinking *s, uint32_t v) {
    const goss__value *val = &b->p->values[v];
    if (val->place == GOSS__AT_VIEW || val->place == GOSS__AT_ALIAS || s->reads[v]) return 0;
    const bool stayed = goss__is_instr(val) && !val->partial && !is_read_elsewhere(b, v); /* in its phase, so far */
    return (stayed ? GOSS__COST_STORED : GOSS__COST_READ) * (double)val->bytes;
}

/* Bytes that no longer pass when everything marked moves to the phase. */
static double bytes_saved(const goss__builder *b, const sinking *s) {
    const goss_schedule *p = b->p;
    double saved = 0;
    for (uint32_t k = 0; k < b->n_moving; k++) {
        const uint32_t v = b->moving[k];
        if (s->reads[v]) saved += GOSS__COST_STORED * (double)p->values[v].bytes;
        for (int i = 0; i < p->values[v].n_in; i++) {
            const uint32_t u = operand(b, v, i);
            if (b->moved[u]) continue;
            b->moved[u] = COUNTED;
            saved -= bytes_added(b, s, u);
        }
    }
    for (uint32_t k = 0; k < b->n_moving; k++)
        for (int i = 0; i < p->values[b->moving[k]].n_in; i++) {
            const uint32_t u = operand(b, b->moving[k], i);
            if (b->moved[u] == COUNTED) b->moved[u] = 0;
        }
    return saved;
}

/* ---- the phase that is looked at ---- */

/* While phases are looked at from the last to the first, b->done and b->in_phase are as for work that joins phase f:
 * what earlier phases compute is done, what f computes is in the phase. */
static void set_here(goss__builder *b, uint32_t v) { b->done[v] = 0, b->in_phase[v] = b->p->values[v].partial ? 2 : 1; }
static void set_earlier(goss__builder *b, uint32_t v) { b->done[v] = 1, b->in_phase[v] = 0; }

/* Can v work in phase f as it does now, or did? */
static bool works(goss__builder *b, uint32_t v, int32_t f) {
    const int how = goss__joins(b, v, b->p->phases[f].items);
    return how != 0 && (how == 2) == b->p->values[v].partial;
}

/* With the marked ones done in phase f: can all of them work there, and all that reads them? */
static bool fits(goss__builder *b, const sinking *s, int32_t f) {
    bool fit = true;
    for (uint32_t k = 0; k < b->n_moving; k++) set_here(b, b->moving[k]);
    for (uint32_t k = b->n_moving; k-- > 0 && fit;) fit = works(b, b->moving[k], f);
    for (uint32_t k = 0; k < s->n_here && fit; k++) fit = works(b, s->here[k], f);
    for (uint32_t k = 0; k < b->n_moving && !fit; k++) set_earlier(b, b->moving[k]);
    return fit;
}

static void push_highest(goss__heap *h, uint32_t v) { goss__heap_push(h, UINT32_MAX - v); }
static uint32_t pop_highest(goss__heap *h) { return UINT32_MAX - goss__heap_pop(h); }

/* The work behind result v of an earlier phase that can move with it: all, or what is cheap wherever it is done. */
static void mark(goss__builder *b, sinking *s, uint32_t v, int32_t f, bool all) {
    b->n_moving = 0;
    push_highest(&s->maybe, v);
    while (s->maybe.n) {
        const uint32_t i = pop_highest(&s->maybe);
        const bool moves = i == v || can_move(b, i, f);
        b->moved[i] = moves ? MOVES : 0;
        if (moves) b->moving[b->n_moving++] = i;
        for (int k = 0; moves && k < b->p->values[i].n_in; k++) {
            const uint32_t u = operand(b, i, k);
            if (b->moved[u] == MAYBE || !is_movable(b, u, f) || !(all || is_light(&b->p->values[u]))) continue;
            b->moved[u] = MAYBE;
            push_highest(&s->maybe, u);
        }
    }
}

static void unmark(goss__builder *b) {
    for (uint32_t k = 0; k < b->n_moving; k++) b->moved[b->moving[k]] = 0;
}

/* What v reads may move next. */
static void look_at_operands(goss__builder *b, sinking *s, uint32_t v, int32_t f) {
    for (int i = 0; i < b->p->values[v].n_in; i++) {
        const uint32_t u = operand(b, v, i);
        if (s->looked_at[u] == f || !is_movable(b, u, f)) continue;
        s->looked_at[u] = f;
        push_highest(&s->next, u);
    }
}

static bool pays(goss__builder *b, sinking *s, uint32_t v, int32_t f, bool all) {
    mark(b, s, v, f, all);
    if (bytes_saved(b, s) > 0 && fits(b, s, f)) return true;
    unmark(b);
    return false;
}

/* v is computed by phase f now. */
static void add_here(goss__builder *b, sinking *s, uint32_t v) {
    s->here[s->n_here++] = v;
    set_here(b, v);
    for (int i = 0; i < b->p->values[v].n_in; i++) s->reads[operand(b, v, i)]++;
}

/* Tries what phase f reads, the highest first: what moves brings its own operands. */
static void move_into(goss__builder *b, sinking *s, int32_t f) {
    goss_schedule *p = b->p;
    for (uint32_t k = 0; k < s->n_here; k++) look_at_operands(b, s, s->here[k], f);
    while (s->next.n) {
        const uint32_t v = pop_highest(&s->next);
        if (!can_move(b, v, f) || !(pays(b, s, v, f, true) || pays(b, s, v, f, false))) continue;
        for (uint32_t k = 0; k < b->n_moving; k++) {
            goss__value *moving = &p->values[b->moving[k]];
            moving->phase = f, moving->moved = true;
            add_here(b, s, b->moving[k]);
        }
        for (uint32_t k = 0; k < b->n_moving; k++) look_at_operands(b, s, b->moving[k], f);
        unmark(b);
    }
}

/* Those that were put into phase f at first and have not left it. */
static void enter(goss__builder *b, sinking *s, const uint32_t *members, uint32_t n, int32_t f) {
    s->n_here = 0;
    for (uint32_t k = 0; k < n; k++)
        if (b->p->values[members[k]].phase == f) add_here(b, s, members[k]);
}

static void leave(goss__builder *b, sinking *s) {
    for (uint32_t k = 0; k < s->n_here; k++) {
        const uint32_t v = s->here[k];
        b->in_phase[v] = 0;
        for (int i = 0; i < b->p->values[v].n_in; i++) s->reads[operand(b, v, i)] = 0;
    }
}

bool goss__sink(goss__builder *b) {
    const size_t n = b->p->n_values + 1u;
    uint32_t *from, *members;
    sinking s = {.here = goss__calloc(n, sizeof *s.here),
                 .next.at = goss__calloc(n, sizeof *s.next.at),
                 .maybe.at = goss__calloc(n, sizeof *s.maybe.at),
                 .looked_at = goss__calloc(n, sizeof *s.looked_at),
                 .reads = goss__calloc(n, sizeof *s.reads)};
    b->moving = goss__calloc(n, sizeof *b->moving);
    const bool ok = goss__find_members(b->p, &from, &members) && b->moving && s.here && s.next.at && s.maybe.at &&
                    s.looked_at && s.reads;
    memset(b->done, 1, n), memset(b->in_phase, 0, n);
    for (int32_t f = (int32_t)b->p->n_phases - 1; ok && f > 0; f--) {
        enter(b, &s, members + from[f], from[f + 1] - from[f], f);
        if (!goss_extent_is(b->p->phases[f].items, 1)) move_into(b, &s, f);
        leave(b, &s);
    }
    goss__free(from), goss__free(members), goss__free(b->moving);
    goss__free(s.here), goss__free(s.next.at), goss__free(s.maybe.at), goss__free(s.looked_at), goss__free(s.reads);
    return ok;
}
