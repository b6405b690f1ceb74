/* SPDX-License-Identifier: Apache-2.0 */
/* space.h: spaces of target networks: a text with choices, the structures in it, what each costs, and how one becomes a
 * smaller network.
 *
 * A target network's text (nn.h) may leave choices open; docs/structure.md has the grammar:
 *
 *     conv 16..64/8 3|5 pad same; norm group 8; relu|gelu     32 to 64 channels, two kernel sizes, two activations
 *     optional { conv 16..64/8 3 pad same; norm group 8; relu }
 *     pool max|avg 2; pool global; head
 *
 * The goss_target of such a text is the *largest* network of the space: layouts, generators, modulation, sharing and
 * regularisers know nothing of choices. A structure is a vector of G gates: 1 what is used, 0 what is not. In a graph
 * gates may lie between (goss_target_context.structure): they multiply units, rings of kernels and columns, interpolate
 * optional layers with the identity, and mix alternatives. Gates form groups by what is chosen together:
 *
 *   GOSS_RULE_FREE     independent, at least `low` of them open: units, columns, one optional layer
 *   GOSS_RULE_NESTED   non-increasing, so that the number of open ones is chosen: rings of a kernel, `nested` units
 *   GOSS_RULE_ONE      exactly one is open (gates sum to 1): alternatives
 *
 * Costs are polynomials in the gates. At 0 and 1 they are exact: bytes are those of all tensors in the file of the
 * compacted network, as floats unless the space is of another precision (weight_precision.h); MACs are
 * multiply-accumulates of its products for one sample; RAM is the largest number of bytes of activations alive at once
 * for one sample, 4 a number, where layers run one after the other: products, pools and selected columns write to
 * memory of their own, other layers in place, and a residual body works on a copy of its input.
 *
 *     goss_space *s;
 *     GOSS_TRY(goss_space_create(target, &s, err));
 *     goss_val gates = goss_space_open(s, logits, &gate, &choice, batch.task);     // [T,G], logits [T,G]
 *     context.structure = gates;                                                   // goss_target_apply: masked
 *     goss_space_costs c = goss_space_cost(s, gates, ways);                        // differentiable
 *     ...
 *     GOSS_TRY(goss_space_project(s, priority, GOSS_SPACE_BY_PRIORITY, &(goss_space_budget){.bytes = 8192}, ways,
 *                                 structure, err));
 *     GOSS_TRY(goss_space_compact(s, structure, slab, statistics, &small, &small_slab, &small_statistics, err));
 *
 * Errors: what concerns a text or a structure is a status, what concerns a graph is the graph's sticky error.
 * Threads: a goss_space is immutable and may be shared. */
#ifndef GOSSAMER_SPACE_H
#define GOSSAMER_SPACE_H

#include "gossamer/gate.h"
#include "gossamer/weight_precision.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct goss_space goss_space;

/* The space of a target, which is its largest network; without choices G = 0 and there is one structure. A target with
 * a head and one without of the same text have the same gates. Borrows the target. Errors: GOSS_E_NOMEM. Owns:
 * goss_space_free. */
GOSS_API GOSS_MUST_USE goss_status goss_space_create(const goss_target *target, goss_space **out, goss_error *err);
/* The same, whose bytes are those of networks stored in that precision. Errors: GOSS_E_NOMEM. Owns: goss_space_free. */
GOSS_API GOSS_MUST_USE goss_status goss_space_create_stored(const goss_target *target, goss_weight_precision stored,
                                                            goss_space **out, goss_error *err);
/* Frees a space; NULL is allowed. */
GOSS_API void goss_space_free(goss_space *s);
/* The largest network; goss_target_text is the space's text. Borrowed. */
GOSS_API const goss_target *goss_space_target(const goss_space *s);

/* ---- gates ---- */

/* What a gate decides about. */
typedef enum goss_gate_of {
    GOSS_GATE_UNITS,  /* some units of a layer (channels, features), and of those that meet them in a sum; heads */
    GOSS_GATE_KERNEL, /* the outer ring of a kernel */
    GOSS_GATE_SKIP,   /* an optional part: 0: the identity in its place */
    GOSS_GATE_CHOICE, /* one of several parts */
    GOSS_GATE_COLUMN  /* a column of the input */
} goss_gate_of;

/* How the gates of a group depend on each other, as above. */
typedef enum goss_gate_rule { GOSS_RULE_FREE, GOSS_RULE_NESTED, GOSS_RULE_ONE } goss_gate_rule;

/* One gate. Names: "conv1.units[16..23]", "attention1.heads[2]", "conv1.kernel[5x5]", "optional1", "choice1.gelu",
 * "columns.3". */
typedef struct goss_space_gate_info {
    const char *name; /* borrowed */
    goss_gate_of of;
    int group;
} goss_space_gate_info;

/* Gates that are chosen together: `count` from `first` on. */
typedef struct goss_space_group_info {
    goss_gate_of of;
    goss_gate_rule rule;
    int first, count;
    int low; /* FREE: so many are open at least */
} goss_space_group_info;

/* G, the number of gates. */
GOSS_API int goss_space_gates(const goss_space *s);
/* Gate i, which must be in range. */
GOSS_API goss_space_gate_info goss_space_gate(const goss_space *s, int i);
/* The number of groups. */
GOSS_API int goss_space_groups(const goss_space *s);
/* Group i, which must be in range. */
GOSS_API goss_space_group_info goss_space_group(const goss_space *s, int i);

/* Gates [T,G] of logits [T,G], group by group: FREE by `gate`; NESTED by the running product of such gates; ONE by
 * `choice`, which is a softmax or a gumbel. noise: as in goss_gate. Errors: sticky; GOSS_E_ARGUMENT: a kind of gate
 * that does not fit, a space without gates. */
GOSS_API goss_val goss_space_open(const goss_space *s, goss_val logits, const goss_gate_options *gate,
                                  const goss_gate_options *choice, goss_val noise);

/* ---- structures: float [G] of 0 and 1 ---- */

/* Whether a vector is a structure of the space. Errors: GOSS_E_ARGUMENT names the gate and the rule. */
GOSS_API GOSS_MUST_USE goss_status goss_space_check(const goss_space *s, const float *structure, goss_error *err);
/* The largest network: everything open, of alternatives the one with most bytes. */
GOSS_API void goss_space_dearest(const goss_space *s, float *structure);
/* The network of fewest bytes, then MACs, then RAM. */
GOSS_API void goss_space_cheapest(const goss_space *s, float *structure);
/* Structure `index` of a random stream: for each group the number of open gates is uniform, then which ones.
 * Deterministic. */
GOSS_API void goss_space_random(const goss_space *s, uint64_t seed, uint64_t index, float *structure);
/* Log10 of the number of different networks; what only absent layers would have does not count. *exact: the number, if
 * it is below 2^53, else 0; may be NULL. */
GOSS_API double goss_space_size(const goss_space *s, double *exact);
/* A structure as text for files and tables: digits of 0 and 1, groups separated by '.'; "" without gates. Returns NULL
 * if memory is exhausted. Owns: goss_text_free. */
GOSS_API char *goss_space_write(const goss_space *s, const float *structure);
/* The inverse. Errors: GOSS_E_FORMAT: another number of gates or groups, other characters, no structure of the space.
 */
GOSS_API GOSS_MUST_USE goss_status goss_space_read(const goss_space *s, const char *text, float *structure,
                                                   goss_error *err);

/* ---- costs ----
 *
 * outputs: W, the classes of a head of as many outputs that is counted too; where the target has a head of its own,
 * that one counts and W is ignored. 0: without a head. */

/* What a structure costs. */
typedef struct goss_space_figures {
    int64_t bytes, macs, ram;
} goss_space_figures;
/* The same as values of a graph, [Tw] each. */
typedef struct goss_space_costs {
    goss_val bytes, macs, ram;
} goss_space_costs;

/* Costs of gates [Tw,G] anywhere between 0 and 1: products of live numbers, weighted by the gates of the parts they are
 * in; RAM is a maximum, whose gradient is that of its largest term. Errors: sticky. */
GOSS_API goss_space_costs goss_space_cost(const goss_space *s, goss_val gates, int64_t outputs);
/* Costs of a structure, exact. */
GOSS_API goss_space_figures goss_space_cost_of(const goss_space *s, const float *structure, int64_t outputs);

/* ---- projection ---- */

/* Limits; 0: none. */
typedef struct goss_space_budget {
    int64_t bytes, macs, ram;
} goss_space_budget;

/* By what goss_space_project orders gates. */
typedef enum goss_space_order {
    GOSS_SPACE_BY_PRIORITY, /* larger first, negative ones as well */
    GOSS_SPACE_BY_RATIO     /* gain by cost, larger first; gates without gain (<= 0) stay closed */
} goss_space_order;

/* The structure that opens gates by priority [G] within a budget: from the cheapest one on, gates are opened one by one
 * in that order, what does not fit is passed over (greedy knapsack; Dantzig 1957). A gate of a NESTED group follows its
 * predecessors and counts as the mean of the best run of gates from the first closed one on; of alternatives the best
 * one that fits is taken; gates of parts that are absent wait until their part is there. Cost, for BY_RATIO: the sum of
 * the limited figures' increases, each by its limit. -INFINITY: not opened unless a group needs it. Deterministic; of
 * equal priorities the first gate. The result is within the budget.
 * Errors: GOSS_E_ARGUMENT: no structure is within the budget; names the smallest that the space has; a priority that is
 * NaN. */
GOSS_API GOSS_MUST_USE goss_status goss_space_project(const goss_space *s, const float *priority,
                                                      goss_space_order order, const goss_space_budget *budget,
                                                      int64_t outputs, float *structure, goss_error *err);
/* Uniform shrinking: the largest share in [0, 1] such that the network with that share of every group's gates (the
 * first ones; of alternatives the first, or where that does not fit the cheapest) is within the budget; of groups whose
 * next gates are due at the same share beyond it, those of the first groups that fit. Errors: GOSS_E_ARGUMENT: no
 * structure is within the budget; names the smallest that the space has. */
GOSS_API GOSS_MUST_USE goss_status goss_space_shrink(const goss_space *s, const goss_space_budget *budget,
                                                     int64_t outputs, float *structure, goss_error *err);

/* ---- the smaller network ---- */

/* The network of a structure, without what is closed: units, rings of kernels, columns and parts are gone, weights
 * repacked. It computes the same as the largest network with the structure as gates, up to the order of sums: within
 * 1e-5 of the largest output in f32, unless norms of nearly constant channels amplify rounding. slab [P] and
 * statistics [S]: values of the largest network (FiLM folded, goss_instance_slab); either may be NULL, with its result.
 * Errors: those of goss_space_check. Owns: goss_target_free, goss_numbers_free. */
GOSS_API GOSS_MUST_USE goss_status goss_space_compact(const goss_space *s, const float *structure, const float *slab,
                                                      const float *statistics, goss_target **out, float **out_slab,
                                                      float **out_statistics, goss_error *err);

/* ---- the graph of operations ----
 *
 * What a structure computes as a graph, for networks that read networks (graph hypernetworks: Zhang, Ren and Urtasun
 * 2019): a node for the input, each layer of the text and the embedding at the end, V in all and the same for every
 * structure, and edges along which values flow in the network of a structure. A layer that is not there has no edges,
 * and residual sums have two. */

/* V. */
GOSS_API int goss_space_nodes(const goss_space *s);
/* The numbers that describe a node: whether it is there, its kind (one of all kinds of layers), and logarithms of live
 * units in front of it and behind it, taps of its kernel, stride, positions, and groups. */
GOSS_API int goss_space_node_numbers(const goss_space *s);
/* The node of the layer that goss_entry.layer numbers; 0, the input, if there is none. */
GOSS_API int goss_space_node_of(const goss_space *s, int layer);
/* The graph of a structure: nodes [V, goss_space_node_numbers], the first number 1 for those that are there, else a row
 * of zeros; edges [V, V], row v the shares (1 by their number) of the nodes whose values v reads. */
GOSS_API void goss_space_graph(const goss_space *s, const float *structure, float *nodes, float *edges);

/* ---- drawings ---- */

/* A structure as text for people, a line a layer of the space: what was kept of what, bytes and MACs; then the sums.
 * Returns NULL if memory is exhausted. Owns: goss_text_free. */
GOSS_API char *goss_space_draw(const goss_space *s, const float *structure, int64_t outputs);
/* The same as an SVG document. Returns NULL if memory is exhausted. Owns: goss_text_free. */
GOSS_API char *goss_space_draw_svg(const goss_space *s, const float *structure, int64_t outputs);

#ifdef __cplusplus
}
#endif
#endif
