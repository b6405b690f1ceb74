/* SPDX-License-Identifier: Apache-2.0 */
/* table_set.h: a small table and its tasks. */
#ifndef GOSS_TEST_TABLE_SET_H
#define GOSS_TEST_TABLE_SET_H

#include "gossamer/table_task.h"
#include "table_text.h"

typedef struct set {
    goss_table *table;
    goss_roles roles;
    goss_table_tasks *tasks;
} set;

static inline set open_set(const char *text, const goss_roles_declared *declared, const char *order) {
    set s = {.table = table_of(text)};
    T_OK(goss_table_roles(s.table, declared, &s.roles, &err));
    T_OK(goss_table_tasks_open(s.table, &s.roles, order, &s.tasks, &err));
    return s;
}

static inline void close_set(set *s) {
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
static inline const char *shown(const set *s, int task) {
    static char out[100];
    int n;
    const int32_t *rows = goss_table_tasks_rows(s->tasks, task, &n);
    out[0] = 0;
    for (int i = 0; i < n; i++) sprintf(out + strlen(out), "%s%d", i ? " " : "", (int)rows[i]);
    return out;
}

/* Of n users with 4 rows each. */
static inline set many(int n) {
    static char csv[20000];
    size_t at = (size_t)sprintf(csv, "user,x,y\n");
    for (int i = 0; i < n * 4; i++) at += (size_t)sprintf(csv + at, "u%02d,%d,%d\n", i % n, i + 5, i * i % 17);
    return open_set(csv, &user_y, NULL);
}

static inline goss_table_transform *fit(const set *s, const int32_t *tasks, int n) {
    goss_table_transform *f;
    T_OK(goss_table_transform_fit(s->tasks, &s->roles, tasks, n, NULL, &f, &err));
    return f;
}

#endif
