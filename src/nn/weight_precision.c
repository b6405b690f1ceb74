/* SPDX-License-Identifier: Apache-2.0 */
/* weight_precision.c: weights as 8-bit codes with a scale a column, on numbers and as values of a graph. Both round in
 * the same steps of single precision, so that an evaluation sees the numbers that a file holds. */
#include "gossamer/weight_precision.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const float most = 127;

static const char *const names[] = {[GOSS_WEIGHTS_F32] = "f32", [GOSS_WEIGHTS_INT8] = "int8"};
enum { PRECISIONS = sizeof names / sizeof *names };

const char *goss_weight_precision_name(goss_weight_precision p) { return names[p]; }

goss_status goss_weight_precision_find(const char *name, goss_weight_precision *out, goss_error *err) {
    for (int i = 0; i < PRECISIONS; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (goss_weight_precision)i;
            return GOSS_OK;
        }
    return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.40s\" is no precision: f32 or int8", name);
}

int64_t goss_entry_scales(const goss_entry *e) {
    return e->role == GOSS_ROLE_WEIGHT && e->rank >= 2 ? e->dim[e->rank - 1] : 0;
}

int64_t goss_entry_bytes(const goss_entry *e, goss_weight_precision p) {
    const int64_t scales = p == GOSS_WEIGHTS_INT8 ? goss_entry_scales(e) : 0, number = sizeof(float);
    return scales ? e->numel + number * scales : number * e->numel;
}

void goss_entry_quantize(const goss_entry *e, const float *w, int8_t *code, float *scale) {
    const int64_t n = goss_entry_scales(e);
    for (int64_t j = 0; j < n; j++) scale[j] = 0;
    for (int64_t i = 0; i < e->numel; i++) scale[i % n] = fmaxf(scale[i % n], fabsf(w[i]));
    for (int64_t j = 0; j < n; j++) scale[j] = fmaxf(scale[j] / most, FLT_MIN);
    for (int64_t i = 0; i < e->numel; i++) code[i] = (int8_t)floorf(w[i] / scale[i % n] + 0.5f);
}

void goss_entry_dequantize(const goss_entry *e, const int8_t *code, const float *scale, float *w) {
    const int64_t n = goss_entry_scales(e);
    for (int64_t i = 0; i < e->numel; i++) w[i] = (float)code[i] * scale[i % n];
}

goss_val goss_quantized(goss_val w, goss_val live) {
    if (!goss_valid(w)) return w;
    const int rank = goss_rank(w);
    if (rank < 3)
        return goss_graph_fail(w.graph, GOSS_E_SHAPE, "int8: a weight of %d axes beside that of tasks", rank - 1);
    const uint32_t column = ((1u << (rank - 1)) - 1) & ~1u; /* all but tasks and outputs */
    w = goss_detach(w);
    const goss_val size = goss_abs(goss_valid(live) ? goss_mul(w, live) : w);
    goss_val scale = goss_div(goss_reduce_max(size, column, true), goss_const(w.graph, (double)most));
    scale = goss_max(scale, goss_const(w.graph, (double)FLT_MIN));
    return goss_mul(goss_floor(goss_shift(goss_div(w, scale), 0.5)), scale);
}
