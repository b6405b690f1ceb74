/* SPDX-License-Identifier: Apache-2.0 */
/* space_svg.c: a structure as a drawing: a row a layer, its units as cells, its bytes and MACs as bars in front of
 * those of the whole space. Equal structures are equal documents. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "space/space_rows.h"

enum { ROW = 18, TOP = 46, LETTER = 7, KEPT = 170, CELL = 5, BAR = 120, GAP = 16 };

typedef struct page {
    goss__str text;
    int units_x, bytes_x, macs_x; /* where columns begin */
    int64_t most_bytes, most_macs;
} page;

static void add_escaped(goss__str *s, const char *text) {
    for (; *text; text++) {
        if (*text == '<')
            goss__str_add(s, "&lt;");
        else if (*text == '>')
            goss__str_add(s, "&gt;");
        else if (*text == '&')
            goss__str_add(s, "&amp;");
        else
            goss__str_addn(s, text, 1);
    }
}

static void add_text(page *p, int x, int y, const char *kind, const char *text) {
    goss__str_addf(&p->text, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, kind);
    add_escaped(&p->text, text);
    goss__str_add(&p->text, "</text>\n");
}

static void add_box(page *p, double x, int y, double width, const char *kind) {
    goss__str_addf(&p->text, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" class=\"%s\"/>\n", x, y, width, 11,
                   kind);
}

static void add_bar(page *p, int x, int y, int64_t part, int64_t all, int64_t most) {
    char text[32];
    if (all <= 0) return;
    add_box(p, x, y - 10, (double)BAR * (double)all / (double)most, "all");
    add_box(p, x, y - 10, (double)BAR * (double)part / (double)most, "part");
    snprintf(text, sizeof text, "%lld", (long long)part);
    add_text(p, x + BAR + 6, y, "number", text);
}

static void add_row(page *p, const goss__row *r, int y) {
    const bool dropped = !r->there || strcmp(r->kept, "dropped") == 0;
    add_text(p, GAP + 2 * LETTER * r->depth, y, dropped ? "gone" : "layer", r->label);
    add_text(p, p->units_x - KEPT, y, dropped ? "gone" : "kept", r->kept);
    for (int k = 0; k < r->cells; k++)
        add_box(p, p->units_x + k * CELL, y - 10, CELL - 1, r->cell[k] == 1 ? "part" : r->cell[k] > 0 ? "half" : "all");
    add_bar(p, p->bytes_x, y, r->bytes, r->all_bytes, p->most_bytes);
    add_bar(p, p->macs_x, y, r->macs, r->all_macs, p->most_macs);
}

static void begin(page *p, const goss__rows *rows) {
    int letters = 12, cells = 0;
    p->most_bytes = p->most_macs = 1;
    for (int i = 0; i < rows->n; i++) {
        const goss__row *r = &rows->row[i];
        const int n = 2 * r->depth + (int)strlen(r->label);
        if (n > letters) letters = n;
        if (r->cells > cells) cells = r->cells;
        if (r->all_bytes > p->most_bytes) p->most_bytes = r->all_bytes;
        if (r->all_macs > p->most_macs) p->most_macs = r->all_macs;
    }
    p->units_x = 2 * GAP + letters * LETTER + KEPT;
    p->bytes_x = p->units_x + cells * CELL + GAP;
    p->macs_x = p->bytes_x + BAR + 80;
    goss__str_addf(&p->text,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"monospace\" "
                   "font-size=\"12\">\n",
                   p->macs_x + BAR + 90, TOP + (rows->n + 2) * ROW);
    goss__str_add(&p->text, "<style>.gone{fill:#999;text-decoration:line-through}.kept,.number{fill:#555}"
                            ".title{font-weight:bold}.part{fill:#2b6cb0}.half{fill:#90b4d8}.all{fill:#dde3ea}</style>\n"
                            "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
}

char *goss_space_draw_svg(const goss_space *s, const float *structure, int64_t outputs) {
    goss__rows rows;
    page p = {{0}, 0, 0, 0, 0, 0};
    char sum[200];
    if (!goss__space_rows(s, structure, outputs, &rows)) return NULL;
    begin(&p, &rows);
    add_text(&p, p.units_x - KEPT, TOP - ROW, "title", "kept");
    add_text(&p, p.bytes_x, TOP - ROW, "title", "bytes");
    add_text(&p, p.macs_x, TOP - ROW, "title", "MACs");
    for (int i = 0; i < rows.n; i++) add_row(&p, &rows.row[i], TOP + i * ROW);
    snprintf(sum, sizeof sum, "%lld of %lld bytes, %lld of %lld MACs, %lld of %lld bytes of RAM",
             (long long)rows.sum.bytes, (long long)rows.all.bytes, (long long)rows.sum.macs, (long long)rows.all.macs,
             (long long)rows.sum.ram, (long long)rows.all.ram);
    add_text(&p, GAP, TOP + rows.n * ROW + ROW / 2, "title", sum);
    goss__str_add(&p.text, "</svg>\n");
    char *copy = p.text.failed ? NULL : goss__strdup(p.text.data);
    goss__str_free(&p.text);
    goss__free(rows.row);
    return copy;
}
