/* SPDX-License-Identifier: Apache-2.0 */
/* program_check.h: what tests of programs share: a program goes through its text and back. */
#ifndef TESTS_PROGRAM_CHECK_H
#define TESTS_PROGRAM_CHECK_H

#include "gossamer/program.h"
#include "ir/program.h"
#include "test.h"

/* The program of that text; it must be one. */
static inline goss_program *program_of(const char *text) {
    goss_error err = {0};
    goss_program *p = NULL;
    if (goss_program_parse(text, &p, &err) != GOSS_OK) T_FAIL("%s\n%s", err.text, text);
    return p;
}

/* p is verified, and its text reads back to a program with the same text. */
static inline void check_round_trip(const goss_program *p) {
    goss_error err = {0};
    char *text = goss_program_text(p);
    T_CHECK(text != NULL);
    if (goss_program_verify(p, &err) != GOSS_OK) T_FAIL("%s\n%s", err.text, text);
    goss_program *back = program_of(text);
    char *again = goss_program_text(back);
    T_STR(again, text);
    T_EQ(goss_program_values(back), goss_program_values(p));
    goss_text_free(text), goss_text_free(again);
    goss_program_free(back);
}

/* The same by way of a graph. */
static inline void check_graph(const goss_program *p) {
    goss_error err = {0};
    goss_graph *g = NULL;
    goss_program *back = NULL;
    const int n_out = goss_program_outputs(p), n_up = goss_program_updates(p);
    goss_val *v = calloc((size_t)goss_program_values(p) + 1, sizeof *v), *u = calloc((size_t)n_up + 1, sizeof *u);
    goss_val *out = calloc((size_t)n_out + 1, sizeof *out);
    const char **name = calloc((size_t)n_out + 1, sizeof *name);
    T_OK(goss_program_graph(p, &g, v, u, &err));
    for (int i = 0; i < n_out; i++) out[i] = v[goss_program_output(p, i)], name[i] = goss_program_output_name(p, i);
    T_OK(goss_program_create(g, out, name, n_out, u, n_up, &back, &err));
    char *before = goss_program_text(p), *after = goss_program_text(back);
    T_STR(after, before);
    goss_text_free(before), goss_text_free(after);
    goss_program_free(back), goss_graph_free(g);
    free(v), free(u), free(out), free(name);
}
#endif
