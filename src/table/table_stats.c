/* SPDX-License-Identifier: Apache-2.0 */
/* table_stats.c: statistics of columns. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "table/table.h"

/* ---- distinct numbers: a set of bit patterns ---- */

typedef struct number_set {
    uint64_t *slot; /* bits + 1 of a number; 0: free. No finite number has all bits set */
    size_t slots, count;
} number_set;

static size_t place(const number_set *s, uint64_t key) {
    uint64_t h = key * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(h ^ h >> 32) & (s->slots - 1);
    while (s->slot[at] && s->slot[at] != key) at = (at + 1) & (s->slots - 1);
    return at;
}

static bool add(number_set *s, double value) {
    uint64_t key;
    value += 0.0; /* -0 is 0 */
    memcpy(&key, &value, sizeof key);
    key++;
    if (2 * s->count >= s->slots) {
        number_set larger = {.slots = s->slots ? 4 * s->slots : 64};
        larger.slot = goss__calloc(larger.slots, sizeof *larger.slot);
        if (!larger.slot) return false;
        for (size_t i = 0; i < s->slots; i++)
            if (s->slot[i]) larger.slot[place(&larger, s->slot[i])] = s->slot[i];
        larger.count = s->count;
        goss__free(s->slot);
        *s = larger;
    }
    size_t at = place(s, key);
    if (!s->slot[at]) s->slot[at] = key, s->count++;
    return true;
}

static goss_status no_memory(const goss_table *t, int column, goss_error *err) {
    char label[GOSS__LABEL];
    return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to look at the column",
                          goss__column_label(t->column[column].name, label));
}

/* Two passes, mean and then deviation: sums of squares would cancel for large numbers. */
static goss_status of_numbers(const goss_table *t, int column, const int32_t *rows, int n, goss_column_stats *out,
                              goss_error *err) {
    const double *v = t->column[column].numbers;
    number_set seen = {0};
    double sum = 0, squares = 0;
    int filled = 0;
    bool ok = true;
    out->integers = true;
    for (int i = 0; i < n && ok; i++) {
        double x = v[rows ? rows[i] : i];
        if (isnan(x)) continue;
        if (filled == 0 || x < out->min) out->min = x;
        if (filled == 0 || x > out->max) out->max = x;
        if (x != floor(x)) out->integers = false;
        sum += (x - sum) / ++filled; /* a running mean does not overflow */
        ok = add(&seen, x);
    }
    for (int i = 0; i < n && ok; i++) {
        double x = v[rows ? rows[i] : i];
        if (!isnan(x)) squares += (x - sum) * (x - sum);
    }
    goss__free(seen.slot);
    if (!ok) return no_memory(t, column, err);
    out->missing = n - filled, out->distinct = (int)seen.count;
    if (filled) out->mean = sum, out->deviation = sqrt(squares / filled);
    if (!filled) out->integers = false;
    return GOSS_OK;
}

static goss_status of_codes(const goss_table *t, int column, const int32_t *rows, int n, goss_column_stats *out,
                            goss_error *err) {
    const goss__column *c = &t->column[column];
    int *count = goss__calloc((size_t)c->texts.count + 1, sizeof *count);
    if (!count) return no_memory(t, column, err);
    for (int i = 0; i < n; i++) count[c->codes[rows ? rows[i] : i] + 1]++;
    out->missing = count[0];
    for (int k = 0; k < c->texts.count; k++) {
        out->distinct += count[k + 1] > 0;
        if (count[k + 1] > out->most_count) out->most_count = count[k + 1], out->most = k;
    }
    goss__free(count);
    return GOSS_OK;
}

goss_status goss_table_stats(const goss_table *t, int column, const int32_t *rows, int n, goss_column_stats *out,
                             goss_error *err) {
    assert(column >= 0 && column < t->columns);
    *out = (goss_column_stats){.min = NAN, .max = NAN, .mean = NAN, .deviation = NAN, .most = -1};
    if (!rows) n = t->rows;
    return (t->column[column].numbers ? of_numbers : of_codes)(t, column, rows, n, out, err);
}
