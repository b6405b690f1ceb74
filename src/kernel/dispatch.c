/* SPDX-License-Identifier: Apache-2.0 */
/* dispatch.c: selecting the kernel variant for this CPU. GOSSAMER_ISA may name one; all variants are bit-identical. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
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

/* The value of GOSSAMER_ISA, if this CPU does not support it. A copy, since the environment may change. */
static char refused[64];
static pthread_mutex_t refused_lock = PTHREAD_MUTEX_INITIALIZER;

static void refuse(const char *name) {
    pthread_mutex_lock(&refused_lock);
    if (!*refused) goss__text_line(name, refused, sizeof refused);
    pthread_mutex_unlock(&refused_lock);
}

static const goss__kernels *choose(void) {
    const char *name = getenv("GOSSAMER_ISA");
    const goss__kernels *forced = goss__kernels_find(name);
    if (forced) return forced;
    if (name && *name) refuse(name);
    for (size_t i = COUNT - 1; i > 0; i--) {
        if (variants[i].runs()) return variants[i].table();
    }
    return variants[0].table();
}

static _Atomic(const goss__kernels *) chosen;

void goss__kernels_use(const goss__kernels *k) { atomic_store_explicit(&chosen, k, memory_order_release); }

const goss__kernels *goss__kernels_best(void) {
    const goss__kernels *k = atomic_load_explicit(&chosen, memory_order_acquire);
    if (k) return k;
    k = choose(); /* racing threads choose the same */
    atomic_store_explicit(&chosen, k, memory_order_release);
    return k;
}

static void list_variants(bool running, char *out) {
    *out = 0;
    for (size_t i = 0; i < COUNT; i++)
        if (!running || variants[i].runs()) strcat(strcat(out, *out ? ", " : ""), variants[i].name);
}

goss_status goss__kernels_asked(goss_error *err) {
    const goss__kernels *best = goss__kernels_best();
    char name[sizeof refused], there[64], running[64];
    pthread_mutex_lock(&refused_lock);
    memcpy(name, refused, sizeof name);
    pthread_mutex_unlock(&refused_lock);
    if (!*name) return GOSS_OK;
    list_variants(false, there);
    list_variants(true, running);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "GOSSAMER_ISA=%s: this build has the kernels %s, and this processor runs %s; unset it to use "
                          "the best, %s",
                          name, there, running, best->name);
}
