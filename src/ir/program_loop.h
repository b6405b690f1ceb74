/* SPDX-License-Identifier: Apache-2.0 */
/* program_loop.h: loops in programs: conversion of a scan's body to a region and back, and verification.
 *
 * A scan (kind "scan") has one region and one result of rank 0 that only its results ("scan_result") read. The region's
 * first values are its arguments ("arg": carries, slices, constants, the step), its outputs the next carries; a
 * scan_result's index is a carry, or a value of the region. */
#ifndef GOSS_IR_PROGRAM_LOOP_H
#define GOSS_IR_PROGRAM_LOOP_H

#include "graph/region.h"
#include "ir/program.h"
#include "ops/attrs.h"

/* Whether an operation is verified here instead of by its builder. */
static inline bool goss__is_of_loop(const goss__op *op) {
    return op == &goss__op_scan || op == &goss__op_scan_result || op == &goss__op_arg;
}
/* Verifies operands, attributes, region and result of such an operation. */
goss_status goss__verify_loop(const goss_program *p, int operation, goss_error *err);
/* Arguments of the region of that scan, and one for the step. */
static inline int goss__loop_arguments(const goss__scan_attr *a) {
    return (int)(a->carries + a->slices + a->consts) + 1;
}
#endif
