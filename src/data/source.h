/* SPDX-License-Identifier: Apache-2.0 */
/* source.h: where the images of a set come from: a folder tree, a .zip or an idx file, seen as one list of paths. */
#ifndef GOSS_DATA_SOURCE_H
#define GOSS_DATA_SOURCE_H

#include "base/arena.h"
#include "data/picture.h"

/* What keeps a listed file from being an image of a set. */
typedef enum goss__flaw {
    GOSS__SOUND,
    GOSS__OTHER,  /* no image: matters only where a class has nothing else */
    GOSS__FOLDER, /* an empty folder */
    /* Left out with a warning. */
    GOSS__DEAD_LINK,
    GOSS__UNREAD, /* an image of a kind that is not read */
    GOSS__STRAY,  /* beside the class folders */
    /* Errors, unless bad files are to be skipped. */
    GOSS__NO_ACCESS,
    GOSS__LOCKED, /* in a .zip: encrypted or packed in a way that is not read */
    GOSS__TWICE,  /* a second entry of that name in a .zip */
    GOSS__FLAWS
} goss__flaw;

typedef struct goss__item {
    const char *path;     /* relative to the top, '/' between levels; idx: "label/file#number" */
    size_t folder;        /* length of its folder part without the last '/', 0 at the top */
    size_t named;         /* where its class's name begins in the path */
    uint64_t size, stamp; /* of the encoded bytes; with the path they decide whether a cache is valid */
    uint64_t index;       /* in the container */
    goss__flaw flaw;
    const char *why; /* of a flawed one: what it is and what to do; of another file NULL */
} goss__item;

/* What one worker needs to decode images, used over and over. Zero-initialised but for fit.format it is valid. */
typedef struct goss__reader {
    goss__scratch encoded;
    goss__fit fit;
    void *handle; /* the source's, opened on first use */
} goss__reader;

typedef struct goss__source goss__source;
struct goss__source {
    const char *path;
    goss__arena arena;
    goss__item *items; /* sorted by folder, then by name; a set's are sorted by class */
    size_t count, capacity;
    size_t flawed;    /* items[count .. count + flawed]: after goss__source_arrange the flawed ones */
    size_t shared;    /* length of the top folders that all paths share, with their last '/' */
    bool split_names; /* classes bear the names of train/, val/ and test/ */
    size_t lost;      /* classes of which no image is left */
    /* Decodes one image as reader->fit wants it into out (NULL: measures). The error names the file. Any thread, a
     * reader each. */
    goss_status (*fetch)(const goss__source *s, goss__reader *reader, const goss__item *item, uint8_t *out,
                         goss_error *err);
    void (*release)(goss__reader *reader);
    void (*close)(goss__source *s);
    void *state;
};

/* Lists whatever `path` is, sorted, flawed items among the others. `labels` is the label file of an idx, or NULL: the
 * one beside it. Nothing to free after a failure. */
GOSS_MUST_USE goss_status goss__source_list(const char *path, const char *labels, goss__source *out, goss_error *err);
/* The same where classes do not matter: an idx needs no labels. */
GOSS_MUST_USE goss_status goss__source_list_plain(const char *path, goss__source *out, goss_error *err);
/* The error of a source without an image that is read: names what is there instead. */
GOSS_MUST_USE goss_status goss__source_barren(const goss__source *s, goss_error *err);
/* A file in it that is a set by its name, a .zip or an idx of images; NULL: none. */
const goss__item *goss__source_set_in(const goss__source *s);
void goss__source_close(goss__source *s);
void goss__reader_free(const goss__source *s, goss__reader *reader);

/* ---- source_layout.c ---- */

/* Makes classes of a list: sets flawed items apart, takes the part of train/, val/ and test/ that is asked for, names
 * the classes, and logs what is left out. Errors: as goss_images_open. */
GOSS_MUST_USE goss_status goss__source_arrange(goss__source *s, goss_split split, bool skip_bad, goss_error *err);
#define GOSS__SPLITS (GOSS_SPLIT_TEST + 1)
/* The part of a split that a folder of this name is; GOSS_SPLIT_ALL: none. */
goss_split goss__split_of(const char *name, size_t size);

/* ---- for the kinds of source ---- */

GOSS_MUST_USE goss_status goss__source_tree(goss__source *s, goss_error *err);
GOSS_MUST_USE goss_status goss__source_zip(goss__source *s, goss_error *err);
/* labels: as goss__source_list; labelled false: none at all. */
GOSS_MUST_USE goss_status goss__source_idx(goss__source *s, bool labelled, const char *labels, goss_error *err);
/* Whether bytes begin as an idx file does, packed with gzip or not; damaged gzip counts. */
bool goss__idx_is(const uint8_t *data, size_t size);
/* Copies path and item.why. */
GOSS_MUST_USE goss_status goss__source_add(goss__source *s, const char *path, goss__item item, goss_error *err);
bool goss__name_hidden(const char *path); /* a level starts with '.' or is __MACOSX */

/* Whether a file is an image that is read, one that is not, or none, by its name and, where that does not say, its
 * first bytes: head(context, out) reads at most GOSS__HEAD of them and returns how many, or -1. Sets item->flaw and
 * why. */
typedef int64_t (*goss__head_fn)(void *context, uint8_t *out);
GOSS_MUST_USE goss_status goss__source_classify(goss__source *s, const char *path, goss__head_fn head, void *context,
                                                goss__item *item, goss_error *err);
#endif
