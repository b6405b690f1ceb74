/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors.h: named tensors and text metadata in one file, in the safetensors format
 * (https://github.com/huggingface/safetensors; docs/file-format.md lists what is checked).
 *
 * A file is the length of its header (8 bytes, little endian), a JSON header, and the data. The reader accepts every
 * valid file, whoever wrote it, and nothing else: all rules of the format are checked, and sizes are bounded by the
 * file before anything is allocated. Element types are those of the format, from 4 bits up, and unknown ones as long as
 * all elements have the same size; a type is required only where a tensor is used.
 *
 * The metadata key "gossamer.hash", the XXH3-128 hash of metadata, names, types, shapes and data, is verified where it
 * is present. A file with "gossamer.container", which this writer always adds, must have the hash, so that no single
 * damaged byte goes undetected, and may contain only what the writer writes. Files of other writers may lack both; a
 * caller that requires the hash looks for its key. Files are written atomically (gossamer/file.h).
 *
 *     goss_tensor_file *w;
 *     GOSS_TRY(goss_tensor_file_new(&w, err));
 *     goss_status s = goss_tensor_file_add(w, "weights", "F32", 2, (int64_t[]){3, 4}, numbers, err);
 *     if (s == GOSS_OK) s = goss_tensor_file_meta(w, "author", "me", err);
 *     if (s == GOSS_OK) s = goss_tensor_file_write(w, "mine.safetensors", err);
 *     goss_tensor_file_free(w); */
#ifndef GOSSAMER_SAFETENSORS_H
#define GOSSAMER_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The most extents that goss_tensor_file_add takes. */
#define GOSS_TENSOR_MAX_RANK 8 /* of written tensors; a file of another writer may have higher ranks */

/* ---- reading ---- */

/* A tensor of an open file. All pointers are borrowed from it. */
typedef struct goss_file_tensor {
    const char *name, *dtype; /* dtype: "F32", "BF16", "I64", ...; in files of other writers any type, F8_E4M3, ... */
    int rank;
    const int64_t *shape; /* [rank] */
    const void *data;     /* dense, row-major, little endian; may be unaligned in files of other writers */
    size_t size;          /* bytes */
} goss_file_tensor;

/* An open file, mapped read-only. */
typedef struct goss_safetensors goss_safetensors;

/* Maps and validates a file. It must not be changed in place while it is open (replacing it is safe).
 * Errors, which name the file, the tensor and the byte: GOSS_E_IO; GOSS_E_FORMAT, for another kind of file with its
 * kind (a Git LFS pointer, a web page, a PyTorch checkpoint ...) and what to do; GOSS_E_UNSUPPORTED for a newer
 * container or a build without jansson or xxhash. Owns: goss_safetensors_close. Threads: any; an open file may be read
 * by several. */
GOSS_API GOSS_MUST_USE goss_status goss_safetensors_open(const char *path, goss_safetensors **out, goss_error *err);
/* Unmaps the file; pointers into it become invalid. NULL is allowed. */
GOSS_API void goss_safetensors_close(goss_safetensors *f);
/* The number of tensors. */
GOSS_API int goss_safetensors_count(const goss_safetensors *f);
/* Tensor i in [0, count), in the order of the data. Borrowed. */
GOSS_API const goss_file_tensor *goss_safetensors_at(const goss_safetensors *f, int i);
/* The tensor of that name, borrowed; NULL if there is none. */
GOSS_API const goss_file_tensor *goss_safetensors_find(const goss_safetensors *f, const char *name);
/* The data of the F32 tensor of that name, which must have exactly n elements; aligned, borrowed.
 * Errors: GOSS_E_FORMAT, with the name: missing, of another type or size, not aligned. */
GOSS_API GOSS_MUST_USE goss_status goss_safetensors_floats(const goss_safetensors *f, const char *name, int64_t n,
                                                           const float **out, goss_error *err);
/* The number of metadata entries. */
GOSS_API int goss_safetensors_meta_count(const goss_safetensors *f);
/* The key of metadata entry i in [0, meta_count), in the keys' byte order. UTF-8, borrowed. */
GOSS_API const char *goss_safetensors_meta_key(const goss_safetensors *f, int i);
/* The value of metadata entry i. UTF-8, may have newlines; borrowed. */
GOSS_API const char *goss_safetensors_meta_value(const goss_safetensors *f, int i);
/* The metadata value of a key, borrowed; NULL if there is none. */
GOSS_API const char *goss_safetensors_meta(const goss_safetensors *f, const char *key);

/* ---- writing ---- */

/* Collects tensors and metadata for a file. Threads: one at a time. */
typedef struct goss_tensor_file goss_tensor_file;

/* An empty collection. Errors: GOSS_E_NOMEM. Owns: goss_tensor_file_free. */
GOSS_API GOSS_MUST_USE goss_status goss_tensor_file_new(goss_tensor_file **out, goss_error *err);
/* Frees the collection, not the tensors' data. NULL is allowed. */
GOSS_API void goss_tensor_file_free(goss_tensor_file *w);
/* Sets a metadata value; key and value are copied. A repeated key replaces the value.
 * Errors: GOSS_E_ARGUMENT: not UTF-8, or a key reserved for the writer (gossamer.hash, gossamer.container). */
GOSS_API GOSS_MUST_USE goss_status goss_tensor_file_meta(goss_tensor_file *w, const char *key, const char *value,
                                                         goss_error *err);
/* Adds a tensor: data dense, row-major, little endian, borrowed until the last goss_tensor_file_write; the name is
 * copied. Errors: GOSS_E_ARGUMENT: a type that the format lacks, a name that is not UTF-8; GOSS_E_SHAPE: rank or
 * extents. */
GOSS_API GOSS_MUST_USE goss_status goss_tensor_file_add(goss_tensor_file *w, const char *name, const char *dtype,
                                                        int rank, const int64_t *shape, const void *data,
                                                        goss_error *err);
/* Writes the file atomically. Equal content gives equal bytes, in whatever order it was added. Each tensor is aligned
 * to its element size, the data as a whole to 64 bytes. Errors: GOSS_E_ARGUMENT: a name that was added twice;
 * GOSS_E_SHAPE: more bytes than a file can have; GOSS_E_UNSUPPORTED: a build without xxhash; GOSS_E_IO; GOSS_E_NOMEM;
 * the old file is then unchanged. */
GOSS_API GOSS_MUST_USE goss_status goss_tensor_file_write(const goss_tensor_file *w, const char *path, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
