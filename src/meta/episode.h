/* SPDX-License-Identifier: Apache-2.0 */
/* episode.h: samplers inside. */
#ifndef GOSS_META_EPISODE_H
#define GOSS_META_EPISODE_H

#include "gossamer/episode.h"

/* Whether episode k of both shows the same drawings for every k: the sets may be decoded in different ways. */
bool goss__sampler_same(const goss_sampler *a, const goss_sampler *b);
#endif
