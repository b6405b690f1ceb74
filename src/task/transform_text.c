/* SPDX-License-Identifier: Apache-2.0 */
/* transform_text.c: a table's transform as JSON, for a model file, and back. */
#include "task/transform_text.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "io/json.h"
#include "task/table_task.h"

static void add_text(goss__str *s, const char *key, const char *value) {
    goss__str_addf(s, "%s\"%s\": ", s->size > 1 ? ", " : "", key);
    goss__json_add_text(s, value);
}

void goss__json_add_names(goss__str *s, const char *key, char *const *names, int n) {
    goss__str_addf(s, ", \"%s\": [", key);
    for (int i = 0; i < n; i++) {
        if (i) goss__str_add(s, ", ");
        goss__json_add_text(s, names[i]);
    }
    goss__str_add(s, "]");
}

/* A number, or a list of several. */
static void add_numbers(goss__str *s, const char *key, const float *v, int n) {
    goss__str_addf(s, ", \"%s\": %s", key, n > 1 ? "[" : "");
    for (int i = 0; i < n; i++) {
        if (i) goss__str_add(s, ", ");
        goss__json_add_number(s, (double)v[i]);
    }
    if (n > 1) goss__str_add(s, "]");
}

goss_status goss_table_transform_text(const goss_table_transform *f, char **text, goss_error *err) {
    goss__str s = {0};
    char *inputs;
    *text = NULL;
    GOSS_TRY(goss_encoding_text(f->inputs, &inputs, err));
    goss__str_add(&s, "{");
    add_text(&s, "objective", f->objective->name);
    add_text(&s, "target", f->target), add_text(&s, "task", f->task), add_text(&s, "order", f->order);
    if (f->classes) {
        goss__json_add_names(&s, "classes", f->class_name, f->classes);
    } else {
        add_numbers(&s, "mean", f->mean, goss_table_transform_outputs(f));
        add_numbers(&s, "deviation", f->deviation, goss_table_transform_outputs(f));
    }
    goss__json_add_names(&s, "dropped", f->dropped, f->n_dropped);
    goss__json_add_names(&s, "known", f->known, f->n_known);
    add_text(&s, "inputs", inputs), goss__str_add(&s, "}");
    goss_csv_text_free(inputs);
    *text = s.data;
    if (!s.failed) return GOSS_OK;
    goss__str_free(&s), *text = NULL;
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for the text of a table's transform");
}

#if GOSS_HAVE_JANSSON
static goss_status damaged(goss_error *err) {
    return goss_error_set(err, GOSS_E_FORMAT, "a table's transform that is damaged, or of another version");
}

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for a table's transform");
}

static goss_status read_text(const json_t *root, const char *key, char **out, goss_error *err) {
    const json_t *j = json_object_get(root, key);
    if (!json_is_string(j)) return damaged(err);
    *out = goss__strdup(json_string_value(j));
    return *out ? GOSS_OK : no_memory(err);
}

goss_status goss__json_read_names(const json_t *root, const char *key, char ***names, int *n, goss_error *err) {
    const json_t *list = json_object_get(root, key), *j;
    size_t i;
    if (!json_is_array(list)) return damaged(err);
    json_array_foreach(list, i, j) {
        if (!json_is_string(j)) return damaged(err);
        if (!goss__add_name(names, n, json_string_value(j))) return no_memory(err);
    }
    return GOSS_OK;
}

static bool read_numbers(const json_t *j, int n, float *out) {
    if (n == 1 ? !json_is_number(j) : json_array_size(j) != (size_t)n) return false;
    for (int i = 0; i < n; i++) {
        const json_t *v = n == 1 ? j : json_array_get(j, (size_t)i);
        if (!json_is_number(v)) return false;
        out[i] = (float)json_number_value(v);
    }
    return true;
}

/* As many as the inputs say, which are there. */
static goss_status read_scale(const json_t *root, goss_table_transform *f, goss_error *err) {
    const int n = goss_table_transform_outputs(f);
    if (!goss__scale_room(f)) return no_memory(err);
    bool good = read_numbers(json_object_get(root, "mean"), n, f->mean) &&
                read_numbers(json_object_get(root, "deviation"), n, f->deviation);
    for (int i = 0; good && i < n; i++) good = isfinite(f->mean[i]) && isfinite(f->deviation[i]) && f->deviation[i] > 0;
    return good ? GOSS_OK : damaged(err);
}

static goss_status read_target(const json_t *root, goss_table_transform *f, goss_error *err) {
    char *objective;
    GOSS_TRY(read_text(root, "objective", &objective, err));
    goss_status s = goss_objective_find(objective, &f->objective, err);
    goss__free(objective);
    GOSS_TRY(s);
    if (!f->objective->classes) return GOSS_OK;
    GOSS_TRY(goss__json_read_names(root, "classes", &f->class_name, &f->classes, err));
    return f->classes >= 2 ? GOSS_OK : damaged(err);
}

static goss_status parse(const json_t *root, goss_table_transform *f, goss_error *err) {
    GOSS_TRY(read_text(root, "target", &f->target, err));
    GOSS_TRY(read_text(root, "task", &f->task, err));
    GOSS_TRY(read_text(root, "order", &f->order, err));
    GOSS_TRY(read_target(root, f, err));
    GOSS_TRY(goss__json_read_names(root, "dropped", &f->dropped, &f->n_dropped, err));
    GOSS_TRY(goss__json_read_names(root, "known", &f->known, &f->n_known, err));
    const json_t *inputs = json_object_get(root, "inputs"); /* JSON within a text: an encoding reads itself */
    if (!json_is_string(inputs)) return damaged(err);
    GOSS_TRY(goss_encoding_parse(json_string_value(inputs), &f->inputs, err));
    if (!f->objective->classes) GOSS_TRY(read_scale(root, f, err));
    return goss__transform_lists(f, err);
}

goss_status goss_table_transform_parse(const char *text, goss_table_transform **out, goss_error *err) {
    json_t *root;
    *out = NULL;
    GOSS_TRY(goss__json_parse(text, strlen(text), 0, &root, err));
    goss_table_transform *f = goss__calloc(1, sizeof *f);
    goss_status s = f ? parse(root, f, err) : no_memory(err);
    json_decref(root);
    if (s == GOSS_OK)
        *out = f;
    else
        goss_table_transform_free(f);
    return s;
}
#else
goss_status goss_table_transform_parse(const char *text, goss_table_transform **out, goss_error *err) {
    (void)text;
    *out = NULL;
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "transforms of tables are JSON, and this build has no jansson (" GOSS_JANSSON_GET ")");
}
#endif
