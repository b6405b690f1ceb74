/* SPDX-License-Identifier: Apache-2.0 */
/* table_divide.c: division of tasks into training, validation and test (lists, seeded draws, folds), and of rows
 * within tasks. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "task/split.h"
#include "task/table_task.h"

void goss_task_list_free(goss_task_list *l) {
    goss__free(l->tasks);
    *l = (goss_task_list){0};
}

void goss_task_division_free(goss_task_division *d) {
    goss_task_list_free(&d->train), goss_task_list_free(&d->validate), goss_task_list_free(&d->test);
}

/* ---- what each task is for ---- */

enum { NOTHING, TRAIN, VALIDATE, TEST };

static goss_status read_list(const goss_table_tasks *t, const char *path, uint8_t use, uint8_t *uses, goss_error *err) {
    return goss__task_list_read(path, (const char *const *)t->groups.name, t->groups.count, use, uses, err);
}

/* The tasks in the order of a draw. */
static goss_status shuffled(const goss_table_tasks *t, uint64_t seed, const char *what, uint32_t **out,
                            goss_error *err) {
    const uint32_t n = (uint32_t)t->groups.count;
    goss__rng rng = goss__rng_make(seed, goss__hash64(what, strlen(what), 0));
    *out = goss__calloc(n, sizeof **out);
    if (!*out) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %u tasks", n);
    for (uint32_t i = 0; i < n; i++) (*out)[i] = i;
    goss__rng_shuffle(&rng, *out, n, n);
    return GOSS_OK;
}

/* Dealt round-robin after a shuffle that does not depend on which fold is requested. */
static goss_status keep_fold(const goss_table_tasks *t, const goss_task_division_options *o, uint8_t *uses,
                             goss_error *err) {
    uint32_t *order;
    if (o->fold < 1 || o->fold > o->folds)
        return goss_error_set(err, GOSS_E_ARGUMENT, "fold %d of %d: folds count from 1", o->fold, o->folds);
    if (o->folds < 2 || o->folds > t->groups.count)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "train.fold: %d folds of %d tasks: from 2 to as many as there are tasks", o->folds,
                              t->groups.count);
    GOSS_TRY(shuffled(t, o->seed, "folds", &order, err));
    for (int i = o->fold - 1; i < t->groups.count; i += o->folds) uses[order[i]] = TEST;
    goss__free(order);
    return GOSS_OK;
}

/* Moves a share of the training tasks, in shuffled order, to validation. */
static goss_status hold_out(const goss_table_tasks *t, const goss_task_division_options *o, uint8_t *uses,
                            goss_error *err) {
    uint32_t *order;
    int n = 0;
    for (int i = 0; i < t->groups.count; i++) n += uses[i] == TRAIN;
    int held = (int)lround(o->hold_out * n);
    if (held < 1) held = 1;
    if (held >= n)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%d task%s: at least two are needed to train on some and to validate on others; add "
                              "tasks, or train without validation",
                              n, n == 1 ? "" : "s");
    GOSS_TRY(shuffled(t, o->seed, "held out", &order, err));
    for (int i = 0; held > 0 && i < t->groups.count; i++)
        if (uses[order[i]] == TRAIN) uses[order[i]] = VALIDATE, held--;
    goss__free(order);
    return GOSS_OK;
}

static goss_status decide(const goss_table_tasks *t, const goss_task_division_options *o, uint8_t *uses,
                          goss_error *err) {
    const bool train = o->train && *o->train, validate = o->validate && *o->validate;
    if (o->folds && (train || validate))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "train.fold and %s both say which tasks are trained on: give one of them",
                              train ? "data.train_tasks" : "data.val_tasks");
    if (train) GOSS_TRY(goss_error_prefix(err, read_list(t, o->train, TRAIN, uses, err), "data.train_tasks"));
    if (validate) GOSS_TRY(goss_error_prefix(err, read_list(t, o->validate, VALIDATE, uses, err), "data.val_tasks"));
    if (o->folds) GOSS_TRY(keep_fold(t, o, uses, err));
    for (int i = 0; i < t->groups.count; i++)
        if (uses[i] == NOTHING) uses[i] = train ? TEST : TRAIN;
    if (!memchr(uses, TRAIN, (size_t)t->groups.count))
        return goss_error_set(err, GOSS_E_ARGUMENT, "no task is left to train on");
    return validate || !(o->hold_out > 0) ? GOSS_OK : hold_out(t, o, uses, err);
}

static goss_status collect(const goss_table_tasks *t, const uint8_t *uses, uint8_t use, goss_task_list *out,
                           goss_error *err) {
    out->tasks = goss__calloc((size_t)t->groups.count, sizeof *out->tasks);
    if (!out->tasks) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d tasks", t->groups.count);
    for (int i = 0; i < t->groups.count; i++)
        if (uses[i] == use) out->tasks[out->n++] = i;
    return GOSS_OK;
}

goss_task_division_options goss_task_division_defaults(void) {
    return (goss_task_division_options){.hold_out = 0.1, .seed = 1};
}

goss_status goss_table_tasks_divide(const goss_table_tasks *t, const goss_task_division_options *options,
                                    goss_task_division *out, goss_error *err) {
    const goss_task_division_options o = options ? *options : goss_task_division_defaults();
    *out = (goss_task_division){0};
    uint8_t *uses = goss__calloc((size_t)t->groups.count, 1);
    goss_status s =
        uses ? decide(t, &o, uses, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for %d tasks", t->groups.count);
    if (s == GOSS_OK) s = collect(t, uses, TRAIN, &out->train, err);
    if (s == GOSS_OK) s = collect(t, uses, VALIDATE, &out->validate, err);
    if (s == GOSS_OK) s = collect(t, uses, TEST, &out->test, err);
    goss__free(uses);
    if (s != GOSS_OK) goss_task_division_free(out);
    return s;
}

goss_status goss_table_tasks_list(const goss_table_tasks *t, const char *path, goss_task_list *out, goss_error *err) {
    *out = (goss_task_list){0};
    uint8_t *uses = goss__calloc((size_t)t->groups.count, 1);
    goss_status s = uses ? read_list(t, path, TEST, uses, err)
                         : goss_error_set(err, GOSS_E_NOMEM, "no memory for %d tasks", t->groups.count);
    if (s == GOSS_OK) s = collect(t, uses, TEST, out, err);
    goss__free(uses);
    return s;
}

/* ---- inside of tasks ---- */

/* The rows of one task, stratified by class. */
static goss_status split_task(goss_table_tasks *t, int task, const double share[3], goss_row_fold fold, goss__rng *rng,
                              goss_error *err) {
    int n, target = t->target;
    const int32_t *rows = goss_table_tasks_rows(t, task, &n);
    const bool classes = target >= 0 && goss_table_type(t->table, target) != GOSS_COLUMN_NUMBER;
    uint32_t *place = goss__calloc((size_t)n, sizeof *place);
    if (!place) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d rows", n);
    for (int class = 0; class < (classes ? goss_table_categories(t->table, target) : 1); class ++) {
        int of = 0;
        for (int i = 0; i < n; i++)
            if (!classes || goss_table_code(t->table, target, rows[i]) == class) place[of++] = (uint32_t)i;
        if (t->order == GOSS_ORDER_RANDOM) goss__rng_shuffle(rng, place, (uint32_t)of, (uint32_t)of);
        uint8_t *part = t->part + t->groups.first[task];
        if (fold.folds > 0)
            goss__split_cut_fold(fold.fold, fold.folds, share, place, of, part);
        else
            goss__split_cut(share, place, of, part);
    }
    goss__free(place);
    return GOSS_OK;
}

static goss_status check_fold(const goss_table_tasks *t, const double share[3], goss_row_fold f, goss_error *err) {
    if (f.folds == 0) return GOSS_OK;
    if (f.folds < 2 || f.fold < 1 || f.fold > f.folds)
        return goss_error_set(err, GOSS_E_ARGUMENT, "fold %d of %d: folds count from 1, and there are two at least",
                              f.fold, f.folds);
    if (t->order != GOSS_ORDER_RANDOM)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "rows have an order, and the last ones of a task are for testing: there are no folds of "
                              "them");
    if (fabs(share[2] * f.folds - 1) <= 1e-2) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "a share of %g of the rows to test on, but of %d folds each has 1/%d",
                          share[2], f.folds, f.folds);
}

goss_status goss_table_tasks_split(goss_table_tasks *t, const double share[3], goss_row_fold fold, uint64_t seed,
                                   goss_error *err) {
    GOSS_TRY(goss__split_check(share, "rows", err));
    GOSS_TRY(check_fold(t, share, fold, err));
    goss__free(t->part);
    t->part = goss__calloc((size_t)t->groups.first[t->groups.count], 1);
    if (!t->part) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the parts of tasks");
    goss_status s = GOSS_OK;
    for (int i = 0; s == GOSS_OK && i < t->groups.count; i++) {
        /* By the task's name: the parts of a task do not depend on which others a file has. */
        const char *name = t->groups.name[i];
        goss__rng rng = goss__rng_make(seed, goss__hash64(name, strlen(name), 77));
        s = split_task(t, i, share, fold, &rng, err);
    }
    return s;
}

/* ---- by a column ---- */

static goss_status role_of(const goss_table_tasks *t, int column, int row, uint8_t *part, goss_error *err) {
    char buffer[GOSS_CELL_TEXT], place[GOSS__PLACE];
    const char *text = goss_table_text(t->table, column, row, buffer);
    *part = strcmp(text, "support") == 0 ? GOSS_PART_TRAIN : GOSS_PART_TEST;
    if (*part == GOSS_PART_TRAIN || strcmp(text, "query") == 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s:%s: \"%.40s\" is neither support nor query",
                          goss__row_place(t->table, row, place), goss_table_name(t->table, column), text);
}

goss_status goss_table_tasks_by_role(goss_table_tasks *t, const char *column, goss_error *err) {
    const int n = t->groups.first[t->groups.count];
    int c;
    GOSS_TRY(goss_table_need(t->table, column, "data.role", &c, err));
    goss__free(t->part);
    t->part = goss__calloc((size_t)n + 1, 1), t->by_role = true;
    if (!t->part) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the parts of tasks");
    for (int i = 0; i < n; i++) GOSS_TRY(role_of(t, c, t->groups.rows[i], &t->part[i], err));
    return GOSS_OK;
}
