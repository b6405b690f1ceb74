/* SPDX-License-Identifier: Apache-2.0 */
/* readers.c: lists of the readers of each value, so that passes over all values are linear in a program's size
 * (unrolled inner steps have tens of thousands of values and phases). */
#include "base/alloc.h"
#include "schedule/build.h"

/* Calls fn for each value that a computed or assigned value reads, through views and aliases; assignments read at the
 * end. */
static void each_read(goss__builder *b, void (*fn)(goss__builder *b, uint32_t reader, uint32_t v)) {
    const goss_schedule *p = b->p;
    for (uint32_t r = 0; r < p->n_values; r++) {
        if (!goss__is_instr(&p->values[r]) && p->values[r].place != GOSS__AT_NOWHERE) continue;
        for (int i = 0; i < p->values[r].n_in; i++) fn(b, r, goss__source(p, p->values[r].in[i]));
    }
}

static void count_read(goss__builder *b, uint32_t reader, uint32_t v) { b->readers_from[v + 1]++; }
static void note_read(goss__builder *b, uint32_t reader, uint32_t v) { b->readers[b->readers_from[v]++] = reader; }

bool goss__find_readers(goss__builder *b) {
    const uint32_t n = b->p->n_values;
    b->readers_from = goss__calloc(n + 2u, sizeof *b->readers_from);
    if (!b->readers_from) return false;
    each_read(b, count_read);
    for (uint32_t v = 0; v < n; v++) b->readers_from[v + 1] += b->readers_from[v];
    b->readers = goss__calloc(b->readers_from[n] + 1u, sizeof *b->readers);
    if (!b->readers) return false;
    each_read(b, note_read); /* moves each start to the next one's */
    for (uint32_t v = n; v > 0; v--) b->readers_from[v] = b->readers_from[v - 1];
    b->readers_from[0] = 0;
    return true;
}

bool goss__find_members(const goss_schedule *p, uint32_t **from, uint32_t **members) {
    *from = goss__calloc(p->n_phases + 2u, sizeof **from), *members = goss__calloc(p->n_values + 1u, sizeof **members);
    if (!*from || !*members) return false;
    for (uint32_t v = 0; v < p->n_values; v++)
        if (goss__is_instr(&p->values[v])) ++(*from)[p->values[v].phase + 1];
    for (uint32_t f = 0; f < p->n_phases; f++) (*from)[f + 1] += (*from)[f];
    for (uint32_t v = 0; v < p->n_values; v++)
        if (goss__is_instr(&p->values[v])) (*members)[(*from)[p->values[v].phase]++] = v;
    for (uint32_t f = p->n_phases; f > 0; f--) (*from)[f] = (*from)[f - 1];
    (*from)[0] = 0;
    return true;
}
