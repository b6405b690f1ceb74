/* SPDX-License-Identifier: Apache-2.0 */
/* alloc.c: malloc with a counter and, for tests, an injected failure. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"

static atomic_uint_fast64_t n_allocs;
static atomic_int_fast64_t fail_in; /* counts down to the allocation that fails; 0: off */

uint64_t goss__alloc_count(void) { return atomic_load(&n_allocs); }

void goss__alloc_fail_at(uint64_t n) { atomic_store(&fail_in, (int_fast64_t)n); }

static bool counted(void) {
    atomic_fetch_add_explicit(&n_allocs, 1, memory_order_relaxed);
    if (atomic_load_explicit(&fail_in, memory_order_relaxed) <= 0) return true;
    return atomic_fetch_sub(&fail_in, 1) != 1;
}

void *goss__alloc(size_t size) { return counted() ? malloc(size ? size : 1) : NULL; }

void *goss__calloc(size_t count, size_t size) {
    size_t total;
    if (!goss__mul_ok(count, size, &total) || !counted()) return NULL;
    return calloc(1, total ? total : 1);
}

void *goss__realloc(void *p, size_t size) { return counted() ? realloc(p, size ? size : 1) : NULL; }

void *goss__alloc_aligned(size_t size) {
    const size_t huge = (size_t)2 << 20;
    size_t align = size >= huge ? huge : 64, rounded;
    if (!goss__add_ok(size ? size : 1, align - 1, &rounded) || !counted()) return NULL;
    rounded &= ~(align - 1);
    void *p = aligned_alloc(align, rounded);
    if (p && align == huge) (void)madvise(p, rounded, MADV_HUGEPAGE); /* advisory: failure is harmless */
    return p;
}

void goss__free(void *p) { free(p); }

char *goss__strdup(const char *s) {
    size_t n = strlen(s) + 1;
    char *copy = goss__alloc(n);
    if (copy) memcpy(copy, s, n);
    return copy;
}
