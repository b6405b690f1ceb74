/* SPDX-License-Identifier: Apache-2.0 */
/* runner.c: test.h on cmocka, which runs each test, brings failures and skips back from any depth and turns a signal
 * into a failure of the test that met it. Counting and choosing by name is done here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "../test.h"

static t_case *first, **last = &first;
static char note[400];
static const char *packages = ""; /* that this build is without */
static int skipped;
static pid_t process; /* that runs the tests */
static _Thread_local bool running;

void t_add(t_case *t, const char *lacking) {
    packages = lacking;
    *last = t;
    last = &t->next;
}

bool t_exists(const char *name) {
    const t_case *t = first;
    while (t && strcmp(t->name, name) != 0) t = t->next;
    return t;
}

static void say(const char *what, const char *file, int line, const char *fmt, va_list args) {
    printf("  %s", what);
    if (file) printf(" %s:%d:", file, line);
    printf(" ");
    vprintf(fmt, args);
    printf(note[0] && file ? " (%s)\n" : "%s\n", file ? note : "");
    fflush(stdout);
}

/* cmocka can end the test that runs, and that only on its own thread. */
static void must_run(void) {
    if (running && getpid() == process) return;
    printf("  not in a test of this process: it ends\n");
    fflush(stdout);
    _exit(99);
}

void t_lacks(const char *text) {
    char name[100];
    int n;
    for (const char *p = packages; sscanf(p, "%99s%n", name, &n) == 1; p += n)
        if (strstr(text, name)) t_skip(NULL, 0, "this build is without %s", name);
}

void t_fail(const char *file, int line, const char *fmt, ...) {
    va_list args;
    char text[2000];
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    t_lacks(text);
    va_start(args, fmt);
    say("FAILED", file, line, fmt, args);
    va_end(args);
    must_run();
    _fail(file, line);
    abort();
}

void t_skip(const char *file, int line, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    say("skipped:", NULL, 0, fmt, args);
    va_end(args);
    must_run();
    skipped++;
    _skip(file ? file : "", line);
    abort();
}

void t_note(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(note, sizeof note, fmt, args);
    va_end(args);
}

static void run_one(void **state) {
    note[0] = 0;
    running = true;
    ((const t_case *)*state)->fn();
}

static bool is_wanted(const t_case *t, int argc, char **argv) {
    bool wanted = argc < 2;
    for (int i = 1; i < argc; i++) wanted |= strstr(t->name, argv[i]) != NULL;
    return wanted;
}

int t_main(int argc, char **argv) {
    size_t n = 0, all = 0;
    for (const t_case *t = first; t; t = t->next) all++;
    struct CMUnitTest *tests = calloc(all + 1, sizeof *tests);
    if (!tests) return 99;
    for (t_case *t = first; t; t = t->next)
        if (is_wanted(t, argc, argv)) tests[n++] = (struct CMUnitTest){t->name, run_one, NULL, NULL, t};
    process = getpid();
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* in order with what cmocka writes to stderr */
    int failed = n ? _cmocka_run_group_tests("tests", tests, n, NULL, NULL) : 1;
    running = false;
    free(tests);
    if (n == 0) printf("  FAILED: no test %s\n", all ? "has such a name" : "is there");
    printf("%d passed, %d failed, %d skipped\n", n ? (int)n - failed - skipped : 0, failed, skipped);
    return failed != 0;
}

/* Under a sanitizer its own report of a signal tells more than cmocka's. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);
const char *__asan_default_options(void) { return "handle_segv=2:handle_sigbus=2:handle_sigill=2:handle_sigfpe=2"; }
const char *__tsan_default_options(void) { return "handle_segv=2:handle_sigbus=2:handle_sigill=2:handle_sigfpe=2"; }
