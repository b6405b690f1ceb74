/* SPDX-License-Identifier: Apache-2.0 */
/* log.h: the callback for the library's messages.
 *
 * The library never prints. What a user should know beside results and errors (warnings about data, progress of long
 * work, compiled programs on request) is sent as lines of text to one callback per process; without a callback they are
 * dropped.
 *
 *     static void print(void *file, goss_log_level level, const char *line) {
 *         if (level >= GOSS_LOG_INFO) fprintf(file, "%s\n", line);
 *     }
 *     ...
 *     goss_log_set(print, stderr);
 *
 * Errors are not messages: a fallible function returns them (status.h) and sends no line about them. */
#ifndef GOSSAMER_LOG_H
#define GOSSAMER_LOG_H

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How important a message is. */
typedef enum goss_log_level {
    GOSS_LOG_DEBUG, /* for developers of the library */
    GOSS_LOG_INFO,  /* what happens: what was guessed, what was written */
    GOSS_LOG_WARN   /* what probably should not be so: data left out, a setting without effect */
} goss_log_level;

/* Receives one line without a newline, safe to print on a terminal whatever names are in it (gossamer/text.h). `line`
 * is borrowed during the call; ctx is that of goss_log_set. Threads: may be called from any thread, one call at a time.
 * The callback must not call the library. */
typedef void (*goss_log_fn)(void *ctx, goss_log_level level, const char *line);

/* Sets the callback of the process; NULL drops messages. ctx is passed to each call and must live as long as the
 * callback is set. Threads: call it before other threads use the library. */
GOSS_API void goss_log_set(goss_log_fn fn, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
