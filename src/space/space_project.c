/* SPDX-License-Identifier: Apache-2.0 */
/* space_project.c: the structure that fits a budget: gates are opened one by one in the order of their priorities, or
 * of gain by cost, while the costs of the whole network, counted anew each time, stay within the limits. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "space/space.h"

typedef struct search {
    const goss_space *s;
    const float *priority;
    goss_space_order order;
    const goss_space_budget *budget;
    int64_t outputs;
    float *structure;
    bool *passed; /* [G]: did not fit; costs only grow until an alternative is exchanged */
} search;

/* ---- the start ---- */

goss_status goss__space_infeasible(const goss_space *s, const goss_space_budget *b, int64_t outputs, goss_error *err) {
    float *structure = goss__alloc((size_t)(s->t->n_gates + 1) * sizeof *structure);
    int64_t least[3];
    if (!structure) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for a structure");
    for (int m = GOSS__BYTES; m <= GOSS__RAM; m++) {
        goss__space_least(s, (goss__measure)m, outputs, structure);
        const goss_space_figures f = goss_space_cost_of(s, structure, outputs);
        least[m] = m == GOSS__BYTES ? f.bytes : m == GOSS__MACS ? f.macs : f.ram;
    }
    goss__free(structure);
    goss__str limits = {0};
    if (b->bytes > 0) goss__str_addf(&limits, ", %lld bytes", (long long)b->bytes);
    if (b->macs > 0) goss__str_addf(&limits, ", %lld MACs", (long long)b->macs);
    if (b->ram > 0) goss__str_addf(&limits, ", %lld bytes of RAM", (long long)b->ram);
    const goss_space_figures each = {.bytes = least[0], .macs = least[1], .ram = least[2]};
    goss_status status =
        goss_error_set(err, GOSS_E_ARGUMENT,
                       "no network of the space is within the budget of %s: the smallest ones have "
                       "%lld bytes, %lld MACs and need %lld bytes of RAM%s",
                       limits.data ? limits.data + 2 : "nothing", (long long)least[0], (long long)least[1],
                       (long long)least[2], goss__space_within(&each, b) ? ", but no network has all of that" : "");
    if (limits.failed) status = goss_error_set(err, GOSS_E_NOMEM, "out of memory for a structure");
    goss__str_free(&limits);
    return status;
}

/* Groups of which some gates are open at least: those of the highest priority, the first of equal ones. */
static void take_needed(const search *k) {
    for (int i = 0; i < k->s->t->n_groups; i++) {
        const goss_space_group_info *g = &k->s->t->groups[i].info;
        if (g->rule != GOSS_RULE_FREE || !g->low) continue;
        memset(k->structure + g->first, 0, (size_t)g->count * sizeof *k->structure);
        for (int n = 0; n < g->low; n++) {
            int best = -1;
            for (int j = g->first; j < g->first + g->count; j++)
                if (k->structure[j] == 0 && (best < 0 || k->priority[j] > k->priority[best])) best = j;
            k->structure[best] = 1;
        }
    }
}

static bool fits(const search *k) {
    const goss_space_figures f = goss_space_cost_of(k->s, k->structure, k->outputs);
    return goss__space_within(&f, k->budget);
}

/* The largest figure by its limit. */
static double excess(const search *k) {
    const goss_space_figures f = goss_space_cost_of(k->s, k->structure, k->outputs);
    const goss_space_budget *b = k->budget;
    double most = 0;
    if (b->bytes > 0) most = fmax(most, (double)f.bytes / (double)b->bytes);
    if (b->macs > 0) most = fmax(most, (double)f.macs / (double)b->macs);
    if (b->ram > 0) most = fmax(most, (double)f.ram / (double)b->ram);
    return most;
}

static void take_alternative(const search *k, const goss_space_group_info *g, int which) {
    for (int i = 0; i < g->count; i++) k->structure[g->first + i] = (float)(i == which);
}

/* Alternatives that trade one figure for another: each the one that is nearest to all limits, given the others. */
static void balance(const search *k) {
    for (int i = 0; i < 2 * k->s->t->n_groups; i++) {
        const goss_space_group_info *g = &k->s->t->groups[i % k->s->t->n_groups].info;
        int best = 0;
        double least = INFINITY;
        for (int a = 0; g->rule == GOSS_RULE_ONE && a < g->count; a++) {
            take_alternative(k, g, a);
            const double now = excess(k);
            if (now < least) best = a, least = now;
        }
        if (g->rule == GOSS_RULE_ONE) take_alternative(k, g, best);
    }
}

/* The next combination of alternatives, as an odometer counts. False: all were seen. */
static bool next_combination(const search *k) {
    for (int i = 0; i < k->s->t->n_groups; i++) {
        const goss_space_group_info *g = &k->s->t->groups[i].info;
        int at = 0;
        if (g->rule != GOSS_RULE_ONE) continue;
        while (k->structure[g->first + at] == 0) at++;
        take_alternative(k, g, at + 1 < g->count ? at + 1 : 0);
        if (at + 1 < g->count) return true;
    }
    return false;
}

/* All combinations of alternatives, if they are not too many. */
static bool try_all(const search *k) {
    enum { MOST = 1 << 14 };
    double combinations = 1;
    for (int i = 0; i < k->s->t->n_groups; i++) {
        const goss_space_group_info *g = &k->s->t->groups[i].info;
        if (g->rule != GOSS_RULE_ONE) continue;
        combinations *= g->count;
        take_alternative(k, g, 0);
    }
    if (combinations > MOST) return false;
    do {
        if (fits(k)) return true;
    } while (next_combination(k));
    return false;
}

/* A structure within the limits in which all is closed that can be: only alternatives can trade one figure for
 * another. */
static bool find_least(const search *k) {
    for (int m = GOSS__BYTES; m <= GOSS__RAM; m++) {
        goss__space_least(k->s, (goss__measure)m, k->outputs, k->structure);
        if (fits(k)) return true;
    }
    balance(k);
    return fits(k) || try_all(k);
}

static goss_status start(const search *k, goss_error *err) {
    if (!find_least(k)) return goss__space_infeasible(k->s, k->budget, k->outputs, err);
    take_needed(k);
    return GOSS_OK;
}

/* ---- steps ---- */

/* What may be opened next, and what it is worth. */
typedef struct step {
    int gate, instead; /* instead: the alternative that it replaces; -1: none */
    double value;
} step;

static void open_step(const search *k, const step *t, bool open) {
    k->structure[t->gate] = (float)open;
    if (t->instead >= 0) k->structure[t->instead] = (float)!open;
}

/* The mean of the best run of priorities from `from` on. */
static double best_run(const search *k, int from, int end) {
    double best = -INFINITY, sum = 0;
    for (int i = from; i < end; i++) {
        sum += (double)k->priority[i];
        best = fmax(best, sum / (i - from + 1));
    }
    return best;
}

static step next_nested(const search *k, const goss_space_group_info *g) {
    const int gate = g->first + goss__structure_open(k->structure, g), end = g->first + g->count;
    if (gate == end || k->passed[gate]) return (step){.gate = -1};
    return (step){gate, -1, best_run(k, gate, end)};
}

static step next_free(const search *k, const goss_space_group_info *g) {
    step best = {.gate = -1, .instead = -1};
    for (int i = g->first; i < g->first + g->count; i++) {
        if (k->structure[i] != 0 || k->passed[i]) continue;
        if (best.gate < 0 || (double)k->priority[i] > best.value) best.gate = i, best.value = (double)k->priority[i];
    }
    return best;
}

/* The best alternative, if it is better than the present one. */
static step next_choice(const search *k, const goss_space_group_info *g) {
    step best = {.gate = -1};
    for (int i = g->first; i < g->first + g->count; i++)
        if (k->structure[i] != 0) best.instead = i;
    double value = (double)k->priority[best.instead];
    for (int i = g->first; i < g->first + g->count; i++)
        if (!k->passed[i] && (double)k->priority[i] > value) best.gate = i, value = (double)k->priority[i];
    best.value = value;
    if (k->order == GOSS_SPACE_BY_RATIO) best.value -= (double)k->priority[best.instead];
    return best;
}

static step next_of(const search *k, const goss__gate_group *g) {
    if (!goss__structure_has(k->s->t, k->structure, g->inside)) return (step){.gate = -1};
    if (g->info.rule == GOSS_RULE_NESTED) return next_nested(k, &g->info);
    return g->info.rule == GOSS_RULE_ONE ? next_choice(k, &g->info) : next_free(k, &g->info);
}

/* The increase of what is limited, each by its limit. */
static double increase(const search *k, const step *t) {
    const goss_space_figures before = goss_space_cost_of(k->s, k->structure, k->outputs);
    open_step(k, t, true);
    const goss_space_figures after = goss_space_cost_of(k->s, k->structure, k->outputs);
    open_step(k, t, false);
    const goss_space_budget *b = k->budget;
    double sum = 0;
    if (b->bytes > 0) sum += (double)(after.bytes - before.bytes) / (double)b->bytes;
    if (b->macs > 0) sum += (double)(after.macs - before.macs) / (double)b->macs;
    if (b->ram > 0) sum += (double)(after.ram - before.ram) / (double)b->ram;
    return sum;
}

/* Of free gates those of the largest gain by cost; what costs nothing comes first. */
static double worth(const search *k, const step *t) {
    if (k->order == GOSS_SPACE_BY_PRIORITY) return t->value;
    const double cost = increase(k, t);
    return cost > 0 ? t->value / cost : INFINITY;
}

static bool wanted(const search *k, const step *t) {
    return t->gate >= 0 && (k->order == GOSS_SPACE_BY_RATIO ? t->value > 0 : t->value > -INFINITY);
}

/* Opens the best gate that fits, or passes it over. False: there is none. */
static bool advance(const search *k) {
    step best = {.gate = -1};
    double most = 0;
    for (int i = 0; i < k->s->t->n_groups; i++) {
        const step t = next_of(k, &k->s->t->groups[i]);
        if (!wanted(k, &t)) continue;
        const double value = worth(k, &t);
        if (best.gate < 0 || value > most) best = t, most = value;
    }
    if (best.gate < 0) return false;
    open_step(k, &best, true);
    if (fits(k)) { /* an alternative may cost less than what it replaces; each is better, so that this ends */
        if (best.instead >= 0) memset(k->passed, 0, (size_t)k->s->t->n_gates * sizeof *k->passed);
        return true;
    }
    open_step(k, &best, false);
    k->passed[best.gate] = true;
    return true;
}

static goss_status check_priorities(const goss_space *s, const float *priority, goss_error *err) {
    for (int i = 0; i < s->t->n_gates; i++)
        if (isnan(priority[i]))
            return goss_error_set(err, GOSS_E_ARGUMENT, "projection: the priority of %s is not a number", s->names[i]);
    return GOSS_OK;
}

goss_status goss_space_project(const goss_space *s, const float *priority, goss_space_order order,
                               const goss_space_budget *budget, int64_t outputs, float *structure, goss_error *err) {
    GOSS_TRY(check_priorities(s, priority, err));
    search k = {.s = s, .priority = priority, .order = order, .budget = budget, .outputs = outputs};
    k.structure = structure;
    GOSS_TRY(start(&k, err));
    k.passed = goss__calloc((size_t)s->t->n_gates + 1, sizeof *k.passed);
    if (!k.passed) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for a structure");
    while (advance(&k)) {
    }
    goss__free(k.passed);
    goss__space_settle(s, structure);
    return GOSS_OK;
}

/* ---- uniform shrinking ---- */

/* How many gates of each group are open: those of a share, and of groups that are due those of the next one. */
typedef struct shares {
    const goss_space *s;
    const float *alternatives;
    double share, next;
    bool *due; /* [groups] */
    const goss_space_budget *budget;
    int64_t outputs;
} shares;

static int open_at(const goss_space_group_info *g, double share) {
    return g->low + (int)floor(share * (g->count - g->low) + 0.5);
}

static void take_shares(const shares *x, float *structure) {
    for (int i = 0; i < x->s->t->n_groups; i++) {
        const goss_space_group_info *g = &x->s->t->groups[i].info;
        const int open = open_at(g, x->due[i] ? x->next : x->share);
        for (int k = 0; k < g->count; k++)
            structure[g->first + k] = g->rule == GOSS_RULE_ONE ? x->alternatives[g->first + k] : (float)(k < open);
    }
    goss__space_settle(x->s, structure);
}

static bool shares_fit(const shares *x, float *structure) {
    take_shares(x, structure);
    const goss_space_figures f = goss_space_cost_of(x->s, structure, x->outputs);
    return goss__space_within(&f, x->budget);
}

/* Alternatives are the first ones; where nothing of them fits, those of the smallest network. */
static bool find_alternatives(const shares *x, float *alternatives, float *structure) {
    const goss_space *s = x->s;
    for (int i = 0; i < s->t->n_gates; i++) alternatives[i] = 0;
    for (int i = 0; i < s->t->n_groups; i++) alternatives[s->t->groups[i].info.first] = 1;
    if (shares_fit(x, structure)) return true;
    return find_least(&(search){.s = s, .budget = x->budget, .outputs = x->outputs, .structure = alternatives}) &&
           shares_fit(x, structure);
}

/* The largest share that fits. Where layers are alike, the next gates of all of them are due at once: those that fit
 * are opened, in order, or much of the budget would be left. */
static void find_shares(shares *x, float *structure) {
    const int steps = 1 << 16;
    int low = 0, high = steps; /* low fits */
    while (low < high) {
        const int middle = (low + high + 1) / 2;
        x->share = (double)middle / steps;
        if (shares_fit(x, structure))
            low = middle;
        else
            high = middle - 1;
    }
    x->share = (double)low / steps, x->next = (double)(low + 1) / steps;
    for (int i = 0; low < steps && i < x->s->t->n_groups; i++) {
        x->due[i] = true;
        x->due[i] = shares_fit(x, structure);
    }
    take_shares(x, structure);
}

goss_status goss_space_shrink(const goss_space *s, const goss_space_budget *budget, int64_t outputs, float *structure,
                              goss_error *err) {
    float *alternatives = goss__alloc((size_t)(s->t->n_gates + 1) * sizeof *alternatives);
    shares x = {.s = s, .alternatives = alternatives, .budget = budget, .outputs = outputs};
    x.due = goss__calloc((size_t)s->t->n_groups + 1, sizeof *x.due);
    goss_status status =
        alternatives && x.due ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "out of memory for a structure");
    if (status == GOSS_OK && !find_alternatives(&x, alternatives, structure))
        status = goss__space_infeasible(s, budget, outputs, err);
    if (status == GOSS_OK) find_shares(&x, structure);
    goss__free(alternatives), goss__free(x.due);
    return status;
}
