/* SPDX-License-Identifier: Apache-2.0 */
/* program_results.h: operations with several results, as nodes of a graph or a schedule, and back. */
#ifndef GOSS_IR_PROGRAM_RESULTS_H
#define GOSS_IR_PROGRAM_RESULTS_H

#include "ir/program.h"
#include "ops/attrs.h"

/* The shape of result k, or of the node (-1), as its operands have it: not of what a loop stacks. Of an operation that
 * was not verified it may be wrong, but is a shape. */
void goss__result_shape(const goss_program *p, const goss__operation *o, int k, goss_shape *out);

/* The node that selects a result. */
typedef struct goss__selector {
    const goss__op *op;
    const void *attr;            /* NULL, or of &loop */
    goss__scan_result_attr loop; /* index: of a carry, or of a value of the region */
} goss__selector;
/* That of result k. */
void goss__selector_of(const goss__operation *o, int k, goss__selector *s);

/* Replaces a program with a value for each node by the canonical one. On an error it is left as it is. */
goss_status goss__program_join(goss_program **p, goss_error *err);
#endif
