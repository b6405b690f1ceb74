/* SPDX-License-Identifier: Apache-2.0 */
/* table_networks.h: models of method tables with random weights, a table with numbers, missing values and a category,
 * and the networks that they make of it. */
#ifndef GOSS_TESTS_TABLE_NETWORKS_H
#define GOSS_TESTS_TABLE_NETWORKS_H

#include "gossamer/table_network.h"
#include "test.h"

static goss_error err;

/* ---- models and tables ---- */

/* Nothing at zero, as initial values partly are: everything has an effect. key: NULL, or one to be set. */
static inline goss_model *make_model(const char *key, const char *value) {
    int n;
    goss_config *c;
    goss_model *m;
    const goss_key *keys = goss_model_keys(&n);
    const goss_task_spec spec = {.input_rank = 1, .input = {8}, .outputs = 10, .supports = 20};
    const goss_data_spec data = goss_data_spec_tasks("tables", &spec);
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss_config_set(c, "model.backbone", "dense 24; tanh; residual { dense 10; relu; dense 24 }", &err));
    T_OK(goss_config_set(c, "cells.width", "8", &err));
    T_OK(goss_config_set(c, "cells.layers", "2", &err));
    T_OK(goss_config_set(c, "cells.heads", "2", &err));
    T_OK(goss_config_set(c, "cells.directions", "4", &err));
    T_OK(goss_config_set(c, "cells.ranked", "1", &err));
    T_OK(goss_config_set(c, "cells.crossed", "1", &err));
    if (key) T_OK(goss_config_set(c, key, value, &err));
    T_OK(goss_model_create("tables", c, &data, 3, &m, &err));
    T_EQ(goss_method_params(goss_model_method(m)), 1);
    float *v = goss_model_values(m, 0);
    const int64_t all = goss_layout_total(goss_method_param_at(goss_model_method(m), 0).layout);
    for (int64_t i = 0; i < all; i++) v[i] += 0.2f * (float)sin((double)(i * i % 1009));
    goss_config_free(c);
    return m;
}

static inline goss_model *random_model(void) {
    static goss_model *m;
    return m ? m : (m = make_model(NULL, NULL));
}

/* Whose head trusts the rows. */
static inline goss_model *random_model_of_numbers(void) {
    static goss_model *m;
    return m ? m : (m = make_model("method.ridge", "0.003"));
}

typedef struct cell_text {
    char a[16], b[16], colour[16], y[16];
} cell_text;
enum { ROWS = 40 };

static const char *const usual[] = {"low", "middle", "high"};

/* Numbers a (some missing) and b, a category of three values, and a class by both. */
static inline void make(cell_text *t, const char *const *classes) {
    static const char *const colours[] = {"red", "green", "blue"};
    for (int i = 0; i < ROWS; i++) {
        const double a = 3 + sin(i * 1.7), b = 100 * cos(i * 0.9 + 1);
        const int kind = (i * 7) % 3, y = (a > 3.2) + (b > 40 && kind == 1);
        snprintf(t[i].a, sizeof t[i].a, "%.4f", a);
        if (i % 6 == 5) t[i].a[0] = 0;
        snprintf(t[i].b, sizeof t[i].b, "%.3f", b);
        snprintf(t[i].colour, sizeof t[i].colour, "%s", colours[kind]);
        snprintf(t[i].y, sizeof t[i].y, "%s", classes[y]);
    }
}

/* As csv, with columns in one of two orders. */
static inline goss_table *table_of(const cell_text *t, int n, bool turned) {
    char text[8192];
    size_t at = (size_t)snprintf(text, sizeof text, turned ? "y,colour,b,a\n" : "a,b,colour,y\n");
    for (int i = 0; i < n; i++)
        at +=
            (size_t)(turned
                         ? snprintf(text + at, sizeof text - at, "%s,%s,%s,%s\n", t[i].y, t[i].colour, t[i].b, t[i].a)
                         : snprintf(text + at, sizeof text - at, "%s,%s,%s,%s\n", t[i].a, t[i].b, t[i].colour, t[i].y));
    goss_table *table;
    T_OK(goss_table_read(text, at, "rows.csv", NULL, &table, &err));
    return table;
}

static inline goss_status adapt(const goss_table *table, const goss_table_network_options *o, goss_network **out) {
    goss_roles roles;
    T_OK(goss_table_roles(table, &(goss_roles_declared){.target = "y", .task = ""}, &roles, &err));
    const bool number = goss_table_type(table, roles.target) == GOSS_COLUMN_NUMBER;
    const goss_status s = goss_table_network_adapt(number ? random_model_of_numbers() : random_model(), table, &roles,
                                                   NULL, 0, o, out, &err);
    goss_roles_free(&roles);
    return s;
}

static inline goss_network *network_of(const goss_table *table, const goss_table_network_options *o) {
    goss_network *n;
    T_OK(adapt(table, o, &n));
    return n;
}

/* Probabilities [rows,classes] for the rows of a table, as the command makes them. */
static inline void answers(const goss_network *n, const goss_table *table, float *p) {
    goss_table_fit *fit;
    goss_predictor *predictor;
    T_OK(goss_table_fit_parse(goss_network_data(n)->transform, &fit, &err));
    const int rows = goss_table_rows(table), width = goss_encoding_width(goss_table_transform_inputs(fit->transform));
    float *x = calloc((size_t)rows * (size_t)width, sizeof *x);
    T_CHECK(x);
    T_OK(goss_table_transform_apply(fit->transform, table, NULL, 0, x, NULL, &err));
    T_OK(goss_predictor_of_network(n, NULL, &predictor, &err));
    T_OK(goss_predictor_predict(predictor, x, rows, p, NULL, &err));
    goss_predictor_free(predictor);
    goss_table_fit_free(fit);
    free(x);
}

static inline int class_of(const goss_network *n, const char *name) {
    for (int c = 0; c < goss_network_classes(n); c++)
        if (strcmp(goss_network_class_name(n, c), name) == 0) return c;
    T_FAIL("no class %s", name);
}

#endif /* GOSS_TESTS_TABLE_NETWORKS_H */
