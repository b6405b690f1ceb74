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

/* Calls fn for each value that a computed or assigned value reads, through views and aliases: those read nothing
 * themselves, and assignments read in the end. */
static void each_read(goss__builder *b, void (*fn)(goss__builder *b, uint32_t reader, uint32_t v)) {
    const goss_schedule *p = b->p;
    for (uint32_t r = 0; r < p->n_values; r++) {
        if (!goss__is_instr(&p->values[r]) && p->values[r].place != GOSS__AT_NOWHERE) continue;
        for (int i = 0; i < p->values[r].n_in; i++) fn(b, r, goss__source(p, p->values[r].in[i]));
    }
}

static void count_read(goss__builder *b, uint32_t reader, uint32_t v) { b->readers_from[v + 1]++; }
static void note_read(goss__builder *b, uint32_t reader, uint32_t v) { b->readers[b->readers_from[v]++] = reader; }

/* readers[readers_from[v] .. readers_from[v + 1]] read v. */
static bool find_readers(goss__builder *b) {
    const uint32_t n = b->p->n_values;
    b->readers_from = goss__calloc(n + 2u, sizeof *b->readers_from);
    if (!b->readers_from) return false;
    each_read(b, count_read);
    for (uint32_t v = 0; v < n; v++) b->readers_from[v + 1] += b->readers_from[v];
    b->readers = goss__calloc(b->readers_from[n] + 1u, sizeof *b->readers);
    if (!b->readers) return false;
    b->moving = goss__calloc(n + 1u, sizeof *b->moving);
    if (!b->moving) return false;
    each_read(b, note_read); /* moves each start to the next one's */
    for (uint32_t v = n; v > 0; v--) b->readers_from[v] = b->readers_from[v - 1];
    b->readers_from[0] = 0;
    return true;
}

/* Values of b->moved. All are 0 between two tries: only what a try has touched is cleared after it, since programs have
 * tens of thousands of values (unrolled inner steps), phases and tries. */
enum { MOVES = 1, MAYBE = 2, COUNTED = 3 };

/* Who reads v: work in phase f, work that would move there, work in v's own phase, others. */
typedef struct readers {
    bool there, moving, at_home, elsewhere;
} readers;

static readers readers_of(const goss__builder *b, uint32_t v, int32_t f) {
    const goss_schedule *p = b->p;
    readers who = {.elsewhere = goss__is_output(p, v)};
    for (uint32_t i = b->readers_from[v]; i < b->readers_from[v + 1]; i++) {
        const uint32_t r = b->readers[i];
        const int32_t phase = phase_of(p, r);
        if (b->moved[r] == MOVES)
            who.moving = true;
        else if (phase == f)
            who.there = true;
        else if (phase >= 0 && phase == phase_of(p, v))
            who.at_home = true;
        else
            who.elsewhere = true;
    }
    return who;
}

static bool is_light(const goss__value *v) { return v->op->elementwise || v->op->cost.sinkable; }

/* A cheap result of an earlier phase: may move to f as far as it alone is concerned. */
static bool is_movable(const goss__builder *b, uint32_t v, int32_t f) {
    const goss__value *val = &b->p->values[v];
    const bool cheap = is_light(val) || val->copy_of >= 0;
    return goss__is_instr(val) && cheap && !val->partial && val->phase < f;
}

/* Only f, or what moves there, reads it. */
static bool can_move(const goss__builder *b, uint32_t v, int32_t f) {
    if (!is_movable(b, v, f)) return false;
    const readers who = readers_of(b, v, f);
    return (who.there || who.moving) && !who.at_home && !who.elsewhere;
}

static uint32_t operand(const goss__builder *b, uint32_t v, int i) { return goss__source(b->p, b->p->values[v].in[i]); }

/* Bytes that pass from v, which stays, because what reads it moves. */
static double bytes_added(const goss__builder *b, uint32_t v, int32_t f) {
    const goss__value *val = &b->p->values[v];
    if (val->place == GOSS__AT_VIEW || val->place == GOSS__AT_ALIAS) return 0;
    const readers who = readers_of(b, v, f);
    if (goss__is_instr(val) && !who.there && !who.elsewhere && !val->partial)
        return GOSS__COST_STORED * (double)val->bytes; /* so far it never left its phase */
    return who.there ? 0 : GOSS__COST_READ * (double)val->bytes;
}

/* Bytes that no longer pass when everything marked moves to phase f. */
static double bytes_saved(const goss__builder *b, int32_t f) {
    const goss_schedule *p = b->p;
    double saved = 0;
    for (uint32_t k = 0; k < b->n_moving; k++) {
        const uint32_t v = b->moving[k];
        if (readers_of(b, v, f).there) saved += GOSS__COST_STORED * (double)p->values[v].bytes;
        for (int i = 0; i < p->values[v].n_in; i++) {
            const uint32_t u = operand(b, v, i);
            if (b->moved[u]) continue;
            b->moved[u] = COUNTED;
            saved -= bytes_added(b, u, f);
        }
    }
    for (uint32_t k = 0; k < b->n_moving; k++)
        for (int i = 0; i < p->values[b->moving[k]].n_in; i++) {
            const uint32_t u = operand(b, b->moving[k], i);
            if (b->moved[u] == COUNTED) b->moved[u] = 0;
        }
    return saved;
}

/* With the marked ones done in phase f: can all of them work there, and all that reads them? */
static bool fits(goss__builder *b, int32_t f) {
    const goss_schedule *p = b->p;
    const goss_extent L = p->phases[f].items;
    for (uint32_t v = 0; v < p->n_values; v++) {
        const bool here = b->moved[v] || phase_of(p, v) == f;
        b->done[v] = !here && phase_of(p, v) < f;
        b->in_phase[v] = !here ? 0 : p->values[v].partial ? 2 : 1;
    }
    for (uint32_t v = 0; v < p->n_values; v++) {
        if (!b->moved[v] && phase_of(p, v) != f) continue;
        const int how = goss__joins(b, v, L);
        if (how == 0 || (how == 2) != p->values[v].partial) return false;
    }
    return true;
}

/* The work behind result v of an earlier phase that can move with it: all, or what is cheap wherever it is done. */
static void mark(goss__builder *b, uint32_t v, int32_t f, bool all) {
    uint32_t lowest = v; /* of what may move with it */
    b->n_moving = 0;
    for (uint32_t i = v;; i--) {
        const bool moves = i == v || (b->moved[i] == MAYBE && can_move(b, i, f));
        b->moved[i] = moves ? MOVES : 0;
        if (moves) b->moving[b->n_moving++] = i;
        for (int k = 0; moves && k < b->p->values[i].n_in; k++) {
            const uint32_t u = operand(b, i, k);
            if (!is_movable(b, u, f) || !(all || is_light(&b->p->values[u]))) continue;
            b->moved[u] = MAYBE;
            if (u < lowest) lowest = u;
        }
        if (i == lowest) return;
    }
}

static void unmark(goss__builder *b) {
    for (uint32_t k = 0; k < b->n_moving; k++) b->moved[b->moving[k]] = 0;
}

static void move_into(goss__builder *b, int32_t f) {
    goss_schedule *p = b->p;
    for (uint32_t v = p->n_values; v-- > 0;) {
        if (!can_move(b, v, f)) continue;
        mark(b, v, f, true);
        bool moves = bytes_saved(b, f) > 0 && fits(b, f);
        if (!moves) {
            unmark(b);
            mark(b, v, f, false);
            moves = bytes_saved(b, f) > 0 && fits(b, f);
        }
        for (uint32_t k = 0; moves && k < b->n_moving; k++)
            p->values[b->moving[k]].phase = f, p->values[b->moving[k]].moved = true;
        unmark(b);
    }
}

bool goss__sink(goss__builder *b) {
    const bool ok = find_readers(b);
    for (int32_t f = (int32_t)b->p->n_phases - 1; ok && f > 0; f--)
        if (!goss_extent_is(b->p->phases[f].items, 1)) move_into(b, f);
    goss__free(b->readers_from), goss__free(b->readers), goss__free(b->moving);
    return ok;
}
