/* SPDX-License-Identifier: Apache-2.0 */
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
#include "base/stop.h"
#include "base/str.h"

enum { BATCH = GOSS__PACK_BATCH, SAMPLE = 512 };

typedef struct worker {
    goss__reader reader;
    bool stopped;
    size_t bad; /* the first item that failed here, with its error */
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
    goss__glance *seen; /* [images] */
    goss__str ranges;   /* uint32_t [classes + 1]: where each class begins */
    bool bad_image;     /* what failed is one of the images */
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
    uint8_t *out = b->batch + (size_t)i * b->image;
    goss_error error;
    me->reader.fit.format = b->job->format, me->reader.fit.measure = false;
    const bool stopped = goss__stop_asked(b->job->stop);
    if (stopped) (void)goss_error_set(&error, GOSS_E_INTERRUPTED, "stopped while %s was decoded", s->path);
    if (!stopped && s->fetch(s, &me->reader, &s->items[index], out, &error) == GOSS_OK)
        goss__glance_at(&me->reader.fit, out, &b->seen[index]);
    else
        me->bad = index, me->error = error;
}

static goss_status worst(builder *b, goss_error *err) {
    worker *worst = &b->workers[0];
    for (int w = 1; w < goss__pool_threads(b->pool); w++)
        if (b->workers[w].bad < worst->bad) worst = &b->workers[w];
    if (worst->bad == SIZE_MAX) return GOSS_OK;
    b->bad_image = worst->error.status != GOSS_E_NOMEM && worst->error.status != GOSS_E_INTERRUPTED;
    if (err) *err = worst->error;
    return worst->error.status;
}

/* Decodes `count` items into b->batch. */
static goss_status decode_batch(builder *b, size_t first, size_t stride, size_t count, goss_error *err) {
    b->first = first, b->stride = stride;
    goss__pool_run(b->pool, (int64_t)count, decode_one, b);
    return worst(b, err);
}

static goss_status decide_extents(builder *b, goss_error *err) {
    goss_image_format *f = &b->job->format;
    if (f->height == 0 || f->width == 0) {
        const goss__source *s = b->job->source;
        goss__reader *r = &b->workers[0].reader;
        r->fit.format = *f, r->fit.measure = true;
        goss_status status = s->fetch(s, r, &s->items[0], NULL, err);
        b->bad_image = status != GOSS_OK && status != GOSS_E_NOMEM;
        GOSS_TRY(status);
        *f = r->fit.format;
    }
    size_t pixels = (size_t)f->height * (size_t)f->width;
    if (pixels > GOSS__FRAME_MAX)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%d x %d: images of a set have at most %zu pixels", f->height,
                              f->width, GOSS__FRAME_MAX);
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

/* The name of an item's class: where it begins, and how long it is. */
static size_t class_of(const goss__item *item, const char **name) {
    *name = item->path + item->named;
    return item->folder > item->named ? item->folder - item->named : 0;
}

static bool same_class(const goss__item *a, const goss__item *b) {
    const char *x, *y;
    size_t n = class_of(a, &x), m = class_of(b, &y);
    return n == m && memcmp(x, y, n) == 0;
}

/* Text without the shared top folders; a class at the very top is ".". */
static void add_names(const goss__source *s, goss__str *offsets, goss__str *text, goss__str *first) {
    uint64_t at = text->size;
    goss__str_addn(offsets, (char *)&at, sizeof at);
    goss__str_addn(text, s->items[0].path, s->shared);
    goss__str_addn(text, "", 1);
    for (size_t i = 0; i < s->count; i++) {
        const goss__item *item = &s->items[i];
        if (i > 0 && same_class(item, item - 1)) continue;
        uint32_t start = (uint32_t)i;
        goss__str_addn(first, (char *)&start, sizeof start);
        at = text->size;
        goss__str_addn(offsets, (char *)&at, sizeof at);
        const char *name;
        size_t size = class_of(item, &name);
        if (size)
            goss__str_addn(text, name, size);
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
    goss__str offsets = {0}, text = {0}, *first = &b->ranges;
    add_names(job->source, &offsets, &text, first);
    uint32_t images = (uint32_t)job->source->count, classes = (uint32_t)(first->size / sizeof(uint32_t));
    goss__str_addn(first, (char *)&images, sizeof images);
    goss__pack_head head = {.magic = GOSS__PACK_MAGIC,
                            .key = job->key,
                            .text_size = text.size,
                            .split_names = job->source->split_names,
                            .images = images,
                            .classes = classes,
                            .height = (uint32_t)job->format.height,
                            .width = (uint32_t)job->format.width,
                            .channels = (uint32_t)job->format.channels,
                            .invert = job->format.invert};
    goss__str_addn(&b->tables, (char *)&head, sizeof head);
    goss__str_addn(&b->tables, first->data, first->size);
    add_padding(&b->tables, 8);
    goss__str_addn(&b->tables, offsets.data, offsets.size);
    goss__str_addn(&b->tables, text.data, text.size);
    add_padding(&b->tables, 64);
    bool failed = offsets.failed || text.failed || first->failed || b->tables.failed;
    b->hash = failed ? 0 : goss__pack_hash_start(&head, text.data);
    goss__str_free(&offsets), goss__str_free(&text);
    if (failed) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory for the names", job->source->path);
    head.pixels_at = b->tables.size;
    if (!goss__mul_ok(b->image, images, &b->size) ||
        !goss__add_ok(b->size, b->tables.size + 64 + sizeof(goss__pack_tail), &b->size))
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: too large", job->source->path);
    /* The tail is at the next multiple of 8 after the pixels. */
    head.file_size = b->size = ((b->tables.size + b->image * images + 7) & ~(size_t)7) + sizeof(goss__pack_tail);
    memcpy(b->tables.data, &head, sizeof head);
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

static goss_status put_tail(builder *b, goss_error *err) {
    const goss__source *s = b->job->source;
    goss__pack_tail tail = {.hash = b->hash, .magic = GOSS__PACK_MAGIC};
    tail.tables = goss__hash64(b->tables.data, b->tables.size, 0);
    uint32_t classes = (uint32_t)(b->ranges.size / sizeof(uint32_t)) - 1;
    GOSS_TRY(
        goss__findings_make(s, b->seen, (const uint32_t *)(const void *)b->ranges.data, classes, &tail.findings, err));
    tail.findings.damaged = b->job->damaged;
    tail.self = goss__hash64(&tail, offsetof(goss__pack_tail, self), 0);
    static const char zeros[8];
    GOSS_TRY(put(b, zeros, b->size - sizeof tail - b->at, err));
    return put(b, &tail, sizeof tail, err);
}

static goss_status put_all(builder *b, const char *path, goss_error *err) {
    GOSS_TRY(decide_extents(b, err));
    size_t count = b->job->source->count;
    b->batch = goss__alloc((count < BATCH ? count : BATCH) * b->image);
    b->seen = goss__calloc(count, sizeof *b->seen);
    if (!b->batch || !b->seen)
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d images of %zu bytes", BATCH, b->image);
    GOSS_TRY(decide_invert(b, err));
    GOSS_TRY(make_tables(b, err));
    if (path)
        GOSS_TRY(goss__writer_open(path, &b->file, err));
    else if (!(b->block = goss__alloc_aligned(b->size)))
        return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory for %zu bytes of images; a cache folder needs none",
                              b->job->source->path, b->size);
    GOSS_TRY(put(b, b->tables.data, b->tables.size, err));
    GOSS_TRY(put_pixels(b, err));
    return put_tail(b, err);
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
    goss__str_free(&b->ranges);
    goss__free(b->seen);
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

/* ---- images that cannot be decoded ---- */

typedef struct sieve {
    builder *b;
    goss__flaw *flaw; /* [images] */
} sieve;

static void try_one(void *ctx, int64_t i, int w) {
    sieve *v = ctx;
    worker *me = &v->b->workers[w];
    const goss__source *s = v->b->job->source;
    goss_error error;
    if (goss__stop_asked(v->b->job->stop)) me->stopped = true;
    if (me->stopped) return;
    me->reader.fit.format = v->b->job->format, me->reader.fit.measure = true;
    goss_status status = s->fetch(s, &me->reader, &s->items[i], NULL, &error);
    if (status == GOSS_OK) return;
    v->flaw[i] = GOSS__UNREAD;
    if ((size_t)i < me->bad) me->bad = (size_t)i, me->error = error;
}

/* A few names of those of a kind, "a/1.png, b/2.png, ...", and how many there are. */
typedef struct naming {
    goss__str names;
    size_t count;
} naming;

static void add_name(naming *to, const char *name, size_t size) {
    enum { MOST = 3 };
    if (to->count++ > MOST) return;
    if (to->count > 1) goss__str_add(&to->names, ", ");
    if (to->count > MOST)
        goss__str_add(&to->names, "...");
    else
        goss__str_addn(&to->names, name, size);
}

/* Classes of which no image is sound. */
static void name_lost(const goss__source *s, const goss__flaw *flaw, naming *out) {
    for (size_t i = 0, end; i < s->count; i = end) {
        size_t sound = 0;
        for (end = i; end < s->count && same_class(&s->items[i], &s->items[end]); end++) sound += !flaw[end];
        const char *name;
        size_t size = class_of(&s->items[i], &name);
        if (sound == 0) add_name(out, size ? name : ".", size ? size : 1);
    }
}

static size_t count_classes(const goss__source *s) {
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) n += i == 0 || !same_class(&s->items[i], &s->items[i - 1]);
    return n;
}

static goss_status refuse_flawed(goss__pack_job *job, const goss__flaw *flaw, const goss_error *first,
                                 goss_error *err) {
    const goss__source *s = job->source;
    naming bad = {0};
    for (size_t i = 0; i < s->count; i++)
        if (flaw[i]) add_name(&bad, s->items[i].path, strlen(s->items[i].path));
    goss_status status =
        goss_error_set(err, first->status,
                       "%.800s; %zu of %zu images cannot be read (%.400s). Skip bad files (data.skip_bad = yes, "
                       "--skip-bad) to go on without",
                       first->text, bad.count, s->count, bad.names.data ? bad.names.data : "");
    goss__str_free(&bad.names);
    return status;
}

static goss_status drop_flawed(goss__pack_job *job, const goss__flaw *flaw, const goss_error *first, goss_error *err) {
    goss__source *s = job->source;
    size_t n = 0, before = count_classes(s), all = s->count;
    naming lost = {0};
    name_lost(s, flaw, &lost);
    for (size_t i = 0; i < all; i++)
        if (!flaw[i]) s->items[n++] = s->items[i];
    if (n == 0) {
        goss__str_free(&lost.names);
        return goss_error_set(err, GOSS_E_FORMAT, "none of %zu images can be read; the first: %.800s", all,
                              first->text);
    }
    memmove(s->items + n, s->items + all, s->flawed * sizeof *s->items);
    s->count = n, job->damaged += (uint32_t)(all - n);
    goss__log(GOSS_LOG_WARN, "%s: left out: %zu of %zu images that cannot be read; the first: %s", s->path, all - n,
              all, first->text);
    if (lost.count)
        goss__log(GOSS_LOG_WARN, "%s: %zu of %zu classes have no image left: %s", s->path, lost.count, before,
                  lost.names.data ? lost.names.data : "");
    s->lost += lost.count;
    goss__str_free(&lost.names);
    return GOSS_OK;
}

static bool was_stopped(const builder *b) {
    for (int w = 0; w < goss__pool_threads(b->pool); w++)
        if (b->workers[w].stopped) return true;
    return false;
}

/* Decodes everything to see what cannot be; that leaves the source, or is the error. */
static goss_status sift(goss__pack_job *job, goss_error *err) {
    builder b = {.job = job};
    sieve v = {&b, goss__calloc(job->source->count, sizeof *v.flaw)};
    goss_status status = v.flaw ? start(&b, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory to look at all images");
    if (status == GOSS_OK) {
        goss_error first;
        goss__pool_run(b.pool, (int64_t)job->source->count, try_one, &v);
        status = worst(&b, &first);
        if (was_stopped(&b))
            status = goss_error_set(err, GOSS_E_INTERRUPTED, "stopped while %s was decoded", job->source->path);
        else if (status != GOSS_OK && b.bad_image)
            status = (job->skip_bad ? drop_flawed : refuse_flawed)(job, v.flaw, &first, err);
        else if (status != GOSS_OK && err)
            *err = first;
    }
    finish(&b);
    goss__free(v.flaw);
    return status;
}

/* Builds, and where an image is bad, looks for all bad ones: to name them, or to build once more without. */
static goss_status build_sifted(goss__pack_job *job, builder *b, const char *path, goss_error *err) {
    goss_image_format asked = job->format;
    *b = (builder){.job = job};
    goss_status status = build(b, path, err);
    if (status == GOSS_OK || !b->bad_image) return status;
    goss__writer_abandon(b->file);
    goss__free(b->block);
    *b = (builder){.job = job};
    job->format = asked;
    goss_status sifted = sift(job, err);
    if (sifted != GOSS_OK) return sifted;
    return job->skip_bad ? build(b, path, err) : status; /* it was unreadable and no longer is: the error is kept */
}

goss_status goss__pack_to_memory(goss__pack_job *job, uint8_t **block, size_t *size, goss_error *err) {
    builder b;
    goss_status status = build_sifted(job, &b, NULL, err);
    if (status != GOSS_OK) goss__free(b.block);
    *block = status == GOSS_OK ? b.block : NULL, *size = b.size;
    return status;
}

goss_status goss__pack_to_file(goss__pack_job *job, const char *path, goss_error *err) {
    builder b;
    goss_status status = build_sifted(job, &b, path, err);
    if (status == GOSS_OK) return goss__writer_commit(b.file, err);
    goss__writer_abandon(b.file);
    return status;
}
