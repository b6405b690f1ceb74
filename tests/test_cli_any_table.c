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

TEST(a_network_in_8_bits) {
    double rounded, floats;
    prepare();
    RUN(0, "adapt run/model.safetensors --support people.csv --precision int8 -o small.net");
    const char *told = strstr(err_text, "auc ");
    T_CHECK(told && sscanf(told, "auc %lf in int8, %lf in f32, ", &rounded, &floats) == 2);
    T_NEAR(rounded, floats, 0.02);
    SAYS(err_text, "int8: ");
    SAYS(err_text, "weights take 8 bits each, ");
    RUN(0, "inspect small.net");
    SAYS(out_text, "network 2");
    SAYS(out_text, "dense1.w.scale");
    SAYS(out_text, " I8 ");
    RUN(0, "predict small.net more.csv -o small.csv");
    RUN(0, "adapt run/model.safetensors --support people.csv --precision f32 --no-estimate -o plain.net");
    RUN(0, "inspect plain.net");
    SAYS(out_text, "network 1");
    T_CHECK(!strstr(out_text, "I8"));
    RUN(0, "eval run/model.safetensors --data people.csv --precision int8 --fine-tune 4 --distil --repeats 2 --json");
    SAYS(out_text, "model.safetensors+int8\"");
    SAYS(out_text, "distilled+int8\"");
    SAYS(out_text, "4 steps+int8\"");
    RUN(2, "adapt run/model.safetensors --support people.csv --precision int4 -o small.net");
    SAYS(err_text, "f32 or int8");
}

/* Many columns: their classes are by the first two. */
static void wide(const char *name) {
    static char text[60000];
    int at = 0;
    for (int j = 0; j < 50; j++) at += sprintf(text + at, "x%02d,", j);
    at += sprintf(text + at, "y\n");
    for (int i = 0; i < 60; i++) {
        for (int j = 0; j < 50; j++) at += sprintf(text + at, "%.3f,", sin(i * (1.3 + 0.37 * j) + j));
        at += sprintf(text + at, "%s\n", sin(i * 1.3) > sin(i * 1.67 + 1) ? "more" : "less");
    }
    put(name, text);
}

TEST(a_network_within_a_budget) {
    double floats;
    prepare();
    wide("wide.csv");
    RUN(0, "adapt run/model.safetensors --support wide.csv -o wide.net");
    SAYS(err_text, "became 1 network of 850 weights");
    RUN(0, "adapt run/model.safetensors --support wide.csv --budget 2KB -o small.net");
    SAYS(err_text, "--budget: first layer of rank ");
    SAYS(err_text, " of 16");
    SAYS(err_text, " bytes in all");
    RUN(0, "inspect small.net");
    SAYS(out_text, "rank.first");
    RUN(0, "predict small.net wide.csv -o small.csv");
    RUN(0, "adapt run/model.safetensors --support wide.csv --budget 400 --precision int8 --fine-tune 8 -o small.net");
    const char *told = strstr(err_text, " in int8, "); /* of the same ranks, which as floats have more than 400 bytes */
    T_CHECK(told && sscanf(told, " in int8, %lf in f32, ", &floats) == 1 && floats >= 0 && floats <= 1);
    RUN(0, "predict small.net wide.csv -o small.csv");
    RUN(0,
        "adapt run/model.safetensors --support wide.csv --budget 2KB --distil --networks 3 --no-estimate -o one.net");
    SAYS(err_text, "became 1 network");
    RUN(1, "adapt run/model.safetensors --support wide.csv --budget 100 -o none.net");
    SAYS(err_text, "wide.csv: a budget of 100 bytes: with 50 inputs and 2 outputs the smallest network has");
    RUN(1, "adapt run/model.safetensors --support wide.csv --max-macs 100 -o none.net");
    SAYS(err_text, "--max-macs: the networks of run/model.safetensors have no structures of their own");
    RUN(0, "eval run/model.safetensors --data wide.csv --budget 2KB,100 --precision int8 --repeats 2 --json");
    SAYS(out_text, "model.safetensors in 2048 bytes\"");
    SAYS(out_text, "model.safetensors in 2048 bytes+int8\"");
    SAYS(err_text, "a budget of 100 bytes");
    RUN(1, "eval run/model.safetensors --data wide.csv --budget 2kb");
    SAYS(err_text, "--budget");
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

/* A number with a category and missing values; whole numbers from 0 on, which are classes unless told otherwise. */
static void prices(const char *name, int from, int n) {
    char text[8000];
    int at = sprintf(text, "size,colour,rooms,price\n");
    for (int i = from; i < from + n; i++) {
        const double size = 80 + 30 * sin(i * 2.3);
        if (i % 9 != 4) at += sprintf(text + at, "%.1f", size);
        at += sprintf(text + at, ",%s,%d,%.2f\n", i % 3 ? "red" : "blue", i * 7 % 4, 2000 * size + (i % 3) * 20000);
    }
    put(name, text);
}

TEST(a_number_is_predicted_with_an_interval) {
    double network, ridge;
    prepare();
    prices("prices.csv", 0, 90), prices("later.csv", 200, 30);
    RUN(0, "adapt run/model.safetensors --support prices.csv --target price -o price.net");
    SAYS(err_text, "90 rows of 3 columns became 1 network");
    SAYS(err_text, "for price (a number)");
    const char *told = strstr(err_text, "rmse ");
    T_CHECK(told && sscanf(told, "rmse %lf, ridge regression %lf: ", &network, &ridge) == 2);
    T_CHECK(network < 60000 && ridge < 60000); /* the deviation of the prices */
    SAYS(err_text, network <= ridge ? "use the network" : "ridge regression does better on this table");
    RUN(0, "predict price.net later.csv -o priced.csv");
    const char *text = text_of("priced.csv");
    SAYS(text, "size,colour,rooms,price,prediction,low,high\n");
    int rows = 0, within = 0;
    double off = 0;
    for (const char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n'), rows++) {
        double price, said, low, high;
        const char *at = strstr(line, line[1] == ',' ? "," : ",") + 1;
        for (int comma = *at == ',' ? 0 : 1; comma < 3; comma++) at = strchr(at, ',') + 1;
        T_EQ(sscanf(at, "%lf,%lf,%lf,%lf", &price, &said, &low, &high), 4);
        T_CHECK(low < said && said < high);
        within += low < price && price < high, off += fabs(price - said) / 30;
    }
    T_EQ(rows, 30);
    T_CHECK(within >= 22 && off < 40000);
    RUN(0, "predict price.net later.csv --json");
    SAYS(out_text, "\"low\": ");
    RUN(0, "adapt run/model.safetensors --support prices.csv --target price --no-estimate -o again.net");
    T_CHECK(!strstr(err_text, "held out"));
}

TEST(whole_numbers_are_classes_or_numbers) {
    prepare();
    prices("prices.csv", 0, 90);
    RUN(0, "adapt run/model.safetensors --support prices.csv --target rooms -o rooms.net");
    SAYS(err_text, "prices.csv: rooms holds 4 different whole numbers, from 0 to 3, which are taken for classes; for "
                   "numbers: --objective regression");
    SAYS(err_text, "for rooms (4 classes)");
    RUN(0, "adapt run/model.safetensors --support prices.csv --target rooms --objective regression -o rooms.net");
    SAYS(err_text, "for rooms (a number)");
    RUN(1, "adapt run/model.safetensors --support prices.csv --target colour --objective regression -o rooms.net");
    SAYS(err_text, "the target colour of prices.csv holds texts, not numbers");
    RUN(1, "adapt run/model.safetensors --support prices.csv --target rooms --objective ranking -o rooms.net");
    SAYS(err_text, "--objective ranking: classification or regression");
    RUN(1, "adapt run/model.safetensors --support prices.csv --target price --networks 5 -o rooms.net");
    SAYS(err_text, "5 networks for a number: at most 2");
    RUN(0, "eval run/model.safetensors --data prices.csv --target price --repeats 2 --methods linear,knn --json");
    SAYS(out_text, "\"metric\": \"rmse\"");
    SAYS(out_text, "\"name\": \"linear\"");
    RUN(0, "eval run/model.safetensors --data prices.csv --target price --repeats 2 --metric r2 --json");
    SAYS(out_text, "\"metric\": \"r2\"");
}

/* `text` for each row i of n, behind a header. */
static void rows(const char *name, const char *header, int n, const char *(*row)(int i)) {
    char text[8000];
    int at = sprintf(text, "%s\n", header);
    for (int i = 0; i < n; i++) at += sprintf(text + at, "%s\n", row(i));
    put(name, text);
}

/* Row i of tables whose targets differ. */
static const char *of_kind(int i, const char *target) {
    static char text[80];
    snprintf(text, sizeof text, "%.2f,%.2f,%s", sin(i * 2.3), cos(i * 1.7), target);
    return text;
}
static const char *two_whole(int i) { return of_kind(i, i % 3 ? "5" : "-5"); }
static const char *two_fractions(int i) { return of_kind(i, i % 3 ? "0.5" : "1.5"); }
static const char *tens(int i) { return of_kind(i, (const char *[]){"10", "20", "30"}[i % 3]); }
static const char *eleven(int i) {
    char number[16];
    snprintf(number, sizeof number, "%d", i % 11);
    return of_kind(i, number);
}
static const char *words(int i) { return of_kind(i, i % 3 ? "yes" : "no"); }
static const char *many(int i) {
    char number[32];
    snprintf(number, sizeof number, "%.6f", sin(i));
    return of_kind(i, number);
}
static const char *one(int i) { return of_kind(i, "4"); }

TEST(which_kind_a_target_is_taken_for_is_told) {
    static const struct {
        const char *(*row)(int i);
        const char *told, *became, *other, *became_otherwise;
    } of[] = {
        {two_whole, "y holds 2 different whole numbers, from -5 to 5, which are taken for classes; for numbers: ",
         "for y (2 classes)", "regression", "for y (a number)"},
        {two_fractions,
         "y holds 2 different numbers, from 0.5 to 1.5, which are taken for numbers (they have fractions); for "
         "classes: ",
         "for y (a number)", "classification", "for y (2 classes)"},
        {tens, "from 10 to 30, which are taken for numbers (as classes they would count from 0 or 1); for classes: ",
         "for y (a number)", "classification", "for y (3 classes)"},
        {eleven,
         "y holds 11 different numbers, from 0 to 10, which are taken for numbers (more than ten); for classes: ",
         "for y (a number)", "classification", "for y (11 classes)"},
        {words, NULL, "for y (2 classes)", NULL, NULL},
        {many, NULL, "for y (a number)", NULL, NULL},
    };
    prepare();
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        char line[200];
        rows("kind.csv", "a,b,y", 60, of[i].row);
        RUN(0, "adapt run/model.safetensors --support kind.csv --no-estimate -o kind.net");
        SAYS(err_text, of[i].became);
        if (!of[i].told) {
            T_CHECK(!strstr(err_text, "taken for"));
            continue;
        }
        SAYS(err_text, of[i].told);
        snprintf(line, sizeof line, "adapt run/model.safetensors --support kind.csv --no-estimate -o kind.net %s",
                 strstr(err_text, "--objective "));
        *strchr(line, '\n') = 0; /* as it says */
        T_CHECK(strstr(line, of[i].other));
        RUN(0, line);
        SAYS(err_text, of[i].became_otherwise);
        T_CHECK(!strstr(err_text, "taken for"));
    }
    rows("kind.csv", "a,b,y", 60, tens);
    RUN(0, "eval run/model.safetensors --data kind.csv --repeats 1");
    SAYS(err_text, "for classes: --metric auc");
    rows("kind.csv", "a,b,y", 60, many);
    RUN(1, "adapt run/model.safetensors --support kind.csv --objective classification -o kind.net");
    SAYS(err_text, "--target names another column, and for numbers: --objective regression");
    rows("kind.csv", "a,b,y", 60, one);
    RUN(1, "adapt run/model.safetensors --support kind.csv --objective classification -o kind.net");
    SAYS(err_text, "the target y is the same in all of 60 rows");
}

/* One row differs from all others. */
static const char *nearly_constant(int i) {
    static char text[60];
    sprintf(text, "%d,%s,%s", i * 7 % 10, i % 2 ? "u" : "v", i == 59 ? "5.5" : "3.5");
    return text;
}

/* Such a row is among those held out, or not: either way there is a network, and what can be said of it. */
TEST(rows_of_which_some_say_nothing) {
    prepare();
    rows("nearly.csv", "a,b,y", 60, nearly_constant);
    RUN(0, "adapt run/model.safetensors --support nearly.csv --fine-tune auto -o nearly.net");
    SAYS(err_text, "fine-tuning: no steps: without a quarter of the rows there is no network");
    SAYS(err_text, "the target y is the same in all rows");
    SAYS(err_text, " divisions): rmse 0.");
    T_CHECK(!strstr(err_text, "(4 divisions)"));
    RUN(0, "predict nearly.net nearly.csv --json");
    put("few.csv", "weight,outcome\n4,a\n2,b\n3,a\n3,b\n");
    RUN(0, "adapt run/model.safetensors --support few.csv --fine-tune auto -o few.net");
    SAYS(err_text, "fine-tuning: no steps: 4 rows are too few");
}

static const char *spoilt(int i) {
    static char text[60];
    sprintf(text, "%s,%d,%d,%s", i % 9 ? i % 2 ? "1.5" : "0.25" : "unknown", 1 + i % 3, i * 7 % 10, i % 2 ? "p" : "q");
    return text;
}

/* What an error about a cell says can be declared, and the network reads tables in the same way. */
TEST(columns_are_declared) {
    prepare();
    rows("spoilt.csv", "x,level,z,y", 60, spoilt);
    RUN(1, "adapt run/model.safetensors --support spoilt.csv -o spoilt.net");
    SAYS(err_text, "spoilt.csv:2:x: \"unknown\" is not a number");
    RUN(0, "adapt run/model.safetensors --support spoilt.csv --missing unknown --categorical level -o spoilt.net");
    SAYS(err_text, "60 rows of 3 columns");
    RUN(0, "inspect spoilt.net");
    SAYS(out_text, "dense1.w                     F32   6 x "); /* x and its flag, three levels, z */
    RUN(0, "predict spoilt.net spoilt.csv");
    SAYS(out_text, "\nunknown,1,0,");
    RUN(0, "adapt run/model.safetensors --support spoilt.csv --ignore x,z -o spoilt.net");
    SAYS(err_text, "spoilt.csv: x is not used: ignored (declared)");
    SAYS(err_text, "60 rows of 1 columns");
    RUN(0, "predict spoilt.net spoilt.csv");
    RUN(0, "eval run/model.safetensors --data spoilt.csv --repeats 1 --missing unknown --json");
    rows("other.csv", "a,b,y", 60, nearly_constant);
    RUN(0, "eval run/model.safetensors --data spoilt.csv,other.csv --target y --ignore x --metric accuracy --json");
    RUN(1, "adapt run/model.safetensors --support spoilt.csv --ignore x,w -o spoilt.net");
    SAYS(err_text, "--ignore: there is no column \"w\"");
    RUN(1, "adapt run/model.safetensors --support spoilt.csv --ignore x,y -o spoilt.net");
    SAYS(err_text, "--target: column y is declared as ignored already");
    RUN(2, "adapt run/model.safetensors --support spoilt.csv --missing -o spoilt.net");
}

/* Columns that the model leaves out are not counted. */
TEST(columns_that_count) {
    char text[8000];
    prepare();
    int at = sprintf(text, "place,x,y\n");
    for (int i = 0; i < 80; i++) at += sprintf(text + at, "p%d,%d,%s\n", i % 40, i * 7 % 10, i % 3 ? "u" : "v");
    put("places.csv", text);
    RUN(0, "adapt run/model.safetensors --support places.csv -o places.net");
    SAYS(err_text, "column place has 40 categories and is no input");
    SAYS(err_text, "80 rows of 1 columns became 1 network");
}

static const char *far_off(int i) {
    static char text[60];
    sprintf(text, "%d,%d,%.3f", i * 7 % 10, i % 3, 1e9 + i * 7 % 10);
    return text;
}

static const char *tiny(int i) {
    static char text[60];
    sprintf(text, "%d,%d,%de-200", i * 7 % 10, i % 3, 1 + i);
    return text;
}

TEST(numbers_that_single_precision_does_not_tell_apart) {
    prepare();
    rows("far.csv", "a,b,y", 40, far_off), rows("tiny.csv", "a,b,y", 40, tiny);
    RUN(1, "adapt run/model.safetensors --support far.csv -o far.net");
    SAYS(err_text, "the target y is 1e+09 on average and differs by 2.87: ");
    SAYS(err_text, "subtract a constant");
    RUN(1, "adapt run/model.safetensors --support tiny.csv -o far.net");
    SAYS(err_text, "the target y is from 1e-200 to 4e-199: ");
}

TEST(gradient_steps_follow) {
    int steps;
    double with, without;
    prepare();
    prices("prices.csv", 0, 90);
    RUN(0, "adapt run/model.safetensors --support prices.csv --fine-tune auto -o tuned.net");
    const char *told = strstr(err_text, "fine-tuning: ");
    T_CHECK(told);
    T_EQ(sscanf(told, "fine-tuning: %d steps, by a quarter of the rows held out (loss %lf; without %lf)", &steps, &with,
                &without),
         3);
    T_CHECK(with <= without);
    T_CHECK(!strstr(told + 1, "fine-tuning: ")); /* once: what is held out for the estimate is no news */
    RUN(0, "adapt run/model.safetensors --support people.csv --fine-tune 20 --networks 2 -o tuned.net");
    RUN(0, "eval run/model.safetensors --data people.csv --repeats 1 --fine-tune auto --methods linear --json");
    SAYS(out_text, "\"name\": \"run/model.safetensors + auto steps\"");
    RUN(2, "eval tables --data people.csv --fine-tune some");
}

TEST(an_ensemble_is_distilled) {
    double after, before;
    prepare();
    prices("prices.csv", 0, 90);
    RUN(0, "adapt run/model.safetensors --support people.csv --networks 4 --distil -o one.net");
    SAYS(err_text, "60 rows of 2 columns became 1 network");
    const char *told = strstr(err_text, "4 networks were distilled into one: its divergence from all is ");
    T_CHECK(told);
    T_EQ(sscanf(told, "%*[^:]: its divergence from all is %lf, that of the first was %lf", &after, &before), 2);
    T_CHECK(after < before);
    RUN(0, "predict one.net more.csv --json");
    RUN(0, "adapt run/model.safetensors --support prices.csv --distil -o one.net");
    SAYS(err_text, "became 1 network");
    RUN(1, "adapt run/model.safetensors --support people.csv --networks 1 --distil -o one.net");
    SAYS(err_text, "a single network, and no ensemble to learn from");
    RUN(0, "eval run/model.safetensors --data people.csv --repeats 1 --distil --methods linear --json");
    SAYS(out_text, "\"name\": \"run/model.safetensors distilled\"");
}

/* A model's file may have one for numbers beside it. */
TEST(numbers_have_a_model_beside) {
    prepare();
    prices("prices.csv", 0, 90);
    RUN(0, "train data.kind=prior prior.columns=6 prior.support=16..24 prior.queries=24 task.objective=student "
           "train.method=tables 'model.backbone=dense 20; tanh' cells.width=8 cells.layers=1 cells.heads=2 "
           "cells.directions=4 cells.ranked=1 train.tasks=8 train.steps=3 optimizer.rate=0.01 validate.every=0 "
           "run.dir=numbers");
    RUN(0, "convert run/model.safetensors --weights f32 -o mine.safetensors");
    RUN(0, "convert numbers/model.safetensors --weights f32 -o mine-numbers.safetensors");
    RUN(0, "adapt mine.safetensors --support prices.csv --target price -o price.net");
    RUN(0, "inspect price.net");
    SAYS(out_text, "dense 20");
    SAYS(out_text, "mine-numbers.safetensors");
    RUN(0, "adapt mine.safetensors --support prices.csv --target colour -o colour.net");
    RUN(0, "inspect colour.net");
    SAYS(out_text, "dense 16");
    RUN(0, "eval mine.safetensors --data prices.csv --target price --repeats 1 --json");
    SAYS(out_text, "\"metric\": \"rmse\"");
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
    RUN(1, "predict tables people.csv");
    SAYS(err_text, "gossamer adapt tables --support");
    RUN(2, "eval tables --data people.csv --folds 2");
    SAYS(err_text, "name the configuration, as RUN.ini, not a model");
    RUN(0, "inspect tables");
    SAYS(out_text, "cells.width");
}

TEST(so_is_the_one_for_numbers_beside_it) {
    double network, ridge;
    prices("prices.csv", 0, 90);
    const int status = run("adapt tables --support prices.csv -o named.net");
    if (status == 1 && strstr(err_text, "tables: ")) T_SKIP("models/ is not beside this build's folder");
    T_EQ(status, 0);
    const char *told = strstr(err_text, "rmse ");
    T_CHECK(told && sscanf(told, "rmse %lf, ridge regression %lf", &network, &ridge) == 2);
    T_CHECK(network < 25000); /* the deviation of the prices is 44,000; a ninth of the sizes is missing */
    RUN(0, "inspect named.net");
    SAYS(out_text, "models/tables-numbers.safetensors");
}

TEST(mistakes_are_told) {
    prepare();
    RUN(1, "adapt run/model.safetensors --support people.csv --target out_come -o x.net");
    SAYS(err_text, "there is no column \"out_come\"");
    SAYS(err_text, "outcome");
    RUN(1, "adapt run/model.safetensors --support people.csv --target '' -o x.net");
    SAYS(err_text, "people.csv: --target names no column");
    RUN(1, "adapt run/model.safetensors --support people.csv --target patient -o x.net");
    SAYS(err_text, "patient");
    RUN(1, "adapt tables-of-mine --support people.csv -o x.net");
    SAYS(err_text, "tables-of-mine is neither a file nor a model that comes with the program");
    SAYS(err_text, "models");
    RUN(2, "adapt run/model.safetensors --support people.csv --skip-bad -o x.net");
    SAYS(err_text, "--skip-bad is for");
    RUN(1, "adapt run/model.safetensors --task north -o x.net");
    SAYS(err_text, "was not trained on a task of that name");
    RUN(1, "adapt run/model.safetensors --support people.csv --budget 10 -o x.net");
    SAYS(err_text, "people.csv: a budget of 10 bytes");
    RUN(1, "adapt run/model.safetensors --support people.csv --max-macs 5 -o x.net");
    SAYS(err_text, "--max-macs: ");
    RUN(1, "adapt run/model.safetensors --support people.csv --max-ram 1KB -o x.net");
    SAYS(err_text, "--max-ram: ");
    RUN(1, "adapt run/model.safetensors --support people.csv --target weight --objective classification -o x.net");
    SAYS(err_text, "--objective regression");
    put("half.csv", "weight,outcome\n4,a\n2,b\n3,a\n3,b\n5,a\n2,b\n7,a\n4,b\n");
    RUN(0, "adapt run/model.safetensors --support half.csv -o half.net");
    SAYS(err_text, "8 rows are too few to hold some out");
    RUN(1, "predict half.net half.net");
    put("without.csv", "height,outcome\n1,a\n");
    RUN(1, "predict half.net without.csv");
    SAYS(err_text, "there is no column weight");
}

TEST_MAIN()
