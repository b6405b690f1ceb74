/* status.c: error texts and their way up. */
#include <stdarg.h>
#include <string.h>

#include "base/number.h"

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

goss_status goss_error_set(goss_error *err, goss_status status, const char *fmt, ...) {
    if (!err) return status;
    va_list ap;
    va_start(ap, fmt);
    goss__vformat(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    err->status = status;
    return status;
}

goss_status goss_error_prefix(goss_error *err, goss_status status, const char *fmt, ...) {
    if (!err || status == GOSS_OK) return status;
    char old[sizeof err->text];
    memcpy(old, err->text, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    int n = goss__vformat(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n + 3 > sizeof err->text) return status; /* the prefix alone fills it */
    size_t keep = strnlen(old, sizeof err->text - (size_t)n - 3);
    memcpy(err->text + n, ": ", 2);
    memcpy(err->text + n + 2, old, keep);
    err->text[(size_t)n + 2 + keep] = 0;
    return status;
}
