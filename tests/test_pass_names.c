/* SPDX-License-Identifier: Apache-2.0 */
/* What can be disabled by name, and the list of it: names that are refused, rules in graphs and programs, the state
 * that is shown, the documentation. */
#include <stdlib.h>

#include "gossamer/exec.h"
#include "gossamer/program.h"
#include "pass_names.h"
#include "schedule/build.h"

static goss_error err;

/* ---- names ---- */

static goss_status compile_with(const char *environment, const char *option, char *text, size_t size) {
    setenv("GOSSAMER_DISABLE", environment, 1);
    goss_graph *g = goss_graph_new();
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(3), goss_n(4))), y = goss_exp(goss_mul(x, x));
    goss_schedule_options o = goss_schedule_defaults();
    goss_schedule *p;
    o.disable = option;
    const goss_status s = goss_compile(g, &y, 1, NULL, 0, &o, &p, &err);
    char *now = s == GOSS_OK ? goss_schedule_text(p) : NULL;
    if (text) snprintf(text, size, "%s", now ? now : "");
    goss_text_free(now), goss_schedule_free(p), goss_graph_free(g);
    unsetenv("GOSSAMER_DISABLE");
    return s;
}

TEST(a_name_that_disables_nothing_is_an_error) {
    char list[2000];
    every_name(list, sizeof list);
    T_ERR(compile_with("sink,,winogrand", NULL, NULL, 0), GOSS_E_ARGUMENT,
          "GOSSAMER_DISABLE: nothing is called \"winogrand\"; there are batch ");
    T_ERR(compile_with("sink", "bf17", NULL, 0), GOSS_E_ARGUMENT, "disable: nothing is called \"bf17\"");
    T_OK(compile_with(list, NULL, NULL, 0));
    T_OK(compile_with("all", "all,sink", NULL, 0));
}

TEST(a_mandatory_pass_cannot_be_disabled) {
    int found = 0;
    for (int i = 0; goss__schedule_pass_at(i); i++) {
        const goss__schedule_pass *p = goss__schedule_pass_at(i);
        char want[100];
        if (p->off != GOSS__PASS_COUNT) continue;
        snprintf(want, sizeof want, ": %s is mandatory, it cannot be disabled; mandatory are place bf16", p->name);
        T_ERR(compile_with(p->name, NULL, NULL, 0), GOSS_E_ARGUMENT, want);
        T_ERR(compile_with("", p->name, NULL, 0), GOSS_E_ARGUMENT, want);
        found++;
    }
    T_CHECK(found >= 10);
}

/* Rules are a graph's, since gradients have used them when it is compiled; a program has no gradients yet. */
TEST(rules_are_disabled_in_a_graph_or_a_program) {
    char as_is[2000], by_environment[2000], text[2000];
    T_OK(compile_with("", NULL, as_is, sizeof as_is));
    T_OK(compile_with("square", NULL, by_environment, sizeof by_environment));
    T_CHECK(strstr(as_is, "square") && !strstr(by_environment, "square") && strstr(by_environment, "mul"));
    T_ERR(compile_with("", "sink,square", NULL, 0), GOSS_E_ARGUMENT, "goss_graph_disable(graph, \"square\")");
    for (int by_program = 0; by_program < 2; by_program++) {
        goss_graph *g = goss_graph_new();
        goss_schedule_options o = goss_schedule_defaults();
        goss_schedule *schedule;
        goss_program *p;
        if (!by_program) goss_graph_disable(g, "square");
        goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(3), goss_n(4))), y = goss_exp(goss_mul(x, x));
        if (by_program) {
            o.disable = "sink,square";
            T_OK(goss_program_create(g, &y, NULL, 1, NULL, 0, &p, &err));
            T_OK(goss_schedule_compile(p, &o, &schedule, &err));
            goss_program_free(p);
        } else {
            T_OK(goss_compile(g, &y, 1, NULL, 0, &o, &schedule, &err));
        }
        char *now = goss_schedule_text(schedule);
        snprintf(text, sizeof text, "%s", now);
        T_STR(text, by_environment);
        goss_text_free(now), goss_schedule_free(schedule), goss_graph_free(g);
    }
}

TEST(a_graph_disables_rules_before_it_is_built) {
    static const struct {
        const char *names, *says;
    } wrong[] = {{"cube", "goss_graph_disable: nothing is called \"cube\"; there are rewrite fold"},
                 {"sink", "goss_graph_disable: sink is of schedules"},
                 {"square", "goss_graph_disable: something is built"}};
    for (int i = 0; i < 3; i++) {
        goss_graph *g = goss_graph_new();
        if (i == 2) goss_const(g, 1);
        goss_graph_disable(g, wrong[i].names);
        T_ERR(goss_graph_status(g, &err), GOSS_E_ARGUMENT, wrong[i].says);
        goss_graph_free(g);
    }
    goss_graph *g = goss_graph_new();
    goss_graph_disable(g, "fold"), goss_graph_disable(g, "square,all");
    T_OK(goss_graph_status(g, &err));
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(3)));
    T_CHECK(goss_shift(x, 0).id != x.id); /* builders do not fold */
    goss_graph_free(g);
}

/* ---- the list ---- */

TEST(the_list_shows_each_name_and_its_state) {
    char *text;
    setenv("GOSSAMER_DISABLE", "square,sink,order", 1);
    T_OK(goss_passes_text(&text, &err));
    unsetenv("GOSSAMER_DISABLE");
    T_CHECK(strstr(text, "\n  off     square ") && strstr(text, "\n  off     sink ") &&
            strstr(text, "  off     order "));
    T_CHECK(strstr(text, "\n  on      fuse ") && strstr(text, "\n  on      scan-sums "));
    T_CHECK(strstr(text, "\n  always  bf16 ") && strstr(text, "\n  always  plan-memory "));
    int rows = 0, names = 0;
    for (const char *at = text; (at = strstr(at, "\n  ")); at++) rows++;
    for (int i = 0; goss__pass_name(i); i++) {
        char row[64];
        snprintf(row, sizeof row, " %s ", goss__pass_name(i));
        T_CHECK(strstr(text, row));
        names += goss__pass_what(i) != NULL;
    }
    for (int i = 0; goss__schedule_pass_at(i); i++) names++;
    for (int i = 0; goss__rule_name(i); i++) names++; /* merge-taps and rewrite are passes over programs, too */
    T_EQ(rows, names);
    goss_text_free(text);
    setenv("GOSSAMER_DISABLE", "rewrite", 1); /* a name of all rules, not of other passes */
    T_OK(goss_passes_text(&text, &err));
    T_CHECK(strstr(text, "\n  off     fold ") && strstr(text, "\n  off     merge-taps ") &&
            strstr(text, "\n  off     rewrite ") && strstr(text, "\n  on      sink "));
    goss_text_free(text);
    setenv("GOSSAMER_DISABLE", "fuse", 1); /* with the choices that it makes, not those of other passes */
    T_OK(goss_passes_text(&text, &err));
    T_CHECK(strstr(text, "\n  off     fuse ") && strstr(text, "\n  off     fuse-add ") &&
            strstr(text, "\n  off     fuse-addend ") && strstr(text, "\n  off     fuse-sum "));
    T_CHECK(strstr(text, "\n  on      fuse-along ") && strstr(text, "\n  on      fuse-chain "));
    goss_text_free(text);
    setenv("GOSSAMER_DISABLE", "size", 1);
    T_ERR(goss_passes_text(&text, &err), GOSS_E_ARGUMENT, "size is mandatory");
    unsetenv("GOSSAMER_DISABLE");
}

TEST(the_documentation_has_each_pass) {
    static char text[300000];
    FILE *f = fopen("docs/architecture.md", "r");
    if (!f) T_FAIL("no docs/architecture.md: tests run in the folder that has docs/");
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    char row[400];
    for (int i = 0; goss__schedule_pass_at(i); i++) {
        const goss__schedule_pass *p = goss__schedule_pass_at(i);
        snprintf(row, sizeof row, "\n| `%s` | %s | %s |\n", p->name, p->off == GOSS__PASS_COUNT ? "mandatory" : "yes",
                 p->what);
        if (!strstr(text, row)) T_FAIL("docs/architecture.md lacks the line%s", row);
    }
    for (int i = 0; goss__pass_name(i); i++) {
        snprintf(row, sizeof row, "\n| `%s` | yes | %s |\n", goss__pass_name(i), goss__pass_what(i));
        if (goss__pass_what(i) && !strstr(text, row)) T_FAIL("docs/architecture.md lacks the line%s", row);
    }
}

TEST_MAIN()
