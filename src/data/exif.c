/* SPDX-License-Identifier: Apache-2.0 */
/* exif.c: the orientation of pictures: the orientation tag of EXIF (CIPA DC-008, tag 0x0112) and where PNG and
 * WebP files keep it.
 *
 * Own code, although libraries for EXIF exist: it is one tag of one table, and a picture must not lie on its side in a
 * build that lacks a library. Damaged EXIF tells nothing; the picture beside it may be sound. */
#include <string.h>

#include "data/picture.h"

enum { ENTRY = 12, ORIENTATION = 0x0112, SHORT = 3 };

static uint32_t number(const uint8_t *b, int bytes, bool little) {
    uint32_t v = 0;
    for (int i = 0; i < bytes; i++) v = v << 8 | b[little ? bytes - 1 - i : i];
    return v;
}

int goss__exif_orientation(const uint8_t *data, size_t size) {
    if (size >= 6 && memcmp(data, "Exif\0\0", 6) == 0) data += 6, size -= 6;
    if (size < 8 || (memcmp(data, "II*\0", 4) != 0 && memcmp(data, "MM\0*", 4) != 0)) return 1;
    bool little = data[0] == 'I';
    size_t at = number(data + 4, 4, little);
    if (at > size || size - at < 2) return 1;
    size_t entries = number(data + at, 2, little);
    if (entries > (size - at - 2) / ENTRY) entries = (size - at - 2) / ENTRY;
    for (const uint8_t *e = data + at + 2; entries > 0; entries--, e += ENTRY) {
        if (number(e, 2, little) != ORIENTATION) continue;
        uint32_t value = number(e + 8, 2, little);
        bool sound = number(e + 2, 2, little) == SHORT && number(e + 4, 4, little) == 1 && value >= 1 && value <= 8;
        return sound ? (int)value : 1;
    }
    return 1;
}

/* The chunk of that name among chunks of a length, a name (the other way round in RIFF), content and `after` bytes. */
static int find_chunk(const uint8_t *data, size_t size, size_t at, const char *name, bool riff) {
    while (size >= at && size - at >= 8) {
        size_t n = number(data + at + (riff ? 4 : 0), 4, riff);
        const uint8_t *tag = data + at + (riff ? 0 : 4);
        at += 8;
        if (n > size - at) return 1;
        if (memcmp(tag, name, 4) == 0) return goss__exif_orientation(data + at, n);
        at += riff ? n + n % 2 : n + 4;
    }
    return 1;
}

int goss__exif_of_png(const uint8_t *data, size_t size) { return find_chunk(data, size, 8, "eXIf", false); }
int goss__exif_of_webp(const uint8_t *data, size_t size) { return find_chunk(data, size, 12, "EXIF", true); }
