/* SPDX-License-Identifier: Apache-2.0 */
/* image_attach.c: a block of decoded images that somebody else wrote, perhaps long ago and perhaps to a failing disk:
 * its parts are found, its offsets checked, and its bytes compared with the hashes at its end. */
#include <string.h>

#include "base/rng.h"
#include "data/image_pack.h"

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
    if (h->height == 0 || h->width == 0 || (uint64_t)h->height * h->width > GOSS__FRAME_MAX) return false;
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
    out->hash = tail->hash, out->findings = tail->findings;
    if (out->text + out->head->text_size > (const char *)out->pixels || tail->magic != GOSS__PACK_MAGIC ||
        !text_ends(out) || !ranges_ascend(out))
        return goss_error_set(err, GOSS_E_FORMAT, "damaged decoded set");
    return GOSS_OK;
}

uint64_t goss__pack_hash_start(const goss__pack_head *head, const char *text) {
    uint64_t h = goss__hash64(text, head->text_size, 0);
    return goss__hash64(&head->images, sizeof *head - offsetof(goss__pack_head, images), h);
}

goss_status goss__pack_verify(const uint8_t *block, size_t size, const goss__pack *p, goss_error *err) {
    const goss__pack_head *h = p->head;
    const goss__pack_tail *tail = (const goss__pack_tail *)(block + size - sizeof *tail);
    size_t image = (size_t)h->height * h->width * h->channels;
    uint64_t hash = goss__pack_hash_start(h, p->text);
    bool good = tail->self == goss__hash64(tail, offsetof(goss__pack_tail, self), 0) &&
                tail->tables == goss__hash64(block, h->pixels_at, 0);
    for (uint32_t at = 0, n; good && at < h->images; at += n) {
        n = h->images - at < GOSS__PACK_BATCH ? h->images - at : GOSS__PACK_BATCH;
        hash = goss__hash64(p->pixels + at * image, n * image, hash);
    }
    for (const uint8_t *b = p->pixels + h->images * image; b < (const uint8_t *)tail; b++) good &= *b == 0;
    if (good && hash == tail->hash) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "damaged decoded set: its content is not what its hash says");
}
