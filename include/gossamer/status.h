/* SPDX-License-Identifier: Apache-2.0 */
/* status.h: how every fallible call of Gossamer reports.
 *
 * A fallible function returns a goss_status that must be looked at and takes, as its last argument, a
 * caller-owned goss_error (NULL is allowed: only the status is wanted then). The text says what was wrong,
 * where (file, line, key, row) and what to do; callers on the way up put their own context in front of it
 * with goss_error_prefix. The library itself never prints, exits or aborts on what a user or a file does. */
#ifndef GOSSAMER_STATUS_H
#define GOSSAMER_STATUS_H

#if defined(__GNUC__)
#define GOSS_API __attribute__((visibility("default")))
#define GOSS_MUST_USE __attribute__((warn_unused_result))
#define GOSS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define GOSS_API
#define GOSS_MUST_USE
#define GOSS_PRINTF(fmt, args)
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum goss_status {
    GOSS_OK = 0,
    GOSS_E_NOMEM,       /* an allocation failed */
    GOSS_E_ARGUMENT,    /* a caller's argument or a user's setting is not acceptable */
    GOSS_E_SHAPE,       /* extents that do not fit */
    GOSS_E_IO,          /* the operating system refused: text has strerror */
    GOSS_E_FORMAT,      /* a file's content breaks its format */
    GOSS_E_UNSUPPORTED, /* well-formed, but not something this build or version does */
    GOSS_E_NUMERIC,     /* NaN, Inf or a singular system where a finite result is required */
    GOSS_E_INTERRUPTED  /* stopped on request (signal); state was saved */
} goss_status;

typedef struct goss_error {
    goss_status status;
    char text[1000];
} goss_error;

/* Sets status and text (printf style) and returns the status; with err NULL only returns it. The text is one line that
 * is fit for a terminal, whatever file names went into it: gossamer/text.h. What is too long ends in "...". */
GOSS_API goss_status goss_error_set(goss_error *err, goss_status status, const char *fmt, ...) GOSS_PRINTF(3, 4);

/* Puts "prefix: " in front of the text that is there and returns its status. Keeps GOSS_OK untouched. */
GOSS_API goss_status goss_error_prefix(goss_error *err, goss_status status, const char *fmt, ...) GOSS_PRINTF(3, 4);

/* A short name of a status, as "shape" or "format". Static storage. */
GOSS_API const char *goss_status_name(goss_status status);

/* Passes a failure on to the caller. */
#define GOSS_TRY(expr)                                                                                                 \
    do {                                                                                                               \
        goss_status goss_try_status_ = (expr);                                                                         \
        if (goss_try_status_ != GOSS_OK) return goss_try_status_;                                                      \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
