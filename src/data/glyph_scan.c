/* SPDX-License-Identifier: Apache-2.0 */
/* glyph_scan.c: which characters of a script's reference font are worth drawing.
 *
 * Dropped are empty glyphs and marks: glyphs that the font itself classes as marks (OpenType table GDEF), that take no
 * room in a line, that are far smaller than the script's letters, or that are solid dots and bars. A character found in
 * fonts of several scripts (a danda, borrowed digits) belongs to the one that fills most of its 16-character row. */
#include "data/glyph_set.h"

#include "goss_config.h"

#if GOSS_HAVE_FREETYPE
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_OUTLINE_H
#include FT_TRUETYPE_TABLES_H
#include FT_TRUETYPE_TAGS_H

#include "base/alloc.h"

enum { ROWS = 0x110000 / 16 };

/* ---- the font's own classes of glyphs: GDEF, glyph class definition, class 3 = mark ---- */

typedef struct table {
    uint8_t *data;
    size_t size;
} table;

static unsigned u16(const table *t, size_t at) {
    return at + 2 <= t->size ? (unsigned)t->data[at] << 8 | t->data[at + 1] : 0;
}

static goss_status load_table(FT_Face face, table *out, goss_error *err) {
    FT_ULong size = 0;
    *out = (table){0};
    if (FT_Load_Sfnt_Table(face, TTAG_GDEF, 0, NULL, &size) != 0 || size < 6) return GOSS_OK; /* optional */
    out->data = goss__alloc(size);
    if (!out->data) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a font's table");
    if (FT_Load_Sfnt_Table(face, TTAG_GDEF, 0, out->data, &size) == 0) out->size = size;
    return GOSS_OK;
}

static bool is_mark(const table *t, unsigned glyph) {
    size_t at = u16(t, 4);
    if (at == 0) return false;
    unsigned format = u16(t, at);
    if (format == 1) {
        unsigned first = u16(t, at + 2), n = u16(t, at + 4);
        return glyph >= first && glyph - first < n && u16(t, at + 6 + 2 * (size_t)(glyph - first)) == 3;
    }
    for (unsigned i = 0, n = format == 2 ? u16(t, at + 2) : 0; i < n; i++) {
        size_t range = at + 4 + 6 * (size_t)i;
        if (glyph >= u16(t, range) && glyph <= u16(t, range + 2)) return u16(t, range + 4) == 3;
    }
    return false;
}

/* ---- one script ---- */

typedef struct candidate {
    uint32_t code;
    float longer; /* side of the ink's box in units of the em; 0: no ink, negative: a mark */
} candidate;

/* How much of its box an outline covers; near 1 for dots and bars. */
static double solidity(const FT_Outline *o, const FT_BBox *b) {
    double area = 0, box = (double)(b->xMax - b->xMin) * (double)(b->yMax - b->yMin);
    for (int c = 0, first = 0; c < o->n_contours; c++) {
        int last = o->contours[c];
        for (int i = first, k = last; i <= last; k = i++)
            area += (double)o->points[k].x * (double)o->points[i].y - (double)o->points[i].x * (double)o->points[k].y;
        first = last + 1;
    }
    return box > 0 ? fabs(area) / 2 / box : 0;
}

static float measure(FT_Face face, unsigned glyph, const table *gdef) {
    if (FT_Load_Glyph(face, glyph, FT_LOAD_NO_SCALE | FT_LOAD_NO_BITMAP) != 0) return 0;
    FT_Outline *o = &face->glyph->outline;
    FT_BBox b;
    FT_Outline_Get_CBox(o, &b);
    if (o->n_points == 0 || b.xMax <= b.xMin || b.yMax <= b.yMin) return 0;
    double w = (double)(b.xMax - b.xMin), h = (double)(b.yMax - b.yMin);
    /* An outline of four points in one contour that fills its box is a bar; a dot fills about pi / 4 of it. */
    bool solid = o->n_contours == 1 && solidity(o, &b) > 0.7;
    if (face->glyph->metrics.horiAdvance == 0 || is_mark(gdef, glyph) || solid) return -1;
    return (float)(fmax(w, h) / face->units_per_EM);
}

static bool wanted(const goss__glyph_script *s, uint32_t code) {
    if (!s->general) return goss__glyph_own_script(code);
    const char *name = goss__glyph_general_script(code);
    return name && strcmp(name, s->name) == 0;
}

static int compare_floats(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Turns what is far smaller than the median letter into a mark, and keeps the rest. */
static goss_status keep_letters(goss__glyph_script *s, candidate *c, int n, goss_error *err) {
    float *sides = goss__alloc((size_t)n * sizeof *sides);
    s->codes = goss__alloc((size_t)n * sizeof *s->codes);
    if (!sides || !s->codes) {
        goss__free(sides);
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d characters of %s", n, s->name);
    }
    int letters = 0;
    for (int i = 0; i < n; i++)
        if (c[i].longer > 0) sides[letters++] = c[i].longer;
    qsort(sides, (size_t)letters, sizeof *sides, compare_floats);
    float least = letters ? 0.4f * sides[letters / 2] : 0;
    for (int i = 0; i < n; i++) {
        if (c[i].longer == 0)
            s->blank++;
        else if (c[i].longer < least)
            s->marks++;
        else
            s->codes[s->code_count++] = c[i].code;
    }
    goss__free(sides);
    return GOSS_OK;
}

static goss_status collect(goss__glyph_script *s, FT_Face face, goss_error *err) {
    int n = 0;
    candidate *c = goss__alloc((size_t)(face->num_glyphs + 0x10000) * sizeof *c);
    table gdef = {0};
    goss_status status = c ? load_table(face, &gdef, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for a font");
    if (status == GOSS_OK) {
        FT_UInt glyph;
        for (FT_ULong code = FT_Get_First_Char(face, &glyph); glyph; code = FT_Get_Next_Char(face, code, &glyph))
            if (n < face->num_glyphs + 0x10000 && wanted(s, (uint32_t)code))
                c[n++] = (candidate){(uint32_t)code, measure(face, glyph, &gdef)};
        status = keep_letters(s, c, n, err);
    }
    goss__free(gdef.data);
    goss__free(c);
    return status;
}

static goss_status scan_script(goss__glyph_script *s, goss_error *err) {
    FT_Library library;
    FT_Face face;
    if (FT_Init_FreeType(&library) != 0) return goss_error_set(err, GOSS_E_NOMEM, "FreeType does not start");
    goss_status status = GOSS_OK;
    if (FT_New_Face(library, s->fonts[0].path, 0, &face) != 0)
        status = goss_error_set(err, GOSS_E_FORMAT, "%s: not a font that FreeType can use", s->fonts[0].path);
    else
        status = collect(s, face, err);
    FT_Done_FreeType(library); /* with its faces */
    return status;
}

static void scan_one(void *ctx, int64_t i, int worker) {
    goss__glyph_script *s = &((goss__glyph_set *)ctx)->scripts[i];
    s->status = scan_script(s, &s->error);
}

/* ---- all scripts ---- */

/* Who fills most of each row of 16 code points. */
static void find_owners(const goss__glyph_set *set, int16_t *owner, uint8_t *most) {
    memset(owner, 0xff, ROWS * sizeof *owner);
    for (int k = 0; k < set->count; k++) {
        const goss__glyph_script *s = &set->scripts[k];
        for (int i = 0, end; i < s->code_count; i = end) {
            uint32_t row = s->codes[i] / 16;
            for (end = i; end < s->code_count && s->codes[end] / 16 == row; end++) {
            }
            if (end - i > most[row]) most[row] = (uint8_t)(end - i), owner[row] = (int16_t)k;
        }
    }
}

static void keep_own(goss__glyph_set *set, const int16_t *owner) {
    for (int k = 0; k < set->count; k++) {
        goss__glyph_script *s = &set->scripts[k];
        int n = 0;
        for (int i = 0; i < s->code_count; i++)
            if (s->general || owner[s->codes[i] / 16] == k) s->codes[n++] = s->codes[i];
        s->code_count = n;
    }
}

static void thin(goss__glyph_script *s, int most) {
    if (s->code_count <= most) return;
    for (int i = 0; i < most; i++) s->codes[i] = s->codes[(int64_t)i * s->code_count / most];
    s->code_count = most;
}

goss_status goss__glyph_scan(goss__glyph_set *set, int most, goss__pool *pool, goss_error *err) {
    goss__pool_run(pool, set->count, scan_one, set);
    for (int k = 0; k < set->count; k++) {
        if (set->scripts[k].status == GOSS_OK) continue;
        if (err) *err = set->scripts[k].error;
        return set->scripts[k].status;
    }
    int16_t *owner = goss__alloc(ROWS * sizeof *owner);
    uint8_t *filled = goss__calloc(ROWS, 1);
    if (owner && filled) {
        find_owners(set, owner, filled);
        keep_own(set, owner);
        for (int k = 0; k < set->count; k++) thin(&set->scripts[k], most);
    }
    goss_status status = owner && filled ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory to sort characters");
    goss__free(owner);
    goss__free(filled);
    return status;
}
#endif
