/* SPDX-License-Identifier: Apache-2.0 */
/* rating_world.h: small files of ratings whose truth is known: r = 3 + b_i + c_u + p_u q_i + noise, rounded to halves
 * and kept in 0.5 .. 5; a film's genres are the signs of its factors. */
#ifndef GOSS_TEST_RATING_WORLD_H
#define GOSS_TEST_RATING_WORLD_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"

enum { WORLD_FACTORS = 2 };

typedef struct world {
    int users, items, ratings; /* ratings of each user */
    uint64_t seed;
    int unlisted; /* the last items are not in movies.csv */
} world;

static inline double world_number(const world *w, uint64_t what, int index, int j) {
    goss__rng r = goss__rng_make(w->seed, 1000003u * (uint64_t)index + 17u * (uint64_t)j + what * 99991u);
    return goss__rng_normal(&r);
}

static inline double world_factor(const world *w, int item, int j) { return world_number(w, 1, item, j); }

static inline double world_rating(const world *w, int user, int item, double noise) {
    double r = 3 + 0.4 * world_number(w, 2, item, 0) + 0.4 * world_number(w, 3, user, 0) +
               noise * world_number(w, 5, user * w->items + item, 0);
    for (int j = 0; j < WORLD_FACTORS; j++) r += 0.6 * world_factor(w, item, j) * world_number(w, 4, user, j);
    return r < 0.5 ? 0.5 : r > 5 ? 5 : round(2 * r) / 2;
}

static inline void world_name(const world *w, int item, char out[80]) {
    snprintf(out, 80, "%sFilm %d (%d)", item % 7 == 0 ? "The " : "", item, 1950 + item % 60);
    (void)w;
}

/* A row for each of the users [from, to): the first factor, and the sign of the second as a town. */
static inline void world_write_users(const world *w, const char *path, int from, int to) {
    FILE *f = fopen(path, "w");
    if (!f) exit(99);
    fputs("town,same,userId,taste\n", f);
    for (int u = from; u < to; u++)
        fprintf(f, "%s,1,%d,%.4f\n", world_number(w, 4, u, 1) > 0 ? "Oslo" : "Rome", u + 1, world_number(w, 4, u, 0));
    fclose(f);
}

/* ratings.csv and movies.csv in a folder that is there. */
static inline void world_write(const world *w, const char *folder) {
    char path[700], name[80];
    uint32_t *items = calloc((size_t)w->items, sizeof *items);
    snprintf(path, sizeof path, "%s/ratings.csv", folder);
    FILE *f = fopen(path, "w");
    if (!f || !items) exit(99);
    fputs("userId,movieId,rating,timestamp\n", f);
    for (int u = 0; u < w->users; u++) {
        goss__rng rng = goss__rng_make(w->seed, 7000u + (uint64_t)u);
        for (int i = 0; i < w->items; i++) items[i] = (uint32_t)i;
        goss__rng_shuffle(&rng, items, (uint32_t)w->items, (uint32_t)w->ratings);
        for (int i = 0; i < w->ratings; i++)
            fprintf(f, "%d,%u,%.1f,%d\n", u + 1, 100 + items[i], world_rating(w, u, (int)items[i], 0.3),
                    100000 + (i * 37 + u) % 1000);
    }
    fclose(f);
    snprintf(path, sizeof path, "%s/movies.csv", folder);
    if (!(f = fopen(path, "w"))) exit(99);
    fputs("movieId,title,genres\n", f);
    for (int i = 0; i < w->items - w->unlisted; i++) {
        world_name(w, i, name);
        fprintf(f, "%d,%s,%s|%s\n", 100 + i, name, world_factor(w, i, 0) > 0 ? "Drama" : "Comedy",
                world_factor(w, i, 1) > 0 ? "War" : "Peace");
    }
    fclose(f);
    free(items);
}
#endif
