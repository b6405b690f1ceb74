/* SPDX-License-Identifier: Apache-2.0 */
/* model.h: trained models and the networks they give, in memory and as files.
 *
 * A goss_model is a method with values for its parameters and all that is needed to use it: what its data is like
 * and how samples are made ready, settings, and notes about where it comes from. A goss_network is what adapting to
 * one task gave: a plain network with the names of its outputs. Both are kept as safetensors files whose metadata
 * says everything: one file is enough. Threads: a model or network that nobody changes may be read by any number of
 * threads. */
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

/* ---- what a model's data is like ---- */

/* What all tasks of a model have in common, kept in its file. */
typedef struct goss_data_spec {
    const char *kind;              /* "images", "table", or what a program calls its own tasks */
    goss_image_format image;       /* of images: what is done to each */
    goss_task_spec task;           /* input, objective, outputs (0: tasks have classes of their own), shared_classes,
                                      descriptor, ids, scale. What else it holds is of no account here */
    const char *const *names;      /* [outputs] of the targets, or of the classes that all tasks share; NULL: none */
    const char *const *task_names; /* [ids]; NULL: none */
    const char *transform;         /* how samples are made ready, in the kind's own words; NULL: nothing is done */
} goss_data_spec;
/* Images of that format in classes that each task has of its own. */
GOSS_API goss_data_spec goss_data_spec_images(goss_image_format format);
/* The tasks of a source. It borrows from the source's spec. */
GOSS_API goss_data_spec goss_data_spec_tasks(const char *kind, const goss_task_spec *tasks);

/* ---- models ---- */

typedef struct goss_model goss_model;

/* The keys [model], [method] and [hyper] that describe a method, for goss_config_new. Static storage. */
GOSS_API const goss_key *goss_model_keys(int *n);
/* A model with starting values that depend on seed and tensor names only. settings: a configuration with at least
 * goss_model_keys; NULL: their defaults. data: copied. Errors: what the method refuses. Owns: goss_model_free. */
GOSS_API GOSS_MUST_USE goss_status goss_model_create(const char *method, const goss_config *settings,
                                                     const goss_data_spec *data, uint64_t seed, goss_model **out,
                                                     goss_error *err);
/* Reads a model file. Errors: GOSS_E_IO; GOSS_E_FORMAT for a file that is damaged or no model; GOSS_E_UNSUPPORTED for a
 * newer format; GOSS_E_NUMERIC with the name of the first tensor that holds a number which is not finite. */
GOSS_API GOSS_MUST_USE goss_status goss_model_load(const char *path, goss_model **out, goss_error *err);
/* Replaces the file at once or not at all. Errors: GOSS_E_NUMERIC for values that are not finite, which no reader would
 * take. */
GOSS_API GOSS_MUST_USE goss_status goss_model_save(const goss_model *m, const char *path, goss_error *err);
GOSS_API void goss_model_free(goss_model *m); /* NULL allowed */

GOSS_API const goss_method *goss_model_method(const goss_model *m);
GOSS_API const goss_config *goss_model_settings(const goss_model *m); /* of goss_model_keys */
GOSS_API const goss_data_spec *goss_model_data(const goss_model *m);
GOSS_API goss_image_format goss_model_image(const goss_model *m); /* of goss_model_data */
/* Opens a set of images as goss_images_open does, made ready as the model wants them: of the options (NULL: defaults)
 * channels, size and inversion are the model's. Owns: goss_images_close. */
GOSS_API GOSS_MUST_USE goss_status goss_model_open_images(const goss_model *m, const char *path,
                                                          const goss_images_options *options, goss_images **out,
                                                          goss_error *err);
/* The values of the method's parameter i, [total of its layout]. Borrowed, may be written. */
GOSS_API float *goss_model_values(const goss_model *m, int i);
/* Takes over what another model has learned, and what it has seen (below). The embedding is taken whole: `target` and,
 * where `to` keeps running statistics, `running`, which fit these weights alone. Of the other parameters (`hyper`,
 * `head`), those that have the same tensors in both are taken, too. fresh: NULL, or gets a bit for each parameter of
 * `to` that keeps its own values (1 << its number). Errors: GOSS_E_ARGUMENT names the first tensor of the embedding
 * that `from` has not, or has with another shape; `to` is as it was. */
GOSS_API GOSS_MUST_USE goss_status goss_model_copy_values(goss_model *to, const goss_model *from, unsigned *fresh,
                                                          goss_error *err);
/* Whether the hypernetwork's weights are kept as bfloat16 in the model's file and by what adapts and evaluates
 * (training is in f32): half the bytes, and about half the time where reading them decides. Setting it rounds them to
 * the nearest; taking it back leaves them as they are. Errors: GOSS_E_UNSUPPORTED for a method that has none. */
GOSS_API GOSS_MUST_USE goss_status goss_model_set_bf16(goss_model *m, bool bf16, goss_error *err);
GOSS_API bool goss_model_is_bf16(const goss_model *m);
/* Copies the values into those parameters of a store that the store has. Errors: GOSS_E_SHAPE for one of another size.
 */
GOSS_API GOSS_MUST_USE goss_status goss_model_store(const goss_model *m, goss_params *params, goss_error *err);

/* Notes are texts by name ("train.seed", "data.hash", "metrics.accuracy") that travel in the file. */
GOSS_API GOSS_MUST_USE goss_status goss_model_note(goss_model *m, const char *name, const char *value, goss_error *err);
GOSS_API const char *goss_model_note_of(const goss_model *m, const char *name); /* NULL: none */

/* ---- what was learned beside the weights, and what can be regularised ---- */

/* A tensor that travels in a model's file and is none of its weights: a graph over its tasks. */
typedef struct goss_model_tensor {
    const char *name; /* begins with "regularizers." */
    int rank;
    int64_t shape[GOSS_MAX_RANK];
    const float *data;
} goss_model_tensor;
/* Keeps a copy under that name, in place of one that is there. Errors: GOSS_E_ARGUMENT for another kind of name;
 * GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_model_keep(goss_model *m, const char *name, int rank, const int64_t *shape,
                                                   const float *data, goss_error *err);
/* The i-th; NULL behind the last. Borrowed until the next goss_model_keep. */
GOSS_API const goss_model_tensor *goss_model_kept(const goss_model *m, int i);
/* Sets a model that was trained with all strengths of the section [regularizer.NAME] (weight = conditioned) to one of
 * them: what it is then asked for is of that strength. Errors: GOSS_E_UNSUPPORTED for a model of one strength;
 * GOSS_E_ARGUMENT for a name that it does not have, and a strength outside of the range that it was trained with. */
GOSS_API GOSS_MUST_USE goss_status goss_model_set_strength(goss_model *m, const char *name, double strength,
                                                           goss_error *err);
/* Tells what the model's method publishes in training (goss_publish): names, and shapes as "T x Q x 64" of T tasks, Q
 * queries, S support samples and W classes. Errors: GOSS_E_NOMEM; what the method reports. */
GOSS_API GOSS_MUST_USE goss_status goss_model_published(const goss_model *m,
                                                        void (*found)(void *context, const char *name,
                                                                      const char *shape),
                                                        void *context, goss_error *err);

/* ---- what a model has seen ----
 *
 * A model keeps which images it was trained on, and by which it was chosen among others (validation), as hashes of
 * their decoded content (goss_images_sample): whether a test is on images it has seen is decided by what they show, not
 * by names. An image counts as one however it is turned (`rotations`) or warped in training. */

typedef enum goss_use { GOSS_USE_TRAIN, GOSS_USE_VALIDATE, GOSS_USES } goss_use;

/* Notes in the model that the images of those classes (NULL: all) were used so. Errors: GOSS_E_ARGUMENT for images of
 * another format than the model's; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_model_mark(goss_model *m, goss_use use, const goss_images *set,
                                                   const goss_class_list *classes, goss_error *err);
/* The same of samples of any kind, by hashes of their content (goss_table_data_rows), which may repeat. */
GOSS_API GOSS_MUST_USE goss_status goss_model_mark_samples(goss_model *m, goss_use use, const uint64_t *hash, size_t n,
                                                           goss_error *err);
/* The hashes noted, ascending and distinct: borrowed, [*n]. */
GOSS_API const uint64_t *goss_model_samples(const goss_model *m, goss_use use, size_t *n);

/* Which images of some classes a model has used. */
typedef struct goss_overlap {
    int images, classes; /* of those asked about: seen images, and classes that have some */
    int first;           /* one of these images; -1: none */
    bool complete; /* false: the model has used images that it does not know of, so that there may be more: its file is
                            older than this, or it was started from such a one, or from one of another image format */
} goss_overlap;
/* The images of those classes (NULL: all) that the model has used so. seen: NULL, or [images of the set], where the
 * entries of these images become true. Errors: as goss_model_mark. */
GOSS_API GOSS_MUST_USE goss_status goss_model_overlap(const goss_model *m, goss_use use, const goss_images *set,
                                                      const goss_class_list *classes, bool *seen, goss_overlap *out,
                                                      goss_error *err);

/* ---- networks ---- */

typedef struct goss_network goss_network;

/* As many steps as answer samples best that are held out of the support set (none where there are too few): quarters of
 * it in turn, or the last quarter where samples follow each other in an order.
 * Not for predictors. */
#define GOSS_FINE_TUNE_AUTO (-1)

typedef struct goss_adapt_options {
    int fine_tune;         /* gradient steps on the support set after generating (0), or GOSS_FINE_TUNE_AUTO */
    int networks;          /* of a model that draws noise: how many; 0: as many as it was trained with */
    bool ordered;          /* support samples follow each other, in time: for GOSS_FINE_TUNE_AUTO (false) */
    goss_threads *threads; /* NULL: made for the call */
} goss_adapt_options;

/* The network for the classes of a support set: every image of the set is an example of its class. It may be an
 * ensemble: several networks, one for each draw of noise, under one name.
 * Errors: GOSS_E_ARGUMENT for fewer than two classes or images of another format than the model's; GOSS_E_UNSUPPORTED
 * for a method that makes no network (pixels); GOSS_E_NUMERIC for weights that are not finite. Owns: goss_network_free.
 * options: NULL for defaults. */
GOSS_API GOSS_MUST_USE goss_status goss_model_adapt(const goss_model *m, const goss_images *support,
                                                    const goss_adapt_options *options, goss_network **out,
                                                    goss_error *err);
/* The network for task k of a source: its support set, and what else the model's method looks at (the descriptor,
 * the task's number). names: of the outputs; NULL: those of goss_model_data, or none. Errors: GOSS_E_ARGUMENT for
 * tasks that are not of the model's kind, by number of inputs, outputs and descriptors; else as above. */
GOSS_API GOSS_MUST_USE goss_status goss_model_adapt_task(const goss_model *m, const goss_task_source *source,
                                                         uint64_t k, const char *const *names,
                                                         const goss_adapt_options *options, goss_network **out,
                                                         goss_error *err);
/* The network of a task that the model was trained on, by its number 0 .. ids - 1 (goss_data_spec.task_names): nothing
 * of it has to be shown. outputs: classes that the task has, where tasks have classes of their own; else of no account.
 * Errors: GOSS_E_ARGUMENT for a model whose tasks have no numbers, one that looks at support sets, and a number out of
 * range; else as above. */
GOSS_API GOSS_MUST_USE goss_status goss_model_adapt_known(const goss_model *m, int64_t id, int outputs,
                                                          const char *const *names, const goss_adapt_options *options,
                                                          goss_network **out, goss_error *err);
/* Files of networks; errors as for models. */
GOSS_API GOSS_MUST_USE goss_status goss_network_load(const char *path, goss_network **out, goss_error *err);
GOSS_API GOSS_MUST_USE goss_status goss_network_save(const goss_network *n, const char *path, goss_error *err);
GOSS_API void goss_network_free(goss_network *n); /* NULL allowed */

GOSS_API const goss_target *goss_network_target(const goss_network *n);
GOSS_API const goss_data_spec *goss_network_data(const goss_network *n); /* of its model */
GOSS_API goss_image_format goss_network_image(const goss_network *n);
GOSS_API int goss_network_outputs(const goss_network *n);                    /* classes, or numbers of a target */
GOSS_API const char *goss_network_output_name(const goss_network *n, int i); /* "": it has none */
GOSS_API int goss_network_members(const goss_network *n);                    /* networks in it; 1: no ensemble */
GOSS_API bool goss_network_tells_uncertainty(const goss_network *n);         /* of what it predicts */
GOSS_API int goss_network_classes(const goss_network *n);                    /* 0: it predicts numbers */
GOSS_API const char *goss_network_class_name(const goss_network *n, int i);
/* Notes of a network travel in its file, too. */
GOSS_API GOSS_MUST_USE goss_status goss_network_note(goss_network *n, const char *name, const char *value,
                                                     goss_error *err);
GOSS_API const char *goss_network_note_of(const goss_network *n, const char *name); /* NULL: none */

/* What is predicted, the mean over members: class probabilities, or numbers in the user's units. Shapes: x [count,
 * input...], made ready as the model's samples are (images as goss_image_decode_file gives them); out [count, outputs].
 * uncertainty [count], may be NULL; 0 where the network tells none. With classes it is how far the members disagree:
 * the mutual information of class and member in nats, at most the log of the number of classes or members (Depeweg et
 * al. 2018). With numbers it is a standard deviation in the target's units (with several targets: the root of the mean
 * square of the standardised ones): of the members' numbers around their mean, and with objective "gaussian" of the
 * target around each of them, too. threads: NULL makes some for the call. It compiles at each call: goss_predictor does
 * not. Errors: GOSS_E_NUMERIC names the first sample whose prediction is not finite. */
GOSS_API GOSS_MUST_USE goss_status goss_network_predict(const goss_network *n, const float *x, int count, float *out,
                                                        float *uncertainty, goss_threads *threads, goss_error *err);

/* ---- predictors ---- */

/* What adapts and predicts many times and compiles once. Threads: a predictor belongs to one thread at a time; any
 * number of them may share a model or network (each with its own goss_threads, or NULL). */
typedef struct goss_predictor goss_predictor;

/* Of a network. Borrows it. threads: NULL: its own. Owns: goss_predictor_free. */
GOSS_API GOSS_MUST_USE goss_status goss_predictor_of_network(const goss_network *network, goss_threads *threads,
                                                             goss_predictor **out, goss_error *err);
/* Of a model, for tasks of up to most->supports support samples and, where tasks have classes of their own, exactly
 * most->outputs classes (what else `most` holds is of no account). Borrows the model, whose values are copied. Errors:
 * as goss_model_adapt_task. */
GOSS_API GOSS_MUST_USE goss_status goss_predictor_of_model(const goss_model *model, const goss_task_spec *most,
                                                           const goss_adapt_options *options, goss_predictor **out,
                                                           goss_error *err);
GOSS_API void goss_predictor_free(goss_predictor *p); /* NULL allowed */
/* Adapts the model to task k of a source; allocates nothing. Errors: GOSS_E_ARGUMENT for a task that is not as planned,
 * GOSS_E_NUMERIC; nothing can then be predicted until the next adapting. */
GOSS_API GOSS_MUST_USE goss_status goss_predictor_adapt(goss_predictor *p, const goss_task_source *source, uint64_t k,
                                                        goss_error *err);
/* The network as it is now, borrowed until the next adapting; NULL: none yet. */
GOSS_API const goss_network *goss_predictor_network(const goss_predictor *p);
/* As goss_network_predict; allocates nothing. Errors: also GOSS_E_ARGUMENT before the first adapting. */
GOSS_API GOSS_MUST_USE goss_status goss_predictor_predict(goss_predictor *p, const float *x, int count, float *out,
                                                          float *uncertainty, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
