/* SPDX-License-Identifier: Apache-2.0 */
/* logistic.c: L-BFGS (Liu and Nocedal 1989; two loops: Nocedal and Wright 2006, algorithm 7.4) in a metric that is one
 * matrix for all classes, Z' diag(weight) Z + penalties, with weight_i = sum_c p_c (1 - p_c) / (classes - 1). For two
 * classes, and wherever all are equally likely, that is the Hessian on coefficients that sum to 0 over the classes, and
 * steps are Newton's; otherwise what it lacks is estimated from the last steps. It is computed anew every few steps, at
 * most as often as costs as much as the steps themselves; another strength changes its diagonal alone. */
#include "baseline/logistic.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

enum {
    KEPT = GOSS__LOGISTIC_KEPT,
    MOST_STEPS = 200,
    MOST_TRIES = 30,
    MOST_WHOLE = 4096, /* columns of a metric that is a matrix: 128 MiB */
    SCALED = 1024,     /* rows that are scaled at a time */
    STEPS_AT_LEAST = 2 /* with one metric */
};
#define CLOSE 1e-12 /* of the decrement -g' d, twice what the loss is above its minimum, before a last step */
#define LEAST_WEIGHT 1e-6

/* ---- loss ---- */

/* Probabilities sum to 1, so that gradients sum to 0 over the classes where coefficients do, and so do all steps: the
 * last class's numbers, n of them behind those of the others, are minus the sum of theirs. */
static void find_last(double *a, int classes, size_t n) {
    double *last = a + (size_t)(classes - 1) * n;
    for (size_t i = 0; i < n; i++) last[i] = -a[i];
    for (int c = 1; c + 1 < classes; c++)
        for (size_t i = 0; i < n; i++) last[i] -= a[(size_t)c * n + i];
}

/* [1 z] w + offset. */
static void logits(goss__logistic *l, const double *w) {
    const size_t k = (size_t)l->classes, stride = (size_t)l->width + 1;
    for (size_t i = 0; i < (size_t)l->n; i++)
        for (size_t c = 0; c < k; c++) l->p[i * k + c] = w[c * stride];
    goss__multiply(l->dense, l->n, l->classes - 1, l->width, goss__plain(l->z, l->width),
                   goss__transposed(w + 1, (int64_t)stride), GOSS__ADD, l->p, l->classes);
    for (size_t i = 0; i < (size_t)l->n; i++) {
        find_last(l->p + i * k, l->classes, 1);
        for (size_t c = 0; l->offset && c < k; c++) l->p[i * k + c] += l->offset[i * k + c];
    }
}

/* p: probabilities less 1 for the row's class. The probability of that class is e^(what it returns) / *sum. */
static double row_loss(double *p, int classes, int y, double *sum, double *weight) {
    double most = p[0], all = 0, square = 0;
    for (int c = 1; c < classes; c++) most = p[c] > most ? p[c] : most;
    const double own = p[y] - most;
    for (int c = 0; c < classes; c++) all += p[c] = p[c] == most ? 1 : exp(p[c] - most);
    for (int c = 0; c < classes; c++) p[c] /= all, square += p[c] * (1 - p[c]);
    square /= classes - 1;
    *weight = square > LEAST_WEIGHT ? square : LEAST_WEIGHT;
    p[y] -= 1;
    *sum = all;
    return own;
}

/* -log of the probability of the rows' classes; one logarithm of many rows' sums, each at most `classes`. */
static double rows_loss(goss__logistic *l) {
    double total = 0, product = 1;
    for (int i = 0; i < l->n; i++) {
        double sum, *p = l->p + (size_t)i * (size_t)l->classes;
        total -= row_loss(p, l->classes, (int)l->y[i], &sum, &l->weight[i]);
        product *= sum;
        if (product > 1e200) total += log(product), product = 1;
    }
    return total + log(product);
}

/* Loss at w, and its gradient g. */
static double loss(goss__logistic *l, const double *w, double *g) {
    const size_t k = (size_t)l->classes, stride = (size_t)l->width + 1;
    double penalty = 0;
    logits(l, w);
    const double sum = rows_loss(l);
    for (size_t c = 0; c < k; c++) {
        const double *from = w + c * stride;
        double *to = g + c * stride;
        to[0] = l->level * from[0];
        for (size_t i = 0; i < (size_t)l->n; i++) to[0] += l->p[i * k + c];
        for (size_t j = 1; j < stride; j++) to[j] = l->slope * from[j];
        penalty += l->level * from[0] * from[0] + l->slope * goss__dot(from + 1, from + 1, l->width);
    }
    goss__multiply(l->dense, l->classes - 1, l->width, l->n, goss__transposed(l->p, l->classes),
                   goss__plain(l->z, l->width), GOSS__ADD, g + 1, (int64_t)stride);
    find_last(g, l->classes, stride);
    return sum + penalty / 2;
}

/* ---- the metric ---- */

static void add_diagonal(goss__logistic *l) {
    const size_t n = (size_t)l->width + 1;
    if (!l->whole) {
        for (size_t j = 0; j < n; j++) l->factor[j] = l->gram[j] + (j ? l->slope : l->level);
        return;
    }
    memcpy(l->factor, l->gram, n * n * sizeof *l->factor);
    for (size_t j = 0; j < n; j++) l->factor[j * n + j] += j ? l->slope : l->level;
    goss__cholesky(l->dense, l->factor, (int)n);
}

static void diagonal_gram(goss__logistic *l) {
    memset(l->gram, 0, ((size_t)l->width + 1) * sizeof *l->gram);
    for (int i = 0; i < l->n; i++) {
        const double *z = l->z + (size_t)i * (size_t)l->width;
        l->gram[0] += l->weight[i];
        for (int j = 0; j < l->width; j++) l->gram[1 + j] += l->weight[i] * z[j] * z[j];
    }
}

/* Rows of [1 z], times the roots of their weights. */
static void scale_rows(goss__logistic *l, int first, int n) {
    for (int i = 0; i < n; i++) {
        const double root = sqrt(l->weight[first + i]), *z = l->z + (size_t)(first + i) * (size_t)l->width;
        double *row = l->scaled + (size_t)i * (size_t)(l->width + 1);
        row[0] = root;
        for (int j = 0; j < l->width; j++) row[1 + j] = root * z[j];
    }
}

/* At the weights of the last loss. */
static void take_gram(goss__logistic *l) {
    l->has_gram = true;
    if (!l->whole) {
        diagonal_gram(l);
        return;
    }
    for (int first = 0; first < l->n; first += SCALED) {
        const int rows = l->n - first < SCALED ? l->n - first : SCALED;
        scale_rows(l, first, rows);
        goss__gram_columns(l->dense, l->scaled, rows, l->width + 1, first > 0, l->gram);
    }
}

static void apply_metric(const goss__logistic *l, double *d) {
    const int n = l->width + 1;
    for (int c = 0; c + 1 < l->classes; c++) {
        double *own = d + (size_t)c * (size_t)n;
        if (l->whole)
            goss__cholesky_solve(l->factor, n, own);
        else
            for (int j = 0; j < n; j++) own[j] /= l->factor[j];
    }
    find_last(d, l->classes, (size_t)n);
}

/* ---- steps ---- */

static double dot(const double *a, const double *b, size_t n) { return goss__dot(a, b, (int)n); }

static void find_direction(goss__logistic *l) {
    const int kept = l->pairs < KEPT ? l->pairs : KEPT;
    double alpha[KEPT], *d = l->direction;
    for (size_t i = 0; i < l->size; i++) d[i] = -l->g[i];
    for (int k = l->pairs - 1; k >= l->pairs - kept; k--) {
        const size_t at = (size_t)(k % KEPT);
        alpha[at] = l->rho[at] * dot(l->s + at * l->size, d, l->size);
        goss__add_scaled(d, -alpha[at], l->c + at * l->size, (int)l->size);
    }
    apply_metric(l, d);
    for (int k = l->pairs - kept; k < l->pairs; k++) {
        const size_t at = (size_t)(k % KEPT);
        const double beta = l->rho[at] * dot(l->c + at * l->size, d, l->size);
        goss__add_scaled(d, alpha[at] - beta, l->s + at * l->size, (int)l->size);
    }
}

static void keep_pair(goss__logistic *l, const double *w) {
    const size_t at = (size_t)(l->pairs % KEPT);
    double *s = l->s + at * l->size, *c = l->c + at * l->size;
    for (size_t i = 0; i < l->size; i++) s[i] = l->next[i] - w[i], c[i] = l->next_g[i] - l->g[i];
    const double curvature = dot(s, c, l->size);
    if (curvature > 0) l->rho[at] = 1 / curvature, l->pairs++;
}

/* Moves w, g and *value along the direction, whose slope is `down`. The loss is convex: it falls as long as the slope
 * stays negative, and beyond that up to rounding. false: there is no such step. */
static bool step(goss__logistic *l, double down, double *w, double *value) {
    double length = 1;
    for (int k = 0; k < MOST_TRIES; k++) {
        for (size_t i = 0; i < l->size; i++) l->next[i] = w[i] + length * l->direction[i];
        const double reached = loss(l, l->next, l->next_g), slope = dot(l->next_g, l->direction, l->size);
        if (reached <= *value + 1e-10 * (1 + fabs(*value)) && slope <= -0.5 * down) {
            keep_pair(l, w);
            memcpy(w, l->next, l->size * sizeof *w), memcpy(l->g, l->next_g, l->size * sizeof *w);
            *value = reached;
            return true;
        }
        const double cut = down / (down - slope);
        length *= cut > 0.1 && cut < 0.6 ? cut : cut >= 0.6 ? 0.6 : 0.1;
    }
    return false;
}

void goss__logistic_fit(goss__logistic *l, double level, double slope, const double *offset, double *w) {
    const int renew = l->width / (16 * l->classes), interval = renew > STEPS_AT_LEAST ? renew : STEPS_AT_LEAST;
    l->level = level, l->slope = slope, l->offset = offset, l->pairs = 0;
    double value = loss(l, w, l->g);
    if (!l->has_gram) take_gram(l);
    add_diagonal(l);
    for (int k = 0, since = 0; k < MOST_STEPS; k++, since++) {
        if (since == interval) take_gram(l), add_diagonal(l), since = 0;
        find_direction(l);
        const double down = dot(l->g, l->direction, l->size);
        if (!(down < 0)) return;
        if (down > -CLOSE) {
            for (size_t i = 0; i < l->size; i++) w[i] += l->direction[i];
            return;
        }
        if (!step(l, down, w, &value)) return;
    }
}

goss_status goss__logistic_open(goss__logistic *l, const goss__dense *d, const double *z, const double *y, int n,
                                int width, int classes, goss_error *err) {
    const size_t columns = (size_t)width + 1, rows = (size_t)n;
    *l = (goss__logistic){.dense = d, .z = z, .y = y, .n = n, .width = width, .classes = classes};
    l->size = (size_t)classes * columns, l->whole = columns <= MOST_WHOLE;
    const size_t metric = l->whole ? columns * columns : columns,
                 scaled = l->whole ? (rows < SCALED ? rows : SCALED) * columns : 0;
    l->memory = goss__alloc((rows * ((size_t)classes + 1) + 2 * metric + scaled + (4 + 2 * KEPT) * l->size) *
                            sizeof *l->memory);
    if (!l->memory) return goss_error_set(err, GOSS_E_NOMEM, "no memory to fit %d rows", n);
    l->p = l->memory, l->weight = l->p + rows * (size_t)classes, l->gram = l->weight + rows;
    l->factor = l->gram + metric, l->scaled = l->factor + metric, l->g = l->scaled + scaled;
    l->next = l->g + l->size, l->next_g = l->next + l->size, l->direction = l->next_g + l->size;
    l->s = l->direction + l->size, l->c = l->s + KEPT * l->size;
    return GOSS_OK;
}

void goss__logistic_close(goss__logistic *l) {
    goss__free(l->memory);
    l->memory = NULL;
}
