/* SPDX-License-Identifier: Apache-2.0 */
/* image_names.c: tasks and the names of their outputs as text, so that a model file says what its heads tell apart. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "gossamer/image_task.h"

static int put(void *context, const void *data, size_t size) {
    goss__str_addn(context, data, size);
    return 0;
}

goss_status goss_image_tasks_text(const goss_image_tasks *t, char **text, goss_error *err) {
    goss__str out = {0};
    goss_csv *csv;
    *text = NULL;
    GOSS_TRY(goss_csv_create_to(put, &out, &csv, err));
    goss_csv_text(csv, "task"), goss_csv_text(csv, "label"), goss_csv_row(csv);
    for (int i = 0; i < goss_image_tasks_count(t); i++)
        for (int w = 0; w < goss_image_tasks_outputs(t, i); w++) {
            goss_csv_text(csv, goss_image_tasks_name(t, i));
            goss_csv_text(csv, goss_image_tasks_output_name(t, i, w));
            goss_csv_row(csv);
        }
    goss_status s = goss_csv_close(csv, err);
    if (s == GOSS_OK && out.failed) s = goss_error_set(err, GOSS_E_NOMEM, "no memory for the names of classes");
    if (s == GOSS_OK)
        *text = out.data;
    else
        goss__str_free(&out);
    return s;
}

static goss_status collect(const goss_table *table, const char *task, char **names, int *n, goss_error *err) {
    const int of = goss_table_find(table, "task"), label = goss_table_find(table, "label");
    char buffer[GOSS_CELL_TEXT];
    if (of < 0 || label < 0) return goss_error_set(err, GOSS_E_FORMAT, "the names of classes: no csv of task,label");
    for (int row = 0; row < goss_table_rows(table); row++) {
        if (strcmp(goss_table_text(table, of, row, buffer), task) != 0) continue;
        if (!(names[*n] = goss__strdup(goss_table_text(table, label, row, buffer))))
            return goss_error_set(err, GOSS_E_NOMEM, "no memory for the names of classes");
        ++*n;
    }
    return GOSS_OK;
}

goss_status goss_image_task_names(const char *text, const char *task, char ***names, int *n, goss_error *err) {
    goss_table_options o = goss_table_options_defaults();
    goss_table *table;
    o.separator = ',', o.header = GOSS_HEADER_YES, o.missing = "", o.categorical = "task,label";
    *names = NULL, *n = 0;
    GOSS_TRY(goss_table_read(text, strlen(text), "the names of classes", &o, &table, err));
    char **own = goss__calloc((size_t)goss_table_rows(table) + 1, sizeof *own);
    goss_status s = own ? collect(table, task, own, n, err)
                        : goss_error_set(err, GOSS_E_NOMEM, "no memory for the names of classes");
    goss_table_close(table);
    if (s == GOSS_OK)
        *names = own;
    else
        goss_image_names_free(own);
    return s;
}

void goss_image_names_free(char **names) {
    for (int i = 0; names && names[i]; i++) goss__free(names[i]);
    goss__free(names);
}
