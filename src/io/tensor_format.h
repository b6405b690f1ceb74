/* SPDX-License-Identifier: Apache-2.0 */
/* tensor_format.h: shared by the reader and writer of safetensors. */
#ifndef GOSS_IO_TENSOR_FORMAT_H
#define GOSS_IO_TENSOR_FORMAT_H

#include <stdbool.h>

#include "gossamer/safetensors.h"

#define GOSS__HASH_KEY "gossamer.hash"
/* Requires the hash to be present. It is itself hashed, so that no single damaged byte can remove both. */
#define GOSS__CONTAINER_KEY "gossamer.container"
#define GOSS__CONTAINER_VERSION "1"
#define GOSS__HEADER_LIMIT ((uint64_t)100 << 20)

typedef struct goss__meta {
    const char *key, *value;
} goss__meta;

/* Errors: GOSS_E_UNSUPPORTED if this build lacks a library for models and checkpoints. */
GOSS_MUST_USE goss_status goss__tensor_files_ready(goss_error *err);
/* The format's name of a type (static storage); *bits per element. NULL: no such type. */
const char *goss__dtype_find(const char *dtype, size_t *bits);
/* Elements of a shape; false on overflow or a negative extent. */
bool goss__tensor_elements(int rank, const int64_t *shape, size_t *out);
/* Their bytes; false on overflow, a negative extent, or an incomplete last byte. */
bool goss__tensor_bytes(int rank, const int64_t *shape, size_t bits, size_t *out);
/* By key, for qsort; keys are unique. */
int goss__meta_by_key(const void *a, const void *b);
/* Hash of the metadata (sorted by key; the hash itself is left out), then of each tensor, in the order of the data:
 * name, type, rank, extents, data. */
GOSS_MUST_USE goss_status goss__content_hash(const goss__meta *meta, int n_meta, const goss_file_tensor *tensors, int n,
                                             char *text, goss_error *err);
#endif
