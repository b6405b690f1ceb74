/* SPDX-License-Identifier: Apache-2.0 */
/* data.h: sets of images in classes, their splits, single images, and a data set rendered from fonts.
 *
 * A goss_images is a decoded set: all images have the same height, width and channels, 8 bits per value, row-major,
 * channels last. The images of class c are [first, first + count); classes and images are in byte order of their names,
 * independent of the file system.
 *
 * The class of an image is its folder, relative to the top, with '/' between levels ("Greek/character03"). Top-level
 * folders common to all images are not part of the names, so that names do not depend on how a set was packed. The
 * alphabet of a class is its name without the last level. Images next to the class folders belong to no class and are
 * skipped with a warning; a set whose images are all in one folder has one class, named by that folder, or "." at the
 * top. The face of an image is what follows the first '_' of its file name without extension ("07_serif.png": "serif";
 * Omniglot's "0959_17.png": "17", the drawer).
 *
 *     goss_images_options o = goss_images_options_defaults();              // 28 x 28, grey
 *     GOSS_TRY(goss_images_open("glyphs", &o, &set, err));
 *     for (int c = 0; c < goss_images_classes(set); c++) {
 *         goss_images_class_range(set, c, &first, &count);
 *         printf("%s: %d images\n", goss_images_class_name(set, c), count);
 *     }
 *
 * docs/images.md describes all rules from the user's side. */
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

/* ---- preprocessing ---- */

/* The preprocessing of every image, stored with a model. In this order: rotation by the EXIF orientation (JPEG, PNG,
 * WebP, TIFF); values as stored, 16 bits as v / 65535, without gamma, colour profiles and significant bits; compositing
 * of transparent pixels on white, whatever background the file names, unless every visible pixel is white (white ink on
 * a transparent ground), when the alpha channel is the drawing, opaque as black; CMYK to RGB by multiplication; grey as
 * 0.299 R + 0.587 G + 0.114 B; resizing by area averages along a shrinking axis and linear interpolation along a
 * growing one, without keeping the aspect ratio; inversion as 255 - v. */
typedef struct goss_image_format {
    int channels; /* 1 or 3 */
    int height, width;
    bool invert;
} goss_image_format;

/* Whether images are inverted to bright ink on a dark ground. AUTO: if most pixels on the border of up to 512 evenly
 * spaced images are brighter than the middle grey. */
typedef enum goss_invert { GOSS_INVERT_AUTO, GOSS_INVERT_YES, GOSS_INVERT_NO } goss_invert;

/* ---- sets ---- */

/* Which part to read of a set whose top-level folders are train/ and val/ or test/ (also training, valid, validation,
 * dev, testing; in any case), with class folders in them. Other sets are read as they are. */
typedef enum goss_split {
    GOSS_SPLIT_ALL,  /* a class has the images of all parts */
    GOSS_SPLIT_EACH, /* each part has its own classes, "train/cat" and "val/cat": goss_images_class_split */
    GOSS_SPLIT_TRAIN,
    GOSS_SPLIT_VAL, /* or test, if there is no val */
    GOSS_SPLIT_TEST /* or val, if there is no test */
} goss_split;

/* How a set is opened; defaults in brackets. */
typedef struct goss_images_options {
    int channels;          /* (1) */
    int height, width;     /* (28); 0: that of the first image, for each axis separately */
    goss_invert invert;    /* (GOSS_INVERT_NO) */
    goss_split split;      /* (GOSS_SPLIT_ALL) */
    bool skip_bad;         /* whether unreadable images are skipped with a warning instead of an error (false) */
    int threads;           /* 0: GOSSAMER_THREADS, else all processors (0) */
    const char *cache_dir; /* folder for the decoded set; NULL: keep it in memory and write nothing (NULL) */
    const char *labels;    /* idx only: the label file; NULL: beside the images (NULL) */
    /* Set to nonzero (by a signal handler) to cancel decoding; may be NULL. Leaves nothing half-written. */
    const volatile sig_atomic_t *stop;
} goss_images_options;

/* The defaults. */
GOSS_API goss_images_options goss_images_options_defaults(void);

/* A decoded set. Immutable. Threads: may be read by any number of threads. */
typedef struct goss_images goss_images;

/* Opens `path`: a folder tree or a .zip of image files, or an idx image file, gzipped or not (MNIST; the name of its
 * label file has "labels" for "images" and "idx1" for "idx3"). PNG and JPEG are supported, WebP, TIFF (first image) and
 * BMP if the build has the library; formats are recognised by content. Hidden files (".x", __MACOSX) and files that are
 * not images are ignored. In a .zip from DOS or Windows a backslash separates levels too.
 *
 * Warnings go to the log, with counts and the first names: dangling links, images of unsupported formats, images next
 * to the class folders (all skipped); images of one flat colour; 16-bit images that use the lowest 12 bits only and
 * thus become nearly black; images identical to another one of their class (one may become support and the other
 * query).
 *
 * With a cache folder the set is decoded once into a file there, named after path, listing (names, sizes, times or
 * checksums) and options, and then mapped read-only, so that it may be larger than memory. Its hash is verified
 * whenever it is opened (about a second per gigabyte); a damaged file is rebuilt, with a warning.
 *
 * Errors: GOSS_E_IO, GOSS_E_FORMAT and GOSS_E_UNSUPPORTED name the file (and the entry of a .zip). Unless `skip_bad`:
 * an image that is unreadable, damaged, truncated, empty, of an unsupported variant, or of more than 2^28 pixels (2^25
 * if it must be decoded as a whole: interlaced PNG, JPEG of several scans, WebP, TIFF, BMP); an entry that is encrypted
 * or packed by an unknown method; a repeated name in a .zip (when skipping, the last one is used); a class folder
 * without a readable image. Always: no image left; all images of the same flat colour. GOSS_E_INTERRUPTED: `stop` was
 * set. Owns: goss_images_close. Threads: any; it decodes on threads of its own. */
GOSS_API GOSS_MUST_USE goss_status goss_images_open(const char *path, const goss_images_options *options,
                                                    goss_images **out, goss_error *err);
/* Frees a set; NULL is allowed. */
GOSS_API void goss_images_close(goss_images *set);

/* The preprocessing, with extents and inversion as determined. */
GOSS_API goss_image_format goss_images_format(const goss_images *set);
/* The number of images, of all classes together. */
GOSS_API int goss_images_count(const goss_images *set);
/* The number of classes: folders with images, or labels. They are numbered in the byte order of their names. */
GOSS_API int goss_images_classes(const goss_images *set);
/* The number of alphabets: folders that classes lie in; at least 1, since classes outside of any are in one of their
 * own, ".". */
GOSS_API int goss_images_alphabets(const goss_images *set);

/* Counts of what reading a set met, as in its warnings. */
typedef struct goss_images_report {
    int left_out;     /* skipped files: dangling links, unsupported formats, images next to class folders, bad ones */
    int damaged;      /* of these, images whose decoding failed (skip_bad) */
    int lost_classes; /* class folders without an image left (skip_bad) */
    int flat;         /* images of one colour */
    int dark;         /* 16-bit images that use the lowest 12 bits only */
    int duplicates;   /* images equal to an earlier one of their class, without flat ones */
} goss_images_report;

/* The counts. */
GOSS_API goss_images_report goss_images_report_of(const goss_images *set);

/* Checks that a set has at least `least` classes. Errors: GOSS_E_FORMAT, naming `path`, with what to do. */
GOSS_API GOSS_MUST_USE goss_status goss_images_need_classes(const goss_images *set, const char *path, int least,
                                                            goss_error *err);

/* ---- classes and images of a set: indices must be in range (asserted); names are borrowed ---- */

/* The name of a class. */
GOSS_API const char *goss_images_class_name(const goss_images *set, int cls);
/* The images of a class. */
GOSS_API void goss_images_class_range(const goss_images *set, int cls, int *first, int *count);
/* The alphabet of a class. */
GOSS_API int goss_images_class_alphabet(const goss_images *set, int cls);
/* Of a set opened with GOSS_SPLIT_EACH that has parts: GOSS_SPLIT_TRAIN, VAL or TEST. Else GOSS_SPLIT_ALL. */
GOSS_API goss_split goss_images_class_split(const goss_images *set, int cls);
/* The name of an alphabet; "." for classes without one. */
GOSS_API const char *goss_images_alphabet_name(const goss_images *set, int alphabet);
/* The class of that name, with or without the common top-level folders; -1 if there is none. */
GOSS_API int goss_images_class_find(const goss_images *set, const char *name);

/* The file of an image relative to the top, or "file#number". */
GOSS_API const char *goss_images_name(const goss_images *set, int image);
/* The class of an image. */
GOSS_API int goss_images_class_of(const goss_images *set, int image);
/* The face of an image, as a number that is equal for equal faces within the set; -1: it has none. */
GOSS_API int goss_images_face(const goss_images *set, int image);

/* The values of an image, [height, width, channels], borrowed; 255 is bright (ink, if inverted). */
GOSS_API const uint8_t *goss_images_pixels(const goss_images *set, int image);
/* The same as floats 0 to 1 in out [height, width, channels]. */
GOSS_API void goss_images_get(const goss_images *set, int image, float *out);

/* A 64-bit hash of an image's decoded values and extents, by which models record what they have seen; file, name and
 * class do not enter. 0 for an image of one flat colour, which identifies nothing, and never else. docs/file-format.md
 * defines it. */
GOSS_API uint64_t goss_images_sample(const goss_images *set, int image);

/* A 64-bit hash of the decoded set: format, values, names and classes, but not its path. */
GOSS_API uint64_t goss_images_hash(const goss_images *set);

/* ---- single images ---- */

/* Decodes one image file with the preprocessing of a set. Shapes: out [height, width, channels], 0 to 1.
 * Errors: as goss_images_open. Threads: any. */
GOSS_API GOSS_MUST_USE goss_status goss_image_decode_file(const char *path, const goss_image_format *format, float *out,
                                                          goss_error *err);
/* The same for the bytes of an image file; `name` is used in errors and warnings. Errors: as goss_image_decode_file,
 * without GOSS_E_IO. */
GOSS_API GOSS_MUST_USE goss_status goss_image_decode_memory(const void *data, size_t size, const char *name,
                                                            const goss_image_format *format, float *out,
                                                            goss_error *err);

/* Whether a decoded image is one flat colour: the values of each channel differ by at most 3 / 255.
 * Shapes: image [height, width, channels]. */
GOSS_API bool goss_image_is_flat(const float *image, const goss_image_format *format);

/* Images without classes: all files below a folder, of a .zip or an idx file, or a single file. Images are decoded on
 * request. Unsupported images and dangling links are listed too: decoding one returns the error that explains it.
 * Threads: one at a time. */
typedef struct goss_image_files goss_image_files;

/* Lists the images of a path. Errors: GOSS_E_IO and GOSS_E_FORMAT: no such file, no image in it, unreadable.
 * Owns: goss_image_files_close. */
GOSS_API GOSS_MUST_USE goss_status goss_image_files_open(const char *path, goss_image_files **out, goss_error *err);
/* Frees the list; NULL is allowed. */
GOSS_API void goss_image_files_close(goss_image_files *files);
/* The number of images. */
GOSS_API int goss_image_files_count(const goss_image_files *files);
/* "folder/below/1.png", "archive.zip/below/1.png", or the path as given for a single file. Borrowed. */
GOSS_API const char *goss_image_files_name(const goss_image_files *files, int i);
/* Decodes image i. Shapes: out [height, width, channels], 0 to 1. Errors: as goss_images_open, naming the image; other
 * images can still be decoded. */
GOSS_API GOSS_MUST_USE goss_status goss_image_files_decode(goss_image_files *files, int i,
                                                           const goss_image_format *format, float *out,
                                                           goss_error *err);
/* Height and width of the image decoded last, before resizing; 0 if the path is a single image file. */
GOSS_API void goss_image_files_extents(const goss_image_files *files, int *height, int *width);

/* ---- lists of classes ---- */

/* Classes of a set, ascending and distinct. A zero-initialised list is empty. */
typedef struct goss_class_list {
    int32_t *ids;
    int count;
} goss_class_list;

/* Frees the ids and empties the list. */
GOSS_API void goss_class_list_free(goss_class_list *list);

/* All classes. Errors: GOSS_E_NOMEM. Owns: goss_class_list_free, as for all lists below. */
GOSS_API GOSS_MUST_USE goss_status goss_class_list_all(const goss_images *set, goss_class_list *out, goss_error *err);

/* The classes of one part of a set opened with GOSS_SPLIT_EACH; may be empty. Errors: GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_class_list_part(const goss_images *set, goss_split part, goss_class_list *out,
                                                        goss_error *err);

/* Moves classes with fewer than `least` images from the list to `dropped`. Errors: GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_class_list_drop_small(const goss_images *set, int least, goss_class_list *list,
                                                              goss_class_list *dropped, goss_error *err);

/* Reads a text file (ASCII, UTF-8 with or without a byte order mark, or the bytes of the folders' names) with one class
 * name per line; blank lines are ignored, lines may end as on Windows. '#' at the start of a line or after a blank
 * starts a comment, so that "C#" is a name. A name with a blank before '#' or at its ends, or with '#' or '"' in front,
 * is in double quotes, with \" and \\ inside: "#1". Errors: GOSS_E_FORMAT with file and line: a name that the set lacks
 * (with the nearest one it has) or that is repeated, a zero byte, an unclosed quote; a file in UTF-16. */
GOSS_API GOSS_MUST_USE goss_status goss_class_list_read(const goss_images *set, const char *path, goss_class_list *out,
                                                        goss_error *err);

/* Splits `from` (NULL: all classes) at random into `held` with round(fraction * n) classes and `kept` with the rest,
 * each at least one. Equal seeds give equal splits. Errors: GOSS_E_ARGUMENT: too few classes; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_class_list_split(const goss_images *set, const goss_class_list *from,
                                                         double fraction, uint64_t seed, goss_class_list *kept,
                                                         goss_class_list *held, goss_error *err);

/* The same by alphabets: `held` gets all classes of `alphabets` alphabets drawn at random, `kept` those of the others.
 * Errors: GOSS_E_ARGUMENT: fewer than one alphabet would be held out or left; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_class_list_hold_out(const goss_images *set, const goss_class_list *from,
                                                            int alphabets, uint64_t seed, goss_class_list *kept,
                                                            goss_class_list *held, goss_error *err);

/* ---- a data set rendered from fonts ---- */

/* How characters of installed fonts are rendered as OUT/Script/uXXXX/NN_face.png, grey, black on white, with
 * OUT/train-classes.txt and OUT/test-classes.txt, split by whole scripts. Defaults in brackets. */
typedef struct goss_glyphs_options {
    const char *out;    /* folder to write; created. Refused if it contains anything but an earlier result */
    const char *fonts;  /* folder of .ttf and .otf; NULL: /usr/share/fonts/truetype/noto (NULL) */
    int size;           /* height and width (64) */
    int drawings;       /* per character, dealt to the script's faces in turn (20) */
    int max_characters; /* per script, evenly spaced over its code points (60) */
    int min_characters; /* a script with fewer is excluded (5) */
    int test_scripts;   /* scripts in test-classes.txt; those with several faces first (20) */
    double jitter;      /* strength of the affine and elastic jitter and of the stroke's thickness (1) */
    int threads;        /* as in goss_images_options (0) */
    uint64_t seed;
    const volatile sig_atomic_t
        *stop; /* as in goss_images_options: finished drawings stay, the next call repeats them */
} goss_glyphs_options;

/* What was rendered. */
typedef struct goss_glyphs_report {
    int scripts, characters, images;
    int test_scripts, test_characters;
    int blank, marks, duplicates; /* excluded characters, by reason */
} goss_glyphs_report;

/* The defaults. */
GOSS_API goss_glyphs_options goss_glyphs_options_defaults(void);

/* Renders. Equal options and fonts give equal bytes for any number of threads; an existing result of theirs is kept, an
 * incomplete one is rendered again. Progress goes to the log. report: may be NULL. Errors: GOSS_E_IO: no fonts, cannot
 * write; GOSS_E_ARGUMENT: an option out of range, no script left to train on, a folder that holds something else or
 * lies in that of the fonts; GOSS_E_UNSUPPORTED: a build without FreeType or libpng; GOSS_E_INTERRUPTED. */
GOSS_API GOSS_MUST_USE goss_status goss_glyphs_render(const goss_glyphs_options *options, goss_glyphs_report *report,
                                                      goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
