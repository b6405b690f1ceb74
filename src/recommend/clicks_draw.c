/* SPDX-License-Identifier: Apache-2.0 */
/* clicks_draw.c: tasks of clicks: clicks of a user, and behind them zeros, items that the user has not clicked on.
 * To train on they are drawn from the user's own sample, of which inputs know what items are without them; to judge
 * by, from all items: the candidates that a click is ranked among. */
#include "base/alloc.h"
#include "recommend/ratings_draw.h"

static int smaller(int a, int b) { return a < b ? a : b; }

/* Zeros among queries of that many clicks. */
static int query_zeros(const goss__ratings_source *s, int queries) {
    if (s->o.inputs) return queries * s->o.negatives;
    return s->o.candidates > 0 ? smaller(s->o.candidates, s->r->ids.count) : s->r->ids.count;
}

goss_status goss__clicks_reserve(goss__ratings_source *s, int largest, goss_error *err) {
    const int queries = s->o.queries > 0 ? smaller(s->o.queries, largest) : largest;
    s->most_zeros = smaller(s->o.most_support * s->o.negatives + query_zeros(s, queries), s->r->ids.count);
    s->drawn = goss__calloc((size_t)s->most_zeros + (size_t)GOSS__ZEROS * (size_t)largest + 1, sizeof *s->drawn);
    if (!s->drawn) return goss_error_set(err, GOSS_E_NOMEM, "no memory for users' tasks");
    return goss__others_open(&s->others, s->r->ids.count, err);
}

void goss__clicks_spec(const goss__ratings_source *s, goss_task_spec *spec) {
    spec->queries += query_zeros(s, spec->queries);
    spec->supports += spec->supports * s->o.negatives;
}

/* Rows of zeros, *supports of them and then *queries of them; both are less where there are not so many. */
static const int32_t *draw_zeros(const goss__ratings_source *s, int user, int *supports, int *queries, goss__rng *rng) {
    const goss_ratings *r = s->r;
    const int all = r->pool_first[user + 1] - r->pool_first[user];
    if (!s->o.inputs) {
        goss__others *o = (goss__others *)&s->others;
        goss__others_of(o, r, user);
        *supports = goss__others_draw(o, rng, *supports, s->drawn);
        *queries = goss__others_draw(o, rng, *queries, s->drawn + *supports);
        for (int i = 0; i < *supports + *queries; i++) s->drawn[i] += r->blank;
        return s->drawn;
    }
    const int n = smaller(*supports + *queries, all);
    *supports = smaller(*supports, n), *queries = n - *supports;
    for (int i = 0; i < all; i++) s->drawn[i] = r->pool_first[user] + i;
    goss__rng_shuffle(rng, (uint32_t *)s->drawn, (uint32_t)all, (uint32_t)n);
    return s->drawn;
}

static float *behind(float *at, int n, int width) { return at ? at + (size_t)n * (size_t)width : NULL; }

void goss__clicks_draw(const goss_task_source *source, uint64_t k, goss_task *out) {
    const goss__ratings_source *s = source->context;
    int at;
    goss__rng rng = goss__ratings_begin(s, k, &at);
    const int user = s->user[at];
    const int32_t *rows = s->r->row + s->r->first[user];
    const goss__window w = goss__ratings_window(s, s->r->first[user + 1] - s->r->first[user], &rng);
    int zeros[2] = {w.supports * s->o.negatives, query_zeros(s, w.queries)};
    const int32_t *zero = draw_zeros(s, user, &zeros[0], &zeros[1], &rng);
    goss__ratings_copy(s, rows, s->place + w.begin, w.supports, out->support, out->support_target, out->support_rows);
    goss__ratings_copy(s, zero, NULL, zeros[0], behind(out->support, w.supports, s->width),
                       behind(out->support_target, w.supports, 1),
                       out->support_rows ? out->support_rows + w.supports : NULL);
    goss__ratings_copy(s, rows, s->place + w.cut, w.queries, out->query, out->query_target, out->query_rows);
    goss__ratings_copy(s, zero + zeros[0], NULL, zeros[1], behind(out->query, w.queries, s->width),
                       behind(out->query_target, w.queries, 1), out->query_rows ? out->query_rows + w.queries : NULL);
    out->supports = w.supports + zeros[0], out->queries = w.queries + zeros[1];
    goss__ratings_describe(s, at, out);
}
