/* SPDX-License-Identifier: Apache-2.0 */
/* ratings_draw.c: users as a task source. Inputs of all items are made when it is opened; a draw chooses ratings of a
 * user and copies. */
#include <string.h>

#include "base/alloc.h"
#include "recommend/ratings_draw.h"

typedef goss__ratings_source source;

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for users' tasks");
}

static void free_source(void *context) {
    source *s = context;
    goss__free(s->user), goss__free(s->x), goss__free(s->key), goss__free(s->place);
    goss__free(s->turn), goss__free(s->drawn), goss__free(s->descriptor);
    goss__others_close(&s->others);
    goss__free(s);
}

goss_ratings_source_options goss_ratings_source_defaults(void) {
    return (goss_ratings_source_options){.support = 5, .negatives = -1, .seed = 1};
}

/* ---- drawing ---- */

static int user_of(const source *s, uint64_t k) {
    const uint64_t n = (uint64_t)s->users;
    if (!s->o.shuffle) return (int)(k % n);
    goss__rng rng = goss__rng_make(s->o.seed, goss__hash64(&(uint64_t){k / n}, sizeof k, 31));
    for (int i = 0; i < s->users; i++) s->turn[i] = (uint32_t)i;
    goss__rng_shuffle(&rng, s->turn, (uint32_t)n, (uint32_t)(k % n) + 1);
    return (int)s->turn[k % n];
}

static int smaller(int a, int b) { return a < b ? a : b; }

void goss__ratings_copy(const goss__ratings_source *s, const int32_t *rows, const uint32_t *place, int n, float *x,
                        float *y, int32_t *out_rows) {
    const size_t w = (size_t)s->width;
    for (int i = 0; i < n; i++) {
        const int32_t row = place ? rows[place[i]] : rows[i];
        const float *from = s->o.inputs ? s->o.inputs + (size_t)row * w : s->x + (size_t)s->r->of[row] * w;
        if (x) memcpy(x + (size_t)i * w, from, w * sizeof *x);
        if (y) y[i] = s->r->value[row];
        if (out_rows) out_rows[i] = row;
    }
}

goss__rng goss__ratings_begin(const goss__ratings_source *s, uint64_t k, int *at) {
    *at = user_of(s, k);
    return goss__rng_make(s->o.seed, goss__hash64(&(uint64_t){k / (uint64_t)s->users}, sizeof k, s->key[*at]));
}

void goss__ratings_describe(const goss__ratings_source *s, int at, goss_task *out) {
    const size_t n = (size_t)s->described;
    if (out->descriptor && n) memcpy(out->descriptor, s->descriptor + (size_t)at * n, n * sizeof *out->descriptor);
    out->id = -1;
}

goss__window goss__ratings_window(const goss__ratings_source *s, int n, goss__rng *rng) {
    const int most = smaller(s->o.most_support, n - 1), least = s->o.support;
    const int supports = most > least ? least + (int)goss__rng_below(rng, (uint32_t)(most - least + 1)) : least;
    for (int i = 0; i < n; i++) s->place[i] = (uint32_t)i;
    if (!s->ordered) goss__rng_shuffle(rng, s->place, (uint32_t)n, (uint32_t)n);
    int cut = supports;
    if (s->r->last) cut = s->o.inputs ? supports + (int)goss__rng_below(rng, (uint32_t)(n - supports)) : n - 1;
    const int left = n - cut, queries = s->o.queries > 0 ? smaller(s->o.queries, left) : left;
    if (s->ordered && queries < left) goss__rng_shuffle(rng, s->place + cut, (uint32_t)left, (uint32_t)queries);
    return (goss__window){.begin = cut - supports, .cut = cut, .supports = supports, .queries = queries};
}

/* Of ordered ratings queries are drawn from those behind the support set, in no order. */
static void draw(const goss_task_source *source_, uint64_t k, goss_task *out) {
    const source *s = source_->context;
    int at;
    goss__rng rng = goss__ratings_begin(s, k, &at);
    const int user = s->user[at];
    const int32_t *rows = s->r->row + s->r->first[user];
    const goss__window w = goss__ratings_window(s, s->r->first[user + 1] - s->r->first[user], &rng);
    out->supports = w.supports, out->queries = w.queries;
    goss__ratings_copy(s, rows, s->place + w.begin, w.supports, out->support, out->support_target, out->support_rows);
    goss__ratings_copy(s, rows, s->place + w.cut, w.queries, out->query, out->query_target, out->query_rows);
    goss__ratings_describe(s, at, out);
}

static const char *name(const goss_task_source *source_, uint64_t k) {
    const source *s = source_->context;
    return goss_table_tasks_name(s->r->tasks, s->user[user_of(s, k)]);
}

/* ---- opening ---- */

static goss_status choose_users(source *s, int *skipped, int *largest, goss_error *err) {
    const int n = s->o.users ? s->o.n_users : s->r->users;
    s->user = goss__calloc((size_t)n + 1, sizeof *s->user), s->key = goss__calloc((size_t)n + 1, sizeof *s->key);
    if (!s->user || !s->key) return no_memory(err);
    for (int i = 0; i < n; i++) {
        const int user = s->o.users ? s->o.users[i] : i, own = goss_ratings_of(s->r, user);
        const char *who = goss_table_tasks_name(s->r->tasks, user);
        if (own <= s->o.support) {
            ++*skipped;
            continue;
        }
        s->user[s->users] = user, s->key[s->users++] = goss__hash64(who, strlen(who), 32);
        *largest = own > *largest ? own : *largest;
    }
    if (s->users) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "none of the %d users has more than %d %s, which support and a query need", n, s->o.support,
                          s->r->clicks ? "clicks" : "ratings");
}

static goss_status describe(source *s, const goss_catalogue *c, goss_error *err) {
    if (!s->o.described || !c->described) return GOSS_OK;
    s->described = goss_descriptors_width(c->described);
    s->descriptor = goss__calloc((size_t)s->users * (size_t)s->described + 1, sizeof *s->descriptor);
    if (!s->descriptor) return no_memory(err);
    return goss_descriptors_apply_each(c->described, s->o.described, s->r->tasks, s->user, s->users, s->descriptor,
                                       err);
}

static goss_status fill(source *s, const goss_catalogue *c, int *skipped, int *largest, goss_error *err) {
    GOSS_TRY(choose_users(s, skipped, largest, err));
    GOSS_TRY(describe(s, c, err));
    s->place = goss__calloc((size_t)*largest, sizeof *s->place);
    s->turn = goss__calloc((size_t)s->users, sizeof *s->turn);
    if (!s->place || !s->turn) return no_memory(err);
    if (s->r->clicks) GOSS_TRY(goss__clicks_reserve(s, *largest, err));
    if (s->o.inputs) return GOSS_OK;
    s->x = goss__calloc((size_t)s->r->ids.count * (size_t)s->width + 1, sizeof *s->x);
    return s->x ? goss__ratings_items(s->r, c, NULL, NULL, NULL, s->x, err) : no_memory(err);
}

static goss_task_spec spec_of(source *s, const goss_catalogue *c, int largest) {
    const int left = s->r->last && !s->o.inputs ? 1 : largest - s->o.support;
    s->scale[0] = c->scale_of_target[0], s->scale[1] = c->scale_of_target[1];
    goss_task_spec spec = {.objective = c->objective,
                           .outputs = 1,
                           .supports = smaller(s->o.most_support, largest - 1),
                           .queries = s->o.queries > 0 ? smaller(s->o.queries, left) : left,
                           .descriptor = s->described,
                           .scale = {&s->scale[0], &s->scale[1]}};
    goss__catalogue_spec(c, &spec);
    if (s->r->clicks) goss__clicks_spec(s, &spec);
    return spec;
}

goss_status goss_ratings_source_open(const goss_ratings *r, const goss_catalogue *c,
                                     const goss_ratings_source_options *options, goss_task_source *out, int *skipped,
                                     goss_error *err) {
    int left_out = 0, largest = 0;
    *out = (goss_task_source){0};
    source *s = goss__calloc(1, sizeof *s);
    if (!s) return no_memory(err);
    s->o = *options, s->r = r, s->width = c->width;
    if (s->o.most_support < s->o.support) s->o.most_support = s->o.support;
    if (s->o.negatives < 0) s->o.negatives = c->negatives;
    s->ordered = goss_table_tasks_order(r->tasks) != GOSS_ORDER_RANDOM;
    const goss_status status = fill(s, c, &left_out, &largest, err);
    if (status == GOSS_OK) {
        *out = (goss_task_source){.spec = spec_of(s, c, largest),
                                  .context = s,
                                  .draw = r->clicks ? goss__clicks_draw : draw,
                                  .tasks = s->o.shuffle ? 0 : s->users,
                                  .name = name,
                                  .free = free_source};
        s->o.users = NULL, s->o.described = NULL; /* the caller's, and not needed any more */
    } else {
        free_source(s);
    }
    if (skipped) *skipped = left_out;
    return status;
}
