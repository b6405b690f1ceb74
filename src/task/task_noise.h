/* SPDX-License-Identifier: Apache-2.0 */
/* task_noise.h: noise on the inputs of a source's queries. */
#ifndef GOSS_TASK_TASK_NOISE_H
#define GOSS_TASK_TASK_NOISE_H

#include "gossamer/task.h"

/* A source that draws what `clean` draws, with level * N(0, 1) added to each number of the queries' inputs
 * (standardised columns of tables, pixels from 0 to 1). A pure function of (seed, k): sources of equal seeds and specs
 * have equal noise. Errors: GOSS_E_NOMEM. Owns: *out, goss_task_source_free; on success it takes *clean over, which
 * becomes 0. */
GOSS_MUST_USE goss_status goss__task_noise(goss_task_source *clean, double level, uint64_t seed, goss_task_source *out,
                                           goss_error *err);
#endif
