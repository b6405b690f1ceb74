/* SPDX-License-Identifier: Apache-2.0 */
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

#define GOSS__PACK_MAGIC 0x676d69730002ff01u /* its last bytes are the version */

typedef struct goss__pack_head {
    uint64_t magic, key; /* key: hash of path, listing and options */
    uint64_t text_size, pixels_at, file_size;
    uint32_t split_names, unused;
    /* From here on the content's hash takes it in. */
    uint32_t images, classes;
    uint32_t height, width, channels, invert;
} goss__pack_head;

/* How many images are such, and the first of them. */
typedef struct goss__finding {
    uint32_t count, first;
} goss__finding;

typedef struct goss__findings {
    goss__finding flat, dark, duplicates;
    uint32_t damaged, unused;
} goss__findings;

typedef struct goss__pack_tail {
    uint64_t hash;   /* of the content: goss_images_hash */
    uint64_t tables; /* of everything before the pixels */
    goss__findings findings;
    uint64_t self; /* of the tail up to here */
    uint64_t magic;
} goss__pack_tail;

/* Pointers into such a block. */
typedef struct goss__pack {
    const goss__pack_head *head;
    const uint32_t *first; /* [classes + 1] */
    const uint64_t *name;  /* [1 + classes + images], offsets into text */
    const char *text;
    const uint8_t *pixels;
    uint64_t hash;
    goss__findings findings;
} goss__pack;

/* What to build. Extents of 0 and an automatic inversion are decided while building. */
typedef struct goss__pack_job {
    goss__source *source;
    goss_image_format format;
    goss_invert invert;
    int threads;
    uint64_t key;
    bool skip_bad;                     /* images that cannot be decoded leave the source, with a warning */
    uint32_t damaged;                  /* how many did */
    const volatile sig_atomic_t *stop; /* NULL: never */
} goss__pack_job;

/* Decodes everything into *block (goss__free), or into a file at `path`, replaced atomically. */
GOSS_MUST_USE goss_status goss__pack_to_memory(goss__pack_job *job, uint8_t **block, size_t *size, goss_error *err);
GOSS_MUST_USE goss_status goss__pack_to_file(goss__pack_job *job, const char *path, goss_error *err);

/* The content's hash is taken over so many images at a time. */
#define GOSS__PACK_BATCH 1024
/* ... starting from the texts and what of the head follows `unused`. */
uint64_t goss__pack_hash_start(const goss__pack_head *head, const char *text);

/* ---- image_attach.c ---- */

/* Finds the parts of a block and checks all extents and offsets against its size. */
GOSS_MUST_USE goss_status goss__pack_attach(const uint8_t *block, size_t size, goss__pack *out, goss_error *err);
/* Compares every byte with the stored hashes. */
GOSS_MUST_USE goss_status goss__pack_verify(const uint8_t *block, size_t size, const goss__pack *pack, goss_error *err);

/* ---- image_findings.c ---- */

/* Of one image: what was seen when it was decoded. */
typedef struct goss__glance {
    uint64_t hash; /* of its pixels */
    uint8_t flat, dark, colour[3];
} goss__glance;

void goss__glance_at(const goss__fit *fit, const uint8_t *pixels, goss__glance *out);
/* Sums up; first[classes + 1] are the ranges of the classes. Errors: all of one and the same colour. */
GOSS_MUST_USE goss_status goss__findings_make(const goss__source *s, const goss__glance *seen, const uint32_t *first,
                                              uint32_t classes, goss__findings *out, goss_error *err);
/* fresh: it was decoded just now, and damage has been reported. */
void goss__findings_tell(const char *path, const goss__pack *pack, bool fresh);
#endif
