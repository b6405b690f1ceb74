/* SPDX-License-Identifier: Apache-2.0 */
/* structure.c: what a method has of the space that its target is; names, bytes and counts as people write them. */
#include "meta/structure.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/str.h"
#include "nn/nn.h"

goss_structure_options goss_structure_defaults(void) {
    return (goss_structure_options){.temperature = 1,
                                    .temperature_end = 0.2,
                                    .warmup = 0.1,
                                    .shrink = 0.3,
                                    .sandwich = true,
                                    .distill = 0.5,
                                    .relevance = 0.1,
                                    .tie = 0.03,
                                    .gradient = GOSS_STRUCTURE_SCORE};
}

/* ---- words ---- */

static const char *const names[] = {"",
                                    "shuffled-structure",
                                    "mean-structure",
                                    "uniform-structure",
                                    "random-structure",
                                    "magnitude-structure",
                                    "equal-budget"};
enum { SOURCES = sizeof names / sizeof *names };

const char *goss_structure_source_name(goss_structure_source source) { return names[source]; }

goss_status goss_structure_source_find(const char *name, goss_structure_source *out, goss_error *err) {
    for (int i = 1; i < SOURCES; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (goss_structure_source)i;
            return GOSS_OK;
        }
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "\"%.40s\" is no structure; there are shuffled-structure, mean-structure, "
                          "uniform-structure, random-structure, magnitude-structure and equal-budget",
                          name);
}

typedef struct suffix {
    const char *word;
    double factor;
} suffix;

/* A positive number and one of the words behind it; what it comes to is rounded down. */
static goss_status parse(const char *text, const suffix *words, int n, const char *form, int64_t *out,
                         goss_error *err) {
    char number[40];
    const size_t digits = strspn(text, "0123456789.");
    double value = 0;
    int k = 0;
    while (k < n && strcmp(text + digits, words[k].word) != 0) k++;
    if (digits == 0 || digits >= sizeof number || k == n)
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.40s\" is not of the form %s", text, form);
    memcpy(number, text, digits), number[digits] = 0;
    if (!goss__number_parse(number, &value))
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.40s\" is not of the form %s", text, form);
    value = floor(value * words[k].factor);
    if (!(value >= 1 && value < 9007199254740992.0))
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.40s\" is not from 1 to 9007199254740991", text);
    *out = (int64_t)value;
    return GOSS_OK;
}

goss_status goss_bytes_parse(const char *text, int64_t *out, goss_error *err) {
    static const suffix words[] = {{"", 1}, {"B", 1}, {"KB", 1024}, {"MB", 1048576}, {"GB", 1073741824}};
    return parse(text, words, 5, "8KB (or 512, 512B, 1.5MB; KB = 1024 bytes)", out, err);
}

goss_status goss_count_parse(const char *text, int64_t *out, goss_error *err) {
    static const suffix words[] = {{"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}};
    return parse(text, words, 4, "200k (or 1000, 1.5M; k = 1000)", out, err);
}

/* ---- a method's space ---- */

static goss_status check_options(const goss_structure_options *o, goss_error *err) {
    const char *bad = NULL;
    if (!(o->temperature > 0) || !(o->temperature_end > 0)) bad = "a temperature is not positive";
    if (!(o->warmup >= 0 && o->warmup < 1)) bad = "warmup is not in [0, 1)";
    if (!(o->shrink >= 0 && o->shrink <= 1)) bad = "shrink is not in [0, 1]";
    if (!(o->distill >= 0 && o->distill <= 1)) bad = "distill is not in [0, 1]";
    if (!(o->entropy >= 0)) bad = "entropy is negative";
    if (!(o->relevance >= 0)) bad = "relevance is negative";
    if (!(o->common >= 0 && o->common <= 0.9)) bad = "common is not in 0 .. 0.9: what differs comes in over a tenth";
    if (!(o->tie >= 0)) bad = "tie is negative";
    if (o->low < 0 || o->high < 0) bad = "low or high is negative";
    return bad ? goss_error_set(err, GOSS_E_ARGUMENT, "structure: %s", bad) : GOSS_OK;
}

/* The range of budgets, where nobody says: what the space has, with the largest head. */
static goss_status find_range(goss_method *m, goss_error *err) {
    goss_structure_options *o = &m->structure;
    float *structure = goss__calloc((size_t)goss_space_gates(m->space), sizeof *structure);
    if (!structure) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a structure");
    goss_space_cheapest(m->space, structure);
    const int64_t least = goss_space_cost_of(m->space, structure, 0).bytes;
    goss_space_dearest(m->space, structure);
    const int64_t most = goss_space_cost_of(m->space, structure, 0).bytes;
    goss__free(structure);
    if (o->low == 0) o->low = least;
    m->any_size = o->high == 0;
    if (o->high == 0) o->high = most;
    /* A range below those trains the cheapest network alone. What the head adds depends on the classes. */
    if (o->low < o->high && o->high >= least) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "structure.low is %lld bytes and structure.high %lld; networks of the space have %lld to "
                          "%lld without their head",
                          (long long)o->low, (long long)o->high, (long long)least, (long long)most);
}

static goss_status check_choosing(const goss_method *m, goss_error *err) {
    if (m->batch_norm && !m->support_norm)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "structures differ from task to task, and running statistics of batch norms serve one "
                              "structure: norm group N in model.backbone, or method.norm = support");
    if (m->options.items > 0)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "budgets of structures with a table of items (data.item_embedding), which each network's "
                              "file has whole");
    if (m->options.networks > 1)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "several networks a task (method.networks) with structures");
    return GOSS_OK;
}

goss_status goss__structure_setup(goss_method *m, goss_error *err) {
    GOSS_TRY(goss_space_create(m->target, &m->space, err));
    const int gates = goss_space_gates(m->space);
    if (gates > 0 && m->structure.choose == GOSS_STRUCTURE_NONE)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "the backbone leaves choices open (%s): structure.choose says who chooses: task, all or "
                              "largest",
                              goss_space_gate(m->space, 0).name);
    if (m->structure.choose == GOSS_STRUCTURE_NONE) return GOSS_OK;
    if (gates == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "structure.choose: the backbone leaves nothing to choose; write choices into it, as conv "
                              "16..64/8 3|5 pad same");
    if (!goss__structure_chooses(m)) return GOSS_OK;
    GOSS_TRY(check_options(&m->structure, err));
    GOSS_TRY(check_choosing(m, err));
    return find_range(m, err);
}

bool goss__structure_chooses(const goss_method *m) {
    return m->structure.choose == GOSS_STRUCTURE_BY_TASK || m->structure.choose == GOSS_STRUCTURE_FOR_ALL;
}

double goss__structure_scaled(const goss_method *m, int64_t bytes) {
    const double low = log((double)m->structure.low), high = log((double)m->structure.high);
    const double at = 2 * (log((double)bytes) - low) / (high - low) - 1;
    return at < -1 ? -1 : at > 1 ? 1 : at;
}

goss_val goss__structure_row(goss_graph *g, const float *numbers, int n) {
    goss_val *part = goss__calloc((size_t)n + 1, sizeof *part);
    int runs = 0;
    if (!part) return goss_graph_fail(g, GOSS_E_NOMEM, "no memory for %d numbers", n);
    for (int i = 0, k = 0; i < n; i = k) {
        while (k < n && numbers[k] == numbers[i]) k++;
        part[runs++] = goss_full(g, GOSS_SHAPE(goss_n(1), goss_n(k - i)), (double)numbers[i]);
    }
    const goss_val row = runs ? goss__concat_many(part, runs, 1) : GOSS_NONE;
    goss__free(part);
    return row;
}
