/* SPDX-License-Identifier: Apache-2.0 */
/* notes.h: named texts stored with a model: provenance and metrics. Sorted by name. */
#ifndef GOSS_META_NOTES_H
#define GOSS_META_NOTES_H

#include "gossamer/nn.h"
#include "gossamer/safetensors.h"

typedef struct goss__notes {
    char **text; /* name and value in turn */
    int n;       /* pairs */
} goss__notes;

/* Bytes of a value that are no UTF-8 are kept as "\\xNN": a path may hold any. */
goss_status goss__notes_set(goss__notes *notes, const char *name, const char *value, goss_error *err);
const char *goss__notes_get(const goss__notes *notes, const char *name); /* NULL: none */
void goss__notes_free(goss__notes *notes);
goss_status goss__notes_write(const goss__notes *notes, goss_tensor_file *file, goss_error *err);

/* ---- what model and network files share ---- */

#define GOSS__KIND_KEY "gossamer.kind"
/* Errors unless the file says that it is of this kind ("model 1"). */
goss_status goss__file_kind(const goss_safetensors *f, const char *kind, goss_error *err);
/* A number in the metadata, min to max. */
goss_status goss__file_number(const goss_safetensors *f, const char *key, int64_t min, int64_t max, int64_t *out,
                              goss_error *err);
/* The numbers of a tensor, by its type; 0 for one that is none of F32, BF16 and I8. */
int64_t goss__tensor_numel(const goss_file_tensor *t);
/* Errors: GOSS_E_FORMAT: it has not the entry's shape. */
goss_status goss__same_shape(const goss_file_tensor *t, const goss_entry *e, goss_error *err);
/* One tensor, F32 or BF16, which must have the entry's shape and finite numbers. */
goss_status goss__tensor_read(const goss_safetensors *f, const char *name, const goss_entry *e, float *out,
                              goss_error *err);
/* The tensors of a slab, as "prefix.name" (no prefix: NULL). */
goss_status goss__slab_write(goss_tensor_file *file, const char *prefix, const goss_layout *l, const float *slab,
                             goss_error *err);
/* The same of a slab of bfloat16 numbers. */
goss_status goss__slab_write_bf16(goss_tensor_file *file, const char *prefix, const goss_layout *l,
                                  const uint16_t *slab, goss_error *err);
goss_status goss__slab_read(const goss_safetensors *f, const char *prefix, const goss_layout *l, float *slab,
                            goss_error *err);
#endif
