/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that describe users: what a catalogue keeps of them, its text, draws of ratings and of clicks, users without
 * ratings in their support sets, a person; and what is refused. */
#include <sys/stat.h>

#include "base/alloc.h"
#include "gossamer/text.h"
#include "rating_world.h"
#include "recommend/recommend.h"
#include "scratch.h"
#include "test.h"

static goss_error err;

static const world usual = {.users = 40, .items = 50, .ratings = 20, .seed = 3};
enum { TRAINED = 30, WIDTH = 3 }; /* a town of two, and taste */

typedef struct opened {
    goss_ratings *ratings;
    goss_table *described;
    goss_catalogue *plain, *catalogue; /* without and with descriptors */
    float *inputs;
    int32_t users[40]; /* the first TRAINED are trained on */
} opened;

static goss_catalogue *fit(const opened *o, const goss_table *described, double click, float **inputs) {
    goss_catalogue *c;
    goss_catalogue_options fit = goss_catalogue_defaults();
    fit.factors = 3, fit.described = described, fit.click = click;
    T_OK(goss_catalogue_fit(o->ratings, o->users, TRAINED, &fit, &c, inputs, &err));
    return c;
}

static opened open_world(double click) {
    opened o = {0};
    goss_ratings_options r = goss_ratings_defaults();
    mkdir(scratch("films"), 0700);
    world_write(&usual, scratch("films"));
    world_write_users(&usual, scratch("users.csv"), 0, usual.users);
    r.path = scratch("films"), r.click = click;
    T_OK(goss_ratings_open(&r, &o.ratings, &err));
    T_OK(goss_table_open(scratch("users.csv"), NULL, &o.described, &err));
    for (int i = 0; i < usual.users; i++) o.users[i] = i;
    o.plain = fit(&o, NULL, click, NULL), o.catalogue = fit(&o, o.described, click, &o.inputs);
    return o;
}

static void close_world(opened *o) {
    goss_catalogue_inputs_free(o->inputs);
    goss_catalogue_free(o->plain), goss_catalogue_free(o->catalogue);
    goss_table_close(o->described);
    goss_ratings_close(o->ratings);
}

static void write_text(const char *name, const char *text) {
    FILE *f = fopen(scratch(name), "w");
    if (!f || fputs(text, f) < 0) exit(99);
    fclose(f);
}

/* ---- what a catalogue keeps ---- */

static double taste_of(const opened *o, int user) {
    return world_number(&usual, 4, atoi(goss_table_tasks_name(goss_ratings_users(o->ratings), user)) - 1, 0);
}

/* Constant columns and the users' names are none; mean and deviation are those of training users. */
TEST(descriptors_are_fitted_to_training_users) {
    opened o = open_world(NAN);
    T_CHECK(!goss_catalogue_descriptors(o.plain));
    const goss_descriptors *d = goss_catalogue_descriptors(o.catalogue);
    T_EQ(goss_descriptors_width(d), WIDTH);
    T_EQ(goss_encoding_columns(goss_descriptors_inputs(d)), 2);
    double mean = 0, square = 0, m, deviation;
    for (int u = 0; u < TRAINED; u++) mean += taste_of(&o, u) / TRAINED;
    for (int u = 0; u < TRAINED; u++) square += pow(taste_of(&o, u) - mean, 2) / TRAINED;
    T_CHECK(goss_encoding_scale(goss_descriptors_inputs(d), 1, &m, &deviation));
    T_NEAR(m, mean, 1e-4);
    T_NEAR(deviation, sqrt(square), 0.05 * sqrt(square));
    close_world(&o);
}

TEST(a_catalogue_without_descriptors_is_what_it_was) {
    opened o = open_world(NAN);
    char *plain, *with;
    T_OK(goss_catalogue_text(o.plain, &plain, &err));
    T_OK(goss_catalogue_text(o.catalogue, &with, &err));
    char *line = strstr(with, "\ndescriptors\t");
    T_CHECK(!strstr(plain, "descriptors\t") && line && strcmp(plain, with) != 0);
    char *end = strchr(line + 1, '\n');
    memmove(line, end, strlen(end) + 1); /* one line more is all that there is */
    T_STR(with, plain);
    goss_text_free(plain), goss_text_free(with);
    close_world(&o);
}

TEST(descriptors_read_back_and_are_forgotten) {
    opened o = open_world(NAN);
    goss_table *odd;
    goss_catalogue *c, *back;
    char *text, *again;
    goss_catalogue_options fit = goss_catalogue_defaults();
    /* names that need escapes in CSV, in JSON and in lines of cells */
    char rows[6000] = "userId,\"a\\x41\tcolumn \"\"quoted\"\"\"\n";
    for (int u = 0; u < usual.users; u++)
        snprintf(rows + strlen(rows), sizeof rows - strlen(rows), "%d,%s\n", u + 1,
                 u % 3 == 0   ? "\"back\\slash\\\\\"\"s\"\"\""
                 : u % 3 == 1 ? "tab\there"
                              : "\xc3\xa9");
    write_text("odd.csv", rows);
    T_OK(goss_table_open(scratch("odd.csv"), NULL, &odd, &err));
    fit.factors = 3, fit.described = odd;
    T_OK(goss_catalogue_fit(o.ratings, o.users, TRAINED, &fit, &c, NULL, &err));
    T_OK(goss_catalogue_text(c, &text, &err));
    T_OK(goss_catalogue_parse(text, &back, &err));
    T_OK(goss_catalogue_text(back, &again, &err));
    T_STR(again, text);
    float a[3], b[3];
    T_EQ(goss_descriptors_width(goss_catalogue_descriptors(back)), 3);
    for (int u = 0; u < usual.users; u++) {
        const char *name = goss_table_tasks_name(goss_ratings_users(o.ratings), u);
        T_OK(goss_descriptors_apply(goss_catalogue_descriptors(c), odd, name, a, &err));
        T_OK(goss_descriptors_apply(goss_catalogue_descriptors(back), odd, name, b, &err));
        T_CHECK(memcmp(a, b, sizeof a) == 0 && a[0] + a[1] + a[2] == 1);
    }
    goss_catalogue_forget(back);
    T_CHECK(!goss_catalogue_descriptors(back));
    goss_text_free(again);
    T_OK(goss_catalogue_text(back, &again, &err));
    T_CHECK(!strstr(again, "descriptors\t"));
    char *at = strstr(text, "\ndescriptors\t") + 13;
    *at = 'x';
    goss_catalogue_free(back);
    T_CHECK(goss_catalogue_parse(text, &back, &err) == GOSS_E_FORMAT && !back);
    goss_text_free(text), goss_text_free(again);
    goss_catalogue_free(c), goss_table_close(odd);
    close_world(&o);
}

/* ---- draws ---- */

enum { MOST = 400 };
typedef struct drawn {
    float x[2][MOST * 40], y[2][MOST], descriptor[WIDTH];
    int32_t rows[2][MOST];
    goss_task task;
} drawn;

static void draw(const goss_task_source *s, uint64_t k, drawn *d) {
    memset(d, 0, sizeof *d);
    d->task = (goss_task){.support = d->x[0],
                          .support_target = d->y[0],
                          .support_rows = d->rows[0],
                          .query = d->x[1],
                          .query_target = d->y[1],
                          .query_rows = d->rows[1],
                          .descriptor = d->descriptor,
                          .outputs = 1};
    s->draw(s, k, &d->task);
    T_CHECK(d->task.supports <= s->spec.supports && d->task.queries <= s->spec.queries);
}

/* A draw has the row of its user, and the same samples as without. */
static void check_draws(opened *o, const goss_ratings_source_options *options) {
    static drawn a, b;
    goss_ratings_source_options with = *options;
    goss_task_source plain, described;
    float wanted[WIDTH];
    with.described = o->described;
    T_OK(goss_ratings_source_open(o->ratings, o->catalogue, options, &plain, NULL, &err));
    T_OK(goss_ratings_source_open(o->ratings, o->catalogue, &with, &described, NULL, &err));
    T_EQ(plain.spec.descriptor, 0);
    T_EQ(described.spec.descriptor, WIDTH);
    for (uint64_t k = 0; k < 60; k++) {
        draw(&plain, k, &a), draw(&described, k, &b);
        T_EQ(a.task.supports, b.task.supports);
        T_EQ(a.task.queries, b.task.queries);
        T_CHECK(memcmp(a.x, b.x, sizeof a.x) == 0 && memcmp(a.y, b.y, sizeof a.y) == 0 &&
                memcmp(a.rows, b.rows, sizeof a.rows) == 0);
        T_OK(goss_descriptors_apply(goss_catalogue_descriptors(o->catalogue), o->described,
                                    described.name(&described, k), wanted, &err));
        T_CHECK(memcmp(wanted, b.descriptor, sizeof wanted) == 0);
    }
    goss_task_source_free(&plain), goss_task_source_free(&described);
}

TEST(draws_have_the_descriptor_of_their_user_and_the_samples_they_had) {
    for (int clicks = 0; clicks < 2; clicks++) {
        opened o = open_world(clicks ? 3 : (double)NAN);
        goss_ratings_source_options d = goss_ratings_source_defaults();
        d.users = o.users, d.n_users = TRAINED, d.support = 2, d.most_support = 6, d.shuffle = true;
        d.inputs = o.inputs, d.queries = 8;
        check_draws(&o, &d);
        d.inputs = NULL, d.shuffle = false, d.users = o.users + TRAINED, d.n_users = usual.users - TRAINED;
        check_draws(&o, &d); /* new users */
        d.support = 0;
        check_draws(&o, &d);
        d.most_support = 0;
        check_draws(&o, &d);
        close_world(&o);
    }
}

TEST(support_sets_may_be_empty) {
    static drawn d;
    opened o = open_world(NAN);
    goss_ratings_source_options some = goss_ratings_source_defaults(), none = some;
    goss_task_source s;
    some.support = 0, some.most_support = 3, none.support = 0;
    T_OK(goss_ratings_source_open(o.ratings, o.catalogue, &some, &s, NULL, &err));
    int sizes = 0;
    for (uint64_t k = 0; k < 200; k++) {
        draw(&s, k, &d);
        sizes |= 1 << d.task.supports;
        T_EQ(d.task.supports + d.task.queries, usual.ratings);
    }
    T_EQ(sizes, 15);
    goss_task_source_free(&s);
    T_OK(goss_ratings_source_open(o.ratings, o.catalogue, &none, &s, NULL, &err));
    T_EQ(s.spec.supports, 0);
    draw(&s, 7, &d);
    T_EQ(d.task.queries, usual.ratings);
    /* what baselines say then: no user differs from another */
    static double values[3][40];
    const goss_metric *rmse;
    static const char *const methods[] = {"item-mean", "ridge", "mf"};
    T_OK(goss_metric_find(goss_catalogue_objective(o.catalogue), "rmse", &rmse, &err));
    for (int m = 0; m < 3; m++) {
        T_OK(goss_recommender_race(goss_recommender_find(methods[m]), o.ratings, o.catalogue, &s, &rmse, 1, 40,
                                   values[m], NULL, &err));
        for (int k = 0; k < 40; k++) T_CHECK(values[m][k] > 0.2 && values[m][k] < 2.5);
    }
    for (int k = 0; k < 40; k++) T_NEAR(values[1][k], values[2][k], 1e-4); /* the bias of the item */
    goss_task_source_free(&s);
    close_world(&o);
}

TEST(a_user_without_a_row_is_named) {
    opened o = open_world(NAN);
    goss_table *few;
    goss_task_source s;
    goss_catalogue *c;
    goss_catalogue_options fit = goss_catalogue_defaults();
    goss_ratings_source_options d = goss_ratings_source_defaults();
    world_write_users(&usual, scratch("few.csv"), 1, usual.users);
    T_OK(goss_table_open(scratch("few.csv"), NULL, &few, &err));
    fit.described = d.described = few;
    T_ERR(goss_catalogue_fit(o.ratings, NULL, 0, &fit, &c, NULL, &err), GOSS_E_ARGUMENT,
          "few.csv: there is no row with userId = 1");
    T_CHECK(!c && strncmp(err.text, "data.descriptor: ", 17) == 0);
    T_ERR(goss_ratings_source_open(o.ratings, o.catalogue, &d, &s, NULL, &err), GOSS_E_ARGUMENT,
          "few.csv: there is no row with userId = 1");
    goss_table_close(few);
    close_world(&o);
}

/* ---- a person ---- */

TEST(a_person_has_a_row) {
    opened o = open_world(NAN);
    goss_person p, q = {0};
    goss_task_source s;
    float wanted[WIDTH], got[WIDTH];
    write_text("mine.csv", "title,rating,userId\nFilm 1,4.5,7\nFilm 2,2,7\n");
    write_text("me.csv", "taste,town\n0.25,Rome\n");
    write_text("both.csv", "taste,town,userId\n2,Oslo,6\n0.25,Rome,7\n");
    T_OK(goss_person_open(scratch("mine.csv"), o.catalogue, &p, &err));
    T_STR(p.name, "7");
    T_OK(goss_person_source(&p, o.catalogue, &s, &err));
    T_EQ(s.spec.descriptor, 0);
    goss_task_source_free(&s);
    T_OK(goss_person_describe(&p, o.catalogue, scratch("both.csv"), &err));
    memcpy(wanted, p.descriptor, sizeof wanted);
    T_OK(goss_person_describe(&q, o.catalogue, scratch("me.csv"), &err)); /* without ratings */
    T_CHECK(memcmp(wanted, q.descriptor, sizeof wanted) == 0);
    const goss_person *const persons[] = {&p, &q};
    for (int i = 0; i < 2; i++) {
        static drawn d;
        T_OK(goss_person_source(persons[i], o.catalogue, &s, &err));
        T_EQ(s.spec.descriptor, WIDTH);
        draw(&s, 0, &d);
        memcpy(got, d.descriptor, sizeof got);
        T_CHECK(memcmp(got, wanted, sizeof got) == 0 && d.task.supports == (i ? 0 : 2));
        goss_task_source_free(&s);
    }
    T_ERR(goss_person_describe(&q, o.catalogue, scratch("both.csv"), &err), GOSS_E_ARGUMENT, "the task has no name");
    T_CHECK(!q.descriptor);
    T_ERR(goss_person_describe(&q, o.plain, scratch("me.csv"), &err), GOSS_E_ARGUMENT, "reads no descriptors");
    goss_person_free(&p), goss_person_free(&q);
    write_text("mine.csv", "title,rating,userId\nFilm 1,4.5,7\nFilm 2,2,8\n"); /* of whom? */
    T_ERR(goss_person_open(scratch("mine.csv"), o.catalogue, &p, &err), GOSS_E_ARGUMENT,
          "mine.csv:3: userId is 8, and 7 in a line before");
    write_text("mine.csv", "title,rating,userId\nFilm 1,4.5,7\nFilm 2,2,\n");
    T_OK(goss_person_open(scratch("mine.csv"), o.catalogue, &p, &err));
    T_CHECK(!p.name);
    goss_person_free(&p);
    close_world(&o);
}

/* ---- memory ---- */

static goss_status all_of_it(const opened *o) {
    goss_catalogue *c = NULL, *again = NULL;
    goss_task_source s = {0};
    goss_person p = {0};
    char *text = NULL;
    goss_catalogue_options fit = goss_catalogue_defaults();
    goss_ratings_source_options d = goss_ratings_source_defaults();
    fit.factors = 2, fit.baselines = false, fit.described = d.described = o->described;
    goss_status st = goss_catalogue_fit(o->ratings, NULL, 0, &fit, &c, NULL, &err);
    if (st == GOSS_OK) st = goss_catalogue_text(c, &text, &err);
    if (st == GOSS_OK) st = goss_catalogue_parse(text, &again, &err);
    if (st == GOSS_OK) st = goss_ratings_source_open(o->ratings, again, &d, &s, NULL, &err);
    if (st == GOSS_OK) st = goss_person_describe(&p, again, scratch("me.csv"), &err);
    goss_task_source_free(&s), goss_person_free(&p), goss_text_free(text);
    goss_catalogue_free(c), goss_catalogue_free(again);
    return st;
}

TEST(a_failing_allocation_is_an_error_of_memory) {
    opened o = open_world(NAN);
    int failed = 0;
    write_text("me.csv", "taste,town\n0.25,Rome\n");
    const uint64_t before = goss__alloc_count();
    T_OK(all_of_it(&o));
    const uint64_t all = goss__alloc_count() - before;
    for (uint64_t n = 1; n <= all; n += 1 + n / 40) {
        goss__alloc_fail_at(n);
        const goss_status s = all_of_it(&o);
        goss__alloc_fail_at(0);
        T_NOTE("allocation %d of %d: %s", (int)n, (int)all, s == GOSS_OK ? "" : err.text);
        T_CHECK(s == GOSS_OK || s == GOSS_E_NOMEM);
        failed += s != GOSS_OK;
    }
    T_CHECK(failed > 20);
    close_world(&o);
}

TEST_MAIN()
