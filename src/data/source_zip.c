/* SPDX-License-Identifier: Apache-2.0 */
/* source_zip.c: images inside a .zip. An archive belongs to one thread, so every reader opens its own. */
#include <string.h>

#include "archive/zip.h"
#include "data/source.h"

static goss_status fetch_entry(goss__zip *z, goss__reader *r, const goss__item *item, uint8_t *out, goss_error *err) {
    if (item->size > GOSS__ENCODED_MAX)
        return goss_error_set(err, GOSS_E_FORMAT, "longer than %zu bytes", GOSS__ENCODED_MAX);
    GOSS_TRY(goss__scratch_need(&r->encoded, (size_t)item->size + 1, err));
    GOSS_TRY(goss__zip_read(z, item->index, r->encoded.data, (size_t)item->size, err));
    return goss__picture_decode(r->encoded.data, (size_t)item->size, &r->fit, out, err);
}

static goss_status fetch(const goss__source *s, goss__reader *r, const goss__item *item, uint8_t *out,
                         goss_error *err) {
    goss__zip *z = r->handle;
    if (!z) {
        GOSS_TRY(goss__zip_open(s->path, &z, err));
        r->handle = z;
    }
    goss_status status = fetch_entry(z, r, item, out, err);
    return status == GOSS_OK ? status : goss_error_prefix(err, status, "%s: %s", s->path, item->path);
}

static void release(goss__reader *r) {
    goss__zip_close(r->handle);
    r->handle = NULL;
}

/* What is being listed. */
typedef struct listing {
    goss__source *source;
    goss__zip *zip;
    uint64_t index; /* of the entry that is looked into */
} listing;

static int64_t head(void *context, uint8_t *out) {
    const listing *l = context;
    return goss__zip_head(l->zip, l->index, out, GOSS__HEAD);
}

static goss_status add_file(listing *l, const goss__zip_entry *e, goss_error *err) {
    goss__item item = {.size = e->size, .stamp = e->checksum, .index = e->index};
    const goss__kind *k = goss__kind_of_name(e->path);
    l->index = e->index;
    if (e->locked && k && goss__kind_is_read(k))
        item.flaw = GOSS__LOCKED, item.why = e->locked;
    else
        GOSS_TRY(goss__source_classify(l->source, e->path, head, l, &item, err));
    return goss__source_add(l->source, e->path, item, err);
}

/* A folder of its own is noted: if nothing else lies in it, it is an empty class. */
static goss_status add_entry(void *context, const goss__zip_entry *e, goss_error *err) {
    listing *l = context;
    if (goss__name_hidden(e->path)) return GOSS_OK;
    if (e->path[strlen(e->path) - 1] != '/') return add_file(l, e, err);
    return goss__source_add(l->source, e->path, (goss__item){.flaw = GOSS__FOLDER, .index = e->index}, err);
}

goss_status goss__source_zip(goss__source *s, goss_error *err) {
    listing l = {.source = s};
    s->fetch = fetch, s->release = release;
    GOSS_TRY(goss__zip_open(s->path, &l.zip, err));
    const goss_status status = goss__zip_each(l.zip, add_entry, &l, err);
    goss__zip_close(l.zip);
    return status;
}
