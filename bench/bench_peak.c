/* SPDX-License-Identifier: Apache-2.0 */
/* bench_peak: the FMA peak of one core and of all asked for: what workloads are measured against, and whether the other
 * cores are really there while a race runs (virtual ones come and go). Usage: bench_peak [threads]. Prints
 * {"one":GFLOP/s,"all":GFLOP/s,"threads":N,"copy":GB/s}. */
#include <stdio.h>
#include <stdlib.h>

#include "gossamer/exec.h"

static goss_machine measure(int threads) {
    goss_error err;
    goss_threads *t;
    goss_machine m = {0};
    if (goss_threads_new(threads, &t, &err) != GOSS_OK || goss_machine_measure(t, &m, &err) != GOSS_OK) {
        fprintf(stderr, "bench_peak: %s\n", err.text);
        exit(1);
    }
    goss_threads_free(t);
    return m;
}

int main(int argc, char **argv) {
    const int threads = argc > 1 ? atoi(argv[1]) : 2;
    if (threads < 1) {
        fputs("usage: bench_peak [threads]\n", stderr);
        return 2;
    }
    const goss_machine one = measure(1), all = measure(threads);
    printf("{\"one\":%.1f,\"all\":%.1f,\"threads\":%d,\"copy\":%.1f}\n", one.flops * 1e-9, all.flops * 1e-9, threads,
           all.bytes * 1e-9);
    return 0;
}
