/* metrics.c: lines go out whole, by one write each; what a kill leaves behind is dropped at the next start. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/str.h"
#include "io/metrics.h"

struct goss__metrics {
    FILE *file;
    char *path;
    json_t *line;
};

/* The lines of old text that stay. */
static void keep_lines(const char *text, int64_t keep_step, goss__str *kept) {
    for (const char *at = text, *end; (end = strchr(at, '\n')); at = end + 1) {
        json_t *line = json_loadb(at, (size_t)(end - at), 0, NULL), *step = json_object_get(line, "step");
        if (json_is_integer(step) && json_integer_value(step) <= keep_step) goss__str_addn(kept, at, (size_t)(end - at) + 1);
        json_decref(line);
    }
}

static goss_status drop_later(const char *path, int64_t keep_step, goss_error *err) {
    char *text = NULL;
    size_t size;
    goss__str kept = {0};
    if (keep_step >= 0 && goss__path_exists(path)) {
        GOSS_TRY(goss__read_file(path, (size_t)1 << 31, &text, &size, err));
        keep_lines(text, keep_step, &kept);
    }
    goss_status s = kept.failed ? goss_error_set(err, GOSS_E_NOMEM, "%s: out of memory", path)
                                : goss__write_file(path, kept.data, kept.size, err);
    goss__free(text);
    goss__str_free(&kept);
    return s;
}

goss_status goss__metrics_open(const char *path, int64_t keep_step, goss__metrics **out, goss_error *err) {
    *out = NULL;
    GOSS_TRY(drop_later(path, keep_step, err));
    goss__metrics *m = goss__calloc(1, sizeof *m);
    if (m) m->path = goss__strdup(path);
    if (!m || !m->path) {
        goss__free(m);
        return goss_error_set(err, GOSS_E_NOMEM, "%s: out of memory", path);
    }
    m->file = fopen(path, "ae");
    if (!m->file) {
        goss_status s = goss_error_set(err, GOSS_E_IO, "%s: can not open: %s", path, strerror(errno));
        goss__metrics_close(m);
        return s;
    }
    *out = m;
    return GOSS_OK;
}

void goss__metrics_close(goss__metrics *m) {
    if (!m) return;
    if (m->file) fclose(m->file);
    json_decref(m->line);
    goss__free(m->path);
    goss__free(m);
}

void goss__metrics_begin(goss__metrics *m, int64_t step) {
    json_decref(m->line);
    m->line = json_pack("{s:I}", "step", (json_int_t)step);
}

/* A failure (no memory, no UTF-8) leaves the line NULL, which end reports. */
static void put(goss__metrics *m, const char *key, json_t *value) {
    if (m->line && json_object_set_new(m->line, key, value) == 0) return;
    json_decref(m->line);
    m->line = NULL;
}

void goss__metrics_number(goss__metrics *m, const char *key, double value) {
    put(m, key, isfinite(value) ? json_real(value) : json_null());
}

void goss__metrics_text(goss__metrics *m, const char *key, const char *value) { put(m, key, json_string(value)); }

goss_status goss__metrics_end(goss__metrics *m, goss_error *err) {
    char *text = m->line ? json_dumps(m->line, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    if (!text) return goss_error_set(err, GOSS_E_NOMEM, "%s: a line could not be made", m->path);
    bool ok = fprintf(m->file, "%s\n", text) > 0 && fflush(m->file) == 0;
    free(text); /* jansson's */
    return ok ? GOSS_OK : goss_error_set(err, GOSS_E_IO, "%s: can not write: %s", m->path, strerror(errno));
}
