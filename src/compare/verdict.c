/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.c: what the numbers of a comparison say, in words, and no more than they say: "better" is a difference whose
 * interval does not hold 0. */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "compare/compare.h"

const goss_compare_difference *goss__difference_of(const goss_comparison *s, int a, int b) {
    for (int i = 0; i < s->differences; i++)
        if (s->difference[i].a == a && s->difference[i].b == b) return &s->difference[i];
    return NULL;
}

/* 1 better, -1 worse, 0 neither beyond the interval, or not known. */
static int sign_of(const goss_comparison *s, const goss_compare_difference *d) {
    if (!d || isnan(d->value) || isnan(d->ci95) || fabs(d->value) <= d->ci95) return 0;
    return (d->value > 0) == s->metric->higher ? 1 : -1;
}

static int find(const goss_comparison *s, const char *name) {
    for (int i = 0; i < s->rows; i++)
        if (strcmp(s->row[i].name, name) == 0) return i;
    return -1;
}

/* Of the rows that are plain or not; closed ones apart. */
static int best_of(const goss_compare *c, const goss_comparison *s, bool plain) {
    int best = -1;
    for (int i = 0; i < s->rows; i++)
        if (c->row[i].plain == plain && !c->row[i].closed && s->row[i].seeds &&
            (best < 0 || goss_metric_better(s->metric, s->row[i].value, s->row[best].value)))
            best = i;
    return best;
}

static void add_gap(goss__str *t, const goss_compare_difference *d) {
    goss__str_addf(t, " (%+.4g +- %.2g)", d->value, d->ci95);
}

/* "Beyond the interval, A, B are better than X, C is worse; the others cannot be told from it." */
static void add_against(const goss_comparison *s, goss__str *t, const char *name) {
    static const char *const words[] = {"better than", "worse than"};
    const int base = find(s, name);
    bool any = false;
    if (base < 0 || s->row[base].seeds == 0) return;
    for (int side = 0; side < 2; side++) {
        int n = 0;
        for (int i = 0; i < s->rows; i++) {
            const goss_compare_difference *d = goss__difference_of(s, i, base);
            if (sign_of(s, d) != (side ? -1 : 1)) continue;
            goss__str_addf(t, "%s%s", n++ ? ", " : any ? "; " : "", s->row[i].name);
            add_gap(t, d);
        }
        if (n) goss__str_addf(t, " %s %s %s", n > 1 ? "are" : "is", words[side], name), any = true;
    }
    if (any)
        goss__str_add(t, ". ");
    else
        goss__str_addf(t, "No row differs from %s beyond its interval. ", name);
}

static void add_structure(const goss_compare *c, const goss_comparison *s, goss__str *t) {
    const int plain = best_of(c, s, true), tied = best_of(c, s, false);
    if (plain >= 0)
        goss__str_addf(t, "The best without structure between tasks is %s (%.5g). ", s->row[plain].name,
                       s->row[plain].value);
    if (plain < 0 && tied >= 0)
        goss__str_addf(t, "The best row is %s (%.5g); no row is without structure between tasks. ", s->row[tied].name,
                       s->row[tied].value);
    if (plain < 0 || tied < 0) return;
    const goss_compare_difference *d = goss__difference_of(s, tied, plain);
    goss__str_addf(t, "The best with structure is %s (%.5g), ", s->row[tied].name, s->row[tied].value);
    if (!d || isnan(d->value) || isnan(d->ci95))
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
