/* SPDX-License-Identifier: Apache-2.0 */
/* run_inputs.c: which keys of a run name files that it reads. What a run, a search, a comparison or a verb writes is
 * held against them. A new key of this kind gets a row here. */
#include "base/file.h"
#include "base/str.h"
#include "train/run_data.h"

static const char *const keys[] = {
    "data.path",   "data.tasks",          "data.items",           "data.vectors",       "data.descriptor",
    "data.labels", "data.train_tasks",    "data.val_tasks",       "data.train_classes", "data.val_classes",
    "train.start", "regularizer.*.graph", "regularizer.*.priors",
};

static bool is_input(const char *name) {
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (goss__name_matches(name, keys[i])) return true;
    return false;
}

const char *goss_train_input(const goss_config *config, int i) {
    const goss_key *k;
    for (int at = 0; (k = goss_config_key_at(config, at)); at++)
        if (is_input(k->name) && *goss_config_text(config, k->name) && i-- == 0) return k->name;
    return NULL;
}

const char *goss__run_input_at(const goss_config *config, const char *path) {
    const char *key;
    for (int i = 0; (key = goss_train_input(config, i)); i++)
        if (goss__same_file(path, goss_config_text(config, key))) return key;
    return NULL;
}
