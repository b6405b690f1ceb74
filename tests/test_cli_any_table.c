/* SPDX-License-Identifier: Apache-2.0 */
/* A table becomes a network by the command, as a new user meets it: categories, missing values, constant columns and
 * names of rows, in two commands; what is refused. */
#include "cli_run.h"

static void put(const char *name, const char *text) { write_file(name, text, strlen(text)); }

static char *text_of(const char *name) {
    size_t n;
    static char *text;
    free(text);
    return text = tiny_read(tiny_path(name), &n);
}

/* Names of rows, a number with missing values, a category with some, a constant, and an answer by both. */
static void people(const char *name, int from, int n, bool labelled) {
    char text[8000];
    int at = sprintf(text, "patient,weight,colour,site%s\n", labelled ? ",outcome" : "");
    for (int i = from; i < from + n; i++) {
        const double weight = 70 + 20 * sin(i * 2.3);
        const char *colour = i % 3 == 0 ? "red" : i % 3 == 1 ? "blue" : "";
        at += sprintf(text + at, "P%04d,", i * 7);
        if (i % 8 != 3) at += sprintf(text + at, "%.1f", weight);
        at += sprintf(text + at, ",%s,north", colour);
        if (labelled) at += sprintf(text + at, ",%s", weight > 75 ? "ill" : "well");
        at += sprintf(text + at, "\n");
    }
    put(name, text);
}

static void prepare(void) {
    static bool done;
    if (done) return;
    RUN(0, "train data.kind=prior prior.columns=6 prior.support=16..24 prior.queries=24 prior.classes=3 "
           "train.method=tables 'model.backbone=dense 16; tanh' cells.width=8 cells.layers=1 cells.heads=2 "
           "cells.directions=4 cells.ranked=1 train.tasks=8 train.steps=30 optimizer.rate=0.01 validate.every=0 "
           "run.dir=run");
    people("people.csv", 0, 60, true);
    people("more.csv", 100, 20, false);
    done = true;
}

TEST(a_table_with_everything_in_it_takes_two_commands) {
    prepare();
    RUN(0, "adapt run/model.safetensors --support people.csv -o outcome.net");
    T_STR(out_text, "outcome.net\n");
    SAYS(err_text, "people.csv: patient is not used: id");
    SAYS(err_text, "people.csv: site is not used: constant");
    SAYS(err_text, "60 rows of 2 columns became 1 network");
    SAYS(err_text, "for outcome (2 classes)");
    SAYS(err_text, "on rows held out (4 divisions): auc 0.9");
    SAYS(err_text, ", logistic regression 0.9");
    RUN(0, "predict outcome.net more.csv -o predicted.csv");
    const char *text = text_of("predicted.csv");
    SAYS(text, "patient,weight,colour,site,prediction,probability\n");
    int right = 0, rows = 0;
    for (const char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n'), rows++) {
        double weight;
        char rest[100];
        if (sscanf(line + 1, "%*[^,],%lf,%99[^\n]", &weight, rest) != 2) continue;
        right += strstr(rest, weight > 75 ? ",ill," : ",well,") != NULL;
    }
    T_EQ(rows, 20);
    T_CHECK(right >= 15); /* of 17 with a weight */
}

TEST(a_target_by_name_and_an_ensemble) {
    prepare();
    RUN(0, "adapt run/model.safetensors --support people.csv --target colour --networks 3 -o colour.net");
    SAYS(err_text, "20 of 60 rows have no colour and are left out");
    SAYS(err_text, "40 rows of 2 columns became 3 networks");
    RUN(0, "inspect colour.net");
    SAYS(out_text, "2:head.w");
    RUN(0, "predict colour.net people.csv --json");
    SAYS(out_text, "\"prediction\": \"red\"");
}

TEST(the_model_that_comes_with_the_program_is_found_by_its_name) {
    double network, linear;
    people("people.csv", 0, 60, true), people("more.csv", 100, 20, false);
    const int status = run("adapt tables --support people.csv -o named.net");
    if (status == 1 && strstr(err_text, "tables: cannot open")) T_SKIP("models/ is not beside this build's folder");
    T_EQ(status, 0);
    const char *told = strstr(err_text, "auc ");
    T_CHECK(told && sscanf(told, "auc %lf, logistic regression %lf", &network, &linear) == 2);
    T_CHECK(network > 0.9);
    RUN(0, "predict named.net more.csv --json");
    SAYS(out_text, "\"prediction\": \"ill\"");
}

TEST(mistakes_are_told) {
    prepare();
    RUN(1, "adapt run/model.safetensors --support people.csv --target out_come -o x.net");
    SAYS(err_text, "there is no column \"out_come\"");
    SAYS(err_text, "outcome");
    RUN(1, "adapt run/model.safetensors --support people.csv --target patient -o x.net");
    SAYS(err_text, "patient");
    RUN(1, "adapt tables-of-mine --support people.csv -o x.net");
    SAYS(err_text, "tables-of-mine");
    RUN(2, "adapt run/model.safetensors --support people.csv --skip-bad -o x.net");
    SAYS(err_text, "--skip-bad is for");
    RUN(1, "adapt run/model.safetensors --task north -o x.net");
    SAYS(err_text, "was not trained on a task of that name");
    put("half.csv", "weight,outcome\n4,a\n2,b\n3,a\n3,b\n5,a\n2,b\n7,a\n4,b\n");
    RUN(0, "adapt run/model.safetensors --support half.csv -o half.net");
    SAYS(err_text, "8 rows are too few to hold some out");
    RUN(1, "predict half.net half.net");
    put("without.csv", "height,outcome\n1,a\n");
    RUN(1, "predict half.net without.csv");
    SAYS(err_text, "there is no column weight");
}

TEST_MAIN()
