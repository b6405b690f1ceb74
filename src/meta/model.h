/* SPDX-License-Identifier: Apache-2.0 */
/* model.h: internals of a trained method. */
#ifndef GOSS_META_MODEL_H
#define GOSS_META_MODEL_H

#include "gossamer/model.h"
#include "meta/data_spec.h"
#include "meta/notes.h"
#include "meta/samples.h"

struct goss_model {
    goss_method *method;
    goss__data_spec data;
    goss_config *settings; /* goss_model_keys */
    float **values;        /* one a parameter of the method */
    bool bf16;             /* the hypernetwork's values are bfloat16 numbers, kept so in files and in use */
    goss__notes notes;
    goss__samples seen[GOSS_USES];
    goss_model_tensor *kept; /* owned, with their names and numbers */
    int n_kept;
};

/* A model with room for its values, which are zero. settings is taken over. of_file: as in goss__method_from_config. On
 * an error *out may be a model all the same. */
goss_status goss__model_make(const char *method, goss_config *settings, const goss_data_spec *data, bool of_file,
                             goss_model **out, goss_error *err);
/* The parameter that may be kept as bfloat16, and its number among the method's; -1: it has none. */
#define GOSS__HYPER "hyper"
int goss__model_hyper(const goss_method *m);
/* model_values.c: what a model has seen becomes what one has seen that takes its weights over. */
goss_status goss__model_inherit(goss_model *to, const goss_model *from, goss_error *err);
/* GOSS_E_NUMERIC with the name of the first tensor that is not finite. */
goss_status goss__model_finite(const goss_model *m, goss_error *err);
/* GOSS_E_ARGUMENT for a model of another kind of data. */
goss_status goss__model_is_of_images(const goss_model *m, goss_error *err);
/* GOSS_E_ARGUMENT where images are made ready in another way than the model wants. */
goss_status goss__model_fits(const goss_model *m, const goss_images *set, goss_error *err);
bool goss__same_format(const goss_image_format *a, const goss_image_format *b);
/* For goss_schedule_options.bf16: what a program that uses the model, and does not train it, keeps so. */
const char *goss__model_bf16(const goss_model *m);
/* model_published.c: "T x Q x 64". Owned: goss__free; NULL: no memory. */
char *goss__published_shape(const goss_graph *g, goss_shape shape);
/* model_kept.c: whether a file's tensor of that name is none of the weights; tensors to and from a file. */
bool goss__is_kept(const char *tensor);
void goss__kept_free(goss_model *m);
goss_status goss__kept_write(const goss_model *m, goss_tensor_file *file, goss_error *err);
goss_status goss__kept_read(goss_model *m, const goss_safetensors *f, goss_error *err);
/* What the model has seen to and from a file; reading adds it. */
goss_status goss__seen_write(const goss_model *m, goss_tensor_file *file, goss_error *err);
goss_status goss__seen_read(goss_model *m, const goss_safetensors *f, goss_error *err);
#endif
