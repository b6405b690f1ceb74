/* SPDX-License-Identifier: Apache-2.0 */
/* glyphs.c: characters of installed fonts as a few-shot data set: a script is an alphabet, a font's face with a random
 * change of shape is a drawer.
 *
 * A drawing is stretched, slanted, turned, shifted and made thicker or thinner as an outline, then bent elastically as
 * an image, so that comparing pixels does not solve it. Every drawing has its own stream of random numbers, so that the
 * files do not depend on the threads. A stamp file says what was rendered: the same call again does nothing, and one
 * that was killed is rendered anew. One that fails or is stopped removes what it has written. */
#include "gossamer/data.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/log.h"
#include "base/os.h"
#include "base/str.h"
#include "data/augment.h"
#include "data/glyph_set.h"
#include "data/picture.h"
#include "goss_config.h"

goss_glyphs_options goss_glyphs_options_defaults(void) {
    return (goss_glyphs_options){
        .size = 64, .drawings = 20, .max_characters = 60, .min_characters = 5, .test_scripts = 20, .jitter = 1};
}

#if GOSS_HAVE_FREETYPE && GOSS_HAVE_PNG
#define STAMP "glyphs.txt"
enum { SIZE_MAX_SIDE = 512, VERSION = 1 };

typedef struct painter {
    const goss_glyphs_options *o;
    goss__glyph_set *set;
    atomic_int done;
} painter;

/* ---- one drawing ---- */

static goss__glyph_style random_style(goss__rng *r, float jitter) {
    float n[6];
    for (int i = 0; i < 6; i++) n[i] = jitter * (float)goss__rng_normal(r);
    /* Half a pixel of 64 thinner to two and a half thicker. */
    float thickness = jitter * (-0.010f + 0.045f * (float)goss__rng_uniform(r));
    return (goss__glyph_style){.turn = 0.14f * n[0],
                               .stretch_x = 0.16f * n[1],
                               .stretch_y = 0.16f * n[2],
                               .slant = 0.2f * n[3],
                               .shift_x = 0.035f * n[4],
                               .shift_y = 0.035f * n[5],
                               .thickness = thickness};
}

/* The image of `number` of a character, black on white. */
static goss_status paint(const painter *p, goss__glyph_pen *pen, int font, uint32_t code, int number, uint8_t *pixels,
                         float *work, goss_error *err) {
    const goss_glyphs_options *o = p->o;
    int n = o->size * o->size;
    uint64_t name[2] = {code, (uint64_t)number};
    goss__rng rng = goss__rng_make(o->seed, goss__hash64(name, sizeof name, VERSION));
    goss__glyph_style style = random_style(&rng, (float)o->jitter);
    GOSS_TRY(goss__glyph_pen_draw(pen, font, code, o->size, 0.64f, &style, pixels, err));
    for (int i = 0; i < n; i++) work[i] = (float)pixels[i];
    goss__affine same = {.m = {1, 0, 0, 1}};
    goss__elastic bend = goss__elastic_draw(&rng, 5, 0.04f * (float)(o->jitter * o->size));
    goss__warp(work, o->size, o->size, 1, &same, &bend, 0, work + n);
    for (int i = 0; i < n; i++) pixels[i] = (uint8_t)(255 - (int)(work[n + i] + 0.5f));
    return GOSS_OK;
}

static goss_status paint_character(const painter *p, const goss__glyph_script *s, goss__glyph_pen *pen, uint32_t code,
                                   uint8_t *pixels, float *work, goss_error *err) {
    char path[4096];
    int fonts[64], n = 0;
    for (int f = 0; f < s->font_count; f++)
        if (goss__glyph_pen_has(pen, f, code)) fonts[n++] = f;
    snprintf(path, sizeof path, "%s/%s/u%04X", p->o->out, s->name, code);
    GOSS_TRY(goss__mkdirs(path, err));
    goss__clean_folder(path);
    for (int d = 0; d < p->o->drawings; d++) {
        int font = fonts[d % n];
        GOSS_TRY(paint(p, pen, font, code, d, pixels, work, err));
        snprintf(path, sizeof path, "%s/%s/u%04X/%02d_%s.png", p->o->out, s->name, code, d, s->fonts[font].face);
        GOSS_TRY(goss__png_write_grey(path, pixels, p->o->size, p->o->size, err));
    }
    return GOSS_OK;
}

static goss_status paint_script(const painter *p, const goss__glyph_script *s, goss_error *err) {
    size_t n = (size_t)p->o->size * (size_t)p->o->size;
    goss__glyph_pen *pen;
    GOSS_TRY(goss__glyph_pen_open(s, &pen, err));
    float *work = goss__alloc(2 * n * sizeof *work);
    uint8_t *pixels = goss__alloc(n);
    goss_status status = work && pixels ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for a drawing");
    for (int i = 0; i < s->code_count && status == GOSS_OK; i++)
        status = paint_character(p, s, pen, s->codes[i], pixels, work, err);
    goss__free(work);
    goss__free(pixels);
    goss__glyph_pen_close(pen);
    return status;
}

static void paint_one(void *ctx, int64_t i, int worker) {
    painter *p = ctx;
    goss__glyph_script *s = &p->set->scripts[i];
    s->status = paint_script(p, s, &s->error);
    int done = atomic_fetch_add(&p->done, 1) + 1;
    if (done % 20 == 0) goss__log(GOSS_LOG_INFO, "glyphs: %d of %d scripts", done, p->set->count);
}

/* ---- the set ---- */

static void drop_small(goss__glyph_set *set, int least) {
    int n = 0;
    for (int k = 0; k < set->count; k++) {
        goss__glyph_script *s = &set->scripts[k];
        if (s->code_count < least) {
            goss__free(s->codes);
            continue;
        }
        set->scripts[n++] = *s;
    }
    set->count = n;
}

/* Whole scripts at random, those with several faces before those with one. */
static goss_status choose_test(goss__glyph_set *set, int wanted, uint64_t seed, goss_error *err) {
    if (wanted < 0 || wanted >= set->count)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "%d test scripts of %d: at least one is left to train on, so that %d at most can be to test on", wanted,
            set->count, set->count - 1);
    uint32_t *order = goss__calloc((size_t)set->count, sizeof *order);
    if (!order) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d scripts", set->count);
    goss__rng rng = goss__rng_make(seed, goss__hash64("test scripts", 12, 0));
    for (int k = 0; k < set->count; k++) order[k] = (uint32_t)k;
    goss__rng_shuffle(&rng, order, (uint32_t)set->count, (uint32_t)set->count);
    for (int several = 1; several >= 0; several--)
        for (int i = 0; i < set->count && wanted > 0; i++) {
            goss__glyph_script *s = &set->scripts[order[i]];
            if ((s->font_count > 1) != several) continue;
            s->test = true;
            wanted--;
        }
    goss__free(order);
    return GOSS_OK;
}

static goss_status write_classes(const goss__glyph_set *set, const char *out, bool test, goss_error *err) {
    goss__str text = {0};
    char path[4096];
    goss__str_addf(&text, "# Characters of the scripts to %s.\n",
                   test ? "test on: none of them is in train-classes.txt" : "train on");
    for (int k = 0; k < set->count; k++)
        for (int i = 0; i < set->scripts[k].code_count && set->scripts[k].test == test; i++)
            goss__str_addf(&text, "%s/u%04X\n", set->scripts[k].name, set->scripts[k].codes[i]);
    snprintf(path, sizeof path, "%s/%s-classes.txt", out, test ? "test" : "train");
    goss_status status = text.failed ? goss_error_set(err, GOSS_E_NOMEM, "%s: no memory", path)
                                     : goss__write_file(path, text.data, text.size, err);
    goss__str_free(&text);
    return status;
}

static void count_up(const goss__glyph_set *set, int drawings, goss_glyphs_report *r) {
    for (int k = 0; k < set->count; k++) {
        const goss__glyph_script *s = &set->scripts[k];
        r->scripts++, r->characters += s->code_count, r->images += s->code_count * drawings;
        r->test_scripts += s->test, r->test_characters += s->test ? s->code_count : 0;
    }
}

static goss_status choose(const goss_glyphs_options *o, goss__glyph_set *set, goss__pool *pool, goss_glyphs_report *r,
                          goss_error *err) {
    /* Half as many again, for the duplicates among them. */
    GOSS_TRY(goss__glyph_scan(set, o->max_characters + o->max_characters / 2, pool, err));
    GOSS_TRY(goss__glyph_distinct(set, o->max_characters, pool, err));
    for (int k = 0; k < set->count; k++) {
        r->blank += set->scripts[k].blank, r->marks += set->scripts[k].marks;
        r->duplicates += set->scripts[k].duplicates;
    }
    const int found = set->count;
    drop_small(set, o->min_characters);
    if (set->count == 0)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "glyphs: none of the fonts' %d scripts has %d characters that can be drawn: name a folder "
            "with other fonts",
            found, o->min_characters);
    GOSS_TRY(choose_test(set, o->test_scripts, o->seed, err));
    count_up(set, o->drawings, r);
    return GOSS_OK;
}

/* ---- the folder ---- */

/* NN_face.png, as paint_character names a drawing. */
static goss_status remove_drawing(void *context, const char *name, goss_error *err) {
    const char *folder = context;
    const size_t digits = strspn(name, "0123456789");
    char path[4096];
    if (digits >= 2 && name[digits] == '_' && goss__ascii_ends(name, ".png") &&
        snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path)
        (void)unlink(path);
    return (void)err, GOSS_OK;
}

static void remove_script(const char *out, const goss__glyph_script *s) {
    char path[4096];
    goss_error why;
    for (int i = 0; i < s->code_count; i++) {
        snprintf(path, sizeof path, "%s/%s/u%04X", out, s->name, s->codes[i]);
        if (goss__folder_each(path, remove_drawing, path, &why) == GOSS_OK) (void)rmdir(path);
    }
    snprintf(path, sizeof path, "%s/%s", out, s->name);
    (void)rmdir(path);
}

/* After a failure (a full disk) or a signal: files and folders of this set; other files, and folders with one, stay.
 * The stamp goes last, so that a kill during this leaves what the same call renders anew. */
static void remove_all(const char *out, const goss__glyph_set *set, bool was_there) {
    static const char *const files[] = {"train-classes.txt", "test-classes.txt", STAMP};
    char path[4096];
    for (int k = 0; k < set->count; k++) remove_script(out, &set->scripts[k]);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", out, files[i]);
        (void)unlink(path);
    }
    if (!was_there) (void)rmdir(out);
}

static uint64_t key_of(const goss_glyphs_options *o, const goss__glyph_set *set) {
    int32_t numbers[] = {VERSION, o->size, o->drawings, o->max_characters, o->min_characters, o->test_scripts};
    uint64_t h = goss__hash64(numbers, sizeof numbers, o->seed);
    return goss__hash64(&o->jitter, sizeof o->jitter, h ^ set->key);
}

static goss_status write_stamp(const char *out, uint64_t key, const goss_glyphs_report *r, goss_error *err) {
    char path[4096], text[300];
    snprintf(path, sizeof path, "%s/" STAMP, out);
    int n = snprintf(text, sizeof text, "key %016llx %s\n%d %d %d %d %d %d %d %d\n", (unsigned long long)key,
                     r ? "finished" : "unfinished", r ? r->scripts : 0, r ? r->characters : 0, r ? r->images : 0,
                     r ? r->test_scripts : 0, r ? r->test_characters : 0, r ? r->blank : 0, r ? r->marks : 0,
                     r ? r->duplicates : 0);
    return goss__write_file(path, text, (size_t)n, err);
}

static bool read_stamp(const char *out, uint64_t *key, bool *finished, goss_glyphs_report *r) {
    char path[4096], word[20], *text;
    size_t size;
    unsigned long long k;
    snprintf(path, sizeof path, "%s/" STAMP, out);
    if (goss__read_file(path, 1000, &text, &size, NULL) != GOSS_OK) return false;
    int n = sscanf(text, "key %llx %19s %d %d %d %d %d %d %d %d", &k, word, &r->scripts, &r->characters, &r->images,
                   &r->test_scripts, &r->test_characters, &r->blank, &r->marks, &r->duplicates);
    goss__free(text);
    *key = k, *finished = n == 10 && strcmp(word, "finished") == 0;
    return n == 10;
}

static goss_status see_one(void *context, const char *name, goss_error *err) {
    *(bool *)context = false;
    return (void)name, (void)err, GOSS_OK;
}

/* *done: the folder holds this very result already. It may also be empty, or hold a part of this result. */
static goss_status look(const char *out, uint64_t key, goss_glyphs_report *r, bool *done, goss_error *err) {
    uint64_t old;
    bool empty = true;
    *done = false;
    goss__clean_folder(out); /* what was killed while it wrote the stamp left nothing else */
    if (goss__path_exists(out)) GOSS_TRY(goss__folder_each(out, see_one, &empty, err));
    if (empty) return GOSS_OK;
    goss_glyphs_report before = {0};
    if (!read_stamp(out, &old, done, &before) || old != key) {
        *done = false;
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: is not empty and holds something else; remove it or name another folder", out);
    }
    if (*done) *r = before;
    return GOSS_OK;
}

static goss_status draw_all(const goss_glyphs_options *o, goss__glyph_set *set, uint64_t key, goss__pool *pool,
                            goss_error *err) {
    painter p = {.o = o, .set = set};
    GOSS_TRY(goss__mkdirs(o->out, err));
    GOSS_TRY(write_stamp(o->out, key, NULL, err));
    goss__pool_run(pool, set->count, paint_one, &p);
    for (int k = 0; k < set->count; k++) {
        if (set->scripts[k].status == GOSS_OK) continue;
        if (err) *err = set->scripts[k].error;
        return set->scripts[k].status;
    }
    GOSS_TRY(write_classes(set, o->out, false, err));
    GOSS_TRY(write_classes(set, o->out, true, err));
    return goss__sync_many(o->out, err); /* before the stamp says that all is there */
}

static goss_status draw(const goss_glyphs_options *o, goss__glyph_set *set, uint64_t key, goss__pool *pool,
                        const goss_glyphs_report *r, goss_error *err) {
    const bool was_there = goss__path_exists(o->out);
    goss_status status = draw_all(o, set, key, pool, err);
    if (status == GOSS_OK) status = write_stamp(o->out, key, r, err);
    if (status != GOSS_OK) remove_all(o->out, set, was_there);
    return status;
}

static goss_status render(const goss_glyphs_options *o, goss__glyph_set *set, goss_glyphs_report *r, goss_error *err) {
    bool done;
    /* More faces than a third of the drawings would leave too few of one face. */
    int faces = o->drawings / 3 < 1 ? 1 : o->drawings / 3 > 64 ? 64 : o->drawings / 3;
    GOSS_TRY(goss__glyph_fonts(set, o->fonts ? o->fonts : "/usr/share/fonts/truetype/noto", faces, err));
    for (int k = 0; k < set->count; k++) set->scripts[k].stop = o->stop;
    uint64_t key = key_of(o, set);
    GOSS_TRY(look(o->out, key, r, &done, err));
    if (done) {
        goss__log(GOSS_LOG_INFO, "glyphs: %s is complete already", o->out);
        return GOSS_OK;
    }
    if (o->fonts && goss__lies_in(o->out, o->fonts))
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: lies in the folder of the fonts: name one outside of it",
                              o->out);
    GOSS_TRY(goss__folder_check(o->out, err));
    goss__pool *pool;
    GOSS_TRY(goss__pool_create(o->threads, &pool, err));
    goss_status status = choose(o, set, pool, r, err);
    if (status == GOSS_OK) status = draw(o, set, key, pool, r, err);
    goss__pool_destroy(pool);
    return status;
}

static goss_status check(const goss_glyphs_options *o, goss_error *err) {
    if (!o->out || !*o->out) return goss_error_set(err, GOSS_E_ARGUMENT, "glyphs: no folder to write to");
    if (strlen(o->out) > 3000) return goss_error_set(err, GOSS_E_ARGUMENT, "glyphs: the folder's name is too long");
    if (o->size < 8 || o->size > SIZE_MAX_SIDE)
        return goss_error_set(err, GOSS_E_ARGUMENT, "glyphs: size %d is not from 8 to %d", o->size, SIZE_MAX_SIDE);
    if (o->drawings < 1 || o->drawings > 10000 || o->max_characters < 1 || o->max_characters > 100000)
        return goss_error_set(err, GOSS_E_ARGUMENT, "glyphs: %d drawings of %d characters a script: out of range",
                              o->drawings, o->max_characters);
    if (o->max_characters < o->min_characters)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "glyphs: at most %d characters a script, but a script of fewer than %d is left out: none "
                              "would stay; allow at least %d",
                              o->max_characters, o->min_characters, o->min_characters);
    if (!(o->jitter >= 0 && o->jitter <= 3))
        return goss_error_set(err, GOSS_E_ARGUMENT, "glyphs: jitter %g is not from 0 to 3", o->jitter);
    return GOSS_OK;
}

goss_status goss_glyphs_render(const goss_glyphs_options *options, goss_glyphs_report *report, goss_error *err) {
    goss__glyph_set set = {0};
    goss_glyphs_report counts = {0};
    double began = goss__now();
    GOSS_TRY(check(options, err));
    goss_status status = render(options, &set, &counts, err);
    goss__glyph_set_free(&set);
    if (status != GOSS_OK) return status;
    goss__log(GOSS_LOG_INFO,
              "glyphs: %d scripts, %d characters, %d images in %.1f s; dropped %d blank, %d marks, %d duplicates",
              counts.scripts, counts.characters, counts.images, goss__now() - began, counts.blank, counts.marks,
              counts.duplicates);
    if (report) *report = counts;
    return GOSS_OK;
}
#else
goss_status goss_glyphs_render(const goss_glyphs_options *options, goss_glyphs_report *report, goss_error *err) {
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "this build has no %s (%s)",
                          GOSS_HAVE_FREETYPE ? "libpng" : "FreeType",
                          GOSS_HAVE_FREETYPE ? GOSS_PNG_GET : GOSS_FREETYPE_GET);
}
#endif
