/* bench_peak: the FMA peak of one core and of all asked for, by loops that touch registers only: what workloads are
 * measured against, and whether the other cores are really there while a race runs (virtual ones come and go). Usage:
 * bench_peak [threads]. Prints {"one":GFLOP/s,"all":GFLOP/s,"threads":N}. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 2000000
#define MAX_THREADS 256

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* 12 independent accumulators hide the latency of two FMA units; the asm keeps the compiler from knowing the result. */
#define LOOP(name, attribute, W, instruction)                                                                          \
    attribute static double name(void) {                                                                               \
        typedef float v __attribute__((vector_size(4 * W)));                                                           \
        v a[12], x = (v){0} + 1e-9f;                                                                                   \
        _Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) a[i] = (v){0} + (float)i;                                \
        for (int n = 0; n < ROUNDS; n++) {                                                                             \
            _Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) instruction;                                         \
        }                                                                                                              \
        volatile float sink = 0;                                                                                       \
        _Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) sink += a[i][0];                                         \
        return 2.0 * 12 * W * ROUNDS;                                                                                  \
    }

#if defined(__x86_64__)
LOOP(loop_avx512, __attribute__((target("avx512f"))), 16, __asm__("vfmadd231ps %1, %1, %0" : "+v"(a[i]) : "v"(x)))
LOOP(loop_avx2, __attribute__((target("avx2,fma"))), 8, __asm__("vfmadd231ps %1, %1, %0" : "+v"(a[i]) : "v"(x)))
LOOP(loop_plain, , 4, __asm__("addps %1, %0" : "+x"(a[i]) : "x"(x)))
#elif defined(__aarch64__)
LOOP(loop_plain, , 4, __asm__("fmla %0.4s, %1.4s, %1.4s" : "+w"(a[i]) : "w"(x)))
#else
LOOP(loop_plain, , 4, a[i] = a[i] * x + x)
#endif

typedef double (*loop_fn)(void);

static loop_fn best_loop(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return loop_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return loop_avx2;
#endif
    return loop_plain;
}

static void *run_loop(void *flops) {
    *(double *)flops = best_loop()();
    return NULL;
}

/* GFLOP/s of that many threads together. */
static double rate(int threads) {
    pthread_t id[MAX_THREADS];
    double flops[MAX_THREADS], sum = 0;
    const double start = now();
    for (int i = 0; i < threads; i++)
        if (pthread_create(&id[i], NULL, run_loop, &flops[i]) != 0) {
            fputs("bench_peak: no thread\n", stderr);
            exit(1);
        }
    for (int i = 0; i < threads; i++) pthread_join(id[i], NULL), sum += flops[i];
    return sum / (now() - start) * 1e-9;
}

static double best_rate(int threads) {
    double best = 0;
    for (int i = 0; i < 5; i++) {
        const double r = rate(threads);
        best = r > best ? r : best;
    }
    return best;
}

int main(int argc, char **argv) {
    const int threads = argc > 1 ? atoi(argv[1]) : 2;
    if (threads < 1 || threads > MAX_THREADS) {
        fprintf(stderr, "usage: bench_peak [1..%d]\n", MAX_THREADS);
        return 2;
    }
    const double one = best_rate(1);
    printf("{\"one\":%.1f,\"all\":%.1f,\"threads\":%d}\n", one, best_rate(threads), threads);
    return 0;
}
