/* SPDX-License-Identifier: Apache-2.0 */
/* rates.c: optimizer.rates, learning rates by the names of tensors, read from a configuration and checked against a
 * method's parameters. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/str.h"
#include "train/run.h"

static char *trim(char *text) {
    text += strspn(text, " \t\n");
    for (char *end = text + strlen(text); end > text && strchr(" \t", end[-1]);) *--end = 0;
    return text;
}

/* One "PATTERN,PATTERN=FACTOR", cut in place: a rule for each of its patterns. */
static goss_status parse_rate(char *part, goss__rates *out, goss_error *err) {
    double factor = -1;
    char *equals = strchr(part, '=');
    if (!equals || !goss__number_parse(trim(equals + 1), &factor) || equals == part)
        return goss_error_set(err, GOSS_E_ARGUMENT, "optimizer.rates: \"%s\" is not PATTERN=FACTOR", part);
    if (factor < 0 || factor > 1e6)
        return goss_error_set(err, GOSS_E_ARGUMENT, "optimizer.rates: \"%s\": the factor is not from 0 to 1000000",
                              part);
    *equals = 0;
    for (char *save, *one = strtok_r(part, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
        if (out->n == GOSS__RATES)
            return goss_error_set(err, GOSS_E_ARGUMENT, "optimizer.rates: more than %d", GOSS__RATES);
        out->rule[out->n++] = (goss_scale_rule){trim(one), factor};
    }
    return GOSS_OK;
}

static goss_status parse_rates(char *text, goss__rates *out, goss_error *err) {
    for (char *end; *text; text = end) {
        end = text + goss__rule_size(text);
        if (*end) *end++ = 0;
        text = trim(text);
        if (*text) GOSS_TRY(parse_rate(text, out, err));
    }
    return GOSS_OK;
}

const char *goss__rate_pattern(const char *pattern, const char *param) {
    const size_t n = strlen(param);
    const char *dot = strchr(pattern, '.');
    if (strcmp(pattern, param) == 0) return "*";
    if (!dot) return pattern;
    return (size_t)(dot - pattern) == n && strncmp(pattern, param, n) == 0 ? dot + 1 : NULL;
}

static bool matches(const goss_method_param *p, int entry, const char *rule) {
    const char *pattern = goss__rate_pattern(rule, p->name);
    return pattern && goss_name_matches(goss_layout_entry(p->layout, entry)->name, pattern);
}

/* Counts the tensors that rule j matches, and those that no later rule overrides. */
static void count_matches(const goss_method *m, const goss__rates *all, int j, int *any, int *left) {
    *any = *left = 0;
    for (int i = 0; i < goss_method_params(m); i++) {
        goss_method_param p = goss_method_param_at(m, i);
        for (int k = 0; p.trained && k < goss_layout_count(p.layout); k++) {
            int last = -1;
            for (int l = j; l < all->n; l++)
                if (matches(&p, k, all->rule[l].pattern)) last = l;
            *any += matches(&p, k, all->rule[j].pattern), *left += last == j;
        }
    }
}

/* "there are target.conv1.w, ...": the names that a pattern can match. */
static goss_status matches_nothing(const goss_method *m, const char *rule, goss_error *err) {
    goss__str names = {0};
    int listed = 0, all = 0;
    for (int i = 0; i < goss_method_params(m); i++) {
        goss_method_param p = goss_method_param_at(m, i);
        for (int k = 0; p.trained && k < goss_layout_count(p.layout); k++, all++) {
            if (names.size > 600) continue;
            goss__str_addf(&names, "%s%s.%s", listed++ ? ", " : "", p.name, goss_layout_entry(p.layout, k)->name);
        }
    }
    if (listed < all) goss__str_addf(&names, " and %d more", all - listed);
    goss_status s = goss_error_set(err, GOSS_E_ARGUMENT, "optimizer.rates: \"%s\" matches no tensor; there are %s",
                                   rule, names.failed || !names.data ? "none" : names.data);
    goss__str_free(&names);
    return s;
}

static goss_status check_rates(const goss_method *m, const goss__rates *all, goss_error *err) {
    for (int j = 0; j < all->n; j++) {
        int any, left;
        count_matches(m, all, j, &any, &left);
        if (any == 0) return matches_nothing(m, all->rule[j].pattern, err);
        if (left == 0)
            return goss_error_set(
                err, GOSS_E_ARGUMENT,
                "optimizer.rates: \"%s\" has no effect: a later pattern matches all that it does. The "
                "last one that matches counts: put the general ones first",
                all->rule[j].pattern);
    }
    return GOSS_OK;
}

goss_status goss__rates_read(const char *text, goss__rates *out, goss_error *err) {
    *out = (goss__rates){.text = goss__strdup(text)};
    if (!out->text) return goss_error_set(err, GOSS_E_NOMEM, "no memory for rates");
    const goss_status s = parse_rates(out->text, out, err);
    if (s != GOSS_OK) goss__rates_free(out);
    return s;
}

void goss__rates_free(goss__rates *r) {
    goss__free(r->text);
    *r = (goss__rates){0};
}

goss_status goss__rates_check(const char *text, const goss_method *m, goss_error *err) {
    goss__rates own;
    GOSS_TRY(goss__rates_read(text, &own, err));
    const goss_status s = check_rates(m, &own, err);
    goss__rates_free(&own);
    return s;
}
