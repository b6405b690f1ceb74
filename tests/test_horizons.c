/* SPDX-License-Identifier: Apache-2.0 */
/* Forecasts of several horizons: horizons as text, the rows that they are of, what is known of a set of rows, metrics
 * of targets with missing components, and the command from a table to forecasts. */
#include <math.h>

#include "base/alloc.h"
#include "cli_run.h"
#include "gossamer/race.h"
#include "gossamer/series.h"
#include "gossamer/table_data.h"
#include "machine_runs.h"
#include "task/table_task.h"
#include "task/task.h"

static goss_error err;

static void put(const char *name, const char *text) { write_file(name, text, strlen(text)); }

/* ---- as text ---- */

static void reads(const char *text, const char *as, int n) {
    goss_series_options o = {0};
    char out[80];
    T_OK(goss_series_set_horizons(text, &o, &err));
    T_STR(goss_series_horizons_text(&o, out, sizeof out), as);
    T_EQ(goss_series_horizons(&o), n);
}

TEST(horizons_are_numbers_ranges_and_lists) {
    reads("1", "1", 1), reads("0", "0", 1), reads(" 7 ", "7", 1), reads("2..2", "2", 1);
    reads("1..12", "1..12", 12), reads("1 3 6", "1 3 6", 3), reads("1, 2", "1 2", 2);
    reads("1..3,6;12..14", "1..3 6 12..14", 7), reads("1 2 3 5 6", "1..3 5 6", 5);
    char one[8], most[20];
    goss_series_options o = {0};
    snprintf(most, sizeof most, "1..%d", GOSS_HORIZONS_MOST);
    reads(most, most, GOSS_HORIZONS_MOST);
    T_OK(goss_series_set_horizons("10 200", &o, &err));
    T_STR(goss_series_horizons_text(&o, one, 5), "10 2"); /* cut off */
}

TEST(what_are_no_horizons_is_told) {
    static const struct {
        const char *text, *says;
    } bad[] = {{"", "is no horizon"},      {"x", "is no horizon"},       {"1.5", "is no horizon"},
               {"-1", "is no horizon"},    {"1..", "is no horizon"},     {"3..1", "is no horizon"},
               {"1x", "is no horizon"},    {"2000000", "is no horizon"}, {"1 1", "1 behind 1: horizons ascend"},
               {"3 2", "2 behind 3"},      {"1..4 4", "4 behind 4"},     {"0 1", "a horizon of 0"},
               {"0..3", "a horizon of 0"}, {"1..257", "more than 256"},  {"99999999999999999999", "is no horizon"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        T_ERR(goss_series_set_horizons(bad[i].text, NULL, &err), GOSS_E_ARGUMENT, bad[i].says);
    }
    goss_series_options o = {.horizon = 5, .n_later = 1, .later = {7}};
    T_ERR(goss_series_set_horizons("3 2", &o, &err), GOSS_E_ARGUMENT, "ascend");
    T_CHECK(o.horizon == 5 && o.n_later == 1 && o.later[0] == 7);
}

/* ---- rows and targets by hand ---- */

/* Two tasks, rows not in order, a gap (the row of time 2) and a target that is missing (time 3 of a). */
static const char small[] = "unit,t,y\n"
                            "a,3,\n"
                            "a,0,1\n"
                            "b,0,7\n"
                            "a,1,4\n"
                            "a,4,9\n"
                            "b,4,9\n"
                            "a,6,20\n"
                            "b,5,3\n"
                            "b,6,8\n";

static const goss_series_options ahead = {
    .task = "unit", .time = "t", .target = "y", .window = 2, .horizon = 1, .stride = 1, .n_later = 2, .later = {2, 3}};

typedef struct set {
    goss_table *table;
    goss_roles roles;
    goss_table_tasks *tasks;
    goss_table_transform *f;
} set;

static goss_status open_set(const goss_series_options *o, set *s) {
    const goss_roles_declared declared = {.target = "y", .task = "unit", .ignore = "t"};
    goss_table_transform_options fit = {.series = o};
    put("small.csv", small);
    T_OK(goss_table_open(tiny_path("small.csv"), NULL, &s->table, &err));
    T_OK(goss_table_roles(s->table, &declared, &s->roles, &err));
    T_OK(goss_table_tasks_open(s->table, &s->roles, "t", &s->tasks, &err));
    T_OK(goss_table_tasks_by_series(s->tasks, o, &err));
    T_OK(goss_objective_find("regression", &fit.objective, &err));
    return goss_table_transform_fit(s->tasks, &s->roles, NULL, 0, &fit, &s->f, &err);
}

static void close_set(set *s) {
    goss_table_transform_free(s->f);
    goss_table_tasks_free(s->tasks);
    goss_roles_free(&s->roles);
    goss_table_close(s->table);
}

static bool same(const float *y, const float *want, int n) {
    for (int i = 0; i < n; i++)
        if (isnan(want[i]) ? !isnan(y[i]) : y[i] != want[i]) return false;
    return true;
}

TEST(targets_are_the_rows_ahead_as_far_as_they_are_there) {
    set s;
    int32_t to[9 * 3];
    float y[2 * 3];
    T_OK(open_set(&ahead, &s));
    T_OK(goss_series_ahead(s.table, &ahead, NULL, 0, to, &err));
    const int32_t want[9][3] = {{0, 4, 6}, {1, 3, 0},   {2, 5, 7},  {3, 0, 4},  {4, 6, -1},
                                {5, 7, 8}, {6, -1, -1}, {7, 8, -1}, {8, -1, -1}};
    for (int i = 0; i < 27; i++) T_EQ(to[i], want[i / 3][i % 3]);
    T_EQ(goss_table_transform_outputs(s.f), 3);
    const int32_t rows[] = {3, 5};
    T_OK(goss_table_transform_targets(s.f, s.table, rows, 2, y, &err));
    T_CHECK(same(y, (const float[]){4 - 1, NAN, 9 - 1, 9 - 7, 3 - 7, 8 - 7}, 6)); /* that of time 3 is missing */
    /* Of these rows alone the later of a task's is the last that is known. */
    T_OK(goss__known_targets(s.f, s.table, rows, 2, y, &err));
    T_CHECK(same(y, (const float[]){3, NAN, NAN, 2, NAN, NAN}, 6));
    const int32_t more[] = {3, 4};
    T_OK(goss__known_targets(s.f, s.table, more, 2, y, &err));
    T_CHECK(same(y, (const float[]){3, NAN, 8, 9 - 4, NAN, NAN}, 6));
    const goss_target_scale scale = goss_table_transform_scale(s.f);
    T_NEAR(scale.mean[0], (3 + 5 + 11 + 2 - 6 + 5) / 6.0, 1e-6);
    T_NEAR(scale.mean[1], (16 - 4 - 1) / 3.0, 1e-6);
    T_NEAR(scale.mean[2], (8 + 1) / 2.0, 1e-6);
    T_NEAR(scale.deviation[2], 3.5, 1e-6);
    close_set(&s);
}

/* A support set knows what was measured up to its last row, and a query what the table has. */
TEST(a_support_set_does_not_know_what_its_rows_forecast_beyond_it) {
    set s;
    goss_series_options two = ahead;
    two.n_later = 1;
    T_OK(open_set(&two, &s));
    goss_table_source_options o = goss_table_source_defaults();
    goss_task_source source;
    o.support = 2;
    int skipped;
    T_OK(goss_table_source_open(s.tasks, s.f, &o, &source, &skipped, &err));
    T_OK(goss_task_spec_check(&source.spec, &err));
    T_CHECK(source.spec.partial && source.spec.outputs == 2 && source.tasks == 2 && skipped == 0);
    float x[4 * 8], sy[2 * 2], qy[4 * 2];
    goss_task t = {.support = x, .support_target = sy, .query_target = qy, .outputs = 2};
    source.draw(&source, 0, &t);
    T_CHECK(t.supports == 2 && t.queries == 1);
    T_CHECK(same(sy, (const float[]){3, NAN, 5, NAN}, 4)); /* of times 1 and 4: 20 at 6 is a query's */
    T_CHECK(same(qy, (const float[]){11, NAN}, 2));
    source.draw(&source, 1, &t);
    T_CHECK(same(sy, (const float[]){2, -4, -6, NAN}, 4) && same(qy, (const float[]){5, NAN}, 2));
    goss_task_source_free(&source);
    close_set(&s);
}

/* Shares of .5, .25 and .25 of four rows: what is trained on ends before what is validated on begins. */
TEST(a_part_of_a_split_does_not_know_the_next_one) {
    static const char rows[] = "unit,t,y\na,0,1\na,1,4\na,2,2\na,3,8\na,4,9\n";
    const goss_roles_declared declared = {.target = "y", .task = "unit", .ignore = "t"};
    goss_series_options two = ahead;
    two.n_later = 1;
    goss_table_transform_options fit = {.series = &two};
    set s = {0};
    put("small.csv", rows);
    T_OK(goss_table_open(tiny_path("small.csv"), NULL, &s.table, &err));
    T_OK(goss_table_roles(s.table, &declared, &s.roles, &err));
    T_OK(goss_table_tasks_open(s.table, &s.roles, "t", &s.tasks, &err));
    T_OK(goss_table_tasks_by_series(s.tasks, &two, &err));
    T_OK(goss_objective_find("regression", &fit.objective, &err));
    T_OK(goss_table_transform_fit(s.tasks, &s.roles, NULL, 0, &fit, &s.f, &err));
    T_OK(goss_table_tasks_split(s.tasks, (const double[]){.5, .25, .25}, (goss_row_fold){0}, 1, &err));
    goss_table_source_options o = goss_table_source_defaults();
    goss_task_source source;
    float sy[4 * 2], qy[4 * 2];
    int skipped;
    o.support = 1;
    for (int part = 0; part < 2; part++) {
        goss_task t = {.support_target = sy, .query_target = qy, .outputs = 2};
        o.query_part = part ? GOSS_PART_VALIDATE : GOSS_PART_TRAIN;
        T_OK(goss_table_source_open(s.tasks, s.f, &o, &source, &skipped, &err));
        source.draw(&source, 0, &t);
        T_CHECK(t.supports == 1 && t.queries == 1 && same(sy, (const float[]){3, NAN}, 2));
        T_CHECK(same(qy, part ? (const float[]){6, NAN} : (const float[]){-2, NAN}, 2));
        goss_task_source_free(&source);
    }
    close_set(&s);
}

TEST(memory_that_is_missing_is_told) {
    const goss_roles_declared declared = {.target = "y", .task = "unit", .ignore = "t"};
    goss_table_transform_options fit = {.series = &ahead};
    set s = {0};
    put("small.csv", small);
    T_OK(goss_table_open(tiny_path("small.csv"), NULL, &s.table, &err));
    T_OK(goss_table_roles(s.table, &declared, &s.roles, &err));
    T_OK(goss_table_tasks_open(s.table, &s.roles, "t", &s.tasks, &err));
    T_OK(goss_table_tasks_by_series(s.tasks, &ahead, &err));
    T_OK(goss_objective_find("regression", &fit.objective, &err));
    const goss_table_source_options o = {.support = 1};
    int failures = 0;
    for (uint64_t n = 1;; n++) {
        goss_task_source source = {0};
        s.f = NULL;
        goss__alloc_fail_at(n);
        goss_status status = goss_table_transform_fit(s.tasks, &s.roles, NULL, 0, &fit, &s.f, &err);
        if (status == GOSS_OK) status = goss_table_source_open(s.tasks, s.f, &o, &source, NULL, &err);
        goss__alloc_fail_at(0);
        goss_task_source_free(&source);
        if (status == GOSS_OK) break;
        T_CHECK(status == GOSS_E_NOMEM);
        goss_table_transform_free(s.f);
        failures++;
    }
    T_CHECK(failures > 30);
    close_set(&s);
}

TEST(a_transform_of_horizons_is_kept_as_text) {
    set s;
    char *text, *again;
    goss_table_transform *f;
    T_OK(open_set(&ahead, &s));
    T_OK(goss_table_transform_text(s.f, &text, &err));
    SAYS(text, "1..3");
    T_OK(goss_table_transform_parse(text, &f, &err));
    T_EQ(goss_table_transform_outputs(f), 3);
    T_OK(goss_table_transform_text(f, &again, &err));
    T_STR(text, again);
    goss_text_free(text), goss_text_free(again);
    goss_table_transform_free(f);
    close_set(&s);
}

TEST(horizons_that_the_data_do_not_allow_are_told) {
    set s = {0};
    goss_series_options far = ahead;
    far.later[1] = 9;
    T_ERR(open_set(&far, &s), GOSS_E_ARGUMENT, "no row to train on has a known y 9 steps behind");
    close_set(&s);
    far.later[1] = 4;
    T_ERR(open_set(&far, &s), GOSS_E_ARGUMENT, "only one row to train on has a known y 4 steps behind");
    close_set(&s);
    put("small.csv", small);
    goss_table *t;
    goss_encoding *e;
    const int columns[] = {1};
    T_OK(goss_table_open(tiny_path("small.csv"), NULL, &t, &err));
    far.later[1] = 2;
    T_ERR(goss_encoding_fit_series(t, columns, 1, &far, NULL, 0, &e, &err), GOSS_E_ARGUMENT, "several horizons ascend");
    far = ahead, far.target = NULL;
    T_ERR(goss_encoding_fit_series(t, columns, 1, &far, NULL, 0, &e, &err), GOSS_E_ARGUMENT, "whose past is seen");
    goss_table_close(t);
}

/* ---- metrics ---- */

static double value(const char *objective, const char *name, const goss_answers *a) {
    const goss_objective *o;
    const goss_metric *m;
    T_OK(goss_objective_find(objective, &o, &err));
    T_OK(goss_metric_find(o, name, &m, &err));
    return m->value(a);
}

static double alone(const char *objective, const char *name, const goss_answers *a, int w) {
    const goss_objective *o;
    const goss_metric *m;
    float room[8];
    T_OK(goss_objective_find(objective, &o, &err));
    T_OK(goss_metric_find(o, name, &m, &err));
    return goss__metric_of_component(m, a, w, room);
}

TEST(missing_components_count_in_no_metric) {
    /* Means and log variances of two numbers; the third query has none, the fourth is padding. */
    const float out[] = {1, 2, 0, 0, 3, 5, 0, 0, 9, 9, 0, 0, 7, 7, 0, 0};
    const float y[] = {2, NAN, 3, 8, NAN, NAN, 0, 0}, weight[] = {1, 1, 1, 0};
    const goss_answers a = {.count = 4, .outputs = 2, .stride = 4, .output = out, .target = y, .weight = weight};
    T_NEAR(value("gaussian", "mae", &a), (1 + 0 + 3) / 3.0, 1e-6);
    T_NEAR(value("gaussian", "rmse", &a), sqrt((1 + 0 + 9) / 3.0), 1e-6);
    T_NEAR(value("gaussian", "nll", &a), log(2 * M_PI) / 2 + (1 + 0 + 9) / 3.0 / 2, 1e-6);
    T_NEAR(value("gaussian", "coverage", &a), 2 / 3.0, 1e-12);
    T_NEAR(value("gaussian", "r2", &a), 1 - 10 / 3.0 / ((.25 + 0) / 2), 1e-6);
    T_NEAR(alone("gaussian", "mae", &a, 0), .5, 1e-6);
    T_NEAR(alone("gaussian", "mae", &a, 1), 3, 1e-6);
    T_NEAR(alone("gaussian", "r2", &a, 0), 1 - .5 / .25, 1e-6);
    T_CHECK(isnan(alone("gaussian", "r2", &a, 1))); /* of one number */
    const float none[] = {NAN, 1, NAN, 8, NAN, 0, NAN, 0};
    goss_answers lacks = a;
    lacks.target = none;
    T_CHECK(isnan(alone("gaussian", "rmse", &lacks, 0)));
    T_NEAR(value("gaussian", "mae", &lacks), (1 + 3 + 9) / 3.0, 1e-6);
    const goss_objective *q;
    T_OK(goss_objective_find("quantile 0.5", &q, &err));
    goss_answers by = a;
    by.stride = 2, by.objective = q, by.output = (const float[]){1, 2, 3, 5, 9, 9, 7, 7};
    T_NEAR(q->metrics[0]->value(&by), (1 + 0 + 3) / 3.0 / 2, 1e-6);
}

TEST(a_partial_spec_is_of_numbers_that_count_by_themselves) {
    goss_task_spec s = {.input_rank = 1, .input = {1}, .outputs = 2, .partial = true};
    T_ERR(goss_task_spec_check(&s, &err), GOSS_E_ARGUMENT, "missing components are numbers");
    s.objective = &goss__bpr;
    T_ERR(goss_task_spec_check(&s, &err), GOSS_E_ARGUMENT, "objective bpr");
    s.objective = &goss__student;
    T_OK(goss_task_spec_check(&s, &err));
}

/* ---- the command ---- */

/* The figure behind a text in the JSON of eval, from the method of that name on. */
static double figure(const char *method, const char *behind) {
    char key[64];
    snprintf(key, sizeof key, "{\"name\": \"%s\"", method);
    const char *at = out_text ? strstr(out_text, key) : NULL;
    at = at ? strstr(at, behind) : NULL;
    return at ? strtod(at + strlen(behind), NULL) : -1;
}

TEST(several_horizons_go_through_all_verbs) {
    make_machines();
    RUN(0, RUN_OF("several", "'data.horizon=1 3' task.objective=gaussian method.ridge_head=true"));
    SAYS(err_text, "windows of 6 steps of 5 numbers, 1 3 ahead, target vibration (gaussian)");
    RUN(0, "eval several/model.safetensors --data other/machines.csv --support 5 --json "
           "--methods last,line,nearest,mean,ridge,mean-ridge,scratch,finetune");
    T_NEAR(figure("last", "{\"horizon\": 1, \"value\": "), change_by_hand(1), 1e-5);
    T_NEAR(figure("last", "{\"horizon\": 3, \"value\": "), change_by_hand(3), 1e-5);
    static const char *const methods[] = {"hypernet", "line",       "nearest", "mean",
                                          "ridge",    "mean-ridge", "scratch", "finetune"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        const double all = figure(methods[i], "\"value\": "), near = figure(methods[i], "{\"horizon\": 1, \"value\": "),
                     far = figure(methods[i], "{\"horizon\": 3, \"value\": ");
        if (!(near > 0 && far > 0 && fabs(all - (near + far) / 2) < (near + far) / 4))
            T_FAIL("%s: %g of %g and %g", methods[i], all, near, far);
    }
    RUN(0, "eval several/model.safetensors --data other/machines.csv --support 5 --methods last");
    SAYS(out_text, "steps ahead                      1         3");

    put("seen.csv", "time,load,vibration\n0,.1,1\n1,.1,2\n2,.1,1.5\n3,.1,1\n4,.2,2\n");
    put("next.csv", "time,load,vibration\n2,.1,1.5\n3,.1,1\n4,.2,2\n5,.2,\n6,.2,\n7,.2,\n");
    RUN(0, "adapt several/model.safetensors --support seen.csv -o net.safetensors");
    SAYS(err_text, "4 rows became a network");
    RUN(0, "predict net.safetensors next.csv");
    SAYS(out_text, "time,load,vibration,prediction_h1,low_h1,high_h1,prediction_h3,low_h3,high_h3\n2,.1,1.5,,,,,,\n");
    RUN(0, "predict net.safetensors next.csv --json");
    SAYS(out_text, "\"line\": 2, \"horizons\": [{\"horizon\": 1, \"prediction\": null}, "
                   "{\"horizon\": 3, \"prediction\": null}]}");
    SAYS(out_text, "\"line\": 7, \"horizons\": [{\"horizon\": 1, \"prediction\": ");
    put("taken.csv", "time,load,vibration,low_h3\n2,.1,1.5,0\n");
    RUN(1, "predict net.safetensors taken.csv");
    SAYS(err_text, "has a column \"low_h3\" already");
}

/* The forecast three steps ahead stands beside the row that it is of, and is that of the window three steps before. */
TEST(a_forecast_is_in_the_line_of_the_row_that_it_is_of) {
    make_machines();
    RUN(0, RUN_OF("lines", "data.horizon=1..3"));
    put("seen.csv", "time,load,vibration\n0,.1,1\n1,.1,2\n2,.1,1.5\n3,.1,1\n4,.2,2\n");
    RUN(0, "adapt lines/model.safetensors --support seen.csv -o net.safetensors");
    put("a.csv", "time,load,vibration\n2,.1,1.5\n3,.1,1\n4,.2,2\n5,.2,\n6,.2,\n7,.2,\n");
    put("b.csv", "time,load,vibration\n2,.1,1.5\n3,.1,1\n4,.2,2\n5,.2,9\n6,.2,9\n7,.2,9\n");
    char line[2][200];
    for (int i = 0; i < 2; i++) {
        RUN(0, i ? "predict net.safetensors b.csv" : "predict net.safetensors a.csv");
        if (i == 0) {
            SAYS(err_text, "a.csv: 1 of 6 rows have no known value before them");
            SAYS(err_text,
                 "a.csv: 2 of 6 rows, the first in line 6, have forecasts of windows that end behind the last "
                 "known vibration");
        }
        const char *at = strstr(out_text, "\n7,.2,");
        T_CHECK(at);
        snprintf(line[i], sizeof line[i], "%s", at + 1);
    }
    const char *far[2] = {strrchr(line[0], ','), strrchr(line[1], ',')};
    T_CHECK(far[0] && far[1] && strlen(far[0]) > 3);
    T_STR(far[0], far[1]);                  /* what was measured after time 4 is not seen by it */
    T_CHECK(strcmp(line[0], line[1]) != 0); /* and is by the others */
}

TEST(horizons_have_quantiles_and_threads_do_not_change_them) {
    make_machines();
    RUN(0, RUN_OF("q1", "data.horizon=1,2 task.objective=quantile task.quantiles=0.1,0.9 run.threads=1"));
    RUN(0, RUN_OF("q3", "data.horizon=1,2 task.objective=quantile task.quantiles=0.1,0.9 run.threads=3"));
    put("seen.csv", "time,load,vibration\n0,.1,1\n1,.1,2\n2,.1,1.5\n3,.1,1\n4,.2,2\n");
    char *said[2];
    for (int i = 0; i < 2; i++) {
        RUN(0, i ? "adapt q3/model.safetensors --support seen.csv -o q.net"
                 : "adapt q1/model.safetensors --support seen.csv -o q.net");
        RUN(0, "predict q.net seen.csv");
        said[i] = strdup(out_text);
    }
    SAYS(said[0], "vibration,prediction_h1,q0.1_h1,q0.9_h1,prediction_h2,q0.1_h2,q0.9_h2\n0,.1,1,,,,,,\n");
    T_STR(said[0], said[1]);
    free(said[0]), free(said[1]);
    RUN(0, "predict q.net seen.csv --json");
    SAYS(out_text, "{\"horizon\": 2, \"prediction\": ");
    SAYS(out_text, "\"quantiles\": {\"0.1\": ");
    RUN(0, "eval q1/model.safetensors --data other/machines.csv --support 5 --json --methods last,mean-ridge");
    T_CHECK(figure("last", "{\"horizon\": 2, \"value\": ") > 0 &&
            figure("mean-ridge", "{\"horizon\": 2, \"value\": ") > 0);
}

/* A list of one horizon is that horizon. */
TEST(one_horizon_is_as_a_number) {
    make_machines();
    RUN(0, RUN_OF("number", "data.horizon=2"));
    RUN(0, RUN_OF("list", "data.horizon=2..2"));
    RUN(0, "eval number/model.safetensors --data other/machines.csv --support 5 --methods last,ridge,scratch");
    T_CHECK(!strstr(out_text, "steps ahead"));
    RUN(0, "eval list/model.safetensors --data other/machines.csv --support 5 --json --methods ridge");
    T_CHECK(!strstr(out_text, "\"horizon"));
    size_t n[2] = {0};
    char *model[2] = {tiny_read(tiny_path("number/model.safetensors"), &n[0]),
                      tiny_read(tiny_path("list/model.safetensors"), &n[1])};
    T_CHECK(n[0] > 1000 && n[1] > 1000);
    T_CHECK(memcmp(model[0] + n[0] - 1000, model[1] + n[1] - 1000, 1000) == 0); /* the last weights */
    free(model[0]), free(model[1]);
}

TEST(mistakes_of_horizons_are_told_at_the_start) {
    make_machines();
    RUN(1, RUN_OF("x", "data.horizon=3,1"));
    SAYS(err_text, "data.horizon: \"3,1\": 1 behind 3: horizons ascend");
    RUN(1, RUN_OF("x", "data.horizon=0..3"));
    SAYS(err_text, "a horizon of 0");
    RUN(1, RUN_OF("x", "data.horizon=1,50"));
    SAYS(err_text, "has a known vibration 50 steps behind");
    RUN(1, RUN_OF("x", "data.horizon=1,2 task.objective=bpr"));
    SAYS(err_text, "several horizons are of numbers, and task.objective = bpr");
    RUN(0, RUN_OF("one", "data.horizon=1"));
    RUN(0, RUN_OF("two", "data.horizon=1,2"));
    RUN(1, "eval one/model.safetensors --data other/machines.csv --support 5 --methods two=two/model.safetensors");
    SAYS(err_text, "predicts 1 2 steps ahead, and one/model.safetensors 1");
}

/* Of 8 test rows of a machine the last two have none three steps behind their window. */
TEST(test_samples_are_judged_by_horizon) {
    make_machines();
    RUN(0, RUN_OF("kept", "data.path=other/machines.csv 'data.horizon=1 3' data.split=.6,.2,.2"));
    RUN(0, "eval kept/model.safetensors --split test --json");
    const char *far = strstr(out_text, "{\"horizon\": 3");
    double mean = 0;
    T_CHECK(far && json_number(far, "undefined") == 0);
    for (int k = 51; k <= 56; k++) {
        char name[16];
        snprintf(name, sizeof name, "m%05d", k);
        const double all = json_number(out_text, name), near = json_number(strstr(out_text, "{\"horizon\": 1"), name),
                     third = json_number(far, name);
        T_NEAR(14 * all * all, 8 * near * near + 6 * third * third, 1e-4);
        mean += third / 6;
    }
    T_NEAR(json_number(far, "value"), mean, 1e-6);
    RUN(0, "eval kept/model.safetensors --split test");
    SAYS(out_text, "steps ahead                      1         3\nhypernet  ");
    RUN(0, RUN_OF("nearer", "data.path=other/machines.csv 'data.horizon=1 2' data.split=.6,.2,.2"));
    RUN(1, "eval kept/model.safetensors --split test --methods x=nearer/model.safetensors");
    SAYS(err_text, "x: it has other horizons than hypernet");
}

/* A machine of 8 rows, 5 of which are support, is judged one step ahead alone. */
TEST(a_mean_over_fewer_tasks_says_so) {
    make_machines();
    char text[1000] = "machine,time,load,vibration\n";
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < (k ? 12 : 8); i++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "u%d,%d,.1,%d\n", k, i, i * i % 7);
    put("short.csv", text);
    RUN(0, RUN_OF("reach", "'data.horizon=1 3'"));
    RUN(0, "eval reach/model.safetensors --data short.csv --support 5 --methods last");
    SAYS(out_text, "\n  tasks with a value             3         2\nlast  ");
    RUN(0, "eval reach/model.safetensors --data other/machines.csv --support 5 --methods last");
    T_CHECK(!strstr(out_text, "tasks with a value"));
}

/* Parts of a split know nothing of each other; by gradient steps and by numbers of tasks, too. */
TEST(other_methods_take_several_horizons) {
    make_machines();
    RUN(0, RUN_OF("split", "data.horizon=1,2 data.split=.6,.2,.2 hyper.condition=id task.objective=student"));
    RUN(0, RUN_OF("maml", "data.horizon=1,2 train.method=maml task.objective=huber"));
    RUN(0, "eval maml/model.safetensors --data other/machines.csv --support 5 --json --fine-tune 2");
    T_CHECK(figure("maml", "{\"horizon\": 2, \"value\": ") > 0);
}

TEST_MAIN()
