/* SPDX-License-Identifier: Apache-2.0 */
/* log.h: messages for people. The library never prints: it passes a line to the callback that the host program set
 * (gossamer/log.h), or drops it. */
#ifndef GOSS_BASE_LOG_H
#define GOSS_BASE_LOG_H
#include "gossamer/log.h"
#include "gossamer/status.h"
void goss__log(goss_log_level level, const char *fmt, ...) GOSS_PRINTF(2, 3);
#endif
