/* SPDX-License-Identifier: Apache-2.0 */
/* disable.h: what GOSSAMER_DISABLE (names with commas between) switches off, to measure what it is worth.
 *
 * The environment is read where a graph is begun and where a program is compiled, and what it said then is kept with
 * them: what is planned, allocated and run cannot come to differ. */
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
    X(REWRITE, "rewrite")                                                                                              \
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

/* Those that are switched off now. An error names what is no pass; without err that is passed over. */
goss_status goss__passes_off(goss__passes *out, goss_error *err);
/* Adds those of a list (NULL: none); an error says which `source` named what is no pass. */
goss_status goss__passes_add(goss__passes *set, const char *list, const char *source, goss_error *err);
#endif
