/* SPDX-License-Identifier: Apache-2.0 */
/* hyper.h: the representation of a hypernetwork: the generator of each tensor, and the layout of its own weights.
 *
 * Each file has its additions to the layout (goss__hyper_plan_*) beside the graph builders that use them. */
#ifndef GOSS_HYPER_HYPER_H
#define GOSS_HYPER_HYPER_H

#include "gossamer/hyper.h"
#include "nn/nn.h"

#define GOSS__HYPER_EPS 1e-6

/* A generator and the number in its rule (rank, chunk), 0: none. */
typedef struct goss__choice {
    goss_generator kind;
    int number;
} goss__choice;

struct goss_hyper {
    const goss_target *target;
    goss_hyper_options options;
    char *rules;
    goss_layout *layout;
    goss__choice *choice;                 /* one per tensor of the target's layout */
    int site_layer[GOSS_HYPER_MAX_SITES]; /* goss_entry.layer of each modulation site */
    bool film[GOSS_HYPER_MAX_SITES];      /* whether the site is modulated */
    bool class_head, layers;              /* what is generated */
    int64_t own;                          /* numbers of a task's own tensors */
    int features, input;                  /* lengths of the target's embedding and input */
    int *node_of;                         /* options.node_of points here */
};

/* Parses the rules into choice, film, class_head and layers. */
goss_status goss__hyper_read_rules(goss_hyper *h, goss_error *err);
/* Refuses a combination, by its name. */
goss_status goss__hyper_refuse(const char *cell, goss_error *err);

/* Adds a tensor [rows, columns] (rows 0: [columns]) named by `fmt`. fan_in determines the variance of random values. */
goss_status goss__hyper_add(goss_hyper *h, int64_t rows, int64_t columns, goss_init init, int64_t fan_in,
                            goss_error *err, const char *fmt, ...) GOSS_PRINTF(7, 8);
goss_status goss__hyper_plan_code(goss_hyper *h, goss_error *err);
goss_status goss__hyper_plan_graph(goss_hyper *h, goss_error *err);
goss_status goss__hyper_plan_generators(goss_hyper *h, goss_error *err);
goss_status goss__hyper_plan_head(goss_hyper *h, goss_error *err);

/* A tensor of the hypernetwork's own weights, [1, ...]. */
goss_val goss__hyper_weight(const goss_weights *own, const char *fmt, ...) GOSS_PRINTF(2, 3);
/* x w + b with the tensors NAME.w and NAME.b. */
goss_val goss__hyper_linear(const goss_weights *own, const char *name, goss_val x);
/* unit(v): rows scaled to a mean square of 1. */
goss_val goss__hyper_unit(goss_val x);
/* Mean of x[T,W,D] over unmasked classes, [T,1,D]. class_mask may be GOSS_NONE. */
goss_val goss__hyper_average(goss_val x, goss_val weight);
/* Attention among x[T,W,D] with projections NAME.q, .k, .v [D, E]: [T,W,E]. */
goss_status goss__hyper_plan_attention(goss_hyper *h, const char *name, int64_t width, goss_error *err);
goss_val goss__hyper_attend(const goss_hyper *h, const goss_weights *own, const char *name, goss_val x,
                            goss_val class_mask);
/* Noise beside the support set, [T,Z] of constant norm; GOSS_NONE: disabled. */
goss_val goss__hyper_noise(const goss_hyper *h, goss_graph *g, const goss_condition *c);
/* States of the nodes [T,V,E] of a condition's graph, and what their mean tells, [T,E]; both GOSS_NONE: it has none. */
goss_val goss__hyper_graph(const goss_hyper *h, const goss_weights *own, const goss_condition *c, goss_val *mean);
/* The states of the layers' nodes, [T,L,E]; GOSS_NONE: layers have no nodes of their own. */
goss_val goss__hyper_of_layers(const goss_hyper *h, goss_val state);
/* The code [T,E] of a condition; *rows as goss_generated.rows; *nodes: states of a graph's nodes, or GOSS_NONE. */
goss_val goss__hyper_code(const goss_hyper *h, goss_graph *g, const goss_weights *own, const goss_condition *c,
                          goss_val *rows, goss_val *nodes);
#endif
