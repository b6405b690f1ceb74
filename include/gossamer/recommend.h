/* SPDX-License-Identifier: Apache-2.0 */
/* recommend.h: ratings of items by users as tasks: a user is a task.
 *
 * A user's first ratings (or some of them) are the support set, the others are predicted. Of clicks (implicit
 * feedback) the targets are 1, and 0 for items that the user has not clicked on, of which some are drawn for each
 * click. A catalogue is all that a model knows of items, fitted to the ratings of training users alone and stored with
 * the model: biases and factors of a Bayesian matrix factorisation (Lim and Teh 2007), numbers of ratings, features
 * such as genres and years, and for items that nobody has rated what features say of the other numbers. A sample's x
 * is the item's row of it. For a rating that the catalogue was fitted to, x is what it would be without that rating: a
 * training user looks like a new one. A table may describe users (goss_descriptors): a hypernetwork with
 * hyper.condition = descriptor is conditioned on a user's row, which is all that is known of one without ratings.
 *
 *     goss_ratings_options o = goss_ratings_defaults();
 *     o.path = "ml-latest-small";                                      // ratings.csv, and movies.csv beside it
 *     GOSS_TRY(goss_ratings_open(&o, &ratings, err));
 *     GOSS_TRY(goss_catalogue_fit(ratings, users, n, &fit, &catalogue, err));
 *     GOSS_TRY(goss_ratings_source_open(ratings, catalogue, &draw, &source, NULL, err));
 *
 * A training with data.kind = ratings does this. Threads: ratings and catalogues are immutable and may be used by any
 * number of threads; a source belongs to one. Indices must be in range (asserted). */
#ifndef GOSSAMER_RECOMMEND_H
#define GOSSAMER_RECOMMEND_H

#include "gossamer/baseline.h"
#include "gossamer/race.h"
#include "gossamer/table_task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- ratings ---- */

/* The columns of a file of ratings. */
typedef enum goss_ratings_column {
    GOSS_RATINGS_USER,   /* who rates */
    GOSS_RATINGS_ITEM,   /* what is rated */
    GOSS_RATINGS_RATING, /* a number; of clicks it may be missing */
    GOSS_RATINGS_TIME,   /* a number that grows with time, or a date, for the order; may be missing */
    GOSS_RATINGS_COLUMNS /* how many there are */
} goss_ratings_column;

/* Where ratings are. NULL or "": by name, or none. */
typedef struct goss_ratings_options {
    const char *path;                         /* a csv file, or a folder with ratings.csv */
    const char *items;                        /* csv file with a row per item; else movies.csv, items.csv or books.csv
                                                 of the folder, if there is one */
    const char *column[GOSS_RATINGS_COLUMNS]; /* names of the columns; else usual ones (userId, movieId, ...) */
    bool any_time;     /* column[GOSS_RATINGS_TIME] may be missing, if the order is random (false) */
    const char *order; /* of a user's ratings: "random", "first" (by time, or the file's without), "last" (the same; the
                          last one is predicted by those before it: leave-last-out) or a column */
    /* Ratings of at least this are clicks, others are as if they were not there. NaN: they are ratings, unless there is
     * no column of ratings: then every row is a click (NaN). */
    double click;
} goss_ratings_options;
/* The order is random, everything else by name. */
GOSS_API goss_ratings_options goss_ratings_defaults(void);

/* Open ratings, in memory. */
typedef struct goss_ratings goss_ratings;

/* Whether a path is a folder with ratings.csv, or such a file; false if it cannot be read. */
GOSS_API bool goss_ratings_is(const char *path);
/* Opens ratings. Of several ratings of an item by one user the last in order counts. Errors: those of goss_table_open;
 * GOSS_E_ARGUMENT: a column that is missing, or no numbers; GOSS_E_FORMAT with file and line: an item that is missing,
 * or has two rows in the file of items. Owns: goss_ratings_close. */
GOSS_API GOSS_MUST_USE goss_status goss_ratings_open(const goss_ratings_options *options, goss_ratings **out,
                                                     goss_error *err);
/* Frees ratings; NULL is allowed. */
GOSS_API void goss_ratings_close(goss_ratings *ratings);
/* Users as tasks: names, order, division (goss_table_tasks_divide). Borrowed. */
GOSS_API const goss_table_tasks *goss_ratings_users(const goss_ratings *ratings);
/* The number of items that a user has rated. */
GOSS_API int goss_ratings_of(const goss_ratings *ratings, int user);
/* The number of rated items. */
GOSS_API int goss_ratings_items(const goss_ratings *ratings);
/* The number of ratings that a later one of the same user and item replaces. */
GOSS_API int goss_ratings_repeated(const goss_ratings *ratings);
/* The number of rows that are left out since they have no user or no rating. */
GOSS_API int goss_ratings_incomplete(const goss_ratings *ratings);
/* Whether they are clicks. */
GOSS_API bool goss_ratings_clicks(const goss_ratings *ratings);
/* The number of rows that are no clicks, since their rating is below goss_ratings_options.click. */
GOSS_API int goss_ratings_below(const goss_ratings *ratings);
/* The item of a sample number (goss_task.query_rows), 0 .. goss_ratings_items - 1. */
GOSS_API int goss_ratings_item(const goss_ratings *ratings, int row);
/* The name of a column; NULL: there is none (the time; of clicks the rating). Borrowed. */
GOSS_API const char *goss_ratings_column_name(const goss_ratings *ratings, goss_ratings_column which);
/* Hashes of a user's ratings, out [goss_ratings_of], by which models record what they have seen: item, rating and time,
 * or without time the user's name. */
GOSS_API void goss_ratings_hashes(const goss_ratings *ratings, int user, uint64_t *out);

/* ---- catalogues ---- */

/* What a model knows of items: immutable but for goss_catalogue_forget. */
typedef struct goss_catalogue goss_catalogue;

/* How a catalogue is fitted; defaults in brackets. */
typedef struct goss_catalogue_options {
    int factors;   /* of an item, at most: those that ratings do not support vanish (8) */
    int embedding; /* numbers of an item that a model learns along (goss_task_spec.items); 0: none (0) */
    const goss_objective *objective; /* without classes; NULL: squared error (NULL) */
    const char *metrics;         /* names, "mae, rmse"; the first is validated. NULL: those of the objective (NULL) */
    int support, most_support;   /* ratings of a new user, noted for those who apply the model (5, 20) */
    bool baselines;              /* fits what the baselines need, too (true) */
    bool neighbours;             /* with baselines: keeps the ratings, without names of users, for knn; not of more than
                                  four million (true) */
    int negatives;               /* of clicks: zeros for each click of a support set (4) */
    double click;                /* of clicks: goss_ratings_options.click, noted for those who apply the model (NaN) */
    uint64_t seed;               /* of the fit's draws (1) */
    const goss_table *described; /* a row per user, to which descriptors are fitted; NULL: none (NULL) */
    bool described_in_training;  /* they are for training alone: the text leaves them out (false) */
} goss_catalogue_options;
/* The defaults. */
GOSS_API goss_catalogue_options goss_catalogue_defaults(void);

/* Fits a catalogue to the ratings of users [n] (NULL: all). *inputs: NULL, or receives x [rows of the file, width] of
 * these users' ratings, each without itself (goss_text_free is not for it: goss_catalogue_inputs_free). Errors:
 * GOSS_E_ARGUMENT: ratings that are all the same; those of goss_descriptors_fit; GOSS_E_NOMEM. Owns:
 * goss_catalogue_free. */
GOSS_API GOSS_MUST_USE goss_status goss_catalogue_fit(const goss_ratings *ratings, const int32_t *users, int n,
                                                      const goss_catalogue_options *options, goss_catalogue **out,
                                                      float **inputs, goss_error *err);
/* Frees a catalogue; NULL is allowed. */
GOSS_API void goss_catalogue_free(goss_catalogue *c);
/* Frees the inputs of goss_catalogue_fit; NULL is allowed. */
GOSS_API void goss_catalogue_inputs_free(float *inputs);
/* A catalogue as text, for a model file: numbers in single precision. Errors: GOSS_E_NOMEM. Owns: *text,
 * goss_text_free. */
GOSS_API GOSS_MUST_USE goss_status goss_catalogue_text(const goss_catalogue *c, char **text, goss_error *err);
/* The catalogue from that text. Errors: GOSS_E_FORMAT: a damaged text, one that was cut off, or one of a later version;
 * GOSS_E_NOMEM. Owns: *out, goss_catalogue_free. */
GOSS_API GOSS_MUST_USE goss_status goss_catalogue_parse(const char *text, goss_catalogue **out, goss_error *err);

/* Forgets the ratings that are kept for knn, the ridge regressions and the descriptors: what is left is all that a
 * network of one user needs, and says nothing of single users. Threads: none may use c meanwhile. */
GOSS_API void goss_catalogue_forget(goss_catalogue *c);

/* The number of items, those that only the file of items has among them. */
GOSS_API int goss_catalogue_items(const goss_catalogue *c);
/* The length of an item's x: bias, logarithm of the number of ratings, factors, features, and with
 * goss_catalogue_options.embedding the item's number: 1 + its index, 0 for items that the catalogue lacks. */
GOSS_API int goss_catalogue_width(const goss_catalogue *c);
/* What goss_catalogue_find returns where no item has a name, or several have. */
#define GOSS_CATALOGUE_NONE (-1)
#define GOSS_CATALOGUE_SEVERAL (-2)
/* An item by its identifier, else by its name: goss_catalogue_named. */
GOSS_API int goss_catalogue_find(const goss_catalogue *c, const char *text);
/* An item by its name as people type it: without regard to case, accents, the place of the article ("Matrix, The",
 * "Boot, Das") and a year in brackets, unless both have one. A name that is the same counts before one that is so but
 * for blanks and signs, and that before one of several: "Seven" or "Se7en" is "Seven (a.k.a. Se7en) (1995)". */
GOSS_API int goss_catalogue_named(const goss_catalogue *c, const char *text);
/* The identifier of an item, as in the file of ratings. Borrowed. */
GOSS_API const char *goss_catalogue_id(const goss_catalogue *c, int item);
/* The name of an item for people, such as its title; the identifier if it has none. Borrowed. */
GOSS_API const char *goss_catalogue_name(const goss_catalogue *c, int item);
/* How often training users rated it. */
GOSS_API int goss_catalogue_count(const goss_catalogue *c, int item);
/* x of an item for a new user. Shapes: out [goss_catalogue_width]: numbers and factors standardized, features as they
 * are. */
GOSS_API void goss_catalogue_input(const goss_catalogue *c, int item, float *out);
/* How rows that describe users are encoded. Borrowed; NULL: users are known by their ratings alone. */
GOSS_API const goss_descriptors *goss_catalogue_descriptors(const goss_catalogue *c);
/* How alike two items are: the cosine of their factors and features, -1 to 1. */
GOSS_API double goss_catalogue_similarity(const goss_catalogue *c, int a, int b);
/* Whether it is of clicks, of ratings from which on (NaN: there were none), and how many zeros a support set has for
 * each click. click, negatives: may be NULL. */
GOSS_API bool goss_catalogue_clicks(const goss_catalogue *c, double *click, int *negatives);
/* The name of the column that holds what is asked for; NULL: there was none (the time). Borrowed. */
GOSS_API const char *goss_catalogue_column(const goss_catalogue *c, goss_ratings_column which);
/* The numbers of ratings in training (goss_catalogue_options). */
GOSS_API void goss_catalogue_support(const goss_catalogue *c, int *support, int *most_support);
/* The order of a user's ratings in training: "random", "first", "last" or a column. Borrowed. */
GOSS_API const char *goss_catalogue_order(const goss_catalogue *c);
/* The names of the metrics, as given in training (goss_catalogue_options.metrics), or the usual ones. Borrowed. */
GOSS_API const char *goss_catalogue_metrics(const goss_catalogue *c);
/* The objective that ratings are predicted by (goss_catalogue_options.objective). Static storage. */
GOSS_API const goss_objective *goss_catalogue_objective(const goss_catalogue *c);
/* The lowest and the highest of the ratings that it was fitted to; false: they are not known, as of clicks and in files
 * of earlier versions. */
GOSS_API bool goss_catalogue_range(const goss_catalogue *c, double *lowest, double *highest);
/* Whether one of these ratings is farther from their mean than ten deviations, *deviations: a rating of 5000 among
 * those of 1 to 5 is a mistake, or of another scale. */
GOSS_API bool goss_catalogue_outlier(const goss_catalogue *c, double *deviations);
/* Mean and deviation of the ratings. Borrowed. */
GOSS_API goss_target_scale goss_catalogue_scale(const goss_catalogue *c);

/* ---- task sources ---- */

/* What a source draws; defaults in brackets. */
typedef struct goss_ratings_source_options {
    const int32_t *users;      /* [n_users]; NULL: all */
    int n_users;               /* not read if users is NULL */
    int support, most_support; /* ratings of a support set: drawn between them (5, 0: always support); both 0: none */
    int queries;               /* at most; 0: all others (0) */
    bool shuffle;              /* users in an order of their own in each pass; else in turn (false) */
    int negatives;             /* of clicks: zeros for each click of a support set, and of queries if there are inputs;
                                  -1: the catalogue's (-1) */
    int candidates;            /* of clicks, without inputs: zeros among a task's queries; 0: all that there are (0) */
    const float *inputs;       /* x of each row, of users that the catalogue was fitted to; NULL: as for new users */
    const goss_table *described; /* the users' rows, of a catalogue with descriptors; NULL: tasks have none (NULL) */
    uint64_t seed;               /* of all draws (1) */
} goss_ratings_source_options;
/* The defaults. */
GOSS_API goss_ratings_source_options goss_ratings_source_defaults(void);
/* A source of users as tasks: draw k is a pure function of options and k. With an order, support sets are a user's
 * first ratings and queries later ones, else both are drawn. Of clicks, supports and queries are clicks first, then
 * zeros. Users with too few ratings are left out and counted in *skipped (may be NULL). Items that the catalogue lacks
 * are known by their features, if the file of items has them. Errors: GOSS_E_ARGUMENT: no user left, a user without a
 * row in `described`; GOSS_E_NOMEM. Owns: goss_task_source_free. Borrows ratings and inputs. */
GOSS_API GOSS_MUST_USE goss_status goss_ratings_source_open(const goss_ratings *ratings, const goss_catalogue *c,
                                                            const goss_ratings_source_options *options,
                                                            goss_task_source *out, int *skipped, goss_error *err);
/* The number of rated items that the catalogue lacks, *unknown, and of those among them without features, of which
 * nothing is known. Errors: GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_ratings_unknown(const goss_ratings *ratings, const goss_catalogue *c,
                                                        int *unknown, int *without_features, goss_error *err);

/* The number of ratings that are outside of goss_catalogue_range: those of another scale, as 1 to 10 for 1 to 5. */
GOSS_API int goss_ratings_outside(const goss_ratings *ratings, const goss_catalogue *c);

/* The ratings that one person gave, from a csv file with a column of items (or of their names) and, but for clicks, one
 * of ratings. Where clicks are ratings from some number on, and there is a column of them, lower ones are left out. In
 * a column as in training (movieId) items are called by identifiers or names, in one called title, name or film by
 * names alone: "300" is no identifier there. In any other (item, movie, book) numbers alone are identifiers, and of
 * texts names count first. */
typedef struct goss_person {
    int n;             /* ratings, or clicks */
    int32_t *item;     /* [n + zeros] in the catalogue */
    float *rating;     /* [n + zeros] 1 for a click */
    int zeros;         /* of clicks: items behind these that were drawn from those that are not among them */
    int repeated;      /* rows left out: clicks on items of rows before */
    int outside;       /* ratings outside of goss_catalogue_range */
    char *far;         /* these: line, rating and range of the first; NULL: none */
    int unknown;       /* rows left out: items that the catalogue lacks, or has several of that name */
    char *lacking;     /* these, with line and why, a line feed between each two; NULL: none */
    char *name;        /* in the model's column of users, the same in all rows; NULL: there is none */
    float *descriptor; /* [goss_descriptors_width] by goss_person_describe; NULL: none */
} goss_person;
/* Reads them. Errors: GOSS_E_ARGUMENT: a missing column, no known item, lines of several users; GOSS_E_FORMAT with file
 * and line: a rating that is no number or missing, an item rated twice (clicked on twice: it is once). Owns:
 * goss_person_free. */
GOSS_API GOSS_MUST_USE goss_status goss_person_open(const char *path, const goss_catalogue *c, goss_person *out,
                                                    goss_error *err);
/* Adds the descriptor, from a csv file with a row of the person's name, or with one row alone. A person without ratings
 * is {0}, of which this is all that is known. Errors: GOSS_E_ARGUMENT: a catalogue without descriptors, a missing
 * column, no row for the person, or several; those of goss_table_open. */
GOSS_API GOSS_MUST_USE goss_status goss_person_describe(goss_person *p, const goss_catalogue *c, const char *path,
                                                        goss_error *err);
/* Frees the arrays and clears the struct. */
GOSS_API void goss_person_free(goss_person *p);
/* A source whose only task is a person: the ratings are the support set, there are no queries; the descriptor, if there
 * is one, is the task's. Errors: GOSS_E_NOMEM. Owns: *out, goss_task_source_free. Borrows both. */
GOSS_API GOSS_MUST_USE goss_status goss_person_source(const goss_person *p, const goss_catalogue *c,
                                                      goss_task_source *out, goss_error *err);

/* ---- metrics ---- */

/* The most K of coverage@K in a list. */
#define GOSS_COVERAGES_MOST 4
/* The metrics of a list such as "ndcg@10, hit@10, coverage@10". Coverage is the share of all items that are among the
 * first K for somebody: no user has it alone. */
typedef struct goss_ratings_metrics {
    const goss_metric *metric[GOSS_METRICS_MOST]; /* of each user */
    int n;
    int coverage[GOSS_COVERAGES_MOST], coverages; /* K */
    char names[400];                              /* the list without coverage */
} goss_ratings_metrics;
/* Reads it. NULL, "": the objective's default alone. Errors: as goss_metrics_find; GOSS_E_ARGUMENT: coverage alone. */
GOSS_API GOSS_MUST_USE goss_status goss_ratings_metrics_find(const goss_objective *objective, const char *names,
                                                             goss_ratings_metrics *out, goss_error *err);
/* Marks the items of a task's first k answers, the earlier one of equal ones first. rows: goss_task.query_rows.
 * covered [goss_ratings_items]. */
GOSS_API void goss_ratings_cover(const goss_ratings *ratings, const goss_answers *answers, const int32_t *rows, int k,
                                 bool *covered);

/* ---- baselines ---- */

/* A method that needs no training of its own, a row of a table:
 *   item-mean  the item's damped mean plus the user's damped mean of what that leaves over
 *   popular    of clicks: the number of training users who clicked on the item, the same for everyone
 *   ridge      a ridge regression, per user, of what item biases leave over, on factors and features
 *   knn        what similar items of the user's leave over, weighted by shrunk correlations of the training ratings
 *              (Sarwar et al. 2001; Koren 2010)
 *   mf         folding-in: the posterior mean of the user's bias and factors in the catalogue's factorisation */
typedef struct goss_recommender {
    const char *name, *doc; /* "knn"; one line */
    bool neighbours;        /* it needs a catalogue that keeps ratings (goss_catalogue_options.neighbours) */
    bool clicks;            /* it needs one of clicks: its scores are no ratings */
} goss_recommender;
/* Row i of the table, from 0; NULL behind the last. Static storage. */
GOSS_API const goss_recommender *goss_recommender_at(int i);
/* The row of that name; NULL: none. Static storage. */
GOSS_API const goss_recommender *goss_recommender_find(const char *name);
/* Whether a catalogue has what a baseline needs. Errors: GOSS_E_ARGUMENT: it has not, and why. */
GOSS_API GOSS_MUST_USE goss_status goss_recommender_check(const goss_recommender *kind, const goss_catalogue *c,
                                                          goss_error *err);
/* Evaluates a baseline on draws 0 .. draws - 1 of a source of goss_ratings_source_open. Shapes: values [metrics,
 * draws]. seconds: NULL, or receives the time without drawing. Errors: GOSS_E_NOMEM; those of
 * goss_recommender_check. */
GOSS_API GOSS_MUST_USE goss_status goss_recommender_race(const goss_recommender *kind, const goss_ratings *ratings,
                                                         const goss_catalogue *c, const goss_task_source *source,
                                                         const goss_metric *const *metrics, int n_metrics,
                                                         int64_t draws, double *values, double *seconds,
                                                         goss_error *err);
/* The same, where the caller judges: hook receives the answers of each draw, in their order, on the calling thread.
 * Errors: as goss_recommender_race. */
GOSS_API GOSS_MUST_USE goss_status goss_recommender_answers(const goss_recommender *kind, const goss_ratings *ratings,
                                                            const goss_catalogue *c, const goss_task_source *source,
                                                            int64_t draws, goss_race_hook hook, double *seconds,
                                                            goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
