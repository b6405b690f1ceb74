/* model.h: a trained method inside. */
#ifndef GOSS_META_MODEL_H
#define GOSS_META_MODEL_H

#include "gossamer/model.h"
#include "meta/notes.h"

#define GOSS__MAX_SIDE 4096

struct goss_model {
    goss_method *method;
    goss_image_format image;
    goss_config *settings; /* goss_model_keys */
    float **values;        /* one a parameter of the method */
    bool bf16;             /* the hypernetwork's values are bfloat16 numbers, kept so in files and in use */
    goss__notes notes;
};

/* A model with room for its values, which are zero. settings is taken over. On an error *out may be a model all the same. */
goss_status goss__model_make(const char *method, goss_config *settings, const goss_image_format *image, goss_model **out,
                             goss_error *err);
/* The parameter that may be kept as bfloat16, and its number among the method's; -1: it has none. */
#define GOSS__HYPER "hyper"
int goss__model_hyper(const goss_method *m);
/* For goss_program_options.bf16: what a program that uses the model, and does not train it, keeps so. */
const char *goss__model_bf16(const goss_model *m);
/* Image format to and from metadata. */
goss_status goss__image_write(const goss_image_format *image, goss_tensor_file *file, goss_error *err);
goss_status goss__image_read(const goss_safetensors *f, goss_image_format *out, goss_error *err);
#endif
