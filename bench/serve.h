/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h: what every contender has in common: the command line, and being timed.
 *
 * A timing is the median step of a block of at least BLOCK_SECONDS; `--repeats` blocks (0: no timing, only what --text
 * and --profile ask for), or with `--interactive` one for each line on stdin, so that bench/race.py can let several
 * contenders take turns. What a contender prints first, up to its times, is the head of a JSON object:
 * {"workload":...,"threads":...,"flops":...,"check":{...}. */
#ifndef GOSS_BENCH_SERVE_H
#define GOSS_BENCH_SERVE_H

#include <stdbool.h>

#define RATE_CHECKED 1e-4f
#define RATE_TIMED 1e-9f /* changes no weight: every block does the same work, and nothing decays into denormals */

typedef struct serving {
    const char *workload; /* one of the program's */
    int which;            /* its number among them */
    int threads, repeats;
    bool interactive, profile, text;
    double start_mb; /* held before the workload */
    double started;  /* serve_now() then */
} serving;

/* Reads the command line. names: the workloads of this program, NULL at the end, the first one is the default. */
void serve_open(serving *s, int argc, char **argv, const char *const *names);
/* Seconds of a clock that only goes forward. */
double serve_now(void);
/* Times `step` and prints the rest of the JSON. */
void serve(const serving *s, void (*step)(void *context), void *context);
#endif
