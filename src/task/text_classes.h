/* SPDX-License-Identifier: Apache-2.0 */
/* text_classes.h: internals of texts in classes. */
#ifndef GOSS_TASK_TEXT_CLASSES_H
#define GOSS_TASK_TEXT_CLASSES_H

#include "base/arena.h"
#include "gossamer/text_class.h"

struct goss_text_classes {
    goss__arena arena;
    goss_table *table;
    int column, target;
    int32_t *row; /* [samples] in the table */
    goss_class_set set;
    goss_encoding *encoding;
    goss_text_shape shape;
    float *x;   /* encoded texts, without what is behind their ends */
    size_t *at; /* [samples + 1] into x */
    char *missing, *text;
};

/* The table of which a column is texts, and another one classes (NULL: not known). ignore, missing: may be NULL. */
goss_status goss__text_table_open(const char *path, const char *text, const char *target, const char *ignore,
                                  const char *missing, goss_table **out, goss_error *err);
/* As goss_text_classes_open. other: a table that a model is used with, whose classes may be in a column class or label
 * instead of the target; its errors do not speak of the keys of a configuration. */
goss_status goss__text_classes_open(const goss_text_class_options *options, bool other, goss_text_classes **out,
                                    goss_error *err);
/* All samples by t->encoding. */
goss_status goss__text_classes_encode(goss_text_classes *t, goss_error *err);

/* ---- text_classes_text.c ---- */
/* What a model keeps. Owns: goss__free. */
goss_status goss__text_classes_text(const goss_text_classes *t, char **text, goss_error *err);
#endif
