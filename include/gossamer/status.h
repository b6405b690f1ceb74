/* SPDX-License-Identifier: Apache-2.0 */
/* status.h: error reporting, common to every fallible function.
 *
 * A fallible function returns a goss_status, which the compiler requires the caller to check, and takes as its last
 * argument a goss_error owned by the caller, or NULL if only the status matters. The text says what was wrong, where
 * (file, line, key, row) and what to do. Functions that pass an error on prefix their own context, so that it reads
 * from the outside in: "train.ini:14: [train] steps: 3.5 is not an integer".
 *
 *     goss_error err;
 *     goss_model *model;
 *     if (goss_model_load("model.safetensors", &model, &err) != GOSS_OK) {
 *         fprintf(stderr, "mine: %s\n", err.text);
 *         return 1;
 *     }
 *
 * Inside a function that returns a goss_status itself, GOSS_TRY passes errors on.
 *
 * The library never prints, exits or aborts because of user input, a file or memory exhaustion. After an error, output
 * arguments must not be read unless the function says otherwise, and there is nothing to free. */
#ifndef GOSSAMER_STATUS_H
#define GOSSAMER_STATUS_H

/* GOSS_API: exported from the shared library, whose other symbols are hidden.
 * GOSS_MUST_USE: the compiler warns where the result is discarded.
 * GOSS_PRINTF(fmt, args): arguments are checked against the format string as those of printf. */
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

/* The kind of an error, for decisions in code; the text is for people. */
typedef enum goss_status {
    GOSS_OK = 0,
    GOSS_E_NOMEM,       /* an allocation failed */
    GOSS_E_ARGUMENT,    /* an argument or a setting is not acceptable */
    GOSS_E_SHAPE,       /* shapes do not match */
    GOSS_E_IO,          /* the operating system refused; the text includes strerror */
    GOSS_E_FORMAT,      /* a file's content violates its format */
    GOSS_E_UNSUPPORTED, /* well-formed, but not supported by this build or version */
    GOSS_E_NUMERIC,     /* NaN, Inf or a singular system where a finite result is required */
    GOSS_E_INTERRUPTED  /* stopped on request (signal); state was saved */
} goss_status;

/* An error report. Plain data: needs no initialisation and no cleanup, and may be reused. */
typedef struct goss_error {
    goss_status status;
    char text[1000]; /* one line, terminated by a zero byte, without a newline */
} goss_error;

/* Sets status and text (printf style). err may be NULL. The text is made one line that is safe to print on a terminal,
 * whatever file names are in it (gossamer/text.h); an overlong one is truncated and ends in "...".
 *
 *     if (n < 1) return goss_error_set(err, GOSS_E_ARGUMENT, "%s: %d rows: at least 1", path, n);
 *
 * Errors: none of its own: returns `status`. Threads: any, each with its own err. */
GOSS_API goss_status goss_error_set(goss_error *err, goss_status status, const char *fmt, ...) GOSS_PRINTF(3, 4);

/* Prepends "prefix: " (printf style) to the text of an error that is passed on. err may be NULL. With status GOSS_OK
 * err is left alone. The call that may fail is an argument, which is evaluated first:
 *
 *     return goss_error_prefix(err, goss_model_load(path, &m, err), "model %d", i);
 *
 * Errors: none of its own: returns `status`. Threads: any, each with its own err. */
GOSS_API goss_status goss_error_prefix(goss_error *err, goss_status status, const char *fmt, ...) GOSS_PRINTF(3, 4);

/* The short name of a status, for logs and tests: "shape", "format", "input/output", ... Error texts do not repeat it.
 * Static storage; never NULL. Threads: any. */
GOSS_API const char *goss_status_name(goss_status status);

/* Evaluates an expression of type goss_status and returns it from the enclosing function unless it is GOSS_OK:
 *
 *     GOSS_TRY(goss_exec_bind(exec, "x", x, err));
 *     GOSS_TRY(goss_exec_run(exec, err));
 *
 * What the function has acquired before must not need freeing. */
#define GOSS_TRY(expr)                                                                                                 \
    do {                                                                                                               \
        goss_status goss_try_status_ = (expr);                                                                         \
        if (goss_try_status_ != GOSS_OK) return goss_try_status_;                                                      \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
