/* SPDX-License-Identifier: Apache-2.0 */
/* lean_conv4: bench_conv4 by hand. A task stays with one worker. Its first layer, whose maps are large, goes image by
 * image: a map is pooled while it is in the cache, and scattered again just before its filter gradient. */
#include <string.h>

#include "../numbers.h"
#include "generator.h"

enum { TASKS = GENERATOR_TASKS, SAMPLES = 25, SIDE = 28, C = 64, LAYERS = 4, WAYS = 5, FILTER = 9 * C * C };
enum { HEAD = 9 * C + C + (LAYERS - 1) * (FILTER + C), TOTAL = HEAD + C * WAYS + WAYS };

static const char *const names[] = {"generated-conv4", NULL};

/* One layer of one worker: conv, max pool of 2, bias, relu. */
typedef struct layer {
    goss__conv conv; /* of all images */
    int64_t w, b;    /* in the task's weights */
    int64_t at_once; /* images */
    int pooled;      /* side */
    float *map;      /* [at_once, side, side, C] */
    float *y, *gy;   /* [SAMPLES, pooled, pooled, C] */
    int32_t *winner; /* tap of each of those */
} layer;

typedef struct step {
    lean l;
    generator g;
    const float *x;
    int32_t *y;
    struct {
        layer of[LAYERS];
    } * worker;
    double task_loss[TASKS], loss;
} step;

static goss__conv images(const layer *k, int64_t n) {
    goss__conv c = k->conv;
    c.n = n;
    return c;
}

/* ---- the layer's end: pool, bias, relu, and back ---- */

static const float *corner(const float *map, int side, int i, int j) { return map + (2 * i * side + 2 * j) * C; }

static void pool(const float *map, int side, const float *bias, float *y, int32_t *winner) {
    for (int i = 0; i < side / 2; i++) {
        for (int j = 0; j < side / 2; j++, y += C, winner += C) {
            const float *p = corner(map, side, i, j), *q = p + side * C;
            for (int c = 0; c < C; c++) {
                float most = p[c];
                int32_t at = 0;
                at = p[C + c] > most ? 1 : at, most = p[C + c] > most ? p[C + c] : most;
                at = q[c] > most ? 2 : at, most = q[c] > most ? q[c] : most;
                at = q[C + c] > most ? 3 : at, most = q[C + c] > most ? q[C + c] : most;
                most += bias[c];
                y[c] = most > 0 ? most : 0, winner[c] = at;
            }
        }
    }
}

/* gy, which is masked already, to the taps; the last row and column of an odd map were never looked at. */
static void unpool(const float *gy, const int32_t *winner, int side, float *map) {
    if (side % 2) memset(map, 0, (size_t)(side * side * C) * sizeof *map);
    for (int i = 0; i < side / 2; i++) {
        for (int j = 0; j < side / 2; j++, gy += C, winner += C) {
            float *p = (float *)(uintptr_t)corner(map, side, i, j), *q = p + side * C;
            for (int c = 0; c < C; c++) {
                p[c] = winner[c] == 0 ? gy[c] : 0, p[C + c] = winner[c] == 1 ? gy[c] : 0;
                q[c] = winner[c] == 2 ? gy[c] : 0, q[C + c] = winner[c] == 3 ? gy[c] : 0;
            }
        }
    }
}

/* ---- a task ---- */

static void forward(const step *s, int worker, layer *k, const float *x, const float *w) {
    const int side = (int)k->conv.h, in = side * side * (int)k->conv.cin, out = k->pooled * k->pooled * C;
    const goss__conv some = images(k, k->at_once);
    for (int64_t i = 0; i < SAMPLES; i += k->at_once) {
        s->l.kernels->conv(&some, x + i * in, w + k->w, k->map, s->l.scratch[worker]);
        for (int64_t j = 0; j < k->at_once; j++)
            pool(k->map + j * side * side * C, side, w + k->b, k->y + (i + j) * out, k->winner + (i + j) * out);
    }
}

/* gx: where the layer's input is another's output. */
static void backward(const step *s, int worker, layer *k, const float *x, const float *w, float *g, float *gx) {
    const int side = (int)k->conv.h, in = side * side * (int)k->conv.cin, out = k->pooled * k->pooled * C;
    const goss__conv some = images(k, k->at_once);
    const int64_t filter = 9 * k->conv.cin * C;
    float share[9 * C]; /* the first layer's, of one image */
    lean_relu_back(k->gy, k->y, SAMPLES * out);
    lean_column_sums(k->gy, SAMPLES * k->pooled * k->pooled, C, C, g + k->b);
    for (int64_t i = 0; i < SAMPLES; i += k->at_once) {
        for (int64_t j = 0; j < k->at_once; j++)
            unpool(k->gy + (i + j) * out, k->winner + (i + j) * out, side, k->map + j * side * side * C);
        s->l.kernels->conv_dw(&some, x + i * in, k->map, i ? share : g + k->w, s->l.scratch[worker]);
        for (int64_t j = 0; i && j < filter; j++) g[k->w + j] += share[j];
    }
    if (gx) s->l.kernels->conv_dx(&some, k->map, w + k->w, gx, s->l.scratch[worker]);
}

static void task(void *context, int64_t t, int worker) {
    step *s = context;
    layer *k = s->worker[worker].of, *last = &k[LAYERS - 1];
    const float *x = s->x + t * SAMPLES * SIDE * SIDE, *w = s->g.slab + t * TOTAL;
    float *g = s->g.slab_gradient + t * TOTAL, z[SAMPLES * WAYS];
    for (int i = 0; i < LAYERS; i++) forward(s, worker, &k[i], i ? k[i - 1].y : x, w);
    lean_product(
        &s->l, worker,
        &(goss__gemm){
            .m = SAMPLES, .n = WAYS, .k = C, .a = last->y, .lda = C, .b = w + HEAD, .ldb = WAYS, .c = z, .ldc = WAYS});
    lean_bias(z, w + HEAD + C * WAYS, SAMPLES, WAYS);
    s->task_loss[t] = lean_cross_entropy(z, s->y + t * SAMPLES, SAMPLES, WAYS, 1.0f / (TASKS * SAMPLES));
    lean_dense_back(&s->l, worker, SAMPLES, last->y, C, w + HEAD, WAYS, z, g + HEAD, g + HEAD + C * WAYS, last->gy);
    for (int i = LAYERS - 1; i >= 0; i--) backward(s, worker, &k[i], i ? k[i - 1].y : x, w, g, i ? k[i - 1].gy : NULL);
}

static void run(void *context) {
    step *s = context;
    generator_run(&s->g);
    goss__pool_run(s->l.pool, TASKS, task, s);
    generator_back(&s->g);
    s->loss = 0;
    for (int t = 0; t < TASKS; t++) s->loss += s->task_loss[t] / (TASKS * SAMPLES);
}

static void prepare_layers(layer k[LAYERS]) {
    int64_t side = SIDE, cin = 1, at = 0;
    for (int i = 0; i < LAYERS; i++, side /= 2, cin = C) {
        k[i].conv = (goss__conv){.n = SAMPLES,
                                 .h = side,
                                 .w = side,
                                 .cin = cin,
                                 .kh = 3,
                                 .kw = 3,
                                 .cout = C,
                                 .oh = side,
                                 .ow = side,
                                 .groups = 1,
                                 .stride_h = 1,
                                 .stride_w = 1,
                                 .pad_top = 1,
                                 .pad_left = 1,
                                 .pad_bottom = 1,
                                 .pad_right = 1,
                                 .dil_h = 1,
                                 .dil_w = 1};
        k[i].w = at, k[i].b = at + 9 * cin * C, at = k[i].b + C;
        k[i].at_once = i == 0 ? 1 : SAMPLES, k[i].pooled = (int)side / 2;
        k[i].map = lean_floats(k[i].at_once * side * side * C);
        const int64_t out = SAMPLES * (side / 2) * (side / 2) * C;
        k[i].y = lean_floats(out), k[i].gy = lean_floats(out), k[i].winner = (int32_t *)lean_floats(out);
    }
}

int main(int argc, char **argv) {
    static step s;
    lean_open(&s.l, argc, argv, names);
    generator_prepare(&s.g, &s.l, TOTAL, 0.009, 0.1, 0);
    s.worker = (void *)lean_floats((int64_t)(sizeof *s.worker / sizeof(float)) * s.l.threads);
    for (int i = 0; i < s.l.threads; i++) prepare_layers(s.worker[i].of);
    s.x = lean_input("x", TASKS * SAMPLES * SIDE * SIDE, 0.5, 0.5);
    s.y = (int32_t *)lean_floats(TASKS * SAMPLES);
    numbers_labels("y", WAYS, s.y, TASKS * SAMPLES);
    lean_train(&s.l, run, &s, &s.loss, &s.g.norm);
    return 0;
}
