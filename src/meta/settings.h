/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h: the keys [model], [method] and [hyper] of a configuration, and methods made from them. Model files keep
 * the same keys as metadata, so that one table describes both. */
#ifndef GOSS_META_SETTINGS_H
#define GOSS_META_SETTINGS_H

#include "base/str.h"
#include "gossamer/config.h"
#include "gossamer/method.h"
#include "gossamer/model.h"

const goss_key *goss__method_keys(int *n);
/* A method of that name for such data. c declares at least goss__method_keys. */
goss_status goss__method_from_config(const goss_config *c, const char *name, const goss_data_spec *data,
                                     goss_method **out, goss_error *err);
/* Adds the value of a key as text that reads back as the same. */
void goss__config_value(const goss_config *c, const goss_key *key, goss__str *out);
/* Has the key the value that it has when nobody sets it? */
bool goss__config_is_default(const goss_config *c, const goss_key *key);
#endif
