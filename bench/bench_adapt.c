/* SPDX-License-Identifier: Apache-2.0 */
/* bench_adapt: one user at inference: 25 labelled images of 28x28 -> encoder -> the 50,565 weights of a 784-64-5
 * network -> its prediction for one image. Forward only, one task: the 26 MB of the generator's last layer are read
 * once, so memory decides; adapt-bf16 keeps them as bfloat16, 13 MB. */
#include <math.h>

#include "workload.h"

static const char *const names[] = {"adapt", "adapt-bf16", NULL};

enum { PIXELS = 784, WIDTH = 128, WAYS = 5, SHOTS = 5 };

/* One vector for the support set: means by class of embedded images, side by side. Images come sorted by class. */
static goss_val encode(bench *b, goss_extent T, goss_val images) {
    goss_val h = goss_relu(bench_linear(b, "image", images, PIXELS, WIDTH, sqrt(6.0 / PIXELS), 0.1));
    h = goss_reshape(h, GOSS_SHAPE(T, goss_n(WAYS), goss_n(SHOTS), goss_n(WIDTH)));
    h = goss_reshape(goss_mean(h, GOSS_AXIS(2), false), GOSS_SHAPE(T, goss_n(1), goss_n(WAYS * WIDTH)));
    return goss_relu(bench_linear(b, "set", h, WAYS * WIDTH, WIDTH, sqrt(6.0 / (WAYS * WIDTH)), 0.1));
}

int main(int argc, char **argv) {
    const int64_t input[] = {PIXELS};
    bench b;
    bench_open(&b, argc, argv, names);
    if (b.run.which == 1) b.bf16 = "generator.w";
    goss_extent T = bench_symbol(&b, "T", 1);
    goss_target *target = bench_target(&b, "mlp 64", input, 1, WAYS);
    const goss_layout *layout = goss_target_layout(target);
    const int64_t total = goss_layout_total(layout);

    goss_val support = bench_input(&b, "support", GOSS_SHAPE(T, goss_n(WAYS * SHOTS), goss_n(PIXELS)), 0.5, 0.5);
    goss_val query = bench_input(&b, "query", GOSS_SHAPE(T, goss_n(1), goss_n(PIXELS)), 0.5, 0.5);
    goss_val slab = goss_squeeze(bench_linear(&b, "generator", encode(&b, T, support), WIDTH, total, 0.02, 0.1), 1);
    goss_weights *w = goss_weights_from_slab(layout, slab);
    goss_val p = goss_softmax(goss_target_apply(target, query, w, NULL).logits);
    bench_output(&b, "probability", goss_sum_all(goss_slice(p, 2, 0, 1)));
    bench_output(&b, "squares", goss_norm2(p));

    const double products =
        WAYS * SHOTS * PIXELS * WIDTH + WAYS * WIDTH * WIDTH + WIDTH * (double)total + PIXELS * 64 + 64 * WAYS;
    goss_weights_free(w);
    const int status = bench_run(&b, 2 * products);
    goss_target_free(target);
    return status;
}
