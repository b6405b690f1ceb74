/* image_pack.c: decodes a source into the block of image_pack.h, in batches of images by a pool of threads.
 *
 * A batch has a fixed number of images, so that memory is bounded, and the content's hash, which is taken a batch at a
 * time, does not depend on the threads. Of several bad images the first in order is reported. */
#include "data/image_pack.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/os.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/str.h"

enum { BATCH = 1024, SAMPLE = 512 };

typedef struct worker {
    goss__reader reader;
    size_t bad; /* the first item that failed here; error says why */
    goss_error error;
} worker;

typedef struct builder {
    goss__pack_job *job;
    goss__pool *pool;
    worker *workers;
    uint8_t *batch;
    size_t first, stride; /* item i of the running batch is first + i * stride */
    size_t image;         /* bytes an image */
    goss__str tables;     /* everything before the pixels */
    uint64_t hash;
    /* Where the block goes. */
    goss__writer *file;
    uint8_t *block;
    size_t size, at;
} builder;

static void decode_one(void *ctx, int64_t i, int w) {
    builder *b = ctx;
    worker *me = &b->workers[w];
    const goss__source *s = b->job->source;
    size_t index = b->first + (size_t)i * b->stride;
    if (index > me->bad) return;
    goss_error error;
    goss_status status = s->fetch(s, &me->reader, &s->items[index], &error);
    if (status == GOSS_OK)
        status = goss__picture_fit(&me->reader.picture, &b->job->format, &me->reader.fit,
                                   b->batch + (size_t)i * b->image, &error);
    if (status != GOSS_OK) me->bad = index, me->error = error;
}

/* Decodes `count` items into b->batch. */
static goss_status decode_batch(builder *b, size_t first, size_t stride, size_t count, goss_error *err) {
    b->first = first, b->stride = stride;
    goss__pool_run(b->pool, (int64_t)count, decode_one, b);
    worker *worst = &b->workers[0];
    for (int w = 1; w < goss__pool_threads(b->pool); w++)
        if (b->workers[w].bad < worst->bad) worst = &b->workers[w];
    if (worst->bad == SIZE_MAX) return GOSS_OK;
    if (err) *err = worst->error;
    return worst->error.status;
}

static goss_status decide_extents(builder *b, goss_error *err) {
    goss_image_format *f = &b->job->format;
    if (f->height == 0 || f->width == 0) {
        const goss__source *s = b->job->source;
        GOSS_TRY(s->fetch(s, &b->workers[0].reader, &s->items[0], err));
        if (f->height == 0) f->height = b->workers[0].reader.picture.height;
        if (f->width == 0) f->width = b->workers[0].reader.picture.width;
    }
    size_t pixels = (size_t)f->height * (size_t)f->width;
    if (pixels > GOSS__PIXELS_MAX)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%d x %d: images of a set have at most %zu pixels", f->height,
                              f->width, GOSS__PIXELS_MAX);
    b->image = pixels * (size_t)f->channels;
    return GOSS_OK;
}

static bool on_border(const goss_image_format *f, size_t at) {
    size_t x = at / (size_t)f->channels % (size_t)f->width, y = at / (size_t)f->channels / (size_t)f->width;
    return x == 0 || y == 0 || x + 1 == (size_t)f->width || y + 1 == (size_t)f->height;
}

/* Ink is what the border is not: looks at evenly spaced images of the set. */
static goss_status decide_invert(builder *b, goss_error *err) {
    goss_image_format *f = &b->job->format;
    f->invert = b->job->invert == GOSS_INVERT_YES;
    if (b->job->invert != GOSS_INVERT_AUTO) return GOSS_OK;
    size_t count = b->job->source->count, stride = (count + SAMPLE - 1) / SAMPLE, n = (count + stride - 1) / stride;
    GOSS_TRY(decode_batch(b, 0, stride, n, err));
    uint64_t bright = 0, border = 0;
    for (size_t at = 0; at < b->image; at++) {
        if (!on_border(f, at)) continue;
        for (size_t i = 0; i < n; i++) border++, bright += b->batch[i * b->image + at] > 127;
    }
    f->invert = 2 * bright > border;
    return GOSS_OK;
}

static void add_padding(goss__str *s, size_t to) {
    while (!s->failed && s->size % to) goss__str_addn(s, "\0", 1);
}

static bool same_folder(const goss__item *a, const goss__item *b) {
    return a->folder == b->folder && memcmp(a->path, b->path, a->folder) == 0;
}

/* Text without the shared top folders; a class at the very top is ".". */
static void add_names(const goss__source *s, goss__str *offsets, goss__str *text, goss__str *first) {
    uint64_t at = text->size;
    goss__str_addn(offsets, (char *)&at, sizeof at);
    goss__str_addn(text, s->items[0].path, s->shared);
    goss__str_addn(text, "", 1);
    for (size_t i = 0; i < s->count; i++) {
        const goss__item *item = &s->items[i];
        if (i > 0 && same_folder(item, item - 1)) continue;
        uint32_t start = (uint32_t)i;
        goss__str_addn(first, (char *)&start, sizeof start);
        at = text->size;
        goss__str_addn(offsets, (char *)&at, sizeof at);
        if (item->folder)
            goss__str_addn(text, item->path + s->shared, item->folder - s->shared);
        else
            goss__str_add(text, ".");
        goss__str_addn(text, "", 1);
    }
    for (size_t i = 0; i < s->count; i++) {
        at = text->size;
        goss__str_addn(offsets, (char *)&at, sizeof at);
        goss__str_addn(text, s->items[i].path + s->shared, strlen(s->items[i].path + s->shared) + 1);
    }
}

/* Everything before the pixels, and the size of the whole. */
static goss_status make_tables(builder *b, goss_error *err) {
    const goss__pack_job *job = b->job;
    goss__str offsets = {0}, text = {0}, first = {0};
    add_names(job->source, &offsets, &text, &first);
    uint32_t images = (uint32_t)job->source->count, classes = (uint32_t)(first.size / sizeof(uint32_t));
    goss__str_addn(&first, (char *)&images, sizeof images);
    goss__pack_head head = {.magic = GOSS__PACK_MAGIC,
                            .key = job->key,
                            .text_size = text.size,
                            .images = images,
                            .classes = classes,
                            .height = (uint32_t)job->format.height,
                            .width = (uint32_t)job->format.width,
                            .channels = (uint32_t)job->format.channels,
                            .invert = job->format.invert};
    goss__str_addn(&b->tables, (char *)&head, sizeof head);
    goss__str_addn(&b->tables, first.data, first.size);
    add_padding(&b->tables, 8);
    goss__str_addn(&b->tables, offsets.data, offsets.size);
    goss__str_addn(&b->tables, text.data, text.size);
    add_padding(&b->tables, 64);
    bool failed = offsets.failed || text.failed || first.failed || b->tables.failed;
    b->hash = failed ? 0 : goss__hash64(text.data, text.size, 0);
    goss__str_free(&offsets), goss__str_free(&text), goss__str_free(&first);
    if (failed) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory for the names", job->source->path);
    head.pixels_at = b->tables.size;
    if (!goss__mul_ok(b->image, images, &b->size) ||
        !goss__add_ok(b->size, b->tables.size + 64 + sizeof(goss__pack_tail), &b->size))
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: too large", job->source->path);
    /* The tail stands on the next multiple of 8 after the pixels. */
    head.file_size = b->size = ((b->tables.size + b->image * images + 7) & ~(size_t)7) + sizeof(goss__pack_tail);
    memcpy(b->tables.data, &head, sizeof head);
    b->hash = goss__hash64(&head.images, sizeof head - offsetof(goss__pack_head, images), b->hash);
    return GOSS_OK;
}

static goss_status put(builder *b, const void *data, size_t size, goss_error *err) {
    if (b->block) memcpy(b->block + b->at, data, size);
    b->at += size;
    return b->file ? goss__writer_put(b->file, data, size, err) : GOSS_OK;
}

static goss_status put_pixels(builder *b, goss_error *err) {
    size_t count = b->job->source->count;
    for (size_t at = 0; at < count; at += BATCH) {
        size_t n = count - at < BATCH ? count - at : BATCH;
        GOSS_TRY(decode_batch(b, at, 1, n, err));
        b->hash = goss__hash64(b->batch, n * b->image, b->hash);
        GOSS_TRY(put(b, b->batch, n * b->image, err));
    }
    return GOSS_OK;
}

static goss_status put_all(builder *b, const char *path, goss_error *err) {
    GOSS_TRY(decide_extents(b, err));
    size_t count = b->job->source->count;
    b->batch = goss__alloc((count < BATCH ? count : BATCH) * b->image);
    if (!b->batch) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d images of %zu bytes", BATCH, b->image);
    GOSS_TRY(decide_invert(b, err));
    GOSS_TRY(make_tables(b, err));
    if (path)
        GOSS_TRY(goss__writer_open(path, &b->file, err));
    else if (!(b->block = goss__alloc_aligned(b->size)))
        return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory for %zu bytes of images; a cache folder needs none",
                              b->job->source->path, b->size);
    GOSS_TRY(put(b, b->tables.data, b->tables.size, err));
    GOSS_TRY(put_pixels(b, err));
    goss__pack_tail tail = {.hash = b->hash, .magic = GOSS__PACK_MAGIC};
    static const char zeros[8];
    GOSS_TRY(put(b, zeros, b->size - sizeof tail - b->at, err));
    return put(b, &tail, sizeof tail, err);
}

static goss_status start(builder *b, goss_error *err) {
    GOSS_TRY(goss__pool_create(b->job->threads, &b->pool, err));
    int threads = goss__pool_threads(b->pool);
    b->workers = goss__calloc((size_t)threads, sizeof *b->workers);
    if (!b->workers) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d workers", threads);
    for (int w = 0; w < threads; w++) b->workers[w].bad = SIZE_MAX;
    return GOSS_OK;
}

static void finish(builder *b) {
    for (int w = 0; b->workers && w < goss__pool_threads(b->pool); w++)
        goss__reader_free(b->job->source, &b->workers[w].reader);
    goss__free(b->workers);
    goss__pool_destroy(b->pool);
    goss__str_free(&b->tables);
    goss__free(b->batch);
}

static goss_status build(builder *b, const char *path, goss_error *err) {
    double began = goss__now();
    goss_status status = start(b, err);
    if (status == GOSS_OK) status = put_all(b, path, err);
    if (status == GOSS_OK)
        goss__log(GOSS_LOG_INFO, "decoded %zu images of %s in %.1f s", b->job->source->count, b->job->source->path,
                  goss__now() - began);
    finish(b);
    return status;
}

goss_status goss__pack_to_memory(goss__pack_job *job, uint8_t **block, size_t *size, goss_error *err) {
    builder b = {.job = job};
    goss_status status = build(&b, NULL, err);
    if (status != GOSS_OK) goss__free(b.block);
    *block = status == GOSS_OK ? b.block : NULL, *size = b.size;
    return status;
}

goss_status goss__pack_to_file(goss__pack_job *job, const char *path, goss_error *err) {
    builder b = {.job = job};
    goss_status status = build(&b, path, err);
    if (status == GOSS_OK) return goss__writer_commit(b.file, err);
    goss__writer_abandon(b.file);
    return status;
}

static bool text_ends(const goss__pack *p) {
    uint64_t names = 1 + (uint64_t)p->head->classes + p->head->images;
    if (p->head->text_size == 0 || p->text[p->head->text_size - 1] != 0) return false;
    for (uint64_t i = 0; i < names; i++)
        if (p->name[i] >= p->head->text_size) return false;
    return true;
}

static bool ranges_ascend(const goss__pack *p) {
    if (p->first[0] != 0 || p->first[p->head->classes] != p->head->images) return false;
    for (uint32_t c = 0; c < p->head->classes; c++)
        if (p->first[c] >= p->first[c + 1]) return false;
    return true;
}

static bool extents_fit(const goss__pack_head *h, size_t size) {
    if (h->magic != GOSS__PACK_MAGIC || h->file_size != size || h->images == 0 || h->images > INT32_MAX) return false;
    if (h->classes == 0 || h->classes > h->images || (h->channels != 1 && h->channels != 3)) return false;
    if (h->height == 0 || h->width == 0 || (uint64_t)h->height * h->width > GOSS__PIXELS_MAX) return false;
    uint64_t tables = sizeof *h + 4 * ((uint64_t)h->classes + 2) + 8 * (1 + (uint64_t)h->classes + h->images);
    uint64_t image = (uint64_t)h->height * h->width * h->channels;
    if (h->pixels_at > size || h->text_size > h->pixels_at || tables + h->text_size > h->pixels_at + 8) return false;
    return size - h->pixels_at >= sizeof(goss__pack_tail) && h->images <= (size - h->pixels_at) / image;
}

goss_status goss__pack_attach(const uint8_t *block, size_t size, goss__pack *out, goss_error *err) {
    *out = (goss__pack){.head = (const goss__pack_head *)block};
    if (size < sizeof *out->head + sizeof(goss__pack_tail) || size % 8 || !extents_fit(out->head, size))
        return goss_error_set(err, GOSS_E_FORMAT, "not a decoded set of this version");
    size_t ranges = (sizeof *out->head + 4 * ((size_t)out->head->classes + 1) + 7) & ~(size_t)7;
    out->first = (const uint32_t *)(out->head + 1);
    out->name = (const uint64_t *)(block + ranges);
    out->text = (const char *)(out->name + 1 + out->head->classes + out->head->images);
    out->pixels = block + out->head->pixels_at;
    const goss__pack_tail *tail = (const goss__pack_tail *)(block + size - sizeof *tail);
    out->hash = tail->hash;
    if (out->text + out->head->text_size > (const char *)out->pixels || tail->magic != GOSS__PACK_MAGIC ||
        !text_ends(out) || !ranges_ascend(out))
        return goss_error_set(err, GOSS_E_FORMAT, "damaged decoded set");
    return GOSS_OK;
}
