/* SPDX-License-Identifier: Apache-2.0 */
/* judged.c: accumulates metrics over the test samples of many tasks. */
#include <math.h>

#include "base/alloc.h"
#include "gossamer/interval.h"
#include "train/trial.h"

goss_status goss__judged_open(goss__judged *j, const goss_metric *metric, const goss_task_spec *spec, int tasks,
                              goss_error *err) {
    *j = (goss__judged){.metric = metric, .targets = goss_task_target_size(spec), .explained = NAN};
    if (!goss_task_objective(spec)->classes)
        GOSS_TRY(goss_metric_find(goss_task_objective(spec), "rmse", &j->rmse, err));
    j->name = goss__calloc((size_t)tasks + 1, sizeof *j->name);
    j->value = goss__calloc((size_t)tasks + 1, sizeof *j->value);
    j->tasks = j->name && j->value ? tasks : 0;
    return j->tasks == tasks ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for %d tasks", tasks);
}

void goss__judged_close(goss__judged *j) {
    for (int k = 0; k < j->tasks; k++) goss__free(j->name[k]);
    goss__free(j->name), goss__free(j->value);
    *j = (goss__judged){0};
}

double goss__judged_mean(const goss__judged *j) {
    double mean;
    goss_student_ci95(j->value, j->tasks, &mean, NULL);
    return mean;
}

/* Squared errors by the objective's own metric, whatever its outputs are. */
static void add_numbers(goss__judged *j, const goss_answers *a) {
    double n = 0;
    for (int i = 0; i < a->count; i++) {
        if (a->weight && !(a->weight[i] > 0)) continue;
        for (int w = 0; w < j->targets; w++) {
            const double y = (double)a->target[(size_t)i * (size_t)j->targets + (size_t)w];
            j->sum += y, j->square += y * y, n++;
        }
    }
    const double error = j->rmse->value(a);
    if (n > 0) j->error += n * error * error, j->samples += n;
    const double spread = j->square - j->sum * j->sum / j->samples;
    j->explained = spread > 0 ? 1 - j->error / spread : (double)NAN;
}

goss_status goss__judged_add(goss__judged *j, int k, const char *name, const goss_answers *answers, goss_error *err) {
    j->name[k] = goss__strdup(name);
    if (!j->name[k]) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a task's name");
    j->value[k] = j->metric->value(answers);
    if (j->rmse) add_numbers(j, answers);
    return GOSS_OK;
}
