/* SPDX-License-Identifier: Apache-2.0 */
/* model.h: trained models and the networks adapted from them, in memory and as files.
 *
 * A goss_model consists of a method, values of its parameters, and all that is needed to apply it: the properties and
 * preprocessing of its data, settings, and notes on its provenance. A goss_network is the result of adapting it to one
 * task: an ordinary network with the names of its outputs. Both are stored as self-contained safetensors files
 * (docs/file-format.md).
 *
 *     GOSS_TRY(goss_model_load("model.safetensors", &m, err));
 *     GOSS_TRY(goss_model_open_images(m, "support/", NULL, &support, err));            // a folder for each class
 *     GOSS_TRY(goss_model_adapt(m, support, NULL, &n, err));                           // a network for these classes
 *     GOSS_TRY(goss_network_predict(n, x, count, probabilities, NULL, NULL, err));
 *     GOSS_TRY(goss_network_save(n, "animals.safetensors", err));                      // usable without the model
 *
 * Models are trained by goss_train (train.h), or by a program's own loop over goss_step (step.h). Many tasks or many
 * small batches: goss_predictor, which compiles once.
 *
 * Ownership: what a function returns as const is borrowed from the model or network, and valid until it is freed or the
 * same thing is set again. Threads: a model or network may be read by any number of threads while none changes it. */
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

/* ---- properties of a model's data ---- */

/* The common properties of a model's tasks, stored in its file. */
typedef struct goss_data_spec {
    const char *kind;        /* "images", "table", or a name chosen by the program */
    goss_image_format image; /* of images: their preprocessing */
    /* input, lengths, objective, outputs (0: tasks have their own classes), shared_classes, descriptor, ids, scale;
     * other members are ignored */
    goss_task_spec task;
    const char *const *names;      /* [outputs] of targets, or of shared classes; NULL: none */
    const char *const *task_names; /* [ids]; NULL: none */
    const char *transform;         /* preprocessing of samples, as text defined by the kind; NULL: none */
    /* Samples are sequences of ids below it, which model.backbone = auto begins with an embedding for; 0: they are not.
     * Not stored: the backbone is. */
    int tokens;
} goss_data_spec;
/* Images of a format, with classes that differ by task: samples [height, width, channels]. */
GOSS_API goss_data_spec goss_data_spec_images(goss_image_format format);
/* The properties of a source's tasks, of which any may come to a model later (task.known is not taken over); outputs is
 * 0 where tasks have their own classes. Borrows kind and what the spec borrows. */
GOSS_API goss_data_spec goss_data_spec_tasks(const char *kind, const goss_task_spec *tasks);

/* ---- models ---- */

/* A model: a method, values of its parameters, settings, the data's properties, notes. */
typedef struct goss_model goss_model;

/* The keys [model], [method], [hyper] ... that define a method, for goss_config_new. Static storage. */
GOSS_API const goss_key *goss_model_keys(int *n);
/* Creates a model with initial values, which depend on seed and tensor names alone. settings: a configuration with at
 * least goss_model_keys; NULL: their defaults. data: copied. Errors: GOSS_E_ARGUMENT: an unknown method, settings that
 * exclude each other or do not suit the data; GOSS_E_NOMEM. Owns: *out, goss_model_free. */
GOSS_API GOSS_MUST_USE goss_status goss_model_create(const char *method, const goss_config *settings,
                                                     const goss_data_spec *data, uint64_t seed, goss_model **out,
                                                     goss_error *err);
/* Reads a model file. Errors: GOSS_E_IO; GOSS_E_FORMAT: a damaged file, or not a model; GOSS_E_UNSUPPORTED: a newer
 * format, or settings of a newer version; GOSS_E_NUMERIC: a tensor with elements that are not finite. Owns: *out,
 * goss_model_free. */
GOSS_API GOSS_MUST_USE goss_status goss_model_load(const char *path, goss_model **out, goss_error *err);
/* Writes a model file, replacing an existing one atomically. Equal models give equal bytes. Errors: GOSS_E_IO;
 * GOSS_E_NUMERIC: values that are not finite, which no reader accepts, by tensor and place; GOSS_E_UNSUPPORTED: a build
 * without xxhash; GOSS_E_NOMEM. The old file is then unchanged. */
GOSS_API GOSS_MUST_USE goss_status goss_model_save(const goss_model *m, const char *path, goss_error *err);
/* Frees a model; NULL is allowed. */
GOSS_API void goss_model_free(goss_model *m);

/* The method. Borrowed. */
GOSS_API const goss_method *goss_model_method(const goss_model *m);
/* The settings, with the keys of goss_model_keys. Borrowed. */
GOSS_API const goss_config *goss_model_settings(const goss_model *m);
/* The properties of the data. Borrowed. */
GOSS_API const goss_data_spec *goss_model_data(const goss_model *m);
/* The image format of the data; all 0 if it is not images. */
GOSS_API goss_image_format goss_model_image(const goss_model *m);
/* Opens images as goss_images_open does, with the model's preprocessing: channels, size and inversion of the options
 * (NULL: defaults) are replaced by the model's. Errors: as goss_images_open. Owns: *out, goss_images_close. */
GOSS_API GOSS_MUST_USE goss_status goss_model_open_images(const goss_model *m, const char *path,
                                                          const goss_images_options *options, goss_images **out,
                                                          goss_error *err);
/* The values of the method's parameter i (goss_method_param_at), [goss_layout_total of its layout]. Borrowed; may be
 * written, by one thread while no other reads the model. */
GOSS_API float *goss_model_values(const goss_model *m, int i);
/* Copies the learned values of another model, and its seen samples (below), for fine-tuning. The embedding is copied
 * completely: `target` and, if `to` has running statistics, `running`, which match these weights alone. Other
 * parameters (`hyper`, `head`) are copied if both models have the same tensors. fresh: NULL, or receives a bit 1 << i
 * for each parameter i of `to` that is not copied. Errors: GOSS_E_ARGUMENT names the first tensor of the embedding that
 * `from` lacks, or has with another shape; `to` is then unchanged. */
GOSS_API GOSS_MUST_USE goss_status goss_model_copy_values(goss_model *to, const goss_model *from, unsigned *fresh,
                                                          goss_error *err);
/* Sets whether the hypernetwork's weights are stored as bfloat16, in the model's file and in adaptation and evaluation
 * (training uses f32). This halves the bytes, and the time where it is bound by reading them. Setting it rounds the
 * weights to nearest; unsetting it keeps the rounded values. Errors: GOSS_E_UNSUPPORTED: a method without a
 * hypernetwork. */
GOSS_API GOSS_MUST_USE goss_status goss_model_set_bf16(goss_model *m, bool bf16, goss_error *err);
/* Whether the hypernetwork's weights are stored as bfloat16. */
GOSS_API bool goss_model_is_bf16(const goss_model *m);
/* Copies the values to the parameters of a store, as far as it has them: a store lacks what its schedules do not read.
 * Errors: GOSS_E_SHAPE: a parameter of another size; those before it are then copied. */
GOSS_API GOSS_MUST_USE goss_status goss_model_store(const goss_model *m, goss_params *params, goss_error *err);

/* Sets a note, a named text ("train.seed", "data.hash", "metrics.accuracy") that is stored in the file. Errors:
 * GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_model_note(goss_model *m, const char *name, const char *value, goss_error *err);
/* The note of that name, borrowed; NULL: none. */
GOSS_API const char *goss_model_note_of(const goss_model *m, const char *name);

/* ---- learned structure, and values that can be regularised ---- */

/* A tensor in a model's file besides its weights, such as a graph over its tasks. */
typedef struct goss_model_tensor {
    const char *name; /* begins with "regularizers." */
    int rank;
    int64_t shape[GOSS_MAX_RANK]; /* [rank] */
    const float *data;            /* dense, row-major */
} goss_model_tensor;
/* Adds or replaces such a tensor; name and data are copied. Errors: GOSS_E_ARGUMENT: a name with another prefix, or a
 * rank above GOSS_MAX_RANK; GOSS_E_NOMEM; the model is then unchanged. */
GOSS_API GOSS_MUST_USE goss_status goss_model_keep(goss_model *m, const char *name, int rank, const int64_t *shape,
                                                   const float *data, goss_error *err);
/* Tensor i; NULL after the last. Borrowed until the next goss_model_keep. */
GOSS_API const goss_model_tensor *goss_model_kept(const goss_model *m, int i);
/* Selects the strength of the section [regularizer.NAME] in a model that was conditioned on strengths in training
 * (weight = conditioned); later adaptations and predictions are those for that strength. The method's input is
 * the strength's logarithm, scaled so that the training range is -1 .. 1. Errors: GOSS_E_UNSUPPORTED: a model of a
 * single strength; GOSS_E_ARGUMENT: an unknown name, a strength outside the training range; GOSS_E_FORMAT: a damaged
 * range in the file; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_model_set_strength(goss_model *m, const char *name, double strength,
                                                           goss_error *err);
/* Enumerates the values that the model's method publishes in training (goss_publish) by calling found with name and
 * shape, such as "T x Q x 64" for T tasks, Q queries, S support samples, W classes, L steps of sequences ("one
 * number": a scalar). Texts are borrowed during the call. Errors: GOSS_E_NOMEM; those of the method. */
GOSS_API GOSS_MUST_USE goss_status goss_model_published(const goss_model *m,
                                                        void (*found)(void *context, const char *name,
                                                                      const char *shape),
                                                        void *context, goss_error *err);

/* ---- seen samples ----
 *
 * A model stores hashes of the decoded content (goss_images_sample) of the images used for training and for model
 * selection (validation), so that overlap with test images is detected by content, not by name. Rotated (`rotations`)
 * or augmented versions count as the same image. */

/* How samples were used: for training, or for choosing a model. */
typedef enum goss_use { GOSS_USE_TRAIN, GOSS_USE_VALIDATE, GOSS_USES } goss_use;

/* Records a use of the images of some classes (NULL: all). Errors: GOSS_E_ARGUMENT: images of another format than the
 * model's; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_model_mark(goss_model *m, goss_use use, const goss_images *set,
                                                   const goss_class_list *classes, goss_error *err);
/* The same for samples of any kind, by hashes of their content (goss_table_data_rows), possibly repeated. Errors:
 * GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_model_mark_samples(goss_model *m, goss_use use, const uint64_t *hash, size_t n,
                                                           goss_error *err);
/* The recorded hashes, ascending and distinct. Borrowed, [*n]. */
GOSS_API const uint64_t *goss_model_samples(const goss_model *m, goss_use use, size_t *n);

/* The images of some classes that a model has used. */
typedef struct goss_overlap {
    int images, classes; /* the numbers of seen images, and of classes with some */
    int first;           /* one of these images; -1: none */
    /* false: the model has used unrecorded images, so that there may be more: its file is older than the recording,
     * or it was initialised from such a model or one with another image format */
    bool complete;
} goss_overlap;
/* Determines the images of some classes (NULL: all) with a recorded use. seen: NULL, or [images of the set], in which
 * the entries of these images are set. Errors: as goss_model_mark. */
GOSS_API GOSS_MUST_USE goss_status goss_model_overlap(const goss_model *m, goss_use use, const goss_images *set,
                                                      const goss_class_list *classes, bool *seen, goss_overlap *out,
                                                      goss_error *err);

/* ---- networks ---- */

/* A network adapted to one task, or an ensemble of such. */
typedef struct goss_network goss_network;

/* fine_tune: the number of steps is chosen by cross-validation on the support set: 4 folds, or the last quarter if its
 * samples are ordered; none if it is too small. Not for predictors. */
#define GOSS_FINE_TUNE_AUTO (-1)

/* Settings of adapting; defaults in brackets. */
typedef struct goss_adapt_options {
    int fine_tune; /* gradient steps on the support set after generation (0), or GOSS_FINE_TUNE_AUTO */
    int networks;  /* of a model with noise: the ensemble's size; 0: as in training */
    /* Limits of a network whose structure is generated, of one sample (space.h); 0: none, and in bytes the most that
     * the model was trained for (0). The networks of an ensemble have one structure and keep within bytes and MACs
     * together. */
    goss_space_budget budget;
    /* How the network's file stores weights (F32). Int8: weights are rounded as soon as it is made, GOSS_FINE_TUNE_AUTO
     * judges such networks, and budget.bytes counts them so. */
    goss_weight_precision precision;
    bool ordered;          /* support samples are ordered, as in time, for GOSS_FINE_TUNE_AUTO (false) */
    goss_threads *threads; /* NULL: created for the call */
    /* Method tables: the task's queries are further labelled samples, to which the head is fitted beside the support
     * set (false). */
    bool labelled_queries;
} goss_adapt_options;

/* Adapts a model to the classes of a support set, in which every image is an example of its class. The result may be an
 * ensemble, one network per draw of noise. options: NULL: the defaults. Errors: GOSS_E_ARGUMENT: fewer than two
 * classes, images of another format than the model's; GOSS_E_UNSUPPORTED: a method without networks (pixels);
 * GOSS_E_NUMERIC: weights that are not finite. Owns: *out, goss_network_free. */
GOSS_API GOSS_MUST_USE goss_status goss_model_adapt(const goss_model *m, const goss_images *support,
                                                    const goss_adapt_options *options, goss_network **out,
                                                    goss_error *err);
/* The same for task k of a source: its support set, and the side information that the method uses (descriptor, id).
 * names: of the outputs; NULL: those of goss_model_data, or none. Errors: GOSS_E_ARGUMENT: tasks with other inputs,
 * outputs or descriptors than the model's; otherwise as goss_model_adapt. Owns: *out, goss_network_free. */
GOSS_API GOSS_MUST_USE goss_status goss_model_adapt_task(const goss_model *m, const goss_task_source *source,
                                                         uint64_t k, const char *const *names,
                                                         const goss_adapt_options *options, goss_network **out,
                                                         goss_error *err);
/* The network of a training task by its id 0 .. ids - 1 (goss_data_spec.task_names), without a support set. outputs:
 * the number of the task's classes if tasks have their own classes; otherwise ignored. Errors: GOSS_E_ARGUMENT: a model
 * without task ids, a method that needs a support set, an id out of range, gradient steps (there is nothing to take
 * them on); otherwise as goss_model_adapt. Owns: *out, goss_network_free. */
GOSS_API GOSS_MUST_USE goss_status goss_model_adapt_known(const goss_model *m, int64_t id, int outputs,
                                                          const char *const *names, const goss_adapt_options *options,
                                                          goss_network **out, goss_error *err);
/* Reads a network file. Errors: as goss_model_load. Owns: *out, goss_network_free. */
GOSS_API GOSS_MUST_USE goss_status goss_network_load(const char *path, goss_network **out, goss_error *err);
/* Writes a network file atomically, with all that predicting needs: architecture, weights, preprocessing, names.
 * Errors: as goss_model_save. */
GOSS_API GOSS_MUST_USE goss_status goss_network_save(const goss_network *n, const char *path, goss_error *err);
/* Rounds the weights of a network to those that a file of that precision holds, and has goss_network_save write such
 * files (weight_precision.h). Errors: GOSS_E_ARGUMENT: F32 for a network of rounded weights; GOSS_E_NUMERIC: weights
 * too large for it; GOSS_E_NOMEM. The network is then as it was. */
GOSS_API GOSS_MUST_USE goss_status goss_network_set_precision(goss_network *n, goss_weight_precision p,
                                                              goss_error *err);
/* How its file stores weights. */
GOSS_API goss_weight_precision goss_network_precision(const goss_network *n);
/* The bytes of all tensors in its file: of an ensemble, what its members share counts once. */
GOSS_API int64_t goss_network_bytes(const goss_network *n);
/* Frees a network; NULL is allowed. */
GOSS_API void goss_network_free(goss_network *n);

/* The architecture, with its head. Borrowed. */
GOSS_API const goss_target *goss_network_target(const goss_network *n);
/* The properties of its model's data. Borrowed. */
GOSS_API const goss_data_spec *goss_network_data(const goss_network *n);
/* The image format of that data, for goss_image_decode_file; all 0 if it is not images. */
GOSS_API goss_image_format goss_network_image(const goss_network *n);
/* The number of outputs: classes, or numbers per target. */
GOSS_API int goss_network_outputs(const goss_network *n);
/* The numbers of a prediction: as many as outputs, or [steps, outputs] of a network that answers at each step
 * (goss_objective.steps). */
GOSS_API int goss_network_answers(const goss_network *n);
/* The name of output i in [0, outputs), of a class or of a target; "": none. Borrowed. */
GOSS_API const char *goss_network_output_name(const goss_network *n, int i);
/* The number of networks in an ensemble; 1: not an ensemble. */
GOSS_API int goss_network_members(const goss_network *n);
/* Whether predictions have an uncertainty: an ensemble, or objective "gaussian"; not where each step has an answer, nor
 * where quantiles are predicted. */
GOSS_API bool goss_network_tells_uncertainty(const goss_network *n);
/* The levels [*levels] of the quantiles that are predicted, ascending; NULL and 0: none (another objective than
 * "quantile"). Borrowed. */
GOSS_API const double *goss_network_levels(const goss_network *n, int *levels);
/* The number of classes; 0: it predicts numbers. */
GOSS_API int goss_network_classes(const goss_network *n);
/* The name of class i, as goss_network_output_name. Borrowed. */
GOSS_API const char *goss_network_class_name(const goss_network *n, int i);
/* Sets a note, a named text that is stored in the file; a repeated name replaces its text. Both are copied. Errors:
 * GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_network_note(goss_network *n, const char *name, const char *value,
                                                     goss_error *err);
/* Replaces the preprocessing in goss_network_data by another text of the same kind, such as one without what the
 * network does not need. Errors: GOSS_E_NOMEM; the network is then unchanged. */
GOSS_API GOSS_MUST_USE goss_status goss_network_set_transform(goss_network *n, const char *transform, goss_error *err);
/* The note of that name, borrowed; NULL: none. */
GOSS_API const char *goss_network_note_of(const goss_network *n, const char *name);

/* Predicts, as the mean over members: class probabilities, or numbers in the user's units. Shapes: x [count, input...],
 * preprocessed as the model's samples (images as by goss_image_decode_file); out [count, outputs], or [count, steps,
 * outputs] of an answer at each step, 0 beyond a sample's length; uncertainty [count] or NULL, 0 if the network has
 * none.
 *
 * With classes the uncertainty is the disagreement of members, the mutual information of class and member in nats
 * (Depeweg et al. 2018), at most the logarithm of the number of classes or members:
 *
 *     H(mean_m p_m) - mean_m H(p_m)        H(p) = -sum_c p_c log p_c
 *
 * With numbers it is a standard deviation in the target's units, of the members' predictions y_m and, with objective
 * "gaussian", of the target as well, by its predicted variance v_m (law of total variance):
 *
 *     sqrt(mean_m (y_m - mean_m y_m)^2 + mean_m v_m)
 *
 * (with several targets: the root mean square of the standardised ones). threads: NULL: created for the call. Compiles
 * at each call, unlike goss_predictor. Errors: GOSS_E_NUMERIC names the first sample whose prediction is not finite;
 * GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_network_predict(const goss_network *n, const float *x, int count, float *out,
                                                        float *uncertainty, goss_threads *threads, goss_error *err);
/* The same for sequences of the given lengths [count], each 1 .. steps (NULL: all steps): what x holds beyond a
 * sample's length is ignored. Errors: also GOSS_E_ARGUMENT: lengths of samples that have none (goss_task_spec.lengths),
 * or a length out of range. */
GOSS_API GOSS_MUST_USE goss_status goss_network_predict_ragged(const goss_network *n, const float *x,
                                                               const int32_t *lengths, int count, float *out,
                                                               float *uncertainty, goss_threads *threads,
                                                               goss_error *err);

/* ---- predictors ---- */

/* Adapts and predicts repeatedly after compiling once:
 *
 *     GOSS_TRY(goss_predictor_of_model(m, &source.spec, NULL, &p, err));
 *     for (uint64_t k = 0; k < tasks; k++) {
 *         GOSS_TRY(goss_predictor_adapt(p, &source, k, err));
 *         GOSS_TRY(goss_predictor_predict(p, x[k], count, out[k], NULL, err));
 *     }
 *
 * Predictions are those of goss_model_adapt_task and goss_network_predict, up to rounding. Threads: a predictor
 * belongs to one thread at a time; any number of them may share a model or network (each with its own goss_threads, or
 * NULL). */
typedef struct goss_predictor goss_predictor;

/* Creates a predictor of a network, which it borrows and whose weights it copies. threads: NULL: its own. Errors:
 * GOSS_E_ARGUMENT: GOSSAMER_THREADS (goss_threads_new); GOSS_E_NOMEM. Owns: *out, goss_predictor_free. */
GOSS_API GOSS_MUST_USE goss_status goss_predictor_of_network(const goss_network *network, goss_threads *threads,
                                                             goss_predictor **out, goss_error *err);
/* Creates a predictor of a model for tasks of up to most->supports support samples and, if tasks have their own
 * classes, exactly most->outputs classes (other members are ignored). Borrows the model; its values are copied.
 * options: NULL: the defaults. Errors: as goss_model_adapt_task; GOSS_E_UNSUPPORTED: int8 of a model that generates
 * structures. Owns: *out, goss_predictor_free. */
GOSS_API GOSS_MUST_USE goss_status goss_predictor_of_model(const goss_model *model, const goss_task_spec *most,
                                                           const goss_adapt_options *options, goss_predictor **out,
                                                           goss_error *err);
/* Frees a predictor; NULL is allowed. */
GOSS_API void goss_predictor_free(goss_predictor *p);
/* Adapts the model to task k of a source. Allocates nothing, but where a structure is chosen within a budget or weights
 * are rounded. Errors:
 * GOSS_E_ARGUMENT: a predictor of a network, or a task that does not match `most`; GOSS_E_NUMERIC: generated weights
 * that are not finite. After an error there is no network until the next adaptation. */
GOSS_API GOSS_MUST_USE goss_status goss_predictor_adapt(goss_predictor *p, const goss_task_source *source, uint64_t k,
                                                        goss_error *err);
/* The present network, borrowed until the next adaptation; NULL: none, or one with a structure of its own, which a
 * predictor runs masked: goss_model_adapt_task makes the smaller network. */
GOSS_API const goss_network *goss_predictor_network(const goss_predictor *p);
/* Predicts as goss_network_predict, in batches of up to 64 samples and without allocation. Errors: GOSS_E_ARGUMENT:
 * nothing was adapted to yet; GOSS_E_NUMERIC names the first sample whose prediction is not finite. */
GOSS_API GOSS_MUST_USE goss_status goss_predictor_predict(goss_predictor *p, const float *x, int count, float *out,
                                                          float *uncertainty, goss_error *err);
/* The same for sequences of the given lengths [count], as goss_network_predict_ragged. Errors: also GOSS_E_ARGUMENT:
 * lengths of samples that have none, or a length out of range; out then holds the batches before it. */
GOSS_API GOSS_MUST_USE goss_status goss_predictor_predict_ragged(goss_predictor *p, const float *x,
                                                                 const int32_t *lengths, int count, float *out,
                                                                 float *uncertainty, goss_error *err);
/* Predicts numbers with their quantiles, of objective "quantile": out [count, outputs], and quantiles [count, levels,
 * outputs], ascending, in the user's units; of an ensemble the mean of its members' quantiles. lengths: as
 * goss_predictor_predict_ragged; NULL: samples have none, or all steps. Errors: as there; GOSS_E_ARGUMENT: a network
 * without levels (goss_network_levels). */
GOSS_API GOSS_MUST_USE goss_status goss_predictor_predict_quantiles(goss_predictor *p, const float *x,
                                                                    const int32_t *lengths, int count, float *out,
                                                                    float *quantiles, goss_error *err);

/* Predicts numbers with the standard deviation of each, where goss_network_predict merges those of several targets: out
 * and deviations [count, outputs], in the user's units. lengths: as goss_predictor_predict_ragged. Errors: as there;
 * GOSS_E_ARGUMENT: a network without uncertainty (goss_network_tells_uncertainty), or of classes. */
GOSS_API GOSS_MUST_USE goss_status goss_predictor_predict_deviations(goss_predictor *p, const float *x,
                                                                     const int32_t *lengths, int count, float *out,
                                                                     float *deviations, goss_error *err);

/* ---- streams ----
 *
 * A network that reads a sequence piece by piece, as it arrives: after each piece the answer is that to all steps so
 * far, as goss_network_predict_ragged gives it for one sample (readout last: the same bits; mean: up to rounding). Of
 * answers at each step it is that of the piece's last step.
 *
 *     GOSS_TRY(goss_stream_open(network, 16, NULL, &s, err));
 *     while ((n = receive(x)) > 0) {                                  // up to 16 steps
 *         GOSS_TRY(goss_stream_read(s, x, n, out, err));
 *         show(goss_stream_steps(s), out);
 *     } */

/* A stream: states of the network's layers between two pieces. Threads: it belongs to one thread at a time. */
typedef struct goss_stream goss_stream;

/* Creates a stream, at its beginning, for pieces of up to `piece` steps. Borrows the network. threads: NULL: its own.
 * Errors: GOSS_E_UNSUPPORTED names the layer that must see whole sequences (goss_target_continues), or an ensemble;
 * GOSS_E_ARGUMENT: a piece of less than a step; GOSS_E_NOMEM. Owns: *out, goss_stream_free. */
GOSS_API GOSS_MUST_USE goss_status goss_stream_open(const goss_network *network, int piece, goss_threads *threads,
                                                    goss_stream **out, goss_error *err);
/* Frees a stream; NULL is allowed. */
GOSS_API void goss_stream_free(goss_stream *s);
/* Reads the next x [steps, channels], 1 .. piece steps; out [outputs]: probabilities of classes, or numbers in the
 * user's units. Allocates nothing. Errors: GOSS_E_ARGUMENT: another number of steps; GOSS_E_NUMERIC: the answer is not
 * finite. The stream is then as before the call. */
GOSS_API GOSS_MUST_USE goss_status goss_stream_read(goss_stream *s, const float *x, int steps, float *out,
                                                    goss_error *err);
/* The number of steps read since the beginning: since opening or the last reset. */
GOSS_API int64_t goss_stream_steps(const goss_stream *s);
/* Goes back to the beginning: all states are 0 again. Allocates nothing. */
GOSS_API void goss_stream_reset(goss_stream *s);

#ifdef __cplusplus
}
#endif
#endif
