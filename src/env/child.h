/* SPDX-License-Identifier: Apache-2.0 */
/* child.h: programs in processes of their own that answer requests over pipes. */
#ifndef GOSS_ENV_CHILD_H
#define GOSS_ENV_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/str.h"
#include "gossamer/status.h"

/* One process. A zeroed one is none. */
typedef struct goss__child {
    pid_t pid;
    int to, from;
    goss__str out; /* what is to be sent */
    size_t sent;
    char *in; /* what has come: in[at] .. in[got - 1] is not read yet */
    size_t at, got, capacity;
    size_t searched; /* in[at] .. in[searched - 1] has no end of a line */
    double answered; /* when it was asked, or a whole answer came last: one that drips may be of no use */
    bool done;       /* has answered all of the present requests */
} goss__child;

/* Starts a program (argv[0] as the shell finds it) in a process group of its own. Errors: GOSS_E_IO. */
goss_status goss__child_start(goss__child *c, const char *const *argv, goss_error *err);
/* Ends it and waits for it: at the end of its input, unless that takes longer than `patience` seconds. */
void goss__child_stop(goss__child *c, double patience);
/* Ends all of this program, with what they started, and waits for none. Async-signal-safe. */
void goss__children_kill(void);

/* Reads answers of child i: GOSS_OK and c->done where all are there, or what is missing has not come yet. */
typedef goss_status goss__child_reader(void *context, goss__child *c, int i, goss_error *err);
/* Sends what `out` of each of n children holds, and reads until all are done. Errors: those of `read`; GOSS_E_IO: a
 * process that ended, or gave no whole answer for `timeout` seconds. *bad: which child. */
goss_status goss__children_talk(goss__child *c, int n, double timeout, goss__child_reader *read, void *context,
                                int *bad, goss_error *err);
/* The next line of what has come, without its end, NUL-terminated; NULL: it is not whole yet. */
char *goss__child_line(goss__child *c);
/* The next n bytes; NULL: they are not there yet. */
const void *goss__child_bytes(goss__child *c, size_t n);
#endif
