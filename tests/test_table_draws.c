/* SPDX-License-Identifier: Apache-2.0 */
/* Draws from the tasks of a table: support sets and queries by order, pure in the task's number, of the rows' part. */
#include "base/alloc.h"
#include "table_set.h"

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
