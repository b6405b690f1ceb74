/* SPDX-License-Identifier: Apache-2.0 */
/* same_samples.h: pairs of samples in classes whose content is the same. */
#ifndef GOSS_IO_SAME_SAMPLES_H
#define GOSS_IO_SAME_SAMPLES_H

#include "gossamer/class_set.h"

/* Calls `pair` for every two successive samples a < b with the same content; 0 is an unknown content. Errors:
 * GOSS_E_NOMEM. */
goss_status goss__same_samples(const goss_class_set *set, void (*pair)(void *context, int a, int b), void *context,
                               goss_error *err);

/* Warns of samples with the same content: they may be support and query at once; in two classes one of them is wrong.
 * path: where they are from. Errors: GOSS_E_NOMEM. */
goss_status goss__tell_same_samples(const goss_class_set *set, const char *path, goss_error *err);

#endif
