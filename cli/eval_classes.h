/* SPDX-License-Identifier: Apache-2.0 */
/* eval_classes.h: gossamer eval on episodes of classes of samples of any kind (gossamer/class_set.h): what a kind of
 * data provides, and what the files of this part of the verb share. */
#ifndef GOSS_EVAL_CLASSES_H
#define GOSS_EVAL_CLASSES_H

#include "data_kinds.h"
#include "eval_runners.h"
#include "gossamer/class_set.h"

/* Opens data as the samples of a model. */
typedef struct class_opener {
    const char *kind; /* goss_data_spec.kind */
    goss_status (*open)(const goss_model *m, const char *path, bool skip_bad, const goss_class_set **set, void **own,
                        goss_error *err);
    void (*close)(void *own); /* NULL is allowed */
} class_opener;

/* The verb for models of that kind. Takes the first model. Returns the exit status. */
int eval_classes_run(const class_opener *opener, const eval_request *q, const cli_verb *verb, goss_model *first,
                     char **words, int n);

/* ---- shared ---- */

/* Samples as some contenders see them; those of the first are the reference. */
typedef struct class_view {
    const char *transform; /* of a contender's model */
    const goss_class_set *set;
    void *own;
    goss_task_source source;
} class_view;

/* How sure a contender is of queries, for telling unknown classes: of the ways' queries and of unknown ones. */
typedef struct class_doubts {
    float *known, *unknown; /* how sure it is */
    bool *right;            /* [known] */
    int n_known, n_unknown;
    double accuracy; /* of the known ones at 5 % false accepts */
} class_doubts;

typedef struct eval_classes {
    const eval_request *q;
    const class_opener *opener;
    eval_runner runner[EVAL_MOST];
    int n;
    class_view view[EVAL_MOST];
    int views, group;                                    /* a field, or -1 */
    bool *use;                                           /* [samples] that are judged on */
    int samples, classes, seen, seen_classes, validated; /* of those in use */
    goss_class_scope scope;
    goss_score score[EVAL_MOST];
    double *each; /* [n, episodes] */
    int32_t *of;  /* [episodes] value of the group */
    class_doubts doubts[EVAL_MOST];
} eval_classes;

/* ---- eval_open_set.c ---- */
goss_status eval_doubts_new(eval_classes *e, goss_error *err);
void eval_doubts_free(eval_classes *e);
/* goss_evaluate_options.answered, context: eval_classes. */
void eval_doubts_take(void *context, int contender, int episode, const goss_answers *answers);
/* The accuracy at 5 % false accepts of each contender. */
void eval_doubts_judge(eval_classes *e);

/* ---- eval_classes_report.c ---- */
void eval_classes_print(const eval_classes *e);
void eval_classes_json(const eval_classes *e);
#endif
