/* SPDX-License-Identifier: Apache-2.0 */
/* samples.h: samples that a model has seen, as a set of 64-bit content hashes. */
#ifndef GOSS_META_SAMPLES_H
#define GOSS_META_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossamer/safetensors.h"

typedef struct goss__samples {
    uint64_t *hash; /* [n], ascending and distinct */
    size_t n;
    bool partial; /* incomplete: further samples were seen but not recorded */
} goss__samples;

void goss__samples_free(goss__samples *s);
/* s becomes the union with hash[n], which may repeat; zeros are left out. */
goss_status goss__samples_add(goss__samples *s, const uint64_t *hash, size_t n, goss_error *err);
bool goss__samples_have(const goss__samples *s, uint64_t hash);
/* As a tensor I64 [n] of that name, and in the metadata "NAME.partial" where that holds. Nothing at all stands for a
 * set of which nothing is known. Borrows until the file is written. */
goss_status goss__samples_write(const goss__samples *s, const char *name, goss_tensor_file *file, goss_error *err);
/* Adds what the file has under that name. */
goss_status goss__samples_read(goss__samples *s, const char *name, const goss_safetensors *f, goss_error *err);
#endif
