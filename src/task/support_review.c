/* SPDX-License-Identifier: Apache-2.0 */
/* support_review.c: warnings of a support set that a network can be made of, and will be poor: one row, one class, rows
 * that are there twice. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "task/table_task.h"

/* The class of all rows; -1: there are several. */
static int only_class(const float *y, int n) {
    for (int i = 1; i < n; i++)
        if (y[i] != y[0]) return -1;
    return (int)y[0];
}

static void review_targets(const goss_table_transform *f, const char *path, const float *y, int n) {
    const int only = f->classes > 0 ? only_class(y, n) : -1;
    if (f->classes > 1 && only >= 0)
        goss__log(GOSS_LOG_WARN,
                  "%s: %s %s = %s, and no row shows another class: the network will predict %s for nearly every row; "
                  "add rows of other classes (the model knows %d)",
                  path, n == 1 ? "its only row has" : "all rows have", goss_table_transform_target(f),
                  goss_table_transform_class(f, only), goss_table_transform_class(f, only), f->classes);
    else if (n == 1 && !goss__transform_has_steps(f))
        goss__log(
            GOSS_LOG_WARN,
            "%s: one row shows the level of %s in this task, and not how it depends on the inputs: the network is "
            "little more than what all tasks have in common; add rows",
            path, goss_table_transform_target(f));
}

static int by_value(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

goss_status goss__support_review(const goss_table_transform *f, const char *path, const goss_table *table,
                                 const int32_t *rows, int n, const float *y, goss_error *err) {
    int repeated = 0;
    uint64_t *hash = goss__calloc((size_t)n + 1, sizeof *hash);
    if (!hash) return goss_error_set(err, GOSS_E_NOMEM, "no memory to compare rows");
    const goss_status s = goss_table_transform_hashes(f, table, rows, n, hash, err);
    if (s == GOSS_OK) qsort(hash, (size_t)n, sizeof *hash, by_value);
    for (int i = 1; s == GOSS_OK && i < n; i++) repeated += hash[i] == hash[i - 1];
    goss__free(hash);
    GOSS_TRY(s);
    if (repeated)
        goss__log(GOSS_LOG_WARN,
                  "%s: %d of %d rows repeat%s another one, inputs and target alike, and count%s again: remove what was "
                  "recorded twice",
                  path, repeated, n, repeated == 1 ? "s" : "", repeated == 1 ? "s" : "");
    review_targets(f, path, y, n);
    return GOSS_OK;
}
