/* SPDX-License-Identifier: Apache-2.0 */
/* recommend.h: ratings, files of items and catalogues inside. */
#ifndef GOSS_RECOMMEND_RECOMMEND_H
#define GOSS_RECOMMEND_RECOMMEND_H

#include "base/rng.h"
#include "base/str.h"
#include "gossamer/recommend.h"
#include "recommend/factors.h"
#include "table/dictionary.h"

/* ---- ratings.c ---- */

void goss__rating_files(goss__str *s); /* adds the names of files of ratings in a folder: "ratings.csv" */

/* ---- item_file.c: a csv file with a row an item ---- */

typedef struct goss__item_file {
    goss_table *table;
    int id, name;         /* columns; name -1: none */
    char *separator;      /* [columns] of lists of tags; 0: a number, id or name */
    goss__dictionary ids; /* of items, by row */
} goss__item_file;

GOSS_MUST_USE goss_status goss__item_file_open(const char *path, const char *id, goss__item_file **out,
                                               goss_error *err);
void goss__item_file_close(goss__item_file *f); /* NULL allowed */
/* The name of an item, in the buffer; NULL: none. */
const char *goss__item_file_name(const goss__item_file *f, int row, char buffer[GOSS_CELL_TEXT]);

/* What a cell of a column tells of an item: that it has a tag ("Action|Comedy"), a number, the year at the end of a
 * name. */
typedef enum goss__feature_kind { GOSS__FEATURE_TAG, GOSS__FEATURE_NUMBER, GOSS__FEATURE_YEAR } goss__feature_kind;
typedef struct goss__feature {
    goss__feature_kind kind;
    char *column, *tag;     /* tag: NULL where it is none */
    double mean, deviation; /* of a tag: its share, 1 */
} goss__feature;

/* The features that a file has. */
GOSS_MUST_USE goss_status goss__features_fit(const goss__item_file *f, goss__feature **out, int *n, goss_error *err);
void goss__features_free(goss__feature *f, int n);
/* Those of an item, out [n]: of mean about 0, 0 where nothing is known. columns [n] by goss__features_find. */
void goss__features_of(const goss__feature *features, const int *columns, int n, const goss__item_file *f, int row,
                       float *out);
/* The columns of features in another file; -1: it lacks one. */
void goss__features_find(const goss__feature *features, int n, const goss__item_file *f, int *columns);

/* ---- ratings.c ---- */

struct goss_ratings {
    goss_table *table;
    goss_roles roles;
    goss_table_tasks *tasks;
    int user, item, rating, time; /* columns; user -1: the ratings of one person; time -1: none */
    goss__dictionary ids;         /* of rated items */
    int32_t *of;                  /* [rows] the item of a row */
    float *value;                 /* [rows] its rating, or 1 for a click */
    int32_t *first, *row;         /* rows of a user, in order, the last of repeated ratings alone: [users + 1], [...] */
    int users, repeated, incomplete; /* rows left out: repeated ratings; without a user or a rating */
    int rows;                        /* of the table, and behind them those of clicks.c */
    bool last;                       /* the last one of a user is predicted by those before it */
    /* Of clicks (clicks.c): what users have not clicked on, as rows of value 0 behind those of the table: a sample for
     * each user, [pool_first[u], pool_first[u + 1]), and one for each item, from `blank` on. */
    bool clicks;
    int below;           /* rows of the table that are no click */
    int32_t *pool_first; /* [users + 1] */
    int blank;
    goss__item_file *items; /* NULL: none */
};

/* The first column with one of these names ("a,b,c"), ignoring case; -1: none. */
int goss__column_like(const goss_table *t, const char *names);
/* The usual names of a column of ratings, in that form. */
const char *goss__rating_names(goss_ratings_column which);

/* ---- clicks.c ---- */

enum { GOSS__ZEROS = 4 }; /* of the sample of a user, for each click */

/* Draws items without replacement. What is marked with `now` is not drawn, and is when it has been. */
typedef struct goss__others {
    int32_t *mark, now; /* [items] */
    uint32_t *list;     /* scratch: [items] */
    int items;
} goss__others;
GOSS_MUST_USE goss_status goss__others_open(goss__others *o, int items, goss_error *err);
void goss__others_close(goss__others *o);
/* Begins anew with the clicks of a user as what is not drawn. */
void goss__others_of(goss__others *o, const goss_ratings *r, int user);
/* At most `want` items, which are all if there are no more; their number. */
int goss__others_draw(goss__others *o, goss__rng *rng, int want, int32_t *out);
/* Rows of value 0 behind those of the table. */
GOSS_MUST_USE goss_status goss__clicks_add_zeros(goss_ratings *r, goss_error *err);

/* ---- ratings_items.c ---- */
/* Rated items as a new user sees them: v and its variances [items, 1 + factors], damped means less that of all
 * [items], x [items, width]; NULL: not wanted. Items that the catalogue lacks are guessed from their features. */
GOSS_MUST_USE goss_status goss__ratings_items(const goss_ratings *r, const goss_catalogue *c, double *v, double *spread,
                                              float *level, float *x, goss_error *err);

/* ---- catalogue.c ---- */

enum { GOSS__SEEN_NUMBERS = 2 }; /* of an item besides factors and features: its bias, and how often it was rated */

struct goss_catalogue {
    goss__dictionary ids;
    char **name;                         /* [items]; NULL: none */
    int items, factors, features, width; /* width: of x */
    int embedding;                       /* numbers of an item that are learned along; 0: none, and x has no number of
                                            the item at its end */
    int kept;                            /* ratings below, while they are read */
    float *count, *feature, *level;      /* [items], [items, features], [items] damped mean less `mean` */
    double *v, *spread;                  /* [items, 1 + factors], as in goss__factors */
    double *from_features, *prior;       /* as there */
    goss__feature *seen;                 /* [features] */
    double mean, deviation, noise, user_prior;
    double lowest, highest;             /* of the ratings; NaN: not known, as of clicks */
    double item_damping, user_damping;  /* of item-mean */
    float *centre, *scale;              /* [width] */
    char *column[GOSS_RATINGS_COLUMNS]; /* names of columns; time NULL: none */
    const goss_objective *objective;
    char *metrics, *order;
    int support, most_support;
    bool clicks;
    double click;  /* ratings of at least this are clicks; NaN: every row is one */
    int negatives; /* zeros for each click of a support set */
    /* For knn, if they were kept: training users who rated an item, by number, ascending, and what damped means of item
     * and user leave over: [items + 1], [...], [...]. */
    int32_t *first, *rater;
    float *left;
    goss_descriptors *described; /* of users; NULL: none */
    bool described_in_training;  /* they are no part of the text */
    goss_baselines *ridge;       /* of what item biases leave over, on factors and features */
    float scale_of_target[2];
};

/* The length of x. */
int goss__catalogue_width(const goss_catalogue *c);
/* x [width] of an item (-1: one that the catalogue lacks) from v [1 + factors], the number of ratings and features. */
void goss__catalogue_encode(const goss_catalogue *c, int item, const double *v, double count, const float *feature,
                            float *x);
/* What the spec of tasks says of x. */
void goss__catalogue_spec(const goss_catalogue *c, goss_task_spec *out);
/* ---- item_names.c ---- */
/* Adds why goss_catalogue_named does not find an item: that there is none, and which may be meant, or which several. */
void goss__catalogue_explain(const goss_catalogue *c, const char *text, goss__str *out);

/* Whether a rating is not within goss_catalogue_range. */
bool goss__catalogue_outside(const goss_catalogue *c, double rating);
/* v of an item that is not in the catalogue. */
void goss__catalogue_guess(const goss_catalogue *c, const float *feature, double *v);
#endif
