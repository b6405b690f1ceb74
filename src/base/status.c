/* SPDX-License-Identifier: Apache-2.0 */
/* status.c: setting and prefixing errors. */
#include <stdarg.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "gossamer/status.h"

static const char *const names[] = {
    [GOSS_OK] = "ok",
    [GOSS_E_NOMEM] = "out of memory",
    [GOSS_E_ARGUMENT] = "argument",
    [GOSS_E_SHAPE] = "shape",
    [GOSS_E_IO] = "input/output",
    [GOSS_E_FORMAT] = "format",
    [GOSS_E_UNSUPPORTED] = "unsupported",
    [GOSS_E_NUMERIC] = "numeric",
    [GOSS_E_INTERRUPTED] = "interrupted",
};

const char *goss_status_name(goss_status status) {
    return (size_t)status < sizeof names / sizeof *names ? names[status] : "unknown status";
}

/* Buffer for a text before it is escaped: longer than the longest that is kept. */
enum { RAW = 4096 };

goss_status goss_error_set(goss_error *err, goss_status status, const char *fmt, ...) {
    if (!err) return status;
    char raw[RAW];
    va_list ap;
    va_start(ap, fmt);
    goss__vformat(raw, sizeof raw, fmt, ap);
    va_end(ap);
    goss__text_line(raw, err->text, sizeof err->text);
    err->status = status;
    return status;
}

goss_status goss_error_prefix(goss_error *err, goss_status status, const char *fmt, ...) {
    if (!err || status == GOSS_OK) return status;
    char raw[RAW + sizeof err->text];
    va_list ap;
    va_start(ap, fmt);
    goss__vformat(raw, RAW, fmt, ap);
    va_end(ap);
    size_t n = strlen(raw);
    goss__format(raw + n, sizeof raw - n, ": %s", err->text);
    goss__text_line(raw, err->text, sizeof err->text);
    return status;
}
