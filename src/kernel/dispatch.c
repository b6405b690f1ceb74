/* dispatch.c: which variant of the kernels this CPU runs. GOSSAMER_ISA may name one; all of them give the same bits. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/variants.h"

typedef struct variant {
    const char *name;
    const goss__kernels *(*table)(void);
    bool (*runs)(void);
} variant;

static bool always(void) { return true; }

/* Slowest first. */
#if defined(__x86_64__)
static bool has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
static const variant variants[] = {{"generic", goss__kernels_generic, always},
                                   {"avx2", goss__kernels_avx2, has_avx2},
                                   {"avx512", goss__kernels_avx512, has_avx512}};
#elif defined(__aarch64__)
static const variant variants[] = {{"generic", goss__kernels_generic, always}, {"neon", goss__kernels_neon, always}};
#else
static const variant variants[] = {{"generic", goss__kernels_generic, always}};
#endif
#define COUNT (sizeof variants / sizeof variants[0])

const char *const *goss__kernels_names(void) {
#if defined(__x86_64__)
    static const char *const names[] = {"generic", "avx2", "avx512", NULL};
#elif defined(__aarch64__)
    static const char *const names[] = {"generic", "neon", NULL};
#else
    static const char *const names[] = {"generic", NULL};
#endif
    return names;
}

const goss__kernels *goss__kernels_find(const char *name) {
    for (size_t i = 0; name && i < COUNT; i++) {
        if (strcmp(variants[i].name, name) == 0) return variants[i].runs() ? variants[i].table() : NULL;
    }
    return NULL;
}

static const goss__kernels *choose(void) {
    const goss__kernels *forced = goss__kernels_find(getenv("GOSSAMER_ISA"));
    if (forced) return forced;
    for (size_t i = COUNT - 1; i > 0; i--) {
        if (variants[i].runs()) return variants[i].table();
    }
    return variants[0].table();
}

const goss__kernels *goss__kernels_best(void) {
    static _Atomic(const goss__kernels *) chosen;
    const goss__kernels *k = atomic_load_explicit(&chosen, memory_order_acquire);
    if (k) return k;
    k = choose(); /* threads that race here all choose the same */
    atomic_store_explicit(&chosen, k, memory_order_release);
    return k;
}
