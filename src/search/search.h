/* SPDX-License-Identifier: Apache-2.0 */
/* search.h: a search inside: data as one task, a list of drawn structures, a network that is trained, and a
 * hypernetwork that scores structures. */
#ifndef GOSS_SEARCH_SEARCH_H
#define GOSS_SEARCH_SEARCH_H

#include "gossamer/search.h"
#include "meta/settings.h"
#include "train/run.h"

#define GOSS__SCORERS 2 /* GOSS_SEARCH_SMASH, GOSS_SEARCH_GHN */

/* ---- settings (search_keys.c) ---- */

typedef struct goss__search_settings {
    int64_t steps;
    int architectures, samples, rounds, rungs, start_networks;
    double rate, eta;
} goss__search_settings;

/* The keys of [search] alone, which are bound to them. */
const goss_key *goss__search_own_keys(int *n);

/* ---- samples (search_samples.c) ---- */

/* The samples of one part of the task in a random order. */
typedef struct goss__block {
    int n;
    float *x, *target, *weight;
} goss__block;

/* All queries of task 0 of a source. */
goss_status goss__block_read(const goss_task_source *source, uint64_t seed, goss__block *out, goss_error *err);
void goss__block_free(goss__block *b);

/* Judges what a program answers to the first `count` samples of a block, several networks side by side. The program's
 * output 0 is [T,Q,W]. */
typedef struct goss__assessor {
    const goss__block *block;
    int count, next; /* next: first sample of the chunk that is drawn */
    const goss_metric *metric;
    goss_task_source source; /* draws that chunk for every task */
    goss__task_pack pack;
    float *output;  /* [tasks, count, width] */
    float *scratch; /* of the metric */
} goss__assessor;

/* spec: of the training source; symbols' maxima are those of a->source.spec, which programs are built for. */
goss_status goss__assessor_init(goss__assessor *a, const goss__block *block, int count, const goss_task_spec *spec,
                                const goss_metric *metric, int tasks, goss_error *err);
void goss__assessor_free(goss__assessor *a);
/* out [tasks]: NaN where an answer is not finite. */
goss_status goss__assess(goss__assessor *a, goss_exec *exec, int tasks, double *out, goss_error *err);

/* ---- structures (search_draw.c) ---- */

typedef struct goss__trial {
    float *structure;
    goss_space_figures cost;
    double score[GOSS__SCORERS];
    double partial;          /* halving: the metric after its last rung */
    double validation, test; /* fully trained; NaN: not */
    bool started, trained;   /* trained in part, fully */
    char *text, *key;        /* of the network without its head; goss_space_write */
} goss__trial;

struct goss_search {
    goss_search_options o;
    goss__search_settings own;
    const goss_config *config; /* as given */
    goss_config *plain;        /* the settings of a training run */
    goss__run_settings set;    /* bound to it */
    goss__method_settings method;
    goss_threads *threads;
    goss__run_data data;
    goss__block validation, test; /* test.n 0: none */
    int train_samples;
    goss_target *whole, *bare; /* the space's largest network with its head, and without */
    goss_space *space;         /* of `whole` */
    goss_space *bare_space;
    goss__trial *trial;
    int n_trials, room;
    int drawn;            /* of --trials */
    uint64_t stream;      /* number of the next random structure */
    bool exhausted;       /* nothing else was found within the limits */
    goss__assessor judge; /* one network on the validation samples */
    goss__assessor final; /* the same on the test samples */
    goss_search_result result[GOSS_SEARCH_METHODS];
    int n_results;
    goss_search_network *network; /* started ones by validation */
    int *order;                   /* trial of each network */
    int n_networks;
    goss_search_rank rank[2][GOSS__SCORERS + 2];
    int n_ranks[2];
    goss_search_start start[2 * GOSS_SEARCH_STARTS];
    int n_starts;
    struct goss__scorer *scorer[GOSS__SCORERS];
    float *best_slab; /* of the best network, as its model has it */
    int64_t best_size;
    int winner; /* trial that best_slab is of, -1: none yet */
};

/* Draws until there are n different structures within the limits, or no more are found. */
goss_status goss__search_draw(goss_search *s, int n, goss_error *err);
/* Whether a structure is among the drawn ones. */
bool goss__search_knows(const goss_search *s, const float *structure);
/* A random structure within the limits; false: none was found. */
bool goss__search_random(const goss_search *s, uint64_t seed, uint64_t number, float *structure);
/* The text of a trial's network, once. */
goss_status goss__trial_name(goss_search *s, goss__trial *t, goss_error *err);
/* Whether metric a is better than b; NaN never is. */
bool goss__search_better(const goss_search *s, double a, double b);

/* ---- a network that is trained from initial weights (search_network.c) ---- */

typedef struct goss__net {
    goss_search *s;
    goss_model *model;
    goss_step *step;
    goss__task_pack pack;
    int64_t done;  /* steps */
    bool diverged; /* the last step was not finite: its answers are none */
} goss__net;

goss_status goss__net_open(goss_search *s, const goss__trial *t, goss__net *out, goss_error *err);
void goss__net_free(goss__net *n);
/* Trains up to step `to`, at the rates of a training of `all` steps. */
goss_status goss__net_train(goss__net *n, int64_t to, int64_t all, goss_error *err);
goss_status goss__net_validate(goss__net *n, double *out, goss_error *err);
goss_status goss__net_test(goss__net *n, double *out, goss_error *err);
/* The state of training: [goss__net_size]. */
size_t goss__net_size(const goss__net *n);
void goss__net_keep(const goss__net *n, float *out);
void goss__net_restore(goss__net *n, const float *from, int64_t done);
/* Replaces the network's values by those of its own target's slab [P] with a head. */
goss_status goss__net_begin_at(goss__net *n, const goss_target *small, const float *slab, goss_error *err);
/* The weights, or their moving average, into the model. */
void goss__net_export(goss__net *n);

/* ---- a hypernetwork over the space (search_scorer.c) ---- */

typedef struct goss__scorer goss__scorer;
goss_status goss__scorer_new(goss_search *s, goss_search_method kind, goss__scorer **out, goss_error *err);
void goss__scorer_free(goss__scorer *h);
/* Trains it on random structures, none of which was drawn. */
goss_status goss__scorer_train(goss__scorer *h, goss_error *err);
/* Scores of all drawn structures that have none. */
goss_status goss__scorer_score(goss__scorer *h, goss_error *err);
/* The smaller network of a structure with generated weights. Owns: goss_target_free, goss_numbers_free. */
goss_status goss__scorer_weights(goss__scorer *h, const float *structure, goss_target **small, float **slab,
                                 goss_error *err);

/* ---- methods (search_methods.c, search_starts.c), correlations (search_rank.c) ---- */

goss_status goss__search_methods(goss_search *s, goss_error *err);
goss_status goss__search_starts(goss_search *s, goss_error *err);
/* Tau-b of two lists. */
double goss__kendall(const double *a, const double *b, int n);
goss_status goss__search_ranks(goss_search *s, goss_error *err);
void goss__search_tell(const goss_search *s, const char *what, int64_t done, int64_t all);
#endif
