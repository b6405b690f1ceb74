/* SPDX-License-Identifier: Apache-2.0 */
/* data_spec.h: description of a model's data with owned memory, and as metadata of files. */
#ifndef GOSS_META_DATA_SPEC_H
#define GOSS_META_DATA_SPEC_H

#include "gossamer/model.h"
#include "gossamer/safetensors.h"

typedef struct goss__data_spec {
    goss_data_spec of; /* points into what follows */
    char *kind, *transform;
    char **names, **task_names;
    float *scale; /* [2, outputs] means, deviations */
} goss__data_spec;

/* Errors: GOSS_E_ARGUMENT for an inconsistent spec; GOSS_E_NOMEM. *out may be freed in any case. */
goss_status goss__data_spec_copy(const goss_data_spec *from, goss__data_spec *out, goss_error *err);
void goss__data_spec_free(goss__data_spec *s);
bool goss__data_spec_is_images(const goss_data_spec *s);
/* Images in classes that each task has of its own are described by "image." keys alone, as they always were; image
 * tasks by both, other kinds by "spec." keys. */
goss_status goss__data_spec_write(const goss_data_spec *s, goss_tensor_file *file, goss_error *err);
goss_status goss__data_spec_read(const goss_safetensors *f, goss__data_spec *out, goss_error *err);

/* Names, of any bytes, as a JSON list in the metadata. */
goss_status goss__names_write(const char *const *names, int64_t n, const char *key, goss_tensor_file *file,
                              goss_error *err);
/* [*n], freed by goss__names_free; NULL and 0 where the key is missing. */
goss_status goss__names_read(const goss_safetensors *f, const char *key, char ***names, int64_t *n, goss_error *err);
void goss__names_free(char **names, int64_t n);
#endif
