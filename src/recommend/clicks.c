/* SPDX-License-Identifier: Apache-2.0 */
/* clicks.c: what users have not clicked on, as rows of value 0. A model of clicks is fitted to all clicks and a
 * sample of zeros, GOSS__ZEROS for each click of a user; training draws zeros from this sample, too, since of these
 * it is known what an item looks like without them. Zeros of new users are drawn from all items. */
#include <string.h>

#include "base/alloc.h"
#include "recommend/recommend.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for clicks"); }

goss_status goss__others_open(goss__others *o, int items, goss_error *err) {
    *o = (goss__others){.items = items, .now = 1};
    o->mark = goss__calloc((size_t)items + 1, sizeof *o->mark),
    o->list = goss__calloc((size_t)items + 1, sizeof *o->list);
    return o->mark && o->list ? GOSS_OK : no_memory(err);
}

void goss__others_close(goss__others *o) { goss__free(o->mark), goss__free(o->list); }

void goss__others_of(goss__others *o, const goss_ratings *r, int user) {
    if (o->now == INT32_MAX) memset(o->mark, 0, (size_t)o->items * sizeof *o->mark), o->now = 0;
    o->now++;
    for (int i = r->first[user]; i < r->first[user + 1]; i++) o->mark[r->of[r->row[i]]] = o->now;
}

int goss__others_draw(goss__others *o, goss__rng *rng, int want, int32_t *out) {
    int n = 0;
    for (int tries = 0; n < want && want < o->items / 4 && tries < 8 * want; tries++) {
        const int32_t item = (int32_t)goss__rng_below(rng, (uint32_t)o->items);
        if (o->mark[item] == o->now) continue;
        o->mark[item] = o->now, out[n++] = item;
    }
    if (n == want) return n;
    int left = 0;
    for (int i = 0; i < o->items; i++)
        if (o->mark[i] != o->now) o->list[left++] = (uint32_t)i;
    const int more = want - n < left ? want - n : left;
    goss__rng_shuffle(rng, o->list, (uint32_t)left, (uint32_t)more);
    for (int i = 0; i < more; i++) {
        out[n] = (int32_t)o->list[i];
        o->mark[out[n++]] = o->now;
    }
    return n;
}

/* ---- rows ---- */

static int pool_size(const goss_ratings *r, int user) {
    const int64_t clicks = r->first[user + 1] - r->first[user], others = r->ids.count - clicks;
    return (int)(GOSS__ZEROS * clicks < others ? GOSS__ZEROS * clicks : others);
}

static goss_status grow(goss_ratings *r, goss_error *err) {
    int64_t rows = r->rows;
    for (int u = 0; u < r->users; u++) rows += pool_size(r, u);
    r->blank = (int)rows;
    rows += r->ids.count;
    if (rows > INT32_MAX) return goss_error_set(err, GOSS_E_UNSUPPORTED, "more clicks than 2^31 rows hold with zeros");
    int32_t *of = goss__realloc(r->of, (size_t)rows * sizeof *of);
    if (of) r->of = of;
    float *value = of ? goss__realloc(r->value, (size_t)rows * sizeof *value) : NULL;
    if (value) r->value = value;
    r->pool_first = goss__calloc((size_t)r->users + 1, sizeof *r->pool_first);
    if (!of || !value || !r->pool_first) return no_memory(err);
    memset(value + r->rows, 0, (size_t)(rows - r->rows) * sizeof *value);
    for (int i = 0; i < r->ids.count; i++) of[r->blank + i] = i;
    return GOSS_OK;
}

/* A user's sample depends on the name alone, whoever else is in the file, and on the items. */
goss_status goss__clicks_add_zeros(goss_ratings *r, goss_error *err) {
    goss__others o = {0};
    GOSS_TRY(grow(r, err));
    goss_status s = goss__others_open(&o, r->ids.count, err);
    int at = r->pool_first[0] = r->rows;
    for (int u = 0; s == GOSS_OK && u < r->users; u++) {
        const char *who = goss_table_tasks_name(r->tasks, u);
        goss__rng rng = goss__rng_make(goss__hash64(who, strlen(who), 41), 0);
        goss__others_of(&o, r, u);
        at += goss__others_draw(&o, &rng, pool_size(r, u), r->of + at);
        r->pool_first[u + 1] = at;
    }
    goss__others_close(&o);
    r->rows = r->blank + r->ids.count;
    return s;
}

bool goss_ratings_clicks(const goss_ratings *r) { return r->clicks; }
int goss_ratings_below(const goss_ratings *r) { return r->below; }
int goss_ratings_item(const goss_ratings *r, int row) { return r->of[row]; }
