/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h (private): the internal interface for building scans. */
#ifndef GOSS_OPS_SCAN_H
#define GOSS_OPS_SCAN_H

#include "gossamer/scan.h"
#include "graph/region.h"
#include "ops/ops.h"

/* Outside values and their inside counterparts. */
typedef struct goss__scan_list {
    int n;
    goss_val outside[GOSS__MAX_IN], inside[GOSS__MAX_IN];
} goss__scan_list;

struct goss_scan {
    goss_graph *outer, *body;
    goss_scan_options options;
    goss__scan_attr attr;
    goss__scan_list carry, slice, constant;
    goss_val next[GOSS__MAX_IN], emitted[GOSS__MAX_IN], step;
    int n_emitted;
    uint32_t asked[GOSS__MAX_IN];   /* the caller's node of each emitted value */
    uint32_t stacked[GOSS__MAX_IN]; /* when closed: the stacked or joined node of each emitted value */
    bool joined;
    goss_val length; /* inside */
    bool ended;
    /* For goss__scan_close: the replacement of a node of the body; the invalid value: none. */
    goss_val (*instead)(void *ctx, uint32_t node);
    void *ctx;
    goss_val node;       /* the scan, when closed */
    const goss_val *map; /* of each node of the open body: its node in the region; id 0: dead */
};

/* Begins a scan, without checks; NULL: out of memory. */
goss_scan *goss__scan_open(goss_graph *outer, goss_extent steps, goss_extent length, int64_t reverse, int64_t keep);
goss_val goss__scan_add_carry(goss_scan *s, goss_val init);
goss_val goss__scan_add_slice(goss_scan *s, goss_val x, int64_t axis, int64_t piece);
goss_val goss__scan_add_const(goss_scan *s, goss_val a);
/* Creates the node with the part of the body that the next carries and `roots` need. False: a sticky error of the outer
 * graph. */
bool goss__scan_close(goss_scan *s, const goss_val *roots, int n_roots);
/* The same as a scan of segments of k steps, each a scan: a gradient reads the carries at the start of segments only
 * and rematerialises one segment after another (scan_segments.c). */
bool goss__scan_close_segments(goss_scan *s, int64_t k);
/* Frees the open body. */
void goss__scan_drop(goss_scan *s);
/* Results of a scan node. */
goss_val goss__scan_last(goss_val scan, int64_t carry);
goss_val goss__scan_stack(goss_val scan, uint32_t node, int64_t axis, bool join);
/* The stacking axis of a value of that shape, for a requested `axis`. */
static inline int64_t goss__scan_axis(goss_shape s, int64_t axis) { return axis < s.rank ? axis : s.rank; }

#endif
