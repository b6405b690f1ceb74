/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c: each line is one write; an incomplete line left by a kill is removed at the next start. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/str.h"
#include "io/json.h"
#include "io/metrics.h"

struct goss__metrics {
    int fd;
    off_t size; /* of the whole lines in the file */
    char *path;
    goss__str line;
};

/* The beginning of every line, followed by the step and a comma or the end. */
static const char head[] = "{\"step\":";

static bool is_kept(const char *line, size_t n, int64_t keep_step) {
    if (n < sizeof head || memcmp(line, head, sizeof head - 1) != 0 || line[n - 1] != '}') return false;
    char *end;
    errno = 0;
    long long step = strtoll(line + sizeof head - 1, &end, 10);
    return errno == 0 && end > line + sizeof head - 1 && (*end == ',' || *end == '}') && step <= keep_step;
}

static void keep_lines(const char *text, size_t size, int64_t keep_step, goss__str *kept) {
    for (const char *at = text, *end; (end = memchr(at, '\n', (size_t)(text + size - at))); at = end + 1)
        if (is_kept(at, (size_t)(end - at), keep_step)) goss__str_addn(kept, at, (size_t)(end - at) + 1);
}

static goss_status drop_later(const char *path, int64_t keep_step, goss_error *err) {
    char *text = NULL;
    size_t size = 0;
    goss__str kept = {0};
    if (keep_step >= 0 && goss__path_exists(path)) {
        GOSS_TRY(goss__read_file(path, (size_t)1 << 31, &text, &size, err));
        keep_lines(text, size, keep_step, &kept);
    }
    goss_status s = GOSS_OK;
    if (kept.failed)
        s = goss_error_set(err, GOSS_E_NOMEM, "%s: out of memory", path);
    else if (!text || kept.size != size)
        s = goss__write_file(path, kept.data, kept.size, err);
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
    m->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    m->size = m->fd < 0 ? -1 : lseek(m->fd, 0, SEEK_END);
    if (m->size < 0) {
        goss_status s = goss_error_set(err, GOSS_E_IO, "%s: cannot open: %s", path, strerror(errno));
        goss__metrics_close(m);
        return s;
    }
    *out = m;
    return GOSS_OK;
}

void goss__metrics_close(goss__metrics *m) {
    if (!m) return;
    if (m->fd >= 0) close(m->fd);
    goss__str_free(&m->line);
    goss__free(m->path);
    goss__free(m);
}

void goss__metrics_begin(goss__metrics *m, int64_t step) {
    m->line.size = 0;
    goss__str_addf(&m->line, "%s%lld", head, (long long)step);
}

static void put_key(goss__metrics *m, const char *key) {
    goss__str_addn(&m->line, ",", 1);
    goss__json_add_text(&m->line, key);
    goss__str_addn(&m->line, ":", 1);
}

void goss__metrics_number(goss__metrics *m, const char *key, double value) {
    put_key(m, key);
    goss__json_add_number(&m->line, value);
}

void goss__metrics_text(goss__metrics *m, const char *key, const char *value) {
    put_key(m, key);
    goss__json_add_text(&m->line, value);
}

static bool put_line(const goss__metrics *m) {
    for (size_t at = 0; at < m->line.size;) {
        ssize_t n = write(m->fd, m->line.data + at, m->line.size - at);
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) at += (size_t)n;
    }
    return true;
}

goss_status goss__metrics_end(goss__metrics *m, goss_error *err) {
    goss__str_addn(&m->line, "}\n", 2);
    if (m->line.failed) {
        goss__str_free(&m->line);
        return goss_error_set(err, GOSS_E_NOMEM, "%s: out of memory for a line", m->path);
    }
    if (put_line(m)) {
        m->size += (off_t)m->line.size;
        return GOSS_OK;
    }
    goss_status s = goss_error_set(err, GOSS_E_IO, "%s: cannot write: %s", m->path, strerror(errno));
    if (ftruncate(m->fd, m->size) != 0) goss_error_prefix(err, s, "half a line is left over");
    return s;
}
