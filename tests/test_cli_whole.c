/* SPDX-License-Identifier: Apache-2.0 */
/* gossamer eval tables, as a user meets it. */
#include "cli_run.h"
#include "gossamer/table.h"

static goss_error err;

static void put(const char *name, const char *text) { write_file(name, text, strlen(text)); }

/* y follows from x and colour; noise says nothing; some cells are missing; one column is constant. */
static void write_tables(void) {
    static char text[40000];
    uint32_t random = 7;
    int n = snprintf(text, sizeof text, "x,colour,noise,same,outcome\n");
    for (int i = 0; i < 120; i++) {
        const int value = (int)(tiny_random(&random) % 1000), colour = (int)(tiny_random(&random) % 3);
        const bool yes = value + 400 * (colour == 1) > 600;
        char noise[12] = "";
        if (i % 7) snprintf(noise, sizeof noise, "%d", (int)(tiny_random(&random) % 50));
        n += snprintf(text + n, sizeof text - (size_t)n, "%d.5,%s,%s,4,%s\n", value,
                      i % 11 ? colour == 1 ? "red" : "blue" : "", noise, yes ? "yes" : "no");
    }
    put("good.csv", text);
    n = snprintf(text, sizeof text,
                 "@relation noise\n@attribute a numeric\n@attribute b {u,v}\n@attribute class "
                 "{p,q,never}\n@data\n");
    for (int i = 0; i < 200; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%d,%c,%c\n", (int)(tiny_random(&random) % 100),
                      "uv"[tiny_random(&random) % 2], "pq"[tiny_random(&random) % 2]);
    put("noise.arff", text);
    n = snprintf(text, sizeof text, "a,b,price\n");
    for (int i = 0; i < 80; i++) {
        const int a = (int)(tiny_random(&random) % 100), b = (int)(tiny_random(&random) % 100);
        n += snprintf(text + n, sizeof text - (size_t)n, "%d,%d,%d.25\n", a, b, 3 * a - b);
    }
    put("price.csv", text);
}

/* The number behind a key of the n-th method of the JSON, from 0. */
static double number(const char *method, const char *key) {
    char name[80], at[80];
    snprintf(name, sizeof name, "{\"name\": \"%s\"", method), snprintf(at, sizeof at, "\"%s\": ", key);
    const char *m = strstr(out_text, name), *v = m ? strstr(m, at) : NULL;
    if (!v) T_FAIL("%s of %s is not in %.300s", key, method, out_text);
    return strncmp(v + strlen(at), "null", 4) == 0 ? NAN : strtod(v + strlen(at), NULL);
}

#define ANY_MODEL                                                                                                      \
    "train data.kind=prior prior.columns=6 prior.queries=16 prior.support=20..24 prior.families=linear "               \
    "prior.missing=0 prior.group=2 train.method=tables 'model.backbone=dense 16; relu' cells.width=6 "                 \
    "cells.layers=1 cells.heads=2 cells.directions=2 cells.ranked=1 train.tasks=2 train.steps=4 "                      \
    "validate.every=0 run.dir=any"

/* Whether the model that comes with the program is beside this build: it is then a method of eval tables, the first. */
static bool has_model(void) {
    RUN(0, "eval tables --data good.csv --repeats 1 --methods linear --json");
    return strstr(out_text, "{\"name\": \"tables\"") != NULL;
}

TEST(methods_on_divisions_of_tables) {
    write_tables();
    const char *first = has_model() ? "tables" : "linear";
    RUN(0, "eval tables --data good.csv,noise.arff --split 0.5 --repeats 4 --json");
    SAYS(out_text, "{\"tasks\": 2, \"metric\": \"auc\", ");
    SAYS(err_text, "same is not used: constant");
    for (int i = 0; i < 2; i++) {
        const char *m = i ? "knn" : "linear";
        T_CHECK(number(m, "good") > 0.85 && number(m, "good") <= 1);
        T_NEAR(number(m, "noise"), 0.5, 0.12);
        T_NEAR(number(m, "value"), (number(m, "good") + number(m, "noise")) / 2, 1e-8);
        T_CHECK(number(m, "ci95") > 0 && number(m, "seconds_per_task") > 0 && number(m, "microseconds_per_row") > 0);
    }
    T_NEAR(number("knn", "difference"), number("knn", "value") - number(first, "value"), 1e-8);
    T_EQ(number(first, "difference"), 0);
    /* x, colour 2 + missing, noise + missing: 6 inputs and the constant, of 2 classes, 28 bytes each; a, b: 4 */
    T_EQ(number("linear", "bytes"), (2 * 7 * 4 + 2 * 4 * 4) / 2);
    const double before = number("linear", "value");
    RUN(0, "eval tables --data good.csv,noise.arff --split 0.5 --repeats 4 --json --methods knn,linear");
    T_EQ(number("linear", "value") * 1e12, before * 1e12);
    RUN(0, "eval tables --data good.csv,noise.arff --repeats 4 --json --seed 2");
    T_CHECK(number("linear", "value") != before);
    RUN(0, "eval tables --data good.csv");
    SAYS(out_text, "1 table, 5 divisions each: 0.5 of the rows are support; auc, higher is better");
    SAYS(out_text, "linear");
}

TEST(fewer_support_rows_are_worse_and_smaller) {
    write_tables();
    RUN(0, "eval tables --data good.csv --methods knn --json --repeats 10");
    const double all = number("knn", "good"), bytes = number("knn", "bytes");
    RUN(0, "eval tables --data good.csv --methods knn --json --repeats 10 --max-rows 6");
    T_CHECK(number("knn", "good") < all && number("knn", "bytes") < bytes / 4);
    SAYS(out_text, "\"max_rows\": 6");
}

/* A model that makes networks of tables comes first; a table that is beyond it has no value, and that is told. */
TEST(a_model_of_any_table) {
    static char text[30000];
    write_tables();
    RUN(0, ANY_MODEL);
    int n = snprintf(text, sizeof text, "a,b,kind\n");
    for (int i = 0; i < 4 * 257; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%d,%d,k%d\n", i % 5, i % 7, i % 257);
    put("many.csv", text);
    RUN(0, "eval any/model.safetensors --data good.csv,many.csv --repeats 2 --methods linear --json");
    SAYS(out_text, "\"methods\": [{\"name\": \"any/model.safetensors\"");
    SAYS(err_text, "many: any/model.safetensors: ");
    SAYS(err_text, "257 classes");
    T_CHECK(number("any/model.safetensors", "good") > 0.7 && isnan(number("any/model.safetensors", "many")));
    T_EQ(number("any/model.safetensors", "undefined"), 1);
    T_EQ(number("linear", "undefined"), 0);
    T_CHECK(number("any/model.safetensors", "bytes") > 0 && number("any/model.safetensors", "seconds_per_task") > 0);
    T_NEAR(number("linear", "difference"), number("linear", "good") - number("any/model.safetensors", "good"), 1e-9);
    RUN(0, "eval any/model.safetensors --data many.csv --repeats 1 --methods linear");
    SAYS(out_text,
         "any/model.safetensors                   -                          -           -         -         -\n");
    T_CHECK(!strstr(out_text, "nan"));
}

/* An ensemble is larger; gradient steps are a contender of their own. */
TEST(ensembles_and_gradient_steps) {
    write_tables();
    if (access(tiny_path("any/model.safetensors"), F_OK) != 0) RUN(0, ANY_MODEL);
    RUN(0, "eval any/model.safetensors --data good.csv --repeats 1 --methods linear --metric log_loss --json");
    const double bytes = number("any/model.safetensors", "bytes"), value = number("any/model.safetensors", "value");
    RUN(0, "eval any/model.safetensors --data good.csv --repeats 1 --methods linear --metric log_loss --json "
           "--networks 3 --fine-tune 5");
    T_NEAR(number("any/model.safetensors", "bytes"), 3 * bytes, 0);
    T_CHECK(number("any/model.safetensors", "value") != value);
    T_CHECK(number("any/model.safetensors + 5 steps", "value") != number("any/model.safetensors", "value"));
    if (has_model()) return;
    RUN(2, "eval tables --data good.csv --networks 3");
    SAYS(err_text, "--networks is for a model");
    RUN(2, "eval tables --data good.csv --fine-tune 5");
    SAYS(err_text, "--fine-tune is for a model");
}

TEST(targets_of_numbers) {
    write_tables();
    RUN(0, "eval tables --data price.csv --json");
    SAYS(out_text, "\"metric\": \"rmse\", \"higher_is_better\": false");
    T_CHECK(number("linear", "price") < 5 && number("linear", "price") < number("knn", "price") / 2);
    RUN(0, "eval tables --data price.csv --json --metric r2");
    T_CHECK(number("linear", "price") > 0.99);
    RUN(0, "eval tables --data noise.arff --json --target a");
    SAYS(out_text, "\"metric\": \"rmse\"");
    put("digits.csv", "a,b,kind\n1,2,0\n2,1,1\n3,4,2\n2,2,0\n3,1,1\n2,5,2\n1,1,0\n4,1,1\n2,4,2\n2,3,0\n4,2,1\n1,5,2\n");
    RUN(0, "eval tables --data digits.csv --metric accuracy --json");
    SAYS(out_text, "\"metric\": \"accuracy\", \"higher_is_better\": true");
}

TEST(a_column_of_names_is_left_out) {
    char text[9000];
    int n = snprintf(text, sizeof text, "place,x,class\n");
    for (int i = 0; i < 540; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "p%d,%d,%s\n", i / 2, i * 7 % 10, i * 7 % 10 > 4 ? "a" : "b");
    put("names.csv", text);
    RUN(0, "eval tables --data names.csv --json");
    SAYS(err_text, "names.csv: place is not used: ignored (270 values, more than 256)");
    T_EQ(number("linear", "names"), 1);
}

/* The rows of each division, as other programs read them. */
TEST(divisions_are_written) {
    goss_table *t;
    int rows[2] = {0}, seen[200] = {0};
    write_tables();
    RUN(0, "eval tables --data good.csv,noise.arff --repeats 2 --splits s.csv --json");
    T_OK(goss_table_open(tiny_path("s.csv"), NULL, &t, &err));
    T_EQ(goss_table_rows(t), 2 * (120 + 200));
    for (int i = 0; i < goss_table_rows(t); i++) {
        char buffer[GOSS_CELL_TEXT], other[GOSS_CELL_TEXT];
        if (strcmp(goss_table_text(t, 0, i, buffer), "noise") != 0) continue;
        T_CHECK(goss_table_number(t, 1, i) >= 0 && goss_table_number(t, 1, i) <= 2);
        if (strcmp(goss_table_text(t, 1, i, buffer), goss_table_text(t, 1, goss_table_rows(t) - 1, other)) != 0)
            continue;
        const int row = atoi(goss_table_text(t, 2, i, buffer)) - 1;
        T_CHECK(row >= 0 && row < 200 && !seen[row]++);
        rows[strcmp(goss_table_text(t, 3, i, buffer), "query") == 0]++;
    }
    goss_table_close(t);
    T_CHECK(rows[0] + rows[1] == 200 && rows[0] >= 99 && rows[0] <= 101);
}

TEST(mistakes) {
    static const struct {
        const char *line;
        int status;
        const char *says;
    } cases[] = {
        {"eval tables", 2, "--data is missing"},
        {"eval tables --data nofile.csv", 1, "nofile.csv"},
        {"eval tables --data good.csv --methods forest", 1,
         "there is no \"forest\" for whole tables, only linear, knn"},
        {"eval tables --data good.csv --methods knn,knn", 1, "twice"},
        {"eval tables --data good.csv --split 1.5", 2, "--split 1.5"},
        {"eval tables --data good.csv --split test", 1, "tables"},
        {"eval tables --data good.csv --target outcom", 1, "nearest: \"outcome\""},
        {"eval tables --data good.csv --target ''", 1, "good.csv: --target names no column"},
        {"eval tables --data good.csv --metric ''", 2, "--metric names none"},
        {"eval tables --data good.csv --ignore outcom", 1, "--ignore: there is no column"},
        {"eval tables --data good.csv --target x --metric auc", 1, "classes in 120 rows"},
        {"eval tables --data good.csv --metric rmse", 1, "--metric"},
        {"eval tables --data good.csv,price.csv", 1, "evaluate them apart"},
        {"eval tables --data good.csv --ways 5", 2, "--ways is for"},
        {"eval tables --data good.csv --support 5", 2, "--support is for"},
        {"eval tables more --data good.csv", 2, "\"more\""},
        {"eval tables --data one.csv", 1, "a single column"},
    };
    write_tables();
    put("one.csv", "y\n1\n2\n3\n4\n5\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        RUN(cases[i].status, cases[i].line);
        SAYS(err_text, cases[i].says);
        T_CHECK(!*out_text);
    }
}

TEST_MAIN()
