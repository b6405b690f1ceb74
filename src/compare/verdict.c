/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.c: a summary of a comparison in sentences. "Better" is a difference whose interval does not contain 0. */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "compare/compare.h"

const goss_compare_difference *goss__difference_of(const goss_comparison *s, int a, int b) {
    for (int i = 0; i < s->differences; i++)
        if (s->difference[i].a == a && s->difference[i].b == b) return &s->difference[i];
    return NULL;
}

/* Differences that are all equal, as of two tasks and one seed, have no spread to judge by. */
static bool is_known(const goss_compare_difference *d) {
    return d && !isnan(d->value) && !isnan(d->ci95) && (d->ci95 > 0 || d->value == 0);
}

/* 1 better, -1 worse, 0 neither beyond the interval, or not known. */
static int sign_of(const goss_comparison *s, const goss_compare_difference *d) {
    if (!is_known(d) || fabs(d->value) <= d->ci95) return 0;
    return (d->value > 0) == s->metric->higher ? 1 : -1;
}

static int find(const goss_comparison *s, const char *name) {
    for (int i = 0; i < s->rows; i++)
        if (strcmp(s->row[i].name, name) == 0) return i;
    return -1;
}

/* Of more cells, or of as many with a better value: a row that fails where splits are hard has a mean without them. */
static bool is_ahead(const goss_comparison *s, const goss_compare_row *a, const goss_compare_row *b) {
    return a->seeds > b->seeds || (a->seeds == b->seeds && goss_metric_better(s->metric, a->value, b->value));
}

int goss__best_row(const goss_compare *c, const goss_comparison *s, bool plain) {
    int best = -1;
    for (int i = 0; i < s->rows; i++)
        if (c->row[i].plain == plain && !c->row[i].closed && s->row[i].seeds &&
            (best < 0 || is_ahead(s, &s->row[i], &s->row[best])))
            best = i;
    return best;
}

static void add_gap(goss__str *t, const goss_compare_difference *d) {
    goss__str_addf(t, " (%+.4g +- %.2g)", d->value, d->ci95);
}

/* "A (-1 +- .2), B (-2 +- .3) and 4 more are better than X": those with the largest differences. Returns how many. */
static int add_side(const goss_comparison *s, goss__str *t, int base, int side, const char *before) {
    enum { NAMED = 4 };
    const goss_compare_difference *best[NAMED] = {0};
    int n = 0;
    for (int i = 0; i < s->rows; i++) {
        const goss_compare_difference *d = goss__difference_of(s, i, base);
        if (sign_of(s, d) != side) continue;
        n++;
        for (int k = 0; k < NAMED; k++)
            if (!best[k] || fabs(d->value) > fabs(best[k]->value)) {
                const goss_compare_difference *other = best[k];
                best[k] = d, d = other;
                if (!d) break;
            }
    }
    for (int k = 0; k < NAMED && best[k]; k++) {
        goss__str_addf(t, "%s%s", k == 0 ? before : n <= NAMED && k == n - 1 ? " and " : ", ", s->row[best[k]->a].name);
        add_gap(t, best[k]);
    }
    if (n > NAMED) goss__str_addf(t, " and %d more", n - NAMED);
    if (n)
        goss__str_addf(t, " %s %s %s", n > 1 ? "are" : "is", side > 0 ? "better than" : "worse than",
                       s->row[base].name);
    return n;
}

static void add_against(const goss_comparison *s, goss__str *t, const char *name) {
    const int base = find(s, name);
    if (base < 0 || s->row[base].seeds == 0) return;
    const int better = add_side(s, t, base, 1, ""), worse = add_side(s, t, base, -1, better ? "; " : "");
    if (better || worse)
        goss__str_add(t, ". ");
    else
        goss__str_addf(t, "No row differs from %s beyond its interval. ", name);
}

static void add_structure(const goss_compare *c, const goss_comparison *s, goss__str *t) {
    const int plain = goss__best_row(c, s, true), tied = goss__best_row(c, s, false);
    if (plain >= 0)
        goss__str_addf(t, "The best without structure between tasks is %s (%.5g). ", s->row[plain].name,
                       s->row[plain].value);
    if (plain < 0 && tied >= 0)
        goss__str_addf(t, "The best row is %s (%.5g); no row is without structure between tasks. ", s->row[tied].name,
                       s->row[tied].value);
    if (plain < 0 || tied < 0) return;
    const goss_compare_difference *d = goss__difference_of(s, tied, plain);
    goss__str_addf(t, "The best with structure is %s (%.5g), ", s->row[tied].name, s->row[tied].value);
    if (!is_known(d))
        goss__str_add(t, "which one cannot tell from it with so few cells. ");
    else if (sign_of(s, d) == 0)
        goss__str_addf(t, "a paired difference of %+.4g +- %.2g: no gain beyond the interval. ", d->value, d->ci95);
    else
        goss__str_addf(t, "%s by a paired %+.4g +- %.2g. ", sign_of(s, d) > 0 ? "better" : "worse", d->value, d->ci95);
    if (s->row[tied].worse_than_alone > 0)
        goss__str_addf(t, "%d of %d tasks are worse with it than alone. ", s->row[tied].worse_than_alone, s->tasks);
}

char *goss__verdict(const goss_compare *c, const goss_comparison *s) {
    goss__str t = {0};
    if (s->done < s->cells) goss__str_addf(&t, "Only %d of %d cells are done. ", s->done, s->cells);
    add_structure(c, s, &t);
    add_against(s, &t, "alone");
    add_against(s, &t, "mean-ridge");
    if (t.size == 0) goss__str_add(&t, "There is nothing to compare.");
    if (t.size > 0 && t.data[t.size - 1] == ' ') t.data[--t.size] = 0;
    if (!t.failed && t.data) return t.data;
    goss__str_free(&t);
    return NULL;
}
