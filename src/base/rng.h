/* SPDX-License-Identifier: Apache-2.0 */
/* rng.h: Philox4x32-10, counter based (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
 *
 * A draw is a pure function of (key, counter), so that there is no state to save and no dependence on the number of
 * threads. goss__rng is a sequential view of one stream for host code. */
#ifndef GOSS_BASE_RNG_H
#define GOSS_BASE_RNG_H

#include <stdint.h>

/* Ten rounds; out gets four independent 32-bit words. */
void goss__philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

typedef struct goss__rng {
    uint64_t seed, stream, position; /* the whole state: position counts 32-bit words drawn and may be set */
    uint64_t cached;                 /* 1 + the number of the block below; 0: none */
    uint32_t block[4];
} goss__rng;

goss__rng goss__rng_make(uint64_t seed, uint64_t stream);
uint32_t goss__rng_u32(goss__rng *r);
uint32_t goss__rng_below(goss__rng *r, uint32_t n); /* unbiased, 0 <= result < n; n >= 1 */
double goss__rng_uniform(goss__rng *r);             /* [0, 1), 53 bits */
double goss__rng_normal(goss__rng *r);              /* mean 0, variance 1 (Box-Muller) */
/* Fisher-Yates over the first k places: afterwards v[0..k) is a uniform draw without replacement from v[0..n). */
void goss__rng_shuffle(goss__rng *r, uint32_t *v, uint32_t n, uint32_t k);
/* A 64-bit hash of bytes, for deriving stream numbers from names (FNV-1a with a final mix). */
uint64_t goss__hash64(const void *data, uint64_t n, uint64_t seed);
#endif
