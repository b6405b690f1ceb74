/* SPDX-License-Identifier: Apache-2.0 */
/* program_loop.h: loops in programs: conversion of a scan's body to a region and back, and verification.
 *
 * A scan (kind "scan") has one region, whose first values are its arguments ("arg": carries, slices, constants, the
 * step), and whose outputs are the next carries, then what is stacked. The scan's results are the same: the carries
 * after the last step, then the stacks. */
#ifndef GOSS_IR_PROGRAM_LOOP_H
#define GOSS_IR_PROGRAM_LOOP_H

#include "graph/region.h"
#include "ir/program.h"
#include "ops/attrs.h"

/* Whether an operation is verified here instead of by its builder. */
static inline bool goss__is_of_loop(const goss__op *op) { return op == &goss__op_scan || op == &goss__op_arg; }
/* Verifies operands, attributes, region and result of such an operation. */
goss_status goss__verify_loop(const goss_program *p, int operation, goss_error *err);
/* Arguments of the region of that scan, and one for the step. */
static inline int goss__loop_arguments(const goss__scan_attr *a) {
    return (int)(a->carries + a->slices + a->consts) + 1;
}
#endif
