/* model.h: trained models and the networks they give, in memory and as files.
 *
 * A goss_model is a method with values for its parameters and all that is needed to use it: how images are made ready,
 * settings, and notes about where it comes from. A goss_network is what adapting to one task gave: a plain network with
 * class names. Both are kept as safetensors files whose metadata says everything: one file is enough.
 * Threads: a model or network that nobody changes may be read by any number of threads. */
#ifndef GOSSAMER_MODEL_H
#define GOSSAMER_MODEL_H

#include "gossamer/config.h"
#include "gossamer/data.h"
#include "gossamer/exec.h"
#include "gossamer/method.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this library, as "0.1.0". */
GOSS_API const char *goss_version(void);

/* ---- models ---- */

typedef struct goss_model goss_model;

/* The keys [model], [method] and [hyper] that describe a method, for goss_config_new. Static storage. */
GOSS_API const goss_key *goss_model_keys(int *n);
/* A model with starting values that depend on seed and tensor names only. settings: a configuration with at least
 * goss_model_keys; NULL: their defaults. Errors: what the method refuses. Owns: goss_model_free. */
GOSS_API GOSS_MUST_USE goss_status goss_model_create(const char *method, const goss_config *settings,
                                                     const goss_image_format *image, uint64_t seed, goss_model **out,
                                                     goss_error *err);
/* Reads a model file. Errors: GOSS_E_IO; GOSS_E_FORMAT for a file that is damaged or no model; GOSS_E_UNSUPPORTED for a
 * newer format. */
GOSS_API GOSS_MUST_USE goss_status goss_model_load(const char *path, goss_model **out, goss_error *err);
/* Replaces the file at once or not at all. */
GOSS_API GOSS_MUST_USE goss_status goss_model_save(const goss_model *m, const char *path, goss_error *err);
GOSS_API void goss_model_free(goss_model *m); /* NULL allowed */

GOSS_API const goss_method *goss_model_method(const goss_model *m);
GOSS_API const goss_config *goss_model_settings(const goss_model *m); /* of goss_model_keys */
GOSS_API goss_image_format goss_model_image(const goss_model *m);
/* Opens a set of images as goss_images_open does, made ready as the model wants them: of the options (NULL: defaults)
 * channels, size and inversion are the model's. Owns: goss_images_close. */
GOSS_API GOSS_MUST_USE goss_status goss_model_open_images(const goss_model *m, const char *path,
                                                          const goss_images_options *options, goss_images **out,
                                                          goss_error *err);
/* The values of the method's parameter i, [total of its layout]. Borrowed, may be written. */
GOSS_API float *goss_model_values(const goss_model *m, int i);
/* Takes over the values of every parameter that has the same name and layout; returns how many those were. */
GOSS_API int goss_model_copy_values(goss_model *to, const goss_model *from);
/* Whether the hypernetwork's weights are kept as bfloat16 in the model's file and by what adapts and evaluates (training is in
 * f32): half the bytes, and about half the time where reading them decides. Setting it rounds them to the nearest; taking it
 * back leaves them as they are. Errors: GOSS_E_UNSUPPORTED for a method that has none. */
GOSS_API GOSS_MUST_USE goss_status goss_model_set_bf16(goss_model *m, bool bf16, goss_error *err);
GOSS_API bool goss_model_is_bf16(const goss_model *m);
/* Copies the values into those parameters of a store that the store has. */
GOSS_API void goss_model_store(const goss_model *m, goss_params *params);

/* Notes are texts by name ("train.seed", "data.hash", "metrics.accuracy") that travel in the file. */
GOSS_API GOSS_MUST_USE goss_status goss_model_note(goss_model *m, const char *name, const char *value, goss_error *err);
GOSS_API const char *goss_model_note_of(const goss_model *m, const char *name); /* NULL: none */

/* ---- networks ---- */

typedef struct goss_network goss_network;

typedef struct goss_adapt_options {
    int fine_tune;         /* gradient steps on the support set after generating (0) */
    int networks;          /* of a model that draws noise: how many; 0: as many as it was trained with */
    goss_threads *threads; /* NULL: made for the call */
} goss_adapt_options;

/* The network for the classes of a support set: every image of the set is an example of its class. It may be an
 * ensemble: several networks, one for each draw of noise, under one name.
 * Errors: GOSS_E_ARGUMENT for fewer than two classes or images of another format than the model's; GOSS_E_UNSUPPORTED
 * for a method that makes no network (pixels). Owns: goss_network_free. options: NULL for defaults. */
GOSS_API GOSS_MUST_USE goss_status goss_model_adapt(const goss_model *m, const goss_images *support,
                                                    const goss_adapt_options *options, goss_network **out,
                                                    goss_error *err);
/* Files of networks; errors as for models. */
GOSS_API GOSS_MUST_USE goss_status goss_network_load(const char *path, goss_network **out, goss_error *err);
GOSS_API GOSS_MUST_USE goss_status goss_network_save(const goss_network *n, const char *path, goss_error *err);
GOSS_API void goss_network_free(goss_network *n); /* NULL allowed */

GOSS_API const goss_target *goss_network_target(const goss_network *n);
GOSS_API goss_image_format goss_network_image(const goss_network *n);
GOSS_API int goss_network_members(const goss_network *n); /* networks in it; 1: no ensemble */
GOSS_API int goss_network_classes(const goss_network *n);
GOSS_API const char *goss_network_class_name(const goss_network *n, int i);
/* Notes of a network travel in its file, too. */
GOSS_API GOSS_MUST_USE goss_status goss_network_note(goss_network *n, const char *name, const char *value,
                                                     goss_error *err);
GOSS_API const char *goss_network_note_of(const goss_network *n, const char *name); /* NULL: none */

/* Class probabilities, the mean over members. Shapes: images [count, height, width, channels] as goss_image_decode_file
 * gives them; out [count, classes]. uncertainty [count], may be NULL: how far the members disagree, the mutual
 * information of class and member in nats: 0 where all say the same (always, without an ensemble), at most the log of
 * the number of classes or members (Depeweg et al. 2018). threads: NULL makes some for the call. */
GOSS_API GOSS_MUST_USE goss_status goss_network_predict(const goss_network *n, const float *images, int count,
                                                        float *out, float *uncertainty, goss_threads *threads,
                                                        goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
