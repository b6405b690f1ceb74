/* SPDX-License-Identifier: Apache-2.0 */
/* init_ratings.c: a folder with ratings.csv: what gossamer inspect shows of it, and a configuration for it. */
#include <stdio.h>
#include <stdlib.h>

#include "gossamer/recommend.h"
#include "data_kinds.h"
#include "init.h"

static const char *const unused[] = {"method.temperature", "hyper.attention", "hyper.class_*", NULL};

static goss_status open_ratings(const char *path, const goss_config *declared, goss_ratings **out, goss_error *err) {
    static const char *const key[GOSS_RATINGS_COLUMNS] = {"data.user", "data.item", "data.rating", "data.time"};
    goss_ratings_options o = goss_ratings_defaults();
    o.path = path;
    for (int i = 0; declared && i < GOSS_RATINGS_COLUMNS; i++) o.column[i] = goss_config_text(declared, key[i]);
    if (declared) o.items = goss_config_text(declared, "data.items");
    if (declared && *goss_config_text(declared, "data.click"))
        o.click = strtod(goss_config_text(declared, "data.click"), NULL);
    return goss_ratings_open(&o, out, err);
}

static int fewest(const goss_ratings *r) {
    const int users = goss_table_tasks_count(goss_ratings_users(r));
    int least = goss_ratings_of(r, 0);
    for (int u = 1; u < users; u++) least = goss_ratings_of(r, u) < least ? goss_ratings_of(r, u) : least;
    return least;
}

static int ascending(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* Ratings that nine in ten users have; those of the smallest one where that is enough. */
static int usual(const goss_ratings *r) {
    const int users = goss_table_tasks_count(goss_ratings_users(r)), least = fewest(r);
    int *of = least > 2 ? NULL : malloc(((size_t)users + 1) * sizeof *of);
    if (!of) return least;
    for (int u = 0; u < users; u++) of[u] = goss_ratings_of(r, u);
    qsort(of, (size_t)users, sizeof *of, ascending);
    const int n = of[users / 10];
    free(of);
    return n;
}

static int ratings_of(const goss_ratings *r) {
    int n = 0;
    for (int u = 0; u < goss_table_tasks_count(goss_ratings_users(r)); u++) n += goss_ratings_of(r, u);
    return n;
}

int inspect_ratings(const char *path, const cli_table_view *view, bool json) {
    static const char *const what[GOSS_RATINGS_COLUMNS] = {"user", "item", "rating", "time"};
    goss_ratings *r;
    goss_error err;
    (void)view;
    if (open_ratings(path, NULL, &r, &err) != GOSS_OK) return cli_fail(&err);
    const int users = goss_table_tasks_count(goss_ratings_users(r)), n = ratings_of(r);
    const bool clicks = goss_ratings_clicks(r);
    if (clicks && !json) printf("no column of ratings: every row is a click\n");
    printf(json ? "{\"kind\": \"ratings\", \"ratings\": %d, \"users\": %d, \"items\": %d, \"repeated\": %d, "
                  "\"least_of_a_user\": %d"
                : "%d ratings of %d users and %d items (%d repeated ones left out); %d or more of each user\n",
           n, users, goss_ratings_items(r), goss_ratings_repeated(r), fewest(r));
    for (int i = 0; i < GOSS_RATINGS_COLUMNS; i++) {
        const char *name = goss_ratings_column_name(r, (goss_ratings_column)i);
        printf(json ? ", \"%s\": " : "%-7s ", what[i]);
        if (!name)
            printf(json ? "null" : "(none)");
        else if (json)
            cli_json_name(name);
        else
            cli_put_name(name, 0);
        if (!json) putchar('\n');
    }
    if (json) printf("}\n");
    goss_ratings_close(r);
    return cli_close_stdout();
}

goss_status init_ratings(init_plan *p, goss_error *err) {
    goss_ratings *r;
    p->unused = unused;
    init_set(p, "data.kind", "ratings");
    GOSS_TRY(open_ratings(p->data, p->declared, &r, err));
    const int least = usual(r), most = least > 20 ? 20 : least > 2 ? least - 1 : 1;
    const bool clicks = goss_ratings_clicks(r);
    snprintf(p->summary, sizeof p->summary, "%d %s of %d users and %d items", ratings_of(r),
             clicks ? "clicks" : "ratings", goss_table_tasks_count(goss_ratings_users(r)), goss_ratings_items(r));
    goss_ratings_close(r);
    init_set(p, "task.support", "%d..%d", most < 3 ? 1 : 3, most);
    init_mark(p, "task.support", "%s that a new user has; the smallest user, or nine in ten, have %d",
              clicks ? "clicks" : "ratings", least);
    if (clicks) init_set(p, "task.objective", "softmax");
    init_metric(p, clicks ? "ndcg@10, recall@10, hit@10, coverage@10" : "mae, rmse, ndcg@5, recall@10");
    init_set(p, "train.tasks", "16");
    init_set(p, "train.steps", "3000");
    init_set(p, "method.ridge_head", "true");
    init_set(p, "optimizer.rate", "0.001");
    init_set(p, "optimizer.weight_decay", "0.01");
    init_set(p, "validate.episodes", "200");
    return p->status;
}
