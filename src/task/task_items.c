/* SPDX-License-Identifier: Apache-2.0 */
/* task_items.c: the distinct items of a batch, so that a training step reads and updates only their rows of a table. */
#include "task/task_pack.h"

/* Each sample has one, and what pads a batch is item 0. */
int64_t goss__task_items_most(const goss_task_spec *spec, int64_t tasks) {
    const int64_t s = spec->supports > 0 ? spec->supports : 1, q = spec->queries > 0 ? spec->queries : 1;
    int64_t samples;
    /* One place more for what is no item, at which a run then fails. */
    return __builtin_mul_overflow(tasks, s + q, &samples) || samples > spec->items ? spec->items + 1 : samples;
}

/* A number that is no item's becomes the one behind the last: no row of the table. */
static int32_t item_of(const goss_task_spec *spec, float x) {
    return x >= 0 && x < (float)spec->items ? (int32_t)x : (int32_t)spec->items;
}

static void find(goss__task_pack *b, const float *x, size_t n, int32_t *place) {
    const size_t width = (size_t)b->spec.input[0];
    for (size_t i = 0; i < n; i++) {
        const int32_t item = item_of(&b->spec, x[i * width + width - 1]);
        if (!b->item_place[item]) b->item_rows[b->items++] = item, b->item_place[item] = b->items;
        place[i] = b->item_place[item] - 1;
    }
}

void goss__task_pack_items(goss__task_pack *b) {
    const size_t tasks = (size_t)b->tasks;
    b->items = 0;
    find(b, b->support, tasks * (size_t)b->supports, b->support_item);
    find(b, b->query, tasks * (size_t)b->queries, b->query_item);
    for (int i = 0; i < b->items; i++) b->item_place[b->item_rows[i]] = 0;
}
