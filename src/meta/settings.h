/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h: the keys [model], [method], [hyper] and [share] of a configuration, and methods made from them. Model
 * files keep the same keys as metadata, so that one table describes both. To add a key: a row of that table
 * (settings.c) and the member that it names, most often of goss_method_options or goss_hyper_options. */
#ifndef GOSS_META_SETTINGS_H
#define GOSS_META_SETTINGS_H

#include "base/str.h"
#include "gossamer/config.h"
#include "gossamer/method.h"
#include "gossamer/model.h"
#include "gossamer/structure.h"

/* method.joint and method.maml, in the order of its choices. */
typedef enum goss__joint_word { GOSS__JOINT_AUTO, GOSS__JOINT_YES, GOSS__JOINT_NO } goss__joint_word;

/* method.loss, likewise. */
typedef enum goss__loss_word { GOSS__LOSS_TASKS, GOSS__LOSS_SAMPLES } goss__loss_word;

/* share.gates, in the order of its choices: goss_gate_kind behind none. */
typedef enum goss__gates_word {
    GOSS__GATES_NONE,
    GOSS__GATES_SIGMOID,
    GOSS__GATES_SOFTMAX,
    GOSS__GATES_GUMBEL,
    GOSS__GATES_HARD_CONCRETE
} goss__gates_word;

/* What those keys are bound to. */
typedef struct goss__method_settings {
    struct {
        const char *backbone;
    } model;
    goss_method_options method; /* all but hyper, joint, maml, objective and outputs, which the data says, too */
    goss_hyper_options hyper;   /* all but what the data says */
    goss_share_options share;   /* the same */
    goss_structure_options structure;
    goss__gates_word gates;
    double gate_temperature; /* 0: the kind's own */
    goss__joint_word joint, maml;
    goss__loss_word loss;
} goss__method_settings;

const goss_key *goss__method_keys(int *n);
/* c declares at least goss__method_keys, and outlives *out. */
goss_status goss__method_settings_read(const goss_config *c, goss__method_settings *out, goss_error *err);
/* What model.backbone = auto stands for; "": the head alone. out [GOSS__BACKBONE_AUTO]; returns it. */
enum { GOSS__BACKBONE_AUTO = 128 };
const char *goss__backbone_for(const goss_data_spec *data, char *out);
/* A method of that name for such data. c declares at least goss__method_keys. of_file: settings are those of a model's
 * file, which may be of a version before hyper.rules = auto. */
goss_status goss__method_from_config(const goss_config *c, const char *name, const goss_data_spec *data, bool of_file,
                                     goss_method **out, goss_error *err);
/* Adds the value of a key as text that reads back as the same. */
void goss__config_value(const goss_config *c, const goss_key *key, goss__str *out);
/* Has the key the value that it has when nobody sets it? */
bool goss__config_is_default(const goss_config *c, const goss_key *key);
#endif
