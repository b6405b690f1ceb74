/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h: metrics.jsonl, one JSON object per line, for plots and for replaying the schedule on a resume.
 *
 * Numbers read back as the same double. After the first lines nothing is allocated. */
#ifndef GOSS_IO_METRICS_H
#define GOSS_IO_METRICS_H

#include <stdint.h>

#include "gossamer/status.h"

typedef struct goss__metrics goss__metrics;

/* Opens for appending, after removing lines with a "step" beyond `keep_step` and an incomplete last line (-1: all). */
GOSS_MUST_USE goss_status goss__metrics_open(const char *path, int64_t keep_step, goss__metrics **out, goss_error *err);
void goss__metrics_close(goss__metrics *m); /* NULL allowed */
void goss__metrics_begin(goss__metrics *m, int64_t step);
void goss__metrics_number(goss__metrics *m, const char *key, double value); /* NaN and Inf are written as null */
void goss__metrics_text(goss__metrics *m, const char *key, const char *value);
/* Writes the line. After a failure the file is unchanged, and the next line may succeed. */
GOSS_MUST_USE goss_status goss__metrics_end(goss__metrics *m, goss_error *err);
#endif
