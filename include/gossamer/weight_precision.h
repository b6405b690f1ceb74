/* SPDX-License-Identifier: Apache-2.0 */
/* weight_precision.h: how the weights of a network are stored: as floats, or in 8 bits.
 *
 * Int8 is symmetric and by output channel. Of a weight w[..., out], column j of which makes output j of its product,
 *
 *     scale[j] = max(max over column j of |w|, 127 m) / 127       m: the smallest normal float
 *     code     = floor(w / scale[j] + 1/2)                        from -127 to 127
 *     w       ~= code scale[j]                                    off by at most half of the scale
 *
 * all in single precision. Storing what was stored changes nothing: codes and scales of code scale[j] are the same
 * bits, since some code of each column is 127 or -127, unless its scale is m (tests/test_weight_precision.c goes over
 * all fractions). Only the weights of products of two axes and more are stored so: biases, gains, shifts, statistics of
 * batch norms and learned positions are few, and stay floats.
 *
 *     GOSS_TRY(goss_model_adapt(model, support, &(goss_adapt_options){.precision = GOSS_WEIGHTS_INT8}, &n, err));
 *     GOSS_TRY(goss_network_save(n, "net", err));                     // codes and scales (docs/file-format.md)
 *
 * Networks are computed with the weights code scale[j] in single precision: what int8 saves is bytes.
 * Threads: all functions are pure. */
#ifndef GOSSAMER_WEIGHT_PRECISION_H
#define GOSSAMER_WEIGHT_PRECISION_H

#include "gossamer/nn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How weights are stored. */
typedef enum goss_weight_precision {
    GOSS_WEIGHTS_F32, /* single precision */
    GOSS_WEIGHTS_INT8 /* codes and scales as above */
} goss_weight_precision;

/* "f32" or "int8". Static storage. */
GOSS_API const char *goss_weight_precision_name(goss_weight_precision p);
/* The precision of that name. Errors: GOSS_E_ARGUMENT lists them. */
GOSS_API GOSS_MUST_USE goss_status goss_weight_precision_find(const char *name, goss_weight_precision *out,
                                                              goss_error *err);

/* The scales of a tensor as int8: its last extent; 0: it stays floats. */
GOSS_API int64_t goss_entry_scales(const goss_entry *e);
/* The bytes of a tensor's numbers: 4 a number; as int8 1, and 4 a scale. */
GOSS_API int64_t goss_entry_bytes(const goss_entry *e, goss_weight_precision p);
/* Codes [numel] and scales [goss_entry_scales] of a tensor's numbers w [numel], which must be finite. */
GOSS_API void goss_entry_quantize(const goss_entry *e, const float *w, int8_t *code, float *scale);
/* The numbers of codes and scales: w [numel], code times scale. */
GOSS_API void goss_entry_dequantize(const goss_entry *e, const int8_t *code, const float *scale, float *w);
/* The same round trip of a weight [Tw,...,out] in a graph. live: 0 where a number is not there and does not count for
 * its column's scale, in a shape that is broadcast to w's; GOSS_NONE: all are there. Has no gradient. Errors: sticky;
 * GOSS_E_SHAPE: fewer than three axes. */
GOSS_API goss_val goss_quantized(goss_val w, goss_val live);

#ifdef __cplusplus
}
#endif
#endif
