/* test.h: the whole test framework. A test program is a file of TEST(name) { ... } bodies and TEST_MAIN().
 *
 * A failed check prints where and what and ends that test; the program goes on with the next one, prints
 * "N passed, N failed, N skipped" and exits 1 if any failed. Name filters are arguments. */
#ifndef GOSS_TEST_H
#define GOSS_TEST_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/status.h"

typedef struct t_case {
    const char *name;
    void (*fn)(void);
    struct t_case *next;
} t_case;

static t_case *t_first, **t_last = &t_first;
static int t_failed, t_skipped; /* of the running test */

#define TEST(id)                                                                                                       \
    static void t_body_##id(void);                                                                                     \
    static t_case t_case_##id = {#id, t_body_##id, NULL};                                                              \
    __attribute__((constructor)) static void t_add_##id(void) {                                                        \
        *t_last = &t_case_##id;                                                                                        \
        t_last = &t_case_##id.next;                                                                                    \
    }                                                                                                                  \
    static void t_body_##id(void)

#define T_FAIL(...)                                                                                                    \
    do {                                                                                                               \
        printf("  FAILED %s:%d: ", __FILE__, __LINE__);                                                                \
        printf(__VA_ARGS__);                                                                                           \
        printf("\n");                                                                                                  \
        t_failed = 1;                                                                                                  \
        return;                                                                                                        \
    } while (0)

#define T_SKIP(...)                                                                                                    \
    do {                                                                                                               \
        printf("  skipped: ");                                                                                         \
        printf(__VA_ARGS__);                                                                                           \
        printf("\n");                                                                                                  \
        t_skipped = 1;                                                                                                 \
        return;                                                                                                        \
    } while (0)

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
        if (strcmp(t_a, t_b) != 0) T_FAIL("%s is \"%s\", not \"%s\"", #a, t_a, t_b);                                   \
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

static inline int t_main(int argc, char **argv) {
    int passed = 0, failed = 0, skipped = 0;
    for (t_case *t = t_first; t; t = t->next) {
        int wanted = argc < 2;
        for (int i = 1; i < argc; i++) wanted |= strstr(t->name, argv[i]) != NULL;
        if (!wanted) continue;
        t_failed = t_skipped = 0;
        t->fn();
        if (t_failed) printf("not ok %s\n", t->name);
        failed += t_failed, skipped += t_skipped && !t_failed, passed += !t_failed && !t_skipped;
        fflush(stdout);
    }
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed != 0;
}
#define TEST_MAIN()                                                                                                    \
    int main(int argc, char **argv) { return t_main(argc, argv); }
#endif
