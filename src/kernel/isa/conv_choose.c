/* SPDX-License-Identifier: Apache-2.0 */
/* conv_choose.c: selecting the kernel of a convolution and its gradients, by the shape of one image alone, so that
 * results do not depend on the number of images. */
#include "kernel/conv_plan.h"
#include "kernel/isa/isa.h"

static bool is_empty(const goss__conv *c) {
    return c->n <= 0 || c->cin <= 0 || c->cout <= 0 || c->oh <= 0 || c->ow <= 0 || c->kh * c->kw <= 0 ||
           c->h * c->w <= 0;
}

static void clear(float *out, int64_t n) {
    if (n > 0) memset(out, 0, (size_t)n * sizeof(float));
}

static bool is_depthwise(const goss__conv *c) { return c->groups == c->cin && c->groups == c->cout && c->groups > 1; }

/* A 1 x 1 filter at stride 1 without padding is a matrix product over all pixels. */
static bool is_product(const goss__conv *c) {
    return c->kh * c->kw == 1 && c->stride_h == 1 && c->stride_w == 1 && c->groups == 1 && c->oh == c->h &&
           c->ow == c->w && c->pad_top == 0 && c->pad_left == 0;
}

/* out[pixels, n] = in[pixels, k] w, or times w' if w is stored [n, k]. */
static void pixel_product(const goss__conv *c, const float *in, int64_t k, const float *w, bool turned, float *out,
                          int64_t n, void *scratch) {
    goss__gemm g = {.m = c->n * c->h * c->w, .n = n, .k = k, .tb = turned, .lda = k, .ldb = c->cout, .ldc = n};
    g.all_rows = c->all_rows;
    g.a = in, g.b = w, g.c = out;
    GOSS_FN(gemm)(&g, scratch);
}

void GOSS_FN(conv)(const goss__conv *c, const float *x, const float *w, float *y, void *scratch) {
    if (is_empty(c))
        clear(y, c->n * c->oh * c->ow * c->cout);
    else if (is_depthwise(c))
        GOSS_FN(depthwise)(c, x, w, y);
    else if (is_product(c))
        pixel_product(c, x, c->cin, w, false, y, c->cout, scratch);
    else if (goss__winograd_wins(c))
        GOSS_FN(winograd)(c, x, w, y, scratch);
    else
        GOSS_FN(conv_direct)(c, x, w, y, scratch);
}

void GOSS_FN(conv_dx)(const goss__conv *c, const float *gy, const float *w, float *gx, void *scratch) {
    if (is_empty(c))
        clear(gx, c->n * c->h * c->w * c->cin);
    else if (is_depthwise(c))
        GOSS_FN(depthwise_dx)(c, gy, w, gx);
    else if (is_product(c))
        pixel_product(c, gy, c->cout, w, true, gx, c->cin, scratch);
    else if (goss__winograd_wins(c))
        GOSS_FN(winograd_dx)(c, gy, w, gx, scratch);
    else
        GOSS_FN(conv_direct_dx)(c, gy, w, gx, scratch);
}

void GOSS_FN(conv_dw)(const goss__conv *c, const float *x, const float *gy, float *gw, void *scratch) {
    if (is_empty(c))
        clear(gw, c->kh * c->kw * (c->cin / c->groups) * c->cout);
    else if (is_depthwise(c))
        GOSS_FN(depthwise_dw)(c, x, gy, gw);
    else if (goss__winograd_wins(c))
        GOSS_FN(winograd_dw)(c, x, gy, gw, scratch);
    else
        GOSS_FN(conv_direct_dw)(c, x, gy, gw, scratch);
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static size_t direct_scratch(const goss__conv *c) {
    const goss__conv_plan f = goss__conv_plan_forward(c), dx = goss__conv_plan_dx(c), dw = goss__conv_plan_dw(c);
    return larger(larger(goss__conv_plan_bytes(&f), goss__conv_plan_bytes(&dx)), goss__conv_plan_bytes(&dw));
}

static size_t winograd_scratch(const goss__conv *c) {
    const goss__winograd_plan f = goss__winograd_plan_forward(c), dx = goss__winograd_plan_dx(c),
                              dw = goss__winograd_plan_dw(c);
    return larger(larger(goss__winograd_plan_bytes(&f), goss__winograd_plan_bytes(&dx)),
                  goss__winograd_plan_bytes(&dw));
}

size_t GOSS_FN(conv_scratch)(const goss__conv *c) {
    if (is_empty(c) || is_depthwise(c)) return 0;
    if (goss__winograd_wins(c)) return winograd_scratch(c);
    size_t bytes = direct_scratch(c);
    if (is_product(c)) {
        const int64_t pixels = c->n * c->oh * c->ow;
        bytes = larger(bytes, GOSS_FN(gemm_scratch)(pixels, c->cout, c->cin, false, false));
        bytes = larger(bytes, GOSS_FN(gemm_scratch)(pixels, c->cin, c->cout, false, true));
    }
    return bytes;
}
