/* SPDX-License-Identifier: Apache-2.0 */
/* class_list_read.c: a text file that names some classes of a set, with errors that name the line. */
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "data/class_list.h"

enum { NAME_MAX_COMPARED = 200 };

/* Edit distance (Levenshtein) of names cut to a bounded length. */
static int distance(const char *a, const char *b) {
    int row[NAME_MAX_COMPARED + 1];
    int n = (int)strnlen(b, NAME_MAX_COMPARED), m = (int)strnlen(a, NAME_MAX_COMPARED);
    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 1; i <= m; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int replace = diagonal + (a[i - 1] != b[j - 1]), shift = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            diagonal = row[j];
            row[j] = replace < shift ? replace : shift;
        }
    }
    return row[n];
}

static const char *nearest(const goss_images *set, const char *name) {
    int best = 0, least = NAME_MAX_COMPARED;
    for (int c = 0; c < goss_images_classes(set); c++) {
        int d = distance(name, goss_images_class_name(set, c));
        if (d < least) least = d, best = c;
    }
    return goss_images_class_name(set, best);
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* A name in double quotes, in place, without them; what follows may be a comment. */
static goss_status unquote(char *line, char **name, goss_error *err) {
    char *to = *name = line, *from = line + 1;
    for (; *from && *from != '"'; from++) {
        if (*from == '\\' && (from[1] == '"' || from[1] == '\\')) from++;
        *to++ = *from;
    }
    if (!*from) return goss_error_set(err, GOSS_E_FORMAT, "a quote that does not end");
    for (from++; is_blank(*from);) from++;
    *to = 0;
    if (!*from || *from == '#') return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "\"%.100s\" stands behind the quoted name", from);
}

/* One line without its comment and the blanks around it: "" where nothing is left. */
static goss_status name_of(char *line, char **name, goss_error *err) {
    while (is_blank(*line)) line++;
    if (*line == '"') return unquote(line, name, err);
    *name = line;
    char *comment = strchr(line, '#');
    while (comment && comment > line && !is_blank(comment[-1])) comment = strchr(comment + 1, '#');
    if (comment) *comment = 0;
    for (size_t n = strlen(line); n > 0 && is_blank(line[n - 1]); n--) line[n - 1] = 0;
    return GOSS_OK;
}

/* lines[c]: the line that named class c, 0 while none has. */
static goss_status mark_line(const goss_images *set, const char *name, int number, int *lines, goss_error *err) {
    int c = goss_images_class_find(set, name);
    if (c < 0)
        return goss_error_set(err, GOSS_E_FORMAT, "%d: the data has no class \"%.200s\" (nearest: \"%.200s\")", number,
                              name, nearest(set, name));
    if (lines[c])
        return goss_error_set(err, GOSS_E_FORMAT, "%d: class \"%.200s\" came before, in line %d", number, name,
                              lines[c]);
    lines[c] = number;
    return GOSS_OK;
}

static goss_status mark_lines(const goss_images *set, char *text, size_t size, int *lines, goss_error *err) {
    int number = 0;
    for (char *line = text, *end = text + size, *next; line < end; line = next) {
        next = memchr(line, '\n', (size_t)(end - line));
        next = next ? next : end;
        number++;
        if (memchr(line, 0, (size_t)(next - line)))
            return goss_error_set(err, GOSS_E_FORMAT, "%d: a zero byte; this is no text file", number);
        *next++ = 0; /* the text is terminated, so there is room behind its last byte */
        char *name;
        goss_status status = name_of(line, &name, err);
        if (status != GOSS_OK) return goss_error_prefix(err, status, "%d", number);
        if (*name) GOSS_TRY(mark_line(set, name, number, lines, err));
    }
    return GOSS_OK;
}

/* Skips a byte order mark of UTF-8; a text of two bytes a letter is known by its mark or by the zeros in it. */
static goss_status check_encoding(char **text, size_t *size, goss_error *err) {
    const uint8_t *b = (const uint8_t *)*text;
    if (*size >= 3 && memcmp(b, "\xef\xbb\xbf", 3) == 0) {
        *text += 3, *size -= 3;
        return GOSS_OK;
    }
    bool marked = *size >= 2 && ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff));
    bool halves = *size >= 4 && ((!b[0] && b[1] && !b[2] && b[3]) || (b[0] && !b[1] && b[2] && !b[3]));
    if (marked || halves)
        return goss_error_set(err, GOSS_E_FORMAT, "the text is in UTF-16 (\"Unicode\" of Windows); save it as UTF-8");
    return GOSS_OK;
}

static goss_status list_marked(const goss_images *set, const int *marks, int wanted, goss_class_list *out,
                               goss_error *err) {
    GOSS_TRY(goss__class_list_alloc(out, goss_images_classes(set), err));
    for (int c = 0; c < goss_images_classes(set); c++)
        if ((marks[c] != 0) == wanted) out->ids[out->count++] = c;
    return GOSS_OK;
}

goss_status goss_class_list_read(const goss_images *set, const char *path, goss_class_list *out, goss_error *err) {
    *out = (goss_class_list){0};
    char *text;
    size_t size;
    GOSS_TRY(goss__read_file(path, 1 << 28, &text, &size, err));
    int *lines = goss__calloc((size_t)goss_images_classes(set), sizeof *lines);
    char *begin = text;
    goss_status status = lines ? check_encoding(&begin, &size, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory");
    if (status == GOSS_OK) status = mark_lines(set, begin, size, lines, err);
    if (status != GOSS_OK) status = goss_error_prefix(err, status, "%s", path);
    if (status == GOSS_OK) status = list_marked(set, lines, 1, out, err);
    if (status == GOSS_OK && out->count == 0) {
        goss_class_list_free(out);
        status = goss_error_set(err, GOSS_E_FORMAT, "%s: names no class", path);
    }
    goss__free(lines);
    goss__free(text);
    return status;
}
