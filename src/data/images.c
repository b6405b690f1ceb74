/* SPDX-License-Identifier: Apache-2.0 */
/* images.c: the public goss_images: opens a source, finds or builds its decoded block, and answers questions about it.
 *
 * The block (image_pack.h) holds names, class ranges and pixels. Alphabets, faces and the index by name follow from the
 * names and are made anew at every opening: they take milliseconds and can then never disagree with the names. */
#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "base/os.h"
#include "base/rng.h"
#include "base/str.h"
#include "data/image_files.h"
#include "data/image_pack.h"

struct goss_images {
    goss__pack pack;
    goss__map map;  /* of the cache file */
    uint8_t *block; /* or the block itself */
    goss__arena arena;
    uint32_t *by_name;       /* [classes] sorted by name */
    int32_t *class_alphabet; /* [classes] */
    const char **alphabet;   /* names */
    int32_t *face;           /* [images] */
    int alphabets;
    goss_images_report report;
};

goss_images_options goss_images_options_defaults(void) {
    return (goss_images_options){.channels = 1, .height = 28, .width = 28, .invert = GOSS_INVERT_NO};
}

/* ---- what follows from the names ---- */

static const char *name_at(const goss__pack *p, uint64_t i) { return p->text + p->name[i]; }
static const char *class_name(const goss__pack *p, uint32_t c) { return name_at(p, 1 + (uint64_t)c); }
static const char *image_name(const goss__pack *p, uint32_t i) {
    return name_at(p, 1 + (uint64_t)p->head->classes + i);
}

/* A piece of a name that several things share, and which thing has it. */
typedef struct piece {
    const char *at;
    uint32_t size, owner;
} piece;

static int by_text(const void *a, const void *b) {
    const piece *x = a, *y = b;
    int order = memcmp(x->at, y->at, x->size < y->size ? x->size : y->size);
    if (order == 0) order = (x->size > y->size) - (x->size < y->size);
    return order ? order : (x->owner > y->owner) - (x->owner < y->owner);
}

static bool same_text(const piece *a, const piece *b) {
    return a->size == b->size && memcmp(a->at, b->at, a->size) == 0;
}

/* Numbers equal pieces alike, in the order of their text, and returns how many different ones there are. */
static int number(piece *pieces, size_t n, int32_t *ids) {
    int count = 0;
    qsort(pieces, n, sizeof *pieces, by_text);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !same_text(&pieces[i], &pieces[i - 1])) count++;
        ids[pieces[i].owner] = count - 1;
    }
    return count;
}

static goss_status index_alphabets(goss_images *s, piece *pieces, goss_error *err) {
    uint32_t classes = s->pack.head->classes;
    for (uint32_t c = 0; c < classes; c++) {
        const char *name = class_name(&s->pack, c), *slash = strrchr(name, '/');
        pieces[c] = slash ? (piece){name, (uint32_t)(slash - name), c} : (piece){".", 1, c};
    }
    s->alphabets = number(pieces, classes, s->class_alphabet);
    s->alphabet = goss__arena_alloc(&s->arena, (size_t)s->alphabets * sizeof *s->alphabet);
    for (uint32_t i = 0; s->alphabet && i < classes; i++) {
        const char **name = &s->alphabet[s->class_alphabet[pieces[i].owner]];
        if (!*name) *name = goss__arena_printf(&s->arena, "%.*s", (int)pieces[i].size, pieces[i].at);
        if (!*name) s->alphabet = NULL;
    }
    return s->alphabet ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for the names of the alphabets");
}

/* The part of a file's name between its first '_' and its extension. */
static bool face_of(const char *path, piece *out) {
    const char *slash = strrchr(path, '/'), *stem = slash ? slash + 1 : path;
    const char *face = strchr(stem, '_'), *dot = strrchr(stem, '.');
    if (!face || (dot && dot < face)) return false;
    out->at = face + 1;
    out->size = (uint32_t)(dot ? (size_t)(dot - out->at) : strlen(out->at));
    return out->size > 0;
}

static void index_faces(goss_images *s, piece *pieces) {
    size_t n = 0;
    for (uint32_t i = 0; i < s->pack.head->images; i++) {
        s->face[i] = -1;
        pieces[n].owner = i;
        if (face_of(image_name(&s->pack, i), &pieces[n])) n++;
    }
    number(pieces, n, s->face);
}

static void index_classes(goss_images *s, piece *pieces) {
    uint32_t classes = s->pack.head->classes;
    for (uint32_t c = 0; c < classes; c++) {
        const char *name = class_name(&s->pack, c);
        pieces[c] = (piece){name, (uint32_t)strlen(name), c};
    }
    qsort(pieces, classes, sizeof *pieces, by_text);
    for (uint32_t c = 0; c < classes; c++) s->by_name[c] = pieces[c].owner;
}

static goss_status index_names(goss_images *s, goss_error *err) {
    uint32_t images = s->pack.head->images, classes = s->pack.head->classes;
    s->by_name = goss__arena_alloc(&s->arena, classes * sizeof *s->by_name);
    s->class_alphabet = goss__arena_alloc(&s->arena, classes * sizeof *s->class_alphabet);
    s->face = goss__arena_alloc(&s->arena, images * sizeof *s->face);
    piece *pieces = goss__alloc(images * sizeof *pieces);
    goss_status status = GOSS_OK;
    if (!s->by_name || !s->class_alphabet || !s->face || !pieces)
        status = goss_error_set(err, GOSS_E_NOMEM, "no memory to index %u images", images);
    if (status == GOSS_OK) {
        index_classes(s, pieces);
        index_faces(s, pieces);
        status = index_alphabets(s, pieces, err);
    }
    goss__free(pieces);
    return status;
}

/* ---- opening ---- */

/* What the images, their order and their names are. Not which part of a split was asked for, nor whether bad files may
 * be skipped: what comes of both is in the list. The path counts: two sets of the same listing are told apart. */
static uint64_t listing_of(const goss__source *s) {
    char real[PATH_MAX];
    const char *path = realpath(s->path, real) ? real : s->path;
    uint64_t whole[] = {s->count, s->shared, s->split_names};
    uint64_t h = goss__hash64(path, strlen(path), GOSS__PACK_MAGIC);
    h = goss__hash64(whole, sizeof whole, h);
    for (size_t i = 0; i < s->count; i++) {
        const goss__item *item = &s->items[i];
        uint64_t stat[] = {item->size, item->stamp, item->index, item->named};
        h = goss__hash64(item->path, strlen(item->path), h);
        h = goss__hash64(stat, sizeof stat, h);
    }
    return h;
}

static uint64_t key_of(uint64_t listing, const goss_images_options *o) {
    int32_t format[] = {o->channels, o->height, o->width, (int32_t)o->invert};
    return goss__hash64(format, sizeof format, listing);
}

/* Whether a block that is already made is the one asked for, when only its listing is known to be. */
static goss_status check_block(const goss__pack *p, uint64_t key, const goss_images_options *o, goss_error *err) {
    const goss__pack_head *h = p->head;
    bool same = h->key == key && h->channels == (uint32_t)o->channels;
    if (o->height) same &= h->height == (uint32_t)o->height;
    if (o->width) same &= h->width == (uint32_t)o->width;
    if (o->invert != GOSS_INVERT_AUTO) same &= (h->invert != 0) == (o->invert == GOSS_INVERT_YES);
    if (!same) return goss_error_set(err, GOSS_E_FORMAT, "a decoded set of something else");
    if (p->findings.damaged && !o->skip_bad)
        return goss_error_set(err, GOSS_E_FORMAT, "decoded without %u images that could not be read",
                              p->findings.damaged);
    return GOSS_OK;
}

static goss_status attach_file(goss_images *s, const char *path, uint64_t key, const goss_images_options *o,
                               goss_error *err) {
    GOSS_TRY(goss__map_file(path, &s->map, err));
    goss_status status = goss__pack_attach(s->map.data, s->map.size, &s->pack, err);
    if (status == GOSS_OK) status = check_block(&s->pack, key, o, err);
    if (status == GOSS_OK) status = goss__pack_verify(s->map.data, s->map.size, &s->pack, err);
    if (status == GOSS_OK) return GOSS_OK;
    goss__unmap(&s->map);
    return goss_error_prefix(err, status, "%s", path);
}

/* CACHE_DIR/<last part of the path>-<key>.images */
static goss_status cache_path(const goss__source *s, const char *dir, uint64_t key, goss__str *out, goss_error *err) {
    GOSS_TRY(goss__mkdirs(dir, err));
    const char *end = s->path + strlen(s->path);
    while (end > s->path && end[-1] == '/') end--;
    const char *name = end;
    while (name > s->path && name[-1] != '/') name--;
    goss__str_addf(out, "%s/%.*s-%016llx.images", dir, (int)(end - name > 100 ? 100 : end - name), name,
                   (unsigned long long)key);
    return out->failed ? goss_error_set(err, GOSS_E_NOMEM, "no memory for a file name") : GOSS_OK;
}

/* A training decides invert and extents by the images, and what is done with its model names what was decided: the
 * same pixels, in a file named after the undecided options. */
static bool attach_decided(goss_images *s, const goss__source *source, uint64_t listing, const goss_images_options *o,
                           goss_error *err) {
    enum { INVERT = 1, HEIGHT = 2, WIDTH = 4, ALL = 7 };
    bool found = false;
    for (int open = 1; open <= ALL && !found; open++) {
        goss_images_options as = *o;
        if (open & INVERT) as.invert = GOSS_INVERT_AUTO;
        if (open & HEIGHT) as.height = 0;
        if (open & WIDTH) as.width = 0;
        const uint64_t key = key_of(listing, &as);
        goss__str path = {0};
        found = cache_path(source, o->cache_dir, key, &path, err) == GOSS_OK && goss__path_exists(path.data) &&
                attach_file(s, path.data, key, o, err) == GOSS_OK;
        goss__str_free(&path);
    }
    return found;
}

static goss_status open_cached(goss_images *s, goss__pack_job *job, uint64_t listing, const goss_images_options *o,
                               goss_error *err) {
    goss_error old;
    goss__str cache = {0};
    goss_status status = cache_path(job->source, o->cache_dir, job->key, &cache, err);
    bool there = status == GOSS_OK && goss__path_exists(cache.data), found = false;
    if (there) {
        found = attach_file(s, cache.data, job->key, o, &old) == GOSS_OK;
        if (!found) goss__log(GOSS_LOG_WARN, "%s; decoding again", old.text);
    } else if (status == GOSS_OK) {
        found = attach_decided(s, job->source, listing, o, &old);
    }
    if (status == GOSS_OK && !found) {
        status = goss__pack_to_file(job, cache.data, err);
        if (status == GOSS_OK) status = attach_file(s, cache.data, job->key, o, err);
    }
    goss__str_free(&cache);
    return status;
}

static goss_status open_source(goss_images *s, goss__source *source, const goss_images_options *o, goss_error *err) {
    const uint64_t listing = listing_of(source);
    goss__pack_job job = {.source = source,
                          .format = {.channels = o->channels, .height = o->height, .width = o->width},
                          .invert = o->invert,
                          .threads = o->threads,
                          .skip_bad = o->skip_bad,
                          .stop = o->stop,
                          .key = key_of(listing, o)};
    if (o->cache_dir) {
        GOSS_TRY(open_cached(s, &job, listing, o, err));
    } else {
        size_t size;
        GOSS_TRY(goss__pack_to_memory(&job, &s->block, &size, err));
        GOSS_TRY(goss__pack_attach(s->block, size, &s->pack, err));
    }
    goss__findings_tell(source->path, &s->pack, job.damaged > 0);
    return GOSS_OK;
}

static void sum_up(goss_images *s, const goss__source *source) {
    const goss__findings *f = &s->pack.findings;
    int left_out = (int)f->damaged;
    for (size_t i = source->count; i < source->count + source->flawed; i++)
        left_out += source->items[i].flaw >= GOSS__DEAD_LINK;
    s->report = (goss_images_report){.left_out = left_out,
                                     .damaged = (int)f->damaged,
                                     .lost_classes = (int)source->lost,
                                     .flat = (int)f->flat.count,
                                     .dark = (int)f->dark.count,
                                     .duplicates = (int)f->duplicates.count};
}

static goss_status open_set(goss_images *s, const char *path, const goss_images_options *o, goss_error *err) {
    goss__source source;
    if (o->cache_dir && goss__lies_in(o->cache_dir, path))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: the folder for decoded images lies in the data, %s: name another", o->cache_dir,
                              path);
    GOSS_TRY(goss__source_list(path, o->labels, &source, err));
    goss_status status = goss__source_arrange(&source, o->split, o->skip_bad, err);
    if (status == GOSS_OK) status = open_source(s, &source, o, err);
    if (status == GOSS_OK) sum_up(s, &source);
    goss__source_close(&source);
    return status == GOSS_OK ? index_names(s, err) : status;
}

goss_status goss_images_open(const char *path, const goss_images_options *options, goss_images **out, goss_error *err) {
    goss_images_options o = options ? *options : goss_images_options_defaults();
    *out = NULL;
    GOSS_TRY(goss__format_check(o.channels, o.height, o.width, 0, err));
    goss_images *s = goss__calloc(1, sizeof *s);
    if (!s) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a set of images");
    goss_status status = open_set(s, path, &o, err);
    if (status == GOSS_OK)
        *out = s;
    else
        goss_images_close(s);
    return status;
}

void goss_images_close(goss_images *s) {
    if (!s) return;
    goss__unmap(&s->map);
    goss__free(s->block);
    goss__arena_free(&s->arena);
    goss__free(s);
}

/* ---- questions ---- */

goss_image_format goss_images_format(const goss_images *s) {
    const goss__pack_head *h = s->pack.head;
    return (goss_image_format){(int)h->channels, (int)h->height, (int)h->width, h->invert != 0};
}

goss_images_report goss_images_report_of(const goss_images *s) { return s->report; }

goss_status goss_images_need_classes(const goss_images *s, const char *path, int least, goss_error *err) {
    int classes = goss_images_classes(s), images = goss_images_count(s);
    if (classes >= least) return GOSS_OK;
    if (classes == 1 && strchr(goss_images_name(s, 0), '\\'))
        return goss_error_set(
            err, GOSS_E_FORMAT,
            "%s: names as \"%.200s\" have backslashes where '/' separates folders, so all %d images lie in "
            "one: pack them anew, or unpack them",
            path, goss_images_name(s, 0), images);
    if (classes == 1)
        return goss_error_set(
            err, GOSS_E_FORMAT,
            "%s: all %d images lie in one folder, so they are one class (\"%.200s\"); put the images of "
            "each class in a folder of its own: %s/cat/1.png, %s/dog/1.png",
            path, images, goss_images_class_name(s, 0), path, path);
    return goss_error_set(err, GOSS_E_FORMAT,
                          "%s: %d images in %d classes (a folder each); at least %d classes are needed", path, images,
                          classes, least);
}

int goss_images_count(const goss_images *s) { return (int)s->pack.head->images; }
int goss_images_classes(const goss_images *s) { return (int)s->pack.head->classes; }
int goss_images_alphabets(const goss_images *s) { return s->alphabets; }
uint64_t goss_images_hash(const goss_images *s) { return s->pack.hash; }

const char *goss_images_class_name(const goss_images *s, int cls) {
    assert(cls >= 0 && cls < goss_images_classes(s));
    return class_name(&s->pack, (uint32_t)cls);
}

void goss_images_class_range(const goss_images *s, int cls, int *first, int *count) {
    assert(cls >= 0 && cls < goss_images_classes(s));
    *first = (int)s->pack.first[cls];
    *count = (int)(s->pack.first[cls + 1] - s->pack.first[cls]);
}

int goss_images_class_alphabet(const goss_images *s, int cls) {
    assert(cls >= 0 && cls < goss_images_classes(s));
    return s->class_alphabet[cls];
}

goss_split goss_images_class_split(const goss_images *s, int cls) {
    const char *name = goss_images_class_name(s, cls), *slash = strchr(name, '/');
    return s->pack.head->split_names && slash ? goss__split_of(name, (size_t)(slash - name)) : GOSS_SPLIT_ALL;
}

const char *goss_images_alphabet_name(const goss_images *s, int alphabet) {
    assert(alphabet >= 0 && alphabet < s->alphabets);
    return s->alphabet[alphabet];
}

static int find(const goss_images *s, const char *name) {
    uint32_t lo = 0, hi = s->pack.head->classes;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int order = strcmp(name, class_name(&s->pack, s->by_name[mid]));
        if (order == 0) return (int)s->by_name[mid];
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return -1;
}

int goss_images_class_find(const goss_images *s, const char *name) {
    int cls = find(s, name);
    const char *shared = name_at(&s->pack, 0);
    size_t n = strlen(shared);
    return cls < 0 && n > 0 && strncmp(name, shared, n) == 0 ? find(s, name + n) : cls;
}

const char *goss_images_name(const goss_images *s, int image) {
    assert(image >= 0 && image < goss_images_count(s));
    return image_name(&s->pack, (uint32_t)image);
}

int goss_images_class_of(const goss_images *s, int image) {
    assert(image >= 0 && image < goss_images_count(s));
    uint32_t lo = 0, hi = s->pack.head->classes; /* first[lo] <= image < first[hi] */
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->pack.first[mid] <= (uint32_t)image)
            lo = mid;
        else
            hi = mid;
    }
    return (int)lo;
}

int goss_images_face(const goss_images *s, int image) {
    assert(image >= 0 && image < goss_images_count(s));
    return s->face[image];
}

const uint8_t *goss_images_pixels(const goss_images *s, int image) {
    assert(image >= 0 && image < goss_images_count(s));
    const goss__pack_head *h = s->pack.head;
    return s->pack.pixels + (size_t)image * h->height * h->width * h->channels;
}

/* Model files keep these hashes: their definition must not change. */
uint64_t goss_images_sample(const goss_images *s, int image) {
    goss_image_format f = goss_images_format(s);
    const uint8_t *p = goss_images_pixels(s, image);
    size_t pixel = (size_t)f.channels, n = (size_t)f.height * (size_t)f.width * pixel;
    if (memcmp(p, p + pixel, n - pixel) == 0) return 0; /* every pixel is the one before it */
    const uint8_t extents[] = {(uint8_t)f.height, (uint8_t)(f.height >> 8), (uint8_t)f.width, (uint8_t)(f.width >> 8),
                               (uint8_t)f.channels};
    uint64_t h = goss__hash64(p, n, goss__hash64(extents, sizeof extents, 0));
    return h ? h : 1;
}

void goss_images_get(const goss_images *s, int image, float *out) {
    const goss__pack_head *h = s->pack.head;
    goss__to_floats(goss_images_pixels(s, image), (size_t)h->height * h->width * h->channels, out);
}
