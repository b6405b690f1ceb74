/* SPDX-License-Identifier: Apache-2.0 */
/* bench_trace: the nuclear norm of a matrix and its gradient: of the weights of 139 tasks of 28 features each, and of
 * one with few rows and many columns. The gradient is checked by its norm and by its inner product with given
 * numbers. */
#include "gossamer/regularizer.h"
#include "workload.h"

static const char *const names[] = {"trace-139x28", "trace-50x4096", NULL};
static const int64_t sizes[][2] = {{139, 28}, {50, 4096}};

int main(int argc, char **argv) {
    bench b;
    bench_open(&b, argc, argv, names);
    const int64_t rows = sizes[b.run.which][0], columns = sizes[b.run.which][1];
    const goss_shape shape = GOSS_SHAPE(goss_n(rows), goss_n(columns));
    goss_val w = bench_input(&b, "w", shape, 1, 0), probe = bench_input(&b, "probe", shape, 1, 0), grad;
    goss_val value = goss_reg_build("nuclear", &w, 1, NULL);
    bench_output(&b, "value", value);
    if (goss_grad(value, &w, 1, &grad) == GOSS_OK) {
        bench_output(&b, "squares", goss_norm2(grad));
        bench_output(&b, "along", goss_sum_all(goss_mul(grad, probe)));
    }
    /* Inner products of the smaller side, its eigenvalues, and the gradient out of them. */
    const double small = (double)(rows < columns ? rows : columns), large = (double)(rows < columns ? columns : rows);
    return bench_run(&b, small * small * large + 10 * small * small * small + 2 * small * small * large);
}
