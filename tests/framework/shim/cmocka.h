/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka.h, the part of it that runner.c uses, for targets that have no cmocka (GOSSAMER_CMOCKA=shim): other processors
 * under an emulator, other C libraries. Signals end the program here. */
#ifndef GOSS_CMOCKA_SHIM_H
#define GOSS_CMOCKA_SHIM_H

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>

struct CMUnitTest {
    const char *name;
    void (*test_func)(void **state);
    int (*setup_func)(void **state);
    int (*teardown_func)(void **state);
    void *initial_state;
};

static sigjmp_buf shim_back;
enum { SHIM_FAILED = 1, SHIM_SKIPPED };

_Noreturn static inline void _fail(const char *file, int line) { siglongjmp(shim_back, SHIM_FAILED); }
_Noreturn static inline void _skip(const char *file, int line) { siglongjmp(shim_back, SHIM_SKIPPED); }
static inline void shim_signal(int number) { siglongjmp(shim_back, SHIM_FAILED); }

static inline int _cmocka_run_group_tests(const char *group, const struct CMUnitTest *tests, size_t n,
                                          int (*setup)(void **), int (*teardown)(void **)) {
    static int failed; /* static: a jump leaves them as they are */
    static size_t i;
    signal(SIGSEGV, shim_signal), signal(SIGBUS, shim_signal), signal(SIGILL, shim_signal), signal(SIGFPE, shim_signal);
    for (i = 0, failed = 0; i < n; i++) {
        void *state = tests[i].initial_state;
        int how = sigsetjmp(shim_back, 1);
        if (how == 0)
            tests[i].test_func(&state);
        else if (how == SHIM_FAILED)
            failed++, printf("[  FAILED  ] %s\n", tests[i].name);
    }
    return failed;
}
#endif
