/* SPDX-License-Identifier: Apache-2.0 */
/* glyph_pen.c: draws single characters through FreeType: the outline is scaled so that every character has the same
 * longer side, made thicker or thinner, bent by an affine map and only then turned into pixels, so that the strokes'
 * edges stay clean. Hinting and advance widths play no part: these are drawings, not text. */
#include "data/glyph_set.h"

#include "goss_config.h"

#if GOSS_HAVE_FREETYPE
#include <math.h>
#include <string.h>

#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_OUTLINE_H
#include FT_BBOX_H

#include "base/alloc.h"
#include "base/stop.h"

struct goss__glyph_pen {
    const goss__glyph_script *script;
    FT_Library library;
    FT_Face *faces;
    int count;
};

static goss_status ft_error(FT_Error code, const char *path, goss_error *err) {
    const char *text = FT_Error_String(code);
    return goss_error_set(err, GOSS_E_FORMAT, "%s: FreeType cannot use it: %s (%d)", path, text ? text : "error", code);
}

static goss_status open_faces(goss__glyph_pen *p, goss_error *err) {
    if (FT_Init_FreeType(&p->library) != 0) return goss_error_set(err, GOSS_E_NOMEM, "FreeType does not start");
    for (; p->count < p->script->font_count; p->count++) {
        const char *path = p->script->fonts[p->count].path;
        FT_Error code = FT_New_Face(p->library, path, 0, &p->faces[p->count]);
        if (code) return ft_error(code, path, err);
    }
    return GOSS_OK;
}

goss_status goss__glyph_pen_open(const goss__glyph_script *script, goss__glyph_pen **out, goss_error *err) {
    *out = NULL;
    if (goss__stop_asked(script->stop))
        return goss_error_set(err, GOSS_E_INTERRUPTED, "stopped while characters were drawn");
    goss__glyph_pen *p = goss__calloc(1, sizeof *p);
    if (p) p->faces = goss__calloc((size_t)script->font_count, sizeof *p->faces);
    goss_status status = GOSS_E_NOMEM;
    if (p && p->faces) {
        p->script = script;
        status = open_faces(p, err);
    } else {
        status = goss_error_set(err, GOSS_E_NOMEM, "no memory for %d fonts", script->font_count);
    }
    if (status == GOSS_OK)
        *out = p;
    else
        goss__glyph_pen_close(p);
    return status;
}

void goss__glyph_pen_close(goss__glyph_pen *p) {
    if (!p) return;
    for (int i = 0; i < p->count; i++) FT_Done_Face(p->faces[i]);
    if (p->library) FT_Done_FreeType(p->library);
    goss__free(p->faces);
    goss__free(p);
}

bool goss__glyph_pen_has(const goss__glyph_pen *p, int font, uint32_t code) {
    return FT_Get_Char_Index(p->faces[font], code) != 0;
}

static FT_Fixed fixed(double v) { return (FT_Fixed)lrint(v * 65536); }

/* Scales by one factor (from font units) and puts the middle of the box at the origin. */
static void normalise(FT_Outline *o, double side) {
    FT_BBox b;
    FT_Outline_Get_BBox(o, &b);
    double w = (double)(b.xMax - b.xMin), h = (double)(b.yMax - b.yMin), longer = fmax(fmax(w, h), 1);
    FT_Matrix m = {fixed(side / longer), 0, 0, fixed(side / longer)};
    FT_Outline_Translate(o, -(b.xMin + b.xMax) / 2, -(b.yMin + b.yMax) / 2);
    FT_Outline_Transform(o, &m);
}

static void bend(FT_Outline *o, const goss__glyph_style *s, double extent) {
    double co = cos(s->turn), si = sin(s->turn), sx = exp(s->stretch_x), sy = exp(s->stretch_y);
    /* turn * slant * stretch */
    FT_Matrix m = {fixed(co * sx), fixed((co * s->slant - si) * sy), fixed(si * sx), fixed((si * s->slant + co) * sy)};
    FT_Outline_Transform(o, &m);
    FT_Outline_Translate(o, lrint((0.5 + s->shift_x) * extent), lrint((0.5 + s->shift_y) * extent));
}

goss_status goss__glyph_pen_draw(goss__glyph_pen *p, int font, uint32_t code, int size, float fill,
                                 const goss__glyph_style *style, uint8_t *ink, goss_error *err) {
    FT_Face face = p->faces[font];
    const char *path = p->script->fonts[font].path;
    if (goss__stop_asked(p->script->stop))
        return goss_error_set(err, GOSS_E_INTERRUPTED, "stopped while characters were drawn");
    FT_Error e = FT_Load_Glyph(face, FT_Get_Char_Index(face, code), FT_LOAD_NO_SCALE | FT_LOAD_NO_BITMAP);
    if (e) return ft_error(e, path, err);
    if (face->glyph->format != FT_GLYPH_FORMAT_OUTLINE)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: a font of bitmaps, not outlines", path);
    FT_Outline *o = &face->glyph->outline;
    double extent = 64.0 * size;
    normalise(o, fill * extent);
    FT_Outline_Embolden(o, lrint(style->thickness * extent));
    normalise(o, fill * extent);
    bend(o, style, extent);
    memset(ink, 0, (size_t)size * (size_t)size);
    FT_Bitmap map = {.rows = (unsigned)size,
                     .width = (unsigned)size,
                     .pitch = size,
                     .buffer = ink,
                     .num_grays = 256,
                     .pixel_mode = FT_PIXEL_MODE_GRAY};
    e = FT_Outline_Get_Bitmap(p->library, o, &map);
    return e ? ft_error(e, path, err) : GOSS_OK;
}
#endif
