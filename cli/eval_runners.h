/* SPDX-License-Identifier: Apache-2.0 */
/* eval_runners.h: the methods of gossamer eval on episodes of classes, of whatever samples. */
#ifndef GOSS_EVAL_RUNNERS_H
#define GOSS_EVAL_RUNNERS_H

#include "cli.h"
#include "gossamer/evaluate.h"
#include "structures.h"

enum { EVAL_MOST = 32 };

typedef struct eval_runner {
    char *name;
    char *weights;     /* their origin, for the report */
    bool file;         /* weights is a separate file */
    bool derived;      /* name is a method on what the first one has learned */
    goss_model *model; /* owned, unless it is the first one's */
    int fine_tune;
    goss_weight_precision precision;
    bool structured; /* its networks have structures, generated or as `source` says */
    goss_structure_source source;
    int view;
    goss_overlap trained, validated; /* with the evaluated classes */
} eval_runner;

/* The model, with gradient steps too if fine_tune > 0, both in 8 bits too if precision says so, with structures of
 * other tasks if `control`, each within the budget if that is one of the mean, and the methods of a list "A,B=FILE"
 * (NULL: none). Takes the model. Shapes: runner [EVAL_MOST], zero. Owns: eval_free_runners, of what an error leaves,
 * too. */
goss_status eval_gather(eval_runner *runner, int *n, goss_model *m, const char *path, const char *methods,
                        int fine_tune, goss_weight_precision precision, bool control, bool mean_budget,
                        goss_error *err);
/* Derives the methods on what a model with structures has learned anew, in networks within a budget. ways: the most of
 * a task. */
goss_status eval_runners_within(eval_runner *runner, int n, int64_t bytes, int ways, goss_error *err);
void eval_free_runners(eval_runner *runner);
#endif
