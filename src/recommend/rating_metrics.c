/* SPDX-License-Identifier: Apache-2.0 */
/* rating_metrics.c: lists of metrics of ratings: those of an objective, of each user, and coverage, of all together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "recommend/recommend.h"

static const char between[] = ", \t", word[] = "coverage@";

/* coverage@K of the list goes to *out, another name into out->names. */
static goss_status take(goss_ratings_metrics *out, const char *at, size_t size, goss_error *err) {
    const size_t n = strlen(out->names), from = sizeof word - 1;
    char *end;
    if (size <= from || strncmp(at, word, from) != 0) {
        if (n + size + 3 > sizeof out->names) return goss_error_set(err, GOSS_E_ARGUMENT, "the list is too long");
        snprintf(out->names + n, sizeof out->names - n, "%s%.*s", n ? ", " : "", (int)size, at);
        return GOSS_OK;
    }
    const long k = strtol(at + from, &end, 10);
    if (end != at + size || k < 1 || k > 1000000)
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.*s\": coverage@K is of the first K, as coverage@10",
                              size < 60 ? (int)size : 60, at);
    if (out->coverages == GOSS_COVERAGES_MOST)
        return goss_error_set(err, GOSS_E_ARGUMENT, "more than %d of coverage", GOSS_COVERAGES_MOST);
    out->coverage[out->coverages++] = (int)k;
    return GOSS_OK;
}

goss_status goss_ratings_metrics_find(const goss_objective *o, const char *names, goss_ratings_metrics *out,
                                      goss_error *err) {
    *out = (goss_ratings_metrics){0};
    for (const char *at = names ? names + strspn(names, between) : ""; *at; at += strspn(at, between)) {
        const size_t size = strcspn(at, between);
        GOSS_TRY(take(out, at, size, err));
        at += size;
    }
    if (out->coverages && !*out->names)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "coverage is of all users together: name a metric of each of them first, as "
                              "ndcg@10, coverage@10");
    return goss_metrics_find(o, out->names, out->metric, &out->n, err);
}

/* ---- what is covered ---- */

/* Whether answer i is among the k highest; ties rank by position. A heap would be faster, but k is small. */
static bool is_among(const goss_answers *a, int i, int k) {
    const float s = a->output[(size_t)i * (size_t)(a->stride ? a->stride : a->outputs)];
    int before = 0;
    for (int j = 0; j < a->count && before < k; j++) {
        const float other = a->output[(size_t)j * (size_t)(a->stride ? a->stride : a->outputs)];
        before += other > s || (other == s && j < i);
    }
    return before < k;
}

void goss_ratings_cover(const goss_ratings *r, const goss_answers *a, const int32_t *rows, int k, bool *covered) {
    for (int i = 0; i < a->count; i++) {
        bool *item = &covered[r->of[rows[i]]];
        if (!*item && (!a->weight || a->weight[i] > 0)) *item = is_among(a, i, k);
    }
}
