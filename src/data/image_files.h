/* SPDX-License-Identifier: Apache-2.0 */
/* image_files.h: what sets and single images share: formats that make sense, and bytes as floats. */
#ifndef GOSS_DATA_IMAGE_FILES_H
#define GOSS_DATA_IMAGE_FILES_H

#include "gossamer/data.h"

/* Extents from `least` on. */
GOSS_MUST_USE goss_status goss__format_check(int channels, int height, int width, int least, goss_error *err);
/* 0..255 to 0..1. */
void goss__to_floats(const uint8_t *pixels, size_t n, float *out);
#endif
