/* SPDX-License-Identifier: Apache-2.0 */
/* adapter.h: a model's program that adapts to support sets: compiled once for tasks up to a size. */
#ifndef GOSS_META_ADAPTER_H
#define GOSS_META_ADAPTER_H

#include "meta/model.h"
#include "meta/structure.h"
#include "task/task_pack.h"

typedef struct goss__adapter {
    const goss_model *model;
    int fine_tune, members, outputs;
    bool labelled_queries;
    goss__task_pack pack;
    goss_target *target; /* with a head */
    goss_space *space;   /* of that; NULL: no structures are generated */
    goss__planner planner;
    goss_schedule *schedule;
    goss_params *params;
    goss_exec *exec;
} goss__adapter;

/* For tasks of the model's data of up to most->supports samples and exactly most->outputs classes. */
goss_status goss__adapter_open(goss__adapter *a, const goss_model *model, const goss_task_spec *most,
                               const goss_adapt_options *options, goss_threads *threads, goss_error *err);
void goss__adapter_close(goss__adapter *a);
/* With structures: the network that was made last, which is the largest one, becomes that of its structure. */
goss_status goss__adapter_compact(const goss__adapter *a, goss_network *net, goss_error *err);
/* A network with room for what the adapter makes; its names are empty. */
goss_status goss__adapter_network(const goss__adapter *a, goss_network **out, goss_error *err);
/* Adapts to task k of a source. Errors: GOSS_E_ARGUMENT for one that is too large; GOSS_E_NUMERIC. */
goss_status goss__adapter_run(goss__adapter *a, const goss_task_source *source, uint64_t k, goss_network *net,
                              goss_error *err);

/* ---- adapt_auto.c ---- */
/* The number of gradient steps (options->fine_tune is not looked at) after which samples held out of the support set
 * are answered best; 0 where there are too few to hold any out. What was chosen goes to the log. */
goss_status goss__choose_fine_tune(const goss_model *m, const goss_task_source *source, uint64_t k,
                                   const goss_adapt_options *options, int *steps, goss_error *err);
#endif
