/* SPDX-License-Identifier: Apache-2.0 */
/* A labelled table becomes a network (method tables): what its order does not change, missing values, classes, limits,
 * the notation of the network that comes out, learning from the prior. The models have random weights: what they say
 * is arbitrary, but not how it depends on the table. */
#include "gossamer/table_network.h"

#include "gossamer/distil.h"
#include "gossamer/prior.h"
#include "gossamer/text.h"
#include "gossamer/train.h"
#include "scratch.h"
#include "test.h"

static goss_error err;

/* ---- models and tables ---- */

/* Nothing at zero, as initial values partly are: everything has an effect. key: NULL, or one to be set. */
static goss_model *make_model(const char *key, const char *value) {
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

static goss_model *random_model(void) {
    static goss_model *m;
    return m ? m : (m = make_model(NULL, NULL));
}

/* Whose head trusts the rows. */
static goss_model *random_model_of_numbers(void) {
    static goss_model *m;
    return m ? m : (m = make_model("method.ridge", "0.003"));
}

typedef struct cell_text {
    char a[16], b[16], colour[16], y[16];
} cell_text;
enum { ROWS = 40 };

/* Numbers a (some missing) and b, a category of three values, and a class by both. */
static void make(cell_text *t, const char *const *classes) {
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
static goss_table *table_of(const cell_text *t, int n, bool turned) {
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

static goss_status adapt(const goss_table *table, const goss_table_network_options *o, goss_network **out) {
    goss_roles roles;
    T_OK(goss_table_roles(table, &(goss_roles_declared){.target = "y", .task = ""}, &roles, &err));
    const bool number = goss_table_type(table, roles.target) == GOSS_COLUMN_NUMBER;
    const goss_status s = goss_table_network_adapt(number ? random_model_of_numbers() : random_model(), table, &roles,
                                                   NULL, 0, o, out, &err);
    goss_roles_free(&roles);
    return s;
}

static goss_network *network_of(const goss_table *table, const goss_table_network_options *o) {
    goss_network *n;
    T_OK(adapt(table, o, &n));
    return n;
}

/* Probabilities [rows,classes] for the rows of a table, as the command makes them. */
static void answers(const goss_network *n, const goss_table *table, float *p) {
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

static int class_of(const goss_network *n, const char *name) {
    for (int c = 0; c < goss_network_classes(n); c++)
        if (strcmp(goss_network_class_name(n, c), name) == 0) return c;
    T_FAIL("no class %s", name);
}

static double spread(const float *p, int n, int stride) {
    float low = 1, high = 0;
    for (int i = 0; i < n; i++) low = fminf(low, p[i * stride]), high = fmaxf(high, p[i * stride]);
    return (double)(high - low);
}

static const char *const usual[] = {"low", "middle", "high"}, *const other[] = {"zebra", "ape", "cat"};

/* ---- what does not matter ---- */

TEST(the_order_of_columns_does_not_matter) {
    cell_text t[ROWS];
    float p[ROWS * 3], q[ROWS * 3];
    make(t, usual);
    goss_table *a = table_of(t, ROWS, false), *b = table_of(t, ROWS, true);
    goss_network *m = network_of(a, NULL), *n = network_of(b, NULL);
    answers(m, a, p), answers(n, b, q);
    T_CHECK(spread(p, ROWS, 3) > 0.01);
    for (int i = 0; i < ROWS * 3; i++) T_NEAR((double)p[i], (double)q[i], 1e-5);
    goss_network_free(m), goss_network_free(n);
    goss_table_close(a), goss_table_close(b);
}

TEST(what_classes_are_called_does_not_matter) {
    cell_text t[ROWS], u[ROWS];
    float p[ROWS * 3], q[ROWS * 3];
    make(t, usual), make(u, other);
    goss_table *a = table_of(t, ROWS, false), *b = table_of(u, ROWS, false);
    goss_network *m = network_of(a, NULL), *n = network_of(b, NULL);
    answers(m, a, p), answers(n, b, q);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < ROWS; i++)
            T_NEAR((double)p[3 * i + class_of(m, usual[c])], (double)q[3 * i + class_of(n, other[c])], 1e-6);
    T_CHECK(class_of(m, "low") != class_of(n, "zebra")); /* they were told in another order */
    goss_network_free(m), goss_network_free(n);
    goss_table_close(a), goss_table_close(b);
}

TEST(the_order_of_rows_does_not_matter) {
    cell_text t[ROWS], u[ROWS];
    float p[ROWS * 3], q[ROWS * 3];
    make(t, usual);
    for (int i = 0; i < ROWS; i++) u[i] = t[(i * 11 + 3) % ROWS];
    goss_table *a = table_of(t, ROWS, false), *b = table_of(u, ROWS, false);
    goss_network *m = network_of(a, NULL), *n = network_of(b, NULL);
    answers(m, a, p), answers(n, a, q);
    for (int i = 0; i < ROWS * 3; i++) T_NEAR((double)p[i], (double)q[i], 1e-4);
    goss_network_free(m), goss_network_free(n);
    goss_table_close(a), goss_table_close(b);
}

/* ---- the method itself ---- */

enum { COLUMNS = 5, SUPPORT = 18, QUERIES = 7 };

/* Task k: 0 as it is; 1: columns turned; 2: dead columns and padding behind (wide); y of two classes. */
typedef struct plain {
    int columns, turned;
} plain;

static float value(int row, int column) { return (float)sin(row * 1.3 + column * (row % 5 + 1)); }

static void put_row(const plain *w, float *x, int row) {
    for (int c = 0; c < 2 * w->columns; c++) x[c] = 0;
    for (int c = 0; c < COLUMNS; c++) {
        const bool missing = (row + c) % 7 == 0;
        const int at = w->turned ? COLUMNS - 1 - c : c;
        x[at] = missing ? 0 : value(row, c), x[w->columns + at] = missing;
    }
}

static void draw_plain(const goss_task_source *source, uint64_t k, goss_task *t) {
    const plain *w = source->context;
    const size_t width = 2 * (size_t)w->columns;
    (void)k;
    for (int i = 0; i < SUPPORT; i++) put_row(w, t->support + (size_t)i * width, i);
    for (int i = 0; i < SUPPORT; i++) t->support_target[i] = (float)(value(i, 1) > value(i, 2));
    for (int i = 0; t->query && i < QUERIES; i++) put_row(w, t->query + (size_t)i * width, 100 + i);
    for (int i = 0; t->query_target && i < QUERIES; i++) t->query_target[i] = 0;
    t->supports = SUPPORT, t->queries = QUERIES, t->outputs = 2, t->id = -1;
}

/* Logits [QUERIES,2] of the queries. supports: planned, so that some are padding. */
static void logits_by(const goss_model *of, plain w, int supports, float *out) {
    const goss_task_source source = {
        .spec = {.input_rank = 1, .input = {2 * w.columns}, .outputs = 2, .supports = supports, .queries = QUERIES},
        .context = &w,
        .draw = draw_plain};
    const goss_data_spec d = goss_data_spec_tasks("tables", &source.spec);
    goss_model *m;
    goss_predictor *p;
    float x[QUERIES * 64];
    T_OK(goss_model_create("tables", goss_model_settings(of), &d, 1, &m, &err));
    T_OK(goss_model_copy_values(m, of, NULL, &err));
    T_OK(goss_predictor_of_model(m, &source.spec, NULL, &p, &err));
    T_OK(goss_predictor_adapt(p, &source, 0, &err));
    for (int i = 0; i < QUERIES; i++) put_row(&w, x + (size_t)i * 2 * (size_t)w.columns, 100 + i);
    T_OK(goss_predictor_predict(p, x, QUERIES, out, NULL, &err));
    goss_predictor_free(p);
    goss_model_free(m);
}

static void logits_of(plain w, int supports, float *out) { logits_by(random_model(), w, supports, out); }

TEST(columns_are_a_set_and_dead_ones_are_none) {
    float p[QUERIES * 2], q[QUERIES * 2];
    logits_of((plain){.columns = COLUMNS}, SUPPORT, p);
    T_CHECK(spread(p, QUERIES, 2) > 0.01);
    logits_of((plain){.columns = COLUMNS, .turned = 1}, SUPPORT, q);
    for (int i = 0; i < QUERIES * 2; i++) T_NEAR((double)p[i], (double)q[i], 1e-4);
    logits_of((plain){.columns = 31}, SUPPORT, q);
    for (int i = 0; i < QUERIES * 2; i++) T_NEAR((double)p[i], (double)q[i], 1e-4);
    logits_of((plain){.columns = COLUMNS}, SUPPORT + 9, q);
    for (int i = 0; i < QUERIES * 2; i++) T_NEAR((double)p[i], (double)q[i], 1e-4);
}

TEST(every_key_of_cells_changes_the_network) {
    static const char *const keys[][2] = {{"cells.width", "6"},      {"cells.layers", "1"}, {"cells.heads", "4"},
                                          {"cells.directions", "0"}, {"cells.ranked", "2"}, {"cells.crossed", "0"}};
    float p[QUERIES * 2], q[QUERIES * 2];
    logits_of((plain){.columns = COLUMNS}, SUPPORT, p);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        goss_model *m = make_model(keys[i][0], keys[i][1]);
        T_NOTE("%s", keys[i][0]);
        logits_by(m, (plain){.columns = COLUMNS}, SUPPORT, q);
        T_CHECK(memcmp(p, q, sizeof p) != 0);
        goss_model_free(m);
    }
}

TEST(settings_that_no_network_fits_are_refused) {
    static const struct {
        const char *key, *value, *why;
    } bad[] = {
        {"cells.heads", "3", "cells.heads has to divide cells.width"},
        {"cells.directions", "12", "more units than cells.directions + 6 cells.ranked + cells.crossed cells.ranked^2"},
        {"cells.crossed", "5", "see cells.ranked columns, here 0"},
        {"model.backbone", "relu; dense 8", "has to begin with a dense layer"},
        {"model.backbone", "dense 8; norm batch", "dense1.b"}};
    const goss_task_spec spec = {.input_rank = 1, .input = {8}, .outputs = 3, .supports = 20};
    const goss_data_spec data = goss_data_spec_tasks("tables", &spec);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int n;
        goss_config *c;
        goss_model *m;
        const goss_key *keys = goss_model_keys(&n);
        T_OK(goss_config_new(keys, n, &c, &err));
        T_OK(goss_config_set(c, "model.backbone", "dense 12; tanh", &err));
        T_OK(goss_config_set(c, "cells.width", "8", &err));
        T_OK(goss_config_set(c, "cells.heads", "2", &err));
        T_OK(goss_config_set(c, "cells.directions", "4", &err));
        T_OK(goss_config_set(c, "cells.ranked", "0", &err));
        T_OK(goss_config_set(c, bad[i].key, bad[i].value, &err));
        T_ERR(goss_model_create("tables", c, &data, 1, &m, &err), GOSS_E_ARGUMENT, bad[i].why);
        goss_config_free(c);
    }
}

/* ---- what does ---- */

TEST(missing_values_are_told_from_means) {
    cell_text t[ROWS];
    float p[ROWS * 3], q[ROWS * 3];
    make(t, usual);
    goss_table *a = table_of(t, ROWS, false);
    goss_network *m = network_of(a, NULL);
    answers(m, a, p);
    double mean = 0;
    for (int i = 0; i < ROWS; i++) mean += atof(t[i].a) / (ROWS - ROWS / 6);
    for (int i = 5; i < ROWS; i += 6) snprintf(t[i].a, sizeof t[i].a, "%.9f", mean); /* the same, but for the flag */
    goss_table *b = table_of(t, ROWS, false);
    answers(m, b, q);
    double apart = 0;
    for (int i = 0; i < ROWS * 3; i++) {
        const double d = fabs((double)p[i] - (double)q[i]);
        if (i / 3 % 6 == 5)
            apart = fmax(apart, d);
        else
            T_NEAR(d, 0, 1e-6);
    }
    T_CHECK(apart > 1e-3);
    goss_network_free(m);
    goss_table_close(a), goss_table_close(b);
}

TEST(an_ensemble_is_told_the_classes_in_other_orders) {
    cell_text t[ROWS];
    float one[ROWS * 3], many[ROWS * 3];
    make(t, usual);
    goss_table *a = table_of(t, ROWS, false);
    goss_network *m = network_of(a, NULL), *n = network_of(a, &(goss_table_network_options){.networks = 5}), *read;
    T_EQ(goss_network_members(n), 5);
    answers(m, a, one), answers(n, a, many);
    double apart = 0;
    for (int i = 0; i < ROWS * 3; i++) apart = fmax(apart, fabs((double)one[i] - (double)many[i]));
    T_CHECK(apart > 1e-4);
    T_OK(goss_network_save(n, scratch("five.net"), &err));
    T_OK(goss_network_load(scratch("five.net"), &read, &err));
    answers(read, a, one);
    for (int i = 0; i < ROWS * 3; i++) T_CHECK(one[i] == many[i]);
    goss_network_free(m), goss_network_free(n), goss_network_free(read);
    goss_table_close(a);
}

/* ---- refusals ---- */

static goss_table *table_of_text(const char *text) {
    goss_table *table;
    T_OK(goss_table_read(text, strlen(text), "few.csv", NULL, &table, &err));
    return table;
}

TEST(what_no_network_can_be_made_of_is_refused) {
    char text[12000] = "a,y\n";
    size_t at = strlen(text);
    goss_network *n;
    for (int i = 0; i < 3 * 257; i++) at += (size_t)sprintf(text + at, "%d,c%d\n", i * i % 17, i % 257);
    goss_table *t = table_of_text(text);
    T_ERR(adapt(t, NULL, &n), GOSS_E_ARGUMENT, "has 257 classes; at most 256");
    goss_table_close(t);
    t = table_of_text("a,y\n1,x\n2,x\n3,x\n");
    T_ERR(adapt(t, NULL, &n), GOSS_E_ARGUMENT, "has one class");
    goss_table_close(t);
    t = table_of_text("a,y\n1,\n2,\n3,\n");
    T_ERR(adapt(t, NULL, &n), GOSS_E_ARGUMENT, "no row has a target");
    goss_table_close(t);
    t = table_of_text("a,y\n1,u\n1,v\n1,u\n1,v\n");
    T_ERR(adapt(t, NULL, &n), GOSS_E_ARGUMENT, "no column is left");
    T_CHECK(!n);
    T_ERR(adapt(t, &(goss_table_network_options){.networks = 65}, &n), GOSS_E_ARGUMENT, "65 networks");
    goss_table_close(t);
    t = table_of_text("a,y\n1,2.5\n2,2.5\n3,2.5\n5,2.5\n");
    T_ERR(adapt(t, NULL, &n), GOSS_E_ARGUMENT, "the same in all rows");
    goss_table_close(t);
    t = table_of_text("a,y\n1,2.5\n2,4.5\n3,2.5\n5,2\n");
    T_ERR(adapt(t, &(goss_table_network_options){.networks = 3}, &n), GOSS_E_ARGUMENT, "3 networks for a number");
    goss_table_close(t);
}

/* ---- numbers ---- */

enum { MEASURED = 160 };

/* y by a and b, in units of `unit`, with noise that grows with a. */
static goss_table *measured(int from, double unit, bool turned) {
    char text[1 << 14];
    size_t at = (size_t)sprintf(text, turned ? "b,y,a\n" : "a,b,y\n");
    for (int i = from; i < from + MEASURED; i++) {
        const double a = i * 37 % 101 / 50.0 - 1, b = i * 53 % 89 / 44.0 - 1,
                     noise = sin(i * 12.9898) * (1.05 + a) * 0.3;
        const double y = unit * (5 + a + 0.5 * b + noise);
        at += (size_t)(turned ? sprintf(text + at, "%.4f,%.6g,%.4f\n", b, y, a)
                              : sprintf(text + at, "%.4f,%.4f,%.6g\n", a, b, y));
    }
    goss_table *t;
    T_OK(goss_table_read(text, at, "measured.csv", NULL, &t, &err));
    return t;
}

/* Predictions and deviations of its rows, [MEASURED] each. */
static void numbers_of(const goss_network *n, const goss_table *t, float *y, float *deviation) {
    goss_table_fit *fit;
    float x[MEASURED * 2];
    T_OK(goss_table_fit_parse(goss_network_data(n)->transform, &fit, &err));
    T_EQ(goss_encoding_width(goss_table_transform_inputs(fit->transform)), 2);
    T_OK(goss_table_transform_apply(fit->transform, t, NULL, 0, x, NULL, &err));
    T_OK(goss_network_predict(n, x, MEASURED, y, deviation, NULL, &err));
    goss_table_fit_free(fit);
}

/* The share of the variance that is explained, and of rows within 1.96 deviations; *more: how much larger deviations
 * are where noise is large (a > .3, not < -.3). */
static double explained(const goss_table *t, const float *y, const float *deviation, double *within, double *more) {
    const int at = goss_table_find(t, "y"), a = goss_table_find(t, "a");
    double mean = 0, all = 0, left = 0, sum[2] = {0}, count[2] = {0};
    *within = 0;
    for (int i = 0; i < MEASURED; i++) mean += goss_table_number(t, at, i) / MEASURED;
    for (int i = 0; i < MEASURED; i++) {
        const double off = goss_table_number(t, at, i) - (double)y[i], v = goss_table_number(t, a, i);
        all += pow(goss_table_number(t, at, i) - mean, 2), left += off * off;
        *within += (fabs(off) < 1.96 * (double)deviation[i]) / (double)MEASURED;
        if (fabs(v) > 0.3) sum[v > 0] += (double)deviation[i], count[v > 0]++;
    }
    *more = sum[1] / count[1] / (sum[0] / count[0]);
    return 1 - left / all;
}

TEST(a_number_is_predicted_with_its_deviation_in_any_unit) {
    float y[MEASURED], d[MEASURED], z[MEASURED], e[MEASURED];
    double within, more;
    goss_table *t = measured(0, 1, false), *u = measured(0, 1000, true), *later = measured(500, 1, false);
    goss_network *n = network_of(t, NULL), *m = network_of(u, NULL);
    T_EQ(goss_network_classes(n), 0);
    T_STR(goss_network_output_name(n, 0), "y");
    numbers_of(n, later, y, d);
    const double share = explained(later, y, d, &within, &more);
    T_NOTE("explained %.3f, within %.3f, deviations %.2f times as large", share, within, more);
    T_CHECK(share > 0.7 && within > 0.88 && within <= 1 && more > 1.3);
    numbers_of(n, t, y, d), numbers_of(m, u, z, e);
    for (int i = 0; i < MEASURED; i++) T_NEAR((double)z[i] / 1000, (double)y[i], 2e-3);
    for (int i = 0; i < MEASURED; i++) T_NEAR((double)e[i] / 1000, (double)d[i], 2e-3);
    goss_network_free(n), goss_network_free(m);
    goss_table_close(t), goss_table_close(u), goss_table_close(later);
}

TEST(an_ensemble_for_a_number_is_told_it_upside_down) {
    float y[MEASURED], d[MEASURED], z[MEASURED], e[MEASURED];
    double within, more, apart = 0;
    goss_table *t = measured(0, 1, false), *later = measured(500, 1, false);
    goss_network *one = network_of(t, NULL), *two = network_of(t, &(goss_table_network_options){.networks = 2}), *read;
    numbers_of(one, later, y, d), numbers_of(two, later, z, e);
    for (int i = 0; i < MEASURED; i++) apart = fmax(apart, fabs((double)y[i] - (double)z[i]));
    T_CHECK(apart > 1e-4);
    T_CHECK(explained(later, z, e, &within, &more) > 0.7);
    T_OK(goss_network_save(two, scratch("two.net"), &err));
    T_OK(goss_network_load(scratch("two.net"), &read, &err));
    numbers_of(read, later, y, d);
    for (int i = 0; i < MEASURED; i++) T_CHECK(y[i] == z[i] && d[i] == e[i]);
    goss_network_free(one), goss_network_free(two), goss_network_free(read);
    goss_table_close(t), goss_table_close(later);
}

/* ---- many classes ---- */

/* Points around the `classes` places of a grid. */
static goss_table *grid(int classes, int rows) {
    char *text = malloc((size_t)rows * 40 + 100);
    size_t at = (size_t)sprintf(text, "a,b,y\n");
    for (int i = 0; i < rows; i++) {
        const int c = i % classes;
        at += (size_t)sprintf(text + at, "%.3f,%.3f,place %d\n", c % 10 + 0.2 * sin(i * 1.7),
                              c / 10 + 0.2 * cos(i * 2.9), c);
    }
    goss_table *t;
    T_OK(goss_table_read(text, at, "grid.csv", NULL, &t, &err));
    free(text);
    return t;
}

/* Attention has seen all of the rows: each class's own row is not what tells. */
TEST(a_hundred_classes_are_told_apart_by_output_coding) {
    enum { PLACES = 100, ALL = 800 };
    static float p[ALL * PLACES];
    goss_table *t = grid(PLACES, ALL);
    for (int members = 0; members < 2; members++) {
        goss_network *n = network_of(t, &(goss_table_network_options){.networks = members});
        int near = 0;
        T_EQ(goss_network_classes(n), PLACES);
        T_EQ(goss_network_members(n), members ? 1 : 4);
        answers(n, t, p);
        for (int i = 0; i < ALL; i++) {
            double sum = 0;
            int above = 0;
            const float own = p[i * PLACES + class_of(n, goss_table_category(t, 2, goss_table_code(t, 2, i)))];
            for (int c = 0; c < PLACES; c++) sum += (double)p[i * PLACES + c], above += p[i * PLACES + c] > own;
            T_NEAR(sum, 1, 1e-4);
            near += above < 10;
        }
        T_NOTE("%d networks: %d of %d among the ten likeliest", goss_network_members(n), near, ALL);
        T_CHECK(near > ALL * 8 / 10);
        goss_network_free(n);
    }
    goss_table_close(t);
}

/* ---- distillation ---- */

/* The rows of a table as a network reads them. */
static float *inputs_of(const goss_network *n, const goss_table *t) {
    goss_table_fit *fit;
    T_OK(goss_table_fit_parse(goss_network_data(n)->transform, &fit, &err));
    float *x =
        calloc((size_t)goss_table_rows(t) * (size_t)goss_encoding_width(goss_table_transform_inputs(fit->transform)),
               sizeof *x);
    T_CHECK(x);
    T_OK(goss_table_transform_apply(fit->transform, t, NULL, 0, x, NULL, &err));
    goss_table_fit_free(fit);
    return x;
}

/* A network, its ensemble, and what that becomes: how far numbers [n] are from the ensemble's. */
static void check_distilled(goss_table *t, goss_network *first, goss_network *ensemble, int outputs) {
    static float all[MEASURED * 3], own[MEASURED * 3], said[MEASURED * 3], again[MEASURED * 3];
    const int rows = goss_table_rows(t), n = rows * outputs;
    const goss_distil_options o = {.steps = 150, .pool = 1024};
    float *x = inputs_of(ensemble, t);
    goss_network *one, *two;
    double before, after, far = 0, near = 0;
    T_OK(goss_network_distil(ensemble, x, rows, &o, &before, &after, &one, &err));
    T_OK(goss_network_distil(ensemble, x, rows, &o, NULL, NULL, &two, &err));
    T_EQ(goss_network_members(one), 1);
    T_STR(goss_network_output_name(one, 0), goss_network_output_name(ensemble, 0));
    T_STR(goss_network_note_of(one, "support.samples"), goss_network_note_of(ensemble, "support.samples"));
    T_OK(goss_network_predict(ensemble, x, rows, all, NULL, NULL, &err));
    T_OK(goss_network_predict(first, x, rows, own, NULL, NULL, &err));
    T_OK(goss_network_predict(one, x, rows, said, NULL, NULL, &err));
    T_OK(goss_network_predict(two, x, rows, again, NULL, NULL, &err));
    for (int i = 0; i < n; i++) {
        far += fabs((double)all[i] - (double)own[i]), near += fabs((double)all[i] - (double)said[i]);
        T_CHECK(said[i] == again[i]);
    }
    T_NOTE("divergence %.3g, then %.3g; %.3g from the ensemble, the first member %.3g", before, after, near / n,
           far / n);
    T_CHECK(after < before / 4 && after >= -1e-6 && near < far / 2);
    T_ERR(goss_network_distil(first, x, rows, &o, NULL, NULL, &two, &err), GOSS_E_ARGUMENT, "a single network");
    T_ERR(goss_network_distil(ensemble, x, 0, &o, NULL, NULL, &two, &err), GOSS_E_ARGUMENT, "no samples");
    T_ERR(goss_network_distil(ensemble, x, rows, &(goss_distil_options){.steps = -1}, NULL, NULL, &two, &err),
          GOSS_E_ARGUMENT, "-1 steps");
    goss_network_free(one), goss_network_free(first), goss_network_free(ensemble);
    goss_table_close(t);
    free(x);
}

TEST(an_ensemble_becomes_one_network) {
    cell_text t[ROWS];
    make(t, usual);
    goss_table *a = table_of(t, ROWS, false), *b = measured(0, 1000, false);
    check_distilled(a, network_of(a, NULL), network_of(a, &(goss_table_network_options){.networks = 5}), 3);
    check_distilled(b, network_of(b, NULL), network_of(b, &(goss_table_network_options){.networks = 2}), 1);
}

/* ---- fine-tuning ---- */

/* Rows held out choose how many steps; as many without them end at the same weights. */
TEST(steps_are_as_many_as_rows_held_out_want) {
    enum { N = MEASURED, HELD = 40 };
    goss_table *t = measured(0, 1000, false);
    float y[N];
    int taken;
    double loss[2];
    goss_network *n = network_of(t, &(goss_table_network_options){.networks = 2});
    goss_network *m = network_of(t, &(goss_table_network_options){.networks = 2});
    float *x = inputs_of(n, t), p[N], q[N];
    for (int i = 0; i < N; i++) y[i] = (float)goss_table_number(t, goss_table_find(t, "y"), i);
    const goss_labelled_rows shown = {x, y, N - HELD}, held = {x + 2 * (N - HELD), y + N - HELD, HELD};
    const goss_tune_options o = {.steps = 100, .batch = 32, .rate = 0.001, .seed = 5};
    T_OK(goss_network_tune(n, &shown, &held, &o, &taken, loss, &err));
    T_NOTE("%d steps, loss %g, then %g", taken, loss[0], loss[1]);
    T_CHECK((taken == 16 || taken == 32 || taken == 64 || taken == 100) && loss[1] < loss[0] - 0.01);
    goss_tune_options as_many = o;
    as_many.steps = taken;
    T_OK(goss_network_tune(m, &shown, NULL, &as_many, NULL, NULL, &err));
    T_OK(goss_network_predict(n, x, N, p, NULL, NULL, &err));
    T_OK(goss_network_predict(m, x, N, q, NULL, NULL, &err));
    for (int i = 0; i < N; i++) T_CHECK(p[i] == q[i]);
    /* of noise, a network that is sure of other labels learns how large it is alone: its loss is 12, the noise's 7 */
    for (int i = 0; i < N; i++) y[i] = 5000 + 1000 * (float)sin(i * i * 12.9898);
    goss_tune_options none = o;
    none.steps = 4096, none.rate = 0.01;
    T_OK(goss_network_tune(n, &shown, &held, &none, &taken, loss, &err));
    T_NOTE("noise: %d steps, loss %g, then %g", taken, loss[0], loss[1]);
    T_CHECK(taken < 4096 && loss[1] <= loss[0]); /* nothing but how large they are */
    T_ERR(goss_network_tune(n, &(goss_labelled_rows){x, y, 0}, NULL, &o, NULL, NULL, &err), GOSS_E_ARGUMENT, "no rows");
    none.steps = -3;
    T_ERR(goss_network_tune(n, &shown, NULL, &none, NULL, NULL, &err), GOSS_E_ARGUMENT, "-3 steps");
    goss_network_free(n), goss_network_free(m);
    goss_table_close(t);
    free(x);
}

/* A network of labels that are noise has nothing to learn; one of other labels first unlearns how sure it was. */
TEST(steps_on_noise_end_early) {
    enum { N = MEASURED, HELD = 40, MOST = 4096 };
    char text[1 << 14];
    size_t at = (size_t)sprintf(text, "a,b,y\n");
    float y[N];
    uint32_t state = 11;
    for (int i = 0; i < N; i++) {
        state = state * 1664525u + 1013904223u;
        y[i] = 4000 + 2000 * ((float)(state >> 8) / (1 << 24));
        at += (size_t)sprintf(text + at, "%.4f,%.4f,%.9g\n", i * 37 % 101 / 50.0 - 1, i * 53 % 89 / 44.0 - 1,
                              (double)y[i]);
    }
    goss_table *t;
    T_OK(goss_table_read(text, at, "noise.csv", NULL, &t, &err));
    goss_network *n = network_of(t, &(goss_table_network_options){.networks = 2});
    float *x = inputs_of(n, t);
    const goss_labelled_rows shown = {x, y, N - HELD}, held = {x + 2 * (N - HELD), y + N - HELD, HELD};
    const goss_tune_options o = {.steps = MOST, .batch = 32, .rate = 0.01, .seed = 5};
    int taken;
    double loss[2];
    T_OK(goss_network_tune(n, &shown, &held, &o, &taken, loss, &err));
    T_NOTE("%d steps, loss %g, then %g", taken, loss[0], loss[1]);
    T_CHECK(taken < 512 && loss[1] <= loss[0]);
    goss_network_free(n);
    goss_table_close(t);
    free(x);
}

/* Of 600 rows in two classes, the share that a network of the first n of them says right. */
static double right_of(const goss_table *t, int n, int read) {
    static float p[600 * 2];
    int32_t rows[600];
    goss_roles roles;
    goss_network *net;
    int right = 0;
    for (int i = 0; i < n; i++) rows[i] = i;
    T_OK(goss_table_roles(t, &(goss_roles_declared){.target = "y", .task = ""}, &roles, &err));
    T_OK(goss_table_network_adapt(random_model(), t, &roles, rows, n, &(goss_table_network_options){.rows = read}, &net,
                                  &err));
    T_EQ(atoi(goss_network_note_of(net, "support.samples")), n);
    answers(net, t, p);
    for (int i = 0; i < 600; i++)
        right += (p[2 * i + 1] > p[2 * i]) == (goss_table_code(t, 2, i) == class_of(net, "yes"));
    goss_network_free(net);
    goss_roles_free(&roles);
    return right / 600.0;
}

TEST(the_head_is_fitted_to_all_rows_however_few_attention_reads) {
    char text[1 << 14];
    size_t at = (size_t)sprintf(text, "a,b,y\n");
    for (int i = 0; i < 600; i++) {
        const int a = i * 37 % 101, b = i * 53 % 89;
        at += (size_t)sprintf(text + at, "%d,%d,%s\n", a, b, a + b > 95 ? "yes" : "no");
    }
    goss_table *t;
    T_OK(goss_table_read(text, at, "many.csv", NULL, &t, &err));
    const double few = right_of(t, 24, 24), all = right_of(t, 600, 24);
    T_NOTE("%g of %d rows, %g of all", few, 24, all);
    T_CHECK(all > few + 0.02);
    goss_table_close(t);
}

TEST(a_class_of_one_row_is_read) {
    char text[1 << 13];
    size_t at = (size_t)sprintf(text, "a,y\n");
    for (int i = 0; i < 400; i++)
        at += (size_t)sprintf(text + at, "%d,%s\n", i * 37 % 101, i == 311 ? "once" : i % 2 ? "odd" : "even");
    goss_table *t;
    float p[400 * 3];
    T_OK(goss_table_read(text, at, "once.csv", NULL, &t, &err));
    goss_network *n = network_of(t, &(goss_table_network_options){.rows = 12});
    T_EQ(goss_network_classes(n), 3);
    answers(n, t, p);
    for (int i = 0; i < 400 * 3; i++) T_CHECK(p[i] >= 0 && p[i] <= 1);
    goss_network_free(n);
    goss_table_close(t);
}

/* ---- learning ---- */

/* Trains in a folder of that name; the model, with its accuracy on 300 tables of another seed. */
static goss_model *trained(const char *name, const char *steps, double *accuracy) {
    static const char *const settings[] = {"data.kind=prior",
                                           "prior.columns=6",
                                           "prior.support=16..24",
                                           "prior.queries=24",
                                           "prior.classes=3",
                                           "train.method=tables",
                                           "model.backbone=dense 16; tanh; dense 12; relu",
                                           "cells.width=12",
                                           "cells.layers=1",
                                           "cells.heads=2",
                                           "cells.directions=4",
                                           "cells.ranked=1",
                                           "cells.crossed=2",
                                           "method.ridge=10",
                                           "train.tasks=8",
                                           "optimizer.rate=0.01",
                                           "optimizer.schedule=constant",
                                           "optimizer.clip_norm=1",
                                           "validate.every=1000",
                                           "validate.episodes=300",
                                           "run.seed=4"};
    char file[64];
    int n;
    goss_config *c;
    goss_model *m;
    const goss_key *keys = goss_train_keys(&n);
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss_config_set(c, "run.dir", scratch(name), &err));
    T_OK(goss_config_set(c, "train.steps", steps, &err));
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) T_OK(goss_config_override(c, settings[i], &err));
    T_OK(goss_train(c, NULL, NULL, &err));
    snprintf(file, sizeof file, "%s/model.safetensors", name);
    T_OK(goss_model_load(scratch(file), &m, &err));
    goss_config_free(c);
    const char *note = goss_model_note_of(m, "metrics.validation");
    T_CHECK(note);
    *accuracy = atof(note);
    return m;
}

TEST(it_learns_from_the_prior_and_every_tensor_moves) {
    double before, after;
    goss_model *first = trained("first", "1", &before), *last = trained("last", "150", &after);
    const goss_method_param p = goss_method_param_at(goss_model_method(last), 0);
    float *start = calloc((size_t)goss_layout_total(p.layout), sizeof *start);
    T_CHECK(start);
    goss_method_initialize(goss_model_method(last), 0, 4, start);
    for (int i = 0; i < goss_layout_count(p.layout); i++) {
        const goss_entry *e = goss_layout_entry(p.layout, i);
        T_NOTE("%s", e->name);
        T_CHECK(memcmp(start + e->offset, goss_model_values(last, 0) + e->offset, (size_t)e->numel * 4) != 0);
    }
    T_NOTE("%.4f before, %.4f after", before, after);
    T_CHECK(after > before + 0.02);
    free(start);
    goss_model_free(first), goss_model_free(last);
}

TEST_MAIN()
