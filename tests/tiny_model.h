/* SPDX-License-Identifier: Apache-2.0 */
/* tiny_model.h: the tiny set as a user opens it, and small models for it. */
#ifndef GOSS_TINY_MODEL_H
#define GOSS_TINY_MODEL_H

#include "gossamer/model.h"
#include "tiny_set.h"

/* more: overrides, NULL at the end; or NULL. Returns NULL with *err set where the settings do not fit together. */
static inline goss_model *tiny_model(const char *method, const char *const *more, goss_error *err) {
    const goss_image_format image = {.channels = 1, .height = TINY_SIDE, .width = TINY_SIDE};
    int n;
    goss_config *c;
    goss_model *m = NULL;
    const goss_key *keys = goss_model_keys(&n);
    if (goss_config_new(keys, n, &c, err) != GOSS_OK) return NULL;
    const goss_data_spec data = goss_data_spec_images(image);
    goss_status s = goss_config_set(c, "model.backbone", "conv 8 3; norm batch; relu; pool max 2; flatten", err);
    for (; more && *more && s == GOSS_OK; more++) s = goss_config_override(c, *more, err);
    if (s == GOSS_OK) s = goss_model_create(method, c, &data, 3, &m, err);
    goss_config_free(c);
    return s == GOSS_OK ? m : NULL;
}

static inline goss_images *tiny_images(goss_error *err) {
    goss_images_options o = goss_images_options_defaults();
    goss_images *set = NULL;
    o.height = o.width = TINY_SIDE;
    return goss_images_open(tiny_set(), &o, &set, err) == GOSS_OK ? set : NULL;
}
#endif
