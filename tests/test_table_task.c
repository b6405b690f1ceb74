/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as tasks: grouping and order, divisions, transforms that see training tasks alone, draws. */
#include "gossamer/table_task.h"

#include <unistd.h>

#include "base/alloc.h"
#include "gossamer/text.h"
#include "scratch.h"
#include "table_text.h"

typedef struct set {
    goss_table *table;
    goss_roles roles;
    goss_table_tasks *tasks;
} set;

static set open_set(const char *text, const goss_roles_declared *declared, const char *order) {
    set s = {.table = table_of(text)};
    T_OK(goss_table_roles(s.table, declared, &s.roles, &err));
    T_OK(goss_table_tasks_open(s.table, &s.roles, order, &s.tasks, &err));
    return s;
}

static void close_set(set *s) {
    goss_table_tasks_free(s->tasks);
    goss_roles_free(&s->roles);
    goss_table_close(s->table);
}

static const goss_roles_declared user_y = {.task = "user", .target = "y"};

/* Rows of user a: 0 2 4 6; b: 1 3 5; c: 7. Row 5 is without a target in y_missing. */
static const char text[] = "user,t,x,kind,y\n"
                           "a,3,2,red,10\nb,1,3,red,20\na,1,4,blue,30\nb,2,5,red,40\n"
                           "a,2,6,red,50\nb,3,7,green,60\na,1,8,blue,70\nc,9,9,blue,80\n";

/* "0 2 4": a task's rows. */
static const char *shown(const set *s, int task) {
    static char out[100];
    int n;
    const int32_t *rows = goss_table_tasks_rows(s->tasks, task, &n);
    out[0] = 0;
    for (int i = 0; i < n; i++) sprintf(out + strlen(out), "%s%d", i ? " " : "", (int)rows[i]);
    return out;
}

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

/* ---- divisions ---- */

static void write_list(const char *name, const char *content) {
    FILE *f = fopen(scratch(name), "w");
    T_CHECK(f && fputs(content, f) >= 0 && fclose(f) == 0);
}

static set many(int n) {
    static char csv[20000];
    size_t at = (size_t)sprintf(csv, "user,x,y\n");
    for (int i = 0; i < n * 4; i++) at += (size_t)sprintf(csv + at, "u%02d,%d,%d\n", i % n, i + 5, i * i % 17);
    return open_set(csv, &user_y, NULL);
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

static goss_table_transform *fit(const set *s, const int32_t *tasks, int n) {
    goss_table_transform *f;
    T_OK(goss_table_transform_fit(s->tasks, &s->roles, tasks, n, NULL, &f, &err));
    return f;
}

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

/* ---- draws ---- */

enum { MOST = 16, WIDE = 5 };

typedef struct drawn {
    goss_task t;
    float sx[MOST * WIDE], sy[MOST], qx[MOST * WIDE], qy[MOST], d[4];
    int32_t sr[MOST], qr[MOST];
} drawn;

static void draw(const goss_task_source *s, uint64_t k, drawn *d) {
    T_CHECK(s->spec.supports <= MOST && s->spec.queries <= MOST && s->spec.input[0] <= WIDE);
    memset(d, 0, sizeof *d);
    d->t = (goss_task){.support = d->sx, .support_target = d->sy, .query = d->qx, .query_target = d->qy};
    d->t.support_rows = d->sr, d->t.query_rows = d->qr, d->t.descriptor = d->d, d->t.outputs = s->spec.outputs;
    s->draw(s, k, &d->t);
}

static goss_task_source open_source(const set *s, const goss_table_transform *f, const goss_table_source_options *o,
                                    int skipped) {
    goss_task_source source;
    int left_out;
    T_OK(goss_table_source_open(s->tasks, f, o, &source, &left_out, &err));
    T_OK(goss_task_spec_check(&source.spec, &err));
    T_EQ(left_out, skipped);
    return source;
}

TEST(the_first_rows_support_and_all_others_are_queries) {
    set s = open_set(text, &user_y, "t");
    goss_table_transform *f = fit(&s, NULL, 0);
    goss_table_source_options o = goss_table_source_defaults();
    drawn d;
    o.support = 2, o.number = true;
    goss_task_source source = open_source(&s, f, &o, 1); /* c has one row */
    T_EQ(source.tasks, 2);
    T_EQ(source.spec.ids, 3);
    T_EQ(source.spec.supports, 2);
    T_EQ(source.spec.queries, 2);
    for (uint64_t k = 0; k < 4; k++) {
        draw(&source, k, &d);
        T_STR(source.name(&source, k), k % 2 ? "b" : "a");
        T_EQ(d.t.id, (int)(k % 2));
        T_EQ(d.t.supports, 2);
        T_EQ(d.t.queries, k % 2 ? 1 : 2);
        T_EQ(d.sr[0], k % 2 ? 1 : 2);
        T_EQ(d.sr[1], k % 2 ? 3 : 6);
        T_NEAR(d.sy[0], k % 2 ? 20 : 30, 0);
        T_NEAR(d.qy[0], k % 2 ? 60 : 50, 0);
    }
    float x[WIDE];
    T_OK(goss_table_transform_apply(f, s.table, d.qr, 1, x, NULL, &err));
    T_CHECK(memcmp(x, d.qx, sizeof(float) * (size_t)source.spec.input[0]) == 0);
    goss_task_source_free(&source);
    goss_table_transform_free(f);
    close_set(&s);
}

TEST(draws_are_pure_and_do_not_overlap) {
    set s = many(5);
    goss_table_transform *f = fit(&s, NULL, 0);
    goss_table_source_options o = goss_table_source_defaults();
    o.support = 1, o.most_support = 9, o.queries = 2, o.shuffle = true;
    goss_task_source source = open_source(&s, f, &o, 0);
    drawn d, again;
    bool sizes[5] = {0};
    int met[5] = {0}, different = 0;
    for (uint64_t k = 0; k < 50; k++) {
        draw(&source, k, &d);
        sizes[d.t.supports] = true;
        const int task = goss_table_tasks_find(s.tasks, source.name(&source, k));
        met[task]++;
        for (int i = 0; i < d.t.supports; i++) {
            T_EQ(d.sr[i] % 5, task);
            for (int q = 0; q < d.t.queries; q++) T_CHECK(d.qr[q] != d.sr[i] && d.qr[q] % 5 == task);
        }
        different += d.sr[0] != task;
        if (k % 5 == 4) /* each time round every task comes once */
            for (int i = 0; i < 5; i++) T_EQ(met[i], (int)(k / 5) + 1);
    }
    T_CHECK(sizes[1] && sizes[2] && sizes[3] && !sizes[4] && different > 20);
    draw(&source, 7, &again), draw(&source, 49, &again);
    T_CHECK(memcmp(d.sr, again.sr, sizeof d.sr) == 0 && memcmp(d.qx, again.qx, sizeof d.qx) == 0);
    goss_task_source_free(&source);
    goss_table_transform_free(f);
    close_set(&s);
}

/* They do not depend on which other tasks are judged: so models that have seen different ones can be pooled. */
TEST(a_tasks_draws_are_its_own) {
    set s = many(5);
    goss_table_transform *f = fit(&s, NULL, 0);
    goss_table_source_options o = goss_table_source_defaults();
    o.support = 2;
    goss_task_source all = open_source(&s, f, &o, 0);
    const int32_t some[] = {3};
    o.tasks = some, o.n_tasks = 1;
    goss_task_source one = open_source(&s, f, &o, 0);
    drawn a, b;
    for (uint64_t k = 0; k < 4; k++) {
        draw(&all, 3 + 5 * k, &a), draw(&one, k, &b);
        T_EQ(a.t.queries, 2);
        T_CHECK(memcmp(a.sr, b.sr, sizeof a.sr) == 0);
    }
    goss_task_source_free(&all), goss_task_source_free(&one);
    goss_table_transform_free(f);
    close_set(&s);
}

/* One task with rows in an order: most of what training draws is its first rows, but not always the same. */
TEST(training_draws_in_an_order_vary) {
    char csv[400] = "user,x,y\n";
    for (int i = 0; i < 14; i++) sprintf(csv + strlen(csv), "a,%d,%d\n", i + 3, i * i % 7);
    set s = open_set(csv, &user_y, "x");
    goss_table_transform *f = fit(&s, NULL, 0);
    goss_table_source_options o = goss_table_source_defaults();
    o.support = 3, o.shuffle = true, o.queries = 5;
    goss_task_source source = open_source(&s, f, &o, 0);
    int first = 0, disordered = 0;
    drawn d;
    for (int turn = 0; turn < 2; turn++) {
        for (uint64_t k = 0; k < 100; k++) {
            draw(&source, k, &d);
            first += d.sr[0] == 0 && d.sr[1] == 1 && d.sr[2] == 2;
            for (int i = 0; i < d.t.queries; i++)
                for (int j = 0; j < 3; j++) {
                    T_CHECK(d.qr[i] != d.sr[j]);
                    disordered += d.qr[i] < d.sr[j];
                }
        }
        if (turn == 0) {
            T_CHECK(first > 50 && first < 100 && disordered == 0);
            goss_task_source_free(&source);
            o.any = .5;
            source = open_source(&s, f, &o, 0);
        }
    }
    T_CHECK(disordered > 100);
    goss_task_source_free(&source);
    goss_table_transform_free(f);
    close_set(&s);
}

TEST(queries_of_another_part) {
    set s = open_set("user,x,y\na,1,1\na,2,2\na,3,3\na,4,4\na,5,5\na,6,6\na,7,7\na,8,8\nb,1,2\n", &user_y, "x");
    const double share[3] = {.5, .25, .25};
    T_OK(goss_table_tasks_split(s.tasks, share, (goss_row_fold){0}, 1, &err));
    goss_table_transform *f = fit(&s, NULL, 0);
    T_NEAR(goss_table_transform_scale(f).mean[0], (1 + 2 + 3 + 4 + 2) / 5.0, 1e-6); /* b's row is to train on */
    goss_table_source_options o = goss_table_source_defaults();
    o.support = 0, o.most_support = 4, o.query_part = GOSS_PART_TEST;
    goss_task_source source = open_source(&s, f, &o, 1);
    drawn d;
    for (uint64_t k = 0; k < 9; k++) {
        draw(&source, k, &d);
        T_CHECK(d.t.supports <= 4 && d.t.queries == 2 && d.qr[0] == 6 && d.qr[1] == 7);
        for (int i = 0; i < d.t.supports; i++) T_EQ(d.sr[i], i);
    }
    goss_task_source_free(&source);
    goss_table_transform_free(f);
    close_set(&s);
}

TEST(sources_that_are_refused) {
    set s = open_set(text, &user_y, "t");
    goss_table_transform *f = fit(&s, NULL, 0);
    goss_task_source source;
    goss_table_source_options o = goss_table_source_defaults();
    o.support = 4;
    T_ERR(goss_table_source_open(s.tasks, f, &o, &source, NULL, &err), GOSS_E_ARGUMENT,
          "none of the 3 tasks has more than 4 rows");
    o.most_support = 3;
    T_ERR(goss_table_source_open(s.tasks, f, &o, &source, NULL, &err), GOSS_E_ARGUMENT, "4 to 3 rows");
    goss_table_transform_free(f);
    close_set(&s);
}

TEST(no_memory) {
    set s = many(5);
    for (uint64_t n = 1;; n++) {
        goss_table_transform *f = NULL;
        goss_task_source source = {0};
        goss_table_tasks *t = NULL;
        goss__alloc_fail_at(n);
        goss_status status = goss_table_tasks_open(s.table, &s.roles, "x", &t, &err);
        if (status == GOSS_OK) status = goss_table_transform_fit(t, &s.roles, NULL, 0, NULL, &f, &err);
        if (status == GOSS_OK) status = goss_table_source_open(t, f, NULL, &source, NULL, &err);
        goss__alloc_fail_at(0);
        const bool small = status == GOSS_E_ARGUMENT; /* 4 rows a task: the last error there is */
        goss_task_source_free(&source);
        goss_table_transform_free(f);
        goss_table_tasks_free(t);
        if (small) break;
        T_EQ(status, GOSS_E_NOMEM);
    }
    close_set(&s);
}

TEST_MAIN()
