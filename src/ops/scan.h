/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h (private): the attributes of a scan, and building one from inside the library. */
#ifndef GOSS_OPS_SCAN_H
#define GOSS_OPS_SCAN_H

#include "gossamer/scan.h"
#include "graph/region.h"
#include "ops/ops.h"

/* A list of values outside and what they are inside. */
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
    uint32_t asked[GOSS__MAX_IN];   /* node of each emitted value as the caller knows it */
    uint32_t stacked[GOSS__MAX_IN]; /* when closed: of each emitted value, the node that is stacked or joined */
    bool joined;
    goss_val length; /* inside */
    bool ended;
    /* For goss__scan_close: a value to put in place of a node of the body; the invalid value: none. */
    goss_val (*instead)(void *ctx, uint32_t node);
    void *ctx;
    goss_val node;       /* the scan, when closed */
    const goss_val *map; /* of each node of the body as it was built: its place in the region; id 0: not needed */
};

/* A scan under way, NULL where memory is out; nothing is checked. */
goss_scan *goss__scan_open(goss_graph *outer, goss_extent steps, goss_extent length, int64_t reverse, int64_t keep);
goss_val goss__scan_add_carry(goss_scan *s, goss_val init);
goss_val goss__scan_add_slice(goss_scan *s, goss_val x, int64_t axis, int64_t piece);
goss_val goss__scan_add_const(goss_scan *s, goss_val a);
/* Makes the node with what the nexts and `roots` need. False: a sticky error of the outer graph. */
bool goss__scan_close(goss_scan *s, const goss_val *roots, int n_roots);
/* The same as a scan of segments of k steps, each a scan: of the forward steps a gradient reads the carries in front of
 * segments alone, and computes one segment after another again (scan_segments.c). */
bool goss__scan_close_segments(goss_scan *s, int64_t k);
/* Frees the body as it was built. */
void goss__scan_drop(goss_scan *s);
/* Results of a scan node. */
goss_val goss__scan_last(goss_val scan, int64_t carry);
goss_val goss__scan_stack(goss_val scan, uint32_t node, int64_t axis, bool join);
/* The axis along which a value of that shape is stacked where `axis` is wanted. */
static inline int64_t goss__scan_axis(goss_shape s, int64_t axis) { return axis < s.rank ? axis : s.rank; }

#endif
