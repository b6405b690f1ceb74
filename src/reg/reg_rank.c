/* SPDX-License-Identifier: Apache-2.0 */
/* reg_rank.c: what is told of a matrix of samples: how many directions it uses, how its entropy is estimated, and how
 * similar it is to another one. All of it follows from the smaller Gram matrix, in double: reports, not steps of
 * training. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "kernel/kernel.h"
#include "reg/reg.h"

/* Differences below this fraction of a column's largest magnitude are rounding. */
static const double SAME = 1e-6;

/* ---- singular values ---- */

/* The squares of singular values, unordered; the other eigenvalues of the larger Gram matrix are 0. */
typedef struct spectrum {
    double *square; /* [n] */
    int64_t n;
} spectrum;

/* x, or its transpose where it has fewer columns than rows, so that rows are the smaller side. Owned: goss__free. */
static float *by_smaller_side(const float *x, int64_t rows, int64_t columns) {
    float *y = goss__alloc((size_t)(rows * columns) * sizeof *y);
    if (y && rows <= columns) memcpy(y, x, (size_t)(rows * columns) * sizeof *y);
    for (int64_t j = 0; y && rows > columns && j < columns; j++)
        for (int64_t i = 0; i < rows; i++) y[j * rows + i] = x[i * columns + j];
    return y;
}

/* What is allocated at once: Gram matrix and vectors [n, n], eigenvalues [n], work. */
static double *room_of(int64_t n) {
    return goss__alloc((size_t)(2 * n * n + n + GOSS__GRAM_COLUMNS * n) * sizeof(double));
}

static goss_status spectrum_of(const float *x, int64_t rows, int64_t columns, spectrum *out, goss_error *err) {
    const goss__kernels *k = goss__kernels_best();
    const int64_t n = rows < columns ? rows : columns;
    *out = (spectrum){.n = n};
    if (n < 1 || n > GOSS_RANK_SIDE)
        return goss_error_set(err, GOSS_E_ARGUMENT, "effective rank: a matrix of %lld x %lld; up to %d on one side",
                              (long long)rows, (long long)columns, GOSS_RANK_SIDE);
    float *y = by_smaller_side(x, rows, columns);
    double *a = room_of(n);
    out->square = goss__alloc((size_t)n * sizeof *out->square);
    goss_status s = GOSS_OK;
    if (!y || !a || !out->square) {
        s = goss_error_set(err, GOSS_E_NOMEM, "no memory for the singular values of %lld x %lld numbers",
                           (long long)rows, (long long)columns);
    } else {
        double *vectors = a + n * n, *value = vectors + n * n;
        k->gram(a, y, n, rows < columns ? columns : rows, value + n);
        if (!k->sym_eig(a, n, value, vectors, value + n))
            s = goss_error_set(err, GOSS_E_NUMERIC, "effective rank: the matrix has numbers that are not finite");
        for (int64_t i = 0; s == GOSS_OK && i < n; i++) out->square[i] = fmax(value[i], 0);
    }
    goss__free(y), goss__free(a);
    if (s != GOSS_OK) goss__free(out->square), out->square = NULL;
    return s;
}

/* Whether column j is the same, finite number in all rows. */
static bool is_dead(const float *x, int64_t rows, int64_t columns, int64_t j) {
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < rows; i++) {
        const double value = (double)x[i * columns + j];
        if (!isfinite(value)) return false;
        low = fmin(low, value), high = fmax(high, value);
    }
    return high - low <= SAME * fmax(fabs(low), fabs(high));
}

/* x less its mean row; exactly 0 where a column does not vary. Owned: goss__free. */
static float *centred(const float *x, int64_t rows, int64_t columns) {
    float *y = goss__alloc((size_t)(rows * columns) * sizeof *y);
    for (int64_t j = 0; y && j < columns; j++) {
        const bool dead = is_dead(x, rows, columns, j);
        double mean = 0;
        for (int64_t i = 0; i < rows; i++) mean += (double)x[i * columns + j] / (double)rows;
        for (int64_t i = 0; i < rows; i++) y[i * columns + j] = dead ? 0 : (float)((double)x[i * columns + j] - mean);
    }
    return y;
}

static goss_status centred_spectrum(const float *x, int64_t rows, int64_t columns, spectrum *out, goss_error *err) {
    float *y = centred(x, rows, columns);
    const goss_status s = y ? spectrum_of(y, rows, columns, out, err)
                            : goss_error_set(err, GOSS_E_NOMEM, "no memory for an effective rank");
    goss__free(y);
    return s;
}

/* ---- what follows from them ---- */

static double entropy_rank(const spectrum *s) {
    double sum = 0, entropy = 0;
    for (int64_t i = 0; i < s->n; i++) sum += sqrt(s->square[i]);
    for (int64_t i = 0; i < s->n; i++) {
        const double share = sqrt(s->square[i]) / sum;
        if (share > 0) entropy -= share * log(share);
    }
    return sum > 0 ? exp(entropy) : (double)NAN;
}

static double stable_rank(const spectrum *s) {
    double sum = 0, most = 0;
    for (int64_t i = 0; i < s->n; i++) sum += s->square[i], most = fmax(most, s->square[i]);
    return most > 0 ? sum / most : (double)NAN;
}

/* As entropy_gaussian (reg_samples.c), of a covariance whose other eigenvalues are 0. */
static double gaussian_entropy(const spectrum *s, int64_t rows, int64_t columns) {
    const double ridge = goss_reg_defaults().ridge, d = (double)columns;
    double sum = (double)(columns - s->n) * log(ridge);
    for (int64_t i = 0; i < s->n; i++) sum += log(s->square[i] / (double)rows + ridge);
    return 0.5 * sum / d + 0.5 * log(2 * M_PI * M_E);
}

static double mean_norm(const float *x, int64_t rows, int64_t columns) {
    double sum = 0;
    for (int64_t i = 0; i < rows; i++) {
        double square = 0;
        for (int64_t j = 0; j < columns; j++) square += (double)x[i * columns + j] * (double)x[i * columns + j];
        sum += sqrt(square);
    }
    return sum / (double)rows;
}

static double dead_share(const float *x, int64_t rows, int64_t columns) {
    int64_t dead = 0;
    for (int64_t j = 0; j < columns; j++) dead += is_dead(x, rows, columns, j);
    return (double)dead / (double)columns;
}

goss_status goss_effective_rank(const float *x, int64_t rows, int64_t columns, bool around_mean, double *out,
                                goss_error *err) {
    spectrum s;
    *out = NAN;
    GOSS_TRY((around_mean ? centred_spectrum : spectrum_of)(x, rows, columns, &s, err));
    *out = entropy_rank(&s);
    goss__free(s.square);
    return GOSS_OK;
}

goss_status goss_matrix_measure(const float *x, int64_t rows, int64_t columns, goss_matrix_figures *out,
                                goss_error *err) {
    spectrum s;
    *out = (goss_matrix_figures){rows, columns, NAN, NAN, NAN, NAN, NAN, NAN};
    GOSS_TRY(spectrum_of(x, rows, columns, &s, err));
    out->effective_rank = entropy_rank(&s), out->stable_rank = stable_rank(&s);
    out->norm = mean_norm(x, rows, columns);
    goss__free(s.square);
    if (rows < 2) return GOSS_OK;
    GOSS_TRY(centred_spectrum(x, rows, columns, &s, err));
    out->centred_rank = entropy_rank(&s), out->entropy = gaussian_entropy(&s, rows, columns);
    out->dead = dead_share(x, rows, columns);
    goss__free(s.square);
    return GOSS_OK;
}

/* ---- similarity ---- */

goss_status goss__cka_kernel(const float *x, int64_t rows, int64_t columns, double *out, bool *varies,
                             goss_error *err) {
    float *y = centred(x, rows, columns);
    double *work = goss__alloc((size_t)(GOSS__GRAM_COLUMNS * rows) * sizeof *work), square = 0;
    *varies = false;
    if (y && work) goss__kernels_best()->gram(out, y, rows, columns, work);
    const bool done = y && work;
    goss__free(y), goss__free(work);
    if (!done) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a similarity of %lld samples", (long long)rows);
    for (int64_t i = 0; i < rows * rows; i++) square += out[i] * out[i];
    if (!isfinite(square))
        return goss_error_set(err, GOSS_E_NUMERIC, "similarity: numbers that are not finite, or above 1e38");
    *varies = square > 0;
    const double norm = sqrt(square);
    for (int64_t i = 0; *varies && i < rows * rows; i++) out[i] /= norm;
    return GOSS_OK;
}

goss_status goss_linear_cka(const float *x, int64_t columns_x, const float *y, int64_t columns_y, int64_t rows,
                            double *out, goss_error *err) {
    bool varies[2] = {false, false};
    *out = NAN;
    if (rows < 2)
        return goss_error_set(err, GOSS_E_ARGUMENT, "similarity: %lld samples; two at least", (long long)rows);
    double *a = goss__alloc((size_t)(2 * rows * rows) * sizeof *a), *b = a + rows * rows, sum = 0;
    if (!a) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a similarity of %lld samples", (long long)rows);
    goss_status s = goss__cka_kernel(x, rows, columns_x, a, &varies[0], err);
    if (s == GOSS_OK) s = goss__cka_kernel(y, rows, columns_y, b, &varies[1], err);
    for (int64_t i = 0; s == GOSS_OK && i < rows * rows; i++) sum += a[i] * b[i];
    if (s == GOSS_OK && varies[0] && varies[1]) *out = sum;
    goss__free(a);
    return s;
}
