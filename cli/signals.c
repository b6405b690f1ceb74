/* SPDX-License-Identifier: Apache-2.0 */
/* signals.c: cleaning up when a signal arrives. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include "cli.h"
#include "gossamer/env_process.h"

static volatile sig_atomic_t caught; /* the signal's number */
static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

/* Ends the process at once, and processes of environments with it. */
static void end(int number) {
    goss_env_process_kill_all();
    signal(number, SIG_DFL);
    raise(number);
}

/* The first one requests a stop; a second one of the same kind ends the process. */
static void on_signal(int number) {
    int before = errno;                                  /* of the interrupted code */
    __atomic_store_n(&caught, number, __ATOMIC_RELAXED); /* read by other threads */
    signal(number, end);
    errno = before;
}

static void handle(void (*handler)(int number)) {
    struct sigaction action = {.sa_handler = handler}, before;
    for (int i = 0; i < NUMBERS; i++) {
        /* The terminal was closed; ignored under nohup. */
        bool kept = numbers[i] == SIGHUP && sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler == SIG_IGN;
        if (!kept) sigaction(numbers[i], &action, NULL);
    }
}

const volatile sig_atomic_t *cli_catch_signals(void) {
    handle(on_signal);
    return &caught;
}

void cli_end_environments_by_signals(void) { handle(end); }

void cli_release_signals(void) {
    struct sigaction before;
    for (int i = 0; i < NUMBERS; i++)
        if (sigaction(numbers[i], NULL, &before) == 0 && (before.sa_handler == on_signal || before.sa_handler == end))
            signal(numbers[i], SIG_DFL);
    if (caught) raise(caught);
}
