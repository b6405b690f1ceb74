/* SPDX-License-Identifier: Apache-2.0 */
/* Series through the command, as a user meets them: what a window shows (the library's functions on a small table,
 * worked out by hand), and init, check, train, eval, adapt and predict. */
#include <math.h>
#include <sys/stat.h>

#include "cli_run.h"
#include "gossamer/series.h"
#include "gossamer/table_data.h"
#include "machine_runs.h"

static goss_error err;

static void put(const char *name, const char *text) { write_file(name, text, strlen(text)); }

/* ---- windows by hand ---- */

/* Two tasks, rows not in order, irregular times, a missing target. */
static const char small[] = "unit,t,load,y\n"
                            "a,3,1,5\n"
                            "a,0,0,1\n"
                            "b,0,1,7\n"
                            "a,1,1,\n"
                            "a,2,0,3\n"
                            "b,4,0,9\n";

static goss_table *open_small(void) {
    goss_table *t;
    put("small.csv", small);
    T_OK(goss_table_open(tiny_path("small.csv"), NULL, &t, &err));
    return t;
}

TEST(a_window_shows_the_past_and_nothing_else) {
    goss_table *t = open_small();
    const goss_series_options o = {.task = "unit", .time = "t", .target = "y", .window = 2, .horizon = 1, .stride = 1};
    const int32_t rows[] = {0, 1, 2, 4, 5};
    const int columns[] = {2};
    goss_encoding *e;
    uint8_t use[6];
    double origin[6];
    float x[6 * 10];
    int steps, channels;
    int32_t length[6];
    T_OK(goss_encoding_fit_series(t, columns, 1, &o, rows, 5, &e, &err));
    T_CHECK(goss_encoding_steps(e, &steps, &channels) && steps == 2 && channels == 5);
    T_OK(goss_series_rows(t, &o, use, &err));
    const uint8_t wanted[] = {3, 2, 2, 3, 3, 3}; /* first rows have no history */
    for (int i = 0; i < 6; i++) T_CHECK(use[i] == wanted[i]);
    T_OK(goss_encoding_origins(e, t, NULL, 0, origin, &err));
    T_CHECK(origin[0] == 3 && isnan(origin[1]) && isnan(origin[2]) && origin[3] == 1 && origin[4] == 1 &&
            origin[5] == 7); /* of row 4 the value before the missing one */
    T_OK(goss_encoding_apply(e, t, NULL, 0, x, NULL, &err));
    goss_encoding_lengths(e, x, 6, length);
    T_CHECK(length[0] == 2 && length[1] == 1 && length[2] == 1 && length[3] == 1 && length[4] == 2 && length[5] == 1);
    /* Row 0 (a, 3): steps t = 1 (missing) and t = 2. Mean of y 5, deviation sqrt(8); changes 2, 2, 2: rms 2; mean step
     * of rows that are fitted: (1 + 1 + 4) / 3; load: mean .4, deviation sqrt(.24). */
    const double load[] = {.6 / sqrt(.24), -.4 / sqrt(.24)}, unit = 2 * 3;
    const double first[] = {load[0], 0, 0, 2 / unit, -1, load[1], (3 - 5) / sqrt(8), 0, 1 / unit, 1};
    for (int i = 0; i < 10; i++) T_NEAR((double)x[i], first[i], 1e-6);
    /* Row 1 knows nothing: one step that says so. */
    for (int i = 0; i < 10; i++) T_CHECK(x[10 + i] == (i == 4 ? -1 : 0));
    /* Row 5 (b, 4) sees b alone, 4 before. */
    T_NEAR((double)x[50 + 1], (7 - 5) / sqrt(8), 1e-6);
    T_NEAR((double)x[50 + 3], 4 / unit, 1e-6);

    /* A text is the same encoding; a horizon of 2 ends a step earlier. */
    char *text;
    goss_encoding *again;
    float y[6 * 10];
    T_OK(goss_encoding_text(e, &text, &err));
    T_OK(goss_encoding_parse(text, &again, &err));
    T_OK(goss_encoding_apply(again, t, NULL, 0, y, NULL, &err));
    T_CHECK(memcmp(x, y, sizeof x) == 0);
    goss_csv_text_free(text);
    goss_encoding_free(again), goss_encoding_free(e);
    goss_series_options two = o;
    two.horizon = 2;
    T_OK(goss_encoding_fit_series(t, NULL, 0, &two, rows, 5, &e, &err));
    T_OK(goss_encoding_origins(e, t, NULL, 0, origin, &err));
    T_CHECK(origin[0] == 1 && isnan(origin[3]) && origin[4] == 1 && isnan(origin[5]));
    goss_encoding_free(e);
    goss_table_close(t);
}

TEST(samples_are_chosen_by_the_stride) {
    goss_table *t = open_small();
    goss_series_options o = {.task = "unit", .time = "t", .window = 4, .horizon = 0, .stride = 0};
    uint8_t use[6];
    T_OK(goss_series_rows(t, &o, use, &err));
    for (int i = 0; i < 6; i++) T_CHECK(use[i] == (i == 0 || i == 5 ? 3 : 1)); /* the last of each */
    o.stride = 3;
    T_OK(goss_series_rows(t, &o, use, &err));
    for (int i = 0; i < 6; i++) T_CHECK(use[i] == (i == 0 || i == 1 || i == 5 ? 3 : 1));
    goss_table_close(t);
}

TEST(mistakes_of_series_are_told) {
    goss_table *t = open_small();
    goss_encoding *e;
    uint8_t use[6];
    goss_series_options o = {.task = "unit", .time = "tt", .target = "y", .window = 2, .horizon = 1, .stride = 1};
    T_ERR(goss_series_rows(t, &o, use, &err), GOSS_E_ARGUMENT, "there is no column \"tt\"");
    o.time = "unit";
    T_ERR(goss_series_rows(t, &o, use, &err), GOSS_E_ARGUMENT,
          "small.csv:2:unit: the time of a, \"a\", is no number and no date, or may be several");
    o.time = "y";
    T_ERR(goss_series_rows(t, &o, use, &err), GOSS_E_ARGUMENT, "small.csv:5:y: the time of a is missing");
    o.time = "t", o.horizon = 0;
    T_ERR(goss_encoding_fit_series(t, NULL, 0, &o, NULL, 0, &e, &err), GOSS_E_ARGUMENT, "a horizon of 1 or more");
    o.target = NULL;
    T_ERR(goss_encoding_fit_series(t, NULL, 0, &o, NULL, 0, &e, &err), GOSS_E_ARGUMENT, "nothing is seen");
    const int32_t rows[] = {1};
    o.target = "y", o.horizon = 1;
    T_ERR(goss_encoding_fit_series(t, NULL, 0, &o, rows, 1, &e, &err), GOSS_E_ARGUMENT, "a smaller horizon?");
    T_ERR(goss_encoding_parse("{\"columns\": [], \"series\": {\"window\": 2, \"horizon\": 0, \"stride\": 1, \"time\": "
                              "\"t\", \"target\": \"y\", \"mean\": 0, \"deviation\": 1, \"change\": 1, \"step\": 1}}",
                              &e, &err),
          GOSS_E_FORMAT, "damaged");
    goss_table_close(t);
}

/* ---- machines ---- */

TEST(a_machine_is_a_function_of_its_number) {
    goss_machines_options o = goss_machines_defaults();
    double a[3][40], b[3][40];
    o.steps = 40;
    goss_machines_draw(&o, 7, a[0], a[1], a[2]), goss_machines_draw(&o, 7, b[0], b[1], b[2]);
    T_CHECK(memcmp(a, b, sizeof a) == 0);
    goss_machines_draw(&o, 8, b[0], b[1], b[2]);
    T_CHECK(memcmp(a[2], b[2], sizeof a[2]) != 0 && memcmp(a[0], b[0], sizeof a[0]) == 0);
    o.irregular = .8, o.missing = .3;
    goss_machines_draw(&o, 7, b[0], b[1], b[2]);
    int missing = 0;
    for (int i = 0; i < 40; i++) {
        missing += isnan(b[2][i]);
        T_CHECK(i == 0 || b[0][i] > b[0][i - 1]);
    }
    T_CHECK(missing > 2 && missing < 25 && b[0][5] != 5);
}

TEST(forecasts_go_through_all_verbs) {
    make_machines();
    RUN(0, RUN_OF("run", "task.objective=gaussian"));
    SAYS(err_text, "windows of 6 steps of 5 numbers, 1 ahead, target vibration (gaussian)");
    RUN(0, "eval run/model.safetensors --data other/machines.csv --support 5 --json "
           "--methods last,line,nearest,mean,ridge,mean-ridge,scratch");
    SAYS(out_text, "\"last\"");
    SAYS(out_text, "\"scratch\"");
    T_NEAR(value_of("last"), change_by_hand(1), 1e-5);
    RUN(0, "eval run/model.safetensors --data made/machines.csv --support 5");
    SAYS(err_text, "10 tasks were trained on and are left out");
    RUN(0, "inspect run/model.safetensors");

    /* What was seen of a machine becomes a network; the rows behind it, with no vibration yet, are forecast. */
    put("seen.csv", "time,load,vibration\n0,.1,1\n1,.1,2\n2,.1,1.5\n3,.1,1\n4,.2,2\n");
    put("next.csv", "time,load,vibration\n2,.1,1.5\n3,.1,1\n4,.2,2\n5,.2,\n");
    RUN(0, "adapt run/model.safetensors --support seen.csv -o net.safetensors");
    SAYS(err_text, "4 rows became a network");
    RUN(0, "predict net.safetensors next.csv -o out.csv");
    SAYS(err_text, "1 of 4 rows have no known value before them");
    RUN(0, "predict net.safetensors next.csv --json");
    SAYS(out_text, "\"line\": 2, \"prediction\": null}");
    SAYS(out_text, "\"line\": 5, \"prediction\": ");
    SAYS(out_text, "\"low\": ");
    T_CHECK(!strstr(err_text, "trained to forecast"));
    put("far.csv", "time,load,vibration\n2,.1,1.5\n3,.1,1\n5,.2,\n4,.2,\n6,.2,\n");
    RUN(0, "predict net.safetensors far.csv -o out.csv");
    SAYS(err_text, "warning: far.csv: 2 of 5 rows, the first in line 4, are more than 1 step behind the last known "
                   "vibration: the network was not trained to forecast so far ahead (data.horizon = 1)");
    put("gap.csv", "time,load,vibration\n2,.1,1.5\n3,.1,\n4,.2,\n5,.2,1\n6,.2,\n");
    RUN(0, "predict net.safetensors gap.csv -o out.csv");
    T_CHECK(!strstr(err_text, "trained to forecast"));
    /* Counted from the last value: a level that all is lifted by lifts the forecast. */
    put("untimed.csv", "load,vibration\n.1,1.5\n");
    RUN(1, "predict net.safetensors untimed.csv");
    SAYS(err_text, "there is no column time, which the model needs");
    put("blind.csv", "time,load\n2,.1\n");
    RUN(1, "predict net.safetensors blind.csv");
    SAYS(err_text, "there is no column vibration, which the model needs");
    put("short.csv", "time,load,vibration\n0,.1,1\n");
    RUN(1, "adapt run/model.safetensors --support short.csv -o none.safetensors");
    SAYS(err_text, "has a known value 1 step before it");
    RUN(1, "adapt run/model.safetensors --support seen.csv --descriptor none.csv -o none.safetensors");
    SAYS(err_text, "none.csv: the model reads no descriptors");
}

/* Times that are dates: each row a day after the one before it. */
static void dated(const char *name, const char *from, const char *form, int rows) {
    size_t size;
    char *text = tiny_read(tiny_path(from), &size), *line = text, *rest;
    FILE *f = fopen(tiny_path(name), "w");
    if (!f) exit(99);
    for (int i = 0; line && *line && i < rows; i++, line = rest ? rest + 1 : NULL) {
        if ((rest = strchr(line, '\n'))) *rest = 0;
        char machine[32] = "", *at = strchr(line, ',');
        if (i == 0) {
            fprintf(f, "%s\n", line);
            continue;
        }
        snprintf(machine, sizeof machine, "%.*s", (int)(at - line), line);
        const int day = atoi(at + 1);
        fprintf(f, "%s,", machine);
        fprintf(f, form, 2024, 2 + (day >= 29), day >= 29 ? day - 28 : day + 1); /* in a leap year */
        fprintf(f, "%s\n", strchr(at + 1, ','));
    }
    fclose(f);
    free(text);
}

TEST(dates_are_times) {
    make_machines();
    dated("days.csv", "made/machines.csv", "%d-%02d-%02d", 100000);
    dated("moments.csv", "made/machines.csv", "%d-%02d-%02dT00:00:00Z", 100000);
    RUN(0, RUN_OF("numbers", "run.seed=3"));
    RUN(0, "train data.path=days.csv data.kind=series data.task=machine data.time=time data.target=vibration "
           "'model.backbone=gru 6; readout last' 'hyper.rules=head.*=full; *=shared'" SMALL "run.seed=3 run.dir=days");
    /* What a network sees of times is relative to their mean difference: a day in both. */
    RUN(0, "eval numbers/model.safetensors --data made/machines.csv --support 5 --allow-seen --json --methods line");
    const double line = value_of("line"), own = value_of("hypernet");
    RUN(0, "eval days/model.safetensors --data days.csv --support 5 --allow-seen --json --methods line");
    T_NEAR(value_of("line"), line, 1e-6 * line);
    T_NEAR(value_of("hypernet"), own, 1e-3 * own);
    RUN(0, "eval days/model.safetensors --data moments.csv --support 5 --allow-seen --json --methods line");
    T_NEAR(value_of("hypernet"), own, 1e-3 * own);
    RUN(1, "eval days/model.safetensors --data made/machines.csv --support 5 --allow-seen");
    SAYS(err_text, "time, the time, holds numbers, and dates in the table of training");
    RUN(0, "init days.csv data.kind=series data.task=machine data.target=vibration -o days.ini");
    RUN(0, "check days.ini");

    put("before.csv", "time,load,vibration\n2024-02-28,.1,1\n2024-02-29,.1,2\n2024-03-01,.1,1.5\n");
    RUN(0, "adapt days/model.safetensors --support before.csv -o net.safetensors");
    RUN(0, "predict net.safetensors before.csv -o out.csv");
    static const char *const bad[] = {"2023-02-29", "2024-02-30", "2024-13-01", "01/02/2024", "2024-03-02T25:00"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[200];
        snprintf(text, sizeof text, "time,load,vibration\n2024-02-28,.1,1\n%s,.1,2\n", bad[i]);
        put("bad.csv", text);
        RUN(1, "predict net.safetensors bad.csv");
        snprintf(text, sizeof text, "bad.csv:3:time: the time, \"%s\", is no date, or may be several", bad[i]);
        SAYS(err_text, text);
    }
}

/* They are a day apart at the end of a month, too, and numbers to a model that was trained on numbers. */
TEST(dates_without_signs_are_dates) {
    make_machines();
    dated("signs.csv", "made/machines.csv", "%d-%02d-%02d", 100000);
    dated("plain.csv", "made/machines.csv", "%d%02d%02d", 100000);
    static const char line[] =
        "train data.path=%s data.kind=series data.task=machine data.time=time data.target=vibration "
        "'model.backbone=gru 6; readout last' 'hyper.rules=head.*=full; *=shared'" SMALL "run.seed=3 run.dir=%s";
    char text[600];
    snprintf(text, sizeof text, line, "signs.csv", "signs");
    RUN(0, text);
    T_CHECK(!strstr(err_text, "which are no numbers"));
    snprintf(text, sizeof text, line, "plain.csv", "unsigned");
    RUN(0, text);
    SAYS(err_text, "data.time: time holds dates such as 20240201, which are no numbers");
    RUN(0, "eval signs/model.safetensors --data signs.csv --support 5 --allow-seen --json --methods line");
    const double own = value_of("hypernet"), by_line = value_of("line");
    RUN(0, "eval unsigned/model.safetensors --data plain.csv --support 5 --allow-seen --json --methods line");
    T_CHECK(value_of("hypernet") == own && value_of("line") == by_line);
    RUN(0, "eval signs/model.safetensors --data plain.csv --support 5 --allow-seen --json --methods line");
    T_CHECK(value_of("hypernet") == own && value_of("line") == by_line);

    RUN(0, RUN_OF("counted", "data.horizon=1"));
    RUN(0, "eval counted/model.safetensors --data plain.csv --support 5 --allow-seen --json --methods line");
    T_CHECK(fabs(value_of("line") - by_line) > 1e-3 * by_line);
    RUN(1, "eval counted/model.safetensors --data signs.csv --support 5 --allow-seen");
    SAYS(err_text, "time, the time, holds dates, and numbers in the table of training");
    RUN(1, "eval unsigned/model.safetensors --data made/machines.csv --support 5 --allow-seen");
    SAYS(err_text, "time, the time, holds numbers, and dates in the table of training");
}

TEST(a_time_that_is_no_date_among_dates_without_signs_is_told) {
    put("odd.csv", "unit,t,y\na,20240129,1\na,20240130,2\na,20240131,3\na,20240132,1\nb,20240130,2\nb,20240131,4\n");
    RUN(1, "train data.path=odd.csv data.kind=series data.task=unit data.time=t data.target=y run.dir=x");
    SAYS(err_text, "odd.csv:5:t: \"20240132\" is no date from 18000101 to 22001231, as most times of the column are");
    put("mixed.csv", "unit,t,y\na,20240129,1\na,2024-01-30,2\nb,20240130,2\nb,20240131,4\n");
    goss_table *t;
    const goss_table_options o = {.time = "t"}, numeric = {.time = "t", .numeric_time = true};
    T_OK(goss_table_open(tiny_path("mixed.csv"), &o, &t, &err));
    T_EQ(goss_table_type(t, 1), GOSS_COLUMN_DATE);
    T_NEAR(goss_table_order_key(t, 1, 1) - goss_table_order_key(t, 1, 0), 86400, 0);
    goss_table_close(t);
    put("odd.csv", "unit,t,y\na,17991231,1\na,22010101,2\nb,18000101,2\n");
    T_OK(goss_table_open(tiny_path("odd.csv"), &o, &t, &err)); /* few are such: numbers */
    T_EQ(goss_table_type(t, 1), GOSS_COLUMN_NUMBER);
    goss_table_close(t);
    put("ends.csv", "unit,t,y\na,18000101,1\na,22001231,2\n");
    T_OK(goss_table_open(tiny_path("ends.csv"), &o, &t, &err));
    T_EQ(goss_table_type(t, 1), GOSS_COLUMN_DATE);
    goss_table_close(t);
    T_OK(goss_table_open(tiny_path("ends.csv"), &numeric, &t, &err));
    T_EQ(goss_table_type(t, 1), GOSS_COLUMN_NUMBER);
    goss_table_close(t);
    T_OK(goss_table_open(tiny_path("ends.csv"), NULL, &t, &err));
    T_EQ(goss_table_type(t, 1), GOSS_COLUMN_NUMBER);
    goss_table_close(t);
}

TEST(days_of_all_years_are_a_day_apart) {
    put("years.csv", "t,y\n0001-01-01,1\n0001-01-02,2\n0001-12-31,1\n0002-01-01,1\n0004-02-29,1\n0004-03-01,2\n"
                     "0400-02-29,3\n0400-03-01,4\n9999-12-30,3\n9999-12-31,4\n0000-02-29,1\n");
    goss_table *t;
    T_OK(goss_table_open(tiny_path("years.csv"), NULL, &t, &err));
    for (int r = 0; r < 10; r += 2) T_NEAR(goss_table_order_key(t, 0, r + 1) - goss_table_order_key(t, 0, r), 86400, 0);
    T_NEAR(goss_table_order_key(t, 0, 0), -62135596800.0, 0); /* date -u -d 0001-01-01 +%s */
    T_CHECK(isnan(goss_table_order_key(t, 0, 10)));
    goss_table_close(t);
}

/* A label for each series: the last row of each is a sample. */
TEST(series_are_classified) {
    static char text[1 << 16];
    int n = snprintf(text, sizeof text, "user,trial,t,v,move\n");
    for (int u = 0; u < 8; u++)
        for (int k = 0; k < 8; k++)
            for (int i = 0; i < 5 + k % 3; i++)
                n += snprintf(text + n, sizeof text - (size_t)n, "u%d,%d,%d,%.3f,%s\n", u, k, i,
                              k % 2 ? sin(i + .1 * u) : .2 * i + .03 * u, k % 2 ? "wave" : "rise");
    put("moves.csv", text);
    const char *line = "train data.path=moves.csv data.kind=series data.task=user data.series=trial data.time=t "
                       "data.target=move data.horizon=0 data.stride=0 data.window=8 data.hold_out=.3 task.support=4 "
                       "'model.backbone=gru 8; readout last' train.steps=60 train.tasks=4 validate.every=30 "
                       "optimizer.rate=.01 run.dir=moves";
    RUN(0, line);
    SAYS(err_text, "windows of 8 steps of 3 numbers, 0 ahead, target move (classification)");
    RUN(0, "eval moves/model.safetensors --data moves.csv --support 4 --allow-seen --json --methods ridge");
    SAYS(out_text, "\"tasks\": 8");
    put("new.csv", "trial,t,v\n1,0,0\n1,1,.84\n1,2,.9\n1,3,.14\n");
    put("some.csv", "trial,t,v,move\n1,0,0,wave\n1,1,.84,wave\n1,2,.9,wave\n2,0,0,rise\n2,1,.2,rise\n2,2,.4,rise\n");
    RUN(0, "adapt moves/model.safetensors --support some.csv -o m.safetensors");
    SAYS(err_text, "2 rows became a network");
    RUN(0, "predict m.safetensors new.csv");
    SAYS(out_text, "trial,t,v,prediction,probability");
    RUN(0, "init moves.csv data.kind=series data.target=move data.series=trial -o moves.ini");
    SAYS(err_text,
         "data.horizon = 0: look at this: 0: the label of a row from the rows up to it; 1: from those before");
    char *ini = tiny_read(tiny_path("moves.ini"), &(size_t){0});
    SAYS(ini, "\nhorizon = 0\n");
    free(ini);
    RUN(0, "check moves.ini");
    for (char *c = text; (c = strstr(c, "wave")) != NULL;) memcpy(c, "1111", 4);
    for (char *c = text; (c = strstr(c, "rise")) != NULL;) memcpy(c, "2222", 4);
    put("coded.csv", text);
    RUN(0, "init coded.csv data.kind=series data.target=move data.series=trial -o coded.ini");
    SAYS(err_text, "data.horizon = 0: ");
    RUN(0, "init coded.csv data.kind=series data.target=move data.series=trial task.objective=gaussian -o numbers.ini");
    SAYS(err_text, "data.horizon = 1: ");
    put("unknown.csv", "trial,t,v\n,0,0\n");
    RUN(1, "predict m.safetensors unknown.csv");
    SAYS(err_text, "trial is missing, which says what series a row belongs to");
}

/* Inputs are those of all rows that windows show, not of the last ones of series alone, which are all alike here. */
TEST(inputs_of_series_are_those_of_their_windows) {
    static char text[1 << 16];
    int n = snprintf(text, sizeof text, "user,trial,t,v,move\n");
    for (int u = 0; u < 4; u++)
        for (int k = 0; k < 8; k++)
            for (int i = 0; i < 5; i++)
                n += snprintf(text + n, sizeof text - (size_t)n, "u%d,%d,%d,%.3f,%s\n", u, k, i < 4 ? i : 3,
                              i == 4  ? 0
                              : k % 2 ? sin(i + .1 * u)
                                      : .2 * i,
                              k % 2 ? "wave" : "rise");
    put("ends.csv", text);
    RUN(0,
        "train data.path=ends.csv data.kind=series data.task=user data.series=trial data.time=t data.target=move "
        "data.horizon=0 data.stride=0 data.window=8 task.support=4 'model.backbone=gru 8; readout last' train.steps=1 "
        "validate.every=0 run.dir=ends");
    SAYS(err_text, "windows of 8 steps of 3 numbers");
    T_CHECK(!strstr(err_text, "v is no input"));
    SAYS(err_text, "32 rows have the time (t) of another row of their series, as ends.csv:6 that of u0 in ends.csv:5: "
                   "these are in the order of the file");
}

TEST(equal_times_are_told_wherever_a_series_is_read) {
    make_machines();
    RUN(0, RUN_OF("equal", "data.horizon=1"));
    put("twice.csv", "time,load,vibration\n0,.1,1\n1,.1,2\n3,.1,1.5\n1,.1,1\n4,.2,2\n");
    static const char told[] = "1 row has the time (time) of another row of its series, as twice.csv:5 that in "
                               "twice.csv:3: these are in the order of the file";
    RUN(0, "adapt equal/model.safetensors --support twice.csv -o net.safetensors");
    SAYS(err_text, told);
    RUN(0, "predict net.safetensors twice.csv -o out.csv");
    SAYS(err_text, told);
    put("thrice.csv", "machine,time,load,vibration\na,0,.1,1\na,1,.1,2\nb,1,.1,2\na,2,.1,1.5\nb,1,.1,1\nb,3,.2,2\n");
    RUN(0, "eval equal/model.safetensors --data thrice.csv --support 1");
    SAYS(err_text, "as thrice.csv:6 that of b in thrice.csv:4: these");
}

TEST(a_cell_among_times_is_advised_on_as_a_time) {
    char text[400] = "unit,t,y\n";
    for (int i = 0; i < 12; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s,%s%d,%d\n", i < 6 ? "a" : "b", i == 8 ? "x" : "",
                 i % 6, i * i % 5);
    put("cell.csv", text);
    RUN(1, "train data.path=cell.csv data.kind=series data.task=unit data.time=t data.target=y run.dir=x");
    SAYS(err_text, "cell.csv:10:t: \"x2\" is not a number: times are numbers, or dates (2024-05-31), in all rows: ");
    RUN(1, "train data.path=cell.csv data.kind=table data.task=unit data.target=y run.dir=x");
    SAYS(err_text, "cell.csv:10:t: \"x2\" is not a number: correct the cell; or declare the word as missing");
}

TEST(errors_about_times_say_whose_they_are) {
    static const struct {
        const char *second, *says;
    } bad[] = {
        {"a,,1\n",
         "times.csv:3:t: the time of a is missing, by which the rows of a series are ordered; fill it in or "},
        {"a,soon,1\n", "times.csv:3:t: the time of a, \"soon\", is no date, or may be several; write 2024-05-31 or "},
        {"a,0000-12-31,1\n", "times.csv:3:t: the time of a, \"0000-12-31\", is no date, or may be several; write "
                             "2024-05-31 or 2024-05-31T12:30:00Z (years 1 to 9999)"},
        {"a,8,1\n", "times.csv:3:t: the time of a, \"8\", is no date"},
    };
    char text[400];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, "unit,t,y\na,2024-05-01,1\n%sa,2024-05-03,2\nb,2024-05-01,2\nb,2024-05-02,4\n",
                 bad[i].second);
        put("times.csv", text);
        RUN(1, "train data.path=times.csv data.kind=series data.task=unit data.time=t data.target=y run.dir=x");
        SAYS(err_text, bad[i].says);
    }
    put("times.csv", "unit,t,y\na,2024-05-01,1\na,soon,3\nb,late,2\nb,2024-05-01,2\n");
    RUN(1, "train data.path=times.csv data.kind=series data.task=unit data.time=t data.target=y run.dir=x");
    SAYS(err_text,
         "times.csv:3:t: the time of a, \"soon\", is no number and no date, or may be several; write 2024-05-31 "
         "or 2024-05-31T12:30:00Z (years 1 to 9999), or numbers in all rows");
}

TEST(a_configuration_is_written_and_checked) {
    make_machines();
    RUN(0, "init made/machines.csv data.kind=series data.target=vibration -o made.ini");
    char *ini = tiny_read(tiny_path("made.ini"), &(size_t){0});
    SAYS(ini, "kind = series");
    SAYS(ini, "time = time");
    SAYS(ini, "window = 16");
    SAYS(ini, "horizon = 1");
    free(ini);
    RUN(0, "check made.ini");
    RUN(1, "train data.path=made/machines.csv data.kind=series data.task=machine data.target=vibration run.dir=x");
    SAYS(err_text, "data.time=COLUMN");
    RUN(1, "train data.path=made/machines.csv data.kind=series data.task=machine data.target=vibration data.time=tiem "
           "run.dir=x");
    SAYS(err_text, "data.time: there is no column \"tiem\" (nearest: \"time\")");
    RUN(1, "train data.path=made/machines.csv data.kind=series data.task=machine data.target=vibration "
           "data.time=machine run.dir=x");
    SAYS(err_text, "data.time: column machine is data.task already");
    RUN(1, RUN_OF("x", "data.ignore=load,time"));
    SAYS(err_text, "data.ignore: column time is used, as data.time, and is no input for that: take it out of the list");
    RUN(1, RUN_OF("x", "data.ignore=load data.series=load"));
    SAYS(err_text, "data.ignore: column load is used, as data.series");
    RUN(0, "train data.path=made/machines.csv data.kind=table data.task=machine data.target=vibration data.window=5 "
           "data.time=time train.steps=2 validate.every=0 run.dir=plain");
    SAYS(err_text, "data.window = 5 has no effect");
    SAYS(err_text, "data.time = time has no effect");
}

TEST_MAIN()
