/* SPDX-License-Identifier: Apache-2.0 */
/* alloc.h: all heap allocation.
 *
 * Every allocation of the library goes through here, so that tests can count them (a training step makes none) and make
 * the n-th one fail, for every n. Sizes are computed with the overflow-checked helpers. */
#ifndef GOSS_BASE_ALLOC_H
#define GOSS_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *goss__alloc(size_t size);                /* uninitialised; NULL on failure; size 0 gives a valid pointer */
void *goss__calloc(size_t count, size_t size); /* zeroed; NULL on failure or overflow of count * size */
void *goss__realloc(void *p, size_t size);     /* as realloc; p stays valid on failure */
void *goss__alloc_aligned(size_t size);        /* 64-byte aligned, uninitialised; huge pages advised from 2 MiB on */
void goss__free(void *p);                      /* frees what any of the above returned; NULL allowed */
char *goss__strdup(const char *s);

/* For tests: allocations made so far by this process (any thread). */
uint64_t goss__alloc_count(void);
/* For tests: make the n-th allocation from now on fail (1 = the next one); 0 switches it off. */
void goss__alloc_fail_at(uint64_t n);

/* *out = a op b; true when it did not overflow. */
static inline bool goss__mul_ok(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline bool goss__add_ok(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }
#endif
