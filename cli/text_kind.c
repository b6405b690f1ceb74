/* SPDX-License-Identifier: Apache-2.0 */
/* text_kind.c: texts in classes in the command: eval, adapt and predict. A model's text says which columns texts and
 * classes are in, and what a text becomes. */
#include <stdio.h>
#include <string.h>

#include "eval_classes.h"
#include "gossamer/text_class.h"
#include "table_predict.h"

static goss_status open_texts(const goss_model *m, const char *path, goss_text_classes **out, goss_error *err) {
    const char *transform = goss_model_data(m)->transform;
    if (!transform) return goss_error_set(err, GOSS_E_FORMAT, "the model does not say what a text becomes");
    return goss_text_classes_read(transform, path, out, err);
}

/* ---- eval ---- */

static goss_status open_set(const goss_model *m, const char *path, bool skip_bad, const goss_class_set **set,
                            void **own, goss_error *err) {
    goss_text_classes *t;
    (void)skip_bad;
    GOSS_TRY(open_texts(m, path, &t, err));
    *set = goss_text_classes_set(t), *own = t;
    return GOSS_OK;
}

static void close_set(void *own) { goss_text_classes_close(own); }

int eval_texts(const eval_request *q, const cli_verb *verb, goss_model *first, char **words, int n) {
    static const class_opener opener = {"text", open_set, close_set};
    return eval_classes_run(&opener, q, verb, first, words, n);
}

/* ---- adapt ---- */

goss_status adapt_texts(const goss_model *m, const adapt_request *q, goss_network **out, goss_error *err) {
    goss_text_classes *texts;
    goss_task_source source;
    *out = NULL;
    GOSS_TRY(open_texts(m, q->support, &texts, err));
    const goss_class_set *set = goss_text_classes_set(texts);
    goss_status s = goss_error_prefix(err, goss_class_support_open(set, &source, err), "%s", q->support);
    if (s == GOSS_OK) {
        s = goss_model_adapt_task(m, &source, 0, set->class_name, &q->o, out, err);
        goss_task_source_free(&source);
    }
    if (s == GOSS_OK)
        cli_tell("%d %s of %d classes became a network of %lld weights", set->samples, set->things, set->classes,
                 (long long)goss_layout_total(goss_target_layout(goss_network_target(*out))));
    goss_text_classes_close(texts);
    return s;
}

/* ---- predict ---- */

static goss_status read_rows(const goss_network *n, const char *path, cli_rows *out, goss_error *err) {
    goss_text_rows rows;
    const char *transform = goss_network_data(n)->transform;
    if (!transform) return goss_error_set(err, GOSS_E_FORMAT, "the network does not say what a text becomes");
    GOSS_TRY(goss_text_rows_read(transform, path, &rows, err));
    *out = (cli_rows){.table = rows.table, .x = rows.x, .lengths = rows.lengths};
    return GOSS_OK;
}

int predict_texts(const goss_network *n, const cli_verb *verb, const predict_request *q) {
    return cli_predict_rows(n, verb, q, read_rows);
}
