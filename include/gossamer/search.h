/* SPDX-License-Identifier: Apache-2.0 */
/* search.h: search of a network's structure with generated weights.
 *
 * The backbone of the configuration is a space (space.h), the data is one task with samples to train and to validate
 * on. N structures are drawn from the space (of a layer's units always the first ones), and each gets a score without
 * training:
 *
 *   smash    a hypernetwork is trained once over random structures of the space and generates weights from the encoding
 *            of a structure, its gates (Brock et al. 2018); the score is the validation metric of the network with
 *            those weights
 *   ghn      the same with a graph hypernetwork, which reads the graph of operations by message passing (Zhang, Ren and
 *            Urtasun 2019; Knyazev et al. 2021)
 *
 * The K best are trained from initial weights for train.steps each. Two baselines choose at equal cost, counted in
 * training steps of one network on one batch (a step of the hypernetwork over A structures counts A):
 *
 *   random   trains the first structures of the same draw for train.steps each (Li and Talwalkar 2019)
 *   halving  trains many for a few steps, keeps the best 1 / eta of them, goes on (Jamieson and Talwalkar 2016)
 *
 * No scored structure is among those that the hypernetworks were trained with, unless the space has hardly any others
 * within the limits, which is reported as a warning. Everything is a function of the
 * configuration and run.seed, for any number of threads. docs/search.md describes it and has results.
 *
 *     GOSS_TRY(goss_config_new(goss_search_keys(&n), n, &config, err));
 *     GOSS_TRY(goss_config_read(config, "mnist-search.ini", err));
 *     goss_search_options o = goss_search_defaults();
 *     GOSS_TRY(goss_search_open(config, &o, &search, err));
 *     GOSS_TRY(goss_search_run(search, err));
 *     GOSS_TRY(goss_search_write(search, "best.ini", err));
 *
 * Threads: a search belongs to one thread, besides those of its pool. */
#ifndef GOSSAMER_SEARCH_H
#define GOSSAMER_SEARCH_H

#include "gossamer/config.h"
#include "gossamer/objective.h"
#include "gossamer/space.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The keys of a training run and those of [search], for goss_config_new. Static storage. */
GOSS_API const goss_key *goss_search_keys(int *n);

/* How structures are chosen. */
typedef enum goss_search_method {
    GOSS_SEARCH_SMASH,
    GOSS_SEARCH_GHN,
    GOSS_SEARCH_RANDOM,
    GOSS_SEARCH_HALVING,
    GOSS_SEARCH_METHODS
} goss_search_method;
/* "smash", "ghn", "random", "halving". Static storage. */
GOSS_API const char *goss_search_method_name(goss_search_method m);

#define GOSS_SEARCH_STARTS 8 /* epochs at which starts are compared, at most */

/* What is searched; defaults in brackets. */
typedef struct goss_search_options {
    int trials;                        /* N, structures that are scored (100) */
    int train;                         /* K, of which the best are trained (10) */
    bool methods[GOSS_SEARCH_METHODS]; /* (smash, random, halving) */
    goss_space_budget budget;          /* of every structure that is drawn; 0: none (none) */
    int n_starts;                      /* compare generated weights as starting values with ordinary ones: (0) */
    double starts[GOSS_SEARCH_STARTS]; /* after so many epochs, ascending */
    void (*progress)(void *context, const char *what, int64_t done, int64_t all); /* may be NULL */
    void *context;
} goss_search_options;
/* The defaults. */
GOSS_API goss_search_options goss_search_defaults(void);
/* Reads a list of methods, "smash,random", into options->methods. Errors: GOSS_E_ARGUMENT lists the names; one that is
 * there twice. */
GOSS_API GOSS_MUST_USE goss_status goss_search_methods_parse(const char *text, goss_search_options *o, goss_error *err);

typedef struct goss_search goss_search;

/* Opens data and space, and checks everything that can be known before training. config: borrowed. Errors:
 * GOSS_E_ARGUMENT: a backbone that leaves nothing open, samples of more than one task, no samples to validate on, K
 * above N, a budget that no structure meets (with the smallest), settings that a search does not have; errors of
 * reading data. Owns: goss_search_free. */
GOSS_API GOSS_MUST_USE goss_status goss_search_open(const goss_config *config, const goss_search_options *options,
                                                    goss_search **out, goss_error *err);
/* Frees a search; NULL is allowed. */
GOSS_API void goss_search_free(goss_search *s);
/* Runs all of it, once. Errors: GOSS_E_NUMERIC: training that diverges; GOSS_E_ARGUMENT: it has run before; those of
 * compiling. */
GOSS_API GOSS_MUST_USE goss_status goss_search_run(goss_search *s, goss_error *err);

/* ---- what came of it ---- */

/* A structure that was drawn. */
typedef struct goss_search_network {
    const char *text;      /* of the network without its head */
    const char *structure; /* goss_space_write */
    goss_space_figures cost;
    double score[2];   /* with generated weights: SMASH, GHN; NaN: not asked */
    double validation; /* after train.steps from initial weights; NaN: it was not trained, or not to the end */
    double test;       /* the same on samples kept apart; NaN: there are none */
} goss_search_network;

/* What a method did. */
typedef struct goss_search_result {
    goss_search_method method;
    int64_t steps; /* its cost: training steps of one network */
    int trained;   /* networks that were trained, fully or in part */
    int best;      /* the one with the best validation, for goss_search_network_at */
    int drawn;     /* structures among which it chose */
} goss_search_result;

/* Kendall's tau-b between what is known before training and the metric after it, over fully trained networks. */
typedef struct goss_search_rank {
    const char *of;   /* "smash", "ghn", "bytes", "macs" */
    int n;            /* networks */
    double tau;       /* NaN: fewer than two, or all are tied */
    double low, high; /* 95 % interval (Fieller, Hartley and Pearson 1957); NaN: fewer than five networks */
} goss_search_rank;

/* Starting values compared: means over networks whose structures no hypernetwork was trained with. */
typedef struct goss_search_start {
    goss_search_method method; /* whose weights */
    double epochs;
    int networks;
    double generated, ordinary; /* validation metric */
    double difference, ci95;    /* generated - ordinary, paired; ci95: half its 95 % interval, NaN for one network */
} goss_search_start;

/* The space that structures are drawn from. */
GOSS_API const goss_space *goss_search_space(const goss_search *s);
/* The metric of validation and test, by which networks are ordered. */
GOSS_API const goss_metric *goss_search_metric(const goss_search *s);
/* The samples of the task to train, to validate and to test on. */
GOSS_API void goss_search_samples(const goss_search *s, int out[3]);
/* The steps that a network is trained for, train.steps. */
GOSS_API int64_t goss_search_steps(const goss_search *s);
/* The number of structures that were drawn: `trials`, or all that there are within the budget. */
GOSS_API int goss_search_drawn(const goss_search *s);
/* Results in the order of methods; NULL after the last. Borrowed, as everything below. */
GOSS_API const goss_search_result *goss_search_result_at(const goss_search *s, int i);
/* Networks: those that were trained by validation, the best first, those that halving stopped, the others in the order
 * of the draw; NULL after the last. */
GOSS_API const goss_search_network *goss_search_network_at(const goss_search *s, int i);
/* Rank correlations; NULL after the last. sample: over the networks of `random` alone, whose structures nothing has
 * chosen; else over all fully trained ones. */
GOSS_API const goss_search_rank *goss_search_rank_at(const goss_search *s, bool sample, int i);
/* Comparisons of starting values; NULL after the last. */
GOSS_API const goss_search_start *goss_search_start_at(const goss_search *s, int i);
/* The files that goss_search_write makes beside `path`: BASE.safetensors and, with smash or ghn,
 * BASE-start.safetensors, where path is BASE.ini. Errors: GOSS_E_ARGUMENT: another ending, or one of them is a file
 * that is read. */
GOSS_API GOSS_MUST_USE goss_status goss_search_check_output(const goss_search *s, const char *path, goss_error *err);
/* Writes the best network as the configuration of a training run, with its model as trained here, and a model of
 * generated weights to start from (train.start). Each file is written completely or not at all. Errors: as
 * goss_search_check_output; GOSS_E_IO; GOSS_E_NUMERIC: weights that are not finite; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_search_write(goss_search *s, const char *path, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
