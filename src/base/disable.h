/* SPDX-License-Identifier: Apache-2.0 */
/* disable.h: the passes that GOSSAMER_DISABLE (names separated by commas) disables, to measure their effect.
 *
 * The environment is read when a graph is created (rewrite rules) and when a schedule is compiled (its passes), and
 * stored with them, so that planning, allocation and execution cannot disagree. This layer has the passes of the
 * schedule and the choices of kernels; others have their own tables of names (rewrite/rules.def), and goss__names_known
 * checks a list against all of them. */
#ifndef GOSS_BASE_DISABLE_H
#define GOSS_BASE_DISABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "gossamer/status.h"

#define GOSS__PASSES(X)                                                                                                \
    X(BATCH, "batch")                                                                                                  \
    X(BF16_PRODUCT, "bf16-product")                                                                                    \
    X(FUSE_ADD, "fuse-add")                                                                                            \
    X(FUSE_ADDEND, "fuse-addend")                                                                                      \
    X(FUSE_ALONG, "fuse-along")                                                                                        \
    X(FUSE_CHAIN, "fuse-chain")                                                                                        \
    X(FUSE_SUM, "fuse-sum")                                                                                            \
    X(IN_PLACE, "in-place")                                                                                            \
    X(REMATERIALISE, "rematerialise")                                                                                  \
    X(SINK, "sink")                                                                                                    \
    X(WINOGRAD, "winograd")

typedef enum goss__pass {
#define PASS(id, name) GOSS__PASS_##id,
    GOSS__PASSES(PASS)
#undef PASS
        GOSS__PASS_COUNT
} goss__pass;

/* A set of passes. */
typedef uint32_t goss__passes;
static inline bool goss__has_pass(goss__passes set, goss__pass pass) { return set >> pass & 1; }

/* The present value of the variable; NULL: not set. */
const char *goss__disabled(void);
/* Whether a list (NULL: empty) contains that name. */
bool goss__is_listed(const char *list, const char *name);
/* The passes among the names of a list. */
goss__passes goss__passes_in(const char *list);

/* A table of names: entry i, NULL behind the last. */
typedef const char *(*goss__name_table)(int i);
const char *goss__pass_name(int i);
/* Checks that each name of a list is in one of n tables; `source` names the list in the error. */
goss_status goss__names_known(const char *list, const char *source, const goss__name_table *tables, int n,
                              goss_error *err);
#endif
