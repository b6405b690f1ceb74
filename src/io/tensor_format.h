/* tensor_format.h: what reader and writer of safetensors share. */
#ifndef GOSS_IO_TENSOR_FORMAT_H
#define GOSS_IO_TENSOR_FORMAT_H

#include <jansson.h>

#include "gossamer/safetensors.h"

#define GOSS__HASH_KEY "gossamer.hash"
#define GOSS__HEADER_LIMIT ((uint64_t)100 << 20)

int goss__dtype_size(const char *dtype); /* bytes an element; 0: no such type */
/* Elements times size of dtype; false on overflow. */
bool goss__tensor_bytes(int rank, const int64_t *shape, int element, size_t *out);
/* Hash of metadata (sorted, without the hash itself), of the tensors' descriptions in order, and of the data. header: as parsed. */
goss_status goss__content_hash(json_t *header, const goss_file_tensor *tensors, int n, char *text, goss_error *err);
#endif
