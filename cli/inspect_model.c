/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_model.c: a model's regularisers: what each adds to the loss, its weight and entropy, its branches' shares,
 * and the graph that it was given or has learned; and the values that a model publishes. */
#include "inspect_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { STRONGEST = 12, NAME = 200 };

/* ---- one regulariser, from the notes ---- */

typedef struct reg {
    const goss_model *model;
    char name[80];
    const goss_model_tensor *graph; /* NULL: none */
    char *nodes;                    /* names of branches, ", " between them; NULL: tasks */
} reg;

static const char *note(const reg *r, const char *what) {
    char key[2 * NAME];
    snprintf(key, sizeof key, "regularizer.%s.%s", r->name, what);
    return goss_model_note_of(r->model, key);
}

static const char * or (const char *text, const char *other) { return text ? text : other; }

static const goss_model_tensor *graph_of(const reg *r) {
    char name[NAME];
    snprintf(name, sizeof name, "regularizers.%s.graph", r->name);
    for (int i = 0;; i++) {
        const goss_model_tensor *t = goss_model_kept(r->model, i);
        if (!t) return NULL;
        if (strcmp(t->name, name) == 0 && t->rank == 2 && t->shape[0] == t->shape[1]) return t;
    }
}

/* The next name of a list "a, b, c"; false: there is none. */
static bool next_of(const char **list, char out[80]) {
    const char *at = *list;
    if (!at || !*at) return false;
    const size_t n = strcspn(at, ",");
    snprintf(out, 80, "%.*s", n < 79 ? (int)n : 79, at);
    at += n;
    *list = *at ? at + 1 + strspn(at + 1, " ") : at;
    return true;
}

static bool next_reg(const goss_model *m, const char **list, reg *out) {
    *out = (reg){.model = m};
    if (!next_of(list, out->name)) return false;
    out->graph = graph_of(out);
    return true;
}

static const char *all_of(const goss_model *m) { return goss_model_note_of(m, "regularizers"); }

bool cli_has_regularizers(const goss_model *m) { return all_of(m) != NULL; }

/* The name of node i, into out. */
static const char *node_of(const reg *r, int64_t i, char out[80]) {
    const char *branches = note(r, "nodes");
    const goss_data_spec *data = goss_model_data(r->model);
    if (branches)
        for (int64_t k = 0; next_of(&branches, out); k++)
            if (k == i) return out;
    if (!branches && data->task_names && i < data->task.ids) return data->task_names[i];
    snprintf(out, 80, "%lld", (long long)i);
    return out;
}

/* ---- edges ---- */

typedef struct edge {
    int64_t a, b;
    double weight;
} edge;

static int by_weight(const void *a, const void *b) {
    const edge *x = a, *y = b;
    if (x->weight != y->weight) return x->weight < y->weight ? 1 : -1;
    return x->a != y->a ? (x->a > y->a) - (x->a < y->a) : (x->b > y->b) - (x->b < y->b);
}

/* All edges that are not 0, the strongest first; free. */
static edge *edges_of(const reg *r, int64_t *n) {
    const int64_t k = r->graph->shape[0];
    edge *all = calloc((size_t)(k * k / 2 + 1), sizeof *all);
    *n = 0;
    for (int64_t i = 0; all && i < k; i++)
        for (int64_t j = i + 1; j < k; j++)
            if (r->graph->data[i * k + j] > 0) all[(*n)++] = (edge){i, j, (double)r->graph->data[i * k + j]};
    if (all) qsort(all, (size_t)*n, sizeof *all, by_weight);
    return all;
}

static double degree_of(const reg *r, int64_t i) {
    const int64_t k = r->graph->shape[0];
    double sum = 0;
    for (int64_t j = 0; j < k; j++) sum += (double)r->graph->data[i * k + j];
    return sum;
}

/* ---- for people ---- */

static void print_graph(const reg *r) {
    char a[80], b[80];
    int64_t n, weakest = 0;
    edge *all = edges_of(r, &n);
    double mean = 0;
    for (int64_t i = 0; i < r->graph->shape[0]; i++) {
        mean += degree_of(r, i) / (double)r->graph->shape[0];
        if (degree_of(r, i) < degree_of(r, weakest)) weakest = i;
    }
    printf("    graph (");
    cli_put_text(or (note(r, "graph"), ""));
    printf("): %lld nodes, %lld edges, mean degree %.3g; least tied: ", (long long)r->graph->shape[0], (long long)n,
           mean);
    cli_put_name(node_of(r, weakest, a), 0);
    printf(" (%.3g)\n", degree_of(r, weakest));
    for (int64_t i = 0; all && i < n && i < STRONGEST; i++) {
        printf("      ");
        cli_put_name(node_of(r, all[i].a, a), 0);
        printf(" - ");
        cli_put_name(node_of(r, all[i].b, b), 0);
        printf("  %.4g\n", all[i].weight);
    }
    if (n > STRONGEST) printf("      and %lld weaker ones (--json has all)\n", (long long)(n - STRONGEST));
    free(all);
}

/* Branches, whose shares are notes by their names. */
static void print_shares(const reg *r) {
    const char *names = note(r, "branches");
    char name[80], key[NAME];
    if (!names) return;
    printf("    shares of the branches:");
    for (bool first = true; next_of(&names, name); first = false) {
        snprintf(key, sizeof key, "share.%s", name);
        printf("%s ", first ? "" : ",");
        cli_put_name(name, 0);
        printf(" %s", or (note(r, key), "?"));
    }
    printf("\n");
}

/* What the strength is multiplied by, or which of a range the last step had. */
static void print_weight(const reg *r) {
    const char *range = note(r, "range"), *weight = note(r, "weight"); /* "0 0.001 10": a place, from, to */
    char low[NAME], high[NAME];
    if (!weight) return;
    if (range && sscanf(range, "%*d %199s %199s", low, high) == 2)
        printf(", trained with all from %s to %s, at the last step with %s", low, high, weight);
    else
        printf(", weighed by %s to %s", or (note(r, "scheme"), "?"), weight);
}

void cli_print_regularizers(const goss_model *m) {
    const char *list = all_of(m);
    reg r;
    printf("\nregularisers, as of the last step\n");
    while (next_reg(m, &list, &r)) {
        printf("  ");
        cli_put_name(r.name, 0);
        printf(": %s on ", or (note(&r, "kind"), "?"));
        cli_put_name(or (note(&r, "on"), "?"), 0);
        printf(", strength %s", or (note(&r, "strength"), "?"));
        if (!r.graph && note(&r, "graph")) printf(", graph %s", note(&r, "graph")); /* that of a step's descriptors */
        print_weight(&r);
        if (note(&r, "adds")) printf("; adds %s to the loss", note(&r, "adds"));
        if (note(&r, "entropy")) printf("; entropy %s nats a dimension", note(&r, "entropy"));
        printf("\n");
        print_shares(&r);
        if (r.graph) print_graph(&r);
    }
}

/* ---- for programs ---- */

/* A note is a text that a file holds: only a finite number is one in JSON. */
static void json_number(const char *key, const char *text) {
    char *end = NULL;
    const double value = text ? strtod(text, &end) : (double)NAN;
    cli_json_number(key, text && end != text && !*end ? value : (double)NAN);
}

static void json_field(const reg *r, const char *key, bool number) {
    const char *text = note(r, key);
    char head[40];
    if (!text) return;
    snprintf(head, sizeof head, ", \"%s\": ", key);
    if (number) {
        json_number(head, text);
    } else {
        printf("%s", head);
        cli_json_text(text);
    }
}

/* A graph of descriptors: each step has that of its tasks. */
static void json_origin(const reg *r) {
    printf(", \"graph\": {\"from\": ");
    cli_json_text(or (note(r, "graph"), ""));
    printf("}");
}

static void json_graph(const reg *r) {
    char name[80];
    int64_t n;
    edge *all = edges_of(r, &n);
    printf(", \"graph\": {\"from\": ");
    cli_json_text(or (note(r, "graph"), ""));
    printf(", \"nodes\": [");
    for (int64_t i = 0; i < r->graph->shape[0]; i++) {
        printf("%s", i ? ", " : "");
        cli_json_name(node_of(r, i, name));
    }
    printf("], \"edges\": [");
    for (int64_t i = 0; all && i < n; i++)
        printf("%s{\"a\": %lld, \"b\": %lld, \"weight\": %.6g}", i ? ", " : "", (long long)all[i].a,
               (long long)all[i].b, all[i].weight);
    printf("]}");
    free(all);
}

static void json_shares(const reg *r) {
    const char *names = note(r, "branches");
    char name[80], key[NAME];
    if (!names) return;
    printf(", \"shares\": {");
    for (bool first = true; next_of(&names, name); first = false) {
        snprintf(key, sizeof key, "share.%s", name);
        printf("%s", first ? "" : ", ");
        cli_json_text(name);
        json_number(": ", note(r, key));
    }
    printf("}");
}

void cli_json_regularizers(const goss_model *m) {
    const char *list = all_of(m);
    reg r;
    printf("[");
    for (bool first = true; next_reg(m, &list, &r); first = false) {
        printf("%s{\"name\": ", first ? "" : ", ");
        cli_json_text(r.name);
        json_field(&r, "kind", false), json_field(&r, "on", false), json_field(&r, "strength", true);
        json_field(&r, "scheme", false), json_field(&r, "weight", true), json_field(&r, "adds", true);
        json_field(&r, "entropy", true);
        json_shares(&r);
        if (r.graph)
            json_graph(&r);
        else if (note(&r, "graph"))
            json_origin(&r);
        printf("}");
    }
    printf("]");
}

/* ---- what is published ---- */

typedef struct listing {
    bool json, some;
} listing;

static void put_value(void *context, const char *name, const char *shape) {
    listing *l = context;
    if (l->json) {
        printf("%s{\"name\": ", l->some ? ", " : "");
        cli_json_text(name);
        printf(", \"shape\": \"%s\"}", shape);
    } else {
        cli_put_name(name, 32);
        printf(" %s\n", shape);
    }
    l->some = true;
}

int cli_inspect_published(const char *path, bool json) {
    goss_error err;
    goss_model *m;
    listing l = {.json = json};
    if (goss_model_load(path, &m, &err) != GOSS_OK) return cli_fail(&err);
    if (json) printf("{\"published\": [");
    const goss_status s = goss_model_published(m, put_value, &l, &err);
    if (json)
        printf("]}\n");
    else if (s == GOSS_OK)
        printf("\nT tasks, Q queries, S support samples, W classes, L steps; [regularizer.NAME] on = a name or a "
               "pattern\n");
    goss_model_free(m);
    return s == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
}
