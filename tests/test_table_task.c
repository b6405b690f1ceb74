/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as tasks: grouping and order, divisions, transforms that see training tasks alone. */
#include <unistd.h>

#include "gossamer/text.h"
#include "scratch.h"
#include "table_set.h"

/* ---- tasks ---- */

TEST(rows_are_grouped_and_ordered) {
    set s = open_set(text, &user_y, "first");
    T_EQ(goss_table_tasks_count(s.tasks), 3);
    T_STR(goss_table_tasks_name(s.tasks, 1), "b");
    T_EQ(goss_table_tasks_find(s.tasks, "c"), 2);
    T_EQ(goss_table_tasks_find(s.tasks, "d"), -1);
    T_STR(shown(&s, 0), "0 2 4 6");
    T_EQ(goss_table_tasks_order(s.tasks), GOSS_ORDER_FIRST);
    close_set(&s);
    s = open_set(text, &user_y, "t"); /* equal ones as in the file */
    T_STR(shown(&s, 0), "2 6 4 0");
    T_STR(shown(&s, 1), "1 3 5");
    T_EQ(goss_table_tasks_order_column(s.tasks), 1);
    close_set(&s);
}

TEST(rows_without_target_or_task_are_counted) {
    set s = open_set("user,x,y\na,1,1\na,2,\n,3,3\nb,4,4\n", &user_y, NULL);
    int target, task;
    goss_table_tasks_left_out(s.tasks, &target, &task);
    T_EQ(target, 1);
    T_EQ(task, 1);
    T_STR(shown(&s, 0), "0");
    T_EQ(goss_table_tasks_order(s.tasks), GOSS_ORDER_RANDOM);
    close_set(&s);
}

static void refused(const char *csv, const goss_roles_declared *declared, const char *order, const char *says) {
    goss_table *t = table_of(csv);
    goss_roles roles;
    goss_table_tasks *tasks;
    T_NOTE("%s", says);
    T_OK(goss_table_roles(t, declared, &roles, &err));
    T_ERR(goss_table_tasks_open(t, &roles, order, &tasks, &err), GOSS_E_ARGUMENT, says);
    T_CHECK(!tasks);
    goss_roles_free(&roles);
    goss_table_close(t);
}

TEST(what_makes_no_tasks) {
    const goss_roles_declared none = {.task = "", .target = "y"};
    refused("a,y\n1,2\n3,4\n", &none, NULL, "data.task=COLUMN");
    refused("user,y\na,\nb,\n", &user_y, NULL, "no row has both");
    refused(text, &user_y, "tt", "tt");
    refused(text, &user_y, "kind", "it holds texts");
    refused("user,t,y\na,1,2\na,,3\nb,2,2\n", &user_y, "t", "t.csv:3: t is missing");
}

/* The year first, or the month by its name, with times of day and zones: what is read in one way. */
TEST(rows_are_ordered_by_dates) {
    static const char *const days[][4] = {
        {"2024-03-01", "2023-12-31", "2024-1-5", "2024-02-29"},
        {"2024-01-01 10:00", "2024-01-01 9:59:59.5", "2024-01-01T09:59:59", "2024-01-01T10:30:00+01:00"},
        {"1 March 2024", "Feb 29, 2024", "28-feb-2024", "2024/02/28 11:59 pm"},
        {"1970-01-01", "1969-12-31", "1900-03-01", "1900-02-28"},
    };
    static const int order[][4] = {{1, 2, 3, 0}, {3, 2, 1, 0}, {2, 3, 1, 0}, {3, 2, 1, 0}};
    for (int i = 0; i < 4; i++) {
        char csv[400] = "user,day,y\n";
        goss_roles roles;
        goss_table_tasks *tasks;
        int n;
        for (int k = 0; k < 4; k++)
            snprintf(csv + strlen(csv), sizeof csv - strlen(csv), "a,\"%s\",%d\n", days[i][k], k);
        goss_table *t = table_of(csv);
        T_OK(goss_table_roles(t, &user_y, &roles, &err));
        T_EQ(goss_table_type(t, 1), GOSS_COLUMN_DATE);
        if (goss_table_tasks_open(t, &roles, "day", &tasks, &err) != GOSS_OK) T_FAIL("%s", err.text);
        const int32_t *rows = goss_table_tasks_rows(tasks, 0, &n);
        for (int k = 0; k < 4; k++)
            if (rows[k] != order[i][k]) T_FAIL("%d: row %d is at place %d", i, (int)rows[k], k);
        goss_table_tasks_free(tasks), goss_roles_free(&roles), goss_table_close(t);
    }
    refused("user,day,y\na,2024-01-01,1\na,3/4/2024,2\nb,2024-01-02,1\n", &user_y, "day",
            "t.csv:3: rows cannot be ordered by column day: \"3/4/2024\" is no date, or may be several");
    refused("user,day,y\na,2024-13-01,1\na,2024-01-01,2\n", &user_y, "day", "\"2024-13-01\" is no date");
    refused("user,day,y\na,10:30,1\na,11:30,2\n", &user_y, "day", "\"10:30\" is no date");
    refused("user,day,y\na,2024-01-01 25:00,1\na,2024-01-01,2\n", &user_y, "day", "25:00\" is no date");
}

/* As doubles 9007199254740992 and 9007199254740993 are one task. */
TEST(identifiers_of_many_digits_are_no_numbers) {
    static const char rows[] = ",x,y\n9007199254740992,1,2\n9007199254740993,2,3\n9007199254740992,3,3\n";
    const char *const names[] = {"user", "who"};
    for (int i = 0; i < 2; i++) {
        char csv[200];
        const goss_roles_declared declared = {.task = names[i], .target = "y"};
        goss_roles roles;
        goss_table_tasks *tasks;
        snprintf(csv, sizeof csv, "%s%s", names[i], rows);
        goss_table *t = table_of(csv);
        T_OK(goss_table_roles(t, &declared, &roles, &err));
        if (i == 0) {
            T_EQ(goss_table_type(t, 0), GOSS_COLUMN_CATEGORY);
            T_OK(goss_table_tasks_open(t, &roles, NULL, &tasks, &err));
            T_EQ(goss_table_tasks_count(tasks), 2);
            T_STR(goss_table_tasks_name(tasks, 1), "9007199254740993");
            goss_table_tasks_free(tasks);
        } else {
            T_ERR(goss_table_tasks_open(t, &roles, NULL, &tasks, &err), GOSS_E_FORMAT,
                  "column who holds integers of more digits than numbers have (\"9007199254740992\")");
        }
        goss_roles_free(&roles);
        goss_table_close(t);
    }
}

/* ---- divisions ---- */

static void write_list(const char *name, const char *content) {
    FILE *f = fopen(scratch(name), "w");
    T_CHECK(f && fputs(content, f) >= 0 && fclose(f) == 0);
}

static bool has(const goss_task_list *l, int task) {
    for (int i = 0; i < l->n; i++)
        if (l->tasks[i] == task) return true;
    return false;
}

TEST(tasks_are_held_out_by_seed) {
    set s = many(20);
    goss_task_division_options o = goss_task_division_defaults();
    goss_task_division a, b;
    o.hold_out = 0.25;
    T_OK(goss_table_tasks_divide(s.tasks, &o, &a, &err));
    T_EQ(a.validate.n, 5);
    T_EQ(a.train.n, 15);
    T_EQ(a.test.n, 0);
    for (int i = 0; i < 20; i++) T_EQ(has(&a.train, i) + has(&a.validate, i), 1);
    T_OK(goss_table_tasks_divide(s.tasks, &o, &b, &err));
    T_CHECK(memcmp(a.validate.tasks, b.validate.tasks, 5 * sizeof *b.validate.tasks) == 0);
    goss_task_division_free(&b);
    o.seed = 2;
    T_OK(goss_table_tasks_divide(s.tasks, &o, &b, &err));
    T_CHECK(memcmp(a.validate.tasks, b.validate.tasks, 5 * sizeof *b.validate.tasks) != 0);
    goss_task_division_free(&a), goss_task_division_free(&b);
    close_set(&s);
}

TEST(folds_cover_all_tasks_once) {
    set s = many(13);
    int tests[13] = {0};
    for (int fold = 1; fold <= 5; fold++) {
        goss_task_division d;
        const goss_task_division_options o = {.fold = fold, .folds = 5, .seed = 3, .hold_out = 0.1};
        T_OK(goss_table_tasks_divide(s.tasks, &o, &d, &err));
        T_CHECK(d.test.n == 2 || d.test.n == 3);
        T_EQ(d.train.n + d.validate.n + d.test.n, 13);
        for (int i = 0; i < d.test.n; i++) tests[d.test.tasks[i]]++;
        goss_task_division_free(&d);
    }
    for (int i = 0; i < 13; i++) T_EQ(tests[i], 1);
    close_set(&s);
}

TEST(tasks_from_lists) {
    set s = many(6);
    goss_task_division d;
    write_list("train", "# first\nu01\n u02 \r\n\nu03");
    write_list("val", "u04\nu05\n");
    char train[200], val[200];
    strcpy(train, scratch("train")), strcpy(val, scratch("val"));
    goss_task_division_options o = {.train = train, .validate = val};
    T_OK(goss_table_tasks_divide(s.tasks, &o, &d, &err));
    T_EQ(d.train.n, 3);
    T_EQ(d.validate.n, 2);
    T_CHECK(d.test.n == 1 && d.test.tasks[0] == 0);
    goss_task_division_free(&d);
    o.train = "";
    T_OK(goss_table_tasks_divide(s.tasks, &o, &d, &err));
    T_EQ(d.train.n, 4);
    T_EQ(d.test.n, 0);
    goss_task_division_free(&d);
    goss_task_list list;
    T_OK(goss_table_tasks_list(s.tasks, val, &list, &err));
    T_CHECK(list.n == 2 && list.tasks[0] == 4);
    goss_task_list_free(&list);
    close_set(&s);
}

TEST(divisions_that_are_refused) {
    set s = many(4);
    goss_task_division d;
    write_list("bad", "u01\nu1\n");
    write_list("one", "u01\n"), write_list("two", "u02\nu01\n"), write_list("none", "# nothing\n");
    char bad[200], one[200], two[200], none[200];
    strcpy(bad, scratch("bad")), strcpy(one, scratch("one")), strcpy(two, scratch("two")),
        strcpy(none, scratch("none"));
    const struct {
        goss_task_division_options o;
        const char *says;
    } cases[] = {{{.train = bad}, "bad:2: there is no task \"u1\""},
                 {{.train = one, .validate = two}, "two:2: task \"u01\" is also in the list"},
                 {{.validate = none}, "names no task"},
                 {{.fold = 1, .folds = 5}, "5 folds of 4 tasks"},
                 {{.fold = 4, .folds = 3}, "fold 4 of 3"},
                 {{.fold = 1, .folds = 2, .train = one}, "give one of them"},
                 {{.train = one, .hold_out = .1}, "at least two are needed"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        T_NOTE("case %zu", i);
        T_ERR(goss_table_tasks_divide(s.tasks, &cases[i].o, &d, &err), GOSS_E_ARGUMENT, cases[i].says);
        T_CHECK(!d.train.tasks && !d.test.tasks);
    }
    const goss_task_division_options missing = {.train = "/nowhere/list"};
    T_ERR(goss_table_tasks_divide(s.tasks, &missing, &d, &err), GOSS_E_IO, "/nowhere/list");
    close_set(&s);
}

TEST(rows_are_split_within_task_and_class) {
    char csv[4000];
    size_t at = (size_t)sprintf(csv, "user,x,y\n");
    for (int i = 0; i < 80; i++) at += (size_t)sprintf(csv + at, "u%d,%d,%s\n", i % 2, i, i % 8 < 2 ? "yes" : "no");
    set s = open_set(csv, &user_y, NULL);
    const double share[3] = {.5, .2, .3}, wrong[3] = {.5, .2, .2};
    T_OK(goss_table_tasks_split(s.tasks, share, (goss_row_fold){0}, 1, &err));
    for (int task = 0; task < 2; task++) {
        int n, count[3] = {0}, yes[3] = {0};
        const int32_t *rows = goss_table_tasks_rows(s.tasks, task, &n);
        for (int i = 0; i < n; i++) {
            const goss_row_part p = goss_table_tasks_part(s.tasks, task, i);
            count[p]++, yes[p] += rows[i] % 8 < 2;
        }
        T_CHECK(count[0] == 20 && count[1] == 8 && count[2] == 12);
        T_CHECK(yes[0] == 5 && yes[1] == 2 && yes[2] == 3);
    }
    T_ERR(goss_table_tasks_split(s.tasks, wrong, (goss_row_fold){0}, 1, &err), GOSS_E_ARGUMENT, "their sum is 1");
    close_set(&s);
    s = open_set("user,x,y\na,4,1\na,3,2\na,2,3\na,1,4\n", &user_y, "x"); /* in an order: the first rows train */
    const double halves[3] = {.5, 0, .5};
    T_OK(goss_table_tasks_split(s.tasks, halves, (goss_row_fold){0}, 1, &err));
    for (int i = 0; i < 4; i++) T_EQ(goss_table_tasks_part(s.tasks, 0, i), i < 2 ? GOSS_PART_TRAIN : GOSS_PART_TEST);
    close_set(&s);
}

/* ---- transforms ---- */

TEST(a_transform_sees_training_tasks_alone) {
    set s = open_set(text, &user_y, "t");
    const int32_t b[] = {1};
    goss_table_transform *f = fit(&s, b, 1);
    double mean, deviation;
    const goss_encoding *e = goss_table_transform_inputs(f);
    T_EQ(goss_encoding_columns(e), 3);
    T_CHECK(goss_encoding_scale(e, 1, &mean, &deviation));
    T_NEAR(mean, 5, 1e-12); /* x of b: 3 5 7 */
    T_NEAR(deviation, sqrt(8 / 3.0), 1e-12);
    T_STR(goss_encoding_feature(e, 2), "kind=green"); /* of b's kinds: green, red */
    T_EQ(goss_encoding_width(e), 4);
    T_NEAR(goss_table_transform_scale(f).mean[0], 40, 1e-5);
    T_STR(goss_table_transform_objective(f)->name, "regression");
    T_STR(goss_table_transform_order(f), "t");
    float x[8];
    goss_encoding_report report;
    const int32_t rows[] = {0, 7};
    T_OK(goss_table_transform_apply(f, s.table, rows, 2, x, &report, &err));
    T_EQ(report.unseen, 1); /* blue */
    T_CHECK(x[6] == 0 && x[7] == 0 && x[2] == 0 && x[3] == 1);
    goss_table_transform_free(f);
    close_set(&s);
}

TEST(constant_columns_are_dropped_and_told) {
    set s = open_set("user,c,x,gap,y\na,1,1,,1\na,1,2,,2\nb,2,3,7,3\nb,2,1,8,5\n", &user_y, NULL);
    const int32_t a[] = {0};
    goss_table_transform *f = fit(&s, a, 1);
    T_EQ(goss_table_transform_dropped(f), 2);
    T_STR(goss_table_transform_dropped_name(f, 0), "c");
    T_STR(goss_table_transform_dropped_name(f, 1), "gap");
    T_EQ(goss_encoding_width(goss_table_transform_inputs(f)), 1);
    goss_table_transform_free(f);
    close_set(&s);
}

TEST(objectives_follow_the_target) {
    static const struct {
        const char *csv, *objective, *first;
        int classes;
    } cases[] = {{"user,x,y\na,4,2.5\na,2,3\nb,3,4\n", "regression", "", 0},
                 {"user,x,y\na,4,no\na,2,yes\nb,3,no\n", "classification", "no", 2},
                 {"user,x,y\na,4,10\na,2,9\nb,3,9\n", "classification", "9", 2},
                 {"user,x,y\na,4,.5\na,2,0\nb,3,.5\n", "regression", "", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set s = open_set(cases[i].csv, &user_y, NULL);
        goss_table_transform *f = fit(&s, NULL, 0);
        T_NOTE("case %zu", i);
        T_STR(goss_table_transform_objective(f)->name, cases[i].objective);
        T_EQ(goss_table_transform_classes(f), cases[i].classes);
        if (cases[i].classes) T_STR(goss_table_transform_class(f, 0), cases[i].first);
        goss_table_transform_free(f);
        close_set(&s);
    }
}

TEST(targets_that_do_not_fit) {
    set s = open_set("user,x,y\na,4,no\na,2,yes\nb,3,no\n", &user_y, NULL);
    goss_table_transform *f;
    goss_table_transform_options o = {0};
    T_OK(goss_objective_find("regression", &o.objective, &err));
    T_ERR(goss_table_transform_fit(s.tasks, &s.roles, NULL, 0, &o, &f, &err), GOSS_E_ARGUMENT,
          "the target y holds classes (\"no\")");
    const int32_t b[] = {1};
    T_ERR(goss_table_transform_fit(s.tasks, &s.roles, b, 1, NULL, &f, &err), GOSS_E_ARGUMENT, "has one class");
    close_set(&s);
    s = open_set("user,x,y\na,1,3\na,1,3\nb,1,4\nb,1,5\n", &user_y, NULL);
    const int32_t a[] = {0};
    T_ERR(goss_table_transform_fit(s.tasks, &s.roles, a, 1, NULL, &f, &err), GOSS_E_ARGUMENT,
          "the same in all rows to train on");
    T_ERR(goss_table_transform_fit(s.tasks, &s.roles, NULL, 0, NULL, &f, &err), GOSS_E_ARGUMENT, "no column is left");
    T_CHECK(!f);
    close_set(&s);
}

TEST(columns_are_matched_by_name) {
    set s = open_set(text, &user_y, "t");
    goss_table_transform *f = fit(&s, NULL, 0), *back;
    char *written, *again, *extra;
    T_OK(goss_table_transform_text(f, &written, &err));
    T_OK(goss_table_transform_parse(written, &back, &err));
    T_OK(goss_table_transform_text(back, &again, &err));
    T_STR(written, again);
    /* Other columns' order, one that nobody knows, and no task. */
    goss_table *t = table_of("note,kind,y,x,t\nhello,red,10,2,3\nworld,blue,30,4,1\n");
    goss_roles roles;
    T_OK(goss_table_transform_roles(back, t, (goss_table_needs){.target = true}, &roles, &extra, &err));
    T_STR(extra, "note");
    T_EQ(roles.task, -1);
    T_EQ(roles.target, 2);
    T_EQ(roles.role[3], GOSS_ROLE_INPUT);
    T_EQ(roles.role[0], GOSS_ROLE_IGNORED);
    float here[10], there[10], y[2];
    const int32_t rows[] = {0, 2};
    uint64_t first[2], second[2];
    T_OK(goss_table_transform_apply(f, s.table, rows, 2, here, NULL, &err));
    T_OK(goss_table_transform_apply(back, t, NULL, 2, there, NULL, &err));
    T_CHECK(memcmp(here, there, sizeof(float) * 2 * (size_t)goss_encoding_width(goss_table_transform_inputs(f))) == 0);
    T_OK(goss_table_transform_targets(back, t, NULL, 2, y, &err));
    T_CHECK(y[0] == 10 && y[1] == 30);
    T_OK(goss_table_transform_hashes(f, s.table, rows, 2, first, &err));
    T_OK(goss_table_transform_hashes(back, t, NULL, 2, second, &err));
    T_CHECK(first[0] == second[0] && first[1] == second[1] && first[0] != first[1]);
    goss_roles_free(&roles), goss_text_free(extra), goss_table_close(t);
    t = table_of("kind,note\nred,1\nblue,2\n");
    T_ERR(goss_table_transform_roles(back, t, (goss_table_needs){.target = true, .task = true}, &roles, &extra, &err),
          GOSS_E_ARGUMENT, "there is no column t, x, y, user, which the model needs; there are kind, note");
    goss_table_close(t), goss_table_transform_free(back);
    T_ERR(goss_table_transform_parse("{\"target\": \"y\"}", &back, &err), GOSS_E_FORMAT, "damaged");
    goss_text_free(written), goss_text_free(again);
    goss_table_transform_free(f);
    close_set(&s);
}

TEST(classes_by_name_in_another_table) {
    set s = open_set("user,x,y\na,4,2\na,2,1\nb,3,2\n", &user_y, NULL);
    goss_table_transform *f = fit(&s, NULL, 0);
    goss_table *t = table_of("x,y\n1,1\n2,2\n3,\n4,7\n");
    float y[4];
    T_OK(goss_table_transform_targets(f, t, NULL, 2, y, &err));
    T_CHECK(y[0] == 0 && y[1] == 1);
    T_ERR(goss_table_transform_targets(f, t, NULL, 3, y, &err), GOSS_E_ARGUMENT, "t.csv:4:y: the target is missing");
    const int32_t last[] = {3};
    T_ERR(goss_table_transform_targets(f, t, last, 1, y, &err), GOSS_E_ARGUMENT, "t.csv:5:y: class \"7\" is none of");
    goss_table_close(t);
    goss_table_transform_free(f);
    close_set(&s);
}

/* ---- descriptors ---- */

TEST(descriptors) {
    set s = open_set(text, &user_y, NULL);
    goss_table *d = table_of("user,age,town,same\nc,50,Rome,1\na,20,Oslo,1\nb,40,Rome,1\nx,90,Bern,1\n");
    goss_descriptors *f, *back;
    const int32_t train[] = {0, 1};
    T_OK(goss_descriptors_fit(d, s.tasks, train, 2, &f, &err));
    T_EQ(goss_descriptors_width(f), 3);
    char *written;
    T_OK(goss_descriptors_text(f, &written, &err));
    T_OK(goss_descriptors_parse(written, &back, &err));
    float out[3];
    T_OK(goss_descriptors_apply(back, d, "c", out, &err));
    T_NEAR(out[0], 2, 1e-6); /* (50 - 30) / 10 */
    T_CHECK(out[1] == 0 && out[2] == 1);
    T_ERR(goss_descriptors_apply(back, d, "z", out, &err), GOSS_E_ARGUMENT, "no row with user = z");
    float both[6];
    const int32_t two[] = {2, 0};
    T_STR(goss_table_tasks_name(s.tasks, 2), "c");
    T_OK(goss_descriptors_apply_each(back, d, s.tasks, two, 2, both, &err));
    T_CHECK(memcmp(both, out, sizeof out) == 0);
    T_OK(goss_descriptors_apply(back, d, "a", out, &err));
    T_CHECK(memcmp(both + 3, out, sizeof out) == 0);
    T_OK(goss_descriptors_apply_each(back, d, s.tasks, NULL, 0, NULL, &err));
    goss_table *fewer = table_of("user,age,town,same\nb,40,Rome,1\na,20,Oslo,1\n");
    T_ERR(goss_descriptors_apply_each(back, fewer, s.tasks, two, 2, both, &err), GOSS_E_ARGUMENT,
          "no row with user = c");
    T_ERR(goss_descriptors_apply_each(back, fewer, s.tasks, NULL, 0, NULL, &err), GOSS_E_ARGUMENT,
          "no row with user = c");
    goss_table_close(fewer);
    T_ERR(goss_descriptors_apply(back, d, NULL, out, &err), GOSS_E_ARGUMENT, "the task has no name: give it a column");
    goss_table_close(d);
    d = table_of("town,age\nOslo,20\n"); /* the only row needs no name */
    T_OK(goss_descriptors_apply(back, d, NULL, out, &err));
    T_CHECK(memcmp(both + 3, out, sizeof out) == 0);
    T_ERR(goss_descriptors_apply(back, d, "a", out, &err), GOSS_E_ARGUMENT, "user");
    goss_descriptors_free(f), goss_descriptors_free(back), goss_text_free(written);
    goss_table_close(d);
    d = table_of("user,age\na,20\na,30\nb,1\n");
    T_ERR(goss_descriptors_fit(d, s.tasks, train, 2, &f, &err), GOSS_E_ARGUMENT, "t.csv:3: a second row for user a");
    goss_table_close(d);
    d = table_of("person,age\na,20\nb,30\n");
    T_ERR(goss_descriptors_fit(d, s.tasks, train, 2, &f, &err), GOSS_E_ARGUMENT, "person");
    goss_table_close(d);
    close_set(&s);
}

TEST_MAIN()
