/* SPDX-License-Identifier: Apache-2.0 */
/* data_text.c: texts in classes as the data of a run: a table with a column of texts (data.text) and without tasks.
 * The encoding is fitted to the training texts once the division is known. */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/rng.h"
#include "gossamer/text_class.h"
#include "train/class_data.h"
#include "train/run.h"

typedef struct texts {
    goss_text_classes *set;
    goss__class_data classes;
} texts;

static goss_status check(const goss__run_settings *s, goss_error *err) {
    GOSS_TRY(goss__class_data_check(s, err));
    return goss__run_file_is_there("data.vectors", s->table.texts.vectors, err);
}

static void close_texts(goss__run_data *data) {
    texts *d = data->own;
    if (!d) return;
    goss__class_data_close(&d->classes);
    goss_text_classes_close(d->set);
    goss__free(d);
    data->own = NULL;
}

/* The division is part of what a run may not change: its folder keeps this hash. */
static uint64_t hash_of(const texts *d) {
    const size_t n = (size_t)goss_text_classes_set(d->set)->samples;
    uint64_t h = goss_text_classes_hash(d->set);
    h = goss__hash64(d->classes.train, n * sizeof *d->classes.train, h);
    return goss__hash64(d->classes.held, n * sizeof *d->classes.held, h);
}

static goss_status open_texts(goss__run_data *data, const goss__run_settings *s, const goss__run_place *p,
                              goss_error *err) {
    const goss_table_data_options *o = &s->table;
    const goss_text_class_options read = {
        .path = s->data.path, .text = o->text, .target = o->target, .ignore = o->ignore, .missing = o->missing};
    char inputs[80];
    (void)p;
    texts *d = data->own = goss__calloc(1, sizeof *d);
    if (!d) return goss_error_set(err, GOSS_E_NOMEM, "no memory for texts");
    GOSS_TRY(goss_text_classes_open(&read, &d->set, err));
    const goss_class_set *set = goss_text_classes_set(d->set);
    GOSS_TRY(goss__class_data_divide(&d->classes, set, s, err));
    GOSS_TRY(goss_text_classes_fit(d->set, d->classes.train, &o->texts, err));
    data->encoding = goss_text_classes_encoding(d->set);
    data->tokens = goss__describe_inputs(data->encoding, inputs, sizeof inputs);
    goss__log(GOSS_LOG_INFO, "data: %d texts of %d classes (%s), %s", set->samples, set->classes,
              goss_text_classes_target(d->set), inputs);
    GOSS_TRY(goss__class_data_open(&d->classes, s, false, data, err));
    data->spec = goss_data_spec_tasks("text", &data->source.spec);
    data->spec.transform = goss_text_classes_text(d->set);
    data->hash = hash_of(d);
    return GOSS_OK;
}

static goss_status mark(const goss__run_data *data, goss_model *m, goss_error *err) {
    const texts *d = data->own;
    return goss__class_data_mark(&d->classes, m, data->validates, err);
}

static const goss__class_data *classes(const goss__run_data *data) { return &((const texts *)data->own)->classes; }

const goss__data_kind goss__data_text = {.name = "text",
                                         .check = check,
                                         .open = open_texts,
                                         .close = close_texts,
                                         .mark = mark,
                                         .validated_on = goss__class_data_validated_on,
                                         .classes = classes,
                                         .things = "texts, classes or divisions"};
