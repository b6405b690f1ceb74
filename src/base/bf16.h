/* SPDX-License-Identifier: Apache-2.0 */
/* bf16.h: bfloat16, the upper half of a float: a storage format; arithmetic is in float. */
#ifndef GOSS_BASE_BF16_H
#define GOSS_BASE_BF16_H

#include <stdint.h>
#include <string.h>

static inline float goss__from_bf16(uint16_t half) {
    const uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Rounds to nearest, ties to even; NaN stays NaN. */
static inline uint16_t goss__to_bf16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
#endif
