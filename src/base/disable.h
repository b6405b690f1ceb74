/* SPDX-License-Identifier: Apache-2.0 */
/* disable.h: what GOSSAMER_DISABLE (names separated by commas) switches off, to measure what it is worth.
 *
 * The environment is read where a graph is created (rewrite rules) and where a schedule is compiled (its passes), and
 * what it said then is kept with them: what is planned, allocated and run cannot come to differ. This floor knows the
 * passes of the schedule and the choices of kernels; other floors have tables of names of their own
 * (rewrite/rules.def), and goss__names_known checks a list against all of them. */
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

/* What the environment lists now; NULL: nothing. */
const char *goss__disabled(void);
/* Whether the list (NULL: an empty one) holds that name. */
bool goss__is_listed(const char *list, const char *name);
/* The passes among the names of a list. */
goss__passes goss__passes_in(const char *list);

/* A table of names: that at i, NULL behind the last. */
typedef const char *(*goss__name_table)(int i);
const char *goss__pass_name(int i);
/* An error, which says which `source` held the list, unless each of its names is in one of n tables. */
goss_status goss__names_known(const char *list, const char *source, const goss__name_table *tables, int n,
                              goss_error *err);
#endif
