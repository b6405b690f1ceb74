/* SPDX-License-Identifier: Apache-2.0 */
/* log.h: where the library's messages go. It prints nothing by itself; without a callback messages are dropped. */
#ifndef GOSSAMER_LOG_H
#define GOSSAMER_LOG_H

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum goss_log_level { GOSS_LOG_DEBUG, GOSS_LOG_INFO, GOSS_LOG_WARN } goss_log_level;

/* Gets one line, fit for a terminal whatever names are in it (gossamer/text.h), without a newline. May be called from
 * any thread, one call at a time. */
typedef void (*goss_log_fn)(void *ctx, goss_log_level level, const char *line);

/* Sets the process-wide callback (NULL: drop messages). Call it before other threads use the library. */
GOSS_API void goss_log_set(goss_log_fn fn, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
