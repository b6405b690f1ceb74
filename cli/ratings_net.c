/* SPDX-License-Identifier: Apache-2.0 */
/* ratings_net.c: gossamer adapt with a person's ratings, and gossamer predict with what came of it: items in order of
 * their predicted ratings, each with the rated ones that are most like it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data_kinds.h"
#include "gossamer/recommend.h"
#include "gossamer/text.h"

enum { BATCH = 256, REASONS = 2 };
static const char note_name[] = "support.ratings";

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

/* ---- adapt ---- */

/* "RATING ID" a line, by which predict leaves rated items out and gives reasons. */
static goss_status note(goss_network *n, const goss_person *p, const goss_catalogue *c, goss_error *err) {
    size_t size = 1, at = 0;
    for (int i = 0; i < p->n; i++) size += strlen(goss_catalogue_id(c, p->item[i])) + 40;
    char *text = malloc(size);
    if (!text) return no_memory(err);
    text[0] = 0;
    for (int i = 0; i < p->n; i++)
        at +=
            (size_t)snprintf(text + at, size - at, "%.6g %s\n", (double)p->rating[i], goss_catalogue_id(c, p->item[i]));
    const goss_status s = goss_network_note(n, note_name, text, err);
    free(text);
    return s;
}

/* A person's network does not carry what others have rated. */
static goss_status forget_others(goss_network *n, goss_catalogue *c, goss_error *err) {
    char *text;
    goss_catalogue_forget(c);
    GOSS_TRY(goss_catalogue_text(c, &text, err));
    const goss_status s = goss_network_set_transform(n, text, err);
    goss_text_free(text);
    return s;
}

static void tell_lacking(const goss_person *p, const char *file) {
    const char *at = p->lacking;
    for (size_t n; *at; at += n + (at[n] == '\n')) {
        n = strcspn(at, "\n");
        if (at == p->lacking)
            cli_tell("warning: %s: %d row%s left out; %.*s", file, p->unknown, p->unknown == 1 ? " is" : "s are",
                     (int)n, at);
        else
            cli_tell("warning: %s: %.*s", file, (int)n, at);
    }
}

static void tell(const goss_network *n, const goss_person *p, bool clicks, const char *file) {
    const goss_task_spec *spec = &goss_network_data(n)->task;
    char ratings[40] = "", items[120] = "";
    if (p->unknown) tell_lacking(p, file);
    if (p->repeated)
        cli_tell("%s: %d row%s left out: clicks on items that lines before name", file, p->repeated,
                 p->repeated == 1 ? " is" : "s are");
    if (p->outside)
        cli_tell("warning: %s: %d rating%s on another scale; %s", file, p->outside, p->outside == 1 ? " is" : "s are",
                 p->far);
    if (file) snprintf(ratings, sizeof ratings, "%d %s%s", p->n, clicks ? "click" : "rating", p->n == 1 ? "" : "s");
    if (spec->items)
        snprintf(items, sizeof items, ", beside the %d numbers of each of %lld items that all users share",
                 spec->item_numbers, (long long)spec->items - 1);
    cli_tell("%s%s%s became a network of %lld weights%s", ratings, file && p->descriptor ? " and " : "",
             p->descriptor ? "a descriptor" : "",
             (long long)goss_layout_total(goss_target_layout(goss_network_target(n))), items);
}

/* By ratings, by a descriptor, or both. */
static goss_status open_person(const goss_catalogue *c, const adapt_request *q, goss_person *p, goss_error *err) {
    const bool described = goss_catalogue_descriptors(c) != NULL;
    int least, most;
    if (q->descriptor && !described)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "--descriptor %s: the model reads no descriptors (hyper.condition in training)",
                              q->descriptor);
    if (described && !q->descriptor)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "the model requires a descriptor of the person: --descriptor FILE, a csv file with one "
                              "row, with the columns of training (%s, ...)",
                              goss_encoding_column(goss_descriptors_inputs(goss_catalogue_descriptors(c)), 0));
    goss_catalogue_support(c, &least, &most);
    if (!q->support && least > 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "the model was trained on users with %d rating%s or more: --support FILE names some "
                              "(task.support = 0, or 0..20, in training prepares it for users without any)",
                              least, least == 1 ? "" : "s");
    if (q->support) GOSS_TRY(goss_person_open(q->support, c, p, err));
    if (!q->descriptor) return GOSS_OK;
    return goss_error_prefix(err, goss_person_describe(p, c, q->descriptor, err), "--descriptor");
}

goss_status adapt_ratings(const goss_model *m, const adapt_request *q, goss_network **out, goss_error *err) {
    goss_catalogue *c;
    goss_person p = {0};
    goss_task_source source = {0};
    *out = NULL;
    GOSS_TRY(goss_catalogue_parse(goss_model_data(m)->transform, &c, err));
    goss_adapt_options o = q->o;
    o.ordered = strcmp(goss_catalogue_order(c), "random") != 0;
    goss_status s = open_person(c, q, &p, err);
    if (s == GOSS_OK) s = goss_person_source(&p, c, &source, err);
    if (s == GOSS_OK) s = goss_model_adapt_task(m, &source, 0, NULL, &o, out, err);
    if (s == GOSS_OK) s = note(*out, &p, c, err);
    if (s == GOSS_OK) s = forget_others(*out, c, err);
    if (s == GOSS_OK) tell(*out, &p, goss_catalogue_clicks(c, NULL, NULL), q->support);
    goss_task_source_free(&source);
    goss_person_free(&p);
    goss_catalogue_free(c);
    return s;
}

/* ---- what was rated ---- */

typedef struct asked {
    const goss_network *network;
    goss_catalogue *catalogue;
    const predict_request *q;
    int *rated, n_rated;   /* items */
    double *rating, liked; /* liked: their mean */
    bool *has;             /* [items] */
    int *item, n;          /* to be ranked */
    float *score;          /* [n] */
} asked;

static goss_status read_note(asked *a, goss_error *err) {
    const char *text = goss_network_note_of(a->network, note_name);
    int lines = 0;
    for (const char *at = text ? text : ""; *at; at++) lines += *at == '\n';
    a->rated = calloc((size_t)lines + 1, sizeof *a->rated), a->rating = calloc((size_t)lines + 1, sizeof *a->rating);
    a->has = calloc((size_t)goss_catalogue_items(a->catalogue) + 1, sizeof *a->has);
    if (!a->rated || !a->rating || !a->has) return no_memory(err);
    for (const char *at = text ? text : ""; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        char *end;
        const double rating = strtod(at, &end);
        const size_t size = *end == ' ' ? strcspn(end + 1, "\n") : 0;
        if (size == 0) continue;
        char *id = strndup(end + 1, size);
        if (!id) return no_memory(err);
        const int item = goss_catalogue_find(a->catalogue, id);
        free(id);
        if (item < 0) continue;
        a->rated[a->n_rated] = item, a->rating[a->n_rated++] = rating, a->has[item] = true;
        a->liked += rating / lines;
    }
    return GOSS_OK;
}

/* ---- ranking ---- */

/* Of all items those that were not rated, or those that a file lists. */
static goss_status choose_items(asked *a, goss_error *err) {
    const int items = goss_catalogue_items(a->catalogue);
    a->item = calloc((size_t)items + 1, sizeof *a->item), a->score = calloc((size_t)items + 1, sizeof *a->score);
    if (!a->item || !a->score) return no_memory(err);
    for (int i = 0; i < items; i++)
        if (!a->has[i] && goss_catalogue_count(a->catalogue, i) >= a->q->min_ratings) a->item[a->n++] = i;
    if (a->n) return GOSS_OK;
    if (a->q->min_ratings == 0) return goss_error_set(err, GOSS_E_ARGUMENT, "no item is left: all are rated");
    return goss_error_set(err, GOSS_E_ARGUMENT, "no item is left: all are rated, or have fewer than --min-ratings %d",
                          a->q->min_ratings);
}

static goss_status score_items(asked *a, goss_error *err) {
    goss_predictor *p;
    const size_t width = (size_t)goss_catalogue_width(a->catalogue);
    float *x = calloc(BATCH * width, sizeof *x);
    if (!x) return no_memory(err);
    goss_status s = goss_predictor_of_network(a->network, NULL, &p, err);
    for (int at = 0; s == GOSS_OK && at < a->n; at += BATCH) {
        const int n = a->n - at < BATCH ? a->n - at : BATCH;
        for (int i = 0; i < n; i++) goss_catalogue_input(a->catalogue, a->item[at + i], x + (size_t)i * width);
        s = goss_predictor_predict(p, x, n, a->score + at, NULL, err);
    }
    goss_predictor_free(p);
    free(x);
    return s;
}

/* Moves the best of what is behind `at` there. */
static void select_best(asked *a, int at) {
    int best = at;
    for (int i = at + 1; i < a->n; i++)
        if (a->score[i] > a->score[best]) best = i;
    const int item = a->item[at];
    const float score = a->score[at];
    a->item[at] = a->item[best], a->score[at] = a->score[best];
    a->item[best] = item, a->score[best] = score;
}

/* ---- reasons ---- */

/* The liked items that are most like an item: their numbers, at most REASONS. */
static int find_reasons(const asked *a, int item, int reason[REASONS], double likeness[REASONS]) {
    int n = 0;
    for (int i = 0; i < a->n_rated; i++) {
        const double s = goss_catalogue_similarity(a->catalogue, item, a->rated[i]);
        if (a->rating[i] < a->liked || s <= 0) continue;
        int at = n < REASONS ? n++ : s > likeness[REASONS - 1] ? REASONS - 1 : -1;
        for (; at > 0 && likeness[at - 1] < s; at--) likeness[at] = likeness[at - 1], reason[at] = reason[at - 1];
        if (at >= 0) likeness[at] = s, reason[at] = i;
    }
    return n;
}

static void put_text(const asked *a, int i) {
    int reason[REASONS];
    double likeness[REASONS];
    const int n = find_reasons(a, a->item[i], reason, likeness);
    printf("%.2f\t", (double)a->score[i]);
    cli_put_name(goss_catalogue_name(a->catalogue, a->item[i]), 0);
    printf("\t");
    for (int k = 0; k < n; k++) {
        printf("%s", k ? ", " : "like ");
        cli_put_name(goss_catalogue_name(a->catalogue, a->rated[reason[k]]), 0);
        if (!goss_catalogue_clicks(a->catalogue, NULL, NULL)) printf(" [%g]", a->rating[reason[k]]);
    }
    printf("\n");
}

static void put_json(const asked *a, int i) {
    int reason[REASONS];
    double likeness[REASONS];
    const int n = find_reasons(a, a->item[i], reason, likeness);
    printf("{\"rank\": %d, \"item\": ", i + 1);
    cli_json_name(goss_catalogue_id(a->catalogue, a->item[i]));
    printf(", \"name\": ");
    cli_json_name(goss_catalogue_name(a->catalogue, a->item[i]));
    printf(", \"prediction\": %.6g, \"ratings\": %d, \"because\": [", (double)a->score[i],
           goss_catalogue_count(a->catalogue, a->item[i]));
    for (int k = 0; k < n; k++) {
        printf("%s{\"item\": ", k ? ", " : "");
        cli_json_name(goss_catalogue_id(a->catalogue, a->rated[reason[k]]));
        printf(", \"name\": ");
        cli_json_name(goss_catalogue_name(a->catalogue, a->rated[reason[k]]));
        printf(", \"rating\": %g, \"similarity\": %.4f}", a->rating[reason[k]], likeness[k]);
    }
    printf("]}\n");
}

static goss_status predict(asked *a, goss_error *err) {
    GOSS_TRY(goss_catalogue_parse(goss_network_data(a->network)->transform, &a->catalogue, err));
    GOSS_TRY(read_note(a, err));
    GOSS_TRY(choose_items(a, err));
    GOSS_TRY(score_items(a, err));
    for (int i = 0; i < a->q->top && i < a->n; i++) {
        select_best(a, i);
        (a->q->json ? put_json : put_text)(a, i);
    }
    return GOSS_OK;
}

int predict_ratings(const goss_network *n, const cli_verb *verb, const predict_request *q) {
    asked a = {.network = n, .q = q};
    goss_error err;
    if (q->n)
        cli_usage(verb, "\"%s\": a network of ratings ranks the items of its model; --top N says how many", *q->inputs);
    const goss_status s = predict(&a, &err);
    goss_catalogue_free(a.catalogue);
    free(a.rated), free(a.rating), free(a.has), free(a.item), free(a.score);
    return s == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
}
