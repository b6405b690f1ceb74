/* SPDX-License-Identifier: Apache-2.0 */
/* data.h: sets of images in classes, how they are split, images one by one, and a set that the program can make itself.
 *
 * A goss_images is a decoded set: every image has the same height, width and channels, 8 bits a value, rows first,
 * channels last. Images of a class are neighbours: class c holds the images [first, first + count). Order is the
 * byte order of the names, so that it does not depend on the file system.
 *
 * A class is named by the folder that its files lie in, relative to the top, with '/' between the levels
 * ("Greek/character03"). Folders that all images share at the top are left out of the names, whether the set is a
 * folder or a .zip; with the set packed either way the names come out the same. The alphabet of a class is its name
 * without the last level. Images beside the folders of all others belong to no class and are left out with a warning; a
 * set whose images all lie in one folder has one class, named by that folder, or "." at the top. The face of an image
 * is what stands after the first '_' of its file name without extension
 * ("07_serif.png": "serif"; Omniglot's "0959_17.png": "17", the drawer). */
#ifndef GOSSAMER_DATA_H
#define GOSSAMER_DATA_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is done to every image, in this order. It is turned as its EXIF orientation says (JPEG, PNG, WebP, TIFF). Values
 * are taken as they are stored, 16 bits as v / 65535: gamma, colour profiles and significant bits are not looked at.
 * Transparent pixels lie on white, whatever ground the file proposes; but where every visible pixel is white itself
 * (white ink on transparent ground) the alpha is the drawing: black where it covers. CMYK is multiplied out. Grey is
 * 0.299 R + 0.587 G + 0.114 B. Resizing is area averaging along an axis that shrinks and linear interpolation along one
 * that grows, without keeping the aspect ratio. invert is 255 - v, last. A model keeps this beside its weights. */
typedef struct goss_image_format {
    int channels; /* 1 or 3 */
    int height, width;
    bool invert;
} goss_image_format;

/* Whether to invert so that ink is bright on a dark ground. Automatic: yes when most pixels on the border of the
 * images (up to 512 of them, evenly spaced) are brighter than the middle. */
typedef enum goss_invert { GOSS_INVERT_AUTO, GOSS_INVERT_YES, GOSS_INVERT_NO } goss_invert;

/* What to take of a set whose first folders are train/ and val/ or test/ (also training, valid, validation, dev,
 * testing; in any case), with the classes below. Any other set is taken as it is. */
typedef enum goss_split {
    GOSS_SPLIT_ALL,  /* a class has the images of all parts */
    GOSS_SPLIT_EACH, /* each part has classes of its own, "train/cat" and "val/cat": goss_images_class_split */
    GOSS_SPLIT_TRAIN,
    GOSS_SPLIT_VAL, /* or test, where there is no such part */
    GOSS_SPLIT_TEST /* or val */
} goss_split;

typedef struct goss_images_options {
    int channels;          /* 1 */
    int height, width;     /* 28; 0, each for itself: the first image's extent of that axis */
    goss_invert invert;    /* GOSS_INVERT_NO */
    goss_split split;      /* GOSS_SPLIT_ALL */
    bool skip_bad;         /* false: what cannot be read is an error; true: it is left out with a warning */
    int threads;           /* 0: GOSSAMER_THREADS, else as many as the machine has */
    const char *cache_dir; /* folder for the decoded set; NULL keeps it in memory and writes nothing */
    const char *labels;    /* idx only: the label file; NULL looks beside the images */
    /* Set to nonzero (by a signal handler) to give up decoding; may be NULL. Nothing half-written is left. */
    const volatile sig_atomic_t *stop;
} goss_images_options;

GOSS_API goss_images_options goss_images_options_defaults(void);

typedef struct goss_images goss_images;

/* Opens `path`: a folder tree or a .zip of image files, or an idx image file, gzipped or not (MNIST; its labels' file
 * has "labels" for "images" and "idx1" for "idx3" in the name). PNG and JPEG are read, WebP, TIFF (the first picture)
 * and BMP where the build has the library; which it is follows from the content. Hidden files (".x", __MACOSX) are
 * passed over, and so are files that are no images. In a .zip made on DOS or Windows a backslash separates levels, too.
 *
 * What is left out is told to goss_log_set's callback, with counts and the first names, as warnings: links that lead
 * nowhere, images of kinds that are not read, images beside the class folders. Further warnings: images of one flat
 * colour, 16-bit images that use the lowest 12 bits only and so come out nearly black, and images that are the same,
 * pixel for pixel, as another one of their class (one may then be support and the other query).
 *
 * With a cache folder the set is decoded once into a file there, named after the path, the listing (names, sizes,
 * times or checksums) and the options, and mapped read-only afterwards, so that it may be larger than memory. At every
 * opening the file's hash is compared (about a second a gigabyte); a damaged one is made anew, with a warning.
 *
 * Errors: GOSS_E_IO, GOSS_E_FORMAT and GOSS_E_UNSUPPORTED name the file (and the entry of the .zip). Unless `skip_bad`:
 * an image that is unreadable, damaged, truncated, empty, of more than 2^28 pixels (2^25 where it has to be decoded as
 * a whole: interlaced PNG, JPEG of several scans, WebP, TIFF, BMP) or of a variety that is not read; an entry that is
 * encrypted or packed by an unknown method; a name that comes twice in a .zip (when skipping, the last one counts); a
 * class folder with no image that is read. In any case: no image left; all images of one and the same flat colour.
 * GOSS_E_INTERRUPTED: `stop` was set. Owns: *out is the caller's, goss_images_close. Threads: an open set may be read
 * by any number of threads. */
GOSS_API GOSS_MUST_USE goss_status goss_images_open(const char *path, const goss_images_options *options,
                                                    goss_images **out, goss_error *err);
GOSS_API void goss_images_close(goss_images *set); /* NULL allowed */

GOSS_API goss_image_format goss_images_format(const goss_images *set); /* as used: extents and inversion decided */
GOSS_API int goss_images_count(const goss_images *set);
GOSS_API int goss_images_classes(const goss_images *set);
GOSS_API int goss_images_alphabets(const goss_images *set);

/* What was found while the set was read, as the warnings told it. */
typedef struct goss_images_report {
    int left_out;     /* files: dead links, kinds that are not read, images beside the class folders, bad ones */
    int damaged;      /* of these, images whose decoding failed (skip_bad) */
    int lost_classes; /* class folders of which nothing was left (skip_bad) */
    int flat;         /* images of one colour */
    int dark;         /* 16-bit images that use the lowest 12 bits only */
    int duplicates;   /* images equal to an earlier one of their class, flat ones not counted */
} goss_images_report;

GOSS_API goss_images_report goss_images_report_of(const goss_images *set);

/* GOSS_E_FORMAT, with what to do, where the set has fewer than `least` classes; `path` is used in the text. */
GOSS_API GOSS_MUST_USE goss_status goss_images_need_classes(const goss_images *set, const char *path, int least,
                                                            goss_error *err);

/* Names are borrowed from the set. Indices must be in range (asserted). */
GOSS_API const char *goss_images_class_name(const goss_images *set, int cls);
GOSS_API void goss_images_class_range(const goss_images *set, int cls, int *first, int *count);
GOSS_API int goss_images_class_alphabet(const goss_images *set, int cls);
/* Of a set opened with GOSS_SPLIT_EACH that has such parts: GOSS_SPLIT_TRAIN, VAL or TEST. Else GOSS_SPLIT_ALL. */
GOSS_API goss_split goss_images_class_split(const goss_images *set, int cls);
GOSS_API const char *goss_images_alphabet_name(const goss_images *set, int alphabet); /* "." for no alphabet */
/* The class of that name, or -1. A name with the left-out top folders in front is found too. */
GOSS_API int goss_images_class_find(const goss_images *set, const char *name);

GOSS_API const char *goss_images_name(const goss_images *set,
                                      int image); /* file relative to the top, or "file#number" */
GOSS_API int goss_images_class_of(const goss_images *set, int image);
GOSS_API int goss_images_face(const goss_images *set, int image); /* equal within the set = same face; -1: has none */

/* Shapes: [height, width, channels]. The bytes are borrowed; 255 is bright (ink, where inverted). */
GOSS_API const uint8_t *goss_images_pixels(const goss_images *set, int image);
/* The same as floats 0..1 into out [height, width, channels]. */
GOSS_API void goss_images_get(const goss_images *set, int image, float *out);

/* What identifies an image by its content as it was decoded: a 64-bit hash of its bytes and extents
 * (docs/file-format.md); never 0 but for an image of one flat colour, which identifies nothing. Files, names and
 * classes do not enter. */
GOSS_API uint64_t goss_images_sample(const goss_images *set, int image);

/* A 64-bit hash of the decoded content: format, pixels, names and classes; not of where the set lies. */
GOSS_API uint64_t goss_images_hash(const goss_images *set);

/* Decodes one image file, or its bytes, with the preprocessing of a set. `name` is used in errors and in the warning
 * that an image of 16 bits uses the lowest 12 only.
 * Shapes: out [height, width, channels], 0..1. Errors: as goss_images_open. Threads: any. */
GOSS_API GOSS_MUST_USE goss_status goss_image_decode_file(const char *path, const goss_image_format *format, float *out,
                                                          goss_error *err);
GOSS_API GOSS_MUST_USE goss_status goss_image_decode_memory(const void *data, size_t size, const char *name,
                                                            const goss_image_format *format, float *out,
                                                            goss_error *err);

/* Whether a decoded image is one flat colour: no channel's values are more than 3 / 255 apart.
 * Shapes: image [height, width, channels]. */
GOSS_API bool goss_image_is_flat(const float *image, const goss_image_format *format);

/* Images one by one and without classes: all of a folder and what is below it, of a .zip or an idx file, or a single
 * file. Nothing is decoded before it is asked for. Images of kinds that are not read and links that lead nowhere are
 * listed, too: asking for one gives the error that says what it is. */
typedef struct goss_image_files goss_image_files;

/* Errors: GOSS_E_IO and GOSS_E_FORMAT: no such file; a folder or archive without an image; unreadable.
 * Owns: *out is the caller's, goss_image_files_close. */
GOSS_API GOSS_MUST_USE goss_status goss_image_files_open(const char *path, goss_image_files **out, goss_error *err);
GOSS_API void goss_image_files_close(goss_image_files *files); /* NULL allowed */
GOSS_API int goss_image_files_count(const goss_image_files *files);
/* "folder/below/1.png", "archive.zip/below/1.png", or the path as it was given for a single file. Borrowed. */
GOSS_API const char *goss_image_files_name(const goss_image_files *files, int i);
/* Shapes: out [height, width, channels], 0..1. Errors: as goss_images_open, naming the image; the next one may still be
 * asked for. Threads: one at a time. */
GOSS_API GOSS_MUST_USE goss_status goss_image_files_decode(goss_image_files *files, int i,
                                                           const goss_image_format *format, float *out,
                                                           goss_error *err);
/* Height and width, as the file has them, of the image that was decoded last. Of a path that is a single image file: 0.
 */
GOSS_API void goss_image_files_extents(const goss_image_files *files, int *height, int *width);

/* Some classes of a set, ascending and distinct. A zero-initialised list is an empty one. */
typedef struct goss_class_list {
    int32_t *ids;
    int count;
} goss_class_list;

GOSS_API void goss_class_list_free(goss_class_list *list);

GOSS_API GOSS_MUST_USE goss_status goss_class_list_all(const goss_images *set, goss_class_list *out, goss_error *err);

/* Those of one part of a set opened with GOSS_SPLIT_EACH; may be empty. */
GOSS_API GOSS_MUST_USE goss_status goss_class_list_part(const goss_images *set, goss_split part, goss_class_list *out,
                                                        goss_error *err);

/* Takes the classes of fewer than `least` images out of the list; `dropped` gets them (free it; empty where none was).
 */
GOSS_API GOSS_MUST_USE goss_status goss_class_list_drop_small(const goss_images *set, int least, goss_class_list *list,
                                                              goss_class_list *dropped, goss_error *err);

/* Reads a text file (ASCII, UTF-8 with or without a byte order mark, or any bytes that the folders' names have) with
 * one class name a line; blank lines are passed over, lines may end as on Windows. '#' at the start of a line, or after
 * a blank, starts a comment: "C#" is a name. A name with a blank before '#' or at its ends, or with '#' or '"' in
 * front, stands in double quotes, with \" and \\ inside: "#1". Errors: GOSS_E_FORMAT with file and line for a name that
 * the set lacks (and the nearest one it has) or that came before, for a zero byte, for a quote that does not end; for a
 * file in UTF-16. Owns: *out is the caller's. */
GOSS_API GOSS_MUST_USE goss_status goss_class_list_read(const goss_images *set, const char *path, goss_class_list *out,
                                                        goss_error *err);

/* Splits `from` (NULL: all classes) at random into `held` with round(fraction * n) classes, at least one, and `kept`
 * with the rest, at least one. Equal seeds give equal splits. */
GOSS_API GOSS_MUST_USE goss_status goss_class_list_split(const goss_images *set, const goss_class_list *from,
                                                         double fraction, uint64_t seed, goss_class_list *kept,
                                                         goss_class_list *held, goss_error *err);

/* The same by whole alphabets: `held` gets all classes of `alphabets` alphabets drawn at random. */
GOSS_API GOSS_MUST_USE goss_status goss_class_list_hold_out(const goss_images *set, const goss_class_list *from,
                                                            int alphabets, uint64_t seed, goss_class_list *kept,
                                                            goss_class_list *held, goss_error *err);

/* Characters of installed fonts as a folder of drawings: OUT/Script/uXXXX/NN_face.png, grey, black on white, and
 * OUT/train-classes.txt and OUT/test-classes.txt, split by whole scripts. */
typedef struct goss_glyphs_options {
    const char *out;    /* folder to write; created. Refused when it holds anything but an earlier result */
    const char *fonts;  /* folder of .ttf and .otf; NULL: /usr/share/fonts/truetype/noto */
    int size;           /* 64: height and width */
    int drawings;       /* 20 a character, dealt to the script's faces in turn */
    int max_characters; /* 60 a script, evenly spaced over its code points */
    int min_characters; /* 5: a script with fewer is left out */
    int test_scripts;   /* 20 scripts for test-classes.txt; those with several faces go first */
    double jitter;      /* 1: strength of the affine and elastic jitter and of the stroke's thickness */
    int threads;        /* 0 as above */
    uint64_t seed;
    const volatile sig_atomic_t *stop; /* as above: what is drawn stays, and the next call draws it again */
} goss_glyphs_options;

typedef struct goss_glyphs_report {
    int scripts, characters, images;
    int test_scripts, test_characters;
    int blank, marks, duplicates; /* characters dropped, and why */
} goss_glyphs_report;

GOSS_API goss_glyphs_options goss_glyphs_options_defaults(void);

/* Renders. The same options and fonts give the same bytes, whatever the threads; where that result lies in the folder
 * already nothing is done, and one that was cut off is drawn again. Progress goes to goss_log_set's
 * callback. Errors: GOSS_E_IO (no fonts; cannot write), GOSS_E_ARGUMENT, GOSS_E_UNSUPPORTED (built without FreeType or
 * libpng). `report` may be NULL. */
GOSS_API GOSS_MUST_USE goss_status goss_glyphs_render(const goss_glyphs_options *options, goss_glyphs_report *report,
                                                      goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
