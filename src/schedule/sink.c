/* SPDX-License-Identifier: Apache-2.0 */
/* sink.c: sinks elementwise and other cheap work into the phase that reads its results, if that saves memory traffic.
 *
 * Phases are filled eagerly, so that an optimiser's new moments are computed as soon as the gradient is known, stored,
 * and loaded again once the gradient's norm is known. Here a phase takes over the work whose results it alone reads,
 * with all elementwise work before it that has no other reader, if fewer bytes then pass between phases. */
#include <string.h>

#include "base/alloc.h"
#include "graph/cost_model.h"
#include "schedule/build.h"

static int32_t phase_of(const goss_schedule *p, uint32_t v) {
    return goss__is_instr(&p->values[v]) ? p->values[v].phase : -1;
}

/* State of the pass over the phases. */
typedef struct sinking {
    uint32_t *here, n_here; /* what the phase computes */
    goss__heap next;        /* worklist: operands of the phase */
    goss__heap maybe;       /* worklist: candidates to move with them */
    int32_t *looked_at;     /* of each value: the last phase that considered it */
    uint32_t *reads;        /* of each value: reads by the phase's instructions */
} sinking;

/* Values of b->moved. All are 0 between attempts: only touched ones are cleared, since programs have tens of thousands
 * of values (unrolled inner steps), phases and attempts. */
enum { MOVES = 1, MAYBE = 2, COUNTED = 3 };

static bool is_light(const goss__value *v) { return v->op->elementwise || v->op->cost.sinkable; }

/* A cheap result of an earlier phase that may itself move to f. */
static bool is_movable(const goss__builder *b, uint32_t v, int32_t f) {
    const goss__value *val = &b->p->values[v];
    const bool cheap = is_light(val) || val->copy_of >= 0;
    return goss__is_instr(val) && cheap && !val->partial && val->phase < f;
}

/* Read only by f and by work that moves there. */
static bool can_move(const goss__builder *b, uint32_t v, int32_t f) {
    if (!is_movable(b, v, f) || goss__is_output(b->p, v)) return false;
    for (uint32_t i = b->readers_from[v]; i < b->readers_from[v + 1]; i++)
        if (b->moved[b->readers[i]] != MOVES && phase_of(b->p, b->readers[i]) != f) return false;
    return b->readers_from[v] < b->readers_from[v + 1];
}

/* For a value that phase f does not read: whether readers remain in another phase than v's, or it is an output. */
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

/* Additional bytes passed from v, which stays, because its readers move. */
static double bytes_added(const goss__builder *b, const sinking *s, uint32_t v) {
    const goss__value *val = &b->p->values[v];
    if (val->place == GOSS__AT_VIEW || val->place == GOSS__AT_ALIAS || s->reads[v]) return 0;
    const bool stayed =
        goss__is_instr(val) && !val->partial && !is_read_elsewhere(b, v); /* private to its phase so far */
    return (stayed ? GOSS__COST_STORED : GOSS__COST_READ) * (double)val->bytes;
}

/* Bytes saved between phases if everything marked moves to the phase. */
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

/* ---- the current phase ---- */

/* Phases are visited from last to first. b->done and b->in_phase are as for instructions that join phase f: results of
 * earlier phases are done, those of f are in the phase. */
static void set_here(goss__builder *b, uint32_t v) { b->done[v] = 0, b->in_phase[v] = b->p->values[v].partial ? 2 : 1; }
static void set_earlier(goss__builder *b, uint32_t v) { b->done[v] = 1, b->in_phase[v] = 0; }

/* Whether v can be computed in phase f with the slicing that it has now, or had. */
static bool works(goss__builder *b, uint32_t v, int32_t f) {
    const int how = goss__joins(b, v, b->p->phases[f].items);
    return how != 0 && (how == 2) == b->p->values[v].partial;
}

/* Whether the marked values can be computed in phase f, and their readers can read them there. */
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

/* Marks the work before result v of an earlier phase that can move with it: all of it, or only work that is cheap
 * anywhere. */
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

/* The operands of v become candidates. */
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

/* Adds v to the current phase. */
static void add_here(goss__builder *b, sinking *s, uint32_t v) {
    s->here[s->n_here++] = v;
    set_here(b, v);
    for (int i = 0; i < b->p->values[v].n_in; i++) s->reads[operand(b, v, i)]++;
}

/* Tries the operands of phase f, highest first; operands of moved work are added. */
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

/* Members of phase f that have not moved. */
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
