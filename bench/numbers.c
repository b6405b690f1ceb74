/* SPDX-License-Identifier: Apache-2.0 */
/* numbers.c: reproducible numbers. */
#include "numbers.h"

static uint32_t hash_name(const char *s) {
    uint32_t h = 2166136261u;
    for (; *s; s++) h = (h ^ (unsigned char)*s) * 16777619u;
    return h;
}

static uint32_t hash_element(uint32_t name, int64_t i) {
    uint32_t h = name ^ (uint32_t)i * 0x9E3779B9u;
    h = (h ^ h >> 16) * 0x85EBCA6Bu;
    h = (h ^ h >> 13) * 0xC2B2AE35u;
    return h ^ h >> 16;
}

void numbers_reals(const char *name, double scale, double offset, float *out, int64_t n) {
    const uint32_t key = hash_name(name);
    for (int64_t i = 0; i < n; i++)
        out[i] = (float)(offset + scale * (2 * (double)(hash_element(key, i) >> 8) / 16777216.0 - 1));
}

void numbers_labels(const char *name, int ways, int32_t *out, int64_t n) {
    const uint32_t key = hash_name(name);
    for (int64_t i = 0; i < n; i++) out[i] = (int32_t)(ways < 0 ? i : hash_element(key, i) % (uint32_t)ways);
}
