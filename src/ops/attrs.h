/* SPDX-License-Identifier: Apache-2.0 */
/* attrs.h: the attribute structs of all operations (graph/attr.h); their field tables are in the operations' files. */
#ifndef GOSS_OPS_ATTRS_H
#define GOSS_OPS_ATTRS_H

#include "graph/attr.h"

/* const: a number; extent: a count as a number. */
typedef struct goss__const_attr {
    double value;
} goss__const_attr;
typedef struct goss__extent_attr {
    goss_extent extent;
} goss__extent_attr;

/* permute: axis i of the result is operand 0's axes.axis[i]. */
typedef struct goss__permute_attr {
    goss__axis_list axes;
} goss__permute_attr;
typedef struct goss__slice_attr {
    int64_t axis, start, count;
} goss__slice_attr;
/* pad: so many zeros in front and behind. */
typedef struct goss__pad_attr {
    int64_t axis, before, after;
} goss__pad_attr;
typedef struct goss__concat_attr {
    int64_t axis;
} goss__concat_attr;

/* sum, reduce_max and the fused sums of the schedule: the reduced axes, whose extents become 1. */
typedef struct goss__reduce_attr {
    int64_t axes; /* set */
} goss__reduce_attr;

/* matmul: whether an operand is stored transposed. */
typedef struct goss__matmul_attr {
    int64_t transpose_a, transpose_b; /* bool */
} goss__matmul_attr;

/* gram_root and lyapunov: s = (sigma^2 + eps^2)^(1/2). */
typedef struct goss__root_attr {
    double eps;
} goss__root_attr;

/* conv and its two gradients. The sizes of image and kernel determine the outputs of the gradients. */
typedef struct goss__conv_attr {
    int64_t stride_h, stride_w, dilation_h, dilation_w, groups;
    int64_t pad_top, pad_left, pad_bottom, pad_right;
    int64_t image_h, image_w, kernel_h, kernel_w;
} goss__conv_attr;

/* All pooling. The size of the image determines the outputs of the adjoints. */
typedef struct goss__pool_attr {
    int64_t size_h, size_w, stride_h, stride_w;
    int64_t pad_top, pad_left, pad_bottom, pad_right;
    int64_t image_h, image_w;
} goss__pool_attr;

/* random_uniform, random_normal: elements per sample, which the extents of a slice do not determine. */
typedef struct goss__random_attr {
    int64_t elements;
} goss__random_attr;

/* scan. Operands and the body's arguments: carries, slices, constants, in that order; the body's last argument is the
 * step. A slice is one position along its axis, or, if its piece is not 0, that many (padded with zeros at the end). */
typedef struct goss__scan_attr {
    int64_t carries, slices, consts;
    int64_t reverse; /* bool */
    int64_t keep;    /* bool: the gradient reads expensive values instead of rematerialising them */
    int64_t stride;  /* positions on the time axis per step: 1, or those of a piece */
    goss_extent steps;
    goss_extent length;         /* of the time axis of pieces */
    goss__int_list axis, piece; /* of the slices */
    /* Of results of all steps, in programs (in graphs they are nodes, added as they are asked for, and these lists are
     * empty): values are stacked along a new axis, or, if `join` is 1, pieces of `stride` positions of an axis that
     * they have are concatenated. */
    goss__byte_list y_axis, y_join;
} goss__scan_attr;

/* scan_result: LAST: carry `index` after the last step. STACK: node `index` of the body at each step, stacked along
 * `axis`. JOIN: the same for pieces, concatenated along `axis`. */
typedef enum goss__scan_kind { GOSS__SCAN_LAST, GOSS__SCAN_STACK, GOSS__SCAN_JOIN } goss__scan_kind;
typedef struct goss__scan_result_attr {
    int64_t kind, index, axis;
} goss__scan_result_attr;

/* widen (schedule/bf16.c): offset of the result in the parameter, in elements. */
typedef struct goss__widen_attr {
    int64_t offset;
} goss__widen_attr;

extern const goss__attrs goss__const_attrs, goss__extent_attrs, goss__permute_attrs, goss__slice_attrs, goss__pad_attrs,
    goss__concat_attrs, goss__reduce_attrs, goss__matmul_attrs, goss__root_attrs, goss__conv_attrs, goss__pool_attrs,
    goss__random_attrs, goss__scan_attrs, goss__scan_result_attrs, goss__widen_attrs;
#endif
