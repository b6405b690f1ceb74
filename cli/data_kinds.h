/* SPDX-License-Identifier: Apache-2.0 */
/* data_kinds.h: the kinds of data: what each verb does with models, networks and files of a kind. The table is in
 * data_kinds.c; a further kind is a row there, the functions of that row, and its bit in the groups of the options that
 * it takes. */
#ifndef GOSS_CLI_DATA_KINDS_H
#define GOSS_CLI_DATA_KINDS_H

#include "cli.h"
#include "gossamer/episode.h"
#include "gossamer/model.h"
#include "inspect_table.h"

struct init_plan;

/* How the user's tables are read, where they are of any kind. Lists are those of goss_table_options. */
typedef struct any_table_view {
    const char *target; /* NULL: the last column */
    const char *missing, *categorical, *ignore;
    bool several; /* of several tables: a list may name columns that one of them lacks */
    /* The verb's options that take a target of numbers for classes, and for numbers. */
    const char *as_classes, *as_numbers;
} any_table_view;

/* Groups of options (cli_option.group): the kinds that have an option; 0: all have it. */
enum {
    KIND_IMAGES = 1,
    KIND_TABLES = 2,
    KIND_SOUNDS = 4,
    KIND_TEXTS = 8,
    KIND_RATINGS = 16,
    KIND_ANY_TABLE = 64,
    KINDS_ALL = (1 << 16) - 1
};
/* Those with episodes of classes. */
enum { KIND_CLASSES = KIND_IMAGES | KIND_SOUNDS | KIND_TEXTS };

/* Help of the options of any_table_view. */
#define ANY_TABLE_IGNORE "any table: columns that are not used"
#define ANY_TABLE_CATEGORICAL "any table: columns that are categories although they contain numbers"
#define ANY_TABLE_MISSING "any table: texts of missing values (NA,N/A,NaN,nan,?,null,NULL)"

/* gossamer eval. */
typedef struct eval_request {
    const char *data, *methods;
    int fine_tune, threads;
    uint64_t seed;
    bool json, allow_seen;
    goss_weight_precision precision; /* int8: the model's networks in 8 bits, too */
    /* tasks with a support set of a number of samples */
    const char *order, *tasks_file, *metric, *descriptors;
    int support, repeats;
    int most_queries; /* of ratings: of a user, at most; 0: all */
    int candidates;   /* of clicks: others that clicks are ranked among; 0: all, -1: 100 */
    /* whole tables */
    any_table_view table;
    const char *splits;
    double share;
    int most_rows, networks;
    bool distil;
    /* episodes of classes */
    goss_episode_spec episode;
    int episodes;
    const char *classes, *labels, *cache, *group; /* group: NULL: none */
    int unknown;                                  /* classes beside the ways, for telling that they are */
    bool unseen, skip_bad;
    /* networks whose structure is generated */
    const char *budgets, *structures, *plot;
    bool control, mean_budget;
} eval_request;

/* gossamer adapt. */
typedef struct adapt_request {
    const char *model, *support, *task, *labels, *descriptor, *out, *strengths, *objective;
    any_table_view table;
    goss_adapt_options o;
    bool skip_bad, distil, no_estimate;
} adapt_request;

/* gossamer predict. */
typedef struct predict_request {
    const char *network; /* its file */
    char **inputs;       /* files, folders, archives; "-": standard input */
    int n;
    const char *out; /* NULL: standard output */
    bool json;
    bool stream;          /* the input is a stream of samples */
    int rate;             /* of the stream; 0: the network's */
    int top, min_ratings; /* of ratings */
    int more;             /* tokens that continue a text; 0: none */
    double temperature;   /* of these */
    uint64_t seed;
} predict_request;

typedef struct cli_kind {
    const char *name;   /* goss_data_spec.kind */
    const char *things; /* "images": what messages call the samples */
    unsigned bit;       /* of its options */
    /* Takes the first model; words: the model files. Returns the exit status. Usage errors that depend on the kind exit
     * through cli_usage(verb). */
    int (*eval)(const eval_request *q, const cli_verb *verb, goss_model *first, char **words, int n);
    /* Tells on stderr what became of the support set. Owns: *out goss_network_free. */
    goss_status (*adapt)(const goss_model *m, const adapt_request *q, goss_network **out, goss_error *err);
    /* Returns the exit status; usage errors as in eval. NULL: networks are of another kind. */
    int (*predict)(const goss_network *n, const cli_verb *verb, const predict_request *q);
    /* Files and folders. */
    int (*inspect)(const char *path, const cli_table_view *view, bool json); /* NULL: inspect does not show them */
    goss_status (*init)(struct init_plan *p, goss_error *err);               /* NULL: init does not know them */
    bool alone; /* `eval NAME` evaluates methods that need no model */
} cli_kind;

/* The kind of a model's or network's data. Errors: GOSS_E_UNSUPPORTED: one that only the program that trained the model
 * can read; file: for the message. */
goss_status cli_kind_of(const goss_data_spec *data, const char *file, const cli_kind **out, goss_error *err);
/* The kind that is evaluated without a model, if `word` is its name and not a file; else NULL. */
const cli_kind *cli_kind_alone(const char *word);
/* The row of that name; NULL: none has it. */
const cli_kind *cli_kind_named(const char *name);
/* The kind of what is at a path (goss_train_data_kind). */
const cli_kind *cli_kind_at(const char *path);
/* Exits with a usage error if an option was given that `kind` does not have. file: the model's or network's. */
void cli_refuse_other_kinds(const cli_verb *verb, const cli_kind *kind, const char *file);

/* ---- the functions of the rows ---- */

int eval_images(const eval_request *q, const cli_verb *verb, goss_model *first, char **words, int n);
int eval_sounds(const eval_request *q, const cli_verb *verb, goss_model *first, char **words, int n);
int eval_ratings(const eval_request *q, const cli_verb *verb, goss_model *first, char **words, int n);
int eval_texts(const eval_request *q, const cli_verb *verb, goss_model *first, char **words, int n);
int eval_tables(const eval_request *q, const cli_verb *verb, goss_model *first, char **words, int n);
int eval_whole_tables(const eval_request *q, const cli_verb *verb, goss_model *first, char **words, int n);
goss_status adapt_images(const goss_model *m, const adapt_request *q, goss_network **out, goss_error *err);
goss_status adapt_any_table(const goss_model *m, const adapt_request *q, goss_network **out, goss_error *err);
goss_status adapt_sounds(const goss_model *m, const adapt_request *q, goss_network **out, goss_error *err);
goss_status adapt_texts(const goss_model *m, const adapt_request *q, goss_network **out, goss_error *err);
goss_status adapt_table(const goss_model *m, const adapt_request *q, goss_network **out, goss_error *err);
int predict_images(const goss_network *n, const cli_verb *verb, const predict_request *q);
int predict_sounds(const goss_network *n, const cli_verb *verb, const predict_request *q);
goss_status adapt_ratings(const goss_model *m, const adapt_request *q, goss_network **out, goss_error *err);
int inspect_ratings(const char *path, const cli_table_view *view, bool json);
int predict_ratings(const goss_network *n, const cli_verb *verb, const predict_request *q);
int predict_texts(const goss_network *n, const cli_verb *verb, const predict_request *q);
int predict_table(const goss_network *n, const cli_verb *verb, const predict_request *q);
#endif
