/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c: the settings of methods and hypernetworks as declared keys. A default here is the default of the struct
 * it fills; a test compares them. */
#include "meta/settings.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "io/key_row.h"

#define GOSS__SETTINGS goss__method_settings
#define CLASS_RULES "head=class; *=shared"
#define AUTO_RULES "auto"

/* "support, id": a list of conditioners as bits. */
static goss_status read_condition(const char *text, void *settings, goss_error *err) {
    static const unsigned STRENGTH = 1u << 30; /* not a conditioner: it shifts codes */
    const struct {
        const char *word;
        unsigned bit;
    } words[] = {{"support", GOSS_CONDITION_SUPPORT},       {"id", GOSS_CONDITION_TASK},
                 {"descriptor", GOSS_CONDITION_DESCRIPTOR}, {"input", GOSS_CONDITION_INPUT},
                 {"noise", GOSS_CONDITION_NOISE},           {"strength", STRENGTH}};
    static const char between[] = ", \t";
    goss__method_settings *to = settings;
    unsigned bits = 0;
    for (const char *s = text + strspn(text, between); *s; s += strspn(s, between)) {
        size_t n = strcspn(s, between), k = 0, count = sizeof words / sizeof *words;
        while (k < count && (strlen(words[k].word) != n || strncmp(words[k].word, s, n) != 0)) k++;
        if (k == count)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "\"%.*s\" is none of support, id, descriptor, input, noise, strength",
                                  n < 60 ? (int)n : 60, s);
        if (bits & words[k].bit) return goss_error_set(err, GOSS_E_ARGUMENT, "\"%s\" is in it twice", words[k].word);
        bits |= words[k].bit, s += n;
    }
    if (!(bits & ~STRENGTH))
        return goss_error_set(err, GOSS_E_ARGUMENT, "is empty: some of support, id, descriptor, input, noise");
    if (to) to->hyper.conditioner = bits & ~STRENGTH, to->method.strengths = (bits & STRENGTH) != 0;
    return GOSS_OK;
}

/* Empty: not given. */
static goss_status read_preset(const char *text, void *settings, goss_error *err) {
    if (*text) GOSS_TRY(goss_share_preset_find(text, NULL, err));
    if (settings) ((goss__method_settings *)settings)->share.preset = *text ? text : NULL;
    return GOSS_OK;
}

static goss_status read_share_rules(const char *text, void *settings, goss_error *err) {
    (void)err; /* parsed once the target is known */
    if (settings) ((goss__method_settings *)settings)->share.rules = *text ? text : NULL;
    return GOSS_OK;
}

/* "auto": 0, what the space has. */
static goss_status read_bytes(const char *text, int64_t *to, goss_error *err) {
    int64_t bytes = 0;
    if (strcmp(text, "auto") != 0) GOSS_TRY(goss_bytes_parse(text, &bytes, err));
    if (to) *to = bytes;
    return GOSS_OK;
}

static goss_status read_low(const char *text, void *settings, goss_error *err) {
    return read_bytes(text, settings ? &((goss__method_settings *)settings)->structure.low : NULL, err);
}

static goss_status read_high(const char *text, void *settings, goss_error *err) {
    return read_bytes(text, settings ? &((goss__method_settings *)settings)->structure.high : NULL, err);
}

/* ---- the table ---- */

static const goss_key keys[] = {
    GOSS__KEY_TEXT(
        "model.backbone", model.backbone, "auto",
        "The target network without its head, as layers or a preset: conv4 C [NORM], resnet C [NORM], mlp D1 D2 "
        "...; auto: conv4 64 for images, gru 64 bidirectional; readout mean for sequences, dense layers by the number "
        "of tasks for rows of a table"),
    GOSS__KEY_REAL(
        "model.dropout", method.dropout, "0", 0, 0.99, NULL,
        "Dropout after every activation of the backbone, in training: of whole channels of images, of single "
        "units elsewhere"),
    GOSS__KEY_WORD("method.norm", method.norm, "running", "running|support",
                   "Batch norms of a shared backbone use running statistics, or those of each task's support set"),
    GOSS__KEY_REAL("method.label_smoothing", method.label_smoothing, "0", 0, 0.9, NULL,
                   "Share of the label given to all classes alike"),
    GOSS__KEY_WORD("method.loss", loss, "tasks", "tasks|samples",
                   "The loss of a step: the mean over its tasks of each one's mean over samples, or the mean over all "
                   "samples"),
    GOSS__KEY_REAL("method.temperature", method.temperature, "0", 0, 1e6, NULL,
                   "Starting scale of squared distances (protonet, hypernet), learned; 0: 1 / sqrt(features)"),
    GOSS__KEY_REAL("method.ridge", method.ridge, "1", 1e-9, 1e9, NULL,
                   "ridge, method.ridge_head: starting lambda, learned"),
    GOSS__KEY_INT("method.networks", method.networks, "0", 0, GOSS_METHOD_MAX_NETWORKS, "networks",
                  "hypernet with hyper.noise: networks a task, whose class probabilities are averaged; 0: one"),
    GOSS__KEY_REAL("method.penalty", method.penalty, "0", 0, 1e6, NULL,
                   "hypernet: weight in the loss of the sum over generated tensors of their numbers' mean square"),
    GOSS__KEY_WORD("method.joint", joint, "auto", "auto|yes|no",
                   "One network for all tasks is trained beside the method, for gossamer eval to compare with; auto: "
                   "for tables and ratings"),
    GOSS__KEY_WORD("method.maml", maml, "auto", "auto|yes|no",
                   "The same with a starting point for gradient steps on support sets (MAML); auto: for ratings"),
    GOSS__KEY_BOOL(
        "method.ridge_head", method.ridge_head, "false",
        "hypernet: the head is a ridge regression on the support set, drawn towards the one that is generated"),
    GOSS__KEY_INT("method.code_steps", method.code_steps, "0", 0, 1000, "steps",
                  "hyper.condition with id: gradient steps that find a new task's code on its support set; 0: 20"),
    GOSS__KEY_REAL("method.code_rate", method.code_rate, "0", 0, 100, NULL, "Their learning rate; 0: 0.1"),
    GOSS__KEY_INT("method.inner_steps", method.inner_steps, "0", 0, 1000, "steps",
                  "Gradient steps on the support set inside training; 0: the method's own default"),
    GOSS__KEY_INT("method.test_steps", method.test_steps, "0", 0, 1000, "steps",
                  "The same when judged; 0: the method's own default"),
    GOSS__KEY_REAL("method.inner_rate", method.inner_rate, "0", 0, 100, NULL,
                   "Their learning rate; 0: the method's own default"),
    GOSS__KEY_BOOL("method.first_order", method.first_order, "false",
                   "hypernet with inner_steps: do not differentiate through the steps' gradients"),
    GOSS__KEY_FORM(
        "hyper.condition", read_condition, "support", NULL,
        "What a hypernetwork sees of a task: any of support, id, descriptor, input, noise, as in support, id; "
        "and strength, beside id: of [regularizer.NAME] weight = conditioned"),
    GOSS__KEY_TEXT(
        "hyper.rules", hyper.rules, AUTO_RULES,
        "What is generated: PATTERN=GENERATOR; ... of shared, full, chunked N, lowrank R, film, own (learned "
        "by each task with an id), class (head only). auto: " CLASS_RULES " for episodes of classes, else "
        "head.*=full; *=film, with lowrank 4 for recurrent layers and attention, behind which there is no "
        "FiLM, and head.*=own where each id has classes of its own"),
    GOSS__KEY_WORD("hyper.combine", hyper.combine, "delta", "delta|replace|scale",
                   "How it is used: base + alpha h, h alone, base (1 + alpha h)"),
    GOSS__KEY_BOOL("hyper.train_base", hyper.train_base, "true", "The base learns along"),
    GOSS__KEY_REAL("hyper.alpha", hyper.alpha, "1", 0, 1e6, NULL, "Scale of what is generated"),
    GOSS__KEY_INT("hyper.hidden", hyper.hidden, "64", 1, 65536, "units",
                  "Units of the trunk that all generators share"),
    GOSS__KEY_INT("hyper.embedding", hyper.embedding, "64", 1, 65536, "numbers", "Length of a task's code"),
    GOSS__KEY_INT("hyper.layer_embedding", hyper.layer_embedding, "16", 1, 65536, "numbers",
                  "Length of the embedding of a layer or a chunk"),
    GOSS__KEY_INT("hyper.chunk", hyper.chunk, "1024", 1, 1 << 24, "numbers",
                  "Numbers a chunk, where a rule does not say"),
    GOSS__KEY_INT(
        "hyper.noise", hyper.noise, "0", 0, 65536, "numbers",
        "Length of a noise vector that is seen beside the support set: other noise, another network; 0: none"),
    GOSS__KEY_INT("hyper.attention", hyper.attention, "4", 0, 64, "heads",
                  "Heads of attention among the classes; 0: none"),
    GOSS__KEY_BOOL("hyper.class_delta", hyper.class_delta, "true",
                   "Per-class head: generate a correction of the class means; false: a ProtoNet's head"),
    GOSS__KEY_INT("hyper.class_hidden", hyper.class_hidden, "128", 1, 65536, "units",
                  "Hidden units of that correction"),
    GOSS__KEY_BOOL("hyper.class_scale", hyper.class_scale, "true",
                   "Generate a temperature and feature weights for the task and a bias a class, too"),
    GOSS__KEY_INT("cells.width", method.cells.width, "48", 1, 4096, "numbers", "tables: length of a cell's token"),
    GOSS__KEY_INT("cells.layers", method.cells.layers, "3", 0, 64, "layers",
                  "tables: layers of attention, each along columns and along rows"),
    GOSS__KEY_INT("cells.heads", method.cells.heads, "3", 1, 64, "heads", "tables: their heads"),
    GOSS__KEY_INT("cells.directions", method.cells.directions, "16", 0, 4096, "units",
                  "tables: units of the first layer that begin at a linear fit of the labels"),
    GOSS__KEY_INT("cells.ranked", method.cells.ranked, "8", 0, 64, "columns",
                  "tables: columns with six units of the first layer each, those that tell most of the classes"),
    GOSS__KEY_INT("cells.crossed", method.cells.crossed, "0", 0, 4096, "units",
                  "tables: units of the first layer for each pair of these columns"),
    GOSS__KEY_WORD("structure.choose", structure.choose, "none", "none|task|all|largest",
                   "What of a backbone with choices networks have: generated for each task; the same logits for all "
                   "tasks; the largest network; none: the backbone leaves nothing open"),
    GOSS__KEY_FORM(
        "structure.low", read_low, "auto", NULL,
        "The least budget, as 2KB (KB = 1024 bytes) of all tensors of an adapted network; auto: the cheapest "
        "network without its head"),
    GOSS__KEY_FORM("structure.high", read_high, "auto", NULL, "The largest budget; auto: the largest network"),
    GOSS__KEY_REAL("structure.temperature", structure.temperature, "1", 1e-3, 1e3, NULL,
                   "Heat of the gates' noise and gradients at the start"),
    GOSS__KEY_REAL("structure.temperature_end", structure.temperature_end, "0.2", 1e-3, 1e3, NULL,
                   "The same at the end, falling geometrically"),
    GOSS__KEY_REAL("structure.warmup", structure.warmup, "0.1", 0, 0.99, NULL,
                   "Share of the training in which only the largest network is trained"),
    GOSS__KEY_REAL("structure.shrink", structure.shrink, "0.3", 0, 1, NULL,
                   "Share of the training, after that, in which the least budget falls from high to low"),
    GOSS__KEY_BOOL("structure.sandwich", structure.sandwich, "true",
                   "Each step trains the largest and the cheapest network beside the generated one"),
    GOSS__KEY_REAL("structure.distill", structure.distill, "0.5", 0, 1, NULL,
                   "structure.sandwich: weight of the largest network's answers in the loss of smaller ones"),
    GOSS__KEY_REAL("structure.entropy", structure.entropy, "0", 0, 1e3, NULL,
                   "Weight in the loss of the mean entropy of gates"),
    GOSS__KEY_REAL("structure.relevance", structure.relevance, "0.1", 0, 1e3, NULL,
                   "Weight at the start, in the logits of gates, of what each gate does for the task's support set; "
                   "learned from there; 0: logits depend on the task's code alone"),
    GOSS__KEY_REAL("structure.common", structure.common, "0", 0, 0.9, NULL,
                   "structure.choose = task: share of the training before tasks' structures differ"),
    GOSS__KEY_REAL("structure.tie", structure.tie, "0.03", 0, 1e3, NULL,
                   "structure.choose = task: weight in the loss of the mean square of what tasks' logits differ by"),
    GOSS__KEY_WORD("structure.gradient", structure.gradient, "score", "through|score",
                   "What logits of gates learn from: through: gradients of rounded gates; score: which of two networks "
                   "of the budget's size has the lower loss, for each task"),
    GOSS__KEY_BOOL("structure.pooled", structure.pooled, "false",
                   "Budgets hold for the mean over the tasks of a step, so that some get more than others"),
    GOSS__KEY_FORM("share.preset", read_preset, "", NULL,
                   "multitask: what tasks share, by name: alone, joint, hard, soft, mean, dictionary, tensor_train, "
                   "routing, ordering, stitch or merged; empty: share.rules, or hard"),
    GOSS__KEY_FORM("share.rules", read_share_rules, "", NULL,
                   "multitask: what weights are made of: PATTERN=PART or PATTERN=PART+PART; ... of shared, own, "
                   "dictionary [K], tensor_train [R], routing [K], ordering [K], stitch, merged"),
    GOSS__KEY_BOOL(
        "share.own_heads", share.own_heads, "true",
        "multitask: of tasks with classes of their own, where a preset says nothing of heads, each has its own"),
    GOSS__KEY_INT("share.size", share.size, "4", 1, 4096, "tensors",
                  "multitask: dictionary entries, ranks, routes and layers of a bank, where a rule does not say"),
    GOSS__KEY_WORD("share.gates", gates, "none", "none|sigmoid|softmax|gumbel|hard_concrete",
                   "multitask: gates that weigh the parts of a sum, a task and layer"),
    GOSS__KEY_REAL("share.gate_temperature", gate_temperature, "0", 0, 1e3, NULL,
                   "Their temperature; 0: the kind's own (1; hard_concrete 2/3)"),
    GOSS__KEY_REAL("share.temperature", share.temperature, "1", 1e-3, 1e3, NULL,
                   "multitask: temperature of routing's and ordering's choice"),
    GOSS__KEY_REAL("share.anneal", share.anneal, "1", 1e-4, 1e4, NULL,
                   "multitask: what these temperatures, and that of gates, are multiplied by after share.anneal_steps, "
                   "step by step; 1: they stay"),
    GOSS__KEY_INT("share.anneal_steps", share.anneal_steps, "1000", 1, 1e12, "steps", "The steps on the way there"),
    GOSS__KEY_BOOL("share.hard", share.hard, "false",
                   "multitask: routing and gates choose exactly, with the gradient of what was rounded"),
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

/* Checks that the data provides what the conditioners need. */
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

/* Settings of a hypernetwork that follow from the data, and default rules by the kind of task. Other methods are
 * conditioned on nothing, and may share its configuration. Before there was auto, files had the rules of classes where
 * nobody set any: of outputs that mean the same in all tasks, which have no such head, they stand for the default. */
static goss_status fit_hyper(goss_hyper_options *h, const char *method, const goss_task_spec *task, bool of_file,
                             goss_error *err) {
    if (strcmp(method, "hypernet") == 0) GOSS_TRY(check_condition(h->conditioner, task, err));
    h->tasks = task->ids, h->descriptor = task->descriptor;
    const bool automatic = strcmp(h->rules, AUTO_RULES) == 0, fixed = goss_task_fixed_outputs(task);
    const bool of_before = of_file && fixed && strcmp(h->rules, CLASS_RULES) == 0;
    if (automatic || of_before) h->rules = fixed ? NULL : CLASS_RULES;
    return GOSS_OK;
}

/* Shared features need many tasks: with few, fewer are trained. */
static const char *rows_backbone(const goss_task_spec *task) {
    return task->ids > 0 && task->ids < 10   ? ""
           : task->ids > 0 && task->ids < 50 ? "dense 16; tanh"
                                             : "dense 32; tanh; dense 32; tanh";
}

const char *goss__backbone_for(const goss_data_spec *data, char *out) {
    const int rank = data->task.input_rank;
    if (data->tokens)
        snprintf(out, GOSS__BACKBONE_AUTO,
                 "embedding %d 64; dropout 0.3 channels; conv1d 96 3 pad 1; relu; readout max", data->tokens);
    else
        snprintf(out, GOSS__BACKBONE_AUTO, "%s",
                 rank == 2   ? "gru 64 bidirectional; readout mean"
                 : rank != 1 ? "conv4 64"
                             : rows_backbone(&data->task));
    return out;
}

/* The setting that a method could not be made of. */
static const char *culprit(const char *backbone, const goss_task_spec *task, const char *method) {
    goss_target *t = NULL;
    const int outputs = goss_task_fixed_outputs(task) ? task->outputs : 0;
    int64_t input[GOSS_TASK_MAX_RANK];
    const goss_status s =
        goss_target_parse(backbone, goss_task_network_input(task, input), task->input_rank, outputs, &t, NULL);
    goss_target_free(t);
    return s != GOSS_OK                       ? "model.backbone"
           : strcmp(method, "hypernet") == 0  ? "[hyper]"
           : strcmp(method, "multitask") == 0 ? "[share]"
                                              : "[method]";
}

/* Whether a backbone is one for images or sequences. */
static bool reads_other_samples(const char *backbone) {
    static const struct {
        int64_t extent[3];
        int rank;
    } other[] = {{{32, 32, 1}, 3}, {{32, 8}, 2}, {{32, 1}, 2}};
    bool reads = false;
    for (size_t i = 0; !reads && i < sizeof other / sizeof *other; i++) {
        goss_target *t = NULL;
        reads = goss_target_parse(backbone, other[i].extent, other[i].rank, 0, &t, NULL) == GOSS_OK;
        goss_target_free(t);
    }
    return reads;
}

static goss_status refused(const char *backbone, const goss_task_spec *task, const char *method, goss_status s,
                           goss_error *err) {
    const char *where = culprit(backbone, task, method);
    if (err && task->input_rank == 1 && strcmp(where, "model.backbone") == 0 && reads_other_samples(backbone)) {
        const goss_error why = *err;
        return goss_error_set(err, s,
                              "%s: %.300s; rows of a table want dense layers, as model.backbone = dense 32; tanh",
                              where, why.text);
    }
    return goss_error_prefix(err, s, "%s", where);
}

/* Files of versions before the key were of images, which have none. */
static bool wants_joint(goss__joint_word word, const goss_data_spec *data) {
    return word == GOSS__JOINT_YES ||
           (word == GOSS__JOINT_AUTO && (strcmp(data->kind, "table") == 0 || strcmp(data->kind, "ratings") == 0));
}

goss_status goss__method_settings_read(const goss_config *c, goss__method_settings *out, goss_error *err) {
    *out = (goss__method_settings){.method = goss_method_defaults(),
                                   .hyper = goss_hyper_defaults(),
                                   .share = goss_share_defaults(),
                                   .structure = goss_structure_defaults()};
    GOSS_TRY(goss_config_bind(c, keys, sizeof keys / sizeof *keys, out, err));
    out->hyper.temperature = out->method.temperature;
    out->method.by_samples = out->loss == GOSS__LOSS_SAMPLES;
    return GOSS_OK;
}

static goss_gate_options gates_of(const goss__method_settings *s) {
    goss_gate_options o = goss_gate_defaults(s->gates > 0 ? (goss_gate_kind)(s->gates - 1) : GOSS_GATE_SIGMOID);
    if (s->gate_temperature > 0) o.temperature = s->gate_temperature;
    o.hard = s->share.hard;
    return o;
}

goss_status goss__method_from_config(const goss_config *c, const char *name, const goss_data_spec *data, bool of_file,
                                     goss_method **out, goss_error *err) {
    goss__method_settings s;
    goss_gate_options gates;
    char own_backbone[GOSS__BACKBONE_AUTO];
    GOSS_TRY(goss__method_settings_read(c, &s, err));
    s.method.own_heads = strcmp(s.hyper.rules, AUTO_RULES) == 0;
    GOSS_TRY(fit_hyper(&s.hyper, name, &data->task, of_file, err));
    if (strcmp(s.model.backbone, "auto") == 0) s.model.backbone = goss__backbone_for(data, own_backbone);
    s.method.hyper = &s.hyper, s.method.share = &s.share, s.method.structure = &s.structure;
    s.share.tasks = data->task.ids;
    if (of_file && !goss_config_is_set(c, "share.own_heads")) s.share.own_heads = false; /* of versions before it */
    gates = gates_of(&s);
    if (s.gates != GOSS__GATES_NONE) s.share.gates = &gates;
    s.method.joint = wants_joint(s.joint, data);
    s.method.maml = s.maml == GOSS__JOINT_YES || (s.maml == GOSS__JOINT_AUTO && strcmp(data->kind, "ratings") == 0);
    s.method.objective = data->task.objective;
    s.method.outputs = goss_task_fixed_outputs(&data->task) ? data->task.outputs : 0;
    s.method.task_classes = data->task.task_classes;
    s.method.items = data->task.items, s.method.item_numbers = data->task.item_numbers;
    int64_t input[GOSS_TASK_MAX_RANK];
    const goss_status made = goss_method_create(name, s.model.backbone, goss_task_network_input(&data->task, input),
                                                data->task.input_rank, &s.method, out, err);
    return made == GOSS_OK ? made : refused(s.model.backbone, &data->task, name, made, err);
}
