/* SPDX-License-Identifier: Apache-2.0 */
/* search_rank.c: Kendall's rank correlation between what is known of a network before it is trained and what came of
 * its training. */
#include <math.h>

#include "base/alloc.h"
#include "search/search.h"

static int sign(double v) { return (v > 0) - (v < 0); }

/* (C - D) / sqrt((P - T_a) (P - T_b)) over P pairs, of which T are tied in one of the lists (Kendall 1945). */
double goss__kendall(const double *a, const double *b, int n) {
    int64_t score = 0, in_a = 0, in_b = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++) {
            const int x = sign(a[i] - a[k]), y = sign(b[i] - b[k]);
            score += x * y, in_a += x != 0, in_b += y != 0;
        }
    return in_a > 0 && in_b > 0 ? (double)score / sqrt((double)in_a * (double)in_b) : NAN;
}

/* atanh(tau) has a variance of about 0.437 / (n - 4) (Fieller, Hartley and Pearson 1957). */
static void interval(goss_search_rank *r) {
    r->low = r->high = NAN;
    if (r->n < 5 || !(fabs(r->tau) < 1)) return;
    const double half = 1.96 * sqrt(0.437 / (r->n - 4));
    r->low = tanh(atanh(r->tau) - half), r->high = tanh(atanh(r->tau) + half);
}

/* ---- what is known before ---- */

static double before(const goss__trial *t, int what) {
    return what < GOSS__SCORERS ? t->score[what] : what == GOSS__SCORERS ? (double)t->cost.bytes : (double)t->cost.macs;
}

static bool is_asked(const goss_search *s, int what) { return what >= GOSS__SCORERS || s->o.methods[what]; }

/* Larger is better: metrics of which less is better turn around. */
static double good(const goss_search *s, double v) { return s->data.metric->higher ? v : -v; }

static void correlate(goss_search *s, bool sample, int what, int most, double *a, double *b) {
    static const char *const names[] = {"smash", "ghn", "bytes", "macs"};
    int n = 0;
    for (int i = 0; i < most; i++) {
        const goss__trial *t = &s->trial[i];
        const double x = before(t, what);
        if (!t->trained || isnan(t->validation) || isnan(x)) continue;
        a[n] = what < GOSS__SCORERS ? good(s, x) : x, b[n++] = good(s, t->validation);
    }
    goss_search_rank r = {.of = names[what], .n = n, .tau = goss__kendall(a, b, n)};
    interval(&r);
    s->rank[sample][s->n_ranks[sample]++] = r;
}

/* Networks of `random` are the first ones of the draw. */
static int sampled(const goss_search *s) {
    for (int i = 0; i < s->n_results; i++)
        if (s->result[i].method == GOSS_SEARCH_RANDOM) return s->result[i].trained;
    return 0;
}

goss_status goss__search_ranks(goss_search *s, goss_error *err) {
    double *a = goss__calloc((size_t)s->n_trials + 1, sizeof *a), *b = goss__calloc((size_t)s->n_trials + 1, sizeof *b);
    const bool ok = a && b;
    for (int sample = 0; ok && sample < 2; sample++)
        for (int what = 0; what < GOSS__SCORERS + 2; what++)
            if (is_asked(s, what) && (!sample || sampled(s) > 0))
                correlate(s, sample, what, sample ? sampled(s) : s->n_trials, a, b);
    goss__free(a), goss__free(b);
    return ok ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for ranks");
}
