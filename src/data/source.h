/* source.h: where the images of a set come from: a folder tree, a .zip or an idx file, seen as one list of paths. */
#ifndef GOSS_DATA_SOURCE_H
#define GOSS_DATA_SOURCE_H

#include "base/arena.h"
#include "data/picture.h"

typedef struct goss__item {
    const char *path;     /* relative to the top, '/' between levels; idx: "label/file#number" */
    size_t folder;        /* length of its folder part without the last '/', 0 at the top */
    uint64_t size, stamp; /* of the encoded bytes; with the path they tell whether a cache is still good */
    uint64_t index;       /* in the container */
} goss__item;

/* What one worker needs to decode images, used over and over. Zero-initialised is valid. */
typedef struct goss__reader {
    goss__scratch encoded, fit;
    goss__picture picture;
    void *handle; /* the source's, opened on first use */
} goss__reader;

typedef struct goss__source goss__source;
struct goss__source {
    const char *path;
    goss__arena arena;
    goss__item *items; /* sorted by folder, then by name */
    size_t count, capacity;
    size_t shared; /* length of the top folders that all paths share, with their last '/' */
    /* Decodes one image into reader->picture. The error names the file. Any thread, a reader each. */
    goss_status (*fetch)(const goss__source *s, goss__reader *reader, const goss__item *item, goss_error *err);
    void (*release)(goss__reader *reader);
    void (*close)(goss__source *s);
    void *state;
};

/* Opens whatever `path` is. `labels` is the label file of an idx, or NULL. Nothing to free after a failure. */
GOSS_MUST_USE goss_status goss__source_open(const char *path, const char *labels, goss__source *out, goss_error *err);
void goss__source_close(goss__source *s);
void goss__reader_free(const goss__source *s, goss__reader *reader);

/* For the kinds of source. */
GOSS_MUST_USE goss_status goss__source_tree(goss__source *s, goss_error *err);
GOSS_MUST_USE goss_status goss__source_zip(goss__source *s, goss_error *err);
GOSS_MUST_USE goss_status goss__source_idx(goss__source *s, const char *labels, goss_error *err);
GOSS_MUST_USE goss_status goss__source_add(goss__source *s, const char *path, goss__item item, goss_error *err);
bool goss__name_hidden(const char *path);   /* a level starts with '.' or is __MACOSX */
bool goss__name_is_image(const char *path); /* .png, .jpg, .jpeg */
bool goss__bytes_are_image(const uint8_t *data, size_t size);
#endif
