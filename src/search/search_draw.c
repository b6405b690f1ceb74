/* SPDX-License-Identifier: Apache-2.0 */
/* search_draw.c: random structures of the space within the limits, each once. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "search/search.h"

/* Draws in a row of which none fits, or none is new, before a search gives up on finding another one. */
enum { TRIES = 2000 };

static bool within(const goss_search *s, const goss_space_figures *f) {
    const goss_space_budget *b = &s->o.budget;
    return (b->bytes == 0 || f->bytes <= b->bytes) && (b->macs == 0 || f->macs <= b->macs) &&
           (b->ram == 0 || f->ram <= b->ram);
}

static bool is_limited(const goss_search *s) { return s->o.budget.bytes || s->o.budget.macs || s->o.budget.ram; }

/* Gates in a random order as far as the limits go: where hardly any network of all is within them. */
static bool project(const goss_search *s, uint64_t seed, uint64_t number, float *structure) {
    const int G = goss_space_gates(s->space);
    float *priority = goss__calloc((size_t)G + 1, sizeof *priority);
    if (!priority) return false;
    goss__rng rng = goss__rng_make(goss__hash64("search order", 12, seed), number);
    for (int i = 0; i < G; i++) priority[i] = (float)goss__rng_uniform(&rng);
    const goss_status found = goss_space_project(s->space, priority, GOSS_SPACE_BY_PRIORITY, &s->o.budget,
                                                 s->data.spec.task.outputs, structure, NULL);
    goss__free(priority);
    return found == GOSS_OK;
}

/* Networks are trained from initial weights, where only the number of a layer's units makes a difference, not which
 * ones: the first. (What a column is does make one.) */
static void in_order(const goss_search *s, float *structure) {
    for (int i = 0; i < goss_space_groups(s->space); i++) {
        const goss_space_group_info g = goss_space_group(s->space, i);
        if (g.of != GOSS_GATE_UNITS || g.rule != GOSS_RULE_FREE) continue;
        int open = 0;
        for (int k = 0; k < g.count; k++) open += structure[g.first + k] != 0;
        for (int k = 0; k < g.count; k++) structure[g.first + k] = (float)(k < open);
    }
}

static bool draw(const goss_search *s, uint64_t seed, uint64_t number, float *structure) {
    enum { DRAWS = 64 };
    for (uint64_t i = 0; i < DRAWS; i++) {
        goss_space_random(s->space, seed, number * DRAWS + i, structure);
        const goss_space_figures f = goss_space_cost_of(s->space, structure, s->data.spec.task.outputs);
        if (within(s, &f)) return true;
    }
    return is_limited(s) && project(s, seed, number, structure);
}

bool goss__search_random(const goss_search *s, uint64_t seed, uint64_t number, float *structure) {
    if (!draw(s, seed, number, structure)) return false;
    in_order(s, structure);
    return true;
}

bool goss__search_knows(const goss_search *s, const float *structure) {
    const size_t size = (size_t)goss_space_gates(s->space) * sizeof *structure;
    for (int i = 0; i < s->n_trials; i++)
        if (memcmp(s->trial[i].structure, structure, size) == 0) return true;
    return false;
}

static goss_status add(goss_search *s, const float *structure, goss_error *err) {
    const size_t G = (size_t)goss_space_gates(s->space);
    if (s->n_trials == s->room) {
        const int room = s->room ? 2 * s->room : 64;
        goss__trial *grown = goss__realloc(s->trial, (size_t)room * sizeof *grown);
        if (!grown) return goss_error_set(err, GOSS_E_NOMEM, "no memory for structures");
        s->trial = grown, s->room = room;
    }
    goss__trial *t = &s->trial[s->n_trials];
    *t = (goss__trial){.structure = goss__alloc(G * sizeof *structure + 1),
                       .cost = goss_space_cost_of(s->space, structure, s->data.spec.task.outputs),
                       .score = {NAN, NAN},
                       .partial = NAN,
                       .validation = NAN,
                       .test = NAN};
    if (!t->structure) return goss_error_set(err, GOSS_E_NOMEM, "no memory for structures");
    memcpy(t->structure, structure, G * sizeof *structure);
    s->n_trials++;
    return GOSS_OK;
}

goss_status goss__search_draw(goss_search *s, int n, goss_error *err) {
    float *structure = goss__alloc((size_t)goss_space_gates(s->space) * sizeof *structure + 1);
    goss_status status = structure ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for structures");
    for (int tries = 0; status == GOSS_OK && s->n_trials < n && !s->exhausted;) {
        const bool found = goss__search_random(s, s->set.run.seed, s->stream++, structure);
        if (found && !goss__search_knows(s, structure)) {
            status = add(s, structure, err), tries = 0;
        } else if (++tries == TRIES) {
            s->exhausted = true;
        }
    }
    goss__free(structure);
    return status;
}

goss_status goss__trial_name(goss_search *s, goss__trial *t, goss_error *err) {
    goss_target *small;
    if (t->text) return GOSS_OK;
    GOSS_TRY(goss_space_compact(s->bare_space, t->structure, NULL, NULL, &small, NULL, NULL, err));
    t->text = goss__strdup(goss_target_text(small));
    goss_target_free(small);
    char *key = goss_space_write(s->space, t->structure);
    t->key = key ? goss__strdup(key) : NULL;
    goss_text_free(key);
    return t->text && t->key ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for a network's text");
}

bool goss__search_better(const goss_search *s, double a, double b) { return goss_metric_better(s->data.metric, a, b); }
