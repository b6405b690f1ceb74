/* SPDX-License-Identifier: Apache-2.0 */
/* student.c: Student's t by the incomplete beta function (continued fraction, Lentz's method: Press et al., Numerical
 * Recipes, 6.4) and bisection; intervals of means over tasks. */
#include <assert.h>
#include <math.h>

#include "gossamer/interval.h"

/* The continued fraction of I_x(a, b), for x < (a + 1) / (a + b + 2). */
static double fraction(double a, double b, double x) {
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1), h;
    d = 1 / (fabs(d) < tiny ? tiny : d), h = d;
    for (int m = 1; m <= 10000; m++) {
        for (int odd = 0; odd < 2; odd++) {
            const double k = odd ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                                 : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 + k * d, c = 1 + k / c;
            d = 1 / (fabs(d) < tiny ? tiny : d), c = fabs(c) < tiny ? tiny : c;
            h *= c * d;
        }
        if (fabs(c * d - 1) < 1e-15) break;
    }
    return h;
}

/* lgamma also writes the global signgam: threads that race for it write the same 1. */
static double log_beta(double a, double b) { return lgamma(a) + lgamma(b) - lgamma(a + b); }

static double beta_share(double a, double b, double x) {
    if (x <= 0 || x >= 1) return x > 0;
    const double front = exp(a * log(x) + b * log1p(-x) - log_beta(a, b));
    if (x < (a + 1) / (a + b + 2)) return front * fraction(a, b, x) / a;
    return 1 - front * fraction(b, a, 1 - x) / b;
}

double goss_student_quantile(double p, double df) {
    assert(p > 0 && p < 1 && df > 0);
    if (p < 0.5) return -goss_student_quantile(1 - p, df);
    double low = 0, high = 1;
    /* P(T > t) = I_{df / (df + t^2)}(df / 2, 1 / 2) / 2 */
    while (beta_share(df / 2, 0.5, df / (df + high * high)) / 2 > 1 - p && high < 1e300) high *= 2;
    for (int i = 0; i < 200 && high - low > 1e-14 * high; i++) {
        const double t = low + (high - low) / 2;
        *(beta_share(df / 2, 0.5, df / (df + t * t)) / 2 > 1 - p ? &low : &high) = t;
    }
    return low + (high - low) / 2;
}

double goss_student_ci95(const double *values, int n, double *mean, int *count) {
    double sum = 0, square = 0;
    int m = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(values[i])) sum += values[i], m++;
    *mean = m ? sum / m : NAN;
    for (int i = 0; i < n; i++)
        if (!isnan(values[i])) square += (values[i] - *mean) * (values[i] - *mean);
    if (count) *count = m;
    return m < 2 ? NAN : goss_student_quantile(0.975, m - 1) * sqrt(square / (m - 1) / m);
}
