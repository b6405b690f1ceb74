/* SPDX-License-Identifier: Apache-2.0 */
/* lean_million: bench_million by hand. */
#include "million.h"

static const char *const names[] = {"chunked-1m", "lowrank-1m", NULL};

int main(int argc, char **argv) {
    static million m;
    lean_open(&m.l, argc, argv, names);
    million_prepare(&m);
    const bool chunked = m.l.run.which == 0;
    (chunked ? chunked_prepare : low_rank_prepare)(&m);
    lean_train(&m.l, chunked ? chunked_run : low_rank_run, &m, &m.loss, &m.norm);
    return 0;
}
