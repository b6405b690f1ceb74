/* SPDX-License-Identifier: Apache-2.0 */
/* A labelled table becomes a network (method tables): what its order does not change, missing values, classes, limits,
 * the notation of the network that comes out, learning from the prior. The models have random weights: what they say
 * is arbitrary, but not how it depends on the table. */
#include "gossamer/prior.h"
#include "gossamer/text.h"
#include "gossamer/train.h"
#include "scratch.h"
#include "table_networks.h"

static double spread(const float *p, int n, int stride) {
    float low = 1, high = 0;
    for (int i = 0; i < n; i++) low = fminf(low, p[i * stride]), high = fmaxf(high, p[i * stride]);
    return (double)(high - low);
}

static const char *const other[] = {"zebra", "ape", "cat"};

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
