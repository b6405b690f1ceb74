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
    goss__notes notes;
};

/* Image format to and from metadata. */
goss_status goss__image_write(const goss_image_format *image, goss_tensor_file *file, goss_error *err);
goss_status goss__image_read(const goss_safetensors *f, goss_image_format *out, goss_error *err);
#endif
