/* SPDX-License-Identifier: Apache-2.0 */
/* text_read.c: a text in a file of its own becomes a row: the folder that it is in is its class. */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "table/table.h"

static goss_status check(const goss__bytes *b, const char *text, size_t size, goss_error *err) {
    if (strlen(text) < size)
        return goss_error_set(err, GOSS_E_FORMAT,
                              "%s: a NUL byte: no text; if it is in UTF-16: iconv -f UTF-16 -t UTF-8", b->name);
    if (goss__utf8_valid(text)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT,
                          "%s: the text is not UTF-8; if the file is in Latin-1 or Windows-1252: iconv -f WINDOWS-1252 "
                          "-t UTF-8",
                          b->name);
}

/* Without the byte order mark and the blanks around it. */
static char *trimmed(char *text) {
    static const char blank[] = " \t\r\n";
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0) text += 3;
    text += strspn(text, blank);
    for (size_t n = strlen(text); n > 0 && strchr(blank, text[n - 1]); n--) text[n - 1] = 0;
    return text;
}

goss_status goss__read_text_file(const goss__bytes *b, const char *class, goss__sink *sink, goss_error *err) {
    const goss__column_decl columns[] = {
        {.name = "class", .type = GOSS__DECL_CATEGORY, .categories = &class, .n_categories = 1},
        {.name = "text", .type = GOSS__DECL_TEXT}};
    const int first = class ? 0 : 1;
    char *text = goss__alloc(b->size + 1);
    if (!text) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to read it", b->name);
    if (b->size) memcpy(text, b->data, b->size);
    text[b->size] = 0;
    goss_status s = check(b, text, b->size, err);
    sink->decimal = '.';
    if (s == GOSS_OK) s = sink->columns(sink, columns + first, 2 - first, 1, err);
    const goss__cell cells[] = {{.kind = GOSS__CELL_EXACT, .text = class},
                                {.kind = GOSS__CELL_EXACT, .text = trimmed(text)}};
    if (s == GOSS_OK) s = sink->row(sink, 1, cells + first, err);
    goss__free(text);
    return s;
}
