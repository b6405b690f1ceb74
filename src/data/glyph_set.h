/* SPDX-License-Identifier: Apache-2.0 */
/* glyph_set.h: what goss_glyphs_render works on: fonts, grouped into scripts, with the characters chosen of each. */
#ifndef GOSS_DATA_GLYPH_SET_H
#define GOSS_DATA_GLYPH_SET_H

#include "base/arena.h"
#include "base/pool.h"
#include "base/rng.h"
#include "gossamer/data.h"

typedef struct goss__glyph_font {
    const char *path, *face; /* face: "serif-bold", part of the file names */
} goss__glyph_font;

typedef struct goss__glyph_script {
    const char *name;
    bool general;            /* Latin, Greek, Cyrillic: share fonts, distinguished by code point */
    goss__glyph_font *fonts; /* the reference first */
    int font_count;
    uint32_t *codes; /* characters that are left, ascending; on the heap */
    int code_count;
    bool test;
    int blank, marks, duplicates;      /* what was dropped */
    const volatile sig_atomic_t *stop; /* NULL: never */
    goss_status status;                /* of work done on a thread */
    goss_error error;
} goss__glyph_script;

typedef struct goss__glyph_set {
    goss__arena arena;
    goss__glyph_script *scripts; /* general ones first, else by name */
    int count;
    uint64_t key; /* of the fonts: names and sizes */
} goss__glyph_set;

void goss__glyph_set_free(goss__glyph_set *set);

/* Finds the fonts of a folder and groups them. */
GOSS_MUST_USE goss_status goss__glyph_fonts(goss__glyph_set *set, const char *dir, int faces_max, goss_error *err);

/* The script of a code point in a font for several ("Latin"), or whether a code point may stand for a font's own
 * script. */
const char *goss__glyph_general_script(uint32_t code);
bool goss__glyph_own_script(uint32_t code);

/* Chooses up to `most` characters a script: present, visible, no marks, of no other script. */
GOSS_MUST_USE goss_status goss__glyph_scan(goss__glyph_set *set, int most, goss__pool *pool, goss_error *err);

/* A script's fonts, opened by one thread. */
typedef struct goss__glyph_pen goss__glyph_pen;
GOSS_MUST_USE goss_status goss__glyph_pen_open(const goss__glyph_script *script, goss__glyph_pen **out,
                                               goss_error *err);
void goss__glyph_pen_close(goss__glyph_pen *pen); /* NULL allowed */
bool goss__glyph_pen_has(const goss__glyph_pen *pen, int font, uint32_t code);

/* How one drawing differs from the font's form. All zero: not at all. Lengths in parts of the image's extent. */
typedef struct goss__glyph_style {
    float turn, stretch_x, stretch_y, slant; /* radians; logarithms; slant of x by y */
    float shift_x, shift_y, thickness;
} goss__glyph_style;

/* Ink in [size, size], 255 = covered. The character fills `fill` of the extent along its longer side. */
GOSS_MUST_USE goss_status goss__glyph_pen_draw(goss__glyph_pen *pen, int font, uint32_t code, int size, float fill,
                                               const goss__glyph_style *style, uint8_t *ink, goss_error *err);

/* Drops characters that look like one before them, over all scripts, and leaves at most `most` a script. */
GOSS_MUST_USE goss_status goss__glyph_distinct(goss__glyph_set *set, int most, goss__pool *pool, goss_error *err);
#endif
