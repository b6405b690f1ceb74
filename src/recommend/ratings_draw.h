/* SPDX-License-Identifier: Apache-2.0 */
/* ratings_draw.h: what draws of ratings (ratings_draw.c) and of clicks (clicks_draw.c) have in common. */
#ifndef GOSS_RECOMMEND_RATINGS_DRAW_H
#define GOSS_RECOMMEND_RATINGS_DRAW_H

#include "recommend/recommend.h"

typedef struct goss__ratings_source {
    goss_ratings_source_options o;
    const goss_ratings *r;
    int32_t *user; /* [users] in the ratings */
    int users, width;
    bool ordered;
    float *x; /* [rated items, width], unless there are inputs by row */
    float scale[2];
    uint64_t *key;          /* [users] of its draws */
    float *descriptor;      /* [users, described] */
    int described;          /* width of a descriptor; 0: there are none */
    uint32_t *place, *turn; /* scratch: [ratings of the largest user], [users] */
    /* Of clicks. */
    goss__others others;
    int32_t *drawn; /* scratch: [most zeros of a task] */
    int most_zeros;
} goss__ratings_source;

/* A user's ratings by place: [begin, cut) are the support set, [cut, cut + queries) the queries. */
typedef struct goss__window {
    int begin, cut, supports, queries;
} goss__window;

/* The user of draw k, as a place in s->user, and the stream of its numbers. */
goss__rng goss__ratings_begin(const goss__ratings_source *s, uint64_t k, int *at);
/* What a task has beside samples. */
void goss__ratings_describe(const goss__ratings_source *s, int at, goss_task *out);
/* Arranges s->place [n], the user's ratings, for a draw. */
goss__window goss__ratings_window(const goss__ratings_source *s, int n, goss__rng *rng);
/* Samples of n rows, by place (NULL: in order). Outputs may be NULL. */
void goss__ratings_copy(const goss__ratings_source *s, const int32_t *rows, const uint32_t *place, int n, float *x,
                        float *y, int32_t *out_rows);

/* ---- clicks_draw.c ---- */
GOSS_MUST_USE goss_status goss__clicks_reserve(goss__ratings_source *s, int largest, goss_error *err);
/* Zeros beside what the spec has for clicks. */
void goss__clicks_spec(const goss__ratings_source *s, goss_task_spec *spec);
void goss__clicks_draw(const goss_task_source *source, uint64_t k, goss_task *out);
#endif
