/* SPDX-License-Identifier: Apache-2.0 */
/* text_class.h: texts of a table in classes: what episodes are drawn from, and what a model stores of it.
 *
 * A row of the table is a sample: its text in one column, its class in another; further columns (a domain, a source)
 * are fields of the samples (class_set.h). The encoding of texts is fitted to those that are trained on, and kept as a
 * text, by which other tables are read:
 *
 *     GOSS_TRY(goss_text_classes_open(&options, &t, err));
 *     ...                                                    // which samples are trained on: use
 *     GOSS_TRY(goss_text_classes_fit(t, use, &texts, err));
 *     GOSS_TRY(goss_class_episodes_open(goss_text_classes_set(t), use, &episodes, &source, NULL, err));
 *     ...
 *     GOSS_TRY(goss_text_classes_read(goss_text_classes_text(t), "support.tsv", &support, err));  // to adapt to
 *     GOSS_TRY(goss_text_rows_read(goss_text_classes_text(t), "new.tsv", &rows, err));            // to predict
 *
 * Samples have the shape that the encoding gives texts (goss_encoding_texts): [steps] ids or [steps, width] vectors
 * with a length, or one vector [width]. Encoded texts are kept without their padding, so that memory is that of their
 * tokens.
 *
 * Threads: what is open may be read by any number of threads. Accessors return borrowed objects. */
#ifndef GOSSAMER_TEXT_CLASS_H
#define GOSSAMER_TEXT_CLASS_H

#include "gossamer/class_set.h"
#include "gossamer/table.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is read; defaults in brackets. */
typedef struct goss_text_class_options {
    const char *path;          /* a table: file, folder or .zip */
    const char *text, *target; /* columns; target NULL or "": guessed by goss_table_roles (NULL) */
    const char *ignore;        /* list of columns that are no fields (NULL) */
    const char *missing;       /* as in goss_table_options; NULL or "": its default (NULL) */
} goss_text_class_options;

/* Texts in classes. */
typedef struct goss_text_classes goss_text_classes;

/* Opens a table. Texts and classes are read as categories, also where they look like numbers; other columns of
 * categories are fields. Rows without a text or a class are left out, with a warning; a guessed target is named in one.
 * Errors: those of goss_table_open and goss_table_roles, with the key concerned; GOSS_E_ARGUMENT: no column of classes,
 * one of numbers, or no row is left; GOSS_E_NOMEM. Owns: *out, goss_text_classes_close. */
GOSS_API GOSS_MUST_USE goss_status goss_text_classes_open(const goss_text_class_options *options,
                                                          goss_text_classes **out, goss_error *err);
/* Closes it; NULL is allowed. */
GOSS_API void goss_text_classes_close(goss_text_classes *t);
/* Fits the encoding to the samples of `use` ([samples]; NULL: all), so that nothing of the others enters it, and
 * encodes all samples. Called once. options: NULL: the defaults. Errors: those of goss_encoding_fit_texts;
 * GOSS_E_NOMEM. Threads: none may use t meanwhile. */
GOSS_API GOSS_MUST_USE goss_status goss_text_classes_fit(goss_text_classes *t, const bool *use,
                                                         const goss_text_options *options, goss_error *err);
/* The samples, for goss_class_episodes_open; what they are as numbers (input, copy) is known after fitting. A sample's
 * name is FILE:LINE, its hash that of its text. */
GOSS_API const goss_class_set *goss_text_classes_set(const goss_text_classes *t);
/* The fitted encoding; NULL before fitting. */
GOSS_API const goss_encoding *goss_text_classes_encoding(const goss_text_classes *t);
/* The name of the target column. */
GOSS_API const char *goss_text_classes_target(const goss_text_classes *t);
/* A hash of all rows in their order, those left out included. */
GOSS_API uint64_t goss_text_classes_hash(const goss_text_classes *t);
/* What a model keeps: the names of the columns and the encoding, for goss_text_classes_read; NULL before fitting. */
GOSS_API const char *goss_text_classes_text(const goss_text_classes *t);

/* Another table, encoded as a model's text says. Where it lacks the column of classes, `class` or `label` is it.
 * Errors: GOSS_E_FORMAT: a damaged text; as goss_text_classes_open. Owns: goss_text_classes_close. */
GOSS_API GOSS_MUST_USE goss_status goss_text_classes_read(const char *text, const char *path, goss_text_classes **out,
                                                          goss_error *err);
/* The rows of a table without regard to their classes. */
typedef struct goss_text_rows {
    goss_table *table; /* to write predictions beside the rows */
    float *x;          /* [rows, numbers of a sample] */
    int32_t *lengths;  /* [rows]; NULL: samples have none */
} goss_text_rows;
/* Reads them; a row without a text counts as an empty one, with a warning. text: goss_text_classes_text of the model.
 * Errors: GOSS_E_FORMAT: a damaged text; those of goss_table_open; GOSS_E_ARGUMENT: no column of texts; GOSS_E_NOMEM.
 * Owns: *out, goss_text_rows_free. */
GOSS_API GOSS_MUST_USE goss_status goss_text_rows_read(const char *text, const char *path, goss_text_rows *out,
                                                       goss_error *err);
/* Frees table, inputs and lengths, not the struct. */
GOSS_API void goss_text_rows_free(goss_text_rows *rows);

#ifdef __cplusplus
}
#endif
#endif
