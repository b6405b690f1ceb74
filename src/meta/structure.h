/* SPDX-License-Identifier: Apache-2.0 */
/* structure.h: structures inside: what a method has of a space (structure.c), how training opens gates
 * (structure_train.c), and how structures of tasks are chosen outside training (structure_plan.c). */
#ifndef GOSS_META_STRUCTURE_H
#define GOSS_META_STRUCTURE_H

#include "gossamer/exec.h"
#include "gossamer/structure.h"
#include "meta/method.h"
#include "task/task_pack.h"

/* Inputs of programs outside training: gates [T,G], budgets [T,1] from -1 to 1. */
#define GOSS__STRUCTURE_GATES "structure"
#define GOSS__STRUCTURE_BUDGET "budget"
/* The parameter [1] of training programs that says how far the training is, 0 to 1; set before each step. */
#define GOSS__STRUCTURE_PROGRESS "structure.progress"

/* The space of a method's target, and what is checked of it. */
goss_status goss__structure_setup(goss_method *m, goss_error *err);
/* The target's gates are chosen, for each task or for all. */
bool goss__structure_chooses(const goss_method *m);
/* A limit in bytes as the hypernetwork sees it: -1 low, 1 high; beyond them the nearer one. */
double goss__structure_scaled(const goss_method *m, int64_t bytes);
/* numbers [n] as a value [1, n]. */
goss_val goss__structure_row(goss_graph *g, const float *numbers, int n);

/* ---- structure_relevance.c ---- */
/* Numbers of each gate that its logit depends on. */
enum { GOSS__RELEVANCE_FEATURES = 4 };
/* Gates [T,G] of the pass over the support set that relevance is taken from: all open, alternatives in equal shares. A
 * differentiation variable. */
goss_val goss__structure_probe(const goss_method *m, const goss_task_batch *b, goss_graph *g);
/* Relevance [T,4 R,G] of gates in R groups, of embeddings [T,S,F] under the probe: of the fit and of the alignment,
 * standardised in its group, and by its root mean square over all gates; row k R + r is 0 but for gates of group r. Has
 * no gradient. */
goss_val goss__structure_relevance(const goss_method *m, const goss_task_batch *b, goss_val features, goss_val probe);

/* ---- structure_train.c ---- */
/* The budget that the code sees, [T,1]: of the solution; drawn in training; else the input. */
goss_val goss__structure_budget(const goss_method *m, const goss_task_batch *b, goss__solution *s);
/* The factor of what of logits is a task's own: GOSS_NONE, or rank 0. */
goss_val goss__structure_deviation_factor(const goss_method *m, const goss__solution *s);
/* The gates of a solution whose logits were generated become those of its network. */
void goss__structure_gates(const goss_method *m, const goss_task_batch *b, goss__solution *s);
/* Loss of a batch under generated structures and, with sandwich, the largest and the cheapest one; *score: of the
 * generated ones. The solution has begun. */
goss_val goss__structure_loss(const goss_method *m, const goss_task_batch *b, goss__solution *s, goss_val *score);

/* k of structure.h [G]: what a price weighs each gate by. */
goss_status goss__structure_price_weights(const goss_space *s, float *k, goss_error *err);

/* ---- structure_pool.c ---- */
/* A budget that holds for the mean over tasks: their logits, then one price for all. */
typedef struct goss__pool {
    const goss_space *space;
    int gates;
    float *weight, *scratch; /* [G], [2 G] */
    float *logits;           /* [tasks,G] */
    int *outputs;            /* [tasks] */
    int64_t tasks, capacity;
    double price;
} goss__pool;
goss_status goss__pool_init(goss__pool *p, const goss_space *s, goss_error *err);
void goss__pool_free(goss__pool *p);
goss_status goss__pool_add(goss__pool *p, const float *logits, const int *outputs, int tasks, goss_error *err);
/* The least price at which the mean of the tasks' bytes is within limit->bytes; the other limits hold for each network.
 * Errors: GOSS_E_ARGUMENT: the smallest networks are beyond it. */
goss_status goss__pool_settle(goss__pool *p, const goss_space_budget *limit, goss_error *err);
/* The structure of a task at that price. */
goss_status goss__pool_choose(const goss__pool *p, const float *logits, const goss_space_budget *limit, int outputs,
                              float *structure, goss_error *err);

/* ---- structure_log.c ---- */
/* Task t of the pack, draw `at` of an evaluation, got a structure [gates]. All but bytes. */
void goss__structure_log(goss_structure_log *log, int64_t at, const goss__task_pack *pack, int t,
                         const float *structure, int gates);

/* ---- structure_plan.c ---- */
/* Structures of batches of tasks: a program for what gates are ordered by, and between two runs goss_space_project. */
typedef struct goss__planner {
    const goss_method *method; /* NULL: its networks have no structures of their own */
    const goss_space *space;   /* the method's, or `own` */
    goss_space *own;           /* whose bytes are counted in another precision */
    double as_floats;          /* factor of its bytes: of the largest network as floats by its own */
    goss_structure_ask ask;
    goss_schedule *schedule; /* NULL: the source needs none */
    goss_exec *exec;
    int max_tasks, gates;
    int networks;           /* of an ensemble, which share a structure, and what is asked for */
    bool spread;            /* tasks in turn get budgets from `low` to `high`: for validation */
    bool pooled;            /* the budget holds for the mean over all tasks */
    goss__pool pool;        /* pooled */
    bool collecting;        /* MEAN, pooled: all tasks are looked at, and nothing is chosen yet */
    double *sum;            /* MEAN: [G] */
    double *first, *second; /* [G] sums of what tasks are ordered by, and of its squares */
    int64_t ordered;        /* tasks in them */
    int64_t summed, drawn;  /* tasks in it; tasks so far (RANDOM) */
    float *priority, *last; /* [tasks,G]; SHUFFLED: [G] of the last task of the batch before, once there is one */
    bool has_last;
    float *structure, *budget;      /* [tasks,G], [tasks,1]: inputs of the program that follows */
    goss_structure_figures figures; /* of all so far; sums in place of means */
} goss__planner;

/* ask: NULL: own structures within `high`. networks: of a task's ensemble, which keeps within its bytes and MACs as a
 * whole; 0: the method's. params: those of the program that follows, which receive the planner's. For methods without
 * structures the planner does nothing. */
goss_status goss__planner_init(goss__planner *p, const goss_method *m, const goss_structure_ask *ask, int networks,
                               int max_tasks, const goss_task_spec *spec, const char *bf16, goss_params *params,
                               goss_threads *threads, goss_error *err);
void goss__planner_free(goss__planner *p);
/* Chooses the structures of the tasks in the pack. Errors: GOSS_E_ARGUMENT: no structure is within the budget. */
goss_status goss__planner_run(goss__planner *p, const goss__task_pack *pack, goss_error *err);
/* MEAN, pooled: looks at draws 0 .. draws - 1 of the source before any structure is chosen; else does nothing. */
goss_status goss__planner_collect(goss__planner *p, goss__task_pack *pack, const goss_task_source *source,
                                  int64_t draws, goss_error *err);
/* What the structures chosen so far cost. */
goss_structure_figures goss__planner_figures(const goss__planner *p);
/* What task t of the batch got; NULL: nothing was chosen. */
const float *goss__planner_structure(const goss__planner *p, int t);
/* Binds them to a program that has the inputs above. */
goss_status goss__planner_bind(const goss__planner *p, goss_exec *exec, goss_error *err);
#endif
