/* SPDX-License-Identifier: Apache-2.0 */
/* rounding.h: flush-to-zero mode of the calling thread. Kernels treat subnormal operands and results as 0, on every
 * thread and in every variant, since subnormal arithmetic can be a hundred times as slow. */
#ifndef GOSS_BASE_ROUNDING_H
#define GOSS_BASE_ROUNDING_H

#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
typedef unsigned goss__rounding;
static inline goss__rounding goss__flush_denormals(void) {
    const unsigned old = _mm_getcsr();
    _mm_setcsr(old | 0x8040); /* flush to zero, denormals are zero */
    return old;
}
static inline void goss__restore_rounding(goss__rounding m) { _mm_setcsr(m); }
#elif defined(__aarch64__)
typedef uint64_t goss__rounding;
static inline goss__rounding goss__flush_denormals(void) {
    uint64_t old;
    __asm__ volatile("mrs %0, fpcr" : "=r"(old));
    __asm__ volatile("msr fpcr, %0" : : "r"(old | (1u << 24)));
    return old;
}
static inline void goss__restore_rounding(goss__rounding m) { __asm__ volatile("msr fpcr, %0" : : "r"(m)); }
#else
typedef int goss__rounding;
static inline goss__rounding goss__flush_denormals(void) { return 0; }
static inline void goss__restore_rounding(goss__rounding m) { (void)m; }
#endif

#endif
