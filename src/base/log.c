/* SPDX-License-Identifier: Apache-2.0 */
/* log.c: one callback for the whole process; lines are handed over one at a time. */
#include <pthread.h>
#include <stdarg.h>

#include "base/log.h"
#include "base/number.h"
#include "base/text.h"

static goss_log_fn callback;
static void *callback_ctx;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void goss_log_set(goss_log_fn fn, void *ctx) {
    pthread_mutex_lock(&lock);
    callback = fn, callback_ctx = ctx;
    pthread_mutex_unlock(&lock);
}

void goss__log(goss_log_level level, const char *fmt, ...) {
    char raw[4096], line[1024];
    va_list ap;
    va_start(ap, fmt);
    goss__vformat(raw, sizeof raw, fmt, ap);
    va_end(ap);
    goss__text_line(raw, line, sizeof line);
    pthread_mutex_lock(&lock);
    if (callback) callback(callback_ctx, level, line);
    pthread_mutex_unlock(&lock);
}
