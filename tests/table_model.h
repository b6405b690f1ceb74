/* SPDX-License-Identifier: Apache-2.0 */
/* table_model.h: small tables and models of them, for tests of the command: persons whose target is a line in their
 * dose, with constants of their own. The models' weights are as they start. */
#ifndef GOSS_TABLE_MODEL_H
#define GOSS_TABLE_MODEL_H

#include "base/rng.h"
#include "gossamer/model.h"
#include "gossamer/table_data.h"
#include "test.h"
#include "tiny_set.h"

/* Persons P00, P01, ... from `first` on, each with `rows` rows; y = 50 + 10 own + 3 dose + noise, or a class. The path
 * of the file. */
static inline const char *table_world(const char *name, int first, int persons, int rows, bool classes) {
    FILE *f = fopen(tiny_path(name), "w");
    if (!f) exit(99);
    fprintf(f, "person,visit,dose,y\n");
    for (int p = first; p < first + persons; p++) {
        goss__rng rng = goss__rng_make(5, (uint64_t)p);
        const double own = goss__rng_normal(&rng);
        for (int i = 0; i < rows; i++) {
            const double dose = goss__rng_normal(&rng), y = 50 + 10 * own + 3 * dose + .5 * goss__rng_normal(&rng);
            fprintf(f, "P%02d,%d.5,%.4f,", p, (i * 7 + p) % 11, dose);
            if (classes)
                fprintf(f, "%s\n", y > 50 ? "high" : "low");
            else
                fprintf(f, "%.4f\n", y);
        }
    }
    fclose(f);
    return tiny_path(name);
}

/* Opens a table as data and saves a model of it. more: overrides of the method's settings, NULL at the end; or NULL. */
static inline void table_model(const char *file, const char *method, const goss_table_data_options *o,
                               const char *const *more) {
    goss_error err;
    goss_table_data *d;
    goss_task_source source;
    goss_config *c;
    goss_model *m;
    int keys;
    const goss_key *key = goss_model_keys(&keys);
    T_OK(goss_table_data_open(o, &d, &err));
    T_OK(goss_table_data_train(d, &source, &err));
    T_OK(goss_config_new(key, keys, &c, &err));
    T_OK(goss_config_set(c, "model.backbone", "mlp 8", &err));
    for (; more && *more; more++) T_OK(goss_config_override(c, *more, &err));
    goss_data_spec data = goss_data_spec_tasks("table", &source.spec);
    const char *names[100];
    const goss_task_division *division = goss_table_data_division(d);
    for (int i = 0; i < division->train.n; i++)
        names[i] = goss_table_tasks_name(goss_table_data_tasks(d), division->train.tasks[i]);
    data.task_names = names, data.transform = goss_table_data_text(d);
    T_OK(goss_model_create(method, c, &data, 3, &m, &err));
    for (int use = 0; use < 2; use++) {
        size_t n;
        const uint64_t *rows = goss_table_data_rows(d, use == 1, &n);
        T_OK(goss_model_mark_samples(m, use ? GOSS_USE_VALIDATE : GOSS_USE_TRAIN, rows, n, &err));
    }
    T_OK(goss_model_save(m, tiny_path(file), &err));
    goss_model_free(m), goss_config_free(c);
    goss_task_source_free(&source), goss_table_data_free(d);
}

static inline goss_table_data_options table_options(const char *path) {
    goss_table_data_options o = goss_table_data_defaults();
    o.path = path, o.task = "person", o.target = "y", o.support = 3;
    return o;
}
#endif
