/* SPDX-License-Identifier: Apache-2.0 */
/* image_findings.c: findings about the images of a set, made while they are decoded and reported at every opening:
 * blank ones, nearly black ones, and drawings that are there twice. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/rng.h"
#include "data/image_pack.h"

enum { SAME = 3 }; /* values this near are one colour */

/* Eight bytes at a time, for speed: it is compared within one run of the program only. */
static uint64_t quick_hash(const uint8_t *data, size_t size) {
    uint64_t h = size, word;
    for (; size >= 8; data += 8, size -= 8) {
        memcpy(&word, data, 8);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    return goss__hash64(data, size, h);
}

void goss__glance_at(const goss__fit *fit, const uint8_t *pixels, goss__glance *out) {
    const goss_image_format *f = &fit->format;
    out->hash = quick_hash(pixels, (size_t)f->height * (size_t)f->width * (size_t)f->channels);
    out->flat = fit->flat, out->dark = fit->dark;
    memcpy(out->colour, pixels, (size_t)f->channels);
}

static void note(goss__finding *f, size_t i) {
    if (f->count++ == 0) f->first = (uint32_t)i;
}

static int by_hash(const void *a, const void *b) {
    const goss__glance *x = *(const goss__glance *const *)a, *y = *(const goss__glance *const *)b;
    return x->hash != y->hash ? (x->hash > y->hash) - (x->hash < y->hash) : (x > y) - (x < y);
}

/* Images of a class that equal an earlier one, by the hash of their pixels. */
static void find_duplicates(const goss__glance *seen, const goss__glance **order, size_t begin, size_t end,
                            goss__finding *out) {
    size_t n = 0, first = SIZE_MAX, count = 0;
    for (size_t i = begin; i < end; i++)
        if (!seen[i].flat) order[n++] = &seen[i];
    qsort(order, n, sizeof *order, by_hash);
    for (size_t i = 1; i < n; i++) {
        if (order[i]->hash != order[i - 1]->hash) continue;
        size_t at = (size_t)(order[i] - seen);
        count++, first = at < first ? at : first;
    }
    if (count && out->count == 0) out->first = (uint32_t)first;
    out->count += (uint32_t)count;
}

static bool same_colour(const goss__glance *a, const goss__glance *b) {
    for (int c = 0; c < 3; c++)
        if (abs(a->colour[c] - b->colour[c]) > SAME) return false;
    return true;
}

goss_status goss__findings_make(const goss__source *s, const goss__glance *seen, const uint32_t *first,
                                uint32_t classes, goss__findings *out, goss_error *err) {
    const goss__glance **order = goss__alloc(s->count * sizeof *order);
    if (!order) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to look at its images", s->path);
    bool same = s->count > 1;
    *out = (goss__findings){0};
    for (size_t i = 0; i < s->count; i++) {
        if (seen[i].flat) note(&out->flat, i);
        if (seen[i].dark) note(&out->dark, i);
        same &= seen[i].flat && same_colour(&seen[i], &seen[0]);
    }
    for (uint32_t c = 0; c < classes; c++) find_duplicates(seen, order, first[c], first[c + 1], &out->duplicates);
    goss__free(order);
    if (!same) return GOSS_OK;
    return goss_error_set(
        err, GOSS_E_FORMAT,
        "%s: all %zu images are one and the same flat colour (after resizing), so there is nothing to "
        "tell apart: is the ink as bright as the ground, or are they blank?",
        s->path, s->count);
}

static const char *name_of(const goss__pack *p, uint32_t image) {
    return p->text + p->name[1 + (uint64_t)p->head->classes + image];
}

void goss__findings_tell(const char *path, const goss__pack *p, bool fresh) {
    const goss__findings *f = &p->findings;
    uint32_t n = p->head->images;
    if (f->damaged && !fresh)
        goss__log(GOSS_LOG_WARN, "%s: %u images that could not be read were left out when it was decoded", path,
                  f->damaged);
    if (f->flat.count)
        goss__log(GOSS_LOG_WARN,
                  "%s: %u of %u images are one flat colour (the first: %s): blank, or ink of the colour of the ground; "
                  "remove them, or draw with another ink",
                  path, f->flat.count, n, name_of(p, f->flat.first));
    if (f->dark.count)
        goss__log(
            GOSS_LOG_WARN,
            "%s: %u of %u images of 16 bits use the lowest 12 bits only and come out nearly black (the first: %s): "
            "multiply their values by 16",
            path, f->dark.count, n, name_of(p, f->dark.first));
    if (f->duplicates.count)
        goss__log(GOSS_LOG_WARN,
                  "%s: %u of %u images are the same as an earlier one of their class (the first: %s): one may be shown "
                  "and the other asked for; remove them",
                  path, f->duplicates.count, n, name_of(p, f->duplicates.first));
}
