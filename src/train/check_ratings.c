/* SPDX-License-Identifier: Apache-2.0 */
/* check_ratings.c: checks of a run's ratings. */
#include <stdio.h>

#include "train/run_check.h"

static void count_users(const goss__check *k, const goss_ratings *r, const char *part, const goss_task_list *users) {
    char key[40];
    int64_t ratings = 0;
    for (int i = 0; i < users->n; i++) ratings += goss_ratings_of(r, users->tasks[i]);
    snprintf(key, sizeof key, "%s.users", part);
    goss__check_counted(k, key, users->n);
    snprintf(key, sizeof key, "%s.ratings", part);
    goss__check_counted(k, key, ratings);
}

/* Items without a training rating are described by features alone, or not at all. */
static void look_at_items(const goss__check *k, const goss_catalogue *c) {
    int without = 0;
    const int items = goss_catalogue_items(c);
    for (int i = 0; i < items; i++) without += goss_catalogue_count(c, i) == 0;
    if (without)
        goss__check_found(k, GOSS_CHECK_INFO, "unrated-items",
                          "%d of %d items have no rating to train on: they are known by their features", without,
                          items);
}

static void look_at_users(const goss__check *k, const goss_ratings *r) {
    int small = 0;
    const int users = goss_table_tasks_count(goss_ratings_users(r)), support = k->set->table.support;
    for (int u = 0; u < users; u++) small += goss_ratings_of(r, u) <= support;
    if (small)
        goss__check_found(k, GOSS_CHECK_WARNING, "small-users",
                          "%d of %d users have no more than task.support = %d ratings and are left out", small, users,
                          support);
    if (goss_ratings_repeated(r))
        goss__check_found(k, GOSS_CHECK_WARNING, "repeated-ratings",
                          "%d ratings are left out: a user's later one of the same item counts",
                          goss_ratings_repeated(r));
}

/* Those to train and to validate on have their rows, or the data would not be open. */
static void look_at_descriptors(const goss__check *k, const goss_ratings *r, const goss_catalogue *c,
                                const goss_table *described, const goss_task_list *test) {
    const goss_descriptors *d = goss_catalogue_descriptors(c);
    goss_error why;
    if (!d) return;
    goss__check_counted(k, "descriptor.columns", goss_encoding_columns(goss_descriptors_inputs(d)));
    goss__check_counted(k, "descriptor.numbers", goss_descriptors_width(d));
    if (test->n > 0 &&
        goss_descriptors_apply_each(d, described, goss_ratings_users(r), test->tasks, test->n, NULL, &why) != GOSS_OK)
        goss__check_found(k, GOSS_CHECK_WARNING, "undescribed-users",
                          "data.descriptor: users that are kept apart cannot all be judged: %s", why.text);
}

void goss__check_ratings(const goss__check *k, const goss_ratings *r, const goss_catalogue *c,
                         const goss_task_division *users, const goss_table *described) {
    const goss_table_tasks *tasks = goss_ratings_users(r);
    goss__check_counted(k, "data.ratings", goss_table_rows(goss_table_tasks_table(tasks)));
    goss__check_counted(k, "data.users", goss_table_tasks_count(tasks));
    goss__check_counted(k, "data.items", goss_catalogue_items(c));
    count_users(k, r, "train", &users->train);
    count_users(k, r, "validate", &users->validate);
    count_users(k, r, "test", &users->test);
    look_at_users(k, r);
    look_at_items(k, c);
    look_at_descriptors(k, r, c, described, &users->test);
}
