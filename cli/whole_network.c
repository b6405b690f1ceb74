/* SPDX-License-Identifier: Apache-2.0 */
/* whole_network.c: a model that makes networks of tables as a method of gossamer eval tables: the support rows become a
 * network, whose file `gossamer adapt` would write, and the queries are predicted as by `gossamer predict`. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/table_data.h"
#include "gossamer/table_network.h"
#include "whole_table.h"

enum { BATCH = 256 };

typedef struct network {
    goss_network *network;
    goss_table_fit *fit;
    goss_predictor *predictor;
    int *class_of; /* [outputs] the set's class of each output */
    float *x, *said;
} network;

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

/* A network knows its classes by name. */
static goss_status match_classes(const whole_set *s, network *n, goss_error *err) {
    const goss_table_transform *f = n->fit->transform;
    const int classes = goss_table_transform_classes(f);
    n->class_of = calloc((size_t)classes + 1, sizeof *n->class_of);
    if (!n->class_of) return no_memory(err);
    for (int c = 0; c < classes; c++) {
        n->class_of[c] = whole_class_of(s, goss_table_transform_class(f, c));
        if (n->class_of[c] < 0)
            return goss_error_set(err, GOSS_E_FORMAT, "the network knows a class \"%s\", and the table does not",
                                  goss_table_transform_class(f, c));
    }
    return GOSS_OK;
}

static goss_status make(const whole_method *m, const goss_model *model, const whole_split *s, network *n,
                        goss_error *err) {
    GOSS_TRY(whole_make_network(model, s->set, s->support_rows, s->n_support, &m->making, &n->network, err));
    GOSS_TRY(goss_table_fit_parse(goss_network_data(n->network)->transform, &n->fit, err));
    if (s->set->classes) GOSS_TRY(match_classes(s->set, n, err));
    return goss_predictor_of_network(n->network, NULL, &n->predictor, err);
}

/* Logits in the order of the set's classes; one that the support rows lack is out of the question. */
static void put(const whole_split *s, const network *n, const float *said, float *out) {
    const int classes = s->set->classes;
    if (!classes) {
        out[0] = said[0];
        return;
    }
    for (int c = 0; c < classes; c++) out[c] = -100;
    for (int c = 0; c < goss_network_classes(n->network); c++)
        out[n->class_of[c]] = (float)log(fmax((double)said[c], 1e-30));
}

static goss_status predict(const whole_split *s, network *n, float *out, goss_error *err) {
    const size_t width = (size_t)goss_encoding_width(goss_table_transform_inputs(n->fit->transform));
    const size_t outputs = (size_t)goss_network_outputs(n->network);
    const size_t own = s->set->classes ? (size_t)s->set->classes : 1;
    n->x = calloc((size_t)s->n_query * width + 1, sizeof *n->x), n->said = calloc(BATCH * outputs, sizeof *n->said);
    if (!n->x || !n->said) return no_memory(err);
    GOSS_TRY(goss_table_transform_apply(n->fit->transform, s->set->table, s->query_rows, s->n_query, n->x, NULL, err));
    for (int at = 0; at < s->n_query; at += BATCH) {
        const int count = s->n_query - at < BATCH ? s->n_query - at : BATCH;
        GOSS_TRY(goss_predictor_predict(n->predictor, n->x + (size_t)at * width, count, n->said, NULL, err));
        for (int i = 0; i < count; i++) put(s, n, n->said + (size_t)i * outputs, out + (size_t)(at + i) * own);
    }
    return GOSS_OK;
}

static goss_status run_network(const whole_method *m, const goss_model *model, const whole_split *s, float *out,
                               whole_cost *cost, goss_error *err) {
    network n = {0};
    const double begin = whole_now();
    goss_status done = make(m, model, s, &n, err);
    const double made = whole_now();
    if (done == GOSS_OK) done = predict(s, &n, out, err);
    *cost = (whole_cost){made - begin, whole_now() - made, n.network ? (double)goss_network_bytes(n.network) : 0};
    goss_predictor_free(n.predictor);
    goss_table_fit_free(n.fit);
    goss_network_free(n.network);
    free(n.class_of), free(n.x), free(n.said);
    return done;
}

const whole_method whole_network = {.name = "network", .run = run_network};
