/* SPDX-License-Identifier: Apache-2.0 */
/* disable.h: what can be disabled by name, to measure its effect: GOSSAMER_DISABLE, names separated by commas.
 *
 * The environment is read when a graph is created (rewrite rules) and when a schedule is compiled (its passes), and
 * stored with them, so that planning, allocation and execution cannot disagree. This layer has the switches of the
 * schedule and of kernels; rewrite/rules.def has those of rules. "all" is a name of all of both. */
#ifndef GOSS_BASE_DISABLE_H
#define GOSS_BASE_DISABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossamer/status.h"

/* X(id, name, within, what). what: NULL: a pass of the schedule, whose row in schedule/passes.c says what it does; else
 * a choice within a pass, in an operation or at run time. within: the pass that makes the choice, whose name
 * disables it, too; NULL: none. */
#define GOSS__PASSES(X)                                                                                                \
    X(BATCH, "batch", NULL, "granularity.c: what packs or transforms shared weights computes a tile of units at once") \
    X(BF16_PRODUCT, "bf16-product", NULL, "bf16.c: products convert weights stored as bfloat16 a panel at a time")     \
    X(FUSE, "fuse", NULL, NULL)                                                                                        \
    X(FUSE_ADD, "fuse-add", "fuse", "fusion.c: a product under an addition as mul_add")                                \
    X(FUSE_ADDEND, "fuse-addend", "fuse", "fusion.c: an addend of a matrix product in its epilogue")                   \
    X(FUSE_ALONG, "fuse-along", NULL, "units.c: the index of a pool's largest taps and these taps in one pass")        \
    X(FUSE_CHAIN, "fuse-chain", NULL, "runtime/chain_fused.c: frequent chains as one loop over registers (fused.def)") \
    X(FUSE_SUM, "fuse-sum", "fuse", "fusion.c: sums of products and of squared deviations without materialising them") \
    X(IN_PLACE, "in-place", NULL, NULL)                                                                                \
    X(MERGE_COPIES, "merge-copies", NULL, NULL)                                                                        \
    X(ORDER, "order", NULL, NULL)                                                                                      \
    X(RANGES, "ranges", NULL, NULL)                                                                                    \
    X(REMATERIALISE, "rematerialise", NULL, "rematerialise.c: readers get copies of what costs less than its traffic") \
    X(SINK, "sink", NULL, NULL)                                                                                        \
    X(SLOTS, "slots", NULL, NULL)                                                                                      \
    X(SKIP_ZEROS, "skip-zeros", NULL,                                                                                  \
      "gemm_row.c: products with a vector skip the rows of the matrix whose factor is 0")                              \
    X(WINOGRAD, "winograd", NULL, "winograd.c: 3 x 3 convolutions by Winograd's transform")

typedef enum goss__pass {
#define PASS(id, name, within, what) GOSS__PASS_##id,
    GOSS__PASSES(PASS)
#undef PASS
        GOSS__PASS_COUNT
} goss__pass;

/* A set of passes. */
typedef uint32_t goss__passes;
static inline bool goss__has_pass(goss__passes set, goss__pass pass) { return set >> pass & 1; }

/* The present value of the variable; NULL: not set. */
const char *goss__disabled(void);
/* The next name of a list that *at points into, of n letters; *at moves past it. False: there is none. */
bool goss__name_next(const char **at, const char **name, size_t *n);
/* Whether those n letters are that name. */
bool goss__is_name(const char *known, const char *name, size_t n);
/* Whether a list (NULL: empty) contains that name, or "all". */
bool goss__is_listed(const char *list, const char *name);
/* Whether a list disables pass i: by its name, or by that of the pass that it is within. */
bool goss__pass_is_listed(const char *list, int i);
/* The passes that a list disables. */
goss__passes goss__passes_in(const char *list);

/* A table of names: entry i, NULL behind the last. */
typedef const char *(*goss__name_table)(int i);
/* Names and descriptions of GOSS__PASSES. */
const char *goss__pass_name(int i);
const char *goss__pass_what(int i);
bool goss__in_table(goss__name_table table, const char *name, size_t n);
/* Checks that each name of a list is in one of n tables, or "all"; `source` names the list in the error. */
goss_status goss__names_known(const char *list, const char *source, const goss__name_table *tables, int n,
                              goss_error *err);
#endif
