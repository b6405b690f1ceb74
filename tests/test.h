/* SPDX-License-Identifier: Apache-2.0 */
/* test.h: Gossamer's checkers. A test program is a file of TEST(name) { ... } bodies and TEST_MAIN(); cmocka runs them
 * (framework/runner.c).
 *
 * A failed check prints where and what and ends that test, in however deep a helper it stands: it does not return. The
 * program goes on with the next test, closes with "N passed, N failed, N skipped" and exits 1 if any failed. Parts of
 * names are arguments: only those tests run. A failure that tells of a library that this build is without is a skip: so
 * a test needs no word about what it needs. Checks belong to the thread that runs the test: elsewhere, and in a forked
 * child, a failed one ends the process with status 99. */
#ifndef GOSS_TEST_H
#define GOSS_TEST_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/status.h"

/* The packages of the libraries that this build is without. */
#if __has_include("goss_config.h")
#include "goss_config.h"
#else
#define GOSS_LACKING ""
#endif

typedef struct t_case {
    const char *name;
    void (*fn)(void);
    struct t_case *next;
} t_case;

void t_add(t_case *t, const char *lacking);
int t_main(int argc, char **argv);
bool t_exists(const char *name); /* is there a test of that name? */
_Noreturn void t_fail(const char *file, int line, const char *fmt, ...) GOSS_PRINTF(3, 4);
_Noreturn void t_skip(const char *file, int line, const char *fmt, ...) GOSS_PRINTF(3, 4);
void t_lacks(const char *text); /* skips if the text tells of a library that this build is without */
void t_note(const char *fmt, ...) GOSS_PRINTF(1, 2);

#define TEST(id)                                                                                                       \
    static void t_body_##id(void);                                                                                     \
    static t_case t_case_##id = {#id, t_body_##id, NULL};                                                              \
    __attribute__((constructor)) static void t_add_##id(void) { t_add(&t_case_##id, GOSS_LACKING); }                   \
    static void t_body_##id(void)

#define T_FAIL(...) t_fail(__FILE__, __LINE__, __VA_ARGS__)
#define T_SKIP(...) t_skip(__FILE__, __LINE__, __VA_ARGS__)
/* Where a loop stands: told with the test's failure, should there be one. */
#define T_NOTE(...) t_note(__VA_ARGS__)

#define T_CHECK(cond)                                                                                                  \
    do {                                                                                                               \
        if (!(cond)) T_FAIL("%s", #cond);                                                                              \
    } while (0)
#define T_EQ(a, b)                                                                                                     \
    do {                                                                                                               \
        long long t_a = (long long)(a), t_b = (long long)(b);                                                          \
        if (t_a != t_b) T_FAIL("%s is %lld, not %s = %lld", #a, t_a, #b, t_b);                                         \
    } while (0)
#define T_STR(a, b)                                                                                                    \
    do {                                                                                                               \
        const char *t_a = (a), *t_b = (b);                                                                             \
        if (!t_a || !t_b || strcmp(t_a, t_b) != 0)                                                                     \
            T_FAIL("%s is \"%s\", not \"%s\"", #a, t_a ? t_a : "(NULL)", t_b ? t_b : "(NULL)");                        \
    } while (0)
#define T_NEAR(a, b, tol)                                                                                              \
    do {                                                                                                               \
        double t_a = (a), t_b = (b);                                                                                   \
        if (!(fabs(t_a - t_b) <= (tol))) T_FAIL("%s is %.9g, not %.9g", #a, t_a, t_b);                                 \
    } while (0)
/* A call that must succeed: shows the error text when it does not. `err` is a goss_error in scope. */
#define T_OK(call)                                                                                                     \
    do {                                                                                                               \
        if ((call) != GOSS_OK) T_FAIL("%s: %s", #call, err.text);                                                      \
    } while (0)
/* A call that must fail with a text that contains `part`. */
#define T_ERR(call, code, part)                                                                                        \
    do {                                                                                                               \
        err.text[0] = 0;                                                                                               \
        if ((call) != (code)) T_FAIL("%s did not fail with %s (%s)", #call, goss_status_name(code), err.text);         \
        if (!strstr(err.text, part)) T_FAIL("%s: error \"%s\" does not say \"%s\"", #call, err.text, part);            \
    } while (0)

#define TEST_MAIN()                                                                                                    \
    int main(int argc, char **argv) { return t_main(argc, argv); }
#endif
