/* SPDX-License-Identifier: Apache-2.0 */
/* episode.h: internals of episode samplers. */
#ifndef GOSS_TASK_EPISODE_H
#define GOSS_TASK_EPISODE_H

#include "gossamer/episode.h"

/* Whether episode k of both shows the same drawings for every k: the sets may be decoded in different ways. */
bool goss__sampler_same(const goss_sampler *a, const goss_sampler *b);
/* One task whose support set is all images of a set, and that has no queries. Borrows the set; nothing to free. */
goss_task_source goss__images_task(const goss_images *set);
#endif
