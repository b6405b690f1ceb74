/* SPDX-License-Identifier: Apache-2.0 */
/* Layers on sequences: each against the same in plain C on samples without padding; gradients; what lies beyond a
 * sample's length, and how much of it, changes nothing; weights of tasks of their own. */
#include "gossamer/nn.h"
#include "sequence_net.h"
#include "sequence_reference.h"

/* ---- the layers ---- */

#define REFERENCE(name, body)                                                                                          \
    static sequence of_##name(const reference *r, const sequence *x) { body }
REFERENCE(rnn, return ref_recurrent(r, x, "rnn", 5, false);)
REFERENCE(rnn_both, return ref_recurrent(r, x, "rnn", 5, true);)
REFERENCE(gru, return ref_recurrent(r, x, "gru", 5, false);)
REFERENCE(gru_both, return ref_recurrent(r, x, "gru", 5, true);)
REFERENCE(lstm, return ref_recurrent(r, x, "lstm", 5, false);)
REFERENCE(lstm_both, return ref_recurrent(r, x, "lstm", 5, true);)
#define HYPER(kind)                                                                                                    \
    REFERENCE(hyper##kind, return ref_hyper(r, x, #kind, 5, 3, 2, false, false);)                                      \
    REFERENCE(hyper##kind##_both, return ref_hyper(r, x, #kind, 5, 3, 2, false, true);)                                \
    REFERENCE(hyper##kind##_position, return ref_hyper(r, x, #kind, 5, 3, 2, true, false);)
HYPER(dense)
HYPER(rnn)
HYPER(gru)
HYPER(lstm)
REFERENCE(hypergru_all, return ref_hyper(r, x, "gru", 5, 4, 2, true, true);)
REFERENCE(dense, return ref_dense(r, x, "dense1", 3);)
REFERENCE(norm, const sequence y = ref_dense(r, x, "dense1", 6); return ref_layer_norm(r, &y, "norm1");)
REFERENCE(conv, return ref_conv1d(r, x, 6, 3, 1, 1, 1, 1);)
REFERENCE(conv_wide, return ref_conv1d(r, x, 4, 3, 2, 2, 2, 2);)
REFERENCE(pool_max, return ref_pool1d(x, true, 2, 2);)
REFERENCE(pool_avg, return ref_pool1d(x, false, 3, 2);)
REFERENCE(attention, return ref_attention(r, x, "attention1", 2, 2, false, false);)
REFERENCE(attention_wide, return ref_attention(r, x, "attention1", 3, 4, false, true);)
REFERENCE(attention_causal, return ref_attention(r, x, "attention1", 2, 2, true, true);)

static sequence of_learned(const reference *r, const sequence *x) {
    sequence y = *x;
    for (int t = 0; t < x->steps; t++)
        for (int i = 0; i < x->width; i++) y.at[t][i] += ref_tensor(r, "positions1.w")[t * x->width + i];
    return y;
}

static sequence of_sinusoids(const reference *r, const sequence *x) {
    sequence y = *x;
    for (int t = 0; t < x->steps; t++)
        for (int i = 0; i < 2; i++) {
            const double angle = t * pow(10000, -2.0 * i / 4);
            y.at[t][i] += sin(angle), y.at[t][i + 2] += cos(angle);
        }
    return y;
}

static sequence of_embedding(const reference *r, const sequence *x) {
    sequence y = {.steps = x->steps, .width = 3};
    for (int t = 0; t < x->steps; t++)
        memcpy(y.at[t], ref_tensor(r, "embedding1.w") + 3 * (int)x->at[t][0], 3 * sizeof(double));
    return y;
}

static double gelu(double x) { return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }

static sequence of_transformer(const reference *r, const sequence *x) {
    const sequence wide = ref_dense(r, x, "dense1", 6), normed = ref_layer_norm(r, &wide, "norm1"),
                   seen = ref_attention(r, &normed, "attention1", 2, 3, false, false), mid = ref_sum(&wide, &seen),
                   again = ref_layer_norm(r, &mid, "norm2"), up = ref_dense(r, &again, "dense2", 24),
                   bent = ref_map(&up, gelu), down = ref_dense(r, &bent, "dense3", 6);
    return ref_sum(&mid, &down);
}

static sequence of_residual(const reference *r, const sequence *x) {
    const sequence body = ref_conv1d(r, x, 4, 3, 2, 1, 1, 1);
    sequence other = {.steps = body.steps, .width = 4};
    for (int t = 0; t < body.steps; t++) memcpy(other.at[t], x->at[2 * t], sizeof other.at[t]);
    const sequence y = ref_dense(r, &other, "dense1", 4);
    return ref_sum(&body, &y);
}

/* Readouts: one row. */
static sequence of_mean(const reference *r, const sequence *x) {
    sequence y = {.steps = 1, .width = x->width};
    for (int t = 0; t < x->steps; t++)
        for (int i = 0; i < x->width; i++) y.at[0][i] += x->at[t][i] / x->steps;
    return y;
}
static sequence of_max(const reference *r, const sequence *x) {
    sequence y = {.steps = 1, .width = x->width};
    for (int i = 0; i < x->width; i++) y.at[0][i] = -INFINITY;
    for (int t = 0; t < x->steps; t++)
        for (int i = 0; i < x->width; i++) y.at[0][i] = fmax(y.at[0][i], x->at[t][i]);
    return y;
}
static sequence of_last(const reference *r, const sequence *x) {
    sequence y = {.steps = 1, .width = x->width};
    memcpy(y.at[0], x->at[x->steps - 1], sizeof y.at[0]);
    return y;
}
static sequence of_read_attention(const reference *r, const sequence *x) {
    sequence y = {.steps = 1, .width = x->width};
    double p[REF_STEPS], sum = 0;
    for (int t = 0; t < x->steps; t++) {
        ref_product(x->at[t], ref_tensor(r, "readout1.w"), NULL, x->width, 1, &p[t]);
        p[t] = exp(p[t] / sqrt(x->width)), sum += p[t];
    }
    for (int t = 0; t < x->steps; t++)
        for (int i = 0; i < x->width; i++) y.at[0][i] += p[t] / sum * x->at[t][i];
    return y;
}

/* steps_matter: whether weights depend on the number of steps, or windows begin to fit only where there are more. */
static const struct {
    const char *text;
    sequence (*of)(const reference *r, const sequence *x);
    int width;
    bool fixed_steps;
} layers[] = {
    {"rnn 5", of_rnn, WIDTH, false},
    {"rnn 5 norm bidirectional", of_rnn_both, WIDTH, false},
    {"gru 5", of_gru, WIDTH, false},
    {"gru 5 bidirectional", of_gru_both, WIDTH, false},
    {"gru 5 start", of_gru, WIDTH, false},
    {"rnn 5 start", of_rnn, WIDTH, false},
    {"lstm 5 bidirectional start", of_lstm_both, WIDTH, false},
    {"gru 5 norm", of_gru, WIDTH, false},
    {"lstm 5", of_lstm, WIDTH, false},
    {"lstm 5 bidirectional", of_lstm_both, WIDTH, false},
    {"lstm 5 norm", of_lstm, WIDTH, false},
    {"hyperdense 5 3 2", of_hyperdense, WIDTH, false},
    {"hyperdense 5 3 2 norm bidirectional", of_hyperdense_both, WIDTH, false},
    {"hyperdense 5 3 2 position", of_hyperdense_position, WIDTH, false},
    {"hyperdense 5 3 2 position norm", of_hyperdense_position, WIDTH, false},
    {"hyperrnn 5 3 2", of_hyperrnn, WIDTH, false},
    {"hyperrnn 5 3 2 norm bidirectional", of_hyperrnn_both, WIDTH, false},
    {"hyperrnn 5 3 2 position", of_hyperrnn_position, WIDTH, false},
    {"hyperrnn 5 3 2 position norm", of_hyperrnn_position, WIDTH, false},
    {"hypergru 5 3 2", of_hypergru, WIDTH, false},
    {"hypergru 5 3 2 norm bidirectional", of_hypergru_both, WIDTH, false},
    {"hypergru 5 3 2 position", of_hypergru_position, WIDTH, false},
    {"hypergru 5 3 2 position norm", of_hypergru_position, WIDTH, false},
    {"hyperlstm 5 3 2", of_hyperlstm, WIDTH, false},
    {"hyperlstm 5 3 2 norm bidirectional", of_hyperlstm_both, WIDTH, false},
    {"hyperlstm 5 3 2 position", of_hyperlstm_position, WIDTH, false},
    {"hyperlstm 5 3 2 position norm", of_hyperlstm_position, WIDTH, false},
    {"hypergru 5 4 2 position norm bidirectional", of_hypergru_all, WIDTH, false},
    {"dense 3", of_dense, WIDTH, false},
    {"dense 6; norm layer", of_norm, WIDTH, false},
    {"conv1d 6 3 pad 1", of_conv, WIDTH, false},
    {"conv1d 4 3 stride 2 pad 2 dilation 2 groups 2", of_conv_wide, WIDTH, false},
    {"pool1d max 2", of_pool_max, WIDTH, false},
    {"pool1d avg 3 stride 2", of_pool_avg, WIDTH, false},
    {"positions learned", of_learned, WIDTH, true},
    {"positions sinusoidal", of_sinusoids, WIDTH, false},
    {"attention 2", of_attention, WIDTH, false},
    {"attention 2 causal rotary", of_attention_causal, WIDTH, false},
    {"attention 3 width 4 rotary", of_attention_wide, WIDTH, false},
    {"transformer 6 2", of_transformer, WIDTH, false},
    {"residual { conv1d 4 3 stride 2 pad 1 } shortcut { pool1d max 1 stride 2; dense 4 }", of_residual, WIDTH, false},
    {"readout mean", of_mean, WIDTH, false},
    {"readout max", of_max, WIDTH, false},
    {"readout last", of_last, WIDTH, false},
    {"readout attention", of_read_attention, WIDTH, false},
    {"embedding 5 3", of_embedding, 1, false},
};
enum { LAYERS = sizeof layers / sizeof *layers };

/* Largest gap to the reference; steps beyond the reference's must be 0. */
static double gap_to_reference(net *n, int layer, bool own) {
    double gap = 0;
    const bool flat = goss_rank(n->y) == 3;
    const int width = (int)goss_dim(n->y, -1).count, steps = flat ? 1 : (int)goss_dim(n->y, 2).count;
    const int64_t total = goss_layout_total(goss_target_layout(n->t));
    for (int t = 0; t < TASKS; t++)
        for (int s = 0; s < SAMPLES; s++) {
            const int k = t * SAMPLES + s;
            const double *slab = total > 0 ? world_numbers(&n->w, "slab") + (own ? t * total : 0) : NULL;
            const reference r = {n->t, slab};
            sequence x = {.steps = length_of(t, s), .width = n->width};
            for (int i = 0; i < x.steps; i++)
                memcpy(x.at[i], world_numbers(&n->w, "x") + (k * n->steps + i) * n->width,
                       (size_t)n->width * sizeof(double));
            const sequence y = layers[layer].of(&r, &x);
            T_EQ(y.width, width);
            T_CHECK(y.steps <= steps);
            for (int i = 0; i < steps; i++)
                for (int j = 0; j < width; j++) {
                    const double got = n->w.out[0][(k * steps + i) * width + j];
                    if (i < y.steps)
                        gap = fmax(gap, fabs(got - y.at[i][j]));
                    else if (got != 0)
                        T_FAIL("%s: step %d of a sample of %d is %g, not 0", layers[layer].text, i, y.steps, got);
                }
        }
    return gap;
}

TEST(layers_are_those_of_plain_c) {
    for (int i = 0; i < LAYERS; i++)
        for (int own = 0; own < 2; own++) {
            net n = net_new(layers[i].text, layers[i].width, STEPS, own, 0);
            net_run(&n, GOSS_F64, layers[i].text);
            const double gap = gap_to_reference(&n, i, own);
            if (!(gap < 1e-11)) T_FAIL("%s, %s weights: off by %g", layers[i].text, own ? "own" : "shared", gap);
            net_free(&n);
        }
}

/* NaN beyond a sample's length, and room for more steps: the same bits. */
TEST(padding_never_changes_a_result) {
    for (int i = 0; i < LAYERS; i++) {
        const char *text = layers[i].text;
        net a = net_new(text, layers[i].width, STEPS, false, 0);
        net_run(&a, GOSS_F32, text);
        const double garbage[] = {NAN, INFINITY, 1e30, -7};
        for (int k = 0; k < 4; k++) {
            net b = net_new(text, layers[i].width, STEPS, false, garbage[k]);
            net_run(&b, GOSS_F32, text);
            if (memcmp(a.w.out[0], b.w.out[0], (size_t)a.w.numel[0] * sizeof(double)) != 0)
                T_FAIL("%s: %g beyond the length changes the result", text, garbage[k]);
            net_free(&b);
        }
        net b = net_new(text, layers[i].width, layers[i].fixed_steps ? STEPS : STEPS + 4, false, NAN);
        net_run(&b, GOSS_F32, text);
        const bool flat = goss_rank(a.y) == 3;
        const int width = (int)goss_dim(a.y, -1).count, from = flat ? 1 : (int)goss_dim(a.y, 2).count,
                  to = flat ? 1 : (int)goss_dim(b.y, 2).count;
        for (int k = 0; k < TASKS * SAMPLES; k++) {
            const double *x = a.w.out[0] + (int64_t)k * from * width, *y = b.w.out[0] + (int64_t)k * to * width;
            if (memcmp(x, y, (size_t)(from * width) * sizeof(double)) != 0)
                T_FAIL("%s: more room changes the result by %g", text, world_gap(x, y, (int64_t)from * width));
        }
        net_free(&a), net_free(&b);
    }
}

/* Other later steps change no earlier answer if a network says that it is causal, and some do if not. */
TEST(causal_networks_see_no_later_step) {
    enum { FROM = 3 };
    int causal = 0, others = 0;
    for (int i = 0; i < LAYERS; i++) {
        const char *text = layers[i].text;
        net a = net_new(text, layers[i].width, STEPS, false, 0), b = net_new(text, layers[i].width, STEPS, false, 0);
        const bool steps = goss_rank(a.y) == 4 && goss_extent_is(goss_dim(a.y, 2), STEPS);
        const bool says = goss_target_causal(a.t, &err) == GOSS_OK;
        for (int k = 0; k < TASKS * SAMPLES; k++)
            for (int j = FROM * layers[i].width; j < STEPS * layers[i].width; j++)
                world_numbers(&b.w, "x")[k * STEPS * layers[i].width + j] = layers[i].width == 1 ? 1 : 0.3;
        net_run(&a, GOSS_F32, text), net_run(&b, GOSS_F32, text);
        const size_t width = (size_t)goss_dim(a.y, -1).count;
        bool same = true;
        for (size_t k = 0; steps && k < TASKS * SAMPLES; k++)
            same &= memcmp(a.w.out[0] + k * STEPS * width, b.w.out[0] + k * STEPS * width,
                           FROM * width * sizeof(double)) == 0;
        if (steps && same != says) T_FAIL("%s: %s later steps", text, same ? "sees no" : "is causal and sees");
        causal += steps && says, others += steps && !says;
        net_free(&a), net_free(&b);
    }
    T_CHECK(causal > 10 && others > 5);
}

/* The number of steps may be one of the run: a batch of short samples is short. */
TEST(steps_may_be_a_count_of_the_run) {
    for (int i = 0; i < LAYERS; i++) {
        net a = net_new(layers[i].text, layers[i].width, STEPS, false, 0);
        net_run(&a, GOSS_F32, layers[i].text);
        world w = world_new();
        const goss_extent L = world_tasks(&w, STEPS), T = goss_n(TASKS), N = goss_n(SAMPLES);
        const int64_t total = goss_layout_total(goss_target_layout(a.t));
        double lengths[TASKS * SAMPLES];
        goss_target_context c = goss_target_context_defaults();
        for (int k = 0; k < TASKS * SAMPLES; k++) lengths[k] = length_of(k / SAMPLES, k % SAMPLES);
        c.lengths = world_input(&w, "lengths", GOSS_REAL, GOSS_SHAPE(T, N), lengths);
        const goss_val x =
            world_input(&w, "x", GOSS_REAL, GOSS_SHAPE(T, N, L, goss_n(layers[i].width)), world_numbers(&a.w, "x"));
        goss_weights *weights = goss_weights_empty(w.g, goss_target_layout(a.t));
        if (total > 0) {
            goss_weights_free(weights);
            const goss_val slab =
                world_input(&w, "slab", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(total)), world_numbers(&a.w, "slab"));
            weights = goss_weights_from_slab(goss_target_layout(a.t), slab);
        }
        const goss_val y = goss_target_features(a.t, x, weights, &c);
        if (world_compute(&w, GOSS_F32, &y, 1) != GOSS_OK) T_FAIL("%s: %s", layers[i].text, w.err.text);
        T_EQ(w.numel[0], a.w.numel[0]);
        if (memcmp(w.out[0], a.w.out[0], (size_t)w.numel[0] * sizeof(double)) != 0)
            T_FAIL("%s: not what a fixed number of steps gives", layers[i].text);
        goss_weights_free(weights), world_free(&w), net_free(&a);
    }
}

/* The sum of squares of the sine of the outputs, along random directions of weights and inputs. */
TEST(gradients_are_those_of_differences) {
    for (int i = 0; i < LAYERS; i++) {
        net n = net_new(layers[i].text, layers[i].width, STEPS, i % 2, 0.3);
        const goss_val loss = goss_sum_all(goss_square(goss_sin(n.y)));
        goss_val of[2] = {n.slab, n.x}, d[2], out[3];
        const char *names[2] = {"slab", "x"};
        const int first = goss_valid(n.slab) ? 0 : 1, last = n.ids ? 1 : 2; /* ids have no gradient */
        T_OK(goss_grad(loss, of + first, last - first, d + first));
        int outs = 1;
        out[0] = loss;
        for (int k = first; k < last; k++) out[outs++] = d[k];
        T_OK(world_open(&n.w, GOSS_F64, out, outs, NULL, 0));
        for (int k = first; k < last; k++) {
            double *v = world_numbers(&n.w, names[k]), slope = 0, side[2];
            goss__rng r = goss__rng_make(77, (uint64_t)(i * 2 + k));
            T_OK(world_run(&n.w));
            const int64_t numel = n.w.numel[1 + k - first];
            double *way = calloc((size_t)numel, sizeof *way), *keep = calloc((size_t)numel, sizeof *keep), all = 0;
            for (int64_t j = 0; j < numel; j++) {
                way[j] = goss__rng_normal(&r), keep[j] = v[j], slope += way[j] * n.w.out[1 + k - first][j];
                all += fabs(n.w.out[1 + k - first][j]);
            }
            for (int j = 0; j < 2; j++) {
                for (int64_t e = 0; e < numel; e++) v[e] = keep[e] + (j ? 1e-6 : -1e-6) * way[e];
                T_OK(world_run(&n.w));
                side[j] = n.w.out[0][0];
            }
            const double numeric = (side[1] - side[0]) / 2e-6;
            if (!(fabs(slope - numeric) <= 1e-6 * (1 + fabs(numeric))))
                T_FAIL("%s: d%s is %.9g, by differences %.9g", layers[i].text, names[k], slope, numeric);
            T_CHECK(all > 0);
            memcpy(v, keep, (size_t)numel * sizeof *v);
            free(way), free(keep);
        }
        net_free(&n);
    }
}

/* The slope of a slope: the gradient along a direction, differentiated along another one. */
TEST(gradients_of_gradients_are_those_of_differences) {
    for (int i = 0; i < LAYERS; i++) {
        net n = net_new(layers[i].text, layers[i].width, STEPS, i % 2, 0.3);
        if (!goss_valid(n.slab) || n.ids) {
            net_free(&n);
            continue;
        }
        goss_val d, second, out[2];
        const goss_val loss = goss_sum_all(goss_square(goss_sin(n.y))),
                       way = world_normal(&n.w, "way", goss_shape_of(n.slab));
        T_OK(goss_grad(loss, &n.slab, 1, &d));
        out[0] = goss_sum_all(goss_mul(d, way));
        T_OK(goss_grad(out[0], &n.slab, 1, &second));
        out[1] = second;
        T_OK(world_open(&n.w, GOSS_F64, out, 2, NULL, 0));
        T_OK(world_run(&n.w));
        const int64_t numel = n.w.numel[1];
        goss__rng r = goss__rng_make(78, (uint64_t)i);
        double *v = world_numbers(&n.w, "slab"), slope = 0, side[2], *along = calloc((size_t)numel, sizeof *along);
        for (int64_t j = 0; j < numel; j++) along[j] = goss__rng_normal(&r), slope += along[j] * n.w.out[1][j];
        for (int j = 0; j < 2; j++) {
            for (int64_t e = 0; e < numel; e++) v[e] += (j ? 2e-6 : -1e-6) * along[e];
            T_OK(world_run(&n.w));
            side[j] = n.w.out[0][0];
        }
        const double numeric = (side[1] - side[0]) / 2e-6;
        if (!(fabs(slope - numeric) <= 2e-5 * (1 + fabs(numeric))))
            T_FAIL("%s: %.9g, by differences %.9g", layers[i].text, slope, numeric);
        free(along), net_free(&n);
    }
}

/* ---- norms ---- */

/* Batch norm of all live steps of a task, group norm of a sample's live steps. */
TEST(statistics_ignore_padding) {
    for (int kind = 0; kind < 3; kind++) {
        const char *text = kind == 0 ? "norm batch; tanh" : kind == 1 ? "norm group 2; tanh" : "norm instance; tanh";
        net n = net_new(text, WIDTH, STEPS, false, NAN);
        double *slab = world_numbers(&n.w, "slab");
        for (int i = 0; i < WIDTH; i++) slab[i] = 1, slab[WIDTH + i] = 0;
        net_run(&n, GOSS_F64, text);
        const double *x = world_numbers(&n.w, "x");
        for (int t = 0; t < TASKS; t++)
            for (int s = 0; s < SAMPLES; s++)
                for (int i = 0; i < WIDTH; i++) {
                    double sum = 0, square = 0, count = 0;
                    for (int q = 0; q < SAMPLES; q++)
                        for (int j = 0; j < WIDTH; j++) {
                            if (kind > 0 && q != s) continue;
                            if (kind == 1 ? j / 2 != i / 2 : j != i) continue;
                            for (int l = 0; l < length_of(t, q); l++) {
                                const double v = x[((t * SAMPLES + q) * STEPS + l) * WIDTH + j];
                                sum += v, square += v * v, count++;
                            }
                        }
                    const double mean = sum / count, var = square / count - mean * mean;
                    for (int l = 0; l < STEPS; l++) {
                        const int64_t at = ((t * SAMPLES + s) * STEPS + l) * WIDTH + i;
                        const double want = l < length_of(t, s) ? tanh((x[at] - mean) / sqrt(var + 1e-5)) : 0;
                        if (!(fabs(n.w.out[0][at] - want) < 1e-9))
                            T_FAIL("%s: step %d is %.9g, not %.9g", text, l, n.w.out[0][at], want);
                    }
                }
        net_free(&n);
    }
}

/* A sample of weight 0 and one of no steps count in no statistic. */
TEST(padding_samples_are_in_no_statistic) {
    double mean[2];
    for (int pad = 0; pad < 2; pad++) {
        net n = net_new("norm batch", WIDTH, STEPS, false, 0);
        goss_norm_statistics seen;
        memset(&seen, 0, sizeof seen);
        double weight[TASKS * SAMPLES] = {1, 1, 0, 1, 1, 0};
        goss_target_context c = goss_target_context_defaults();
        c.lengths = n.lengths, c.statistics = &seen;
        c.sample_weight = world_input(&n.w, "weight", GOSS_REAL, GOSS_SHAPE(goss_n(TASKS), goss_n(SAMPLES)), weight);
        for (int t = 0; t < TASKS && pad; t++) {
            world_numbers(&n.w, "lengths")[t * SAMPLES + 2] = 0;
            for (int i = 0; i < STEPS * WIDTH; i++)
                world_numbers(&n.w, "x")[(t * SAMPLES + 2) * STEPS * WIDTH + i] = 1e9;
        }
        n.y = goss_target_features(n.t, n.x, n.weights, &c);
        T_OK(world_compute(&n.w, GOSS_F64, seen.mean, 1));
        mean[pad] = n.w.out[0][0];
        net_free(&n);
    }
    T_CHECK(mean[0] == mean[1] && mean[0] != 0);
}

/* ---- lengths at the edge ---- */

TEST(samples_without_steps_and_shorter_than_a_window) {
    static const char *const texts[] = {
        "gru 3; readout last", "attention 2; readout attention",    "readout mean",
        "readout max",         "conv1d 3 5 stride 2; readout mean", "pool1d max 4; gru 3; readout mean"};
    for (int i = 0; i < 6; i++) {
        net n = net_new(texts[i], WIDTH, STEPS, false, NAN);
        world_numbers(&n.w, "lengths")[0] = 0, world_numbers(&n.w, "lengths")[1] = 1;
        net_run(&n, GOSS_F64, texts[i]);
        double first = 0, second = 0;
        const int width = (int)goss_dim(n.y, -1).count;
        for (int64_t k = 0; k < n.w.numel[0]; k++) T_CHECK(isfinite(n.w.out[0][k]));
        for (int k = 0; k < width; k++) first += fabs(n.w.out[0][k]), second += fabs(n.w.out[0][width + k]);
        T_CHECK(first == 0 && second > 0);
        net_free(&n);
    }
}

TEST(ids_outside_the_table_are_errors) {
    for (int own = 0; own < 2; own++)
        for (int bad = 0; bad < 3; bad++) {
            net n = net_new("embedding 5 3", 1, STEPS, own, 0);
            T_OK(world_open(&n.w, GOSS_F32, &n.y, 1, NULL, 0));
            T_OK(world_run(&n.w));
            world_numbers(&n.w, "x")[2] = bad == 0 ? 5 : bad == 1 ? -1 : NAN;
            T_CHECK(world_run(&n.w) == GOSS_E_ARGUMENT);
            net_free(&n);
        }
}

/* ---- outputs a step ---- */

TEST(a_network_that_ends_in_steps_answers_at_each) {
    goss_target *t;
    T_OK(goss_target_parse("gru 5", (int64_t[]){STEPS, WIDTH}, 2, 3, &t, &err));
    T_EQ(goss_target_feature_count(t), STEPS * 5);
    const goss_layout *l = goss_target_layout(t);
    T_EQ(goss_layout_entry(l, goss_layout_find(l, "head.w"))->dim[0], 5);
    world w = world_new();
    const goss_extent T = goss_n(TASKS), N = goss_n(SAMPLES);
    goss_weights *weights =
        goss_weights_from_slab(l, world_normal(&w, "slab", GOSS_SHAPE(goss_n(1), goss_n(goss_layout_total(l)))));
    goss_target_context c = goss_target_context_defaults();
    c.lengths = world_input(&w, "lengths", GOSS_REAL, GOSS_SHAPE(T, N), (double[]){9, 2, 3, 4, 5, 6});
    goss_target_output y =
        goss_target_apply(t, world_normal(&w, "x", GOSS_SHAPE(T, N, goss_n(STEPS), goss_n(WIDTH))), weights, &c);
    T_EQ(goss_rank(y.logits), 4);
    goss_val out[] = {y.logits, y.lengths};
    T_OK(world_compute(&w, GOSS_F64, out, 2));
    T_EQ(w.numel[0], TASKS * SAMPLES * STEPS * 3);
    T_CHECK(w.out[1][1] == 2 && w.out[0][(STEPS + 1) * 3] != 0 && w.out[0][(STEPS + 2) * 3] == 0);
    goss_weights_free(weights), world_free(&w), goss_target_free(t);
}

/* What is dropped of a sample is the same however long the longest sample of its batch is. */
TEST(dropout_does_not_depend_on_the_batch) {
    enum { SHORT = 5, OUT = SAMPLES * WIDTH };
    goss_target *t;
    double x[SAMPLES * STEPS * WIDTH], kept[OUT], whole = 0, lengths[SAMPLES] = {5, 2, 4};
    T_OK(goss_target_parse("dropout 0.5; readout mean", (int64_t[]){STEPS, WIDTH}, 2, 0, &t, &err));
    for (int run = 0; run < 2; run++) {
        const int steps = run ? SHORT : STEPS;
        world w = world_new();
        const goss_extent L = run ? world_tasks(&w, STEPS) : goss_n(STEPS), N = goss_n(SAMPLES), one = goss_n(1);
        for (int s = 0; s < SAMPLES; s++)
            for (int i = 0; i < steps * WIDTH; i++)
                x[s * steps * WIDTH + i] =
                    i < lengths[s] * WIDTH ? 1 << i / WIDTH : 0; /* a sum tells which are in it */
        goss_target_context c = goss_target_context_defaults();
        c.lengths = world_input(&w, "lengths", GOSS_REAL, GOSS_SHAPE(one, N), lengths);
        c.dropout_task = world_input(&w, "task", GOSS_INDEX, GOSS_SHAPE(one), (double[]){7});
        goss_weights *none = goss_weights_empty(w.g, goss_target_layout(t));
        const goss_val in = world_input(&w, "x", GOSS_REAL, GOSS_SHAPE(one, N, L, goss_n(WIDTH)), x),
                       y = goss_target_features(t, in, none, &c);
        if (world_open(&w, GOSS_F32, &y, 1, NULL, 0) != GOSS_OK) T_FAIL("%s", w.err.text);
        if (run) T_OK(goss_exec_count(w.exec, "T", SHORT, &err));
        T_OK(world_run(&w));
        T_EQ(w.numel[0], OUT);
        for (int i = 0; i < OUT && run == 0; i++) {
            kept[i] = w.out[0][i];
            whole += kept[i] * lengths[i / WIDTH] == 2 * ((1 << (int)lengths[i / WIDTH]) - 1);
        }
        for (int i = 0; i < OUT; i++) T_CHECK(w.out[0][i] == kept[i]);
        goss_weights_free(none), world_free(&w);
    }
    T_CHECK(whole < OUT / 2); /* something is dropped */
    goss_target_free(t);
}

/* h' = tanh(m h) from h = tanh(1) on, m 0 or 2: a unit of a sample that is dropped once is dropped at every step, and
 * none outside of training. */
TEST(dropout_of_a_state_is_the_same_at_each_step) {
    enum { UNITS = 6, L = 5, ALL = SAMPLES * L * UNITS };
    for (int training = 0; training < 2; training++) {
        world w = world_new();
        goss_target *t;
        double x[SAMPLES * L] = {0}, numbers[UNITS + UNITS * UNITS + UNITS] = {0};
        int dropped = 0, kept = 0;
        T_OK(goss_target_parse("rnn 6 dropout 0.5", (int64_t[]){L, 1}, 2, 0, &t, &err));
        for (int s = 0; s < SAMPLES; s++) x[s * L] = 1;
        const goss_layout *l = goss_target_layout(t);
        for (int i = 0; i < UNITS; i++) {
            numbers[goss_layout_offset(l, goss_layout_find(l, "rnn1.w")) + i] = 1;
            numbers[goss_layout_offset(l, goss_layout_find(l, "rnn1.u")) + i * (UNITS + 1)] = 1;
        }
        const goss_extent one = goss_n(1);
        goss_target_context c = goss_target_context_defaults();
        if (training) c.dropout_task = world_input(&w, "task", GOSS_INDEX, GOSS_SHAPE(one), (double[]){7});
        goss_weights *weights = goss_weights_from_params(w.g, l, "net");
        const goss_val in = world_input(&w, "x", GOSS_REAL, GOSS_SHAPE(one, goss_n(SAMPLES), goss_n(L), one), x),
                       y = goss_target_features(t, in, weights, &c);
        if (world_open(&w, GOSS_F64, &y, 1, NULL, 0) != GOSS_OK) T_FAIL("%s", w.err.text);
        world_set_param(&w, "net", numbers);
        T_OK(world_run(&w));
        T_EQ(w.numel[0], ALL);
        for (int i = 0; i < SAMPLES * UNITS; i++) {
            double h = tanh(1);
            const double *of = w.out[0] + i / UNITS * L * UNITS + i % UNITS;
            const double m = !training ? 1 : of[UNITS] == 0 ? 0 : 2;
            dropped += m == 0, kept += m > 0;
            for (int s = 0; s < L; s++, h = tanh(m * h)) T_NEAR(of[s * UNITS], h, 1e-12);
        }
        T_CHECK(kept > 0 && (dropped > 0) == (training == 1));
        goss_weights_free(weights), world_free(&w), goss_target_free(t);
    }
}

/* Features as a sequence of all steps, whatever the lengths of what they were made of. */
TEST(features_become_a_sequence) {
    net a = net_new("readout mean; dense 12; steps 3; readout last", WIDTH, STEPS, false, NAN),
        b = net_new("readout mean; dense 12", WIDTH, STEPS, false, NAN);
    T_EQ(goss_dim(a.y, -1).count, 3);
    net_run(&a, GOSS_F64, "steps"), net_run(&b, GOSS_F64, "dense");
    for (int k = 0; k < TASKS * SAMPLES; k++)
        for (int i = 0; i < 3; i++) T_CHECK(a.w.out[0][k * 3 + i] == b.w.out[0][k * 12 + 9 + i]);
    net_free(&a), net_free(&b);
    goss_target *t;
    T_OK(goss_target_parse("steps 2; gru 4; readout last", (int64_t[]){12}, 1, 2, &t, &err));
    T_STR(goss_target_text(t), "steps 2\ngru 4\nreadout last\nhead\n");
    goss_target_free(t);
}

TEST_MAIN()
