/* SPDX-License-Identifier: Apache-2.0 */
/* bench_many: ten thousand users at once: the embeddings of 10,000 tasks become the 5,829 weights of a 20-64-64-5
 * network each, which predicts one sample. Forward only: one large product, whose 233 MB of results are not kept. Time
 * should be linear in the number of tasks, and memory constant but for their embeddings and samples, 208 bytes a task.
 */
#include "workload.h"

static const char *const names[] = {"adapt-10000", "adapt-100", "adapt-1000", "adapt-100000", "adapt-1000000", NULL};
static const int64_t numbers[] = {10000, 100, 1000, 100000, 1000000};

int main(int argc, char **argv) {
    const int64_t input[] = {20};
    bench b;
    bench_open(&b, argc, argv, names);
    const int64_t tasks = numbers[b.run.which];
    goss_extent T = bench_symbol(&b, "T", tasks);
    goss_target *target = bench_target(&b, "mlp 64 64", input, 1, 5);
    const goss_layout *layout = goss_target_layout(target);
    const int64_t total = goss_layout_total(layout);

    goss_val x = bench_input(&b, "x", GOSS_SHAPE(T, goss_n(1), goss_n(20)), 1.7, 0);
    goss_weights *w = goss_weights_from_slab(layout, bench_hypernetwork(&b, T, tasks, total, 0.02, 0.2));
    goss_val p = goss_softmax(goss_target_apply(target, x, w, NULL).logits);
    bench_output(&b, "probability", goss_mean_all(goss_slice(p, 2, 0, 1)));
    bench_output(&b, "squares", goss_mean_all(goss_square(p)));

    const double products = 32 * 128 + 128 * 128 + 128 * (double)total + 20 * 64 + 64 * 64 + 64 * 5;
    goss_weights_free(w);
    const int status = bench_run(&b, 2 * (double)tasks * products);
    goss_target_free(target);
    return status;
}
