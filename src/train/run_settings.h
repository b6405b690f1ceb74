/* SPDX-License-Identifier: Apache-2.0 */
/* run_settings.h: the settings of a training run, bound once from its configuration. Where a part of the library has a
 * struct of options, the keys go straight into it.
 *
 * To add a key: a member here (or one of those structs) and a row in run_keys.c, which says its type, unit, range,
 * default, help and member. Keys of [model], [method] and [hyper] are those of meta/settings.h. */
#ifndef GOSS_TRAIN_RUN_SETTINGS_H
#define GOSS_TRAIN_RUN_SETTINGS_H

#include "gossamer/config.h"
#include "gossamer/episode.h"
#include "gossamer/image_task.h"
#include "gossamer/optimizer.h"
#include "gossamer/prior.h"
#include "gossamer/recommend.h"
#include "gossamer/sound.h"
#include "gossamer/table_data.h"

/* data.kind, in the order of its choices. */
typedef enum goss__data_word {
    GOSS__DATA_AUTO,
    GOSS__DATA_IMAGES,
    GOSS__DATA_IDX,
    GOSS__DATA_TABLE,
    GOSS__DATA_ARRAYS,
    GOSS__DATA_PRIOR,
    GOSS__DATA_SOUND,
    GOSS__DATA_RATINGS,
    GOSS__DATA_SERIES,
    GOSS__DATA_TABLES
} goss__data_word;

typedef struct goss__run_settings {
    const goss_config *config; /* what it was read from; texts are borrowed from there */
    struct {
        goss__data_word kind;
        const char *path, *train_classes, *val_classes, *cache, *validate, *leave_out;
        double hold_out;
        int hold_out_alphabets;
    } data;
    goss_images_options images; /* all but split, cache_dir and stop */
    goss_image_tasks_options image_tasks;
    goss_table_data_options table;
    int window;                      /* of series, if data.kind says so: table.series */
    goss_prior_source_options prior; /* all but seed and regression, which run.seed and task.objective say */
    goss_sound_front sound;
    goss_sound_augment augment;
    goss_ratings_options ratings;     /* all but path and order */
    int factors, item_embedding;      /* of items: numbers that are fitted before, and learned along */
    int negatives, candidates;        /* of clicks */
    bool neighbours;                  /* ratings are kept for knn */
    goss_episode_spec train_episodes; /* all but min_shots, for which there is train.min_shots */
    goss_episode_spec validate_episodes;
    const char *metric;             /* task.metric */
    const goss_objective *quantile; /* of task.quantiles: table.objective, where that is one of quantiles */
    struct {
        const char *dir;
        uint64_t seed;
        int threads;
    } run;
    struct {
        const char *method, *start, *group;
        int64_t steps, log_every;
        double minutes, checkpoint_minutes, mixup;
        int tasks, micro_batch, min_shots;
    } train;
    goss_optimizer_options optimizer;
    goss_rate_schedule rate; /* all but smaller_better, which the metric says */
    const char *rates;       /* optimizer.rates: rates.c */
    struct {
        int64_t every, patience;
        int episodes;
    } validate;
} goss__run_settings;

/* Errors: a schedule of learning rates that cannot be; the configuration's. c outlives *out. */
goss_status goss__run_settings_read(const goss_config *c, goss__run_settings *out, goss_error *err);
#endif
