/* SPDX-License-Identifier: Apache-2.0 */
/* space_structures.c: particular structures of a space: the cheapest, the dearest, random ones; how many there are. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "space/space.h"

/* The first `open` gates of a group; of alternatives the one of that number. */
static void set_group(const goss_space_group_info *g, int open, float *structure) {
    for (int i = 0; i < g->count; i++)
        structure[g->first + i] = g->rule == GOSS_RULE_ONE ? (float)(i == open) : (float)(i < open);
}

void goss__space_settle(const goss_space *s, float *structure) {
    const goss_target *t = s->t;
    for (int i = 0; i < t->n_groups; i++) /* a part comes before what is inside of it */
        if (!goss__structure_has(t, structure, t->groups[i].inside))
            set_group(&t->groups[i].info, t->groups[i].info.low, structure);
}

/* ---- cheapest and dearest ---- */

static int64_t figure(const goss_space_figures *f, goss__measure m) {
    return m == GOSS__BYTES ? f->bytes : m == GOSS__MACS ? f->macs : f->ram;
}

/* Bytes, MACs, RAM from `first` on decide. */
static int compare(const goss_space_figures *a, const goss_space_figures *b, goss__measure first) {
    for (int i = 0; i < 3; i++) {
        const goss__measure m = (goss__measure)((first + i) % 3);
        if (figure(a, m) != figure(b, m)) return figure(a, m) < figure(b, m) ? -1 : 1;
    }
    return 0;
}

/* For each choice the alternative that makes the network least (sign 1) or most (-1), the last choices first, as those
 * inside of a part decide what the part costs. */
static void take_alternatives(const goss_space *s, goss__measure first, int64_t outputs, int sign, float *structure) {
    const goss_target *t = s->t;
    for (int i = t->n_groups - 1; i >= 0; i--) {
        const goss_space_group_info *g = &t->groups[i].info;
        if (g->rule != GOSS_RULE_ONE) continue;
        int best = 0;
        goss_space_figures least = {0};
        for (int k = 0; k < g->count; k++) {
            set_group(g, k, structure);
            const goss_space_figures f = goss_space_cost_of(s, structure, outputs);
            if (k == 0 || sign * compare(&f, &least, first) < 0) least = f, best = k;
        }
        set_group(g, best, structure);
    }
}

/* Parts around a choice must be there for its alternatives to differ: they are while it is made. */
static void extreme(const goss_space *s, goss__measure first, int64_t outputs, int sign, float *structure) {
    const goss_target *t = s->t;
    for (int i = 0; i < t->n_groups; i++) {
        const goss_space_group_info *g = &t->groups[i].info;
        const bool open = sign < 0 || g->of == GOSS_GATE_SKIP;
        set_group(g, g->rule == GOSS_RULE_ONE ? 0 : open ? g->count : g->low, structure);
    }
    take_alternatives(s, first, outputs, sign, structure);
    for (int i = 0; sign > 0 && i < t->n_groups; i++)
        if (t->groups[i].info.of == GOSS_GATE_SKIP) set_group(&t->groups[i].info, 0, structure);
    if (sign > 0) take_alternatives(s, first, outputs, sign, structure);
    goss__space_settle(s, structure);
}

void goss__space_least(const goss_space *s, goss__measure first, int64_t outputs, float *structure) {
    extreme(s, first, outputs, 1, structure);
}

void goss_space_cheapest(const goss_space *s, float *structure) { extreme(s, GOSS__BYTES, 0, 1, structure); }
void goss_space_dearest(const goss_space *s, float *structure) { extreme(s, GOSS__BYTES, 0, -1, structure); }

/* ---- random ones ---- */

/* So many gates, drawn without replacement. */
static void draw_gates(const goss_space_group_info *g, int open, goss__rng *r, float *structure) {
    int left = open;
    for (int i = 0; i < g->count; i++) {
        const bool take = goss__rng_below(r, (uint32_t)(g->count - i)) < (uint32_t)left;
        structure[g->first + i] = (float)take;
        left -= take;
    }
}

void goss_space_random(const goss_space *s, uint64_t seed, uint64_t index, float *structure) {
    goss__rng r = goss__rng_make(goss__hash64("structure", 9, seed), index);
    for (int i = 0; i < s->t->n_groups; i++) {
        const goss_space_group_info *g = &s->t->groups[i].info;
        const int choices = g->rule == GOSS_RULE_ONE ? g->count : g->count - g->low + 1;
        const int open = (int)goss__rng_below(&r, (uint32_t)choices) + (g->rule == GOSS_RULE_ONE ? 0 : g->low);
        if (g->rule == GOSS_RULE_FREE)
            draw_gates(g, open, &r, structure);
        else
            set_group(g, open, structure);
    }
    goss__space_settle(s, structure);
}

/* ---- how many ---- */

/* A number and its logarithm, which stays finite. */
typedef struct amount {
    double number, log10;
} amount;

static amount product(amount a, amount b) { return (amount){a.number * b.number, a.log10 + b.log10}; }

static amount sum(amount a, amount b) {
    const double high = fmax(a.log10, b.log10), low = fmin(a.log10, b.log10);
    return (amount){a.number + b.number, high + log10(1 + pow(10, low - high))};
}

/* The ways to open `low` gates or more of n. */
static amount subsets(int n, int low) {
    amount all = {0, -INFINITY};
    for (int k = low; k <= n; k++) {
        const double l = (lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0)) / log(10);
        all = sum(all, (amount){round(pow(10, l)), l});
    }
    return low == 0 ? (amount){ldexp(1, n < 1000 ? n : 1000), n * log10(2)} : all;
}

static amount inside_of(const goss_space *s, int gate);

static amount of_group(const goss_space *s, const goss_space_group_info *g) {
    const amount one = {1, 0};
    if (g->of == GOSS_GATE_SKIP) return sum(one, inside_of(s, g->first));
    if (g->rule == GOSS_RULE_NESTED) return (amount){g->count + 1, log10(g->count + 1)};
    if (g->rule == GOSS_RULE_FREE) return subsets(g->count, g->low);
    amount all = inside_of(s, g->first);
    for (int i = 1; i < g->count; i++) all = sum(all, inside_of(s, g->first + i));
    return all;
}

/* Of everything that exists by that gate. */
static amount inside_of(const goss_space *s, int gate) {
    amount all = {1, 0};
    for (int i = 0; i < s->t->n_groups; i++)
        if (s->t->groups[i].inside == gate) all = product(all, of_group(s, &s->t->groups[i].info));
    return all;
}

double goss_space_size(const goss_space *s, double *exact) {
    const amount all = inside_of(s, -1);
    if (exact) *exact = all.number < 0x1p53 ? all.number : 0;
    return all.log10;
}
