/* SPDX-License-Identifier: Apache-2.0 */
/* text_classes_text.c: what a model keeps of its texts in classes, and other tables read with it. */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "io/json.h"
#include "task/text_classes.h"

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for what a model keeps of its texts");
}

goss_status goss__text_classes_text(const goss_text_classes *t, char **text, goss_error *err) {
    goss__str s = {0};
    char *inputs;
    *text = NULL;
    GOSS_TRY(goss_encoding_text(t->encoding, &inputs, err));
    goss__str_add(&s, "{\"version\": 1, \"text\": "), goss__json_add_text(&s, goss_table_name(t->table, t->column));
    goss__str_add(&s, ", \"target\": "), goss__json_add_text(&s, goss_table_name(t->table, t->target));
    if (t->missing) goss__str_add(&s, ", \"missing\": "), goss__json_add_text(&s, t->missing);
    goss__str_add(&s, ", \"inputs\": "), goss__json_add_text(&s, inputs);
    goss__str_add(&s, "}");
    goss_csv_text_free(inputs);
    if (s.failed) {
        goss__str_free(&s);
        return no_memory(err);
    }
    *text = s.data;
    return GOSS_OK;
}

/* What the text says. */
typedef struct kept {
    char *text, *target, *missing;
    goss_encoding *encoding;
} kept;

static void free_kept(kept *k) {
    goss__free(k->text), goss__free(k->target), goss__free(k->missing);
    goss_encoding_free(k->encoding);
}

#if GOSS_HAVE_JANSSON
static goss_status damaged(goss_error *err) {
    return goss_error_set(err, GOSS_E_FORMAT, "what a model keeps of its texts is damaged, or of another version");
}

static goss_status take(const json_t *root, kept *k, goss_error *err) {
    const char *text = json_string_value(json_object_get(root, "text"));
    const char *target = json_string_value(json_object_get(root, "target"));
    const char *inputs = json_string_value(json_object_get(root, "inputs"));
    const char *missing = json_string_value(json_object_get(root, "missing"));
    if (json_integer_value(json_object_get(root, "version")) != 1 || !text || !target || !inputs) return damaged(err);
    k->text = goss__strdup(text), k->target = goss__strdup(target), k->missing = missing ? goss__strdup(missing) : NULL;
    if (!k->text || !k->target || (missing && !k->missing)) return no_memory(err);
    GOSS_TRY(goss_encoding_parse(inputs, &k->encoding, err));
    return goss_encoding_texts(k->encoding, NULL) ? GOSS_OK : damaged(err);
}

static goss_status parse(const char *text, kept *k, goss_error *err) {
    json_t *root;
    *k = (kept){0};
    GOSS_TRY(goss__json_parse(text, strlen(text), 0, &root, err));
    const goss_status s = take(root, k, err);
    json_decref(root);
    if (s != GOSS_OK) free_kept(k), *k = (kept){0};
    return s;
}
#else
static goss_status parse(const char *text, kept *k, goss_error *err) {
    (void)text, *k = (kept){0};
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "models of texts keep them as JSON, and this build has no jansson (" GOSS_JANSSON_GET ")");
}
#endif

goss_status goss_text_classes_read(const char *text, const char *path, goss_text_classes **out, goss_error *err) {
    kept k;
    *out = NULL;
    GOSS_TRY(parse(text, &k, err));
    const goss_text_class_options o = {.path = path, .text = k.text, .target = k.target, .missing = k.missing};
    goss_status s = goss__text_classes_open(&o, true, out, err);
    if (s == GOSS_OK) {
        (*out)->encoding = k.encoding, k.encoding = NULL;
        s = goss__text_classes_encode(*out, err);
    }
    free_kept(&k);
    if (s != GOSS_OK) goss_text_classes_close(*out), *out = NULL;
    return s;
}

/* ---- rows ---- */

void goss_text_rows_free(goss_text_rows *r) {
    goss_table_close(r->table);
    goss__free(r->x), goss__free(r->lengths);
    *r = (goss_text_rows){0};
}

static goss_status encode_rows(const kept *k, const char *path, goss_text_rows *out, goss_error *err) {
    goss_text_shape shape;
    goss_encoding_report report;
    const size_t rows = (size_t)goss_table_rows(out->table), width = (size_t)goss_encoding_width(k->encoding);
    goss_encoding_texts(k->encoding, &shape);
    out->x = goss__calloc(rows + 1, width * sizeof *out->x);
    if (shape.steps) out->lengths = goss__calloc(rows + 1, sizeof *out->lengths);
    if (!out->x || (shape.steps && !out->lengths)) return no_memory(err);
    GOSS_TRY(goss_encoding_apply(k->encoding, out->table, NULL, 0, out->x, &report, err));
    if (out->lengths) goss_encoding_lengths(k->encoding, out->x, (int)rows, out->lengths);
    if (report.missing)
        goss__log(GOSS_LOG_WARN, "%s: %lld rows have no text: they count as empty ones", path,
                  (long long)report.missing);
    return GOSS_OK;
}

goss_status goss_text_rows_read(const char *text, const char *path, goss_text_rows *out, goss_error *err) {
    kept k;
    *out = (goss_text_rows){0};
    GOSS_TRY(parse(text, &k, err));
    goss_status s = goss__text_table_open(path, k.text, k.target, NULL, k.missing, &out->table, err);
    if (s == GOSS_OK) s = encode_rows(&k, path, out, err);
    free_kept(&k);
    if (s != GOSS_OK) goss_text_rows_free(out);
    return s;
}
