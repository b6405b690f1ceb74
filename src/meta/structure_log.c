/* SPDX-License-Identifier: Apache-2.0 */
/* structure_log.c: which task of an evaluation got which structure, and what its target explains of its inputs. */
#include <string.h>

#include "meta/structure.h"

/* The support set of one task: samples [n, inputs], and of each its class or number, `stride` apart. */
typedef struct shown {
    const float *x, *y;
    size_t inputs, stride;
    int n, classes; /* 0: a number */
} shown;

enum { MOST_CLASSES = 1024 };

/* The variance of input i, times n, and what of it lies between classes. */
static void between(const shown *s, size_t i, double mean, double *all, double *part) {
    double sum[MOST_CLASSES] = {0};
    int count[MOST_CLASSES] = {0};
    *all = *part = 0;
    for (int k = 0; k < s->n; k++) {
        const int c = (int)s->y[(size_t)k * s->stride];
        const double x = (double)s->x[(size_t)k * s->inputs + i] - mean;
        *all += x * x;
        if (c >= 0 && c < s->classes) sum[c] += x, count[c]++;
    }
    for (int c = 0; c < s->classes; c++)
        if (count[c]) *part += sum[c] * sum[c] / count[c];
}

/* The same, and what a line explains. */
static void along(const shown *s, size_t i, double mean, double *all, double *part) {
    double centre = 0, xy = 0, yy = 0;
    *all = *part = 0;
    for (int k = 0; k < s->n; k++) centre += (double)s->y[(size_t)k * s->stride] / s->n;
    for (int k = 0; k < s->n; k++) {
        const double x = (double)s->x[(size_t)k * s->inputs + i] - mean,
                     y = (double)s->y[(size_t)k * s->stride] - centre;
        *all += x * x, xy += x * y, yy += y * y;
    }
    if (yy > 0) *part = xy * xy / yy;
}

static void explain(const shown *s, float *out) {
    for (size_t i = 0; i < s->inputs; i++) {
        double mean = 0, all, part;
        for (int k = 0; k < s->n; k++) mean += (double)s->x[(size_t)k * s->inputs + i] / s->n;
        (s->classes ? between : along)(s, i, mean, &all, &part);
        out[i] = all > 0 ? (float)(part / all) : 0;
    }
}

void goss__structure_log(goss_structure_log *log, int64_t at, const goss__task_pack *pack, int t,
                         const float *structure, int gates) {
    const goss_objective *o = goss_task_objective(&pack->spec);
    const size_t target = (size_t)goss_task_target_size(&pack->spec), inputs = goss_task_input_size(&pack->spec);
    const size_t read = goss__task_pack_input(pack);
    const int outputs = pack->sizes[t].outputs;
    if (log->outputs) log->outputs[at] = outputs;
    if (log->structure) memcpy(log->structure + at * gates, structure, (size_t)gates * sizeof *structure);
    if (!log->explained) return;
    float *explained = log->explained + (size_t)at * inputs;
    memset(explained, 0, inputs * sizeof *explained);
    const shown s = {.x = pack->support + (size_t)t * (size_t)pack->supports * read,
                     .y = pack->raw[0] + (size_t)t * (size_t)pack->spec.supports * target,
                     .inputs = read,
                     .stride = target,
                     .n = pack->sizes[t].supports,
                     .classes = o->classes && !o->steps ? outputs < MOST_CLASSES ? outputs : MOST_CLASSES : 0};
    explain(&s, explained);
}
