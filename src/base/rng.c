/* SPDX-License-Identifier: Apache-2.0 */
/* rng.c: Philox4x32-10 (Salmon et al. 2011) and a sequential view of one of its streams. */
#include <math.h>

#include "base/rng.h"

void goss__philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1, c3 = (uint32_t)p0, c0 = n0, c2 = n2;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

goss__rng goss__rng_make(uint64_t seed, uint64_t stream) { return (goss__rng){.seed = seed, .stream = stream}; }

uint32_t goss__rng_u32(goss__rng *r) {
    uint64_t block = r->position / 4;
    if (r->cached != block + 1) {
        const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)r->stream,
                                     (uint32_t)(r->stream >> 32)};
        const uint32_t key[2] = {(uint32_t)r->seed, (uint32_t)(r->seed >> 32)};
        goss__philox(counter, key, r->block);
        r->cached = block + 1;
    }
    return r->block[r->position++ % 4];
}

/* Lemire 2019: a multiplication, and a rejection only in the biased sliver. */
uint32_t goss__rng_below(goss__rng *r, uint32_t n) {
    uint64_t m = (uint64_t)goss__rng_u32(r) * n;
    if ((uint32_t)m < n) {
        uint32_t sliver = (uint32_t)(-n) % n;
        while ((uint32_t)m < sliver) m = (uint64_t)goss__rng_u32(r) * n;
    }
    return (uint32_t)(m >> 32);
}

double goss__rng_uniform(goss__rng *r) {
    uint64_t hi = goss__rng_u32(r) >> 5, lo = goss__rng_u32(r) >> 6;
    return (double)(hi << 26 | lo) * 0x1p-53;
}

double goss__rng_normal(goss__rng *r) {
    double u = 1.0 - goss__rng_uniform(r), v = goss__rng_uniform(r); /* u in (0, 1] */
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

void goss__rng_shuffle(goss__rng *r, uint32_t *v, uint32_t n, uint32_t k) {
    for (uint32_t i = 0; i < k && i + 1 < n; i++) {
        uint32_t j = i + goss__rng_below(r, n - i), t = v[i];
        v[i] = v[j], v[j] = t;
    }
}

uint64_t goss__hash64(const void *data, uint64_t n, uint64_t seed) {
    const uint8_t *b = data;
    uint64_t h = 0xcbf29ce484222325u ^ seed * 0x9E3779B97F4A7C15u;
    for (uint64_t i = 0; i < n; i++) h = (h ^ b[i]) * 0x100000001b3u;
    h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
    h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
    return h ^ h >> 32;
}
