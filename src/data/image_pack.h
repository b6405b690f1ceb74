/* image_pack.h: the decoded set as one block of bytes: in memory, or the cache file mapped read-only.
 *
 *   head | class ranges | name offsets | text | padding | pixels | tail
 *
 * Class c holds images first[c] .. first[c + 1]. Names are offsets into the text: the shared top folders, then classes,
 * then images. The tail comes last because the content's hash is known only after the last image. Numbers are in the
 * machine's byte order: a cache is not for exchange, and a file of another order fails the check of its magic. */
#ifndef GOSS_DATA_IMAGE_PACK_H
#define GOSS_DATA_IMAGE_PACK_H

#include "data/source.h"

#define GOSS__PACK_MAGIC 0x676d69730001ff01u /* its last bytes are the version */

typedef struct goss__pack_head {
    uint64_t magic, key; /* key: hash of path, listing and options */
    uint64_t text_size, pixels_at, file_size;
    uint32_t images, classes;
    uint32_t height, width, channels, invert;
} goss__pack_head;

typedef struct goss__pack_tail {
    uint64_t hash, magic;
} goss__pack_tail;

/* Pointers into such a block. */
typedef struct goss__pack {
    const goss__pack_head *head;
    const uint32_t *first; /* [classes + 1] */
    const uint64_t *name;  /* [1 + classes + images], offsets into text */
    const char *text;
    const uint8_t *pixels;
    uint64_t hash;
} goss__pack;

/* What to build. Extents of 0 and an automatic inversion are decided while building. */
typedef struct goss__pack_job {
    goss__source *source;
    goss_image_format format;
    goss_invert invert;
    int threads;
    uint64_t key;
} goss__pack_job;

/* Decodes everything into *block (goss__free), or into a file at `path`, replaced atomically. */
GOSS_MUST_USE goss_status goss__pack_to_memory(goss__pack_job *job, uint8_t **block, size_t *size, goss_error *err);
GOSS_MUST_USE goss_status goss__pack_to_file(goss__pack_job *job, const char *path, goss_error *err);

/* Finds the parts of a block and checks all extents and offsets against its size. */
GOSS_MUST_USE goss_status goss__pack_attach(const uint8_t *block, size_t size, goss__pack *out, goss_error *err);
#endif
