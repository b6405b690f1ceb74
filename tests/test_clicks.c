/* SPDX-License-Identifier: Apache-2.0 */
/* Clicks as tasks: which ratings are clicks, what is drawn as zeros, leave-last-out, candidates, catalogues and persons
 * of clicks, baselines, coverage. */
#include <sys/stat.h>

#include "gossamer/text.h"
#include "rating_world.h"
#include "recommend/recommend.h"
#include "scratch.h"
#include "test.h"

static goss_error err;

static const world usual = {.users = 60, .items = 80, .ratings = 30, .seed = 5};
enum { TRAINED = 45, LEAST = 3 }; /* ratings from LEAST on are clicks */

typedef struct opened {
    goss_ratings *ratings;
    goss_catalogue *catalogue;
    float *inputs;
    int32_t users[60]; /* the first TRAINED are trained on */
} opened;

static opened open_world(const char *name, const char *order) {
    opened o = {0};
    goss_ratings_options r = goss_ratings_defaults();
    goss_catalogue_options c = goss_catalogue_defaults();
    mkdir(scratch(name), 0700);
    world_write(&usual, scratch(name));
    r.path = scratch(name), r.order = order, r.click = c.click = LEAST, c.factors = 4;
    T_OK(goss_ratings_open(&r, &o.ratings, &err));
    for (int i = 0; i < 60; i++) o.users[i] = i;
    T_OK(goss_catalogue_fit(o.ratings, o.users, TRAINED, &c, &o.catalogue, &o.inputs, &err));
    return o;
}

static void close_world(opened *o) {
    goss_catalogue_inputs_free(o->inputs);
    goss_catalogue_free(o->catalogue);
    goss_ratings_close(o->ratings);
}

static void write_text(const char *name, const char *text) {
    FILE *f = fopen(scratch(name), "w");
    if (!f || fputs(text, f) < 0) exit(99);
    fclose(f);
}

static bool clicked(const goss_ratings *r, int user, int item) {
    for (int i = r->first[user]; i < r->first[user + 1]; i++)
        if (r->of[r->row[i]] == item) return true;
    return false;
}

/* ---- clicks ---- */

TEST(ratings_from_a_number_on_are_clicks_and_the_others_are_not_there) {
    opened o = open_world("clicks", "random");
    const goss_ratings *r = o.ratings;
    int clicks = 0;
    T_CHECK(goss_ratings_clicks(r));
    for (int u = 0; u < 60; u++) {
        clicks += goss_ratings_of(r, u);
        for (int i = r->first[u]; i < r->first[u + 1]; i++) {
            T_CHECK(goss_table_number(r->table, r->rating, r->row[i]) >= LEAST);
            T_NEAR(r->value[r->row[i]], 1, 0);
        }
    }
    T_EQ(clicks + goss_ratings_below(r), 60 * 30);
    T_CHECK(clicks > 600 && goss_ratings_below(r) > 300);
    /* a sample of zeros for each user, none of them a click, none twice */
    for (int u = 0; u < 60; u++) {
        const int own = goss_ratings_of(r, u), n = r->pool_first[u + 1] - r->pool_first[u];
        bool met[80] = {false};
        T_EQ(n, GOSS__ZEROS * own < r->ids.count - own ? GOSS__ZEROS * own : r->ids.count - own);
        for (int i = r->pool_first[u]; i < r->pool_first[u + 1]; i++) {
            T_CHECK(r->value[i] == 0 && !clicked(r, u, r->of[i]) && !met[r->of[i]]);
            met[r->of[i]] = true;
        }
    }
    close_world(&o);
    /* without a column of ratings every row is a click */
    goss_ratings *plain;
    goss_ratings_options p = goss_ratings_defaults();
    write_text("plain.csv", "user,item\na,x\na,y\nb,x\nb,z\na,x\n");
    p.path = scratch("plain.csv");
    T_OK(goss_ratings_open(&p, &plain, &err));
    T_CHECK(goss_ratings_clicks(plain));
    T_EQ(goss_ratings_of(plain, 0), 2);
    T_EQ(goss_ratings_repeated(plain), 1);
    T_CHECK(!goss_ratings_column_name(plain, GOSS_RATINGS_RATING));
    goss_ratings_close(plain);
    p.click = 4; /* of what? */
    T_ERR(goss_ratings_open(&p, &plain, &err), GOSS_E_ARGUMENT, "data.rating=COLUMN");
}

/* ---- draws ---- */

typedef struct drawn {
    float support[500 * 40], support_target[500], query[500 * 40], query_target[500];
    int32_t support_rows[500], query_rows[500];
    goss_task task;
} drawn;

static void draw(const goss_task_source *s, uint64_t k, drawn *d) {
    d->task = (goss_task){.support = d->support,
                          .support_target = d->support_target,
                          .support_rows = d->support_rows,
                          .query = d->query,
                          .query_target = d->query_target,
                          .query_rows = d->query_rows,
                          .outputs = 1};
    s->draw(s, k, &d->task);
    T_CHECK(d->task.supports <= s->spec.supports && d->task.queries <= s->spec.queries);
}

static void check_zeros(const opened *o, const drawn *d, int user, int clicks[2]) {
    bool met[80] = {false};
    clicks[0] = clicks[1] = 0;
    for (int q = 0; q < 2; q++) {
        const int n = q ? d->task.queries : d->task.supports;
        for (int i = 0; i < n; i++) {
            const int item = goss_ratings_item(o->ratings, (q ? d->query_rows : d->support_rows)[i]);
            const float y = (q ? d->query_target : d->support_target)[i];
            T_NEAR(y, clicked(o->ratings, user, item) ? 1 : 0, 0);
            T_CHECK(!met[item]); /* no item twice, in support and queries together */
            met[item] = true, clicks[q] += y > 0;
        }
    }
}

TEST(a_task_of_clicks_has_zeros_of_items_that_were_not_clicked_on) {
    opened o = open_world("draws", "random");
    static drawn a, b;
    goss_task_source s;
    goss_ratings_source_options t = goss_ratings_source_defaults();
    int clicks[2];
    t.users = o.users, t.n_users = TRAINED, t.support = 3, t.most_support = 6, t.queries = 4, t.inputs = o.inputs;
    T_OK(goss_ratings_source_open(o.ratings, o.catalogue, &t, &s, NULL, &err));
    for (uint64_t k = 0; k < 3 * TRAINED; k++) {
        draw(&s, k, &a), draw(&s, k, &b);
        T_CHECK(memcmp(a.support_rows, b.support_rows, (size_t)a.task.supports * sizeof *a.support_rows) == 0);
        const int user = goss_table_tasks_find(goss_ratings_users(o.ratings), s.name(&s, k));
        check_zeros(&o, &a, user, clicks);
        T_CHECK(clicks[0] >= 3 && clicks[0] <= 6 && clicks[1] <= 4);
        const int pool = o.ratings->pool_first[user + 1] - o.ratings->pool_first[user];
        const int zeros = a.task.supports + a.task.queries - clicks[0] - clicks[1], want = 4 * (clicks[0] + clicks[1]);
        T_EQ(zeros, want < pool ? want : pool);
        /* x is that of the row: what the item looks like without this user */
        const size_t w = (size_t)goss_catalogue_width(o.catalogue);
        for (int i = 0; i < a.task.queries; i++)
            T_CHECK(memcmp(a.query + (size_t)i * w, o.inputs + (size_t)a.query_rows[i] * w, w * sizeof(float)) == 0);
    }
    goss_task_source_free(&s);
    /* new users: candidates of all items, or all of them */
    t = goss_ratings_source_defaults();
    t.users = o.users + TRAINED, t.n_users = 60 - TRAINED, t.support = 5, t.candidates = 20, t.queries = 2,
    t.negatives = 1;
    T_OK(goss_ratings_source_open(o.ratings, o.catalogue, &t, &s, NULL, &err));
    for (int k = 0; k < s.tasks; k++) {
        draw(&s, (uint64_t)k, &a);
        check_zeros(&o, &a, goss_table_tasks_find(goss_ratings_users(o.ratings), s.name(&s, (uint64_t)k)), clicks);
        T_EQ(a.task.supports, 10);
        T_EQ(a.task.queries, 20 + clicks[1]);
        T_CHECK(clicks[1] == 1 || clicks[1] == 2);
    }
    goss_task_source_free(&s);
    t.candidates = 0, t.queries = 0;
    T_OK(goss_ratings_source_open(o.ratings, o.catalogue, &t, &s, NULL, &err));
    draw(&s, 0, &a);
    T_EQ(a.task.supports + a.task.queries, goss_ratings_items(o.ratings));
    goss_task_source_free(&s);
    close_world(&o);
}

TEST(leave_last_out_asks_for_the_last_click_after_those_before_it) {
    opened o = open_world("last", "last");
    const goss_ratings *r = o.ratings;
    static drawn a;
    goss_task_source s;
    goss_ratings_source_options t = goss_ratings_source_defaults();
    T_STR(goss_catalogue_order(o.catalogue), "last");
    t.support = 4, t.candidates = 10;
    T_OK(goss_ratings_source_open(r, o.catalogue, &t, &s, NULL, &err));
    for (int k = 0; k < s.tasks; k++) {
        const int user = goss_table_tasks_find(goss_ratings_users(r), s.name(&s, (uint64_t)k));
        const int32_t *rows = r->row + r->first[user];
        const int n = goss_ratings_of(r, user);
        draw(&s, (uint64_t)k, &a);
        T_EQ(a.task.queries, 11);
        T_EQ(a.query_rows[0], rows[n - 1]);
        for (int i = 0; i < 4; i++) T_EQ(a.support_rows[i], rows[n - 5 + i]);
        for (int i = 1; i < n; i++)
            T_CHECK(goss_table_number(r->table, r->time, rows[i - 1]) <= goss_table_number(r->table, r->time, rows[i]));
    }
    goss_task_source_free(&s);
    /* in training anywhere in a user's life, with what comes later as queries */
    t.inputs = o.inputs, t.users = o.users, t.n_users = TRAINED, t.queries = 1;
    T_OK(goss_ratings_source_open(r, o.catalogue, &t, &s, NULL, &err));
    int last = 0, others = 0;
    for (uint64_t k = 0; k < 10 * TRAINED; k++) {
        const int user = goss_table_tasks_find(goss_ratings_users(r), s.name(&s, k)), n = goss_ratings_of(r, user);
        const int32_t *rows = r->row + r->first[user];
        draw(&s, k, &a);
        int at = 0;
        while (rows[at] != a.support_rows[0]) at++;
        for (int i = 0; i < 4; i++) T_EQ(a.support_rows[i], rows[at + i]);
        bool later = false;
        for (int i = at + 4; i < n; i++) later |= rows[i] == a.query_rows[0];
        T_CHECK(later);
        *(at + 5 == n ? &last : &others) += 1;
    }
    T_CHECK(last > 0 && others > 5 * last);
    goss_task_source_free(&s);
    close_world(&o);
}

/* ---- catalogues, persons ---- */

TEST(a_catalogue_of_clicks_reads_back_and_a_person_has_zeros) {
    opened o = open_world("person", "random");
    char *text, *again;
    goss_catalogue *c;
    double click;
    int negatives;
    T_OK(goss_catalogue_text(o.catalogue, &text, &err));
    T_OK(goss_catalogue_parse(text, &c, &err));
    T_OK(goss_catalogue_text(c, &again, &err));
    T_STR(text, again);
    T_CHECK(goss_catalogue_clicks(c, &click, &negatives));
    T_NEAR(click, LEAST, 0);
    T_EQ(negatives, 4);
    T_STR(goss_catalogue_metrics(c), "ndcg@10, recall@10, hit@10");
    int counted = 0;
    for (int i = 0; i < goss_catalogue_items(c); i++) counted += goss_catalogue_count(c, i);
    int clicks = 0;
    for (int u = 0; u < TRAINED; u++) clicks += goss_ratings_of(o.ratings, u);
    T_EQ(counted, clicks); /* zeros are no clicks */
    goss_person p;
    goss_task_source s;
    write_text("mine.csv", "title\nFilm 1\nFilm 2\nFilm 3\n");
    T_OK(goss_person_open(scratch("mine.csv"), c, &p, &err));
    T_EQ(p.n, 3);
    T_EQ(p.zeros, 12);
    for (int i = 0; i < p.n + p.zeros; i++) {
        T_NEAR(p.rating[i], i < 3 ? 1 : 0, 0);
        for (int k = 0; k < i; k++) T_CHECK(p.item[i] != p.item[k]);
    }
    T_OK(goss_person_source(&p, c, &s, &err));
    T_EQ(s.spec.supports, 15);
    goss_task_source_free(&s);
    goss_person_free(&p);
    write_text("mine.csv", "title,rating\nFilm 1,5\nFilm 2,1\nFilm 3,3\n"); /* one is below LEAST */
    T_OK(goss_person_open(scratch("mine.csv"), c, &p, &err));
    T_EQ(p.n, 2);
    goss_person_free(&p);
    write_text("mine.csv", "title\nFilm 1\nFilm 1\n");
    T_OK(goss_person_open(scratch("mine.csv"), c, &p, &err));
    T_EQ(p.n, 1);
    T_EQ(p.repeated, 1);
    goss_person_free(&p);
    write_text("mine.csv", "rating\n3\n4\n");
    T_ERR(goss_person_open(scratch("mine.csv"), c, &p, &err), GOSS_E_ARGUMENT,
          "a person's clicks have a column movieId");
    goss_text_free(text), goss_text_free(again);
    goss_catalogue_free(c);
    close_world(&o);
}

/* ---- baselines, coverage ---- */

static double mean_of(const opened *o, const char *name, const goss_metric *m) {
    goss_task_source s;
    double values[300], sum = 0;
    int n = 0;
    goss_ratings_source_options t = goss_ratings_source_defaults();
    t.users = o->users + TRAINED, t.n_users = 60 - TRAINED, t.support = 8, t.candidates = 40;
    T_OK(goss_ratings_source_open(o->ratings, o->catalogue, &t, &s, NULL, &err));
    T_OK(goss_recommender_race(goss_recommender_find(name), o->ratings, o->catalogue, &s, &m, 1, 300, values, NULL,
                               &err));
    for (int i = 0; i < 300; i++)
        if (!isnan(values[i])) sum += values[i], n++;
    goss_task_source_free(&s);
    return sum / n;
}

TEST(who_knows_a_users_clicks_ranks_better_than_what_is_popular) {
    opened o = open_world("race", "random");
    goss_ratings_metrics m;
    T_OK(goss_ratings_metrics_find(goss_catalogue_objective(o.catalogue), "ndcg@10, coverage@5,hit@1 coverage@20", &m,
                                   &err));
    T_EQ(m.n, 2);
    T_EQ(m.coverages, 2);
    T_EQ(m.coverage[1], 20);
    T_STR(m.names, "ndcg@10, hit@1");
    const double popular = mean_of(&o, "popular", m.metric[0]);
    T_CHECK(mean_of(&o, "mf", m.metric[0]) > popular + 0.02);
    T_CHECK(mean_of(&o, "ridge", m.metric[0]) > popular);
    close_world(&o);
    static const struct {
        const char *names, *says;
    } bad[] = {{"coverage@10", "name a metric of each of them first"},
               {"ndcg@5, coverage@0", "coverage@K is of the first K"},
               {"ndcg@5, coverage@many", "coverage@K is of the first K"},
               {"ndcg@5, coverage@1, coverage@2, coverage@3, coverage@4, coverage@5", "more than 4"},
               {"ndcg@5, nothing", "no metric of regression \"nothing\""}};
    const goss_objective *objective;
    T_OK(goss_objective_find("regression", &objective, &err));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        T_ERR(goss_ratings_metrics_find(objective, bad[i].names, &m, &err), GOSS_E_ARGUMENT, bad[i].says);
}

TEST(popular_is_refused_for_ratings) {
    opened o = open_world("refused", "random");
    goss_ratings *r;
    goss_catalogue *c;
    goss_ratings_options ro = goss_ratings_defaults();
    goss_catalogue_options co = goss_catalogue_defaults();
    goss_ratings_source_options t = goss_ratings_source_defaults();
    goss_task_source s;
    double values[5];
    ro.path = scratch("refused");
    T_OK(goss_ratings_open(&ro, &r, &err));
    T_CHECK(!goss_ratings_clicks(r));
    T_OK(goss_catalogue_fit(r, NULL, 0, &co, &c, NULL, &err));
    T_OK(goss_ratings_source_open(r, c, &t, &s, NULL, &err));
    const goss_metric *m = goss_catalogue_objective(c)->metrics[0];
    T_ERR(goss_recommender_race(goss_recommender_find("popular"), r, c, &s, &m, 1, 5, values, NULL, &err),
          GOSS_E_ARGUMENT, "with data.click = 4 a model is of clicks");
    goss_task_source_free(&s);
    goss_catalogue_free(c);
    goss_ratings_close(r);
    close_world(&o);
}

TEST(coverage_marks_the_first_of_each_answer) {
    opened o = open_world("cover", "random");
    enum { N = 12 };
    float score[N], target[N];
    int32_t rows[N];
    bool covered[80] = {false};
    for (int i = 0; i < N; i++) rows[i] = o.ratings->blank + 3 * i, score[i] = (float)((i * 7) % N), target[i] = 0;
    score[2] = score[5]; /* the earlier of equal ones is first */
    const goss_answers a = {.count = N, .outputs = 1, .output = score, .target = target};
    goss_ratings_cover(o.ratings, &a, rows, 3, covered);
    int n = 0;
    for (int i = 0; i < 80; i++) n += covered[i];
    T_EQ(n, 3);
    for (int i = 0; i < N; i++) {
        int before = 0;
        for (int j = 0; j < N; j++) before += score[j] > score[i] || (score[j] == score[i] && j < i);
        T_CHECK(covered[3 * i] == (before < 3));
    }
    close_world(&o);
}

TEST_MAIN()
