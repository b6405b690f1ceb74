/* SPDX-License-Identifier: Apache-2.0 */
/* lean_few_shot: bench_few_shot by hand. A chunk of images goes through the end of one layer and the beginning of the
 * next in one go; batch norm's sums over all chunks are where they meet. The head is small and stays with one worker.
 * Of the squared distances only 2 q r - |r|^2 is needed: what is the same for all classes is nothing to a softmax. */
#include <math.h>
#include <string.h>

#include "../numbers.h"
#include "conv_net.h"

enum { EPISODES = 4, WAYS = 20, QUERIES = 100, IMAGES = WAYS + QUERIES, C = NET_C };
enum { CHUNK = WAYS, OF_EPISODE = IMAGES / CHUNK, CHUNKS = EPISODES * OF_EPISODE, CLASSES = EPISODES * WAYS };

static const char *const names[] = {"few-shot", "few-shot-support", NULL};

/* Images that share statistics. unseen: the slope where they do not depend on an image. */
typedef struct group {
    net_norm norm[NET_LAYERS];
    net_slope slope, unseen;
} group;

typedef struct worker_state {
    net_scratch scratch;
    float *gradient; /* of the network's weights */
} worker_state;

typedef struct step {
    lean l;
    bool support; /* statistics are each support set's */
    net_layer layer[NET_LAYERS];
    lean_param *net, *w1, *b1, *w2, *b2;
    int32_t *y;
    net_maps all;
    worker_state *worker;
    net_sums sums[CHUNKS];
    group group[EPISODES];
    int at;                                                      /* the layer that is run */
    float means[CLASSES * C], h[CLASSES * C], rows[CLASSES * C]; /* rows: a class's prototype */
    float g_means[CLASSES * C], gh[CLASSES * C], g_rows[CLASSES * C];
    double loss, norm;
} step;

/* ---- groups ---- */

static group *group_of(step *s, int64_t chunk) { return &s->group[s->support ? chunk / OF_EPISODE : 0]; }
static bool seen(const step *s, int64_t chunk) { return !s->support || chunk % OF_EPISODE == 0; }
static int groups(const step *s) { return s->support ? EPISODES : 1; }
static int64_t images_seen(const step *s) { return s->support ? WAYS : EPISODES * IMAGES; }

/* A group's chunks' sums; those seen, or all. */
static net_sums sum_of(step *s, const group *g, bool all) {
    net_sums sum = {0};
    for (int i = 0; i < CHUNKS; i++) {
        if (group_of(s, i) != g || !(all || seen(s, i))) continue;
        for (int c = 0; c < C; c++) sum.one[c] += s->sums[i].one[c], sum.both[c] += s->sums[i].both[c];
    }
    return sum;
}

/* ---- the network ---- */

static net_part part_of(const step *s, int layer, int64_t chunk) {
    return net_part_of(&s->all, layer, chunk * CHUNK, CHUNK);
}

static void chunk_forward(void *context, int64_t chunk, int worker) {
    step *s = context;
    if (s->at > 0) {
        const net_part below = part_of(s, s->at - 1, chunk);
        net_pool(&below, &group_of(s, chunk)->norm[s->at - 1]);
    }
    if (s->at == NET_LAYERS) return;
    const net_part p = part_of(s, s->at, chunk);
    s->sums[chunk] = (net_sums){0};
    net_convolve(&s->l, worker, &p, s->net->value, &s->sums[chunk]);
}

static void features(step *s) {
    for (s->at = 0; s->at <= NET_LAYERS; s->at++) {
        goss__pool_run(s->l.pool, CHUNKS, chunk_forward, s);
        for (int i = 0; s->at < NET_LAYERS && i < groups(s); i++) {
            const net_sums sum = sum_of(s, &s->group[i], false);
            net_statistics(&s->layer[s->at], images_seen(s), &sum, s->net->value, &s->group[i].norm[s->at]);
        }
    }
}

static void chunk_back(void *context, int64_t chunk, int worker) {
    step *s = context;
    if (s->at < NET_LAYERS) {
        const net_part p = part_of(s, s->at, chunk);
        const group *g = group_of(s, chunk);
        const worker_state *w = &s->worker[worker];
        net_convolve_back(&s->l, worker, &p, s->net->value, &g->norm[s->at], seen(s, chunk) ? &g->slope : &g->unseen,
                          &w->scratch, w->gradient);
    }
    if (s->at == 0) return;
    const net_part below = part_of(s, s->at - 1, chunk);
    s->sums[chunk] = (net_sums){0};
    net_mask(&below, &s->sums[chunk]);
}

static void slopes(step *s, int layer) {
    for (int i = 0; i < groups(s); i++) {
        group *g = &s->group[i];
        const net_sums sum = sum_of(s, g, true);
        net_statistics_back(&s->layer[layer], images_seen(s), &sum, s->net->value, &g->norm[layer],
                            s->worker[0].gradient, &g->slope);
        memcpy(g->unseen.factor, g->slope.factor, sizeof g->slope.factor); /* the rest stays 0 */
    }
}

static void features_back(step *s) {
    for (int i = 0; i < s->l.threads; i++) memset(s->worker[i].gradient, 0, NET_TOTAL * sizeof(float));
    for (s->at = NET_LAYERS; s->at >= 0; s->at--) {
        goss__pool_run(s->l.pool, CHUNKS, chunk_back, s);
        if (s->at > 0) slopes(s, s->at - 1);
    }
    memcpy(s->net->gradient, s->worker[0].gradient, NET_TOTAL * sizeof(float));
    for (int i = 1; i < s->l.threads; i++)
        for (int64_t j = 0; j < NET_TOTAL; j++) s->net->gradient[j] += s->worker[i].gradient[j];
}

/* ---- the head ---- */

static void head(step *s) {
    for (int e = 0; e < EPISODES; e++)
        memcpy(s->means + e * WAYS * C, s->all.y[NET_LAYERS - 1] + e * IMAGES * C, WAYS * C * sizeof(float));
    lean_multiply(&s->l, 0, CLASSES, C, C, false, s->means, false, s->w1->value, s->h);
    lean_bias_relu(s->h, s->b1->value, CLASSES, C);
    lean_multiply(&s->l, 0, CLASSES, C, C, false, s->h, false, s->w2->value, s->rows);
    lean_bias(s->rows, s->b2->value, CLASSES, C);
    for (int i = 0; i < CLASSES * C; i++) s->rows[i] += s->means[i];
}

/* z = 2 q r - |r|^2 [QUERIES, WAYS], and back to the queries and rows of one episode. */
static double distances(step *s, int e) {
    const float *q = s->all.y[NET_LAYERS - 1] + (e * IMAGES + WAYS) * C, *r = s->rows + e * WAYS * C;
    float *gq = s->all.gy[NET_LAYERS - 1] + (e * IMAGES + WAYS) * C, *gr = s->g_rows + e * WAYS * C;
    float z[QUERIES * WAYS], sum[WAYS];
    lean_multiply(&s->l, 0, QUERIES, WAYS, C, false, q, true, r, z);
    for (int j = 0; j < WAYS; j++) sum[j] = (float)lean_squares(r + j * C, 1, C, C);
    for (int i = 0; i < QUERIES * WAYS; i++) z[i] = 2 * z[i] - sum[i % WAYS];
    const float scale = 2.0f / (EPISODES * QUERIES); /* 2: of 2 q r */
    const double loss = lean_cross_entropy(z, s->y + e * QUERIES, QUERIES, WAYS, scale);
    lean_multiply(&s->l, 0, QUERIES, C, WAYS, false, z, false, r, gq);
    lean_multiply(&s->l, 0, WAYS, C, QUERIES, true, z, false, q, gr);
    lean_column_sums(z, QUERIES, WAYS, WAYS, sum);
    for (int i = 0; i < WAYS * C; i++) gr[i] -= sum[i / C] * r[i];
    return loss;
}

static void head_back(step *s) {
    lean_dense_back(&s->l, 0, CLASSES, s->h, C, s->w2->value, C, s->g_rows, s->w2->gradient, s->b2->gradient, s->gh);
    lean_relu_back(s->gh, s->h, CLASSES * C);
    lean_dense_back(&s->l, 0, CLASSES, s->means, C, s->w1->value, C, s->gh, s->w1->gradient, s->b1->gradient,
                    s->g_means);
    for (int i = 0; i < CLASSES * C; i++) s->g_means[i] += s->g_rows[i];
    for (int e = 0; e < EPISODES; e++)
        memcpy(s->all.gy[NET_LAYERS - 1] + e * IMAGES * C, s->g_means + e * WAYS * C, WAYS * C * sizeof(float));
}

/* ---- the step ---- */

static void run(void *context) {
    step *s = context;
    double squares = 0;
    features(s);
    head(s);
    s->loss = 0;
    for (int e = 0; e < EPISODES; e++) s->loss += distances(s, e) / (EPISODES * QUERIES);
    head_back(s);
    features_back(s);
    const lean_moments m = lean_next_step(&s->l, 1);
    for (int i = 0; i < s->l.n_params; i++) {
        const lean_param *p = &s->l.param[i];
        squares += lean_squares(p->gradient, 1, p->n, p->n);
        lean_adam(&m, p, 0, p->n);
    }
    s->norm = sqrt(squares);
}

static void prepare(step *s) {
    const double scale = sqrt(6.0 / C);
    s->support = s->l.run.which == 1;
    net_layers(s->layer);
    s->net = lean_weight(&s->l, "target", NET_TOTAL, 0);
    net_numbers(s->net->value);
    s->w1 = lean_weight(&s->l, "head1.w", C * C, scale), s->b1 = lean_weight(&s->l, "head1.b", C, 0.1);
    s->w2 = lean_weight(&s->l, "head2.w", C * C, 0.1 * scale), s->b2 = lean_weight(&s->l, "head2.b", C, 0.1);
    s->y = (int32_t *)lean_floats(EPISODES * QUERIES);
    numbers_labels("y", WAYS, s->y, EPISODES * QUERIES);
    const float *x = lean_input("x", EPISODES * IMAGES * NET_SIDE * NET_SIDE, 0.5, 0.5);
    s->all = net_maps_new(s->layer, x, EPISODES * IMAGES);
    s->worker = (void *)lean_floats((int64_t)(sizeof *s->worker / sizeof(float)) * s->l.threads);
    for (int i = 0; i < s->l.threads; i++)
        s->worker[i] = (worker_state){net_scratch_new(s->layer, CHUNK), lean_floats(NET_TOTAL)};
}

int main(int argc, char **argv) {
    static step s;
    lean_open(&s.l, argc, argv, names);
    prepare(&s);
    lean_train(&s.l, run, &s, &s.loss, &s.norm);
    return 0;
}
