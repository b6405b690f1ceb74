/* SPDX-License-Identifier: Apache-2.0 */
/* bench_hyper_mlp: a training step of a hypernetwork: 32 tasks of 25 samples; an embedding of 32 numbers a task goes
 * through two layers of 128 to the 5,829 weights of a 20-64-64-5 network; cross entropy, Adam. The cost is dominated by
 * the generator's last layer and by how its weight gradient meets the optimiser. hyper-mlp-clip also clips the global
 * gradient norm. */
#include "workload.h"

static const char *const names[] = {"hyper-mlp", "hyper-mlp-clip", NULL};

int main(int argc, char **argv) {
    const int64_t tasks = 32, samples = 25, input[] = {20};
    bench b;
    bench_open(&b, argc, argv, names);
    goss_extent T = bench_symbol(&b, "T", tasks), N = bench_symbol(&b, "N", samples);
    goss_target *target = bench_target(&b, "mlp 64 64", input, 1, 5);
    const goss_layout *layout = goss_target_layout(target);
    const int64_t total = goss_layout_total(layout);

    goss_val x = bench_input(&b, "x", GOSS_SHAPE(T, N, goss_n(20)), 1.7, 0);
    goss_val y = goss_one_hot(bench_labels(&b, "y", GOSS_SHAPE(T, N), 5), goss_n(5));
    goss_weights *w = goss_weights_from_slab(layout, bench_hypernetwork(&b, T, tasks, total, 0.02, 0.2));
    goss_val logits = goss_target_apply(target, x, w, NULL).logits;
    goss_val loss = goss_reduce_loss(goss_cross_entropy(logits, y, 0, GOSS_NONE), GOSS_NONE);
    bench_train(&b, loss, b.run.which == 1 ? 1.0 : 0);

    const double generator = 2.0 * (double)tasks * (32 * 128 + 128 * 128 + 128 * (double)total);
    const double applied = 2.0 * (double)(tasks * samples) * (20 * 64 + 64 * 64 + 64 * 5);
    const double unneeded = 2.0 * (double)(tasks * samples) * 20 * 64; /* nobody asks for the gradient of x */
    goss_weights_free(w);
    const int status = bench_run(&b, 3 * (generator + applied) - unneeded);
    goss_target_free(target);
    return status;
}
