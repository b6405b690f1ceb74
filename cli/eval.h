/* SPDX-License-Identifier: Apache-2.0 */
/* eval.h: shared by the files of gossamer eval. */
#ifndef GOSS_EVAL_H
#define GOSS_EVAL_H

#include "cli.h"
#include "eval_runners.h"
#include "structure_rows.h"
#include "structures.h"

/* Images in the format of some contenders; those of the first are the reference. */
typedef struct eval_view {
    goss_image_format format;
    goss_images *set;
    goss_class_list list;
    goss_sampler *sampler;
} eval_view;

typedef struct eval {
    const char *data, *labels, *classes, *methods, *cache;
    const char *budget_list, *structures, *plot;
    bool control, mean_budget;
    double difficulty[CLI_BUDGETS]; /* mean_budget: correlation of bytes with it */
    double *bytes, *each;           /* of the first runner, [episodes]; [EVAL_MOST, episodes]; where wanted */
    cli_budgets budgets;
    cli_structure_rows rows;          /* of the model's own networks */
    cli_variety variety[CLI_BUDGETS]; /* by budget */
    bool allow_seen, unseen, skip_bad, json;
    int episodes, threads, fine_tune;
    goss_weight_precision precision;
    goss_episode_spec spec;
    eval_runner runner[EVAL_MOST];
    int n;
    eval_view view[EVAL_MOST];
    int views;
    int images, classes_judged;                      /* in the evaluated classes */
    int seen_images, seen_classes, validated_images; /* of these: seen by any contender */
    int least_ways, most_ways;                       /* as drawn */
} eval;

/* ---- eval_data.c ---- */
/* Opens the images for every contender, determines which ones were seen, refuses or excludes these, and creates the
 * samplers. */
goss_status eval_open(eval *e, goss_error *err);
void eval_close(eval *e);

/* ---- eval_report.c ---- */
void eval_print_table(const eval *e, const goss_score *scores);
void eval_print_json(const eval *e, const goss_score *scores);
/* The same for each budget: scores [budgets][EVAL_MOST]. */
void eval_print_budgets(const eval *e, goss_score (*scores)[EVAL_MOST]);
void eval_print_budgets_json(const eval *e, goss_score (*scores)[EVAL_MOST]);
#endif
