/* SPDX-License-Identifier: Apache-2.0 */
/* bench_conv4: a training step where all 111,749 weights of a Conv4-64 are generated for each of 32 tasks of 25 images
 * of 28x28; cross entropy, Adam. Convolutions whose filters differ from task to task: what grouped convolutions, loops
 * and vmap are bad at elsewhere. */
#include "workload.h"

static const char *const names[] = {"generated-conv4", NULL};

static const char target_text[] = "conv 64 3 pad 1; relu; pool max 2\nconv 64 3 pad 1; relu; pool max 2\n"
                                  "conv 64 3 pad 1; relu; pool max 2\nconv 64 3 pad 1; relu; pool max 2\nflatten; head";

/* Multiplications of one image's forward pass: taps that lie in the padding are not counted. */
static double image_products(void) {
    double sum = 64 * 5;
    int64_t in = 1;
    for (int64_t side = 28; side >= 3; side /= 2, in = 64) {
        const double taps = (double)(3 * side - 2); /* along one axis, over all positions */
        sum += taps * taps * (double)in * 64;
    }
    return sum;
}

int main(int argc, char **argv) {
    const int64_t tasks = 32, samples = 25, input[] = {28, 28, 1};
    bench b;
    bench_open(&b, argc, argv, names);
    goss_extent T = bench_symbol(&b, "T", tasks), N = bench_symbol(&b, "N", samples);
    goss_target *target = bench_target(&b, target_text, input, 3, 5);
    const goss_layout *layout = goss_target_layout(target);
    const int64_t total = goss_layout_total(layout);

    goss_val x = bench_input(&b, "x", GOSS_SHAPE(T, N, goss_n(28), goss_n(28), goss_n(1)), 0.5, 0.5);
    goss_val y = goss_one_hot(bench_labels(&b, "y", GOSS_SHAPE(T, N), 5), goss_n(5));
    goss_weights *w = goss_weights_from_slab(layout, bench_hypernetwork(&b, T, tasks, total, 0.009, 0.1));
    goss_val logits = goss_target_apply(target, x, w, NULL).logits;
    bench_train(&b, goss_reduce_loss(goss_cross_entropy(logits, y, 0, GOSS_NONE), GOSS_NONE), 0);

    const double generator = 2.0 * (double)tasks * (32 * 128 + 128 * 128 + 128 * (double)total);
    const double applied = 2.0 * (double)(tasks * samples) * image_products();
    const double unneeded = 2.0 * (double)(tasks * samples) * 82 * 82 * 64;
    goss_weights_free(w);
    const int status = bench_run(&b, 3 * (generator + applied) - unneeded);
    goss_target_free(target);
    return status;
}
