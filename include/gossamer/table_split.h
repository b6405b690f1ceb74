/* SPDX-License-Identifier: Apache-2.0 */
/* table_split.h: random divisions of the rows of one table into a support set, which a method sees, and queries, which
 * it predicts: the protocol of gossamer eval tables, and of the scripts that judge other libraries on the same rows
 * (--splits).
 *
 *     goss_table_split_options o = {.share = 0.5, .seed = 1};
 *     for (o.repeat = 0; o.repeat < 5; o.repeat++)                    // five divisions
 *         GOSS_TRY(goss_table_split(&o, of, classes, n, support, &n_support, query, &n_query, err));
 *
 * Division r of a seed is the same for every method, share of the rows and limit alone decide about its sizes, and the
 * queries do not depend on the limit: so that results with 50 and with 500 support rows are of the same queries, and
 * differences of methods are paired.
 *
 * Threads: the functions are pure, and may be called by any number of threads. */
#ifndef GOSSAMER_TABLE_SPLIT_H
#define GOSSAMER_TABLE_SPLIT_H

#include <stdint.h>

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How rows are divided. */
typedef struct goss_table_split_options {
    double share;  /* of the rows that are in the support set, between 0 and 1; 0.5 is two halves */
    int most_rows; /* of the support set; 0: any number. Queries are the same ones as without this limit */
    uint64_t seed; /* of all divisions */
    int repeat;    /* which of the divisions of that seed, from 0 */
} goss_table_split_options;

/* Divides rows 0 .. n - 1. With classes (of each row, 0 .. classes - 1) each class is divided by itself, to the
 * nearest row, with at least one row on both sides where it has two; a single row is support. A limit on the support
 * set shrinks the classes in proportion; each keeps a row as long as there is room for one of each. Without classes
 * (of NULL) all rows are divided at random.
 * Shapes: support [n] and query [n] receive rows in random order, *n_support and *n_query their numbers. A pure
 * function of its arguments. Errors: GOSS_E_ARGUMENT: a share that is not between 0 and 1, fewer than two rows, no
 * queries left; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_table_split(const goss_table_split_options *options, const int32_t *of,
                                                    int classes, int n, int32_t *support, int *n_support,
                                                    int32_t *query, int *n_query, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
