/* SPDX-License-Identifier: Apache-2.0 */
/* eval.h: what the files of gossamer eval share. */
#ifndef GOSS_EVAL_H
#define GOSS_EVAL_H

#include "cli.h"
#include "gossamer/evaluate.h"

enum { EVAL_MOST = 32 };

/* The images as some of the contenders want them. The first one's are what the others are compared with. */
typedef struct eval_view {
    goss_image_format format;
    goss_images *set;
    goss_class_list list;
    goss_sampler *sampler;
} eval_view;

typedef struct eval_runner {
    char *name;
    char *weights;     /* where they come from, for the report */
    bool file;         /* weights is a file of its own */
    goss_model *model; /* owned, but where it is the first one's */
    int fine_tune;
    int view;
    goss_overlap trained, validated; /* with the classes to judge on */
} eval_runner;

typedef struct eval {
    const char *data, *labels, *classes, *methods, *cache;
    bool allow_seen, unseen, skip_bad, json;
    int episodes, threads, fine_tune;
    goss_episode_spec spec;
    eval_runner runner[EVAL_MOST];
    int n;
    eval_view view[EVAL_MOST];
    int views;
    int images, classes_judged;                      /* in the classes to judge on */
    int seen_images, seen_classes, validated_images; /* of them: seen by any of the contenders */
    int least_ways, most_ways;                       /* as they were drawn */
} eval;

/* ---- eval_data.c ---- */
/* Opens the images for every contender, finds out what they have seen of them, refuses that or leaves it out, and makes
 * the samplers. */
goss_status eval_open(eval *e, goss_error *err);
void eval_close(eval *e);

/* ---- eval_report.c ---- */
void eval_print_table(const eval *e, const goss_score *scores);
void eval_print_json(const eval *e, const goss_score *scores);
#endif
