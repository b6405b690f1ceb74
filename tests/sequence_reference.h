/* SPDX-License-Identifier: Apache-2.0 */
/* sequence_reference.h: layers on sequences in plain C, for one sample without padding: what targets are held against.
 * A sequence is `steps` rows of `width` numbers; tensors are looked up by name in the target's layout. */
#ifndef GOSS_SEQUENCE_REFERENCE_H
#define GOSS_SEQUENCE_REFERENCE_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gossamer/nn.h"
#include "test.h"

enum { REF_STEPS = 16, REF_WIDTH = 24 };

typedef struct sequence {
    int steps, width;
    double at[REF_STEPS][REF_WIDTH];
} sequence;

typedef struct reference {
    const goss_target *t;
    const double *slab;
} reference;

static inline bool ref_has(const reference *r, const char *name) {
    return goss_layout_find(goss_target_layout(r->t), name) >= 0;
}

static inline const double *ref_tensor(const reference *r, const char *name) {
    const int i = goss_layout_find(goss_target_layout(r->t), name);
    if (i < 0) T_FAIL("the layout has no tensor %s", name);
    return r->slab + goss_layout_offset(goss_target_layout(r->t), i);
}

/* out[j] = sum_i x[i] w[i][j] + b[j] */
static inline void ref_product(const double *x, const double *w, const double *b, int n, int m, double *out) {
    for (int j = 0; j < m; j++) out[j] = b ? b[j] : 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < m; j++) out[j] += x[i] * w[i * m + j];
}

static inline sequence ref_dense(const reference *r, const sequence *x, const char *layer, int out) {
    char w[48], b[48];
    snprintf(w, sizeof w, "%s.w", layer), snprintf(b, sizeof b, "%s.b", layer);
    sequence y = {.steps = x->steps, .width = out};
    for (int t = 0; t < x->steps; t++)
        ref_product(x->at[t], ref_tensor(r, w), ref_has(r, b) ? ref_tensor(r, b) : NULL, x->width, out, y.at[t]);
    return y;
}

static inline void ref_normalize(double *v, int n, const double *gain, const double *shift) {
    double mean = 0, var = 0;
    for (int i = 0; i < n; i++) mean += v[i] / n;
    for (int i = 0; i < n; i++) var += (v[i] - mean) * (v[i] - mean) / n;
    for (int i = 0; i < n; i++) v[i] = (v[i] - mean) / sqrt(var + 1e-5) * (gain ? gain[i] : 1) + (shift ? shift[i] : 0);
}

static inline sequence ref_layer_norm(const reference *r, const sequence *x, const char *layer) {
    char gain[32], shift[32];
    snprintf(gain, sizeof gain, "%s.gain", layer), snprintf(shift, sizeof shift, "%s.shift", layer);
    sequence y = *x;
    for (int t = 0; t < x->steps; t++) ref_normalize(y.at[t], x->width, ref_tensor(r, gain), ref_tensor(r, shift));
    return y;
}

static inline sequence ref_map(const sequence *x, double (*f)(double)) {
    sequence y = *x;
    for (int t = 0; t < x->steps; t++)
        for (int i = 0; i < x->width; i++) y.at[t][i] = f(x->at[t][i]);
    return y;
}

static inline sequence ref_sum(const sequence *x, const sequence *y) {
    sequence z = *x;
    for (int t = 0; t < x->steps; t++)
        for (int i = 0; i < x->width; i++) z.at[t][i] += y->at[t][i];
    return z;
}

static inline double ref_sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* ---- recurrent layers ---- */

static inline const double *ref_named(const reference *r, const char *prefix, const char *suffix) {
    char name[48];
    snprintf(name, sizeof name, "%s.%s", prefix, suffix);
    return ref_has(r, name) ? ref_tensor(r, name) : NULL;
}

static inline int ref_gates_of(const char *kind) {
    return strcmp(kind, "gru") == 0 ? 3 : strcmp(kind, "lstm") == 0 ? 4 : 1;
}

/* One step: `kind` is rnn, gru or lstm. */
static inline void ref_cell(const reference *r, const char *kind, const char *prefix, const double *x, int n,
                            int hidden, double *h, double *c) {
    const int gates = ref_gates_of(kind);
    double z[8 * REF_WIDTH], v[8 * REF_WIDTH];
    ref_product(x, ref_named(r, prefix, "w"), NULL, n, gates * hidden, z);
    ref_product(h, ref_named(r, prefix, "u"), NULL, hidden, gates * hidden, v);
    const double *gw = ref_named(r, prefix, "gain_w"), *gu = ref_named(r, prefix, "gain_u"),
                 *b = ref_named(r, prefix, "b"), *own = ref_named(r, prefix, "c");
    for (int k = 0; gw && k < gates; k++) {
        ref_normalize(z + k * hidden, hidden, gw + k * hidden, NULL);
        ref_normalize(v + k * hidden, hidden, gu + k * hidden, NULL);
    }
    for (int i = 0; i < gates * hidden; i++) z[i] += b[i], v[i] += own ? own[i] : 0;
    double next[REF_WIDTH], seen[REF_WIDTH];
    for (int i = 0; i < hidden; i++) {
        const double *zi = z + i, *vi = v + i;
        if (gates == 1) next[i] = tanh(zi[0] + vi[0]);
        if (gates == 3) {
            const double reset = ref_sigmoid(zi[0] + vi[0]), keep = ref_sigmoid(zi[hidden] + vi[hidden]);
            const double fresh = tanh(zi[2 * hidden] + reset * vi[2 * hidden]);
            next[i] = (1 - keep) * fresh + keep * h[i];
        }
        if (gates == 4) {
            const double in = ref_sigmoid(zi[0] + vi[0]), forget = ref_sigmoid(zi[hidden] + vi[hidden] + 1);
            c[i] = forget * c[i] + in * tanh(zi[2 * hidden] + vi[2 * hidden]);
            seen[i] = c[i];
        }
    }
    if (gates == 4) {
        const double *gain = ref_named(r, prefix, "gain_c"), *shift = ref_named(r, prefix, "shift_c");
        if (gain) ref_normalize(seen, hidden, gain, shift);
        for (int i = 0; i < hidden; i++) next[i] = ref_sigmoid(z[3 * hidden + i] + v[3 * hidden + i]) * tanh(seen[i]);
    }
    memcpy(h, next, (size_t)hidden * sizeof *h);
}

static inline void ref_direction(const reference *r, const char *kind, const char *prefix, const sequence *x,
                                 int hidden, bool reverse, int column, sequence *out) {
    double h[REF_WIDTH] = {0}, c[REF_WIDTH] = {0};
    if (ref_named(r, prefix, "h0")) memcpy(h, ref_named(r, prefix, "h0"), (size_t)hidden * sizeof *h);
    if (ref_named(r, prefix, "c0")) memcpy(c, ref_named(r, prefix, "c0"), (size_t)hidden * sizeof *c);
    for (int i = 0; i < x->steps; i++) {
        const int t = reverse ? x->steps - 1 - i : i;
        ref_cell(r, kind, prefix, x->at[t], x->width, hidden, h, c);
        memcpy(out->at[t] + column, h, (size_t)hidden * sizeof *h);
    }
}

/* A step of a cell whose gates are norm(state + input) + b: `kind` is dense, rnn, gru or lstm. */
static inline void ref_gates(const char *kind, const double *state, const double *input, int units, const double *gain,
                             const double *b, const double *gain_c, const double *shift_c, double *h, double *c) {
    const int gates = ref_gates_of(kind);
    double sum[8 * REF_WIDTH], seen[REF_WIDTH];
    for (int g = 0; g < gates; g++) {
        for (int i = g * units; i < (g + 1) * units; i++) {
            const double reset = gates == 3 && g == 2 ? ref_sigmoid(sum[i - 2 * units]) : 1;
            sum[i] = input[i] + (state ? reset * state[i] : 0);
        }
        if (gain) ref_normalize(sum + g * units, units, gain + g * units, NULL);
        for (int i = g * units; b && i < (g + 1) * units; i++) sum[i] += b[i];
    }
    for (int i = 0; i < units; i++) {
        if (gates == 1) h[i] = strcmp(kind, "dense") == 0 ? sum[i] : tanh(sum[i]);
        if (gates == 3) {
            const double keep = ref_sigmoid(sum[units + i]);
            h[i] = (1 - keep) * tanh(sum[2 * units + i]) + keep * h[i];
        }
        if (gates == 4) {
            c[i] = ref_sigmoid(sum[units + i] + 1) * c[i] + ref_sigmoid(sum[i]) * tanh(sum[2 * units + i]);
            seen[i] = c[i];
        }
    }
    if (gates == 4 && gain_c) ref_normalize(seen, units, gain_c, shift_c);
    for (int i = 0; gates == 4 && i < units; i++) h[i] = ref_sigmoid(sum[3 * units + i]) * tanh(seen[i]);
}

typedef struct ref_hyper_state {
    double h[REF_WIDTH], c[REF_WIDTH], s[REF_WIDTH], k[REF_WIDTH];
} ref_hyper_state;

/* The code of the position, or the new state of the small cell. */
static inline void ref_code(const reference *r, const char *p, const char *small_kind, const double *x, int width,
                            int units, int small, bool position, int step, bool has_state, ref_hyper_state *a) {
    double input[8 * REF_WIDTH], state[8 * REF_WIDTH], part[8 * REF_WIDTH];
    const int half = (small + 1) / 2, n = ref_gates_of(small_kind) * small;
    if (position) {
        for (int i = 0; i < small; i++) {
            const double angle = step * pow(10000, -2.0 * (i % half) / small);
            input[i] = i < half ? sin(angle) : cos(angle);
        }
        ref_product(input, ref_named(r, p, "small.w"), ref_named(r, p, "small.b"), small, small, part);
        for (int i = 0; i < small; i++) a->s[i] = tanh(part[i]);
        return;
    }
    ref_product(x, ref_named(r, p, "small.w"), ref_named(r, p, "small.b"), width, n, input);
    if (has_state) ref_product(a->h, ref_named(r, p, "small.h"), NULL, units, n, part);
    for (int i = 0; has_state && i < n; i++) input[i] += part[i];
    ref_product(a->s, ref_named(r, p, "small.u"), NULL, small, n, state);
    ref_gates(small_kind, state, input, small, ref_named(r, p, "small.gain"), NULL, NULL, NULL, a->s, a->k);
}

static inline void ref_hyper_step(const reference *r, const char *p, const char *kind, const double *x, int width,
                                  int units, int codes, int small, ref_hyper_state *a) {
    const bool has_state = strcmp(kind, "dense") != 0;
    const int gates = ref_gates_of(kind), maps = has_state ? 3 : 2, all = gates * units;
    double z[12 * REF_WIDTH], state[8 * REF_WIDTH], input[8 * REF_WIDTH];
    ref_product(a->s, ref_named(r, p, "embed.w"), NULL, small, maps * gates * codes, z);
    for (int i = 0; i < (maps - 1) * gates * codes; i++) z[i] += ref_named(r, p, "embed.b")[i];
    ref_product(x, ref_named(r, p, "w"), NULL, width, all, input);
    if (has_state) ref_product(a->h, ref_named(r, p, "u"), NULL, units, all, state);
    for (int g = 0; g < gates; g++)
        for (int i = 0; i < units; i++) {
            double factor[3] = {0};
            for (int f = 0; f < maps; f++)
                for (int e = 0; e < codes; e++) {
                    const int row = (gates * f + g) * codes + e;
                    factor[f + 3 - maps] += z[row] * ref_named(r, p, "scale")[row * units + i];
                }
            state[g * units + i] *= factor[0];
            input[g * units + i] = factor[1] * input[g * units + i] + factor[2];
        }
    ref_gates(kind, has_state ? state : NULL, input, units, ref_named(r, p, "gain"), ref_named(r, p, "b"),
              ref_named(r, p, "gain_c"), ref_named(r, p, "shift_c"), a->h, a->c);
}

/* Ha, Dai and Le 2017: modulated by a cell of `small` units, or by codes of as many numbers of the position, through
 * embeddings of `codes` numbers. */
static inline sequence ref_hyper(const reference *r, const sequence *x, const char *kind, int units, int small,
                                 int codes, bool position, bool both) {
    const bool has_state = strcmp(kind, "dense") != 0;
    sequence y = {.steps = x->steps, .width = units * (both ? 2 : 1)};
    for (int back = 0; back <= both; back++) {
        ref_hyper_state a = {0};
        char p[32];
        snprintf(p, sizeof p, "hyper%s1%s", kind, back ? ".back" : "");
        for (int i = 0; i < x->steps; i++) {
            const int t = back ? x->steps - 1 - i : i;
            ref_code(r, p, has_state ? kind : "rnn", x->at[t], x->width, units, small, position, t, has_state, &a);
            ref_hyper_step(r, p, kind, x->at[t], x->width, units, codes, small, &a);
            memcpy(y.at[t] + back * units, a.h, (size_t)units * sizeof *a.h);
        }
    }
    return y;
}

static inline sequence ref_recurrent(const reference *r, const sequence *x, const char *kind, int hidden, bool both) {
    char prefix[32];
    sequence y = {.steps = x->steps, .width = hidden * (both ? 2 : 1)};
    snprintf(prefix, sizeof prefix, "%s1", kind);
    ref_direction(r, kind, prefix, x, hidden, false, 0, &y);
    snprintf(prefix, sizeof prefix, "%s1.back", kind);
    if (both) ref_direction(r, kind, prefix, x, hidden, true, hidden, &y);
    return y;
}

/* ---- windows ---- */

static inline sequence ref_conv1d(const reference *r, const sequence *x, int out, int k, int stride, int pad,
                                  int dilation, int groups) {
    const double *w = ref_tensor(r, "conv1d1.w"), *b = ref_tensor(r, "conv1d1.b");
    const int in = x->width / groups, of = out / groups;
    sequence y = {.steps = (x->steps + 2 * pad - dilation * (k - 1) - 1) / stride + 1, .width = out};
    for (int t = 0; t < y.steps; t++)
        for (int o = 0; o < out; o++) {
            y.at[t][o] = b[o];
            for (int j = 0; j < k; j++) {
                const int from = t * stride - pad + j * dilation;
                for (int i = 0; from >= 0 && from < x->steps && i < in; i++)
                    y.at[t][o] += x->at[from][o / of * in + i] * w[(j * in + i) * out + o];
            }
        }
    return y;
}

static inline sequence ref_pool1d(const sequence *x, bool max, int k, int stride) {
    sequence y = {.steps = (x->steps - k) / stride + 1, .width = x->width};
    for (int t = 0; t < y.steps; t++)
        for (int i = 0; i < x->width; i++) {
            double best = -INFINITY, sum = 0;
            for (int j = 0; j < k; j++)
                best = fmax(best, x->at[t * stride + j][i]), sum += x->at[t * stride + j][i] / k;
            y.at[t][i] = max ? best : sum;
        }
    return y;
}

/* ---- attention ---- */

static inline void ref_rotate(double *v, int width, int t) {
    for (int i = 0; i < width / 2; i++) {
        const double angle = t * pow(10000, -2.0 * i / width), a = v[i], b = v[i + width / 2];
        v[i] = a * cos(angle) - b * sin(angle), v[i + width / 2] = b * cos(angle) + a * sin(angle);
    }
}

/* width: of a head */
static inline sequence ref_attention(const reference *r, const sequence *x, const char *layer, int heads, int width,
                                     bool causal, bool rotary) {
    sequence part[3];
    for (int p = 0; p < 3; p++) {
        char name[32];
        snprintf(name, sizeof name, "%s.%c", layer, "qkv"[p]);
        part[p] = ref_dense(r, x, name, heads * width);
        for (int t = 0; p < 2 && rotary && t < x->steps; t++)
            for (int h = 0; h < heads; h++) ref_rotate(part[p].at[t] + h * width, width, t);
    }
    sequence y = {.steps = x->steps, .width = heads * width};
    for (int t = 0; t < x->steps; t++)
        for (int h = 0; h < heads; h++) {
            double p[REF_STEPS], sum = 0;
            const int keys = causal ? t + 1 : x->steps;
            for (int s = 0; s < keys; s++) {
                double dot = 0;
                for (int i = h * width; i < (h + 1) * width; i++) dot += part[0].at[t][i] * part[1].at[s][i];
                p[s] = exp(dot / sqrt(width)), sum += p[s];
            }
            for (int s = 0; s < keys; s++)
                for (int i = h * width; i < (h + 1) * width; i++) y.at[t][i] += p[s] / sum * part[2].at[s][i];
        }
    char name[32];
    snprintf(name, sizeof name, "%s.o", layer);
    return ref_dense(r, &y, name, x->width);
}
#endif
