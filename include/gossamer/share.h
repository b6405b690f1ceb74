/* SPDX-License-Identifier: Apache-2.0 */
/* share.h: weight sharing among tasks: each task has a network of the same target, and *sharing* defines what its
 * weights are composed of.
 *
 * Rules give for each tensor of the target a part or a sum of parts: "head.*=own; *=shared+own". For a tensor with P
 * numbers, N tasks, task t:
 *   shared          W, one for all tasks
 *   own             V_t, one for each
 *   dictionary K    sum_k c_tk D_k: codes c [N,K] a layer, K tensors D (GO-MTL, Kumar and Daume 2012)
 *   tensor_train R  sum over r_1 .. r_d of G1[i_1,r_1] G2[r_1,i_2,r_2] .. Gd[r_(d-1),i_d,r_d] c[t,r_d]: the tensor of
 *                   all tasks as a tensor train of rank R, with the task as its last axis (Yang and Hospedales 2017);
 *                   codes c [N,R] a layer
 *   routing K       sum_k g_tk B_k: K tensors, of which Gumbel-softmax gates g a task and layer choose one in training,
 *                   and mix afterwards (Rosenbaum et al. 2018, Maziarz et al. 2019)
 *   ordering K      sum_k p_tk B_k, p = softmax a task and layer; the K tensors are a bank that all tensors of the same
 *                   shape and name ("w") share, in whichever layer (soft layer ordering, Meyerson and Miikkulainen
 *                   2018)
 *   stitch          sum_u a_tu V_u: networks of the tasks' own, mixed by a matrix a [N,N] a layer that starts with .9
 *                   on the diagonal and .1 / (N - 1) elsewhere (cross-stitch, Misra et al. 2016)
 *   merged          (1 - m_t) V_t + m_t mean_u V_u, m_t in (0, 1) a task and layer, .5 at the start: as far as the same
 *                   level of several tasks is merged into one. A difference penalty on the parts V takes it to shared
 * Weights are mixed. For a layer x w + b this equals mixing the pre-activations of K layers; the papers of ordering and
 * stitch mix activations.
 *
 * The tensors of a layer ("conv1.w", "conv1.b": the name before the last dot) have common codes and gates. A sum is
 * initialised to its first part: later parts start at 0, with a nonzero gradient. All tasks start from the target's own
 * initial values, so that units of different tasks correspond; if codes mix several tensors, these are random (and
 * codes differ by a tenth), since equal ones would stay equal. Gates weight the parts of a sum per task and layer:
 * sum_p g_tp part_p.
 *
 * Threads: a goss_share is immutable and may be shared. */
#ifndef GOSSAMER_SHARE_H
#define GOSSAMER_SHARE_H

#include "gossamer/gate.h"
#include "gossamer/nn.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GOSS_SHARE_PARTS 4 /* of a sum, at most */

/* Settings of sharing; defaults in brackets. */
typedef struct goss_share_options {
    int64_t tasks;      /* N, at least 1 */
    const char *rules;  /* "PATTERN=PART[+PART...]; ...", the first pattern that matches wins; what none matches is
                          shared. NULL: those of the preset */
    const char *preset; /* goss_share_presets; NULL: "hard". Not with rules */
    int size;           /* K or R where a rule does not say (4) */
    const goss_gate_options *gates; /* of the parts of sums; NULL: none, parts are added as they are */
    double temperature;             /* of routing's gates and of ordering's softmax (1) */
    double anneal;                  /* what these temperatures, and that of gates, are multiplied by in the end (1) */
    int64_t anneal_steps;           /* steps of training on the way there: anneal^(step / anneal_steps) (1000) */
    bool hard;                      /* routing takes exactly one of its tensors, straight-through (false) */
    bool task_classes;              /* outputs mean something else in each task: a head must not be shared */
    /* With task_classes and a preset that says nothing of heads ("mean", "dictionary", "tensor_train"): each task has a
     * head of its own, unless the network is a head alone (true) */
    bool own_heads;
} goss_share_options;
/* The defaults; tasks must be set. */
GOSS_API goss_share_options goss_share_defaults(void);

/* A preset, rules with a name: "alone" (one network a task), "joint" (one for all), "hard" (shared but for the head),
 * "soft" (own, for a penalty to tie), "mean" (shared and an own deviation), "dictionary", "tensor_train", "routing",
 * "ordering", "stitch", "merged". */
typedef struct goss_share_preset {
    const char *name, *rules, *meaning;
} goss_share_preset;
/* All presets, [*n]. Static storage. */
GOSS_API const goss_share_preset *goss_share_presets(int *n);

/* The rules of a preset; rules may be NULL. Errors: GOSS_E_ARGUMENT names similar ones. */
GOSS_API GOSS_MUST_USE goss_status goss_share_preset_find(const char *name, const char **rules, goss_error *err);

/* Sharing of a target's weights among tasks. */
typedef struct goss_share goss_share;

/* Creates sharing for a target, which is borrowed; options are copied. Errors: GOSS_E_ARGUMENT: malformed rules, an
 * unknown preset, numbers out of range, gates without a sum; GOSS_E_UNSUPPORTED: a shared head with task_classes, batch
 * norm after weights that differ by task; GOSS_E_NOMEM. Owns: goss_share_free. */
GOSS_API GOSS_MUST_USE goss_status goss_share_create(const goss_target *target, const goss_share_options *options,
                                                     goss_share **out, goss_error *err);
/* Frees it; NULL is allowed. */
GOSS_API void goss_share_free(goss_share *s);
/* The target. Borrowed. */
GOSS_API const goss_target *goss_share_target(const goss_share *s);
/* The options. Borrowed. */
GOSS_API const goss_share_options *goss_share_settings(const goss_share *s);
/* The effective rules as text, from options or preset. Borrowed. */
GOSS_API const char *goss_share_rules(const goss_share *s);

/* The layout of the learned values, parameter "share": TENSOR.PART with a row per task ("conv1.w.own" [N, ...]), K
 * tensors ("conv1.w.dictionary" [K, ...]), cores ("conv1.w.train1"), codes per layer ("conv1.dictionary4" [N,K]), gates
 * per layer ("conv1.gates2" [N, parts]), banks ("bank4.3x3x8x8.w"). A part at a later position of a sum has its number
 * appended ("conv1.w.own2"). Weight decay acts on parts of tensors of role GOSS_ROLE_WEIGHT, not on codes and gates.
 * Borrowed. */
GOSS_API const goss_layout *goss_share_layout(const goss_share *s);
/* Initial values, out [goss_layout_total]. They depend on seed and names alone; the first part of each tensor is that
 * of goss_layout_initialize in the target's layout. */
GOSS_API void goss_share_initialize(const goss_share *s, uint64_t seed, float *out);

/* The tasks whose weights are built. */
typedef struct goss_share_tasks {
    goss_val id;    /* index [T]: numbers of tasks; GOSS_NONE: of a new task, the mean over all, [1, ...] */
    bool unknown;   /* some may be N, which stands for a new task */
    goss_val noise; /* index [T], ids of random streams: training; GOSS_NONE: gates without noise */
    goss_val heat;  /* rank 0: multiplies temperatures (goss_share_heat); GOSS_NONE: 1 */
} goss_share_tasks;

/* The tasks' weights, of the target's layout: [1, ...] for a tensor that is only shared, else [T, ...]. Those of a new
 * task are the mean over tasks. Publishes, if all tasks have ids: parts/P/TENSOR, part P = 1, 2, ... of each tensor
 * before gates, [T, ...] or [1, ...]; codes/LAYER [T, K], the coefficients of dictionary, tensor_train, routing,
 * ordering, stitch, [T, 1] the logits of m_t of merged; gates/LAYER [T, parts]. Returns NULL if memory is exhausted
 * (with a sticky error). Owns: goss_weights_free. */
GOSS_API goss_weights *goss_share_weights(const goss_share *s, goss_graph *g, const goss_share_tasks *tasks);

/* The factor of temperatures after `step` training steps (rank 0): anneal^min(1, step / anneal_steps); step GOSS_NONE:
 * the final one. Returns GOSS_NONE if temperatures are constant. */
GOSS_API goss_val goss_share_heat(const goss_share *s, goss_graph *g, goss_val step);

/* Whether the gates of a sum's parts are shares: whatever they are, those of a task and layer add up to 1. */
GOSS_API bool goss_share_gates_are_shares(const goss_share *s);
/* Whether an entry of goss_share_layout has mixing coefficients, that is codes or gates. */
GOSS_API bool goss_share_is_mixing(const goss_share *s, int entry);
/* The learned mixing coefficients of such an entry, out [N, K]: codes, or gates after their softmax or sigmoid, without
 * noise. values: [goss_layout_total of goss_share_layout]. */
GOSS_API void goss_share_mixing(const goss_share *s, int entry, const float *values, float *out);

#ifdef __cplusplus
}
#endif
#endif
