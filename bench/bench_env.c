/* SPDX-License-Identifier: Apache-2.0 */
/* bench_env: steps of environments a second, with actions drawn beforehand and lives without end, whose episodes follow
 * each other: the median of seven blocks. Usage: bench_env [LIVES THREADS] (1024 1). Prints
 * {"lives":1024,"threads":1,"steps_per_second":{"bandit":N,...}}. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gossamer/env.h"

enum { BLOCKS = 7, STEPS = 60 };

static goss_error err;

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(goss_status s) {
    if (s == GOSS_OK) return;
    fprintf(stderr, "bench_env: %s\n", err.text);
    exit(1);
}

static double measure(const char *name, int lives, int threads) {
    goss_env_family f;
    goss_envs *e;
    double seconds[BLOCKS];
    must(goss_env_family_of(name, &f, &err));
    must(goss_envs_new(&f, &(goss_envs_options){.count = lives, .episodes = 1 << 30, .seed = 1, .threads = threads}, &e,
                       &err));
    const int each = f.kind->actions ? 1 : f.kind->controls;
    const size_t numbers = (size_t)lives * (size_t)each;
    float *actions = calloc(STEPS * numbers, sizeof *actions);
    if (!actions) exit(1);
    for (size_t i = 0; i < STEPS * numbers; i++)
        actions[i] = f.kind->actions ? (float)(rand() % f.kind->actions) : (float)(rand() % 200) / 100 - 1;
    for (int b = 0; b < BLOCKS; b++) {
        const double begin = now();
        for (size_t t = 0; t < STEPS; t++) must(goss_envs_step(e, actions + t * numbers, &err));
        seconds[b] = now() - begin;
    }
    free(actions);
    goss_envs_free(e);
    qsort(seconds, BLOCKS, sizeof *seconds, by_value);
    return (double)lives * STEPS / seconds[BLOCKS / 2];
}

int main(int argc, char **argv) {
    const int lives = argc > 1 ? atoi(argv[1]) : 1024, threads = argc > 2 ? atoi(argv[2]) : 1;
    printf("{\"lives\":%d,\"threads\":%d,\"steps_per_second\":{", lives, threads);
    for (int i = 0; goss_env_kind_at(i); i++)
        printf("%s\"%s\":%.0f", i ? "," : "", goss_env_kind_at(i)->name,
               measure(goss_env_kind_at(i)->name, lives, threads));
    printf("}}\n");
    return 0;
}
