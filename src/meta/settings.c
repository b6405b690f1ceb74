/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c: the settings of methods and hypernetworks as declared keys. A default here is the default of the struct
 * it fills; a test compares them. */
#include "meta/settings.h"

#include <string.h>

#include "base/number.h"

#define default_rules "head=class; *=shared"

static const goss_key keys[] = {
    {"model.backbone", GOSS_KEY_TEXT, "conv4 64", 0, 0, NULL,
     "The target network without its head, as layers or a preset: conv4 C [NORM], resnet C [NORM], mlp D1 D2 ..."},
    {"method.norm", GOSS_KEY_TEXT, "running", 0, 0, "running|support",
     "Batch norms of a shared backbone use running statistics, or those of each task's support set"},
    {"method.label_smoothing", GOSS_KEY_REAL, "0", 0, 0.9, NULL, "Share of the label given to all classes alike"},
    {"method.loss", GOSS_KEY_TEXT, "tasks", 0, 0, "tasks|samples",
     "The loss of a step: the mean over its tasks of each one's mean over samples, or the mean over all samples"},
    {"method.temperature", GOSS_KEY_REAL, "0", 0, 1e6, NULL,
     "Starting scale of squared distances (protonet, hypernet), learned; 0: 1 / sqrt(features)"},
    {"method.ridge", GOSS_KEY_REAL, "1", 1e-9, 1e9, NULL, "ridge, method.ridge_head: starting lambda, learned"},
    {"method.networks", GOSS_KEY_INT, "0", 0, GOSS_METHOD_MAX_NETWORKS, NULL,
     "hypernet with hyper.noise: networks a task, whose class probabilities are averaged; 0: one"},
    {"method.penalty", GOSS_KEY_REAL, "0", 0, 1e6, NULL,
     "hypernet: weight in the loss of the sum over generated tensors of their numbers' mean square"},
    {"method.joint", GOSS_KEY_TEXT, "auto", 0, 0, "auto|yes|no",
     "One network for all tasks is trained beside the method, for gossamer eval to compare with; auto: for tables"},
    {"method.ridge_head", GOSS_KEY_BOOL, "false", 0, 0, NULL,
     "hypernet: the head is a ridge regression on the support set, drawn towards the one that is generated"},
    {"method.code_steps", GOSS_KEY_INT, "0", 0, 1000, NULL,
     "hyper.condition with id: gradient steps that find a new task's code on its support set; 0: 20"},
    {"method.code_rate", GOSS_KEY_REAL, "0", 0, 100, NULL, "Their learning rate; 0: 0.1"},
    {"method.inner_steps", GOSS_KEY_INT, "0", 0, 1000, NULL,
     "Gradient steps on the support set inside training; 0: the method's own default"},
    {"method.test_steps", GOSS_KEY_INT, "0", 0, 1000, NULL, "The same when judged; 0: the method's own default"},
    {"method.inner_rate", GOSS_KEY_REAL, "0", 0, 100, NULL, "Their learning rate; 0: the method's own default"},
    {"method.first_order", GOSS_KEY_BOOL, "false", 0, 0, NULL,
     "hypernet with inner_steps: do not differentiate through the steps' gradients"},
    {"hyper.condition", GOSS_KEY_TEXT, "support", 0, 0, NULL,
     "What a hypernetwork sees of a task: any of support, id, descriptor, input, noise, as in support, id"},
    {"hyper.rules", GOSS_KEY_TEXT, default_rules, 0, 0, NULL,
     "What is generated: PATTERN=GENERATOR; ... of shared, full, chunked N, lowrank R, film, class (head only). Where "
     "outputs mean the same in all tasks the default is head.*=full; *=film"},
    {"hyper.combine", GOSS_KEY_TEXT, "delta", 0, 0, "delta|replace|scale",
     "How it is used: base + alpha h, h alone, base (1 + alpha h)"},
    {"hyper.train_base", GOSS_KEY_BOOL, "true", 0, 0, NULL, "The base learns along"},
    {"hyper.alpha", GOSS_KEY_REAL, "1", 0, 1e6, NULL, "Scale of what is generated"},
    {"hyper.hidden", GOSS_KEY_INT, "64", 1, 65536, NULL, "Units of the trunk that all generators share"},
    {"hyper.embedding", GOSS_KEY_INT, "64", 1, 65536, NULL, "Length of a task's code"},
    {"hyper.layer_embedding", GOSS_KEY_INT, "16", 1, 65536, NULL, "Length of the embedding of a layer or a chunk"},
    {"hyper.chunk", GOSS_KEY_INT, "1024", 1, 1 << 24, NULL, "Numbers a chunk, where a rule does not say"},
    {"hyper.noise", GOSS_KEY_INT, "0", 0, 65536, NULL,
     "Length of a noise vector that is seen beside the support set: other noise, another network; 0: none"},
    {"hyper.attention", GOSS_KEY_INT, "4", 0, 64, NULL, "Heads of attention among the classes; 0: none"},
    {"hyper.class_delta", GOSS_KEY_BOOL, "true", 0, 0, NULL,
     "Per-class head: generate a correction of the class means; false: a ProtoNet's head"},
    {"hyper.class_hidden", GOSS_KEY_INT, "128", 1, 65536, NULL, "Hidden units of that correction"},
    {"hyper.class_scale", GOSS_KEY_BOOL, "true", 0, 0, NULL,
     "Generate a temperature and feature weights for the task and a bias a class, too"},
};

const goss_key *goss__method_keys(int *n) {
    *n = (int)(sizeof keys / sizeof *keys);
    return keys;
}

void goss__config_value(const goss_config *c, const goss_key *key, goss__str *out) {
    char number[GOSS__NUMBER_TEXT];
    switch (key->type) {
    case GOSS_KEY_TEXT:
        goss__str_add(out, goss_config_text(c, key->name));
        return;
    case GOSS_KEY_BOOL:
        goss__str_add(out, goss_config_bool(c, key->name) ? "true" : "false");
        return;
    case GOSS_KEY_INT:
        goss__str_addf(out, "%lld", (long long)goss_config_int(c, key->name));
        return;
    case GOSS_KEY_REAL:
        goss__number_print(goss_config_real(c, key->name), number);
        goss__str_add(out, number);
    }
}

bool goss__config_is_default(const goss_config *c, const goss_key *key) {
    double number = 0;
    switch (key->type) {
    case GOSS_KEY_TEXT:
        return strcmp(goss_config_text(c, key->name), key->fallback) == 0;
    case GOSS_KEY_BOOL:
        return goss_config_bool(c, key->name) == (strcmp(key->fallback, "true") == 0);
    case GOSS_KEY_INT:
        return goss__number_parse(key->fallback, &number) && number == (double)goss_config_int(c, key->name);
    case GOSS_KEY_REAL:
        return goss__number_parse(key->fallback, &number) && number == goss_config_real(c, key->name);
    }
    return false;
}

/* "support, id": a list of conditioners as bits. */
static goss_status read_condition(const char *text, unsigned *out, goss_error *err) {
    static const struct {
        const char *word;
        unsigned bit;
    } words[] = {{"support", GOSS_CONDITION_SUPPORT},
                 {"id", GOSS_CONDITION_TASK},
                 {"descriptor", GOSS_CONDITION_DESCRIPTOR},
                 {"input", GOSS_CONDITION_INPUT},
                 {"noise", GOSS_CONDITION_NOISE}};
    static const char between[] = ", \t";
    *out = 0;
    for (const char *s = text + strspn(text, between); *s; s += strspn(s, between)) {
        size_t n = strcspn(s, between), k = 0, count = sizeof words / sizeof *words;
        while (k < count && (strlen(words[k].word) != n || strncmp(words[k].word, s, n) != 0)) k++;
        if (k == count)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "hyper.condition: \"%.*s\" is none of support, id, descriptor, input, noise",
                                  n < 60 ? (int)n : 60, s);
        *out |= words[k].bit, s += n;
    }
    if (*out) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "hyper.condition is empty: some of support, id, descriptor, input, noise");
}

/* What a condition needs of the data. */
static goss_status check_condition(unsigned condition, const goss_task_spec *task, goss_error *err) {
    if (condition & GOSS_CONDITION_TASK && task->ids == 0)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "hyper.condition: the tasks of this data have no ids; a task that is a column's value has");
    if (condition & GOSS_CONDITION_DESCRIPTOR && task->descriptor == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "hyper.condition: the tasks have no descriptors: name their file by data.descriptor");
    return GOSS_OK;
}

/* The default is for tasks with classes of their own; for others there is one, too. */
static const char *rules_of(const goss_config *c, const goss_task_spec *task) {
    const char *rules = goss_config_text(c, "hyper.rules");
    return goss_task_fixed_outputs(task) && strcmp(rules, default_rules) == 0 ? NULL : rules;
}

static goss_status hyper_options(const goss_config *c, const goss_data_spec *data, goss_hyper_options *out,
                                 goss_error *err) {
    goss_hyper_options h = goss_hyper_defaults();
    GOSS_TRY(read_condition(goss_config_text(c, "hyper.condition"), &h.conditioner, err));
    GOSS_TRY(check_condition(h.conditioner, &data->task, err));
    h.tasks = data->task.ids, h.descriptor = data->task.descriptor;
    const char *combine = goss_config_text(c, "hyper.combine");
    h.combine = strcmp(combine, "replace") == 0 ? GOSS_COMBINE_REPLACE
                : strcmp(combine, "scale") == 0 ? GOSS_COMBINE_SCALE
                                                : GOSS_COMBINE_DELTA;
    h.rules = rules_of(c, &data->task);
    h.train_base = goss_config_bool(c, "hyper.train_base");
    h.alpha = goss_config_real(c, "hyper.alpha");
    h.hidden = (int)goss_config_int(c, "hyper.hidden");
    h.embedding = (int)goss_config_int(c, "hyper.embedding");
    h.layer_embedding = (int)goss_config_int(c, "hyper.layer_embedding");
    h.chunk = (int)goss_config_int(c, "hyper.chunk");
    h.noise = (int)goss_config_int(c, "hyper.noise");
    h.attention = (int)goss_config_int(c, "hyper.attention");
    h.class_delta = goss_config_bool(c, "hyper.class_delta");
    h.class_hidden = (int)goss_config_int(c, "hyper.class_hidden");
    h.class_scale = goss_config_bool(c, "hyper.class_scale");
    h.temperature = goss_config_real(c, "method.temperature");
    *out = h;
    return GOSS_OK;
}

/* The setting that a method could not be made of. */
static const char *culprit(const goss_config *c, const goss_task_spec *task, const char *method) {
    goss_target *t = NULL;
    const int outputs = goss_task_fixed_outputs(task) ? task->outputs : 0;
    const goss_status s =
        goss_target_parse(goss_config_text(c, "model.backbone"), task->input, task->input_rank, outputs, &t, NULL);
    goss_target_free(t);
    return s != GOSS_OK ? "model.backbone" : strcmp(method, "hypernet") == 0 ? "[hyper]" : "[method]";
}

/* The default backbone is for images. */
static goss_status refused(const goss_config *c, const goss_task_spec *task, const char *method, goss_status s,
                           goss_error *err) {
    const char *where = culprit(c, task, method);
    if (err && task->input_rank == 1 && strcmp(where, "model.backbone") == 0) {
        const goss_error why = *err;
        return goss_error_set(err, s,
                              "%s: %.300s; rows of a table want dense layers, as model.backbone = dense 32; tanh",
                              where, why.text);
    }
    return goss_error_prefix(err, s, "%s", where);
}

/* Files of versions before the key were of images, which have none. */
static bool wants_joint(const goss_config *c, const goss_data_spec *data) {
    const char *word = goss_config_text(c, "method.joint");
    return strcmp(word, "yes") == 0 || (strcmp(word, "auto") == 0 && strcmp(data->kind, "table") == 0);
}

goss_status goss__method_from_config(const goss_config *c, const char *name, const goss_data_spec *data,
                                     goss_method **out, goss_error *err) {
    goss_hyper_options hyper;
    GOSS_TRY(hyper_options(c, data, &hyper, err));
    goss_method_options o = goss_method_defaults();
    o.inner_steps = (int)goss_config_int(c, "method.inner_steps");
    o.test_steps = (int)goss_config_int(c, "method.test_steps");
    o.inner_rate = goss_config_real(c, "method.inner_rate");
    o.first_order = goss_config_bool(c, "method.first_order");
    o.norm = strcmp(goss_config_text(c, "method.norm"), "support") == 0 ? GOSS_METHOD_NORM_SUPPORT
                                                                        : GOSS_METHOD_NORM_RUNNING;
    o.networks = (int)goss_config_int(c, "method.networks");
    o.penalty = goss_config_real(c, "method.penalty");
    o.ridge = goss_config_real(c, "method.ridge");
    o.label_smoothing = goss_config_real(c, "method.label_smoothing");
    o.by_samples = strcmp(goss_config_text(c, "method.loss"), "samples") == 0;
    o.temperature = goss_config_real(c, "method.temperature");
    o.hyper = &hyper;
    o.joint = wants_joint(c, data);
    o.ridge_head = goss_config_bool(c, "method.ridge_head");
    o.code_steps = (int)goss_config_int(c, "method.code_steps");
    o.code_rate = goss_config_real(c, "method.code_rate");
    o.objective = data->task.objective;
    o.outputs = goss_task_fixed_outputs(&data->task) ? data->task.outputs : 0;
    o.task_classes = data->task.task_classes;
    goss_status s = goss_method_create(name, goss_config_text(c, "model.backbone"), data->task.input,
                                       data->task.input_rank, &o, out, err);
    return s == GOSS_OK ? s : refused(c, &data->task, name, s, err);
}
