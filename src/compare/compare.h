/* SPDX-License-Identifier: Apache-2.0 */
/* compare.h: a comparison inside. */
#ifndef GOSS_COMPARE_COMPARE_H
#define GOSS_COMPARE_COMPARE_H

#include <stdint.h>

#include "gossamer/compare.h"
#include "train/trial.h"

enum { GOSS__STRENGTHS_MOST = 32, GOSS__ROW_NAME = 160 };

/* ---- settings ---- */

/* "section.key = value" with its line in the file; 0: from the command line or a table of this floor. */
typedef struct goss__setting {
    char *key, *value;
    int line;
} goss__setting;

typedef struct goss__settings {
    goss__setting *v;
    int n, room;
} goss__settings;
GOSS_MUST_USE goss_status goss__settings_put(goss__settings *s, const char *key, const char *value, int line,
                                             goss_error *err);            /* replaces one of that key */
const char *goss__settings_get(const goss__settings *s, const char *key); /* NULL: not there */
void goss__settings_free(goss__settings *s);

/* A model or a part of a regulariser: what it sets. "{strength}" in a value stands for the strength that is tried. */
typedef struct goss__variant {
    char *name;
    goss__settings set;
    double strength[GOSS__STRENGTHS_MOST]; /* that are tried, as many as compare.strengths */
    bool searches;                         /* some value has {strength} */
    bool plain;                            /* ties nothing: no structure between tasks */
    bool early;                            /* its rows stop early, independently of compare.early */
} goss__variant;

/* The placeholder. */
#define GOSS__STRENGTH "{strength}"

/* ---- closed forms ---- */

typedef struct goss__closed_form {
    const char *name;
    bool plain;
    goss_status (*fit)(const goss_config *search, const goss_config *refit, const goss__noises *noises,
                       goss__trial *out, double *strength, goss_error *err);
} goss__closed_form;
const goss__closed_form *goss__closed_form_find(const char *name); /* NULL: none of that name */
/* Everything that a closed form needs of a cell's run is there. */
GOSS_MUST_USE goss_status goss__closed_look(const goss_config *c, goss_error *err);
extern const char goss__closed_forms[]; /* "mean-ridge, ridge, pooled-ridge" */

/* ---- rows and cells ---- */

enum { GOSS__PARTS = 8 };

typedef struct goss__row {
    char *name, *regularizer;
    const goss__variant *model;
    const goss__variant *part[GOSS__PARTS]; /* of the regulariser */
    int parts;
    const goss__closed_form *closed; /* then there is no model */
    int tries;                       /* strengths, at least 1 */
    bool early;                      /* as many steps as the best validation; else all */
    bool plain;                      /* no structure between tasks */
} goss__row;

/* The keys of [compare]. Texts are borrowed from the configuration. */
typedef struct goss__compare_settings {
    const char *models, *regularizers, *strengths, *closed, *noise, *ranks, *dir;
    int seeds, folds, jobs;
    bool early;
} goss__compare_settings;

struct goss_compare {
    char *path;
    goss_config *own; /* [compare] */
    goss__compare_settings set;
    goss__settings base;     /* of all rows */
    goss__settings sections; /* regularizer.NAME.*, model.NAME.*, compare.NAME.* */
    goss__variant *variant[256];
    int variants;
    double strength[GOSS__STRENGTHS_MOST];
    int strengths;
    goss__noises noises; /* of compare.noise */
    goss__ranks ranks;   /* of compare.ranks */
    goss__row *row;
    int rows, rows_room;
    int seeds, folds; /* folds 1: none */
    double split[3];
};

typedef struct goss__cell {
    const goss__row *row;
    int seed, fold; /* both from 1 */
} goss__cell;
goss__cell goss__cell_at(const goss_compare *c, int i);

/* ---- compare_variants.c ---- */
/* The model or the part of that name; parts beside each other are made once. */
GOSS_MUST_USE goss_status goss__variant_model(goss_compare *c, const char *name, const goss__variant **out,
                                              goss_error *err);
GOSS_MUST_USE goss_status goss__variant_part(goss_compare *c, const char *name, const goss__variant **out,
                                             goss_error *err);
void goss__variant_free(goss__variant *v);

/* ---- cell_config.c ---- */
/* The run of a cell that tries the i-th strength: on training samples, or (refit) on those and validation samples. */
GOSS_MUST_USE goss_status goss__cell_config(const goss_compare *c, const goss__cell *cell, int i, bool refit,
                                            goss_config **out, goss_error *err);
/* Of everything that a cell's result depends on but the data. */
GOSS_MUST_USE goss_status goss__cell_hash(const goss_compare *c, const goss__cell *cell, uint64_t *out,
                                          goss_error *err);

/* ---- compare_cell.c ---- */
typedef struct goss__try {
    double strength, validation, seconds;
    int64_t step;
} goss__try;

typedef struct goss__result {
    goss__try tried[GOSS__STRENGTHS_MOST];
    int tries, best;
    double strength; /* that was chosen; NaN: none to choose */
    int64_t step;
    double validation, explained, seconds;
    double noisy[GOSS__NOISES]; /* of the comparison's noises */
    double rank[GOSS__RANKS];   /* of the comparison's ranks; NaN: the row's model publishes none of them */
    uint64_t settings, data;    /* hashes */
    bool stale;                 /* of goss__result_read: the file has a result of other settings */
    const goss_metric *metric;
    int tasks;
    char **task;   /* [tasks] */
    double *value; /* [tasks] */
} goss__result;
void goss__result_free(goss__result *r);
/* The metric of that name, of any objective; NULL: there is none. */
const goss_metric *goss__metric_named(const char *name);
/* Trains and evaluates. Finished tries are read from their files. */
GOSS_MUST_USE goss_status goss__cell_run(const goss_compare *c, const goss__cell *cell,
                                         const volatile sig_atomic_t *stop, goss_error *err);
/* Opens everything that the cell will need. */
GOSS_MUST_USE goss_status goss__cell_look(const goss_compare *c, const goss__cell *cell, goss_error *err);

/* Whether all results and tries of the draw are of its data as it is now. */
GOSS_MUST_USE goss_status goss__draw_check(const goss_compare *c, int seed, int fold, goss_error *err);

/* ---- compare_result.c ---- */
/* `found` false: there is no result, or one of other settings. Errors: GOSS_E_FORMAT for a damaged one. */
GOSS_MUST_USE goss_status goss__result_read(const goss_compare *c, const goss__cell *cell, goss__result *out,
                                            bool *found, goss_error *err);
GOSS_MUST_USE goss_status goss__result_write(const goss_compare *c, const goss__cell *cell, const goss__result *r,
                                             goss_error *err);
/* The error of a result of other data, metric or tasks. */
goss_status goss__result_differs(const goss_compare *c, const goss__cell *cell, const char *what, goss_error *err);
/* The same of the tries so far: r->tried. */
GOSS_MUST_USE goss_status goss__tries_read(const goss_compare *c, const goss__cell *cell, goss__result *r,
                                           goss_error *err);
GOSS_MUST_USE goss_status goss__tries_write(const goss_compare *c, const goss__cell *cell, const goss__result *r,
                                            goss_error *err);

/* ---- compare_workers.c ---- */
/* Runs jobs 0 .. n-1 in processes of their own, `most` at a time. job: in the child; whatever it logs as a warning and
 * its error come back. ended: in this process. Errors: GOSS_E_INTERRUPTED once all children have ended; GOSS_E_IO. */
typedef struct goss__work {
    int n, most;
    goss_status (*job)(void *context, int i, goss_error *err);
    void (*ended)(void *context, int i, goss_status status, const char *text, const char *warnings);
    void *context;
    const volatile sig_atomic_t *stop;
} goss__work;
GOSS_MUST_USE goss_status goss__work_run(const goss__work *w, goss_error *err);

/* ---- verdict.c ---- */
/* In words: what beats what beyond its interval. goss_text_free. NULL: no memory. */
char *goss__verdict(const goss_compare *c, const goss_comparison *s);
/* The best row with results that ties no tasks (plain), or of those that do; closed forms apart. -1: there is none. */
int goss__best_row(const goss_compare *c, const goss_comparison *s, bool plain);
/* Row a against row b; NULL: they are not compared. */
const goss_compare_difference *goss__difference_of(const goss_comparison *s, int a, int b);
#endif
