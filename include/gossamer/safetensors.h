/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors.h: named tensors and text metadata in one file.
 *
 * The format is 8 bytes of header length (little endian), a JSON header, and the data. The reader opens every valid
 * file and nothing else: every rule of the format is checked and sizes are bounded by the file before anything is
 * allocated. Types are those of the format, of 4 bits and up, and later ones, as long as all elements can have one
 * size; only who uses a tensor asks for a type. A content hash (metadata key "gossamer.hash", XXH3-128 of metadata,
 * names, types, shapes and data) is verified where there is one. A file with "gossamer.container", which the writer
 * always adds, must have it, so no single damaged byte goes unseen, and may hold only what the writer writes. Files of
 * other writers open without: who wants the hash asks for that metadata. Files are written as gossamer/file.h says. */
#ifndef GOSSAMER_SAFETENSORS_H
#define GOSSAMER_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GOSS_TENSOR_MAX_RANK 8 /* of what is written; a file of another writer may have more */

/* One tensor of an open file; all pointers are borrowed from it. data may be unaligned in files of other writers. */
typedef struct goss_file_tensor {
    const char *name, *dtype; /* dtype: "F32", "BF16", "I64", ...; in files of other writers any type, F8_E4M3, ... */
    int rank;
    const int64_t *shape; /* [rank] */
    const void *data;
    size_t size; /* bytes */
} goss_file_tensor;

typedef struct goss_safetensors goss_safetensors;

/* Maps and checks a file. Errors name the file, the tensor and the byte, or what the file is instead (a Git LFS
 * pointer, a web page, a PyTorch checkpoint ...) and what to do: GOSS_E_IO, GOSS_E_FORMAT; GOSS_E_UNSUPPORTED for a
 * newer container or a build without jansson or xxhash. Close with goss_safetensors_close; the file must not be changed
 * in place while it is open (replace it). Threads: an open file may be read by any number. */
GOSS_API GOSS_MUST_USE goss_status goss_safetensors_open(const char *path, goss_safetensors **out, goss_error *err);
GOSS_API void goss_safetensors_close(goss_safetensors *f); /* NULL allowed */
GOSS_API int goss_safetensors_count(const goss_safetensors *f);
GOSS_API const goss_file_tensor *goss_safetensors_at(const goss_safetensors *f, int i); /* by data offset */
GOSS_API const goss_file_tensor *goss_safetensors_find(const goss_safetensors *f,
                                                       const char *name); /* NULL: not there */
/* The F32 tensor of that name with exactly n elements, aligned for use in place. Errors: missing, other type or size.
 */
GOSS_API GOSS_MUST_USE goss_status goss_safetensors_floats(const goss_safetensors *f, const char *name, int64_t n,
                                                           const float **out, goss_error *err);
GOSS_API int goss_safetensors_meta_count(const goss_safetensors *f);
GOSS_API const char *goss_safetensors_meta_key(const goss_safetensors *f, int i);
GOSS_API const char *goss_safetensors_meta_value(const goss_safetensors *f, int i);
GOSS_API const char *goss_safetensors_meta(const goss_safetensors *f, const char *key); /* NULL: not there */

typedef struct goss_tensor_file goss_tensor_file;

/* Collects what is to be written. Names and metadata are copied, data is borrowed until the last
 * goss_tensor_file_write. */
GOSS_API GOSS_MUST_USE goss_status goss_tensor_file_new(goss_tensor_file **out, goss_error *err);
GOSS_API void goss_tensor_file_free(goss_tensor_file *w); /* NULL allowed */
/* Sets a metadata text; a repeated key replaces. Errors: GOSS_E_ARGUMENT when it is no UTF-8 or the key is the writer's
 * own (gossamer.hash, gossamer.container). */
GOSS_API GOSS_MUST_USE goss_status goss_tensor_file_meta(goss_tensor_file *w, const char *key, const char *value,
                                                         goss_error *err);
/* Adds a tensor, dense, first axis slowest, little endian. Errors: GOSS_E_ARGUMENT for a type that the format has not
 * or a name that is no UTF-8; GOSS_E_SHAPE for rank or extents. */
GOSS_API GOSS_MUST_USE goss_status goss_tensor_file_add(goss_tensor_file *w, const char *name, const char *dtype,
                                                        int rank, const int64_t *shape, const void *data,
                                                        goss_error *err);
/* Writes temporary file, fsync, rename, fsync of the folder; the same content gives the same bytes, in whatever order
 * it was added. Each tensor is aligned to its type, the data as a whole to 64 bytes. Errors: GOSS_E_ARGUMENT for a name
 * that is there twice; GOSS_E_IO: the old file is as it was. */
GOSS_API GOSS_MUST_USE goss_status goss_tensor_file_write(const goss_tensor_file *w, const char *path, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
