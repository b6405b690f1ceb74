/* SPDX-License-Identifier: Apache-2.0 */
/* pass_list.c: what GOSSAMER_DISABLE and the options named `disable` accept, as a check and as a text: rewrite rules,
 * passes over programs, passes over schedules, and choices within them. */
#include <string.h>

#include "base/str.h"
#include "gossamer/exec.h"
#include "ir/program.h"
#include "rewrite/rewriter.h"
#include "schedule/build.h"

static bool is_mandatory(const goss__schedule_pass *pass) { return pass->off == GOSS__PASS_COUNT; }

static const char *mandatory_name(int i) {
    for (int k = 0; goss__schedule_pass_at(k); k++)
        if (is_mandatory(goss__schedule_pass_at(k)) && i-- == 0) return goss__schedule_pass_at(k)->name;
    return NULL;
}

/* ---- checking a list ---- */

static goss_status refuse_mandatory(const char *name, size_t n, const char *source, goss_error *err) {
    goss__str all = {0};
    for (int i = 0; mandatory_name(i); i++) goss__str_addf(&all, " %s", mandatory_name(i));
    const goss_status s = all.failed ? goss_error_set(err, GOSS_E_NOMEM, "out of memory")
                                     : goss_error_set(err, GOSS_E_ARGUMENT,
                                                      "%s: %.*s is mandatory, it cannot be disabled; mandatory are%s "
                                                      "(gossamer doctor --passes lists what can be)",
                                                      source, (int)n, name, all.data);
    goss__str_free(&all);
    return s;
}

goss_status goss__disable_check(const char *list, const char *source, bool rules, goss_error *err) {
    static const goss__name_table names[] = {goss__pass_name, goss__rule_name};
    const char *name, *at = list;
    for (size_t n; goss__name_next(&at, &name, &n);) {
        if (goss__in_table(mandatory_name, name, n)) return refuse_mandatory(name, n, source, err);
        if (!rules && goss__in_table(goss__rule_name, name, n))
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "%s: %.*s rewrites graphs, and gradients have used it already: "
                                  "goss_graph_disable(graph, \"%.*s\"), before anything is built, disables it",
                                  source, (int)n, name, (int)n, name);
    }
    return goss__names_known(list, source, names, rules ? 2 : 1, err);
}

/* ---- the text ---- */

static void add_row(goss__str *s, const char *name, bool mandatory, bool off, const char *what) {
    goss__str_addf(s, "  %-7s %-17s %s\n", mandatory ? "always" : off ? "off" : "on", name, what);
}

static bool pass_is_off(const char *name) { return goss__is_listed(goss__disabled(), name); }
static bool rule_is_off(const char *name) { return goss__rule_is_listed(goss__disabled(), name); }

static bool is_program_pass(const char *name) {
    for (int i = 0; goss__program_pass_at(i); i++)
        if (strcmp(goss__program_pass_at(i)->name, name) == 0) return true;
    return false;
}

static void add_rules(goss__str *s) {
    goss__str_add(s, "rewrite rules, disabled by GOSSAMER_DISABLE or goss_graph_disable\n");
    for (int i = 0; i < GOSS__RULE_COUNT; i++)
        if (!is_program_pass(goss__rules[i].name))
            add_row(s, goss__rules[i].name, false, rule_is_off(goss__rules[i].name), goss__rules[i].what);
    goss__str_add(s, "passes over a program, disabled likewise\n");
    for (int i = 0; goss__program_pass_at(i); i++)
        add_row(s, goss__program_pass_at(i)->name, false, rule_is_off(goss__program_pass_at(i)->name),
                goss__program_pass_at(i)->what);
}

static void add_passes(goss__str *s) {
    goss__str_add(s, "passes over a schedule, disabled by GOSSAMER_DISABLE or goss_schedule_options.disable\n");
    for (int i = 0; goss__schedule_pass_at(i); i++) {
        const goss__schedule_pass *pass = goss__schedule_pass_at(i);
        add_row(s, pass->name, is_mandatory(pass), pass_is_off(pass->name), pass->what);
    }
    goss__str_add(s, "choices within them and of kernels, disabled likewise\n");
    for (int i = 0; goss__pass_name(i); i++)
        if (goss__pass_what(i))
            add_row(s, goss__pass_name(i), false, goss__pass_is_listed(goss__disabled(), i), goss__pass_what(i));
}

goss_status goss_passes_text(char **out, goss_error *err) {
    *out = NULL;
    GOSS_TRY(goss__disable_check(goss__disabled(), "GOSSAMER_DISABLE", true, err));
    goss__str s = {0};
    add_rules(&s);
    add_passes(&s);
    if (s.failed) {
        goss__str_free(&s);
        return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    }
    *out = s.data;
    return GOSS_OK;
}
